// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_METRICS_HPP
#define CARDIOMM_MRI_METRICS_HPP
/// \file
/// PSNR, SSIM and NMSE of images against a reference, as the CMRxRecon challenges count them. The
/// challenges of three years normalise differently; one pair of images differs by up to 6 dB
/// between them, so a number is worth nothing without its convention. Computed in double on the
/// host. SSIM: Wang et al., IEEE TIP 13 (2004), with a uniform window.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cardiomm/core/tensor.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// What is done to the reference and to the image, each by its own numbers, before they are
/// compared. The data range of PSNR and SSIM is the maximum of the normalised reference.
enum class normalisation {
  own_maximum,  ///< 2023: divided by the maximum
  z_score,      ///< 2024: minus the mean, divided by population standard deviation + 1e-8
  percentile,   ///< 2025: divided by the 99.5th percentile (linear interpolation), not clipped
  none          ///< compared as they are
};

/// The normalisation of a challenge's year. Throws value_error for other years.
inline normalisation normalisation_of_year(int year) {
  require(year >= 2023 && year <= 2025, "metrics: convention: expected 2023, 2024 or 2025, found ",
          year);
  return static_cast<normalisation>(year - 2023);
}

/// Figures of one image, or their means.
struct image_quality {
  double psnr = 0;  ///< dB; infinite for equal images
  double ssim = 0;
  double nmse = 0;  ///< |reference - image|^2 / |reference|^2
};

/// The images of a stack one by one.
struct stack_quality {
  struct item {
    index_t frame, slice;
    image_quality value;
  };
  image_quality mean;            ///< over `images`
  std::vector<item> images;      ///< frame by frame
  index_t empty_references = 0;  ///< all-zero reference images, which are left out
};

namespace detail {

/// Magnitudes of one 2-D image in double, and where it comes from, for messages.
struct plain_image {
  std::vector<double> pixels;
  index_t ny, nx;
  std::string name;

  double maximum() const { return *std::max_element(pixels.begin(), pixels.end()); }
  bool all_zero() const {
    return std::all_of(pixels.begin(), pixels.end(), [](double v) { return v == 0; });
  }
};

template <class C>
plain_image plain(const C* data, index_t ny, index_t nx, std::string name) {
  plain_image image{std::vector<double>(static_cast<std::size_t>(ny * nx)), ny, nx,
                    std::move(name)};
  for (index_t i = 0; i < ny * nx; ++i) {
    double v;
    if constexpr (is_complex<C>)
      v = std::hypot(static_cast<double>(data[i].real()), static_cast<double>(data[i].imag()));
    else
      v = static_cast<double>(data[i]);
    require(std::isfinite(v), "metrics: ", image.name, ": expected finite values, found ", v,
            " at (y, x) = (", i / nx, ", ", i % nx, ")");
    image.pixels[static_cast<std::size_t>(i)] = v;
  }
  return image;
}

/// The q-th quantile with linear interpolation between order statistics.
inline double quantile(std::vector<double> v, double q) {
  const double at = q * static_cast<double>(v.size() - 1);
  const auto k = static_cast<std::size_t>(at);
  const auto kth = v.begin() + static_cast<std::ptrdiff_t>(k);
  std::nth_element(v.begin(), kth, v.end());
  const double low = *kth, part = at - static_cast<double>(k);
  return k + 1 < v.size() ? low + part * (*std::min_element(kth + 1, v.end()) - low) : low;
}

inline void normalise(plain_image& image, normalisation how) {
  auto& v = image.pixels;
  const double n = static_cast<double>(v.size());
  if (how == normalisation::none || image.all_zero()) return;
  if (how == normalisation::z_score) {
    double mean = 0, variance = 0;
    for (const double p : v) mean += p / n;
    for (const double p : v) variance += (p - mean) * (p - mean) / n;
    const double deviation = std::sqrt(variance) + 1e-8;
    for (double& p : v) p = (p - mean) / deviation;
    return;
  }
  const bool by_maximum = how == normalisation::own_maximum;
  const double scale = by_maximum ? image.maximum() : quantile(v, 0.995);
  require(scale > 0, "metrics: ", image.name, ": expected a positive ",
          by_maximum ? "maximum" : "99.5th percentile", " to divide by, found ", scale);
  for (double& p : v) p /= scale;
}

/// Mean structural similarity over the pixels whose 7 x 7 window lies inside the image; K1 = 0.01,
/// K2 = 0.03, sample covariances (factor 49 / 48).
inline double mean_ssim(const plain_image& a, const plain_image& b, double range) {
  constexpr index_t window = 7;
  constexpr double samples = window * window, unbiased = samples / (samples - 1);
  require<shape_error>(a.ny >= window && a.nx >= window, "metrics: ", a.name,
                       ": SSIM: expected at least 7 x 7 pixels, found ", a.ny, " x ", a.nx);
  const double c1 = 0.01 * range * 0.01 * range, c2 = 0.03 * range * 0.03 * range;
  const auto nx = static_cast<std::size_t>(a.nx);
  std::vector<double> sums[5];  // of a, b, aa, bb, ab over the seven rows
  for (auto& s : sums) s.resize(nx);
  double total = 0;
  for (index_t y = 0; y + window <= a.ny; ++y) {
    for (auto& s : sums) std::fill(s.begin(), s.end(), 0.0);
    for (index_t row = y; row < y + window; ++row) {
      const double* pa = a.pixels.data() + row * a.nx;
      const double* pb = b.pixels.data() + row * a.nx;
      for (std::size_t x = 0; x < nx; ++x) {
        sums[0][x] += pa[x];
        sums[1][x] += pb[x];
        sums[2][x] += pa[x] * pa[x];
        sums[3][x] += pb[x] * pb[x];
        sums[4][x] += pa[x] * pb[x];
      }
    }
    for (std::size_t x = 0; x + window <= nx; ++x) {
      double m[5];
      for (int i = 0; i < 5; ++i) {
        m[i] = 0;
        for (std::size_t j = x; j < x + window; ++j) m[i] += sums[i][j];
        m[i] /= samples;
      }
      const double va = unbiased * (m[2] - m[0] * m[0]), vb = unbiased * (m[3] - m[1] * m[1]);
      const double vab = unbiased * (m[4] - m[0] * m[1]);
      total += (2 * m[0] * m[1] + c1) * (2 * vab + c2) /
               ((m[0] * m[0] + m[1] * m[1] + c1) * (va + vb + c2));
    }
  }
  return total / static_cast<double>((a.ny - window + 1) * (a.nx - window + 1));
}

struct energies {
  double reference = 0, error = 0;
};

inline void add_energies(energies& e, const plain_image& reference, const plain_image& image) {
  for (std::size_t i = 0; i < reference.pixels.size(); ++i) {
    const double r = reference.pixels[i], d = r - image.pixels[i];
    e.reference += r * r;
    e.error += d * d;
  }
}

inline double psnr(double range, double error, double count) {
  return 10 * std::log10(range * range / (error / count));
}

/// Figures of one pair whose reference is not all zero.
inline image_quality compare(plain_image reference, plain_image image, normalisation how) {
  normalise(reference, how);
  normalise(image, how);
  const double range = reference.maximum();
  require(range > 0, "metrics: ", reference.name,
          ": expected a reference whose normalised maximum is positive, found ", range,
          " (a constant image has no z-score)");
  energies e;
  add_energies(e, reference, image);
  return {psnr(range, e.error, static_cast<double>(reference.pixels.size())),
          mean_ssim(reference, image, range), e.error / e.reference};
}

template <class R, class I>
void require_same_shape(const R& reference, const I& image) {
  require<shape_error>(shape_of(reference) == shape_of(image), "metrics: image: expected shape ",
                       shape_of(reference), " of the reference, found ", shape_of(image));
  require<shape_error>(reference.size() > 0,
                       "metrics: reference: expected at least one image, found shape ",
                       shape_of(reference));
}

inline std::string name_of_image(const char* what, index_t frame, index_t slice) {
  return std::string(what) + " frame " + std::to_string(frame) + " slice " + std::to_string(slice);
}

}  // namespace detail

/// Figures of one image (y, x) on the host against its reference; magnitudes of complex numbers.
/// Throws shape_error for different shapes or less than 7 x 7 pixels, value_error for NaN or
/// infinity, an all-zero reference, or a statistic that cannot normalise.
template <TensorView R, TensorView I>
requires(rank_of<R> == 2 && rank_of<I> == 2) image_quality
    compare_image(const R& reference, const I& image, normalisation how) {
  detail::require_same_shape(reference, image);
  const shape<2> s = shape_of(reference);
  auto r = detail::plain(reference.data(), s[0], s[1], "reference");
  require(!r.all_zero(), "metrics: reference: expected a signal, found zeros only");
  return detail::compare(std::move(r), detail::plain(image.data(), s[0], s[1], "image"), how);
}

/// Figures of every image of a stack (frame, slice, y, x) on the host, each normalised by itself,
/// and their means. All-zero references are left out and counted; an all-zero image stays zero.
/// Throws as compare_image does, and value_error if every reference is zero.
template <TensorView R, TensorView I>
requires(rank_of<R> == 4 && rank_of<I> == 4) stack_quality
    compare_stack(const R& reference, const I& image, normalisation how) {
  detail::require_same_shape(reference, image);
  const shape<4> s = shape_of(reference);
  const index_t pixels = s[2] * s[3];
  stack_quality result;
  for (index_t f = 0; f < s[0]; ++f)
    for (index_t z = 0; z < s[1]; ++z) {
      const index_t at = (f * s[1] + z) * pixels;
      auto r = detail::plain(reference.data() + at, s[2], s[3],
                             detail::name_of_image("reference", f, z));
      auto i = detail::plain(image.data() + at, s[2], s[3], detail::name_of_image("image", f, z));
      if (r.all_zero())
        ++result.empty_references;
      else
        result.images.push_back({f, z, detail::compare(std::move(r), std::move(i), how)});
    }
  require(!result.images.empty(), "metrics: reference: expected a signal in at least one of ",
          result.empty_references, " images, found zeros only");
  const double n = static_cast<double>(result.images.size());
  for (const auto& entry : result.images) {
    result.mean.psnr += entry.value.psnr / n;
    result.mean.ssim += entry.value.ssim / n;
    result.mean.nmse += entry.value.nmse / n;
  }
  return result;
}

/// Figures of a stack as one volume: no normalisation, the maximum of the whole reference as data
/// range, PSNR and NMSE over all samples, SSIM image by image, averaged. Throws as compare_image.
template <TensorView R, TensorView I>
requires(rank_of<R> == 4 && rank_of<I> == 4) image_quality
    compare_volume(const R& reference, const I& image) {
  detail::require_same_shape(reference, image);
  const shape<4> s = shape_of(reference);
  const auto whole = detail::plain(reference.data(), s[0] * s[1] * s[2], s[3], "reference");
  const double range = whole.maximum();
  require(range > 0, "metrics: reference: expected a positive maximum, found ", range);
  const index_t images = s[0] * s[1], pixels = s[2] * s[3];
  detail::energies e;
  double ssim = 0;
  for (index_t k = 0; k < images; ++k) {
    const auto r = detail::plain(reference.data() + k * pixels, s[2], s[3], "reference");
    const auto i = detail::plain(image.data() + k * pixels, s[2], s[3],
                                 detail::name_of_image("image", k / s[1], k % s[1]));
    detail::add_energies(e, r, i);
    ssim += detail::mean_ssim(r, i, range) / static_cast<double>(images);
  }
  return {detail::psnr(range, e.error, static_cast<double>(images * pixels)), ssim,
          e.error / e.reference};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
