// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_IMAGES_HPP
#define CARDIOMM_TRAIN_IMAGES_HPP
/// \file
/// Changes of coil images (neighbour, coil, y, x) on the host, the same for every coil. Flips,
/// turns and shifts only move numbers: done backwards they give the same bits.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "cardiomm/fft/transform.hpp"
#include "cardiomm/train/draws.hpp"
#include "cardiomm/train/sample.hpp"
#include "cardiomm/train/source_space.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

using coil_images = host_tensor<complex<float>, 4>;

/// Mirrors along the phase encode, in place: y becomes ny - 1 - y.
inline void flip_y(const coil_images& c) {
  const shape<4> s = shape_of(c);
  for (index_t p = 0; p < s[0] * s[1]; ++p) {
    complex<float>* const plane = c.data() + p * s[2] * s[3];
    for (index_t y = 0; y < s[2] / 2; ++y)
      std::swap_ranges(plane + y * s[3], plane + (y + 1) * s[3], plane + (s[2] - 1 - y) * s[3]);
  }
}
/// Mirrors along the readout, in place: x becomes nx - 1 - x.
inline void flip_x(const coil_images& c) {
  const shape<4> s = shape_of(c);
  for (index_t row = 0; row < s[0] * s[1] * s[2]; ++row)
    std::reverse(c.data() + row * s[3], c.data() + (row + 1) * s[3]);
}
/// (neighbour, coil, x, y): readout and phase encode have changed places.
inline coil_images swapped(const coil_images& c) {
  const shape<4> s = shape_of(c);
  const auto out = make_tensor<complex<float>>(host_space{}, shape{s[0], s[1], s[3], s[2]});
  for (index_t p = 0; p < s[0] * s[1]; ++p) {
    const complex<float>* const from = c.data() + p * s[2] * s[3];
    complex<float>* const to = out.data() + p * s[2] * s[3];
    for (index_t y = 0; y < s[2]; ++y)
      for (index_t x = 0; x < s[3]; ++x) to[x * s[2] + y] = from[y * s[3] + x];
  }
  return out;
}
/// Moved by whole pixels, cyclic: pixel (i, j) comes to (i + y, j + x).
inline coil_images shifted(const coil_images& c, index_t y, index_t x) {
  const shape<4> s = shape_of(c);
  const auto out = make_tensor<complex<float>>(host_space{}, s);
  const index_t dx = ((x % s[3]) + s[3]) % s[3];
  for (index_t row = 0; row < s[0] * s[1] * s[2]; ++row) {
    const index_t plane = row / s[2], to = ((row % s[2] + y) % s[2] + s[2]) % s[2];
    const complex<float>* const from = c.data() + row * s[3];
    std::rotate_copy(from, from + (s[3] - dx) % s[3], from + s[3],
                     out.data() + (plane * s[2] + to) * s[3]);
  }
  return out;
}
/// The window of ny x nx pixels whose first one is (y, x). Throws shape_error outside the image.
inline coil_images window(const coil_images& c, index_t y, index_t x, index_t ny, index_t nx) {
  const shape<4> s = shape_of(c);
  require<shape_error>(y >= 0 && x >= 0 && ny >= 1 && nx >= 1 && y + ny <= s[2] && x + nx <= s[3],
                       "window: expected one inside ", s[2], " x ", s[3], ", found ", ny, " x ", nx,
                       " at (", y, ", ", x, ")");
  const auto out = make_tensor<complex<float>>(host_space{}, shape{s[0], s[1], ny, nx});
  for (index_t p = 0; p < s[0] * s[1]; ++p)
    for (index_t i = 0; i < ny; ++i)
      std::copy_n(c.data() + (p * s[2] + y + i) * s[3] + x, nx, out.data() + (p * ny + i) * nx);
  return out;
}
/// Coils `which[0]`, `which[1]`, ...
inline coil_images chosen_coils(const coil_images& c, const std::vector<index_t>& which) {
  const shape<4> s = shape_of(c);
  const auto n = static_cast<index_t>(which.size()), image = s[2] * s[3];
  const auto out = make_tensor<complex<float>>(host_space{}, shape{s[0], n, s[2], s[3]});
  for (index_t f = 0; f < s[0]; ++f)
    for (index_t k = 0; k < n; ++k)
      std::copy_n(c.data() + (f * s[1] + which[static_cast<std::size_t>(k)]) * image, image,
                  out.data() + (f * n + k) * image);
  return out;
}
/// Coil k times exp(i angles[k]), in place.
inline void turn_phases(const coil_images& c, const std::vector<double>& angles) {
  const shape<4> s = shape_of(c);
  const index_t image = s[2] * s[3];
  for (index_t p = 0; p < s[0] * s[1]; ++p) {
    const double angle = angles[static_cast<std::size_t>(p % s[1])];
    const complex<float> turn(float(std::cos(angle)), float(std::sin(angle)));
    for (index_t i = 0; i < image; ++i) c.data()[p * image + i] *= turn;
  }
}

/// Turned by an angle (radians, from x towards y) and made larger by a factor about the pixel n /
/// 2, by cubic convolution (Keys, IEEE TASSP 29, 1981); zero outside.
inline coil_images resampled(const coil_images& c, double angle, double size) {
  require(size > 0, "resample: size: expected a factor above 0, found ", size);
  const shape<4> s = shape_of(c);
  const index_t planes = s[0] * s[1], image = s[2] * s[3];
  const auto out = make_tensor<complex<float>>(host_space{}, s);
  const double cosine = std::cos(angle) / size, sine = std::sin(angle) / size;
  const auto weights = [](double t, float(&w)[4]) {
    const auto f = static_cast<float>(t);
    w[0] = ((-0.5f * f + 1) * f - 0.5f) * f;
    w[1] = (1.5f * f - 2.5f) * f * f + 1;
    w[2] = ((-1.5f * f + 2) * f + 0.5f) * f;
    w[3] = (0.5f * f - 0.5f) * f * f;
  };
  for (index_t y = 0; y < s[2]; ++y)
    for (index_t x = 0; x < s[3]; ++x) {
      const double v = double(y - s[2] / 2), u = double(x - s[3] / 2);
      const double from_y = cosine * v - sine * u + double(s[2] / 2);
      const double from_x = sine * v + cosine * u + double(s[3] / 2);
      const auto y0 = static_cast<index_t>(std::floor(from_y)) - 1;
      const auto x0 = static_cast<index_t>(std::floor(from_x)) - 1;
      float wy[4], wx[4];
      weights(from_y - std::floor(from_y), wy);
      weights(from_x - std::floor(from_x), wx);
      for (index_t p = 0; p < planes; ++p) {
        const complex<float>* const in = c.data() + p * image;
        complex<float> sum(0, 0);
        for (index_t i = 0; i < 4; ++i) {
          if (y0 + i < 0 || y0 + i >= s[2]) continue;
          for (index_t j = 0; j < 4; ++j)
            if (x0 + j >= 0 && x0 + j < s[3]) sum += wy[i] * wx[j] * in[(y0 + i) * s[3] + x0 + j];
        }
        out.data()[p * image + y * s[3] + x] = sum;
      }
    }
  return out;
}

/// Root of the sum of squares over the coils of the middle neighbour.
inline host_tensor<float, 2> root_sum_of_squares(const coil_images& c) {
  const shape<4> s = shape_of(c);
  const index_t image = s[2] * s[3];
  const auto out = make_tensor<float>(host_space{}, shape{s[2], s[3]}, "cardiomm::train::target");
  std::fill_n(out.data(), image, 0.f);
  const complex<float>* const middle = c.data() + s[0] / 2 * s[1] * image;
  for (index_t k = 0; k < s[1]; ++k)
    for (index_t i = 0; i < image; ++i) out.data()[i] += abs2(middle[k * image + i]);
  for (index_t i = 0; i < image; ++i) out.data()[i] = std::sqrt(out.data()[i]);
  return out;
}

/// Coil images of k-space, and back: centred, orthonormal; in new memory.
inline coil_images images_of(const coil_images& kspace) {
  return fft::ifft(source_space{}, kspace);
}
inline coil_images kspace_of(const coil_images& images) { return fft::fft(source_space{}, images); }

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
