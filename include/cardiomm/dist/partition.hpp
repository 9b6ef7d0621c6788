// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_DIST_PARTITION_HPP
#define CARDIOMM_DIST_PARTITION_HPP
/// \file
/// Which process works on which frames and slices.

#include <algorithm>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::dist {

/// A block of frames and slices of a series.
struct block {
  index_t frame = 0, frames = 0, slice = 0, slices = 0;
  bool empty() const { return frames == 0 || slices == 0; }
};

/// Series cut into a grid of blocks, frames x slices. The grid is the one whose largest block is
/// smallest; among equals the one with fewer cuts of frames, because maps belong to slices.
class partition {
 public:
  /// With `whole_series` the frames of a slice stay together. Throws value_error unless all numbers
  /// are positive.
  partition(index_t frames, index_t slices, int processes, bool whole_series = false)
      : frames_(frames), slices_(slices) {
    require(frames > 0 && slices > 0 && processes > 0,
            "partition: expected positive numbers of frames, slices and processes, found ", frames,
            ", ", slices, " and ", processes);
    index_t best = frames * slices + 1;
    const index_t most = whole_series ? 1 : std::min<index_t>(frames, processes);
    for (index_t rows = 1; rows <= most; ++rows) {
      const index_t columns = std::min<index_t>(slices, processes / rows);
      const index_t size = longest(frames, rows) * longest(slices, columns);
      if (size >= best) continue;
      best = size;
      rows_ = rows;
      columns_ = columns;
    }
  }
  /// Blocks; processes from this number on have nothing to do.
  int blocks() const { return static_cast<int>(rows_ * columns_); }
  /// The part of a process, empty from blocks() on. Blocks of the same slices follow each other in
  /// the order of their frames.
  block of(int process) const {
    if (process < 0 || process >= blocks()) return {};
    const index_t column = process / rows_, row = process % rows_;
    const index_t f = start(frames_, rows_, row), s = start(slices_, columns_, column);
    return {f, start(frames_, rows_, row + 1) - f, s, start(slices_, columns_, column + 1) - s};
  }

 private:
  static index_t longest(index_t n, index_t parts) { return (n + parts - 1) / parts; }
  /// The first parts are the longer ones.
  static index_t start(index_t n, index_t parts, index_t i) {
    return i * (n / parts) + std::min(i, n % parts);
  }
  index_t frames_, slices_, rows_ = 1, columns_ = 1;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::dist

#endif
