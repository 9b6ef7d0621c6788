// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_STAGES_HPP
#define CARDIOMM_FFT_STAGES_HPP
/// \file
/// Transforms of any length along the rows of a tile (core/tile.hpp), in place in its scratch.
///
/// `forward` is decimation in frequency: it takes rows in natural order and leaves frequency
/// `stages.frequency[p]` at position p. `adjoint` is decimation in time: it takes positions and
/// leaves natural rows. Neither reorders: a product of both around a diagonal (the normal operator
/// of a mask) never needs the natural order of frequencies, and a plain transform finds its place
/// when it stores its last stage. Loads and stores are functors, so the first and the last stage
/// can be fused with whatever else the caller does to the data.
///
/// Radix 2, 3, 4, 5, 7, 8, 9, 16, odd primes to 43; lengths with larger primes by Bluestein's
/// algorithm (there `frequency` is the natural order). Twiddle factors are computed in long double.

#include "cardiomm/fft/codelets.hpp"
#include "cardiomm/fft/line.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

namespace detail {

/// f(column, row, re, im), or f(column, row, slot, re, im) if it takes the slot: the number of the
/// row in the order in which the first stage of a transform goes through its rows.
template <class F, class C, class L>
KOKKOS_FORCEINLINE_FUNCTION void call(const F& f, C c, index_t row, [[maybe_unused]] index_t slot,
                                      L& re, L& im) {
  if constexpr (std::is_invocable_v<const F&, C, index_t, index_t, L&, L&>)
    f(c, row, slot, re, im);
  else
    f(c, row, re, im);
}

/// A functor with the arguments (real, imaginary) exchanged: turns a transform into the one with
/// the other sign.
template <class Load>
struct swapped_load {
  const Load& load;
  template <class C, class L>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(C c, index_t row, L& re, L& im) const {
    call(load, c, row, row, im, re);
  }
};
template <class Store>
struct swapped_store {
  const Store& store;
  template <class C, class L>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(C c, index_t row, const L& re, const L& im) const {
    call(store, c, row, row, im, re);
  }
};
template <class Rows>
struct scratch_load {
  Rows rows;
  template <class C, class L>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(C c, index_t row, L& re, L& im) const {
    rows.load(c, row, re, im);
  }
};
template <class Rows>
struct scratch_store {
  Rows rows;
  template <class C, class L>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(C c, index_t row, const L& re, const L& im) const {
    rows.store(c, row, re, im);
  }
};

/// Radix R as a constant; -R for an odd one with roots from the table; 0 for one that is known at
/// run time only.
template <int R>
inline constexpr int constant_radix = R < 0 ? -R : R;
template <int R>
inline constexpr int capacity_of = R == 0 ? largest_radix : constant_radix<R>;

/// f(q) for q in [first, r), unrolled where the radix is a constant.
template <int R, class F>
KOKKOS_FORCEINLINE_FUNCTION void for_points(int first, [[maybe_unused]] int r, const F& f) {
  if constexpr (R != 0) {
    CARDIOMM_UNROLL
    for (int q = first; q < constant_radix<R>; ++q) f(q);
  } else {
    for (int q = first; q < r; ++q) f(q);
  }
}

template <int R, class L, class T>
KOKKOS_FORCEINLINE_FUNCTION void butterflies(L* re, L* im, int r, const T* roots) {
  if constexpr (R > 0)
    butterfly<R>::apply(re, im);
  else
    odd_butterfly<-R>(re, im, r, roots);
}

/// Which radices a stage may have: `factorize` and `filter_radices` (fft/filter.hpp) put some in
/// one place only, and every butterfly that is compiled for nothing costs a user's unit half a
/// second.
enum class place {
  first,    ///< of a filter: chosen for its weights
  middle,   ///< any other that has twiddle factors
  weighed,  ///< the last of a filter, forward and back
  last      ///< without twiddle factors
};
/// Calls f.template operator()<R>() for the radix r. Of the large primes those of common lengths
/// are constants, a sixth faster, where they are likely: in the last stage of plain transforms.
template <place Place, class F>
KOKKOS_FORCEINLINE_FUNCTION void with_radix(int r, const F& f) {
  constexpr bool chosen = Place == place::first, plain = Place == place::last;
  constexpr bool last = plain || Place == place::weighed;
  if constexpr (last)
    if (r == 1) return f.template operator()<1>();
  if constexpr (chosen) {
    if (r == 6) return f.template operator()<6>();
    if (r == 12) return f.template operator()<12>();
  }
  if constexpr (chosen || last)
    if (r == 16) return f.template operator()<16>();
  if constexpr (plain) {
    if (r == 13) return f.template operator()<-13>();
    if (r == 17) return f.template operator()<-17>();
  }
  switch (r) {
    case 2:
      return f.template operator()<2>();
    case 3:
      return f.template operator()<3>();
    case 4:
      return f.template operator()<4>();
    case 5:
      return f.template operator()<5>();
    case 7:
      return f.template operator()<7>();
    case 8:
      return f.template operator()<8>();
    case 9:
      return f.template operator()<9>();
    default:
      return f.template operator()<0>();
  }
}

/// Rows [first, first + rows) of a transform that has been cut into independent parts.
struct part {
  index_t first, rows;
  static KOKKOS_FORCEINLINE_FUNCTION index_t load_distance(index_t m) { return m; }
  static KOKKOS_FORCEINLINE_FUNCTION index_t store_distance(index_t m) { return m; }
};

/// One stage over rows at distance m. Dif: butterfly, then twiddle; else conjugate twiddle, then
/// conjugate butterfly. Without Twiddled m is 1, where all twiddles are one.
template <bool Dif, bool Twiddled, int R, class Tile, class Part, class Load, class Store>
KOKKOS_INLINE_FUNCTION void pass(const Tile& tile, const stages<typename Tile::real>& s, int stage,
                                 const Part& of, const Load& load, const Store& store) {
  using T = typename Tile::real;
  using L = typename Tile::number;
  const int radix = s.radix[stage];
  const index_t m = Twiddled ? s.distance[stage] : 1;
  const T* roots = s.table + s.root[stage];
  const T* twiddle = s.table + s.twiddle[stage];
  const auto body = [&](typename Tile::column c, index_t b, index_t j) CARDIOMM_INLINED {
    const int r = R ? constant_radix<R> : radix;
    if (r < 1) return;  // tells the compiler that there is a first row
    L re[capacity_of<R>], im[capacity_of<R>];
    const index_t first = b * r * m + j, slot = b * r * m + j * r;
    for_points<R>(0, r, [&](int q) {
      call(load, c, of.first + first + q * of.load_distance(m), slot + q, re[q], im[q]);
    });
    if constexpr (Dif) butterflies<R>(re, im, r, roots);
    if constexpr (Twiddled) {
      const T* w = twiddle + j * (r - 1) * 2;
      for_points<R>(1, r, [&](int q) {
        const L wr(w[2 * q - 2]), wi(w[2 * q - 1]);
        const L x = re[q], y = im[q];
        if constexpr (Dif) {
          re[q] = x * wr - y * wi;
          im[q] = x * wi + y * wr;
        } else {
          re[q] = x * wr + y * wi;
          im[q] = y * wr - x * wi;
        }
      });
    }
    if constexpr (!Dif) butterflies<R>(im, re, r, roots);
    for_points<R>(0, r, [&](int q) {
      call(store, c, of.first + first + q * of.store_distance(m), slot + q, re[q], im[q]);
    });
  };
  if constexpr (Twiddled)
    tile.for_each(of.rows / (radix * m), m, body);
  else
    tile.for_each(of.rows / radix,
                  [&](typename Tile::column c, index_t b) { body(c, b, index_t(0)); });
}

/// A weight that does not depend on the column, so that whole groups of rows may be skipped.
template <class Weight>
inline constexpr bool uniform_weight = std::is_invocable_v<const Weight&, index_t>;

template <class C, class Weight>
KOKKOS_FORCEINLINE_FUNCTION auto weight_of(const Weight& weight, [[maybe_unused]] C c,
                                           index_t position) {
  if constexpr (std::is_invocable_v<const Weight&, index_t>)
    return weight(position);
  else
    return weight(c, position);
}

/// The last stage of `forward`, a real weight for each position, and the first stage of `adjoint`:
/// they meet on the same rows. Rows whose weights are all zero are only cleared.
template <int R, class Tile, class Rows, class Weight>
KOKKOS_INLINE_FUNCTION void weigh(const Tile& tile, const stages<typename Tile::real>& s, part of,
                                  Rows scratch, const Weight& weight) {
  using T = typename Tile::real;
  using L = typename Tile::number;
  const int radix = s.radix[s.count - 1];
  const T* roots = s.table + s.root[s.count - 1];
  tile.for_each(of.rows / radix, [&](typename Tile::column c, index_t b) {
    const int r = R ? constant_radix<R> : radix;
    if (r < 1) return;
    const index_t first = of.first + b * r;
    if constexpr (uniform_weight<Weight>) {
      bool all_zero = true;
      for_points<R>(0, r, [&](int q) { all_zero = all_zero & (weight(first + q) == T(0)); });
      if (all_zero) {
        const L none(T(0));
        for (int q = 0; q < r; ++q) scratch.store(c, first + q, none, none);
        return;
      }
    }
    L re[capacity_of<R>], im[capacity_of<R>];
    for_points<R>(0, r, [&](int q) { scratch.load(c, first + q, re[q], im[q]); });
    butterflies<R>(re, im, r, roots);
    for_points<R>(0, r, [&](int q) {
      const L w(weight_of(weight, c, first + q));
      re[q] = re[q] * w;
      im[q] = im[q] * w;
    });
    butterflies<R>(im, re, r, roots);
    for_points<R>(0, r, [&](int q) { scratch.store(c, first + q, re[q], im[q]); });
  });
}

template <bool Dif, place Place, class Tile, class Part, class Load, class Store>
KOKKOS_INLINE_FUNCTION void one_stage(const Tile& tile, const stages<typename Tile::real>& s,
                                      int stage, const Part& of, const Load& load,
                                      const Store& store) {
  with_radix<Place>(s.radix[stage], [&]<int R>() {
    pass<Dif, Place != place::last, R>(tile, s, stage, of, load, store);
  });
}
template <bool Dif, place Place, class Tile, class Load, class Store>
KOKKOS_INLINE_FUNCTION void one_stage(const Tile& tile, const stages<typename Tile::real>& s,
                                      int stage, const Load& load, const Store& store) {
  one_stage<Dif, Place>(tile, s, stage, part{0, s.rows}, load, store);
}

/// Rows through a functor into scratch or out of it.
template <class Tile, class Load, class Store>
KOKKOS_INLINE_FUNCTION void move_rows(const Tile& tile, index_t rows, const Load& load,
                                      const Store& store) {
  tile.for_each(rows, [&](typename Tile::column c, index_t row) {
    typename Tile::number re, im;
    call(load, c, row, row, re, im);
    call(store, c, row, row, re, im);
  });
}

/// All stages: natural rows -> positions.
template <class Tile, class Rows, class Load, class Store>
KOKKOS_INLINE_FUNCTION void decimate_frequency(const Tile& tile,
                                               const stages<typename Tile::real>& s, Rows scratch,
                                               const Load& load, const Store& store) {
  const scratch_load<Rows> in{scratch};
  const scratch_store<Rows> out{scratch};
  if (s.count == 1)
    move_rows(tile, s.rows, load, out);
  else
    one_stage<true, place::middle>(tile, s, 0, load, out);
  tile.barrier();
  for (int k = 1; k + 1 < s.count; ++k) {
    one_stage<true, place::middle>(tile, s, k, in, out);
    tile.barrier();
  }
  one_stage<true, place::last>(tile, s, s.count - 1, in, store);
}

/// All stages: positions -> natural rows, the adjoint of decimate_frequency.
template <class Tile, class Rows, class Load, class Store>
KOKKOS_INLINE_FUNCTION void decimate_time(const Tile& tile, const stages<typename Tile::real>& s,
                                          Rows scratch, const Load& load, const Store& store) {
  const scratch_load<Rows> in{scratch};
  const scratch_store<Rows> out{scratch};
  one_stage<false, place::last>(tile, s, s.count - 1, load, out);
  tile.barrier();
  for (int k = s.count - 2; k > 0; --k) {
    one_stage<false, place::middle>(tile, s, k, in, out);
    tile.barrier();
  }
  if (s.count == 1)
    move_rows(tile, s.rows, in, store);
  else
    one_stage<false, place::middle>(tile, s, 0, in, store);
}

/// Bluestein: a convolution with the chirp, natural order on both sides.
template <class Tile, class Rows, class Load, class Store>
KOKKOS_INLINE_FUNCTION void convolve_chirp(const Tile& tile, const stages<typename Tile::real>& s,
                                           Rows scratch, const Load& load, const Store& store) {
  using T = typename Tile::real;
  using L = typename Tile::number;
  using column = typename Tile::column;
  const scratch_load<Rows> in{scratch};
  const scratch_store<Rows> out{scratch};
  const auto times = [](const T* w, L& re, L& im) {
    const L wr(w[0]), wi(w[1]), x = re, y = im;
    re = x * wr - y * wi;
    im = x * wi + y * wr;
  };
  tile.for_each(s.rows, [&](column c, index_t row) {
    L re(T(0)), im(T(0));
    if (row < s.length) {
      call(load, c, row, row, re, im);
      times(s.chirp + 2 * row, re, im);
    }
    scratch.store(c, row, re, im);
  });
  tile.barrier();
  decimate_frequency(tile, s, scratch, in, out);
  tile.barrier();
  tile.for_each(s.rows, [&](column c, index_t row) {
    L re, im;
    scratch.load(c, row, re, im);
    times(s.spectrum + 2 * row, re, im);
    scratch.store(c, row, re, im);
  });
  tile.barrier();
  decimate_time(tile, s, scratch, in, out);
  tile.barrier();
  tile.for_each(s.length, [&](column c, index_t row) {
    L re, im;
    scratch.load(c, row, re, im);
    times(s.chirp + 2 * row, re, im);
    call(store, c, row, row, re, im);
  });
}

}  // namespace detail

/// y_k = sum_j x_j exp(-2 pi i j k / n) without norm. load(column, row, re, im) gives x_row;
/// store(column, position, re, im) gets the frequency `s.frequency[position]`. Both may use rows of
/// `scratch` (s.rows rows), each only the row that it is called with. Before the results are read
/// by other threads the caller passes `tile.barrier()`.
template <class Tile, class Rows, class Load, class Store>
KOKKOS_INLINE_FUNCTION void forward(const Tile& tile, const stages<typename Tile::real>& s,
                                    Rows scratch, const Load& load, const Store& store) {
  if (s.bluestein())
    detail::convolve_chirp(tile, s, scratch, load, store);
  else
    detail::decimate_frequency(tile, s, scratch, load, store);
}
/// The same in place: `rows` (tile_rows or strided_rows, s.length of them) hold x and then y by
/// position. `work`: s.rows rows that only Bluestein's algorithm uses, see line::work_numbers; for
/// rows with that much room, the rows themselves.
template <class Tile, class Rows, class Work>
KOKKOS_INLINE_FUNCTION void forward(const Tile& tile, const stages<typename Tile::real>& s,
                                    Rows rows, Work work) {
  const detail::scratch_load<Rows> in{rows};
  const detail::scratch_store<Rows> out{rows};
  if (s.bluestein())
    detail::convolve_chirp(tile, s, work, in, out);
  else
    detail::decimate_frequency(tile, s, rows, in, out);
}

/// The adjoint of `forward`: load gives the frequency `s.frequency[position]`, store gets
/// x_row = sum_k y_k exp(+2 pi i row k / n).
template <class Tile, class Rows, class Load, class Store>
KOKKOS_INLINE_FUNCTION void adjoint(const Tile& tile, const stages<typename Tile::real>& s,
                                    Rows scratch, const Load& load, const Store& store) {
  if (s.bluestein())
    detail::convolve_chirp(tile, s, scratch, detail::swapped_load<Load>{load},
                           detail::swapped_store<Store>{store});
  else
    detail::decimate_time(tile, s, scratch, load, store);
}
/// The adjoint in place: positions become natural rows.
template <class Tile, class Rows, class Work>
KOKKOS_INLINE_FUNCTION void adjoint(const Tile& tile, const stages<typename Tile::real>& s,
                                    Rows rows, Work work) {
  const detail::scratch_load<Rows> in{rows};
  const detail::scratch_store<Rows> out{rows};
  if (s.bluestein())
    detail::convolve_chirp(tile, s, work, detail::swapped_load<detail::scratch_load<Rows>>{in},
                           detail::swapped_store<detail::scratch_store<Rows>>{out});
  else
    detail::decimate_time(tile, s, rows, in, out);
}

namespace detail {

/// All stages but the first, forward and back, with the weights between them.
template <class Tile, class Rows, class Weight>
KOKKOS_INLINE_FUNCTION void filter_part(const Tile& tile, const stages<typename Tile::real>& s,
                                        part of, Rows rows, const Weight& weight) {
  const scratch_load<Rows> in{rows};
  const scratch_store<Rows> out{rows};
  const int last = s.count - 1;
  for (int k = 1; k < last; ++k) {
    one_stage<true, place::middle>(tile, s, k, of, in, out);
    tile.barrier();
  }
  with_radix<place::weighed>(s.radix[last], [&]<int R>() { weigh<R>(tile, s, of, rows, weight); });
  tile.barrier();
  for (int k = last - 1; k > 0; --k) {
    one_stage<false, place::middle>(tile, s, k, of, in, out);
    tile.barrier();
  }
}

/// The filter by Bluestein's algorithm.
template <class Tile, class Rows, class Work, class Load, class Weight, class Store>
KOKKOS_INLINE_FUNCTION void filter_chirp(const Tile& tile, const stages<typename Tile::real>& s,
                                         Rows rows, Work work, const Load& load,
                                         const Weight& weight, const Store& store) {
  using L = typename Tile::number;
  using column = typename Tile::column;
  convolve_chirp(tile, s, work, load, [&](column c, index_t p, const L& re, const L& im) {
    const L w(weight_of(weight, c, p));  // real and imaginary parts change places: the adjoint
    rows.store(c, p, im * w, re * w);
  });
  tile.barrier();
  convolve_chirp(tile, s, work, scratch_load<Rows>{rows}, swapped_store<Store>{store});
}

template <class Tile, class Rows, class Work, class Load, class Weight, class Store>
KOKKOS_INLINE_FUNCTION void filter_rows(const Tile& tile, const stages<typename Tile::real>& s,
                                        Rows rows, Work work, const Load& load,
                                        const Weight& weight, const Store& store) {
  if (s.bluestein()) return filter_chirp(tile, s, rows, work, load, weight, store);
  const scratch_load<Rows> in{rows};
  const scratch_store<Rows> out{rows};
  const int last = s.count - 1;
  if (last == 0)
    move_rows(tile, s.rows, load, out);
  else
    one_stage<true, place::first>(tile, s, 0, load, out);
  tile.barrier();
  filter_part(tile, s, part{0, s.rows}, rows, weight);
  if (last == 0)
    move_rows(tile, s.rows, in, store);
  else
    one_stage<false, place::first>(tile, s, 0, in, store);
}

}  // namespace detail

/// adjoint(W forward(x)) with a diagonal of real weights for the frequencies
/// `s.frequency[position]`: weight(position), equal in all columns, or weight(column, position).
/// load and store see natural rows.
template <class Tile, class Rows, class Load, class Weight, class Store>
KOKKOS_INLINE_FUNCTION void filter(const Tile& tile, const stages<typename Tile::real>& s,
                                   Rows scratch, const Load& load, const Weight& weight,
                                   const Store& store) {
  detail::filter_rows(tile, s, scratch, scratch, load, weight, store);
}
/// The filter in place; `work` as in `forward`.
template <class Tile, class Rows, class Work, class Weight>
KOKKOS_INLINE_FUNCTION void filter(const Tile& tile, const stages<typename Tile::real>& s,
                                   Rows rows, Work work, const Weight& weight) {
  detail::filter_rows(tile, s, rows, work, detail::scratch_load<Rows>{rows}, weight,
                      detail::scratch_store<Rows>{rows});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
