// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_PHASE_HPP
#define CARDIOMM_ANALYSIS_PHASE_HPP
/// \file
/// What complex images tell by their phase: velocities of phase contrast, with the background phase
/// of still tissue taken away, and phase-sensitive (PSIR) late enhancement.
/// Sources: Pelc et al., Magn Reson Q 7 (1991) 229-254; Walker et al., J Magn Reson Imaging 3
/// (1993) 521-530 (background); Kellman et al., Magn Reson Med 47 (2002) 372-383 (PSIR).

#include <algorithm>
#include <cmath>
#include <vector>

#include "cardiomm/la/cholesky.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

struct velocity_options {
  double venc = 150;    ///< velocity of a phase of pi, cm/s (or any unit: that of the result)
  int background = -1;  ///< order of the polynomial in x and y that still tissue shows; -1: none
};

template <class T, ExecutionSpace Ex>
struct velocity_map {
  tensor<T, 4, Ex> velocity;  ///< (frame, slice, y, x), unit of venc
  /// (slice, coefficient) of the background's phase, rad, for the products x^i y^j, i + j <= order,
  /// by j and then i; x and y from -1 to 1 over the image.
  host_tensor<double, 2> background;
};

struct psir_options {
  double sigma = 1.5;      ///< of the Gaussian that smoothes the reference, pixels; 0: none
  bool normalise = false;  ///< divide by the smoothed reference's magnitude, the coils' shading
};

namespace detail {

inline constexpr int max_order = 5, max_terms = (max_order + 1) * (max_order + 2) / 2;
inline constexpr int terms_of(int order) { return order < 0 ? 0 : (order + 1) * (order + 2) / 2; }

/// Products x^i y^j of a pixel.
KOKKOS_INLINE_FUNCTION void monomials(int order, double x, double y, double* m) {
  int at = 0;
  double py = 1;
  for (int j = 0; j <= order; ++j, py *= y) {
    double p = py;
    for (int i = 0; i + j <= order; ++i, p *= x) m[at++] = p;
  }
}
KOKKOS_INLINE_FUNCTION double coordinate(index_t i, index_t n) {
  return n > 1 ? 2.0 * double(i) / double(n - 1) - 1 : 0;
}

/// encoded * conj(reference), or encoded where there is no reference.
template <class T>
struct encoded_phase {
  const complex<T>*encoded, *reference;
  index_t pixels;  // of a frame
  bool one_reference;
  KOKKOS_INLINE_FUNCTION complex<T> operator()(index_t i) const {
    if (reference == nullptr) return encoded[i];
    return conj_mul(reference[one_reference ? i % pixels : i], encoded[i]);
  }
};

/// Sum over the frames of a pixel, and how much of its length the phases leave.
template <class T>
struct mean_phase {
  static constexpr const char* name = "cardiomm::analysis::mean_phase";
  encoded_phase<T> product;
  index_t frames;
  complex<T>* sum;
  T* length;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      complex<T> s(0);
      T l = 0;
      for (index_t f = 0; f < frames; ++f) {
        const complex<T> p = product(f * product.pixels + i);
        s += p;
        l += math::sqrt(abs2(p));
      }
      sum[i] = s;
      length[i] = l;
    }
  }
};

template <class T>
struct velocity_kernel {
  static constexpr const char* name = "cardiomm::analysis::velocity";
  encoded_phase<T> product;
  const std::uint8_t* mask;    // (slice, y, x), or null
  const double* coefficients;  // (slice, term)
  int order;
  index_t ny, nx;
  double scale;
  T* out;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const index_t pixel = i % product.pixels;
      if (mask != nullptr && mask[pixel] == 0) {
        out[i] = T(0);
        continue;
      }
      complex<T> p = product(i);
      if (order >= 0) {
        double m[max_terms], phase = 0;
        monomials(order, coordinate(pixel % nx, nx), coordinate(pixel / nx % ny, ny), m);
        const int terms = (order + 1) * (order + 2) / 2;
        const double* c = coefficients + pixel / (ny * nx) * terms;
        for (int t = 0; t < terms; ++t) phase += c[t] * m[t];
        p = mul(p, complex<T>(T(math::cos(phase)), T(-math::sin(phase))));
      }
      out[i] = abs2(p) > T(0) ? T(scale * math::atan2(double(p.imag()), double(p.real()))) : T(0);
    }
  }
};

/// Gaussian sum over a window around a pixel, cut off at the edges.
template <class T>
struct smooth {
  static constexpr const char* name = "cardiomm::analysis::smooth";
  const complex<T>* in;
  complex<T>* out;
  const T* weight;  // 0 .. radius
  index_t ny, nx, radius;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t plane = row / ny * ny * nx, y = row % ny;
    for (index_t x = first; x < last; ++x) {
      complex<T> sum(0);
      T total = 0;
      for (index_t j = -radius; j <= radius; ++j) {
        if (y + j < 0 || y + j >= ny) continue;
        for (index_t i = -radius; i <= radius; ++i) {
          if (x + i < 0 || x + i >= nx) continue;
          const T w = weight[j < 0 ? -j : j] * weight[i < 0 ? -i : i];
          sum += w * in[plane + (y + j) * nx + x + i];
          total += w;
        }
      }
      out[row * nx + x] = sum * (T(1) / total);
    }
  }
};

template <class T>
struct phase_sensitive_kernel {
  static constexpr const char* name = "cardiomm::analysis::phase_sensitive";
  encoded_phase<T> product;  // image * conj(reference)
  bool normalise;
  T* out;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const complex<T> r = product.reference[product.one_reference ? i % product.pixels : i];
      const T size = abs2(r);
      out[i] = size > T(0) ? product(i).real() / (normalise ? size : math::sqrt(size)) : T(0);
    }
  }
};

template <TensorView A, TensorView B>
void check_reference(const char* what, const A& images, const B& reference) {
  static_assert(rank_of<A> == 4 && rank_of<B> == 4);
  static_assert(is_complex<element_of<A>> && std::is_same_v<element_of<A>, element_of<B>>);
  auto expected = shape_of(images), found = shape_of(reference);
  if (found[0] == 1) expected[0] = 1;
  require<shape_error>(found == expected, what, ": expected a reference ", shape_of(images),
                       " (or of one frame), found ", found);
}

/// Coefficients of the phase of still pixels: least squares with weights |sum|, in which pixels far
/// from the polynomial (vessels) count less and less (Cauchy's weights, scale by the median).
template <class T>
void fit_background(const complex<T>* sum, const T* length, const std::uint8_t* still, int order,
                    index_t ny, index_t nx, double* coefficients) {
  const int terms = terms_of(order);
  struct sample {
    double phase, weight, m[max_terms];
  };
  std::vector<sample> samples;
  double brightest = 0;
  for (index_t i = 0; i < ny * nx; ++i) brightest = std::max(brightest, double(length[i]));
  for (index_t i = 0; i < ny * nx; ++i) {
    const double size = std::sqrt(double(abs2(sum[i])));
    if (still != nullptr ? still[i] == 0 : double(length[i]) < 0.1 * brightest) continue;
    if (!(size > 0.5 * double(length[i]))) continue;  // the phase moves in time
    sample s{std::atan2(double(sum[i].imag()), double(sum[i].real())), size, {}};
    monomials(order, coordinate(i % nx, nx), coordinate(i / nx, ny), s.m);
    samples.push_back(s);
  }
  require(static_cast<int>(samples.size()) >= 2 * terms, "velocity: expected at least ", 2 * terms,
          " pixels of still tissue for a background of order ", order, ", found ", samples.size());
  const auto a = make_tensor<double>(host_space{}, shape<3>{{1, terms, terms}});
  const auto b = make_tensor<double>(host_space{}, shape<3>{{1, terms, 1}});
  std::vector<double> off(samples.size(), 0.0);
  for (int round = 0; round < 8; ++round) {
    double scale = 0;
    if (round > 0) {
      auto sorted = off;
      const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
      std::nth_element(sorted.begin(), middle, sorted.end());
      scale = std::max(2 * *middle, 1e-9);
    }
    Kokkos::deep_copy(a, 0.0);
    Kokkos::deep_copy(b, 0.0);
    double trace = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const sample& s = samples[i];
      const double u = round > 0 ? off[i] / scale : 0, w = s.weight / (1 + u * u);
      for (int r = 0; r < terms; ++r) {
        b(0, r, 0) += w * s.m[r] * s.phase;
        for (int c = 0; c < terms; ++c) a(0, r, c) += w * s.m[r] * s.m[c];
        trace += w * s.m[r] * s.m[r];
      }
    }
    for (int r = 0; r < terms; ++r) a(0, r, r) += 1e-10 * trace;
    la::cholesky(host_space{}, a, la::backend::portable);
    la::cholesky_solve(host_space{}, a, b);
    host_space{}.fence();
    for (std::size_t i = 0; i < samples.size(); ++i) {
      double phase = 0;
      for (int r = 0; r < terms; ++r) phase += b(0, r, 0) * samples[i].m[r];
      off[i] = std::abs(samples[i].phase - phase);
    }
  }
  for (int r = 0; r < terms; ++r) coefficients[r] = b(0, r, 0);
}

}  // namespace detail

/// Velocity by the phase of `encoded` less that of `reference`, venc / pi for a radian.
///
/// \param encoded    (frame, slice, y, x)  complex, flow-encoded
/// \param reference  the same shape or one frame, flow-compensated or oppositely encoded; no
///                   elements: `encoded` holds phase differences already
/// \param mask       (slice, y, x)  where to tell a velocity (else 0); no elements: everywhere
/// \param still      (slice, y, x)  host; still tissue for the background; no elements: whatever is
///                   bright and keeps its phase over the frames, outliers counting less
/// Throws shape_error for shapes that do not fit, value_error for a venc that is not positive, an
/// order above 5 or too little still tissue.
template <ExecutionSpace Ex, TensorView V, TensorView R, TensorView M = tensor<std::uint8_t, 3, Ex>>
auto velocity(const Ex& ex, const V& encoded, const R& reference, const velocity_options& options,
              const M& mask = {}, const host_tensor<std::uint8_t, 3>& still = {}) {
  using T = real_of<element_of<V>>;
  if (reference.size() > 0) detail::check_reference("velocity", encoded, reference);
  const auto size = shape_of(encoded);
  const index_t frames = size[0], slices = size[1], ny = size[2], nx = size[3];
  const shape<3> pixels{{slices, ny, nx}};
  require(std::isfinite(options.venc) && options.venc > 0,
          "velocity: expected a finite VENC above 0, found ", options.venc);
  require(options.background >= -1 && options.background <= detail::max_order,
          "velocity: expected a background of order -1 (none) to ", detail::max_order, ", found ",
          options.background);
  require<shape_error>(mask.size() == 0 || shape_of(mask) == pixels, "velocity: expected a mask ",
                       pixels, ", found ", shape_of(mask));
  require<shape_error>(still.size() == 0 || shape_of(still) == pixels,
                       "velocity: expected still tissue ", pixels, ", found ", shape_of(still));
  const detail::encoded_phase<T> product{encoded.data(),
                                         reference.size() > 0 ? reference.data() : nullptr,
                                         pixels.size(), reference.extent(0) == 1};
  const int terms = detail::terms_of(options.background);
  velocity_map<T, Ex> result{make_tensor<T>(ex, size),
                             zeros<double>(host_space{}, shape<2>{{slices, index_t(terms)}})};
  if (terms > 0) {
    const auto sum = make_tensor<complex<T>>(ex, pixels);
    const auto length = make_tensor<T>(ex, pixels);
    launch::segments(ex, pixels.size(),
                     detail::mean_phase<T>{product, frames, sum.data(), length.data()});
    ex.fence();
    const auto sums = to_host(sum);
    const auto lengths = to_host(length);
    for (index_t s = 0; s < slices; ++s)
      detail::fit_background(sums.data() + s * ny * nx, lengths.data() + s * ny * nx,
                             still.size() > 0 ? still.data() + s * ny * nx : nullptr,
                             options.background, ny, nx, &result.background(s, 0));
  }
  const auto coefficients = to_space(ex, result.background);
  launch::segments(
      ex, size.size(),
      detail::velocity_kernel<T>{product, mask.size() > 0 ? mask.data() : nullptr,
                                 coefficients.data(), options.background, ny, nx,
                                 options.venc / 3.14159265358979323846, result.velocity.data()});
  ex.fence();
  return result;
}

/// Phase-sensitive images: the part of each pixel along the phase of a reference without inversion,
/// signed.
///
/// \param images     (frame, slice, y, x)  complex
/// \param reference  the same shape or one frame, complex
/// \return           (frame, slice, y, x)  real
/// Throws shape_error for shapes that do not fit, value_error for a sigma that is negative or above
/// 50.
template <ExecutionSpace Ex, TensorView V, TensorView R>
auto psir(const Ex& ex, const V& images, const R& reference, const psir_options& options = {}) {
  using T = real_of<element_of<V>>;
  detail::check_reference("PSIR", images, reference);
  require(options.sigma >= 0 && options.sigma <= 50,
          "PSIR: expected a sigma of 0 to 50 pixels, found ", options.sigma);
  const auto size = shape_of(images);
  const auto out = make_tensor<T>(ex, size);
  const complex<T>* along = reference.data();
  tensor<complex<T>, 4, Ex> smoothed;
  tensor<T, 1, Ex> weights;
  if (options.sigma > 0) {
    const auto radius = static_cast<index_t>(std::ceil(3 * options.sigma));
    const auto host = make_tensor<T>(host_space{}, shape{radius + 1});
    for (index_t i = 0; i <= radius; ++i)
      host(i) = T(std::exp(-0.5 * double(i * i) / (options.sigma * options.sigma)));
    weights = to_space(ex, host);
    smoothed = make_tensor<complex<T>>(ex, shape_of(reference));
    launch::rows(ex, static_cast<index_t>(reference.size()) / size[3], size[3],
                 detail::smooth<T>{reference.data(), smoothed.data(), weights.data(), size[2],
                                   size[3], radius});
    along = smoothed.data();
  }
  const detail::encoded_phase<T> product{images.data(), along, size[1] * size[2] * size[3],
                                         reference.extent(0) == 1};
  launch::segments(ex, size.size(),
                   detail::phase_sensitive_kernel<T>{product, options.normalise, out.data()});
  ex.fence();
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
