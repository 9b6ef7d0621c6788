// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_RANDOM_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_RANDOM_HPP
/// \file
/// Random numbers of the synthetic generator: draws one after another that belong to (seed,
/// stream), periodic random fields of several octaves, and fast normal noise.

#include <array>
#include <cmath>
#include <vector>

#include "cardiomm/core/error.hpp"
#include "cardiomm/core/random.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train::synthetic {

/// Numbers one after another, all of them determined by (seed, stream, purpose).
class draws {
 public:
  draws(std::uint64_t seed, std::uint64_t stream, std::uint32_t purpose)
      : seed_(seed ^ (std::uint64_t(purpose) * 0x9E3779B97F4A7C15ull)), stream_(stream) {}

  std::uint32_t bits() {
    if (next_ == 4) {
      block_ = random::bits(seed_, count_++, stream_);
      next_ = 0;
    }
    return block_.w[next_++];
  }
  double unit() { return random::unit(bits()); }
  double uniform(double low, double high) { return low + (high - low) * unit(); }
  double log_uniform(double low, double high) { return low * std::pow(high / low, unit()); }
  /// A whole number below n.
  index_t below(index_t n) { return static_cast<index_t>(unit() * static_cast<double>(n)); }
  bool chance(double share) { return unit() < share; }
  double sign() { return chance(0.5) ? 1 : -1; }
  double normal() {
    const double r = std::sqrt(-2 * std::log(unit()));
    return r * std::cos(6.283185307179586 * unit());
  }
  /// exp of a normal number of this standard deviation.
  double spread(double sigma) { return std::exp(sigma * normal()); }

 private:
  std::uint64_t seed_, stream_, count_ = 0;
  random::words block_{};
  int next_ = 4;
};

/// A random field on the torus of period 1 in both directions, of zero mean and unit variance: sums
/// of smoothly interpolated lattices of 2^k cells whose amplitudes fall as (cells)^-slope.
class field {
 public:
  static constexpr int n = 128;
  field(draws& d, int first_octave, int last_octave, double slope) : v_(std::size_t(n) * n, 0.f) {
    std::vector<float> lattice;
    for (int k = first_octave; k <= last_octave; ++k) {
      const int cells = 1 << k, per = n / cells;
      lattice.resize(std::size_t(cells) * std::size_t(cells));
      const float amplitude = static_cast<float>(std::pow(double(cells), -slope));
      for (float& l : lattice) l = amplitude * static_cast<float>(2 * d.unit() - 1);
      std::vector<float> w(static_cast<std::size_t>(per));
      for (int i = 0; i < per; ++i) {
        const float t = (static_cast<float>(i) + 0.5f) / static_cast<float>(per);
        w[static_cast<std::size_t>(i)] = t * t * (3 - 2 * t);
      }
      for (int y = 0; y < n; ++y) {
        const int cy = y / per, ny = (cy + 1) % cells;
        const float wy = w[static_cast<std::size_t>(y % per)];
        for (int cx = 0; cx < cells; ++cx) {
          const int nx = (cx + 1) % cells;
          const float* a = lattice.data() + cy * cells;
          const float* b = lattice.data() + ny * cells;
          const float left = a[cx] + wy * (b[cx] - a[cx]), right = a[nx] + wy * (b[nx] - a[nx]);
          float* out = v_.data() + y * n + cx * per;
          for (int i = 0; i < per; ++i)
            out[i] += left + w[static_cast<std::size_t>(i)] * (right - left);
        }
      }
    }
    double sum = 0, square = 0;
    for (const float x : v_) sum += x, square += double(x) * x;
    const double mean = sum / (n * n), sd = std::sqrt(square / (n * n) - mean * mean);
    for (float& x : v_) x = static_cast<float>((x - mean) / (sd > 0 ? sd : 1));
  }
  /// Value at (u, v), between the points linearly.
  float at(float u, float v) const {
    const float x = (u + 64) * n, y = (v + 64) * n;  // positive for |u|, |v| < 64
    const int ix = static_cast<int>(x), iy = static_cast<int>(y);
    const float fx = x - static_cast<float>(ix), fy = y - static_cast<float>(iy);
    const int x0 = ix & (n - 1), x1 = (ix + 1) & (n - 1);
    const float* a = v_.data() + (iy & (n - 1)) * n;
    const float* b = v_.data() + ((iy + 1) & (n - 1)) * n;
    const float top = a[x0] + fx * (a[x1] - a[x0]), low = b[x0] + fx * (b[x1] - b[x0]);
    return top + fy * (low - top);
  }

 private:
  std::vector<float> v_;
};

/// Normal noise without transcendental functions: the sum of two entries of a table of 4096
/// quantiles, chosen by bits of the Philox generator.
class noise_table {
 public:
  noise_table() {
    double square = 0;
    for (int i = 0; i < size; ++i) {
      q_[static_cast<std::size_t>(i)] = static_cast<float>(quantile((i + 0.5) / size));
      square += double(q_[static_cast<std::size_t>(i)]) * q_[static_cast<std::size_t>(i)];
    }
    for (float& q : q_) q = static_cast<float>(q / std::sqrt(2 * square / size));
  }
  /// Adds sigma times standard normal numbers to x[0 .. n).
  void add(float* x, index_t n, float sigma, std::uint64_t seed, std::uint64_t stream) const {
    for (index_t i = 0, block = 0; i < n; ++block) {
      const random::words b = random::bits(seed, static_cast<std::uint64_t>(block), stream);
      const std::uint64_t low = b.w[0] | std::uint64_t(b.w[1]) << 32;
      const std::uint64_t high = b.w[2] | std::uint64_t(b.w[3]) << 32;
      for (const std::uint64_t w : {low, high})
        for (int k = 0; k < 2 && i < n; ++k, ++i)
          x[i] += sigma * (q_[(w >> (24 * k)) & 4095] + q_[(w >> (24 * k + 12)) & 4095]);
    }
  }

 private:
  static constexpr int size = 4096;
  /// Inverse of the normal distribution function by bisection of erfc.
  static double quantile(double p) {
    double low = -9, high = 9;
    for (int i = 0; i < 60; ++i) {
      const double mid = (low + high) / 2;
      (0.5 * std::erfc(-mid / std::sqrt(2.0)) < p ? low : high) = mid;
    }
    return (low + high) / 2;
  }
  std::array<float, size> q_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train::synthetic

#endif
