// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_WAVELET_HPP
#define CARDIOMM_LINOP_WAVELET_HPP
/// \file
/// Orthogonal wavelet transform over y and x of every plane of an image (frame, slice, y, x), and
/// soft thresholding of its coefficients in one sweep. Conventions: wavelet_plan.hpp.
///
///     linop::wavelet<float> w(208, 256, {.name = "dau2", .levels = 3});
///     auto coefficients = w * image;                   // same shape; W^H W = 1
///     linop::wavelet_threshold(ex, w.plan(), image, image, lambda);   // the prox of lambda |W
///     x|_1
///
/// Kernels that need the transform of a plane inside use `wavelet_frame` (wavelet_rows.hpp) the way
/// those here do.

#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"
#include "cardiomm/linop/wavelet_rows.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// Complex soft thresholding, c max(0, 1 - lambda / |c|), for coefficients as they are made.
template <class T, class Number>
struct soft_threshold {
  T lambda;

  KOKKOS_FORCEINLINE_FUNCTION void operator()(complex<T>& c) const {
    const T size = math::sqrt(abs2(c));
    const T factor = size > lambda ? 1 - lambda / size : T(0);
    c = complex<T>(factor * c.real(), factor * c.imag());
  }
  /// n complex numbers, packet by packet.
  KOKKOS_INLINE_FUNCTION void row(T* c, index_t n) const {
    using traits = lane_traits<Number>;
    constexpr index_t W = traits::width;
    index_t i = 0;
    if constexpr (W > 1) {
      const Number one(T(1)), zero(T(0)), least(tiny()), t(lambda);
      for (; i + W <= n; i += W) {
        Number re = traits::load(c + 2 * i), im = traits::load(c + 2 * i + W);
        launch::detail::deinterleave(re, im);
        const Number size = traits::sqrt(traits::fma(re, re, traits::fma(im, im, least)));
        const Number factor = traits::max(zero, one - t / size);
        re = re * factor;
        im = im * factor;
        launch::detail::interleave(re, im);
        traits::store(c + 2 * i, re);
        traits::store(c + 2 * i + W, im);
      }
    }
    for (; i < n; ++i) (*this)(reinterpret_cast<complex<T>*>(c)[i]);
  }

 private:
  // keeps 0 / 0 away without a branch; |c|^2 below it is zero for any purpose
  static constexpr T tiny() { return sizeof(T) == 4 ? T(1e-37) : T(1e-300); }
};

namespace detail {

template <class T>
struct wavelet_forward_kernel {
  static constexpr const char* name = "cardiomm::linop::wavelet";
  wavelet_plan<T> plan;
  const complex<T>* image;
  complex<T>* data;
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    const wavelet_frame<T, Tile> w(tile, plan, tile.scratch());
    w.forward(image + tile.index() * plan.ny * plan.nx, data + tile.index() * plan.coefficients);
  }
};
template <class T>
struct wavelet_inverse_kernel {
  static constexpr const char* name = "cardiomm::linop::wavelet_inverse";
  wavelet_plan<T> plan;
  const complex<T>* data;
  complex<T>* image;
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    const wavelet_frame<T, Tile> w(tile, plan, tile.scratch());
    w.inverse(data + tile.index() * plan.coefficients, image + tile.index() * plan.ny * plan.nx);
  }
};
template <class T>
struct wavelet_adjoint_kernel {
  static constexpr const char* name = "cardiomm::linop::wavelet_adjoint";
  wavelet_plan<T> plan;
  const complex<T>* data;
  complex<T>* image;
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    wavelet_backward_items(tile, plan, data + tile.index() * plan.coefficients,
                           image + tile.index() * plan.ny * plan.nx,
                           reinterpret_cast<complex<T>*>(tile.scratch()), true);
  }
};
template <class T>
struct wavelet_threshold_kernel {
  static constexpr const char* name = "cardiomm::linop::wavelet_threshold";
  wavelet_plan<T> plan;
  const complex<T>* in;
  complex<T>* out;
  T lambda;
  index_t work;  // scratch numbers of the transform, before those of the coefficients
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    const wavelet_frame<T, Tile> w(tile, plan, tile.scratch());
    complex<T>* const data = reinterpret_cast<complex<T>*>(tile.scratch() + work);
    const index_t at = tile.index() * plan.ny * plan.nx;
    w.forward(in + at, data, soft_threshold<T, typename Tile::number>{lambda});
    tile.barrier();
    w.inverse(data, out + at);
  }
};

/// A multiple of a cache line.
template <class T>
constexpr index_t whole_lines(index_t numbers) {
  const index_t line = static_cast<index_t>(64 / sizeof(T));
  return (numbers + line - 1) / line * line;
}

}  // namespace detail

/// out = W^-1 soft(W in, lambda) for every plane, in one launch: for a periodic W the proximal
/// operator of lambda |W x|_1; `in` and `out` may be the same tensor (frame, slice, y, x). Throws
/// shape_error if the planes are not the plan's, value_error for a negative lambda.
template <ExecutionSpace Ex, class T, TensorView In, TensorView Out>
void wavelet_threshold(const Ex& ex, const wavelet_plan<T>& plan, const In& in, const Out& out,
                       T lambda) {
  const auto s = shape_of(in);
  constexpr int R = rank_of<In>;
  require<shape_error>(s == shape_of(out) && s[R - 2] == plan.ny && s[R - 1] == plan.nx,
                       "wavelet_threshold: expected planes ", shape{plan.ny, plan.nx}, ", found ",
                       s, " and ", shape_of(out));
  require(lambda >= 0, "wavelet_threshold: lambda: expected a number of at least 0, found ",
          lambda);
  const index_t work = detail::whole_lines<T>(wavelet_scratch<Ex>(plan));
  launch::tiles<T>(ex, s.size() / (plan.ny * plan.nx), work + 2 * plan.coefficients,
                   detail::wavelet_threshold_kernel<T>{plan, in.data(), out.data(), lambda, work});
}

/// A circular shift, below 2^levels along each axis, for a transform that is not to depend on where
/// its grid lies; iteration i of a seed always gives the same.
struct wavelet_shift {
  index_t y, x;
};
template <class T>
wavelet_shift random_shift(const wavelet_plan<T>& plan, std::uint64_t seed,
                           std::uint64_t iteration) {
  const random::words b = random::bits(seed, iteration, 0x77617665u);
  index_t y = 1, x = 1;
  for (int i = 0; i < plan.levels; ++i) {
    if (plan.at[i].y.split) y *= 2;
    if (plan.at[i].x.split) x *= 2;
  }
  return {index_t(b.w[0] % std::uint32_t(y)), index_t(b.w[1] % std::uint32_t(x))};
}

/// y = W x. Periodic: coefficients in the shape of the image, unitary. Symmetric (BART's):
/// coefficients (frame, slice, 1, count), not orthogonal; `apply_adjoint` is the exact adjoint,
/// `inverse` is BART's.
template <class T, ExecutionSpace Ex = default_space,
          wavelet_boundary Boundary = wavelet_boundary::periodic>
class wavelet : public linear_operator<wavelet<T, Ex, Boundary>, T, 4, 4, Ex> {
  using base = linear_operator<wavelet<T, Ex, Boundary>, T, 4, 4, Ex>;
  static constexpr bool periodic = Boundary == wavelet_boundary::periodic;

 public:
  static constexpr const char* name = "wavelet";
  static constexpr bool unitary = periodic;

  /// Planes of ny x nx pixels. Throws shape_error, value_error.
  wavelet(index_t ny, index_t nx, const wavelet_options& options = {})
      : plan_(ny, nx, options, Boundary) {}

  void unify(shape<4>& d, shape<4>& r) const {
    shape<4> from{{open, open, plan_.ny, plan_.nx}};
    shape<4> to = periodic ? from : shape<4>{{open, open, 1, plan_.coefficients}};
    merge(from, d, "wavelet: image");
    merge(to, r, "wavelet: coefficients");
    merge(d[0], r[0], name, "frames");
    merge(d[1], r[1], name, "slices");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    run<detail::wavelet_forward_kernel<T>>(ex, x, y, acc, wavelet_scratch<Ex>(plan_));
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    if constexpr (periodic)
      run<detail::wavelet_inverse_kernel<T>>(ex, y, x, acc, wavelet_scratch<Ex>(plan_));
    else
      run<detail::wavelet_adjoint_kernel<T>>(ex, y, x, acc,
                                             2 * detail::wavelet_item_scratch(plan_));
  }
  /// x = W^-1 y. Throws shape_error as apply does.
  void inverse(const Ex& ex, range_in<base> y, domain_out<base> x) const {
    auto d = shape_of(x), r = shape_of(y);
    unify(d, r);
    run<detail::wavelet_inverse_kernel<T>>(ex, y, x, {}, wavelet_scratch<Ex>(plan_));
  }
  const void* id() const { return this; }
  const wavelet_plan<T>& plan() const { return plan_; }
  /// The same transform of images shifted circularly by (y, x) pixels.
  wavelet shifted(wavelet_shift by) const {
    wavelet w = *this;
    w.plan_.shift(by.y, by.x);
    return w;
  }

 private:
  template <class Kernel, TensorView In, TensorView Out>
  void run(const Ex& ex, const In& in, const Out& out, acc_of<base> acc, index_t scratch) const {
    const index_t planes = static_cast<index_t>(in.extent(0) * in.extent(1));
    if (acc.plain())
      return launch::tiles<T>(ex, planes, scratch, Kernel{plan_, in.data(), out.data()});
    typename workspace<Ex>::frame frame(workspace<Ex>::of(ex));
    const auto result = frame.template tensor<complex<T>>(shape_of(out));
    launch::tiles<T>(ex, planes, scratch, Kernel{plan_, in.data(), result.data()});
    detail::copy_into(ex, result, out, acc);
  }
  wavelet_plan<T> plan_;
};

template <class T, ExecutionSpace Ex, wavelet_boundary B>
struct specimen<wavelet<T, Ex, B>> {
  static wavelet<T, Ex, B> make(const Ex&, size_class s, std::uint64_t) {
    const shape<4> d = domain(s);
    switch (s) {
      case size_class::tiny:
        return {d[2], d[3], {"haar", 0, 2, 0, 0}};
      case size_class::odd:
        return {d[2], d[3], {"dau2", 2, 2, 3, 1}};
      case size_class::wide:
        return {d[2], d[3], {"dau4", 3, 2, 0, 5}};
      default:
        return {d[2], d[3], {"dau8", 3, 4, 1, 0}};
    }
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using wavelet_specimens = type_list<wavelet<T, Ex>, wavelet<T, Ex, wavelet_boundary::symmetric>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
