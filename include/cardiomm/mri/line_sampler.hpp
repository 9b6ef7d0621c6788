// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_LINE_SAMPLER_HPP
#define CARDIOMM_MRI_LINE_SAMPLER_HPP
/// \file
/// Random phase-encode lines of variable density, bit for bit those of the CMRxRecon mask
/// generator: the uniform stream, the weighted choice of line numbers, and the removal of
/// repetitions. Host only.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// floor(v + 0.5): halves go up, for negative numbers too.
inline double round_half_up(double v) { return std::floor(v + 0.5); }

/// Uniform numbers in [0, 1) of 53 bits from MT19937 with a 32-bit seed: the stream of NumPy's
/// RandomState(seed).rand and of MATLAB's rand after rng(seed). The two differ for seed 0 alone,
/// where MATLAB takes 5489; here seed 0 is NumPy's. (Matsumoto and Nishimura, ACM TOMACS 8, 1998)
class uniform_stream {
 public:
  /// Throws value_error if the seed does not fit 32 bits.
  explicit uniform_stream(std::uint64_t seed) : engine_(checked(seed)) {}
  double operator()() {
    const double high = static_cast<double>(static_cast<std::uint32_t>(engine_()) >> 5);
    const double low = static_cast<double>(static_cast<std::uint32_t>(engine_()) >> 6);
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }

 private:
  static std::uint32_t checked(std::uint64_t seed) {
    require(seed <= std::numeric_limits<std::uint32_t>::max(),
            "mask: seed: expected a number below 2^32, found ", seed);
    return static_cast<std::uint32_t>(seed);
  }
  std::mt19937 engine_;
};

/// `count` bin numbers (from 1) drawn with probabilities proportional to the weights: bin j where
/// the uniform number lies between the normalised cumulative sums of j - 1 and j bins. All-zero
/// weights give zeros. Throws value_error for a negative or non-finite weight.
inline std::vector<index_t> weighted_bins(const std::vector<double>& weights, std::uint64_t seed,
                                          index_t count) {
  std::vector<double> edges(weights.size());
  double total = 0;
  for (std::size_t j = 0; j < weights.size(); ++j) {
    require(weights[j] >= 0 && std::isfinite(weights[j]),
            "weighted_bins: weights: expected finite numbers of at least 0, found ", weights[j],
            " at position ", j);
    edges[j] = total;
    total += weights[j];
  }
  std::vector<index_t> bins(static_cast<std::size_t>(std::max<index_t>(count, 0)), 0);
  if (total == 0) return bins;
  for (double& e : edges) e /= total;
  uniform_stream draw(seed);
  for (index_t& bin : bins)
    bin = std::upper_bound(edges.begin(), edges.end(), draw()) - edges.begin();
  return bins;
}

/// Makes the lines of one frame distinct. For each repeated line in ascending order the first
/// occurrence stays and every further one moves to the nearest line that nobody has, the lower one
/// of two. Number and order of the entries are kept. `lines` are indices in [0, ny); throws
/// value_error if they are not, or if there are more entries than lines.
inline void make_distinct(std::vector<index_t>& lines, index_t ny) {
  require(static_cast<index_t>(lines.size()) <= ny, "make_distinct: expected at most ", ny,
          " lines, found ", lines.size());
  std::vector<index_t> users(static_cast<std::size_t>(std::max<index_t>(ny, 0)), 0);
  for (const index_t line : lines) {
    require(line >= 0 && line < ny, "make_distinct: expected lines between 0 and ", ny - 1,
            ", found ", line);
    ++users[static_cast<std::size_t>(line)];
  }
  const auto vacant = [&](index_t line) {
    return line >= 0 && line < ny && users[static_cast<std::size_t>(line)] == 0;
  };
  for (index_t value = 0; value < ny; ++value) {
    if (users[static_cast<std::size_t>(value)] < 2) continue;
    bool first = true;
    for (index_t& line : lines) {
      if (line != value || std::exchange(first, false)) continue;
      index_t distance = 1;
      while (!vacant(value - distance) && !vacant(value + distance)) ++distance;
      line = vacant(value - distance) ? value - distance : value + distance;
      --users[static_cast<std::size_t>(value)];
      ++users[static_cast<std::size_t>(line)];
    }
  }
}

/// Seeds of the frames that belong to a mask seed: round(1e6 u).
inline std::vector<std::uint64_t> frame_seeds(std::uint64_t seed, index_t frames) {
  std::vector<std::uint64_t> seeds(static_cast<std::size_t>(frames));
  uniform_stream draw(seed);
  for (std::uint64_t& s : seeds) s = static_cast<std::uint64_t>(round_half_up(1e6 * draw()));
  return seeds;
}

/// round(ny / acceleration) distinct lines of one frame, in the order of drawing, with the density
/// 0.1 + alpha / (1 - alpha) exp(-((i - ny / 2) / (ny / 5))^2).
inline std::vector<index_t> gaussian_lines(index_t ny, double acceleration, double alpha,
                                           std::uint64_t frame_seed) {
  const double half = static_cast<double>(ny / 2), sigma = static_cast<double>(ny) / 5;
  std::vector<double> density(static_cast<std::size_t>(ny));
  for (index_t i = 0; i < ny; ++i) {
    const double p = (static_cast<double>(i) - half) / sigma;
    density[static_cast<std::size_t>(i)] = 0.1 + alpha / (1 - alpha + 1e-10) * std::exp(-p * p);
  }
  const double count = round_half_up(static_cast<double>(ny) / acceleration);
  std::vector<index_t> lines = weighted_bins(density, frame_seed, static_cast<index_t>(count));
  for (index_t& line : lines) --line;
  make_distinct(lines, ny);
  return lines;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
