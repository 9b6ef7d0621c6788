// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_GEMM_HPP
#define CARDIOMM_NN_GEMM_HPP
/// \file
/// Products of matrices on hosts, C (+)= A B, as convolutions need them: A is read where it lies,
/// number by number, B is packed into panels of one to three lane packets, and as many rows as
/// there are registers are summed at a time.

#include <array>
#include <utility>

#include "cardiomm/core/lane.hpp"
#include "cardiomm/core/tile.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::gemm {

/// A(r, s, k) = a[r row + s segment + k step]; the sum runs over all segments s and depths k. So a
/// row of A may be the neighbourhood of a pixel, and A may be a transposed matrix.
template <class T>
struct operands {
  const T* a;
  index_t row, step;
  index_t segments, segment, depth;
  const T* b;  ///< packed panels, see `columns`
  T* c;
  index_t c_row;  ///< from a row of C to the next, numbers
  bool add;       ///< C += A B
};

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int registers = 32;
#else
inline constexpr int registers = 16;
#endif
inline constexpr int most_packets = 3, most_rows = 14;
/// Rows that fit into the registers beside P packets of B and one number of A.
constexpr int rows_of(int packets) {
  const int fit = (registers - 1 - packets) / packets;
  return fit < most_rows ? fit : most_rows;
}
/// Width of the next panel when `left` packets are left: no single packet where that can be.
constexpr int panel_of(index_t left) { return left == 3 || left > 4 ? 3 : (left > 1 ? 2 : 1); }

template <class L, int R, int P>
void kernel(const operands<typename lane_traits<L>::real>& o, index_t b_row) {
  using T = typename lane_traits<L>::real;
  using traits = lane_traits<L>;
  constexpr int W = traits::width;
  L sum[R][P];
  CARDIOMM_UNROLL
  for (int r = 0; r < R; ++r) {
    CARDIOMM_UNROLL
    for (int p = 0; p < P; ++p) sum[r][p] = L(T(0));
  }
  const T* b = o.b;
  const index_t row = o.row, step = o.step;
  for (index_t s = 0; s < o.segments; ++s) {
    const T* a = o.a + s * o.segment;
    for (index_t k = 0; k < o.depth; ++k) {
      L right[P];
      CARDIOMM_UNROLL
      for (int p = 0; p < P; ++p) right[p] = traits::load(b + p * W);
      CARDIOMM_UNROLL
      for (int r = 0; r < R; ++r) {
        const L left(a[r * row]);
        CARDIOMM_UNROLL
        for (int p = 0; p < P; ++p) sum[r][p] = traits::fma(left, right[p], sum[r][p]);
      }
      a += step;
      b += b_row;
    }
  }
  CARDIOMM_UNROLL
  for (int r = 0; r < R; ++r) {
    T* c = o.c + r * o.c_row;
    CARDIOMM_UNROLL
    for (int p = 0; p < P; ++p) {
      if (o.add) sum[r][p] = sum[r][p] + traits::load(c + p * W);
      traits::store(c + p * W, sum[r][p]);
    }
  }
}

template <class L>
struct kernels {
  using T = typename lane_traits<L>::real;
  using function = void (*)(const operands<T>&, index_t);
  template <int P, std::size_t... R>
  static constexpr std::array<function, most_rows> list(std::index_sequence<R...>) {
    return {{(&kernel<L, (static_cast<int>(R) < rows_of(P) ? static_cast<int>(R) + 1 : 1), P>)...}};
  }
  static constexpr std::array<function, most_rows> of[most_packets] = {
      list<1>(std::make_index_sequence<most_rows>()),
      list<2>(std::make_index_sequence<most_rows>()),
      list<3>(std::make_index_sequence<most_rows>())};
};

/// Called between blocks of rows; nothing to do.
struct no_errand {
  void operator()() const {}
};

/// Rows of one panel, in blocks of equal size.
template <class L, class Errand>
void rows(index_t m, int packets, operands<typename lane_traits<L>::real> o, index_t b_row,
          Errand& errand) {
  const index_t most = rows_of(packets), blocks = (m + most - 1) / most;
  for (index_t i = 0; i < blocks; ++i) {
    const index_t n = (m - 1) / blocks + 1;  // the rest is shared evenly: sizes n or n - 1
    const index_t here = i < m - (n - 1) * blocks ? n : n - 1;
    kernels<L>::of[packets - 1][here - 1](o, b_row);
    errand();
    o.a += here * o.row;
    o.c += here * o.c_row;
  }
}

/// C (+)= A B with m rows and `packets` packets of columns. Panel after panel lies at b, each
/// (segments * depth) rows of `panel_of` packets. `errand()` is called `errands` times, in between.
template <class L, class Errand>
void multiply(index_t m, index_t packets, operands<typename lane_traits<L>::real> o,
              Errand&& errand) {
  constexpr int W = lane_traits<L>::width;
  if (m <= 0) return;
  for (index_t left = packets; left > 0;) {
    const int p = panel_of(left);
    rows<L>(m, p, o, p * W, errand);
    o.b += o.segments * o.depth * p * W;
    o.c += p * W;
    left -= p;
  }
}

template <class L>
void multiply(index_t m, index_t packets, operands<typename lane_traits<L>::real> o) {
  multiply<L>(m, packets, o, no_errand{});
}
inline index_t errands(index_t m, index_t packets) {
  index_t n = 0;
  for (index_t left = packets; left > 0;) {
    const int p = panel_of(left);
    n += (m + rows_of(p) - 1) / rows_of(p);
    left -= p;
  }
  return n;
}

/// The same with B as it lies in memory, rows b_row numbers long, padded to whole packets.
template <class L>
void multiply_plain(index_t m, index_t packets, operands<typename lane_traits<L>::real> o,
                    index_t b_row) {
  constexpr int W = lane_traits<L>::width;
  if (m <= 0) return;
  no_errand none;
  for (index_t left = packets; left > 0;) {
    const int p = panel_of(left);
    rows<L>(m, p, o, b_row, none);
    o.b += p * W;
    o.c += p * W;
    left -= p;
  }
}

/// Where packet q of row k lies among the panels of a matrix with `depth` rows.
template <class L>
KOKKOS_INLINE_FUNCTION index_t packed_at(index_t packets, index_t depth, index_t q, index_t k) {
  constexpr int W = lane_traits<L>::width;
  index_t first = 0;
  int p = panel_of(packets);
  while (q >= first + p) {
    first += p;
    p = panel_of(packets - first);
  }
  return (first * depth + k * p + (q - first)) * W;
}

/// Numbers of packed panels of `columns` columns.
template <class L>
constexpr index_t packets_of(index_t columns) {
  return (columns + lane_traits<L>::width - 1) / lane_traits<L>::width;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::gemm

#endif
