// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_FREQUENCY_HPP
#define CARDIOMM_PROX_FREQUENCY_HPP
/// \file
/// weight * |F_t x|_1 with the orthonormal Fourier transform F_t along the frames: soft
/// thresholding in x-f space. A tile of lane-width pixels x all frames is transformed, thresholded
/// and transformed back in scratch memory: one read and one write of the image.

#include <memory>

#include "cardiomm/fft/stages.hpp"
#include "cardiomm/prox/l1.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

namespace detail {

/// Soft thresholding of the frequencies of W pixels; with `partial` their sum of magnitudes only.
template <class T>
struct frequency_kernel {
  static constexpr const char* name = "cardiomm::prox::frequency_l1";
  const complex<T>* in;
  complex<T>* out;
  double* partial;  ///< of each tile; null: thresholds
  fft::stages<T> transform;
  index_t frames, columns, blocks;
  T threshold, root;  ///< root of the number of frames
  bool keep_mean;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    using traits = lane_traits<L>;
    const fft::tile_rows<Tile> rows{tile.scratch()};
    const index_t outer = tile.index() / blocks, block = tile.index() % blocks;
    const index_t first = block * Tile::width, offset = outer * frames * columns + first;
    const int valid =
        static_cast<int>(columns - first < Tile::width ? columns - first : Tile::width);
    const complex<T>* from = in + offset;
    if constexpr (Tile::on_host) {
      if (block + 1 < blocks)
        for (index_t t = 0; t < frames; ++t)
          launch::prefetch(from + t * columns + Tile::width, valid);
    }
    const L limit(threshold * root), scale(T(1) / T(frames));
    L sum(T(0));
    fft::forward(
        tile, transform, rows,
        [&](column c, index_t t, L& re, L& im) { c.load(from + t * columns, valid, re, im); },
        [&](column c, index_t position, const L& re, const L& im) {
          const bool kept = keep_mean && transform.frequency[position] == 0;
          const L squares = re * re + im * im;
          if (partial != nullptr) {
            if (!kept) sum = sum + traits::sqrt(squares);
          } else {
            const L factor = kept ? L(T(1)) : shrink_factor(squares, limit);
            rows.store(c, position, re * factor, im * factor);
          }
        });
    tile.barrier();
    if (partial != nullptr) {
      const double all = tile.sum(double(traits::sum(sum)));
      partial[tile.index()] = all / double(root);
    } else {
      fft::adjoint(
          tile, transform, rows,
          [&](column c, index_t position, L& re, L& im) { rows.load(c, position, re, im); },
          [&](column c, index_t t, const L& re, const L& im) {
            c.store(out + offset + t * columns, valid, re * scale, im * scale);
          });
    }
    tile.barrier();
  }
};

struct add_numbers {
  static constexpr const char* name = "cardiomm::prox::add_numbers";
  const double* numbers;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) sum += numbers[i];
    return sum;
  }
};

}  // namespace detail

/// weight * |F_t x|_1 over images (frame, slice, y, x), or (set, frame, slice, y, x) with R = 5.
template <class T, ExecutionSpace Ex = default_space, int R = 4>
class frequency_l1 : public proximal_operator<frequency_l1<T, Ex, R>, T, R, Ex> {
  static_assert(R >= 4);
  using base = proximal_operator<frequency_l1, T, R, Ex>;
  using C = complex<T>;
  using tile = launch::tile_type<T, Ex>;

 public:
  static constexpr const char* name = "frequency_l1";

  /// For series of `frames`. With `keep_mean` the mean over the frames costs nothing. Throws
  /// value_error for a negative weight or a series without frames.
  frequency_l1(double weight, index_t frames, bool keep_mean = false)
      : weight_(weight),
        line_(std::make_shared<const fft::line<T, Ex>>(Ex(), frames)),
        keep_mean_(keep_mean) {
    require(weight >= 0, name, ": weight: expected at least 0, found ", weight);
  }

  shape<R> domain() const {
    auto s = shape<R>::all_open();
    s[R - 4] = line_->length();
    return s;
  }
  double weight() const { return weight_; }

  double value(const Ex& ex, in_of<base> x) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const index_t n = tiles(shape_of(x));
    double* partial = scratch.template take<double>(n);
    run(ex, shape_of(x), x.data(), nullptr, 0, partial);
    return weight_ * detail::total(ex, n, detail::add_numbers{partial});
  }
  void prox(const Ex& ex, in_of<base> x, double sigma, out_of<base> out) const {
    run(ex, shape_of(x), x.data(), out.data(), sigma * weight_, nullptr);
  }

 private:
  static index_t columns(const shape<R>& s) { return s[R - 3] * s[R - 2] * s[R - 1]; }
  static index_t blocks(const shape<R>& s) { return (columns(s) + tile::width - 1) / tile::width; }
  static index_t tiles(const shape<R>& s) {
    index_t outer = 1;
    for (int i = 0; i < R - 4; ++i) outer *= s[i];
    return outer * blocks(s);
  }
  void run(const Ex& ex, const shape<R>& s, const C* in, C* out, double threshold,
           double* partial) const {
    const index_t frames = s[R - 4];
    launch::tiles<T>(ex, tiles(s), line_->scratch_numbers(),
                     detail::frequency_kernel<T>{
                         in, out, partial, line_->stages(), frames, columns(s), blocks(s),
                         T(threshold), T(std::sqrt(static_cast<double>(frames))), keep_mean_});
  }

  double weight_;
  std::shared_ptr<const fft::line<T, Ex>> line_;
  bool keep_mean_;
};

template <class T, ExecutionSpace Ex>
struct specimen<frequency_l1<T, Ex>> {
  static auto make(const Ex&, size_class s, std::uint64_t) {
    return frequency_l1<T, Ex>(0.5, specimen_image(s)[0], s == size_class::wide);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using frequency_specimens = type_list<frequency_l1<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
