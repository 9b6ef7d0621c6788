// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_NLINV_HPP
#define CARDIOMM_MRI_NLINV_HPP
/// \file
/// Joint reconstruction of image and coil sensitivities by non-linear inversion (Uecker, Hohage,
/// Block and Frahm 2008): no calibration, no maps. The coils are smooth because what is regularised
/// are their weighted Fourier coefficients, s = F^-1 w c with w = (1 + a |k|^2)^(-b / 2), k in
/// cycles / pixel.

#include "cardiomm/core/profile.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "cardiomm/solve/gauss_newton.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// The defaults are those of `bart nlinv`.
struct nlinv_options {
  int iterations = 8;          ///< Newton steps
  double alpha = 1;            ///< first weight of |x|^2, for data of norm 100
  double lambda = 0;           ///< least weight
  double reduction = 2;        ///< of the weight, from step to step
  int inner = 100;             ///< iterations of CG at most
  double tolerance = 0;        ///< stop when |y - F(x)| <= tolerance |y|; 0 never
  double inner_tolerance = 1;  ///< see solve::gauss_newton_options
  double sobolev_a = 220;      ///< of the coils' weights
  double sobolev_b = 32;
  bool normalise = true;  ///< image times root sum of squares of the coils, which then have norm 1
  solve::monitor monitor{};  ///< hears of every Newton step of a frame
};

/// What nlinv finds.
template <class C, ExecutionSpace Ex>
struct nlinv_result {
  tensor<C, 5, Ex> image;  ///< (set = 1, frame, slice, y, x), in units of k-space
  tensor<C, 5, Ex> maps;   ///< (frame, slice, coil, y, x)
  solve::report report;    ///< iterations: most of the frames; residual: |y - F(x)| / |y| of each
};

namespace detail {

/// out = w in, conj(w) = w real; channels of `pixels` numbers
template <class T>
struct nlinv_weight {
  static constexpr const char* name = "cardiomm::mri::nlinv_weight";
  const complex<T>* in;
  complex<T>* out;
  const T* weight;
  index_t pixels;
  linop::accumulation<complex<T>> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t coil, index_t first, index_t last) const {
    const complex<T>* a = in + coil * pixels;
    complex<T>* b = out + coil * pixels;
    if (acc.plain())
      for (index_t i = first; i < last; ++i) b[i] = weight[i] * a[i];
    else
      for (index_t i = first; i < last; ++i) acc.put(b[i], weight[i] * a[i]);
  }
};
/// t_c = rho t_c + d s_c; without d: t_c = rho s_c
template <class T>
struct nlinv_product {
  static constexpr const char* name = "cardiomm::mri::nlinv_product";
  complex<T>* t;
  const complex<T>* image;
  const complex<T>* change;
  const complex<T>* coils;
  index_t pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t coil, index_t first, index_t last) const {
    complex<T>* a = t + coil * pixels;
    const complex<T>* s = coils + coil * pixels;
    if (change == nullptr)
      for (index_t i = first; i < last; ++i) a[i] = mul(image[i], s[i]);
    else
      for (index_t i = first; i < last; ++i) {
        const complex<T> u = mul(image[i], a[i]), v = mul(change[i], s[i]);
        a[i] = complex<T>(u.real() + v.real(), u.imag() + v.imag());
      }
  }
};
/// d = sum conj(s_c) t_c, t_c = conj(rho) t_c
template <class T>
struct nlinv_gather {
  static constexpr const char* name = "cardiomm::mri::nlinv_gather";
  complex<T>* t;
  const complex<T>* image;
  const complex<T>* coils;
  complex<T>* out;
  index_t count, pixels;
  linop::accumulation<complex<T>> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    constexpr index_t most = 64;
    for (index_t from = first; from < last; from += most) {  // sums of a few pixels in registers
      const index_t n = last - from < most ? last - from : most;
      T re[most] = {}, im[most] = {};
      const complex<T>* rho = image + from;
      for (index_t c = 0; c < count; ++c) {
        complex<T>* a = t + c * pixels + from;
        const complex<T>* s = coils + c * pixels + from;
        for (index_t i = 0; i < n; ++i) {
          const complex<T> v = conj_mul(s[i], a[i]);
          re[i] += v.real();
          im[i] += v.imag();
          a[i] = conj_mul(rho[i], a[i]);
        }
      }
      for (index_t i = 0; i < n; ++i) acc.put(out[from + i], complex<T>(re[i], im[i]));
    }
  }
};
/// image *= rss, coils /= rss
template <class T>
struct nlinv_normalise {
  static constexpr const char* name = "cardiomm::mri::nlinv_normalise";
  complex<T>* image;
  complex<T>* coils;
  index_t count, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      T sum = 0;
      for (index_t c = 0; c < count; ++c) sum += abs2(coils[c * pixels + i]);
      const T size = math::sqrt(sum), over = size > 0 ? 1 / size : T(0);
      image[i] = complex<T>(size * image[i].real(), size * image[i].imag());
      for (index_t c = 0; c < count; ++c) {
        complex<T>& s = coils[c * pixels + i];
        s = complex<T>(over * s.real(), over * s.imag());
      }
    }
  }
};

/// What the model and its derivative share; copies refer to the same memory.
template <class T, ExecutionSpace Ex>
struct nlinv_state {
  tensor<T, 2, Ex> weight;          ///< (y, x) of the coils' Fourier coefficients
  tensor<T, 2, Ex> mask;            ///< (y, x)
  tensor<complex<T>, 2, Ex> image;  ///< (y, x)
  tensor<complex<T>, 5, Ex> coils;  ///< (1, 1, coil, y, x)
  index_t pixels() const { return static_cast<index_t>(weight.size()); }
  index_t count() const { return static_cast<index_t>(coils.extent(2)); }
};

/// (image, coefficients of the coils) (1, 1, 1 + coil, y, x) -> k-space (1, 1, coil, y, x):
/// mask F (rho ds + drho s), ds = F^-1 w dc.
template <class T, ExecutionSpace Ex>
class nlinv_derivative : public linop::linear_operator<nlinv_derivative<T, Ex>, T, 5, 5, Ex> {
  using base = linop::linear_operator<nlinv_derivative, T, 5, 5, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "nlinv_derivative (frame, slice, 1 + coil, y, x)";
  explicit nlinv_derivative(nlinv_state<T, Ex> s) : s_(std::move(s)) {}

  void unify(shape<5>& d, shape<5>& r) const {
    shape<5> own = shape_of(s_.coils);
    linop::merge(own, r, name);
    own[2] += 1;
    linop::merge(own, d, name);
  }
  void apply(const Ex& ex, linop::domain_in<base> x, linop::range_out<base> y,
             linop::acc_of<base> acc) const {
    const index_t n = s_.pixels(), coils = s_.count();
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto t = scratch.template tensor<C>(shape_of(y));
    launch::rows(ex, coils, n, nlinv_weight<T>{x.data() + n, t.data(), s_.weight.data(), n, {}});
    linop::apply_adjoint(ex, transform_, t, t);
    launch::rows(ex, coils, n,
                 nlinv_product<T>{t.data(), s_.image.data(), x.data(), s_.coils.data(), n});
    linop::apply(ex, transform_, t, t);
    launch::rows(ex, coils, n, nlinv_weight<T>{t.data(), y.data(), s_.mask.data(), n, acc});
  }
  void apply_adjoint(const Ex& ex, linop::range_in<base> y, linop::domain_out<base> x,
                     linop::acc_of<base> acc) const {
    const index_t n = s_.pixels(), coils = s_.count();
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto t = scratch.template tensor<C>(shape_of(y));
    launch::rows(ex, coils, n, nlinv_weight<T>{y.data(), t.data(), s_.mask.data(), n, {}});
    linop::apply_adjoint(ex, transform_, t, t);
    launch::segments(
        ex, n,
        nlinv_gather<T>{t.data(), s_.image.data(), s_.coils.data(), x.data(), coils, n, acc});
    linop::apply(ex, transform_, t, t);
    launch::rows(ex, coils, n, nlinv_weight<T>{t.data(), x.data() + n, s_.weight.data(), n, acc});
  }
  const void* id() const { return s_.coils.data(); }

 private:
  nlinv_state<T, Ex> s_;
  linop::fourier_op<T, 5, Ex> transform_;
};

/// F(rho, c) = mask F (rho s), s = F^-1 w c, of one frame and slice.
template <class T, ExecutionSpace Ex>
class nlinv_model {
 public:
  using value_type = complex<T>;
  using execution_space = Ex;
  static constexpr int domain_rank = 5, range_rank = 5;

  nlinv_model(const Ex& ex, index_t coils, index_t ny, index_t nx, double a, double b) {
    auto w = make_tensor<T>(host_space(), shape{ny, nx});
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        const double ky = double(y - ny / 2) / double(ny), kx = double(x - nx / 2) / double(nx);
        w(y, x) = T(std::pow(1 + a * (ky * ky + kx * kx), -b / 2));
      }
    state_.weight = to_space(ex, w);
    state_.mask = make_tensor<T>(ex, shape{ny, nx});
    state_.image = make_tensor<complex<T>>(ex, shape{ny, nx});
    state_.coils = make_tensor<complex<T>>(ex, shape{index_t(1), index_t(1), coils, ny, nx});
  }
  /// Sampling of the frame at hand, 0/1 (y, x).
  void set_mask(const host_tensor<T, 2>& mask) { Kokkos::deep_copy(state_.mask, mask); }

  template <TensorView X>
  void linearise(const Ex& ex, const X& x) {
    const index_t n = state_.pixels(), coils = state_.count();
    linop::detail::copy_into(ex, borrow(ex, x.data(), shape{n}), flatten(state_.image),
                             linop::accumulation<complex<T>>{});
    launch::rows(ex, coils, n,
                 nlinv_weight<T>{x.data() + n, state_.coils.data(), state_.weight.data(), n, {}});
    linop::apply_adjoint(ex, transform_, state_.coils, state_.coils);
  }
  template <TensorView Y>
  void evaluate(const Ex& ex, const Y& y) const {
    const index_t n = state_.pixels(), coils = state_.count();
    launch::rows(ex, coils, n,
                 nlinv_product<T>{y.data(), state_.image.data(), nullptr, state_.coils.data(), n});
    linop::apply(ex, transform_, y, y);
    launch::rows(ex, coils, n, nlinv_weight<T>{y.data(), y.data(), state_.mask.data(), n, {}});
  }
  nlinv_derivative<T, Ex> derivative() const { return nlinv_derivative<T, Ex>(state_); }
  const nlinv_state<T, Ex>& state() const { return state_; }

 private:
  nlinv_state<T, Ex> state_;
  linop::fourier_op<T, 5, Ex> transform_;
};

/// Image 1, coils 0
template <class T>
struct nlinv_start {
  static constexpr const char* name = "cardiomm::mri::nlinv_start";
  complex<T>* x;
  index_t pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) x[i] = complex<T>(i < pixels ? T(1) : T(0));
  }
};
}  // namespace detail

/// Image and sensitivities of every frame and slice by themselves, from image 1 and coils 0.
///
/// \param kspace  (frame, slice, coil, y, x), any scale; zeros where the mask is 0 are not needed
/// \param mask    0/1 (frame or 1, y, x) on the host
/// \return image (1, frame, slice, y, x) in units of k-space, maps (frame, slice, coil, y, x)
/// Throws shape_error and value_error for arguments that do not fit each other.
template <ExecutionSpace Ex, TensorView K>
auto nlinv(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask,
           const nlinv_options& options = {}) {
  using C = element_of<K>;
  using T = real_of<C>;
  const profile_region region("cardiomm::mri::nlinv");
  const shape<5> k = shape_of(kspace);
  const shape<3> m = shape_of(mask);
  require<shape_error>(k.size() > 0, "nlinv: k-space: expected samples, found shape ", k);
  require<shape_error>((m[0] == 1 || m[0] == k[0]) && m[1] == k[3] && m[2] == k[4],
                       "nlinv: mask: expected (frame or 1, y, x) = ", shape{k[0], k[3], k[4]},
                       ", found ", m);
  require(options.lambda >= 0, "nlinv: lambda: expected at least 0, found ", options.lambda);
  require(options.sobolev_a >= 0 && options.sobolev_b >= 0,
          "nlinv: Sobolev weights: expected a and b of at least 0, found ", options.sobolev_a,
          " and ", options.sobolev_b);
  nlinv_result<C, Ex> out;
  out.image = zeros<C>(ex, shape{index_t(1), k[0], k[1], k[3], k[4]}, "cardiomm::nlinv");
  out.maps = zeros<C>(ex, k, "cardiomm::nlinv");
  out.report.converged = options.tolerance > 0;

  const index_t pixels = k[3] * k[4];
  detail::nlinv_model<T, Ex> model(ex, k[2], k[3], k[4], options.sobolev_a, options.sobolev_b);
  const shape<5> unknowns{{1, 1, 1 + k[2], k[3], k[4]}}, one{{1, 1, k[2], k[3], k[4]}};
  const auto x = make_tensor<C>(ex, unknowns), origin = zeros<C>(ex, unknowns);
  const auto y = make_tensor<C>(ex, one);
  solve::gauss_newton_options newton;
  newton.iterations = options.iterations;
  newton.alpha = options.alpha;
  newton.least = options.lambda;
  newton.reduction = options.reduction;
  newton.inner = options.inner;
  newton.inner_tolerance = options.inner_tolerance;
  newton.tolerance = options.tolerance;
  newton.monitor = options.monitor;

  for (index_t i = 0; i < k[0] * k[1] && !out.report.interrupted; ++i) {
    const index_t f = i / k[1];
    const auto sampled = detail::mask_frame(mask, f);
    auto weights = make_tensor<T>(host_space(), shape{k[3], k[4]});
    for (index_t p = 0; p < pixels; ++p) weights.data()[p] = T(sampled.data()[p] != 0);
    model.set_mask(weights);
    launch::rows(
        ex, k[2], pixels,
        detail::nlinv_weight<T>{
            kspace.data() + i * one.size(), y.data(), model.state().mask.data(), pixels, {}});
    const double size = blas1::norm(ex, y);
    if (size == 0) {  // an empty frame has an empty image
      out.report.residual.push_back(0);
      continue;
    }
    blas1::scale(ex, C(T(100 / size)), y);
    launch::segments(ex, unknowns.size(), detail::nlinv_start<T>{x.data(), pixels});
    const auto end = solve::gauss_newton(ex, model, y, origin, x, newton);
    const auto image = borrow(ex, out.image.data() + i * pixels, shape{pixels});
    const auto coils = borrow(ex, out.maps.data() + i * one.size(), shape{one.size()});
    linop::detail::copy_into(ex, flatten(model.state().image), image,
                             linop::accumulation<C>{C(T(size / 100)), false});
    linop::detail::copy_into(ex, flatten(model.state().coils), coils, linop::accumulation<C>{});
    if (options.normalise)
      launch::segments(ex, pixels,
                       detail::nlinv_normalise<T>{image.data(), coils.data(), k[2], pixels});
    out.report.iterations = std::max(out.report.iterations, end.iterations);
    out.report.converged = out.report.converged && end.converged;
    out.report.interrupted = end.interrupted;
    out.report.breakdown = out.report.breakdown || end.breakdown;
    out.report.residual.push_back(end.residual.at(0));
  }
  ex.fence();
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
