// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_RESIZE_HPP
#define CARDIOMM_NN_RESIZE_HPP
/// \file
/// Bilinear resize of features (item, y, x, channel): half-pixel centres, corners not aligned, no
/// antialiasing (`interpolate(mode="bilinear", align_corners=False)` of PyTorch). Along each axis
///
///     s = max(0, (i + 1/2) r - 1/2),  i0 = floor(s),  i1 = min(i0 + 1, n_in - 1),  w = s - i0
///     y_i = (1 - w) x_i0 + w x_i1
///
/// with r = n_in / n_out for a given size and r = 1 / factor for a given factor, in the precision
/// of the features.

#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/packets.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

/// One axis of a bilinear resize.
template <class T>
struct resize_axis {
  index_t in, out;
  T ratio;

  struct source {
    index_t i0, i1;
    T w;
  };
  KOKKOS_FORCEINLINE_FUNCTION source of(index_t i) const {
    const T s = (T(i) + T(0.5)) * ratio - T(0.5);
    if (!(s > T(0))) return {0, in > 1 ? 1 : 0, T(0)};
    index_t i0 = static_cast<index_t>(s);
    if (i0 > in - 1) i0 = in - 1;
    return {i0, i0 + 1 < in ? i0 + 1 : i0, s - T(i0)};
  }
  /// Weight of input `from` in output i.
  KOKKOS_FORCEINLINE_FUNCTION T weight(index_t i, index_t from) const {
    const source s = of(i);
    return (s.i0 == from ? T(1) - s.w : T(0)) + (s.i1 == from ? s.w : T(0));
  }
  /// The outputs that may read input `from` lie in [first, last), with one to spare for rounding.
  KOKKOS_FORCEINLINE_FUNCTION index_t first(index_t from) const {
    if (from == 0) return 0;
    const index_t i = static_cast<index_t>((T(from) - T(0.5)) / ratio - T(0.5)) - 1;
    return i < 0 ? 0 : i;
  }
  KOKKOS_FORCEINLINE_FUNCTION index_t last(index_t from) const {
    if (from == in - 1) return out;
    const index_t i = static_cast<index_t>((T(from) + T(1.5)) / ratio - T(0.5)) + 2;
    return i > out ? out : i;
  }
};

/// Rows are output rows of items, columns (x, channel).
template <class T, ExecutionSpace Ex, bool Add>
struct resize_forward {
  static constexpr const char* name = "cardiomm::nn::resize";
  resize_axis<T> vertical, horizontal;
  const T* x;
  const T* skip;
  T* y;
  index_t channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t item = row / vertical.out;
    const auto v = vertical.of(row - item * vertical.out);
    const index_t pitch = horizontal.in * channels;
    const T* up = x + (item * vertical.in + v.i0) * pitch;
    const T* low = x + (item * vertical.in + v.i1) * pitch;
    const index_t base = row * horizontal.out * channels;
    for (index_t at = first; at < last;) {
      const index_t i = at / channels, start = i * channels;
      const index_t end = start + channels < last ? start + channels : last;
      const auto h = horizontal.of(i);
      const index_t left = h.i0 * channels, right = h.i1 * channels;
      packets<T, Ex>(at - start, end - start, [&](auto tag, index_t c) {
        using L = typename decltype(tag)::type;
        using traits = lane_traits<L>;
        const L a = traits::load(up + left + c), b = traits::load(up + right + c);
        const L d = traits::load(low + left + c), e = traits::load(low + right + c);
        const L w(h.w);
        const L above = traits::fma(w, b - a, a), below = traits::fma(w, e - d, d);
        L value = traits::fma(L(v.w), below - above, above);
        if constexpr (Add) value = value + traits::load(skip + base + start + c);
        traits::store(y + base + start + c, value);
      });
      at = end;
    }
  }
};
/// The adjoint, gathered: rows are input rows of items, columns (x, channel).
template <class T, ExecutionSpace Ex>
struct resize_backward {
  static constexpr const char* name = "cardiomm::nn::resize_backward";
  resize_axis<T> vertical, horizontal;
  const T* dy;
  T* dx;
  index_t channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t item = row / vertical.in, iy = row - item * vertical.in;
    const index_t y0 = vertical.first(iy), y1 = vertical.last(iy);
    const index_t pitch = horizontal.out * channels;
    const T* from = dy + item * vertical.out * pitch;
    for (index_t at = first; at < last;) {
      const index_t ix = at / channels, start = ix * channels;
      const index_t end = start + channels < last ? start + channels : last;
      const index_t x0 = horizontal.first(ix), x1 = horizontal.last(ix);
      packets<T, Ex>(at - start, end - start, [&](auto tag, index_t c) {
        using L = typename decltype(tag)::type;
        using traits = lane_traits<L>;
        L sum(T(0));
        for (index_t oy = y0; oy < y1; ++oy) {
          const T wy = vertical.weight(oy, iy);
          if (wy == T(0)) continue;
          L part(T(0));
          for (index_t ox = x0; ox < x1; ++ox)
            part = traits::fma(L(horizontal.weight(ox, ix)),
                               traits::load(from + oy * pitch + ox * channels + c), part);
          sum = traits::fma(L(wy), part, sum);
        }
        traits::store(dx + row * horizontal.in * channels + start + c, sum);
      });
      at = end;
    }
  }
};
}  // namespace detail

/// Bilinear resize to a size, `resize<T>::to(ny, nx)`, or by a factor, `resize<T>::by(2)`.
template <class T, ExecutionSpace Ex = default_space>
class resize : public layer<resize<T, Ex>, T, 4, 4, Ex> {
 public:
  using base = layer<resize, T, 4, 4, Ex>;
  static constexpr const char* name = "resize";

  /// Throws shape_error for sizes below 1.
  static resize to(index_t ny, index_t nx) {
    require<shape_error>(ny >= 1 && nx >= 1, "resize: expected a size of at least 1, found ",
                         shape{ny, nx});
    return resize(ny, nx, 0);
  }
  /// Sizes become floor(n factor). Throws value_error for factors that are not positive.
  static resize by(double factor) {
    require(factor > 0, "resize: expected a positive factor, found ", factor);
    return resize(0, 0, factor);
  }

  shape<4> output(const shape<4>& in) const {
    const shape<4> out{{in[0], axis(in[1], ny_).out, axis(in[2], nx_).out, in[3]}};
    require<shape_error>(in[1] >= 1 && in[2] >= 1 && out[1] >= 1 && out[2] >= 1,
                         "resize: expected at least one pixel, found ", in, " to ", out);
    return out;
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    run<false>(ex, x, nullptr, y);
  }
  /// y = resize(x) + skip in one pass over memory; skip has the shape of y and may be y.
  void forward_add(const Ex& ex, const typename base::in& x, const typename base::result& skip,
                   const typename base::out& y) const {
    require<shape_error>(shape_of(skip) == shape_of(y), "resize: skip: expected ", shape_of(y),
                         ", found ", shape_of(skip));
    run<true>(ex, x, skip.data(), y);
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result& y,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    (void)y;
    if (!dx.data()) return;
    const auto in = shape_of(x);
    launch::rows(ex, in[0] * in[1], in[2] * in[3],
                 detail::resize_backward<T, Ex>{axis(in[1], ny_), axis(in[2], nx_), dy.data(),
                                                dx.data(), in[3]});
  }

 private:
  resize(index_t ny, index_t nx, double factor) : ny_(ny), nx_(nx), factor_(factor) {}
  detail::resize_axis<T> axis(index_t n, index_t size) const {
    if (factor_ > 0) return {n, static_cast<index_t>(double(n) * factor_), T(1 / factor_)};
    return {n, size, T(n) / T(size)};
  }
  template <bool Add>
  void run(const Ex& ex, const typename base::in& x, const T* skip,
           const typename base::out& y) const {
    const auto in = shape_of(x);
    require<shape_error>(shape_of(y) == output(in), "resize: expected a result of ", output(in),
                         ", found ", shape_of(y));
    launch::rows(ex, in[0] * y.extent(1), y.extent(2) * in[3],
                 detail::resize_forward<T, Ex, Add>{axis(in[1], ny_), axis(in[2], nx_), x.data(),
                                                    skip, y.data(), in[3]});
  }
  index_t ny_, nx_;
  double factor_;
};

template <class T, ExecutionSpace Ex>
struct specimen<resize<T, Ex>> {
  static resize<T, Ex> make(const Ex&, linop::size_class s, std::uint64_t) {
    switch (s) {
      case linop::size_class::odd:
        return resize<T, Ex>::to(13, 4);
      case linop::size_class::wide:
        return resize<T, Ex>::to(5, 31);
      case linop::size_class::singleton:
        return resize<T, Ex>::to(3, 2);
      default:
        return resize<T, Ex>::by(2);
    }
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
using resize_specimens = linop::type_list<resize<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
