// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_MAPPING_HPP
#define CARDIOMM_ANALYSIS_MAPPING_HPP
/// \file
/// Relaxation maps, times in ms: T1 by MOLLI (Messroghli et al., Magn Reson Med 52, 2004, 141-146)
/// and by inversion recovery with three parameters, T2 and T2* by an exponential decay; each with
/// its standard deviation, R^2 and residual. The whole image is one launch.
///
///     const auto mask = analysis::signal_mask(ex, images);
///     const auto t1 = analysis::fit_t1_molli(ex, images, times, mask);  // t1.value(slice, y, x)

#include "cardiomm/analysis/exponential.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

struct mapping_options {
  /// True for samples that have their sign (phase-sensitive); false for magnitudes, whose earliest
  /// samples are negated, 0 to `flips` of them, whatever fits best.
  bool signed_samples = false;
  /// Most samples that are negated: -1 is 6 for MOLLI and all but one for inversion recovery.
  int flips = -1;
  /// A constant below the decay of T2 and T2*.
  bool offset = false;
  /// What the scripts of CMRxRecon2023 do instead: MOLLI takes the first n from 1 whose fit does
  /// not fail, T2 is the straight line through the logarithms and 0 outside of 0 to 200 ms.
  bool released = false;
  int iterations = 50;
};

/// What became of a pixel.
enum class fit_status : std::uint8_t { outside = 0, fitted = 1, failed = 2 };

/// Maps (slice, y, x). Where no parameter was found (`status` tells why) all of them are 0.
template <class T, ExecutionSpace Ex>
struct parameter_map {
  tensor<T, 3, Ex> value;      ///< T1, T2 or T2*, ms
  tensor<T, 3, Ex> sd;         ///< its standard deviation by the covariance of the fit, ms
  tensor<T, 3, Ex> r2;         ///< share of the samples' variance that the curve explains
  tensor<T, 3, Ex> residual;   ///< root mean square of curve - samples, units of the image
  tensor<T, 3, Ex> amplitude;  ///< M of C + M exp(-t / T); -B of A - B exp(-t / T)
  tensor<T, 3, Ex> offset;     ///< C, A
  tensor<T, 3, Ex> apparent;   ///< T of the exponential, ms: T1* of MOLLI, else the value
  tensor<std::uint8_t, 3, Ex> status, flips;  ///< fit_status; earliest samples that were negated
};

namespace detail {

/// Largest magnitude of a pixel over the samples.
template <class C>
struct brightest {
  static constexpr const char* name = "cardiomm::analysis::brightest";
  const C* images;
  real_of<C>* out;
  index_t samples, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      real_of<C> big = 0;
      for (index_t k = 0; k < samples; ++k) {
        const real_of<C> a = abs2(images[k * pixels + i]);
        big = a > big ? a : big;
      }
      out[i] = math::sqrt(big);
    }
  }
};

/// T2 by the line through the logarithms of the samples, as released.
template <class T>
struct log_linear {
  static constexpr const char* name = "cardiomm::analysis::log_linear";
  int samples;
  index_t plane, slices;
  bool common_times;
  const T* images;
  const std::uint8_t* mask;
  const double* times;  // (slice, sample) ms
  map_pointers<T> out;

  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) pixel(i);
  }
  KOKKOS_INLINE_FUNCTION T sample(int k, index_t i) const { return images[k * slices * plane + i]; }
  KOKKOS_INLINE_FUNCTION void pixel(index_t i) const {
    T* const all[] = {out.value,     out.sd,     out.r2,      out.residual,
                      out.amplitude, out.offset, out.apparent};
    for (T* to : all) to[i] = T(0);
    out.flips[i] = 0;
    out.status[i] = static_cast<std::uint8_t>(fit_status::outside);
    if (mask != nullptr && mask[i] == 0) return;
    out.status[i] = static_cast<std::uint8_t>(fit_status::failed);
    const double* t = times + (common_times ? 0 : i / plane * samples);
    double mean_t = 0, mean = 0;
    for (int k = 0; k < samples; ++k) {
      if (!(sample(k, i) > T(0))) return;
      mean_t += t[k] / samples;
      mean += math::log(double(sample(k, i))) / samples;
    }
    double tt = 0, ty = 0, yy = 0, squares = 0;
    for (int k = 0; k < samples; ++k) {
      const double a = t[k] - mean_t, b = math::log(double(sample(k, i))) - mean;
      tt += a * a;
      ty += a * b;
      yy += b * b;
    }
    const double slope = ty / tt, t2 = -1 / (slope + 2.220446049250313e-16);
    if (!(t2 >= 0 && t2 <= 200) || sample(1, i) > T(10000)) return;
    const double amplitude = math::exp(mean - slope * mean_t);
    for (int k = 0; k < samples; ++k) {
      const double r = amplitude * math::exp(slope * t[k]) - double(sample(k, i));
      squares += r * r / samples;
    }
    const double rest = yy - ty * slope > 0 ? yy - ty * slope : 0;
    out.value[i] = out.apparent[i] = T(t2);
    out.sd[i] =
        samples > 2 ? T(t2 * t2 * math::sqrt(rest / (samples - 2) / tt)) : T(__builtin_huge_val());
    out.r2[i] = yy > 0 ? T(1 - rest / yy) : T(0);
    out.residual[i] = T(math::sqrt(squares));
    out.amplitude[i] = T(amplitude);
    out.status[i] = static_cast<std::uint8_t>(fit_status::fitted);
  }
};

template <class T, ExecutionSpace Ex>
parameter_map<T, Ex> make_maps(const Ex& ex, const shape<3>& s) {
  return {make_tensor<T>(ex, s),           make_tensor<T>(ex, s),
          make_tensor<T>(ex, s),           make_tensor<T>(ex, s),
          make_tensor<T>(ex, s),           make_tensor<T>(ex, s),
          make_tensor<T>(ex, s),           make_tensor<std::uint8_t>(ex, s),
          make_tensor<std::uint8_t>(ex, s)};
}
template <class T, ExecutionSpace Ex>
map_pointers<T> pointers(const parameter_map<T, Ex>& m) {
  return {m.value.data(),    m.sd.data(),        m.r2.data(),
          m.residual.data(), m.amplitude.data(), m.offset.data(),
          m.apparent.data(), m.status.data(),    m.flips.data()};
}

inline void check_times(const char* what, const std::vector<double>& times, index_t samples,
                        index_t slices, int parameters) {
  require<shape_error>(samples >= parameters && samples <= solve::lm_samples, what, ": expected ",
                       parameters, " to ", solve::lm_samples, " images, found ", samples);
  const auto count = static_cast<index_t>(times.size());
  require<shape_error>(count == samples || count == samples * slices, what, ": expected ", samples,
                       " times (or so many for each of ", slices, " slices), found ", count);
  for (std::size_t i = 0; i < times.size(); ++i)
    require(std::isfinite(times[i]) && times[i] >= 0, what,
            ": expected finite times of at least 0 ms, found ", times[i]);
  for (index_t first = 0; first < count; first += samples) {
    std::vector<double> t(times.begin() + first, times.begin() + first + samples);
    std::sort(t.begin(), t.end());
    const auto different = std::unique(t.begin(), t.end()) - t.begin();
    require(different >= parameters, what, ": expected at least ", parameters,
            " different times, found ", different);
  }
}

template <bool Offset, class T, ExecutionSpace Ex>
void fit_exponential(const Ex& ex, relaxation kind, const T* images, const shape<4>& size,
                     const std::vector<double>& times, const std::uint8_t* mask,
                     const mapping_options& options, const parameter_map<T, Ex>& maps) {
  const auto samples = static_cast<int>(size[0]);
  const index_t sets = static_cast<index_t>(times.size()) / samples;
  std::vector<rate_table> tables;
  for (index_t s = 0; s < sets; ++s)
    tables.push_back(make_rate_table(times.data() + s * samples, samples, Offset));
  // one number of nodes for all slices: the last node is repeated
  std::size_t nodes = 0;
  for (const auto& t : tables) nodes = std::max(nodes, t.node.size() / 3);
  std::vector<int> order;
  std::vector<double> number, table;
  for (auto& t : tables) {
    while (t.node.size() < 3 * nodes) {
      const std::vector<double> u(t.basis.end() - samples, t.basis.end());
      const std::vector<double> v(t.node.end() - 3, t.node.end());
      t.basis.insert(t.basis.end(), u.begin(), u.end());
      t.node.insert(t.node.end(), v.begin(), v.end());
    }
    order.insert(order.end(), t.order.begin(), t.order.end());
    number.insert(number.end(), {t.longest, t.least, t.most, t.sine});
    number.insert(number.end(), t.time.begin(), t.time.end());
    for (const auto* part : {&t.time, &t.basis, &t.node})
      table.insert(table.end(), part->begin(), part->end());
  }
  const auto orders = upload(ex, order);
  const auto numbers = upload(ex, number);
  const auto values = upload(ex, std::vector<T>(table.begin(), table.end()));
  int flips = kind == relaxation::decay || options.signed_samples ? 0
              : options.flips >= 0                                ? options.flips
              : kind == relaxation::look_locker                   ? 6
                                                                  : samples;
  flips = std::min(flips, samples - 1);  // all of them turned is none of them turned
  const index_t plane = size[2] * size[3];
  const index_t chunks = (plane + solve::detail::lm_chunk - 1) / solve::detail::lm_chunk;
  launch::rows(ex, size[1] * chunks, solve::detail::lm_chunk,
               exponential_kernel<T, Offset, Ex>{
                   kind, options.released && kind == relaxation::look_locker, samples,
                   static_cast<int>(nodes), flips + 1, plane, size[1], chunks, sets == 1, images,
                   mask, orders.data(), numbers.data(), values.data(),
                   solve::lm_options{options.iterations, 1e-5, 1e-10}, pointers(maps)});
  ex.fence();  // the tables go
}

template <ExecutionSpace Ex, TensorView V, TensorView M>
parameter_map<element_of<V>, Ex> fit(const Ex& ex, const char* what, relaxation kind,
                                     const V& images, const std::vector<double>& times,
                                     const M& mask, const mapping_options& options) {
  using T = element_of<V>;
  static_assert(rank_of<V> == 4 && !is_complex<T>, "mapping: images are real (frame, slice, y, x)");
  static_assert(rank_of<M> == 3 && std::is_same_v<element_of<M>, std::uint8_t>);
  const auto size = shape_of(images);
  const bool offset = kind != relaxation::decay || options.offset;
  check_times(what, times, size[0], size[1], offset ? 3 : 2);
  require(options.iterations > 0, what, ": expected at least 1 iteration, found ",
          options.iterations);
  const shape<3> pixels{{size[1], size[2], size[3]}};
  require<shape_error>(mask.size() == 0 || shape_of(mask) == pixels, what, ": expected a mask ",
                       pixels, ", found ", shape_of(mask));
  const auto maps = make_maps<T>(ex, pixels);
  const std::uint8_t* chosen = mask.size() == 0 ? nullptr : mask.data();
  if (kind == relaxation::decay && options.released) {
    const auto ms = upload(ex, times);
    launch::segments(ex, pixels.size(),
                     log_linear<T>{static_cast<int>(size[0]), size[2] * size[3], size[1],
                                   static_cast<index_t>(times.size()) == size[0], images.data(),
                                   chosen, ms.data(), pointers(maps)});
    ex.fence();
  } else if (offset) {
    fit_exponential<true, T>(ex, kind, images.data(), size, times, chosen, options, maps);
  } else {
    fit_exponential<false, T>(ex, kind, images.data(), size, times, chosen, options, maps);
  }
  return maps;
}

}  // namespace detail

/// 1 where the brightest sample of a pixel is at least `fraction` of the 99th percentile of all
/// brightest samples: what is worth a fit.
///
/// \param images  (frame, slice, y, x)  real or complex
/// \return        (slice, y, x)
template <ExecutionSpace Ex, TensorView V>
tensor<std::uint8_t, 3, Ex> signal_mask(const Ex& ex, const V& images, double fraction = 0.03) {
  using C = element_of<V>;
  static_assert(rank_of<V> == 4);
  const auto size = shape_of(images);
  const shape<3> pixels{{size[1], size[2], size[3]}};
  const auto big = make_tensor<real_of<C>>(ex, pixels);
  launch::segments(ex, pixels.size(),
                   detail::brightest<C>{images.data(), big.data(), size[0], pixels.size()});
  ex.fence();
  const auto host = to_host(big);
  std::vector<real_of<C>> sorted(host.data(), host.data() + host.size());
  const auto mask = make_tensor<std::uint8_t>(host_space{}, pixels);
  if (sorted.empty()) return to_space(ex, mask);
  const auto at = static_cast<std::ptrdiff_t>(0.99 * static_cast<double>(sorted.size() - 1));
  std::nth_element(sorted.begin(), sorted.begin() + at, sorted.end());
  const double least = fraction * static_cast<double>(sorted[static_cast<std::size_t>(at)]);
  for (std::size_t i = 0; i < host.size(); ++i) {
    const auto v = static_cast<double>(host.data()[i]);
    mask.data()[i] = v > 0 && v >= least ? 1 : 0;
  }
  return to_space(ex, mask);
}

/// T1 of A - B exp(-t / T1*), T1 = T1* (B / A - 1).
///
/// \param images  (frame, slice, y, x)  magnitudes (or signed), in any order of times, frame = time
/// \param times   inversion times in ms of the frames, or (slice, frame) one after the other
/// \param mask    (slice, y, x)         where to fit; no elements: everywhere
/// Throws shape_error for shapes that do not fit, value_error for times that are not finite,
/// negative or too few.
template <ExecutionSpace Ex, TensorView V, TensorView M = tensor<std::uint8_t, 3, Ex>>
parameter_map<element_of<V>, Ex> fit_t1_molli(const Ex& ex, const V& images,
                                              const std::vector<double>& times, const M& mask = {},
                                              const mapping_options& options = {}) {
  return detail::fit(ex, "T1 (MOLLI)", relaxation::look_locker, images, times, mask, options);
}

/// T1 of an inversion recovery with three parameters, A - B exp(-t / T1).
template <ExecutionSpace Ex, TensorView V, TensorView M = tensor<std::uint8_t, 3, Ex>>
parameter_map<element_of<V>, Ex> fit_t1_recovery(const Ex& ex, const V& images,
                                                 const std::vector<double>& times,
                                                 const M& mask = {},
                                                 const mapping_options& options = {}) {
  return detail::fit(ex, "T1 (inversion recovery)", relaxation::recovery, images, times, mask,
                     options);
}

/// T2 of M exp(-t / T2), or of M exp(-t / T2) + C; T2* of gradient echoes is the same fit.
template <ExecutionSpace Ex, TensorView V, TensorView M = tensor<std::uint8_t, 3, Ex>>
parameter_map<element_of<V>, Ex> fit_t2(const Ex& ex, const V& images,
                                        const std::vector<double>& times, const M& mask = {},
                                        const mapping_options& options = {}) {
  return detail::fit(ex, "T2", relaxation::decay, images, times, mask, options);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
