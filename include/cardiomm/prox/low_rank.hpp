// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_LOW_RANK_HPP
#define CARDIOMM_PROX_LOW_RANK_HPP
/// \file
/// Locally low rank series (Trzasko and Manduca 2011; Zhang, Pauly and Levesque 2015): w times the
/// sum of the singular values of all blocks, where a block of by x bx pixels and its frames are a
/// matrix (pixel, frame). prox is the soft threshold of the singular values of every block, one
/// kernel that reads and writes the images once (la/block_threshold.hpp).

#include <algorithm>
#include <cmath>
#include <memory>

#include "cardiomm/core/random.hpp"
#include "cardiomm/la/block_threshold.hpp"
#include "cardiomm/prox/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

/// Where the blocks of successive prox calls start.
enum class block_shift {
  none,    ///< at (shift_y, shift_x): one function, as solvers with a convergence theory need
  cycle,   ///< moved by a golden part of a block from call to call, in both directions
  random,  ///< anywhere in a block, from the seed; what BART does unless told not to (`pics -n`)
};

struct low_rank_options {
  index_t block_y = 8, block_x = 8;  ///< pixels of a block
  block_shift shift = block_shift::none;
  index_t shift_y = 0, shift_x = 0;  ///< where the blocks of the function itself start
  std::uint64_t seed = 1;            ///< of random shifts
};

/// Frames (frame, slice, y, x), slices separate; with Rank 5 (set, frame, slice, y, x) the sets of
/// a frame are further columns of its blocks, as in BART. Blocks cover the image cyclically; where
/// an extent is no multiple of the block's the last block is smaller. `value` is that of the blocks
/// which start at (shift_y, shift_x). A copy shares the count of calls by which blocks move.
template <class T, ExecutionSpace Ex = default_space, int Rank = 4>
class low_rank : public proximal_operator<low_rank<T, Ex, Rank>, T, Rank, Ex> {
  static_assert(Rank == 4 || Rank == 5);
  using C = complex<T>;

 public:
  static constexpr const char* name = "low_rank";

  /// Throws value_error if the weight is negative or a block empty.
  explicit low_rank(double weight, const low_rank_options& options = {})
      : weight_(weight), options_(options), calls_(std::make_shared<std::uint64_t>(0)) {
    require(weight >= 0, name, ": weight: expected at least 0, found ", weight);
    require(options.block_y > 0 && options.block_x > 0, name,
            ": expected blocks of at least 1 x 1 pixel, found ", options.block_y, " x ",
            options.block_x);
  }
  double value(const Ex& ex, view<const C, Rank, Ex> x) const {
    return weight_ * la::nuclear_norm_of_blocks(ex, blocks(shape_of(x), 0, 0), x);
  }
  void prox(const Ex& ex, view<const C, Rank, Ex> x, double sigma, view<C, Rank, Ex> out) const {
    const shape<Rank> s = shape_of(x);
    index_t y = 0, x0 = 0;
    if (options_.shift != block_shift::none) {
      const std::uint64_t call = (*calls_)++;
      y = offset(call, 0, std::min(options_.block_y, s[Rank - 2]));
      x0 = offset(call, 1, std::min(options_.block_x, s[Rank - 1]));
    }
    la::threshold_blocks(ex, blocks(s, y, x0), x, out, sigma * weight_);
  }
  double weight() const { return weight_; }
  const low_rank_options& options() const { return options_; }

 private:
  la::block_grid blocks(const shape<Rank>& s, index_t y, index_t x) const {
    shape<4> folded{};
    for (int i = 0; i < 4; ++i) folded[i] = s[Rank - 4 + i];
    if constexpr (Rank == 5) folded[0] *= s[0];
    return la::image_blocks(folded, options_.block_y, options_.block_x, options_.shift_y + y,
                            options_.shift_x + x);
  }
  index_t offset(std::uint64_t call, int axis, index_t block) const {
    if (options_.shift == block_shift::random)
      return static_cast<index_t>(random::bits(options_.seed, 2 * call + std::uint64_t(axis)).w[0] %
                                  static_cast<std::uint64_t>(block));
    // The two parts of the plastic number spread points in the plane evenly.
    const double part = axis == 0 ? 0.7548776662466927 : 0.5698402909980532,
                 at = part * double(call);
    return static_cast<index_t>((at - std::floor(at)) * double(block));
  }

  double weight_;
  low_rank_options options_;
  std::shared_ptr<std::uint64_t> calls_;
};

/// Mean largest singular value of a (rows, columns) matrix of unit complex noise, and what the
/// largest of `blocks` of them exceeds it by: sqrt(rows) + sqrt(columns) + sqrt(log(blocks
/// min(rows, columns))) (Ong and Lustig 2016). A weight of lambda times it thresholds noise of
/// standard deviation lambda; BART's `-R L` scales its lambda so.
inline double noise_width(index_t rows, index_t columns, index_t blocks) {
  const auto least = rows < columns ? rows : columns;
  return std::sqrt(double(rows)) + std::sqrt(double(columns)) +
         std::sqrt(std::log(double(blocks) * double(least)));
}

template <class T, ExecutionSpace Ex, int Rank>
struct specimen<low_rank<T, Ex, Rank>> {
  static low_rank<T, Ex, Rank> make(const Ex&, size_class s, std::uint64_t) {
    low_rank_options o;
    o.block_y = s == size_class::wide ? 8 : 3;
    o.block_x = s == size_class::wide ? 6 : 4;
    if (s == size_class::odd) {
      o.shift_y = 2;
      o.shift_x = 5;
    }
    return low_rank<T, Ex, Rank>(0.6, o);
  }
  static shape<Rank> domain(size_class s) {
    const shape<4> i = specimen_image(s);
    if constexpr (Rank == 4)
      return i;
    else
      return {{2, i[0], i[1], i[2], i[3]}};
  }
};
template <class T, ExecutionSpace Ex>
using low_rank_specimens = type_list<low_rank<T, Ex>, low_rank<T, Ex, 5>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
