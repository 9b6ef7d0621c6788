// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_FILTER_HPP
#define CARDIOMM_FFT_FILTER_HPP
/// \file
/// A transform, real weights and the adjoint transform, planned for weights most of which are zero:
///
///     const fft::line_filter<float, Ex> f(ex, weights);     // (pattern, frequency)
///     fft::filter(tile, f.tables(), pattern, scratch, load, store);     // in a tile kernel
///
/// The first stage cuts the transform into `blocks`, one for each remainder of the frequency.
/// Those of few weights are summed by the definition (fft/direct.hpp), those of none are cleared,
/// the others transformed. Regularly undersampled lines fill few blocks; the radices are chosen for
/// the weights. Hosts only: devices do the stages of all blocks side by side, and skip only the
/// last where a butterfly has no weights.

#include <vector>

#include "cardiomm/fft/direct.hpp"
#include "cardiomm/fft/stages.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

/// What kernels know of a filter. Made by `line_filter`.
template <class T>
struct filter_tables {
  stages<T> s;
  int blocks;        ///< parts after the first stage
  int points;        ///< rows of a part
  int pitch;         ///< scratch rows from part to part
  const T* weights;  ///< (pattern, position)
  const T* roots;    ///< (k, j, cos or sin) of 2 pi j k / points for j, k = 1 .. points / 2
  const int* first;  ///< (pattern, block): its first entry; -1: has none, is transformed whole
  const int* last;   ///< (pattern, block): one past its last entry
  const int* entry;  ///< where the k of an entry begins in `roots`
  const T* factors;  ///< (entry, 2): sum and difference of the weights of k and points - k

  /// The first and the last stage go through rows in the order of these slots. Data that their
  /// functors read and write are best kept in it: rows at distances of powers of two would share
  /// their place in a cache.
  KOKKOS_FORCEINLINE_FUNCTION index_t row(index_t slot) const {
    return slot % blocks * points + slot / blocks;
  }
  KOKKOS_FORCEINLINE_FUNCTION index_t slot(index_t row) const {
    return row % points * blocks + row / points;
  }
  KOKKOS_FORCEINLINE_FUNCTION index_t scratch_rows() const {
    const index_t spread = index_t(blocks) * pitch;
    return spread > s.rows ? spread : s.rows;
  }
};

namespace detail {

/// All rows of a transform, where those in scratch lie in parts `pitch` apart.
template <bool Load>
struct spread_part {
  index_t first, rows, pitch;
  KOKKOS_FORCEINLINE_FUNCTION index_t load_distance(index_t m) const { return Load ? pitch : m; }
  KOKKOS_FORCEINLINE_FUNCTION index_t store_distance(index_t m) const { return Load ? m : pitch; }
};

}  // namespace detail

/// adjoint(W forward(x)) with the weights of `pattern`. load(column, row, re, im) and store(column,
/// row, re, im) see natural rows, and (column, row, slot, re, im) if they take five arguments.
/// Neither may touch `scratch`, `f.scratch_rows()` rows.
template <class Tile, class Rows, class Load, class Store>
KOKKOS_INLINE_FUNCTION void filter(const Tile& tile, const filter_tables<typename Tile::real>& f,
                                   index_t pattern, Rows scratch, const Load& load,
                                   const Store& store) {
  using T = typename Tile::real;
  using L = typename Tile::number;
  using column = typename Tile::column;
  const T* weights = f.weights + pattern * f.s.length;
  const auto weight = [=](index_t position) { return weights[position]; };
  if constexpr (!Tile::on_host) {
    filter(tile, f.s, scratch, load, weight, store);
  } else if (f.s.bluestein()) {
    detail::filter_chirp(tile, f.s, scratch, scratch, load, weight, store);
  } else {
    const stages<T>& s = f.s;
    const int* first = f.first + pattern * f.blocks;
    const int* last = f.last + pattern * f.blocks;
    bool nothing = true;
    for (int b = 0; b < f.blocks; ++b)
      nothing = nothing && first[b] == last[b] && first[b] >= 0 && weights[b * f.points] == T(0);
    if (nothing) {
      const L none(T(0));
      for (index_t j = 0; j < f.points; ++j)
        for (index_t b = 0; b < f.blocks; ++b)
          detail::call(store, column{}, b * f.points + j, j * f.blocks + b, none, none);
      return;
    }
    if (s.count == 1)
      detail::move_rows(tile, s.rows, load, detail::scratch_store<Rows>{scratch});
    else
      detail::one_stage<true, detail::place::first>(tile, s, 0,
                                                    detail::spread_part<false>{0, s.rows, f.pitch},
                                                    load, detail::scratch_store<Rows>{scratch});
    for (int b = 0; b < f.blocks; ++b) {
      const index_t row = index_t(b) * f.pitch;
      const T* part = weights + b * f.points;
      const int entries = last[b] - first[b];
      if (first[b] < 0)
        detail::filter_part(tile, s, detail::part{row, f.points}, scratch,
                            [=](index_t position) { return part[position - row]; });
      else if (entries == 0 && part[0] == T(0)) {
        const L none(T(0));
        for (int j = 0; j < f.points; ++j) scratch.store(column{}, row + j, none, none);
      } else
        detail::filter_direct(column{}, scratch, row, f.points, f.roots, part[0], entries,
                              f.entry + first[b], f.factors + 2 * first[b]);
    }
    if (s.count == 1)
      detail::move_rows(tile, s.rows, detail::scratch_load<Rows>{scratch}, store);
    else
      detail::one_stage<false, detail::place::first>(tile, s, 0,
                                                     detail::spread_part<true>{0, s.rows, f.pitch},
                                                     detail::scratch_load<Rows>{scratch}, store);
  }
}

namespace detail {

/// Pairs (k, points - k) of frequencies with weights, k = 1 .. points / 2, among those that leave
/// the remainder `block` when divided by `blocks`.
template <class T>
std::vector<int> weighed_pairs(const host_tensor<T, 2>& weights, index_t pattern, int block,
                               int blocks) {
  const int points = static_cast<int>(weights.extent(1)) / blocks;
  std::vector<int> pairs;
  for (int k = 1; k <= points / 2; ++k)
    if (weights(pattern, block + blocks * k) != T(0) ||
        weights(pattern, block + blocks * (points - k)) != T(0))
      pairs.push_back(k);
  return pairs;
}

/// Cycles a row for a stage forward and back, or forward and back at once where the weights are.
/// Fitted to measurements with AVX-512; their ratios are much the same elsewhere.
inline double stage_cost(int radix, bool with_weights) {
  const double sums = radix > 9 && radix % 2 ? 1.3 * radix : 0.5 * radix;
  return with_weights ? 4 + 1.25 * sums : 8 + sums;
}
/// Of the stages after the first.
inline double whole_cost(const std::vector<int>& radices) {
  double cost = 0;
  for (std::size_t k = radices.size() > 1; k + 1 < radices.size(); ++k)
    cost += stage_cost(radices[k], false);
  return cost + (radices.empty() ? 0 : stage_cost(radices.back(), true));
}
inline double direct_cost(int points, std::size_t pairs) {
  return points > most_direct ? 1e9 : 6 + 2.3 * static_cast<double>(pairs);
}

/// Radices for weights (pattern, frequency): the first one is that whose parts cost least.
template <class T>
std::vector<int> filter_radices(const host_tensor<T, 2>& weights) {
  const index_t patterns = static_cast<index_t>(weights.extent(0));
  const int n = static_cast<int>(weights.extent(1));
  const std::vector<int> plain = n > 0 ? factorize(n) : std::vector<int>();
  std::vector<std::vector<int>> candidates{plain};
  if (!plain.empty())
    for (int first : {4, 8, 9, 12, 16, 6, 7, 5, 3, 2})
      if (n % first == 0 && n > first) {
        candidates.push_back(factorize(n / first));
        candidates.back().insert(candidates.back().begin(), first);
      }
  double least = 1e300;
  std::vector<int> best = plain;
  for (const std::vector<int>& radices : candidates) {
    if (radices.empty()) break;
    const int blocks = radices.size() > 1 ? radices.front() : 1;
    const double whole = whole_cost(radices);
    double parts = 0;
    for (index_t p = 0; p < patterns; ++p)
      for (int b = 0; b < blocks; ++b) {
        const double direct =
            direct_cost(n / blocks, weighed_pairs<T>(weights, p, b, blocks).size());
        parts += direct < whole ? direct : whole;
      }
    const double cost = stage_cost(blocks, false) +
                        (blocks >= 16  ? 8
                         : blocks >= 8 ? 2
                                       : 0) +
                        parts / static_cast<double>(patterns * blocks);
    if (cost < least) {
      least = cost;
      best = radices;
    }
  }
  return best;
}

}  // namespace detail

/// Owns the tables of a filter.
template <class T, ExecutionSpace Ex>
class line_filter {
 public:
  /// weights (pattern, frequency) on the host. Throws value_error without any.
  line_filter(const Ex& ex, const host_tensor<T, 2>& weights)
      : line_filter(ex, weights, detail::filter_radices<T>(weights)) {}
  /// The same with these radices, for tests and measurements.
  line_filter(const Ex& ex, const host_tensor<T, 2>& weights, const std::vector<int>& radices)
      : line_(ex, static_cast<index_t>(weights.extent(1)), radices) {
    fill(ex, weights, radices);
  }

  /// For kernels on Ex; valid as long as this object lives.
  const filter_tables<T>& tables() const { return f_; }
  const fft::line<T, Ex>& line() const { return line_; }
  index_t length() const { return line_.length(); }
  index_t patterns() const { return patterns_; }
  index_t scratch_numbers() const {
    return tile_rows<launch::tile_type<T, Ex>>::numbers(f_.scratch_rows());
  }

 private:
  void fill(const Ex& ex, const host_tensor<T, 2>& weights, const std::vector<int>& radices) {
    f_.s = line_.stages();
    patterns_ = static_cast<index_t>(weights.extent(0));
    const int n = f_.s.length;
    const bool parts = !f_.s.bluestein() && f_.s.count > 1;
    f_.blocks = parts ? f_.s.radix[0] : 1;
    f_.points = n / f_.blocks;
    f_.pitch = parts && f_.points % 8 == 0 ? f_.points + 1 : f_.points;
    const int points = f_.points, half = points / 2;
    std::vector<T> numbers;
    for (index_t p = 0; p < patterns_; ++p)
      for (int i = 0; i < n; ++i) numbers.push_back(weights(p, line_.frequency(i)));
    const std::size_t roots = numbers.size();
    if (points <= detail::most_direct)
      for (int k = 1; k <= half; ++k)
        for (int j = 1; j <= half; ++j) {
          const auto w = unit_root(index_t(j) * k, points);
          numbers.push_back(static_cast<T>(w.real()));
          numbers.push_back(static_cast<T>(-w.imag()));
        }
    const std::size_t factors = numbers.size();
    const double whole = detail::whole_cost(radices);
    std::vector<int> first, last, entry;
    for (index_t p = 0; p < patterns_; ++p)
      for (int b = 0; b < f_.blocks; ++b) {
        const auto weight = [&](int k) { return weights(p, b + f_.blocks * k); };
        const std::vector<int> pairs = detail::weighed_pairs<T>(weights, p, b, f_.blocks);
        if (f_.s.bluestein() || detail::direct_cost(points, pairs.size()) > whole) {
          first.push_back(-1);
          last.push_back(-1);
          continue;
        }
        first.push_back(static_cast<int>(entry.size()));
        for (int k : pairs) {
          const T a = weight(k), m = 2 * k == points ? T(0) : weight(points - k);
          entry.push_back(2 * half * (k - 1));
          numbers.push_back(a + m);
          numbers.push_back(a - m);
        }
        last.push_back(static_cast<int>(entry.size()));
      }
    const std::size_t many = first.size();
    std::vector<int> order = first;
    order.insert(order.end(), last.begin(), last.end());
    order.insert(order.end(), entry.begin(), entry.end());
    numbers_ = upload(ex, numbers, "cardiomm::fft::filter");
    order_ = upload(ex, order, "cardiomm::fft::filter");
    f_.weights = numbers_.data();
    f_.roots = numbers_.data() + roots;
    f_.factors = numbers_.data() + factors;
    f_.first = order_.data();
    f_.last = order_.data() + many;
    f_.entry = order_.data() + 2 * many;
  }

  fft::line<T, Ex> line_;
  filter_tables<T> f_{};
  index_t patterns_ = 0;
  tensor<T, 1, Ex> numbers_;
  tensor<int, 1, Ex> order_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
