// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_BACKEND_BUILTIN_HPP
#define CARDIOMM_FFT_BACKEND_BUILTIN_HPP
/// \file
/// The transform that needs no library: any length, on every back-end, and the reference of the
/// tests. One axis after the other, the contiguous one first; columns go through tiles
/// (fft/stages.hpp). Centring costs nothing: rows are loaded and stored at shifted places.

#include <memory>
#include <vector>

#include "cardiomm/fft/spec.hpp"
#include "cardiomm/fft/stages.hpp"
#include "cardiomm/fft/transpose.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

namespace detail {

/// Transform along n of arrays (outer, n, inner).
template <class T>
struct axis_pass {
  static constexpr const char* name = "cardiomm::fft::axis";
  const complex<T>* in;
  complex<T>* out;
  index_t outer, inner;
  stages<T> s;
  const int* source;  ///< row of the transform -> index in memory
  const int* target;  ///< position of the transform -> index in memory
  const int* row;     ///< index in memory -> row
  const int* place;   ///< index in memory -> position
  T sign, scale;      ///< sign -1: inverse, as conj(forward(conj x))

  /// Tiles of `members` arrays.
  KOKKOS_INLINE_FUNCTION index_t tiles(index_t members, int width) const {
    return inner == 1 ? (members + width - 1) / width : members * ((inner + width - 1) / width);
  }

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    block(tile, tile.index(), outer, in, out);
  }
  /// Tile `index` of the first `members` arrays of `from` and `to`.
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void block(const Tile& tile, index_t index, index_t members,
                                    const complex<T>* from, complex<T>* to) const {
    if (inner == 1)
      contiguous(tile, index * Tile::width, members, from, to);
    else {
      const index_t per_member = (inner + Tile::width - 1) / Tile::width;
      const index_t o = index / per_member, first = (index - o * per_member) * Tile::width;
      strided(tile, o, first, from, to);
    }
  }

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void strided(const Tile& tile, index_t o, index_t first,
                                      const complex<T>* from, complex<T>* to) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const tile_rows<Tile> scratch{tile.scratch()};
    const int valid = static_cast<int>(inner - first < Tile::width ? inner - first : Tile::width);
    const complex<T>* x = from + o * s.length * inner + first;
    complex<T>* y = to + o * s.length * inner + first;
    const L conjugate(sign), re_scale(scale), im_scale(scale * sign);
    forward(
        tile, s, scratch,
        [&](column c, index_t j, L& re, L& im) {
          c.load(x + source[j] * inner, valid, re, im);
          im = im * conjugate;
        },
        [&](column c, index_t p, const L& re, const L& im) {
          c.store(y + target[p] * inner, valid, re * re_scale, im * im_scale);
        });
    tile.barrier();  // the next tile of this worker reuses the scratch
  }

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void contiguous(const Tile& tile, index_t first, index_t members,
                                         const complex<T>* from, complex<T>* to) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const tile_rows<Tile> scratch{tile.scratch()};
    const index_t n = s.length;
    const index_t left = members - first;
    const int valid = static_cast<int>(left < Tile::width ? left : Tile::width);
    const L conjugate(sign), re_scale(scale), im_scale(scale * sign);
    load_lines(
        tile, n, valid, [&](int w) { return from + (first + w) * n; },
        [&](column c, index_t j, const L& re, const L& im) {
          scratch.store(c, row[j], re, im * conjugate);
        });
    tile.barrier();
    forward(tile, s, scratch, scratch);
    tile.barrier();
    store_lines(
        tile, n, valid, [&](int w) { return to + (first + w) * n; },
        [&](column c, index_t k, L& re, L& im) {
          scratch.load(c, place[k], re, im);
          re = re * re_scale;
          im = im * im_scale;
        });
    tile.barrier();
  }
};

/// All axes of one array after each other, while it is in the cache of one core.
template <class T, int R>
struct whole_arrays {
  static constexpr const char* name = "cardiomm::fft::whole";
  axis_pass<T> axis[R];
  index_t numbers;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    for (int d = 0; d < R; ++d) {
      const axis_pass<T>& a = axis[d];
      const index_t o = tile.index() * numbers, members = numbers / (a.s.length * a.inner);
      for (index_t i = 0; i < a.tiles(members, Tile::width); ++i)
        a.block(tile, i, members, a.in + o, a.out + o);
    }
  }
};

/// The executing half of a plan.
template <class T, int R, ExecutionSpace Ex>
class builtin_backend {
 public:
  builtin_backend(const Ex& ex, const spec<R>& what) : spec_(what) {
    for (int d = 0; d < R; ++d) {
      const index_t n = what.lengths[d];
      line_.push_back(std::make_shared<line<T, Ex>>(ex, n));
      const index_t c = what.centering == centering::centred ? n / 2 : 0;
      std::vector<int> map(static_cast<std::size_t>(4 * n));
      for (index_t i = 0; i < n; ++i) {
        const index_t j = (i + c) % n, k = (line_.back()->frequency(i) + c) % n;
        map[static_cast<std::size_t>(i)] = static_cast<int>(j);
        map[static_cast<std::size_t>(n + i)] = static_cast<int>(k);
        map[static_cast<std::size_t>(2 * n + j)] = static_cast<int>(i);
        map[static_cast<std::size_t>(3 * n + k)] = static_cast<int>(i);
      }
      map_[d] = make_tensor<int>(ex, shape<1>{{4 * n}}, "cardiomm::fft::builtin");
      Kokkos::deep_copy(map_[d], host_view<const int, 1>(map.data(), map.size()));
      const index_t own = line_.back()->scratch_numbers();
      if (own > scratch_) scratch_ = own;
    }
  }

  void execute(const Ex& ex, index_t batch, const complex<T>* in, complex<T>* out) const {
    axis_pass<T> axis[R];
    index_t inner = spec_.inner, outer = batch * spec_.points();
    for (int d = 0; d < R; ++d) {  // from the last axis to the first
      const int a = R - 1 - d;
      const index_t n = spec_.lengths[a];
      outer /= n;
      axis[d].in = d == 0 ? in : out;
      axis[d].out = out;
      axis[d].outer = outer;
      axis[d].inner = inner;
      axis[d].s = line_[static_cast<std::size_t>(a)]->stages();
      axis[d].source = map_[a].data();
      axis[d].target = map_[a].data() + n;
      axis[d].row = map_[a].data() + 2 * n;
      axis[d].place = map_[a].data() + 3 * n;
      axis[d].sign = spec_.direction == direction::forward ? T(1) : T(-1);
      axis[d].scale = d == R - 1 ? static_cast<T>(spec_.scale()) : T(1);
      inner *= n;
    }
    if constexpr (launch::on_host<Ex> && R > 1)
      if (batch >= static_cast<index_t>(ex.concurrency())) {
        whole_arrays<T, R> all;
        for (int d = 0; d < R; ++d) all.axis[d] = axis[d];
        all.numbers = spec_.numbers();
        launch::tiles<T>(ex, batch, scratch_, all);
        return;
      }
    for (int d = 0; d < R; ++d)
      launch::tiles<T>(ex, axis[d].tiles(axis[d].outer, launch::tile_width<T, Ex>), scratch_,
                       axis[d]);
  }

 private:
  spec<R> spec_;
  std::vector<std::shared_ptr<line<T, Ex>>> line_;
  tensor<int, 1, Ex> map_[R];
  index_t scratch_ = 0;
};

}  // namespace detail
}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
