// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_LINE_HPP
#define CARDIOMM_FFT_LINE_HPP
/// \file
/// What a staged transform of one length needs: its radices, twiddle factors and order of
/// frequencies. The stages themselves are in fft/stages.hpp.

#include <complex>
#include <type_traits>
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

/// Rows at a distance of `step` rows: a column of a plane of rows. Offers what tile_rows does.
template <class Tile>
struct strided_rows {
  using T = typename tile_rows<Tile>::T;
  using number = typename Tile::number;
  using column = typename Tile::column;
  T* base;
  index_t step;

  KOKKOS_FORCEINLINE_FUNCTION T* re(index_t row) const {
    return base + row * step * tile_rows<Tile>::pitch;
  }
  KOKKOS_FORCEINLINE_FUNCTION T* im(index_t row) const { return re(row) + Tile::width; }
  KOKKOS_FORCEINLINE_FUNCTION void load(column c, index_t row, number& r, number& i) const {
    r = c.load(re(row));
    i = c.load(im(row));
  }
  KOKKOS_FORCEINLINE_FUNCTION void store(column c, index_t row, const number& r,
                                         const number& i) const {
    c.store(re(row), r);
    c.store(im(row), i);
  }
};

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
  line(const Ex& ex, index_t n) : line(ex, n, n > 0 ? factorize(n) : std::vector<int>()) {}
  /// With stages of these radices, whose product is n; with none by Bluestein's algorithm. A stage
  /// may have 2, 3, 4, 5, 7, 8, 9 or an odd radix up to largest_radix, the last one 16 as well, the
  /// first one of a filter 6, 12 and 16; throws value_error for others.
  line(const Ex& ex, index_t n, std::vector<int> radices) {
    require(n > 0, "fft: length: expected at least 1, found ", n);
    for (std::size_t k = 0; k < radices.size(); ++k) {
      const int r = radices[k];
      const bool first = k == 0 && radices.size() > 1, last = k + 1 == radices.size();
      require((r == 1 && last) || r == 2 || r == 4 || r == 8 ||
                  (r % 2 == 1 && r > 1 && r <= largest_radix) || (r == 16 && (first || last)) ||
                  ((r == 6 || r == 12) && first),
              "fft: stage ", k, ": expected a radix that stages there may have, found ", r);
    }
    const bool bluestein = radices.empty();
    index_t rows = n;
    if (bluestein)
      for (rows = 2 * n - 1; !smooth(rows);) ++rows;
    if (bluestein) radices = factorize(rows);
    fill(n, rows, radices, bluestein);
    table_ = upload(ex, numbers_, "cardiomm::fft::line");
    order_ = upload(ex, orders_, "cardiomm::fft::line");
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
  /// Scratch numbers that transforms in place of a tile's rows need besides them: Bluestein's.
  index_t work_numbers() const { return s_.bluestein() ? scratch_numbers() : 0; }
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

  cardiomm::fft::stages<T> s_{};
  std::vector<T> numbers_;
  std::vector<int> orders_;
  index_t chirp_ = 0, spectrum_ = 0;
  tensor<T, 1, Ex> table_;
  tensor<int, 1, Ex> order_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
