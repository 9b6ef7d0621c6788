// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_DRAWS_HPP
#define CARDIOMM_TRAIN_DRAWS_HPP
/// \file
/// Random numbers that belong to (seed, epoch, sample, purpose): whoever makes a sample, on
/// whatever thread and in whatever order, draws the same ones.

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cardiomm/core/error.hpp"
#include "cardiomm/core/random.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// A number that belongs to a text (FNV-1a, then mixed): the same on every machine.
constexpr std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0) {
  std::uint64_t h = 0xCBF29CE484222325ull ^ seed * 0x9E3779B97F4A7C15ull;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9ull;
  h = (h ^ h >> 27) * 0x94D049BB133111EBull;
  return h ^ h >> 31;
}

/// Random numbers one after another. The purpose ("mask", "noise") keeps the numbers of one use
/// apart from those of another.
class draws {
 public:
  draws(std::uint64_t seed, std::uint64_t epoch, std::uint64_t index, std::string_view purpose) {
    const random::words w =
        random::bits(hash_of(purpose, seed), index, epoch ^ 0xD4A3000000000000ull);
    key_ = std::uint64_t(w.w[0]) << 32 | w.w[1];
    stream_ = std::uint64_t(w.w[2]) << 32 | w.w[3];
  }

  std::uint32_t bits() {
    if (left_ == 0) {
      block_ = random::bits(key_, count_++, stream_);
      left_ = 4;
    }
    return block_.w[4 - left_--];
  }
  /// In (0, 1).
  double unit() { return random::unit(bits()); }
  double uniform(double low, double high) { return low + (high - low) * unit(); }
  bool chance(double probability) { return unit() < probability; }
  /// A whole number in [0, n), n at least 1, each equally likely.
  index_t below(index_t n) {
    const auto m = static_cast<std::uint64_t>(n);
    const std::uint64_t usable = ~std::uint64_t(0) / m * m;
    std::uint64_t v = 0;
    do {
      v = std::uint64_t(bits()) << 32;
      v |= bits();
    } while (v >= usable);
    return static_cast<index_t>(v % m);
  }
  /// An index with probability proportional to the weights (their sum is positive).
  std::size_t weighted(const std::vector<double>& weights) {
    double total = 0, sum = 0;
    for (const double w : weights) total += w;
    const double at = unit() * total;
    std::size_t last = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (!(weights[i] > 0)) continue;
      last = i;
      sum += weights[i];
      if (at < sum) return i;
    }
    return last;
  }
  double normal() {
    const double r = std::sqrt(-2 * std::log(unit()));
    return r * std::cos(6.283185307179586 * unit());
  }
  /// A seed for generators that count themselves (random::fill_normal).
  std::uint64_t seed() {
    const std::uint64_t high = bits();
    return high << 32 | bits();
  }

 private:
  std::uint64_t key_ = 0, stream_ = 0, count_ = 0;
  random::words block_{};
  int left_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
