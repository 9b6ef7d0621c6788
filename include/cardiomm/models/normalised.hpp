// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_NORMALISED_HPP
#define CARDIOMM_MODELS_NORMALISED_HPP
/// \file
/// A U-Net on complex images: each sample is brought to mean 0 and standard deviation 1 (unbiased,
/// over all real and imaginary parts; no epsilon, so that a constant image gives NaN), padded by
/// zeros to what the U-Net can halve, and brought back behind it. Real parts are the first
/// channels.

#include "cardiomm/models/unet.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

namespace detail {

/// Where an image (sample, slice, y, x) lies in features (sample, y + pad, x + pad, 2 slices).
struct frame_of_image {
  index_t slices, ny, nx, py, px, y0, x0;
  /// Multiples of m, the smaller half of the padding in front.
  static frame_of_image of(const shape<4>& image, index_t m) {
    frame_of_image f{image[1], image[2], image[3], 0, 0, 0, 0};
    f.py = (f.ny + m - 1) / m * m;
    f.px = (f.nx + m - 1) / m * m;
    f.y0 = (f.py - f.ny) / 2;
    f.x0 = (f.px - f.nx) / 2;
    return f;
  }
  KOKKOS_FORCEINLINE_FUNCTION index_t numbers() const { return 2 * slices * ny * nx; }
  /// Position in the features of a sample of the real part; the imaginary part is `slices` later.
  KOKKOS_FORCEINLINE_FUNCTION index_t at(index_t slice, index_t y, index_t x) const {
    return ((y + y0) * px + x + x0) * 2 * slices + slice;
  }
};

/// Sum of x, and of (x - mean)^2 once there is one.
template <class T>
struct moment_of_sample {
  static constexpr const char* name = "cardiomm::models::moment";
  const T* x;
  const double* mean;  // null: first moment
  index_t n;
  KOKKOS_INLINE_FUNCTION double operator()(index_t sample, index_t first, index_t last) const {
    const T* v = x + sample * n;
    if (!mean)
      return blas1::detail::strand_sum(first, last, [=](index_t i) { return double(v[i]); });
    const double m = mean[sample];
    return blas1::detail::strand_sum(first, last, [=](index_t i) {
      const double d = double(v[i]) - m;
      return d * d;
    });
  }
};
struct finish_moment {
  static constexpr const char* name = "cardiomm::models::finish_moment";
  double* value;
  double divisor;
  bool root;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i)
      value[i] = root ? math::sqrt(value[i] / divisor) : value[i] / divisor;
  }
};
/// Features = (image - mean) / sd inside, zero in the padding. Rows are those of the features.
template <class T>
struct to_features {
  static constexpr const char* name = "cardiomm::models::to_features";
  const complex<T>* image;
  const double* mean;  // null: times sd, which is the backward of to_image
  const double* sd;
  T* features;
  frame_of_image f;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t sample = row / f.py, y = row % f.py - f.y0, n = f.slices;
    const T mu = mean ? T(mean[sample]) : T(0);
    const T scale = T(mean ? 1 / sd[sample] : sd[sample]);
    T* out = features + row * f.px * 2 * n;
    const bool inside = y >= 0 && y < f.ny;
    const index_t x0 = inside ? f.x0 : last, x1 = inside ? f.x0 + f.nx : last;
    for (index_t i = first; i < last; ++i)
      if (i < x0 || i >= x1)
        for (index_t c = 0; c < 2 * n; ++c) out[i * 2 * n + c] = T(0);
    for (index_t s = 0; s < n; ++s) {
      const complex<T>* in = image + ((sample * n + s) * f.ny + y) * f.nx - f.x0;
      for (index_t i = first < x0 ? x0 : first; i < (last < x1 ? last : x1); ++i) {
        out[i * 2 * n + s] = (in[i].real() - mu) * scale;
        out[i * 2 * n + n + s] = (in[i].imag() - mu) * scale;
      }
    }
  }
};
/// image = features sd + mean, without the padding. Rows (sample, slice, y).
template <class T>
struct to_image {
  static constexpr const char* name = "cardiomm::models::to_image";
  const T* features;
  const double* mean;
  const double* sd;
  complex<T>* image;
  frame_of_image f;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % f.ny, s = row / f.ny % f.slices, sample = row / (f.ny * f.slices);
    const T* in = features + sample * f.py * f.px * 2 * f.slices;
    const T mu = T(mean[sample]), scale = T(sd[sample]);
    for (index_t x = first; x < last; ++x) {
      const index_t at = f.at(s, y, x);
      image[row * f.nx + x] = complex<T>(in[at] * scale + mu, in[at + f.slices] * scale + mu);
    }
  }
};
/// Sums over the image's pixels of d * w, or of d where w is null; d and w are features. With
/// `image` d is that image instead.
template <class T>
struct inner_of_sample {
  static constexpr const char* name = "cardiomm::models::inner";
  const T* d;
  const complex<T>* image;
  const T* w;
  frame_of_image f;
  KOKKOS_INLINE_FUNCTION double operator()(index_t sample, index_t first, index_t last) const {
    const index_t size = f.py * f.px * 2 * f.slices;
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const index_t x = i % f.nx, y = i / f.nx % f.ny, s = i / (f.nx * f.ny);
      const index_t at = sample * size + f.at(s, y, x);
      const complex<T> v =
          image ? image[sample * f.slices * f.ny * f.nx + i] : complex<T>(d[at], d[at + f.slices]);
      sum += double(v.real()) * (w ? double(w[at]) : 1.0) +
             double(v.imag()) * (w ? double(w[at + f.slices]) : 1.0);
    }
    return sum;
  }
};
/// dimage = dv / sd + a + b v with the shares of mean and deviation; v normalised, dv its gradient.
template <class T>
struct normalise_backward {
  static constexpr const char* name = "cardiomm::models::normalise_backward";
  const T* v;
  const T* dv;
  const double* sd;
  const double* sums;  // (4, sample): sum do, sum do u, sum dv, sum dv v
  complex<T>* dimage;
  frame_of_image f;
  index_t samples;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % f.ny, s = row / f.ny % f.slices, sample = row / (f.ny * f.slices);
    const index_t base = sample * f.py * f.px * 2 * f.slices;
    const double r = 1 / sd[sample], n = double(f.numbers());
    const double a = (sums[sample] - sums[2 * samples + sample] * r) / n;
    const double b = (sums[samples + sample] - sums[3 * samples + sample] * r) / (n - 1);
    for (index_t x = first; x < last; ++x) {
      const index_t re = base + f.at(s, y, x), im = re + f.slices;
      dimage[row * f.nx + x] = complex<T>(T(double(dv[re]) * r + a + b * double(v[re])),
                                          T(double(dv[im]) * r + a + b * double(v[im])));
    }
  }
};
}  // namespace detail

/// Complex images (sample, slice, y, x) -> the same, through a U-Net of 2 slices channels.
template <class T, ExecutionSpace Ex>
class normalised_unet {
  using C = complex<T>;
  using in2 = view<const T, 2, Ex>;
  using out2 = view<T, 2, Ex>;
  using out4 = view<T, 4, Ex>;

 public:
  unet<T, Ex> net;

  normalised_unet(const Ex& ex, const unet_sizes& sizes, const nn::parameter<T, Ex>& slope,
                  bool random = true)
      : net(ex, sizes, slope, random) {}

  /// Shape of the padded features of images.
  shape<4> padded(const shape<4>& image) const {
    require<shape_error>(2 * image[1] == net.sizes().in && net.sizes().in == net.sizes().out,
                         "cardiomm: expected images of ", net.sizes().in / 2, " slices, found ",
                         image);
    const auto f = frame(image);
    return {{image[0], f.py, f.px, 2 * image[1]}};
  }

  void forward(const Ex& ex, const view<const C, 4, Ex>& x, const in2& acquisition,
               const std::vector<tensor<T, 4, Ex>>& prompts, const text_items& items,
               const view<C, 4, Ex>& y) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<4> s = shape_of(x);
    double* moments = scratch.template take<double>(2 * s[0]);
    const auto v = scratch.template tensor<T>(padded(s));
    enter(ex, x, moments, v);
    net.forward(ex, v, acquisition, prompts, items, v);
    leave(ex, v, moments, y);
  }

  struct tape {
    view<double, 1, Ex> moments;
    out4 v, u;
    typename unet<T, Ex>::tape inner;
  };
  tape record(nn::memory<Ex>& m, const shape<4>& image, index_t texts) const {
    tape t;
    t.moments = m.template take<double>(shape{2 * image[0]});
    t.v = m.template take<T>(padded(image));
    t.u = m.template take<T>(padded(image));
    t.inner = net.record(m, padded(image), texts);
    return t;
  }
  void forward(const Ex& ex, const view<const C, 4, Ex>& x, const in2& acquisition,
               const in2& sampling, const text_items& items, const view<C, 4, Ex>& y,
               tape& t) const {
    enter(ex, x, t.moments.data(), t.v);
    net.forward(ex, t.v, acquisition, sampling, items, t.u, t.inner);
    leave(ex, t.u, t.moments.data(), y);
  }
  /// dx may be dy, or null.
  void backward(const Ex& ex, const in2& acquisition, const in2& sampling, const text_items& items,
                const view<const C, 4, Ex>& dy, const view<C, 4, Ex>& dx, const out2& dacquisition,
                const out2& dsampling, tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<4> s = shape_of(dy);
    const auto f = frame(s);
    const index_t n = s[0], pixels = s[1] * s[2] * s[3];
    const double* sd = t.moments.data() + n;
    const auto du = scratch.template tensor<T>(shape_of(t.u));
    out4 dv;
    if (dx.data()) dv = scratch.template tensor<T>(shape_of(t.v));
    double* sums = scratch.template take<double>(4 * n);
    using inner = detail::inner_of_sample<T>;
    if (dx.data()) {
      launch::sums(ex, n, pixels, inner{nullptr, dy.data(), nullptr, f}, sums);
      launch::sums(ex, n, pixels, inner{nullptr, dy.data(), t.u.data(), f}, sums + n);
    }
    launch::rows(ex, n * f.py, f.px, detail::to_features<T>{dy.data(), nullptr, sd, du.data(), f});
    net.backward(ex, t.v, acquisition, sampling, items, t.u, du, dv, dacquisition, dsampling,
                 t.inner);
    if (!dx.data()) return;
    launch::sums(ex, n, pixels, inner{dv.data(), nullptr, nullptr, f}, sums + 2 * n);
    launch::sums(ex, n, pixels, inner{dv.data(), nullptr, t.v.data(), f}, sums + 3 * n);
    launch::rows(ex, n * s[1] * s[2], s[3],
                 detail::normalise_backward<T>{t.v.data(), dv.data(), sd, sums, dx.data(), f, n});
  }

 private:
  detail::frame_of_image frame(const shape<4>& image) const {
    return detail::frame_of_image::of(image, net.sizes().multiple());
  }
  /// moments: means, then deviations.
  void enter(const Ex& ex, const view<const C, 4, Ex>& x, double* moments, const out4& v) const {
    const shape<4> s = shape_of(x);
    const auto f = frame(s);
    const index_t n = s[0], numbers = f.numbers();
    const T* reals = blas1::detail::reals(x.data());
    double *mean = moments, *sd = moments + n;
    launch::sums(ex, n, numbers, detail::moment_of_sample<T>{reals, nullptr, numbers}, mean);
    launch::segments(ex, n, detail::finish_moment{mean, double(numbers), false});
    launch::sums(ex, n, numbers, detail::moment_of_sample<T>{reals, mean, numbers}, sd);
    launch::segments(ex, n, detail::finish_moment{sd, double(numbers - 1), true});
    launch::rows(ex, n * f.py, f.px, detail::to_features<T>{x.data(), mean, sd, v.data(), f});
  }
  void leave(const Ex& ex, const view<const T, 4, Ex>& u, const double* moments,
             const view<C, 4, Ex>& y) const {
    const shape<4> s = shape_of(y);
    launch::rows(ex, s[0] * s[1] * s[2], s[3],
                 detail::to_image<T>{u.data(), moments, moments + s[0], y.data(), frame(s)});
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
