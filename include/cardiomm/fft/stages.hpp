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

#include <complex>
#include <vector>

#include "cardiomm/core/tile.hpp"
#include "cardiomm/fft/codelets.hpp"
#include "cardiomm/fft/phase.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

/// What kernels know of a transform of one length. Made by `line`.
template <class T>
struct stages {
  static constexpr int most = 24;

  int length;            ///< points of the transform
  int rows;              ///< scratch rows: `length`, or the convolution length of Bluestein
  int count;             ///< stages; their radices multiply to `rows`
  int radix[most];       ///< radix of each stage
  int distance[most];    ///< distance of the rows of a butterfly
  int twiddle[most];     ///< where the stage's twiddles begin in `table`
  int root[most];        ///< where cos, sin of a large odd radix begin in `table`
  const T* table;        ///< pairs (re, im)
  const T* chirp;        ///< Bluestein: exp(-pi i j^2 / length), pairs; null otherwise
  const T* spectrum;     ///< Bluestein: transform of the conjugate chirp / rows, by position
  const int* frequency;  ///< position -> frequency, `length` entries
  const int* position;   ///< frequency -> position, `length` entries

  KOKKOS_FORCEINLINE_FUNCTION bool bluestein() const { return chirp != nullptr; }
};

/// Rows of complex numbers in scratch: (re, im) packets side by side. A const tile is for rows that
/// are only read.
template <class Tile>
struct tile_rows {
  using T =
      std::conditional_t<std::is_const_v<Tile>, const typename Tile::real, typename Tile::real>;
  using number = typename Tile::number;
  using column = typename Tile::column;
  static constexpr int pitch = 2 * Tile::width;
  T* base;

  KOKKOS_FORCEINLINE_FUNCTION T* re(index_t row) const { return base + row * pitch; }
  KOKKOS_FORCEINLINE_FUNCTION T* im(index_t row) const { return base + row * pitch + Tile::width; }
  KOKKOS_FORCEINLINE_FUNCTION void load(column c, index_t row, number& r, number& i) const {
    r = c.load(re(row));
    i = c.load(im(row));
  }
  KOKKOS_FORCEINLINE_FUNCTION void store(column c, index_t row, const number& r,
                                         const number& i) const {
    c.store(re(row), r);
    c.store(im(row), i);
  }
  /// Numbers of T for `rows` rows.
  static constexpr index_t numbers(index_t rows) { return rows * pitch; }
};

namespace detail {

/// A functor with the arguments (real, imaginary) exchanged: turns a transform into the one with
/// the other sign.
template <class Load>
struct swapped_load {
  const Load& load;
  template <class C, class L>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(C c, index_t row, L& re, L& im) const {
    load(c, row, im, re);
  }
};
template <class Store>
struct swapped_store {
  const Store& store;
  template <class C, class L>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(C c, index_t row, const L& re, const L& im) const {
    store(c, row, im, re);
  }
};
template <class Tile>
struct scratch_load {
  tile_rows<Tile> rows;
  template <class C, class L>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(C c, index_t row, L& re, L& im) const {
    rows.load(c, row, re, im);
  }
};
template <class Tile>
struct scratch_store {
  tile_rows<Tile> rows;
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

/// Calls f.template operator()<R>() for the radix r.
template <class F>
KOKKOS_FORCEINLINE_FUNCTION void with_radix(int r, const F& f) {
  switch (r) {
    case 1:
      return f.template operator()<1>();
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
    case 13:
      return f.template operator()<-13>();
    case 16:
      return f.template operator()<16>();
    case 17:
      return f.template operator()<-17>();
    default:
      return f.template operator()<0>();
  }
}

/// One stage over rows at distance m. Dif: butterfly, then twiddle; else conjugate twiddle, then
/// conjugate butterfly. Without Twiddled m is 1, where all twiddles are one.
template <bool Dif, bool Twiddled, int R, class Tile, class Load, class Store>
KOKKOS_INLINE_FUNCTION void pass(const Tile& tile, const stages<typename Tile::real>& s, int stage,
                                 const Load& load, const Store& store) {
  using T = typename Tile::real;
  using L = typename Tile::number;
  const int radix = s.radix[stage];
  const index_t m = Twiddled ? s.distance[stage] : 1;
  const T* roots = s.table + s.root[stage];
  const T* twiddle = s.table + s.twiddle[stage];
  const auto body = [&](typename Tile::column c, index_t b, index_t j) {
    const int r = R ? constant_radix<R> : radix;
    if (r < 1) return;  // tells the compiler that there is a first row
    L re[capacity_of<R>], im[capacity_of<R>];
    const index_t first = b * r * m + j;
    for_points<R>(0, r, [&](int q) { load(c, first + q * m, re[q], im[q]); });
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
    for_points<R>(0, r, [&](int q) { store(c, first + q * m, re[q], im[q]); });
  };
  if constexpr (Twiddled)
    tile.for_each(s.rows / (radix * m), m, body);
  else
    tile.for_each(s.rows / radix,
                  [&](typename Tile::column c, index_t b) { body(c, b, index_t(0)); });
}

/// The last stage of `forward`, a real weight for each position, and the first stage of `adjoint`:
/// they meet on the same rows. Rows whose weights are all zero are only cleared.
template <int R, class Tile, class Weight>
KOKKOS_INLINE_FUNCTION void weigh(const Tile& tile, const stages<typename Tile::real>& s,
                                  tile_rows<Tile> scratch, const Weight& weight) {
  using T = typename Tile::real;
  using L = typename Tile::number;
  const int radix = s.radix[s.count - 1];
  const T* roots = s.table + s.root[s.count - 1];
  tile.for_each(s.rows / radix, [&](typename Tile::column c, index_t b) {
    const int r = R ? constant_radix<R> : radix;
    if (r < 1) return;
    const index_t first = b * r;
    bool all_zero = true;
    for_points<R>(0, r, [&](int q) { all_zero = all_zero & (weight(first + q) == T(0)); });
    if (all_zero) {
      const L none(T(0));
      for (int q = 0; q < r; ++q) scratch.store(c, first + q, none, none);
      return;
    }
    L re[capacity_of<R>], im[capacity_of<R>];
    for_points<R>(0, r, [&](int q) { scratch.load(c, first + q, re[q], im[q]); });
    butterflies<R>(re, im, r, roots);
    for_points<R>(0, r, [&](int q) {
      const L w(weight(first + q));
      re[q] = re[q] * w;
      im[q] = im[q] * w;
    });
    butterflies<R>(im, re, r, roots);
    for_points<R>(0, r, [&](int q) { scratch.store(c, first + q, re[q], im[q]); });
  });
}

template <bool Dif, bool Twiddled, class Tile, class Load, class Store>
KOKKOS_INLINE_FUNCTION void one_stage(const Tile& tile, const stages<typename Tile::real>& s,
                                      int stage, const Load& load, const Store& store) {
  with_radix(s.radix[stage], [&]<int R>() { pass<Dif, Twiddled, R>(tile, s, stage, load, store); });
}

/// Rows through a functor into scratch or out of it.
template <class Tile, class Load, class Store>
KOKKOS_INLINE_FUNCTION void move_rows(const Tile& tile, index_t rows, const Load& load,
                                      const Store& store) {
  tile.for_each(rows, [&](typename Tile::column c, index_t row) {
    typename Tile::number re, im;
    load(c, row, re, im);
    store(c, row, re, im);
  });
}

/// All stages: natural rows -> positions.
template <class Tile, class Load, class Store>
KOKKOS_INLINE_FUNCTION void decimate_frequency(const Tile& tile,
                                               const stages<typename Tile::real>& s,
                                               tile_rows<Tile> scratch, const Load& load,
                                               const Store& store) {
  const scratch_load<Tile> in{scratch};
  const scratch_store<Tile> out{scratch};
  if (s.count == 1)
    move_rows(tile, s.rows, load, out);
  else
    one_stage<true, true>(tile, s, 0, load, out);
  tile.barrier();
  for (int k = 1; k + 1 < s.count; ++k) {
    one_stage<true, true>(tile, s, k, in, out);
    tile.barrier();
  }
  one_stage<true, false>(tile, s, s.count - 1, in, store);
}

/// All stages: positions -> natural rows, the adjoint of decimate_frequency.
template <class Tile, class Load, class Store>
KOKKOS_INLINE_FUNCTION void decimate_time(const Tile& tile, const stages<typename Tile::real>& s,
                                          tile_rows<Tile> scratch, const Load& load,
                                          const Store& store) {
  const scratch_load<Tile> in{scratch};
  const scratch_store<Tile> out{scratch};
  one_stage<false, false>(tile, s, s.count - 1, load, out);
  tile.barrier();
  for (int k = s.count - 2; k > 0; --k) {
    one_stage<false, true>(tile, s, k, in, out);
    tile.barrier();
  }
  if (s.count == 1)
    move_rows(tile, s.rows, in, store);
  else
    one_stage<false, true>(tile, s, 0, in, store);
}

/// Bluestein: a convolution with the chirp, natural order on both sides.
template <class Tile, class Load, class Store>
KOKKOS_INLINE_FUNCTION void convolve_chirp(const Tile& tile, const stages<typename Tile::real>& s,
                                           tile_rows<Tile> scratch, const Load& load,
                                           const Store& store) {
  using T = typename Tile::real;
  using L = typename Tile::number;
  using column = typename Tile::column;
  const scratch_load<Tile> in{scratch};
  const scratch_store<Tile> out{scratch};
  const auto times = [](const T* w, L& re, L& im) {
    const L wr(w[0]), wi(w[1]), x = re, y = im;
    re = x * wr - y * wi;
    im = x * wi + y * wr;
  };
  tile.for_each(s.rows, [&](column c, index_t row) {
    L re(T(0)), im(T(0));
    if (row < s.length) {
      load(c, row, re, im);
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
    store(c, row, re, im);
  });
}

}  // namespace detail

/// y_k = sum_j x_j exp(-2 pi i j k / n) without norm. load(column, row, re, im) gives x_row;
/// store(column, position, re, im) gets the frequency `s.frequency[position]`. Both may use rows of
/// `scratch` (s.rows rows), each only the row that it is called with. Before the results are read
/// by other threads the caller passes `tile.barrier()`.
template <class Tile, class Load, class Store>
KOKKOS_INLINE_FUNCTION void forward(const Tile& tile, const stages<typename Tile::real>& s,
                                    tile_rows<Tile> scratch, const Load& load, const Store& store) {
  if (s.bluestein())
    detail::convolve_chirp(tile, s, scratch, load, store);
  else
    detail::decimate_frequency(tile, s, scratch, load, store);
}

/// The adjoint of `forward`: load gives the frequency `s.frequency[position]`, store gets
/// x_row = sum_k y_k exp(+2 pi i row k / n).
template <class Tile, class Load, class Store>
KOKKOS_INLINE_FUNCTION void adjoint(const Tile& tile, const stages<typename Tile::real>& s,
                                    tile_rows<Tile> scratch, const Load& load, const Store& store) {
  if (s.bluestein())
    detail::convolve_chirp(tile, s, scratch, detail::swapped_load<Load>{load},
                           detail::swapped_store<Store>{store});
  else
    detail::decimate_time(tile, s, scratch, load, store);
}

/// adjoint(W forward(x)) with a diagonal of real weights: weight(position) weighs the frequency
/// `s.frequency[position]`. load and store see natural rows.
template <class Tile, class Load, class Weight, class Store>
KOKKOS_INLINE_FUNCTION void filter(const Tile& tile, const stages<typename Tile::real>& s,
                                   tile_rows<Tile> scratch, const Load& load, const Weight& weight,
                                   const Store& store) {
  using L = typename Tile::number;
  using column = typename Tile::column;
  const detail::scratch_load<Tile> in{scratch};
  const detail::scratch_store<Tile> out{scratch};
  if (s.bluestein()) {
    detail::convolve_chirp(
        tile, s, scratch, load, [&](column c, index_t p, const L& re, const L& im) {
          const L w(weight(p));  // real and imaginary parts change places: the adjoint
          scratch.store(c, p, im * w, re * w);
        });
    tile.barrier();
    detail::convolve_chirp(tile, s, scratch, in, detail::swapped_store<Store>{store});
    return;
  }
  const int last = s.count - 1;
  if (last == 0)
    detail::move_rows(tile, s.rows, load, out);
  else
    detail::one_stage<true, true>(tile, s, 0, load, out);
  tile.barrier();
  for (int k = 1; k < last; ++k) {
    detail::one_stage<true, true>(tile, s, k, in, out);
    tile.barrier();
  }
  detail::with_radix(s.radix[last], [&]<int R>() { detail::weigh<R>(tile, s, scratch, weight); });
  tile.barrier();
  for (int k = last - 1; k > 0; --k) {
    detail::one_stage<false, true>(tile, s, k, in, out);
    tile.barrier();
  }
  if (last == 0)
    detail::move_rows(tile, s.rows, in, store);
  else
    detail::one_stage<false, true>(tile, s, 0, in, store);
}

/// Radices of a length, in the order of `forward`; empty if a prime above `largest_radix` divides
/// it. The last stage has no twiddle factors: it is the largest prime above 7, else a power of two.
inline std::vector<int> factorize(index_t n) {
  if (n == 1) return {1};
  int twos = 0, threes = 0;
  for (; n % 2 == 0; n /= 2) ++twos;
  for (; n % 3 == 0; n /= 3) ++threes;
  std::vector<int> radices, large;
  for (int p = 5; p <= largest_radix && n > 1; p += 2)
    for (; n % p == 0; n /= p) (p > 7 ? large : radices).push_back(p);
  if (n > 1) return {};
  if (threes % 2) radices.push_back(3);
  radices.insert(radices.end(), static_cast<std::size_t>(threes / 2), 9);
  if (twos == 9) {  // faster than three eights
    radices.insert(radices.end(), {4, 8, 16});
    twos = 0;
  }
  if (twos == 1) radices.push_back(2);
  for (; (twos > 3 && twos % 3) || twos == 2; twos -= 2) radices.push_back(4);
  for (; twos >= 3; twos -= 3) radices.push_back(8);
  radices.insert(radices.end(), large.begin(), large.end());
  return radices;
}

/// A transform of one length: owns the tables that `stages` points into.
template <class T, ExecutionSpace Ex>
class line {
 public:
  /// Throws value_error unless n > 0.
  line(const Ex& ex, index_t n) {
    require(n > 0, "fft: length: expected at least 1, found ", n);
    std::vector<int> radices = factorize(n);
    const bool bluestein = radices.empty();
    index_t rows = n;
    if (bluestein)
      for (rows = 2 * n - 1; !smooth(rows);) ++rows;
    if (bluestein) radices = factorize(rows);
    fill(n, rows, radices, bluestein);
    table_ = to_device(ex, numbers_);
    order_ = to_device(ex, orders_);
    s_.table = table_.data();
    s_.chirp = bluestein ? table_.data() + chirp_ : nullptr;
    s_.spectrum = bluestein ? table_.data() + spectrum_ : nullptr;
    s_.frequency = order_.data();
    s_.position = order_.data() + n;
  }

  /// For kernels on Ex; valid as long as this object lives.
  const cardiomm::fft::stages<T>& stages() const { return s_; }
  index_t length() const { return s_.length; }
  /// Scratch numbers of a tile for the transform.
  index_t scratch_numbers() const { return tile_rows<launch::tile_type<T, Ex>>::numbers(s_.rows); }
  /// On hosts: position -> frequency and back.
  int frequency(index_t position) const { return orders_[static_cast<std::size_t>(position)]; }
  int position(index_t frequency) const {
    return orders_[static_cast<std::size_t>(s_.length + frequency)];
  }

 private:
  static bool smooth(index_t n) {
    for (int p : {2, 3, 5, 7})
      for (; n % p == 0;) n /= p;
    return n == 1;
  }

  void push(std::complex<long double> w) {
    numbers_.push_back(static_cast<T>(w.real()));
    numbers_.push_back(static_cast<T>(w.imag()));
  }

  void fill(index_t n, index_t rows, const std::vector<int>& radices, bool bluestein) {
    s_.length = static_cast<int>(n);
    s_.rows = static_cast<int>(rows);
    s_.count = static_cast<int>(radices.size());
    index_t len = rows;
    std::vector<int> freq(static_cast<std::size_t>(rows), 0);
    index_t stride = 1;  // frequencies of a block differ by multiples of the radices done so far
    for (int k = 0; k < s_.count; ++k) {
      const int r = radices[static_cast<std::size_t>(k)];
      const index_t m = len / r;
      s_.radix[k] = r;
      s_.distance[k] = static_cast<int>(m);
      s_.twiddle[k] = static_cast<int>(numbers_.size());
      for (index_t j = 0; j < m; ++j)
        for (int p = 1; p < r; ++p) push(unit_root(j * p, len));
      s_.root[k] = static_cast<int>(numbers_.size());
      const int h = r > 9 && r % 2 ? r / 2 : 0;
      for (int q = 1; q <= h; q += detail::odd_block)
        for (int j = 1; j <= h; ++j)
          for (int b = 0; b < detail::odd_block && q + b <= h; ++b)
            push(std::conj(unit_root((q + b) * j, r)));
      for (index_t i = 0; i < rows; ++i)
        freq[static_cast<std::size_t>(i)] += static_cast<int>((i % len) / m * stride);
      stride *= r;
      len = m;
    }
    orders_.resize(static_cast<std::size_t>(2 * n));
    for (index_t p = 0; p < n; ++p) {
      const int f = bluestein ? static_cast<int>(p) : freq[static_cast<std::size_t>(p)];
      orders_[static_cast<std::size_t>(p)] = f;
      orders_[static_cast<std::size_t>(n + f)] = static_cast<int>(p);
    }
    if (bluestein) fill_chirp(n, rows, freq);
  }

  void fill_chirp(index_t n, index_t rows, const std::vector<int>& freq) {
    const auto chirp = [n](index_t j) { return unit_root(j * j % (2 * n), 2 * n); };
    chirp_ = static_cast<index_t>(numbers_.size());
    for (index_t j = 0; j < n; ++j) push(chirp(j));
    spectrum_ = static_cast<index_t>(numbers_.size());
    // The transform of the conjugate chirp by its definition would cost rows^2; the same recursion
    // as below, in long double, costs rows log rows.
    std::vector<std::complex<long double>> b(static_cast<std::size_t>(rows));
    for (index_t j = 0; j < n; ++j) {
      b[static_cast<std::size_t>(j)] = std::conj(chirp(j));
      b[static_cast<std::size_t>((rows - j) % rows)] = std::conj(chirp(j));
    }
    const auto spectrum = reference(b);
    for (index_t p = 0; p < rows; ++p)
      push(spectrum[static_cast<std::size_t>(freq[static_cast<std::size_t>(p)])] /
           static_cast<long double>(rows));
  }

  /// Recursive transform of a smooth length in long double.
  static std::vector<std::complex<long double>> reference(
      const std::vector<std::complex<long double>>& x) {
    const index_t n = static_cast<index_t>(x.size());
    if (n == 1) return x;
    int r = 2;
    while (n % r) ++r;
    const index_t m = n / r;
    std::vector<std::vector<std::complex<long double>>> part;
    for (int q = 0; q < r; ++q) {
      std::vector<std::complex<long double>> sub(static_cast<std::size_t>(m));
      for (index_t j = 0; j < m; ++j)
        sub[static_cast<std::size_t>(j)] = x[static_cast<std::size_t>(j * r + q)];
      part.push_back(reference(sub));
    }
    std::vector<std::complex<long double>> y(x.size());
    for (index_t k = 0; k < n; ++k)
      for (int q = 0; q < r; ++q)
        y[static_cast<std::size_t>(k)] +=
            unit_root(q * k, n) *
            part[static_cast<std::size_t>(q)][static_cast<std::size_t>(k % m)];
    return y;
  }

  template <class V>
  static tensor<V, 1, Ex> to_device(const Ex& ex, const std::vector<V>& v) {
    auto t = make_tensor<V>(ex, shape<1>{{static_cast<index_t>(v.size())}}, "cardiomm::fft::line");
    Kokkos::deep_copy(t, host_view<const V, 1>(v.data(), v.size()));
    return t;
  }

  cardiomm::fft::stages<T> s_{};
  std::vector<T> numbers_;
  std::vector<int> orders_;
  index_t chirp_ = 0, spectrum_ = 0;
  tensor<T, 1, Ex> table_;
  tensor<int, 1, Ex> order_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
