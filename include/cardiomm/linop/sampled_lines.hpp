// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_SAMPLED_LINES_HPP
#define CARDIOMM_LINOP_SAMPLED_LINES_HPP
/// \file
/// Readout lines that a mask samples, as the fused kernels of the Cartesian encoding use them: a
/// list of lines for each frame, and the way back from the positions of the transform along y.

#include <algorithm>
#include <vector>

#include "cardiomm/fft/stages.hpp"
#include "cardiomm/linop/sampling.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop::detail {

/// What kernels see of `sampled_lines`. One frame serves all frames if the mask has one.
template <class T>
struct line_list {
  const int* slot;   ///< (frame, position along y) -> place in the list of the frame, or -1
  const int* line;   ///< (frame, place) -> y in k-space
  const int* count;  ///< (frame) lines
  const T* weights;  ///< (frame, group of W places, x, W) 0 or 1, or null where lines are whole
  index_t frames, most, groups;

  KOKKOS_FORCEINLINE_FUNCTION index_t frame(index_t f) const { return frames == 1 ? 0 : f; }
};

/// The lists of a mask. A line counts if any of its samples does.
template <class T, ExecutionSpace Ex>
class sampled_lines {
  static constexpr index_t W = launch::tile_width<T, Ex>;

 public:
  /// Masks of whole lines hold (frame, y), others (frame, y, x).
  template <class Mask>
  sampled_lines(const Mask& mask, const fft::line<T, Ex>& along_y) {
    const auto samples = to_host(mask.mask());
    if constexpr (rank_of<decltype(samples)> == 2) {
      fill(samples.data(), static_cast<index_t>(samples.extent(0)), along_y, nullptr, 0);
    } else {
      const shape<3> s = shape_of(samples);
      std::vector<T> lines(static_cast<std::size_t>(s[0] * s[1]));
      for (index_t i = 0; i < s[0] * s[1]; ++i) {
        const T* row = samples.data() + i * s[2];
        lines[static_cast<std::size_t>(i)] =
            std::any_of(row, row + s[2], [](T v) { return v != T(0); }) ? T(1) : T(0);
      }
      fill(lines.data(), s[0], along_y, samples.data(), s[2]);
    }
  }

  line_list<T> list() const {
    return {
        slot_.data(), line_.data(), count_.data(), weights_.size() > 0 ? weights_.data() : nullptr,
        frames_,      most_,        groups_};
  }

 private:
  void fill(const T* sampled, index_t frames, const fft::line<T, Ex>& along_y, const T* points,
            index_t nx) {
    const index_t ny = along_y.length();
    frames_ = frames;
    const auto at = [ny](index_t f, index_t y) { return static_cast<std::size_t>(f * ny + y); };
    std::vector<int> slot(static_cast<std::size_t>(frames * ny), -1), line(slot.size(), 0), count;
    for (index_t f = 0; f < frames; ++f) {
      int n = 0;
      for (index_t y = 0; y < ny; ++y) {
        if (sampled[f * ny + y] == T(0)) continue;
        slot[at(f, along_y.position(static_cast<int>((y + ny - ny / 2) % ny)))] = n;
        line[at(f, n++)] = static_cast<int>(y);
      }
      count.push_back(n);
      most_ = std::max<index_t>(most_, n);
    }
    groups_ = (most_ + W - 1) / W;
    std::vector<int> packed(static_cast<std::size_t>(frames * most_));
    for (index_t f = 0; f < frames; ++f)
      for (index_t i = 0; i < most_; ++i)
        packed[static_cast<std::size_t>(f * most_ + i)] = line[at(f, i)];
    slot_ = upload(Ex(), slot);
    line_ = upload(Ex(), packed);
    count_ = upload(Ex(), count);
    if (points == nullptr) return;
    std::vector<T> weights(static_cast<std::size_t>(frames * groups_ * nx * W), T(0));
    for (index_t f = 0; f < frames; ++f)
      for (index_t i = 0; i < count[static_cast<std::size_t>(f)]; ++i) {
        const T* row = points + (f * ny + line[at(f, i)]) * nx;
        for (index_t x = 0; x < nx; ++x)
          weights[static_cast<std::size_t>(((f * groups_ + i / W) * nx + x) * W + i % W)] = row[x];
      }
    weights_ = upload(Ex(), weights);
  }

  tensor<int, 1, Ex> slot_, line_, count_;
  tensor<T, 1, Ex> weights_;
  index_t frames_ = 1, most_ = 0, groups_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::linop::detail

#endif
