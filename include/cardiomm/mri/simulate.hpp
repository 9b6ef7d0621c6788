// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_SIMULATE_HPP
#define CARDIOMM_MRI_SIMULATE_HPP
/// \file
/// A multi-coil cine acquisition of the phantom, with everything known about it.
///
/// No inverse crime: the closed-form k-space of the heart is evaluated over twice the wanted
/// extent (more for small matrices), brought to an image as fine, multiplied there by phase and
/// coil maps, transformed back, and only then cut to the acquired samples. So the data hold what an
/// encoding operator on the coarse grid cannot model exactly, as real data do, but no trace of a
/// raster.

#include <cmath>
#include <string>
#include <vector>

#include "cardiomm/core/random.hpp"
#include "cardiomm/fft/plan.hpp"
#include "cardiomm/mri/coils.hpp"
#include "cardiomm/mri/phantom.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// What `simulate` acquires.
struct phantom_options {
  index_t coils = 10;
  index_t frames = 25;  ///< over one cycle; frame 0 is end diastole
  index_t slices = 1;   ///< centred about the middle of the left ventricle, base first
  index_t ny = 208;     ///< phase encodes
  index_t nx = 256;     ///< readout samples
  /// Mean magnitude of the heart (pixels with a label, all frames and slices; of the body where no
  /// pixel has one) over the standard deviation of the complex noise of one coil, both in image
  /// space. 0 or infinity: no noise.
  double snr = 30;
  std::uint64_t seed = 1;     ///< of the noise; the anatomy is always the same
  double field_y = 292.5;     ///< field of view along y, mm; at least the body's 224
  double field_x = 360;       ///< along x, mm; at least the body's 316
  double slice_spacing = 10;  ///< from centre to centre, mm
  double phase = 1;           ///< strength of the smooth image phase; 0: a real image
  double cycle_ms = 900;      ///< duration of a heart beat
};

/// What is known about a simulated acquisition. Volumes are exact: areas of the sections times the
/// spacing of the slices, summed over the slices.
struct phantom_truth {
  struct ventricle {
    std::vector<double> ml;  ///< per frame
    double edv_ml = 0;       ///< the largest of them
    double esv_ml = 0;       ///< the smallest
    double ef_percent = 0;   ///< 100 (edv - esv) / edv; 0 where the slices miss the ventricle
  };
  ventricle lv, rv;
  std::vector<double> myocardium_ml;   ///< per frame; constant up to rounding
  std::vector<double> frame_ms;        ///< time of the frames after end diastole
  index_t ed_frame = 0, es_frame = 0;  ///< largest and smallest left volume
  double spacing_mm[3] = {0, 0, 0};    ///< slice, y, x
  double noise_std = 0;                ///< sqrt(E |n|^2) of the complex noise of a sample
};

/// A simulated acquisition. k-space is centred, DC at n / 2, orthonormal.
struct phantom_data {
  host_tensor<complex<float>, 5> kspace;  ///< (frame, slice, coil, y, x), fully sampled
  host_tensor<complex<float>, 4> maps;    ///< (slice, coil, y, x), sum over coils |s|^2 = 1
  host_tensor<complex<float>, 4> image;   ///< (frame, slice, y, x), band-limited, without noise
  host_tensor<std::uint8_t, 4> labels;    ///< (frame, slice, y, x), see phantom_label
  phantom_truth truth;
};

namespace detail {

/// A smooth phase as of real images: modulation[coils] = exp(i phase) on the fine grid, and the
/// maps times that in place.
struct add_phase {
  static constexpr const char* name = "cardiomm::mri::add_phase";
  complex<float>* modulation;  ///< (coils + 1, y, x)
  index_t coils;
  image_plane grid;
  double strength;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const double v = static_cast<double>(row - grid.ny / 2) * grid.dy / 100;
    const index_t pixels = grid.ny * grid.nx;
    for (index_t i = first; i < last; ++i) {
      const double u = static_cast<double>(i - grid.nx / 2) * grid.dx / 100;
      const double phase =
          strength * (0.4 + 1.2 * u + 0.8 * v + 0.9 * u * v + 0.4 * (u * u - v * v));
      const complex<float> turn(static_cast<float>(math::cos(phase)),
                                static_cast<float>(math::sin(phase)));
      complex<float>* at = modulation + row * grid.nx + i;
      for (index_t c = 0; c < coils; ++c) at[c * pixels] = mul(turn, at[c * pixels]);
      at[coils * pixels] = turn;
    }
  }
};

/// product[c] = image modulation[c], row by row of (channel, y).
struct modulate {
  static constexpr const char* name = "cardiomm::mri::modulate";
  const complex<float>* image;
  const complex<float>* modulation;
  complex<float>* product;
  index_t ny, nx;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const complex<float>* x = image + row % ny * nx;
    for (index_t i = first; i < last; ++i)
      product[row * nx + i] = mul(x[i], modulation[row * nx + i]);
  }
};

/// Rows (channel, y) of the acquired samples: the centre of the fine k-space, rescaled.
struct take_centre {
  static constexpr const char* name = "cardiomm::mri::take_centre";
  const complex<float>* fine;
  complex<float>* kspace;  ///< of the coils
  complex<float>* object;  ///< of the channel without a map
  index_t coils, ny, nx, over_y, over_x;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t c = row / ny, y = row - c * ny;
    const index_t fine_y = c * over_y * ny + y - ny / 2 + over_y * ny / 2;
    const complex<float>* from = fine + fine_y * over_x * nx - nx / 2 + over_x * nx / 2;
    complex<float>* to = c < coils ? kspace + row * nx : object + y * nx;
    // The orthonormal scale goes with the pixel's area and the square root of their number.
    const float scale = 1.0f / math::sqrt(static_cast<float>(over_y * over_x));
    for (index_t i = first; i < last; ++i)
      to[i] = complex<float>(scale * from[i].real(), scale * from[i].imag());
  }
};

/// Rows (coil, y) of the fine maps at the coarse pixels.
struct thin_out {
  static constexpr const char* name = "cardiomm::mri::thin_out";
  const complex<float>* fine;
  complex<float>* coarse;
  index_t ny, nx, over_y, over_x;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t c = row / ny, y = row - c * ny;
    const index_t fine_y = c * over_y * ny + over_y * (y - ny / 2) + over_y * ny / 2;
    const complex<float>* from = fine + fine_y * over_x * nx;
    for (index_t i = first; i < last; ++i)
      coarse[row * nx + i] = from[over_x * (i - nx / 2) + over_x * nx / 2];
  }
};

struct add_noise {
  static constexpr const char* name = "cardiomm::mri::add_noise";
  complex<float>* x;
  double component;  ///< standard deviation of real and imaginary part
  std::uint64_t seed;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const complex<double> n = random::normal(seed, static_cast<std::uint64_t>(i));
      x[i] = complex<float>(x[i].real() + static_cast<float>(component * n.real()),
                            x[i].imag() + static_cast<float>(component * n.imag()));
    }
  }
};

inline void check(const phantom_options& o) {
  const auto positive = [](index_t n, const char* what) {
    require(n >= 1 && n <= index_t(1) << 20, "phantom: ", what, ": expected at least 1, found ", n);
  };
  positive(o.coils, "coils");
  positive(o.frames, "frames");
  positive(o.slices, "slices");
  require(o.ny >= 8 && o.nx >= 8 && o.ny <= 8192 && o.nx <= 8192,
          "phantom: shape: expected 8 x 8 to 8192 x 8192, found ", o.ny, " x ", o.nx);
  require(static_cast<double>(o.coils) * static_cast<double>(o.frames * o.slices) *
                  static_cast<double>(o.ny * o.nx) <=
              std::ldexp(1.0, 33),
          "phantom: expected at most 2^33 samples of k-space, found ", o.frames, " frames x ",
          o.slices, " slices x ", o.coils, " coils x ", o.ny, " x ", o.nx);
  require(o.snr >= 0, "phantom: snr: expected at least 0, found ", o.snr);
  require(o.field_y >= 224 && o.field_x >= 316 && o.field_y <= 1e4 && o.field_x <= 1e4,
          "phantom: field of view: expected at least 224 x 316 mm (the body), found ", o.field_y,
          " x ", o.field_x);
  require(o.slice_spacing > 0 && o.slice_spacing <= 1e4,
          "phantom: slice spacing: expected a positive number of mm, found ", o.slice_spacing);
  require(std::isfinite(o.phase), "phantom: phase: expected a finite number, found ", o.phase);
  require(o.cycle_ms > 0 && std::isfinite(o.cycle_ms),
          "phantom: cycle: expected a positive number of ms, found ", o.cycle_ms);
}

inline void summarise(phantom_truth::ventricle& v) {
  v.edv_ml = *std::max_element(v.ml.begin(), v.ml.end());
  v.esv_ml = *std::min_element(v.ml.begin(), v.ml.end());
  v.ef_percent = v.edv_ml > 0 ? 100 * (v.edv_ml - v.esv_ml) / v.edv_ml : 0;
}

/// Position of a slice along the long axis, mm.
inline double slice_position(const phantom_options& o, index_t slice) {
  return (static_cast<double>(slice) - static_cast<double>(o.slices - 1) / 2) * o.slice_spacing;
}
inline double frame_phase(const phantom_options& o, index_t frame) {
  return static_cast<double>(frame) / static_cast<double>(o.frames);
}

/// Mean magnitude of the labelled pixels, or of the body where there is none.
inline double heart_signal(const phantom_data& d, const image_plane& grid) {
  double heart = 0, body = 0;
  index_t heart_pixels = 0, body_pixels = 0;
  const ellipse skin = resting_ellipses(0).front();
  const index_t pixels = grid.ny * grid.nx;
  for (index_t i = 0; i < static_cast<index_t>(d.image.size()); ++i) {
    const index_t y = i % pixels / grid.nx, x = i % grid.nx;
    const double magnitude = std::sqrt(static_cast<double>(abs2(d.image.data()[i])));
    if (d.labels.data()[i] != label_background) {
      heart += magnitude;
      ++heart_pixels;
    }
    if (skin.contains(static_cast<double>(x - grid.nx / 2) * grid.dx,
                      static_cast<double>(y - grid.ny / 2) * grid.dy)) {
      body += magnitude;
      ++body_pixels;
    }
  }
  return heart_pixels > 0 ? heart / static_cast<double>(heart_pixels)
                          : body / static_cast<double>(body_pixels);
}

}  // namespace detail

/// The truth about a phantom, without simulating it. Throws value_error for bad options.
inline phantom_truth truth_of(const phantom_options& o) {
  detail::check(o);
  phantom_truth t;
  const double spacing[3] = {o.slice_spacing, o.field_y / static_cast<double>(o.ny),
                             o.field_x / static_cast<double>(o.nx)};
  std::copy(spacing, spacing + 3, t.spacing_mm);
  for (index_t f = 0; f < o.frames; ++f) {
    double lv = 0, rv = 0, wall = 0;
    for (index_t z = 0; z < o.slices; ++z) {
      const heart_section s =
          section_of_heart(detail::slice_position(o, z), contraction_at(detail::frame_phase(o, f)));
      lv += s.lv_area() * o.slice_spacing / 1000;
      rv += s.rv_area() * o.slice_spacing / 1000;
      wall += s.myocardium_area() * o.slice_spacing / 1000;
    }
    t.lv.ml.push_back(lv);
    t.rv.ml.push_back(rv);
    t.myocardium_ml.push_back(wall);
    t.frame_ms.push_back(o.cycle_ms * detail::frame_phase(o, f));
    if (lv > t.lv.ml[static_cast<std::size_t>(t.ed_frame)]) t.ed_frame = f;
    if (lv < t.lv.ml[static_cast<std::size_t>(t.es_frame)]) t.es_frame = f;
  }
  detail::summarise(t.lv);
  detail::summarise(t.rv);
  return t;
}

/// Simulates an acquisition of the beating heart on the host. The same options give the same
/// numbers, whatever the number of threads. Throws value_error for bad options.
inline phantom_data simulate(const phantom_options& o) {
  const host_space ex;
  phantom_data d;
  d.truth = truth_of(o);
  d.kspace = make_tensor<complex<float>>(ex, shape{o.frames, o.slices, o.coils, o.ny, o.nx});
  d.maps = make_tensor<complex<float>>(ex, shape{o.slices, o.coils, o.ny, o.nx});
  d.image = make_tensor<complex<float>>(ex, shape{o.frames, o.slices, o.ny, o.nx});
  d.labels = make_tensor<std::uint8_t>(ex, shape{o.frames, o.slices, o.ny, o.nx});

  // At least 256 fine pixels an axis: with fewer the ringing of a coarse body edge reaches the
  // border.
  const auto over = [](index_t n) { return std::max<index_t>(2, (255 + n) / n); };
  const index_t over_y = over(o.ny), over_x = over(o.nx);
  const double* mm = d.truth.spacing_mm;
  image_plane coarse{o.ny, o.nx, mm[1], mm[2], 0};
  image_plane fine{over_y * o.ny, over_x * o.nx, mm[1] / static_cast<double>(over_y),
                   mm[2] / static_cast<double>(over_x), 0};
  const shape<2> fine_shape{{fine.ny, fine.nx}};
  const index_t pixels = o.ny * o.nx;
  const fft::plan<float, 2, host_space> to_kspace(ex, {fine_shape, fft::direction::forward}),
      to_image(ex, {fine_shape, fft::direction::inverse}),
      to_coarse(ex, {shape<2>{{o.ny, o.nx}}, fft::direction::inverse});
  const auto rest = make_tensor<complex<float>>(ex, fine_shape);
  const auto heart = make_tensor<complex<float>>(ex, fine_shape);
  const auto channels = make_tensor<complex<float>>(ex, shape{o.coils + 1, fine.ny, fine.nx});

  const auto modulation = make_tensor<complex<float>>(ex, shape_of(channels));

  for (index_t z = 0; z < o.slices; ++z) {
    coarse.z = fine.z = detail::slice_position(o, z);
    draw_loops(ex, o.coils, fine, modulation.data());
    launch::rows(ex, o.coils * o.ny, o.nx,
                 detail::thin_out{modulation.data(), d.maps.data() + z * o.coils * pixels, o.ny,
                                  o.nx, over_y, over_x});
    launch::rows(ex, fine.ny, fine.nx,
                 detail::add_phase{modulation.data(), o.coils, fine, o.phase});
    add_ellipses<float>(ex, resting_ellipses(fine.z), fine, nullptr, rest.data());
    for (index_t f = 0; f < o.frames; ++f) {
      const index_t at = f * o.slices + z;
      const auto beating = beating_ellipses(fine.z, contraction_at(detail::frame_phase(o, f)));
      draw_labels(beating, coarse, d.labels.data() + at * pixels);
      add_ellipses<float>(ex, beating, fine, rest.data(), heart.data());
      to_image.execute(ex, 1, heart.data(), heart.data());
      launch::rows(
          ex, (o.coils + 1) * fine.ny, fine.nx,
          detail::modulate{heart.data(), modulation.data(), channels.data(), fine.ny, fine.nx});
      to_kspace.execute(ex, o.coils + 1, channels.data(), channels.data());
      launch::rows(
          ex, (o.coils + 1) * o.ny, o.nx,
          detail::take_centre{channels.data(), d.kspace.data() + at * o.coils * pixels,
                              d.image.data() + at * pixels, o.coils, o.ny, o.nx, over_y, over_x});
    }
    ex.fence();
  }
  to_coarse.execute(ex, o.frames * o.slices, d.image.data(), d.image.data());
  ex.fence();
  if (o.snr > 0 && std::isfinite(o.snr)) {
    d.truth.noise_std = detail::heart_signal(d, coarse) / o.snr;
    launch::segments(
        ex, static_cast<index_t>(d.kspace.size()),
        detail::add_noise{d.kspace.data(), d.truth.noise_std / std::sqrt(2.0), o.seed});
    ex.fence();
  }
  return d;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
