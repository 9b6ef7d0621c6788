// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_TILE_HPP
#define CARDIOMM_CORE_TILE_HPP
/// \file
/// Tiles: W neighbouring columns that are worked on together in fast scratch memory. The kernel is
/// a named functor with `template <class Tile> void operator()(const Tile& tile) const`; its body
/// is written once:
///
///     tile.for_each(n, [&](auto c, index_t i) {   // every column of rows 0 .. n-1
///       auto v = c.load(rows + i * tile.width);   // scratch rows are width numbers long
///       c.store(rows + i * tile.width, v * v);
///     });
///     tile.barrier();                             // before reading what other rows stored
///
/// |              | host                                 | device                                |
/// |--------------|--------------------------------------|---------------------------------------|
/// | width        | numbers in a lane packet             | 8                                     |
/// | column       | all of them: loads give a packet     | one: loads give a number              |
/// | for_each     | a plain loop over rows               | threads over rows x columns           |
/// | barrier      | nothing                              | barrier of the team                   |
/// | scratch      | from the workspace, one per thread   | shared memory, else global            |

#include <atomic>
#include <type_traits>
#include <utility>

#include "cardiomm/core/lane.hpp"
#include "cardiomm/core/launch.hpp"

#if CARDIOMM_HAS_XSIMD && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector) && __has_builtin(__builtin_bit_cast)
#define CARDIOMM_TILE_SHUFFLES 1
#endif
#endif
#ifndef CARDIOMM_TILE_SHUFFLES
#define CARDIOMM_TILE_SHUFFLES 0
#endif

/// Loops over registers have to be unrolled whole, or the registers become memory.
#if defined(__clang__) || defined(__CUDACC__)
#define CARDIOMM_UNROLL _Pragma("unroll")
#else
#define CARDIOMM_UNROLL _Pragma("GCC unroll 16")
#endif

#if defined(__SANITIZE_ADDRESS__)
#define CARDIOMM_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CARDIOMM_SANITIZED 1
#endif
#endif
/// After a lambda's parameters: the compiler may not keep it as a function. Hosts only, where
/// calls cost as much as a butterfly, and not where every access is checked: that would take
/// minutes to compile.
#if defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(__CUDACC__) && !defined(__HIPCC__) && \
    !defined(CARDIOMM_SANITIZED)
#define CARDIOMM_INLINED __attribute__((always_inline))
#else
#define CARDIOMM_INLINED
#endif

namespace cardiomm::inline CARDIOMM_ABI::launch {

namespace detail {

#if CARDIOMM_TILE_SHUFFLES
/// Permutations of packets by the compilers' own vectors: xsimd has none that all versions share.
template <class L>
struct shuffles {
  using T = typename lane_traits<L>::real;
  static constexpr int W = lane_traits<L>::width;
  typedef T vec __attribute__((vector_size(W * sizeof(T))));

  static inline vec bits(const L& v) {
    return __builtin_bit_cast(vec, static_cast<typename L::register_type>(v));
  }
  static inline L packet(vec v) { return L(__builtin_bit_cast(typename L::register_type, v)); }

  template <int... I>
  static inline void split(L& a, L& b, std::integer_sequence<int, I...>) {
    const vec x = bits(a), y = bits(b);
    a = packet(__builtin_shufflevector(x, y, (2 * I)...));
    b = packet(__builtin_shufflevector(x, y, (2 * I + 1)...));
  }
  template <int... I>
  static inline void merge(L& a, L& b, std::integer_sequence<int, I...>) {
    const vec x = bits(a), y = bits(b);
    a = packet(__builtin_shufflevector(x, y, (I / 2 + (I % 2) * W)...));
    b = packet(__builtin_shufflevector(x, y, ((I + W) / 2 + (I % 2) * W)...));
  }
  /// Swaps the off-diagonal blocks of size D.
  template <int D, int... I>
  static inline void swap_blocks(L& a, L& b, std::integer_sequence<int, I...>) {
    const vec x = bits(a), y = bits(b);
    a = packet(__builtin_shufflevector(x, y, (I & D ? I - D + W : I)...));
    b = packet(__builtin_shufflevector(x, y, (I & D ? I + W : I + D)...));
  }
  template <int D>
  static inline void transpose(L* v) {
    if constexpr (D < W) {
      CARDIOMM_UNROLL
      for (int i = 0; i < W; ++i)
        if (!(i & D)) swap_blocks<D>(v[i], v[i + D], std::make_integer_sequence<int, W>{});
      transpose<2 * D>(v);
    }
  }
};
#endif

/// (r0 i0 r1 i1 ...) in a, b  ->  (r0 r1 ...), (i0 i1 ...).
template <class L>
KOKKOS_FORCEINLINE_FUNCTION void deinterleave(L& a, L& b) {
  constexpr int W = lane_traits<L>::width;
  if constexpr (W > 1) {
#if CARDIOMM_TILE_SHUFFLES
    shuffles<L>::split(a, b, std::make_integer_sequence<int, W>{});
#else
    typename lane_traits<L>::real t[2 * W], u[2 * W];
    lane_traits<L>::store(t, a);
    lane_traits<L>::store(t + W, b);
    for (int i = 0; i < W; ++i) u[i] = t[2 * i], u[W + i] = t[2 * i + 1];
    a = lane_traits<L>::load(u);
    b = lane_traits<L>::load(u + W);
#endif
  }
}
/// The inverse of deinterleave.
template <class L>
KOKKOS_FORCEINLINE_FUNCTION void interleave(L& a, L& b) {
  constexpr int W = lane_traits<L>::width;
  if constexpr (W > 1) {
#if CARDIOMM_TILE_SHUFFLES
    shuffles<L>::merge(a, b, std::make_integer_sequence<int, W>{});
#else
    typename lane_traits<L>::real t[2 * W], u[2 * W];
    lane_traits<L>::store(t, a);
    lane_traits<L>::store(t + W, b);
    for (int i = 0; i < W; ++i) u[2 * i] = t[i], u[2 * i + 1] = t[W + i];
    a = lane_traits<L>::load(u);
    b = lane_traits<L>::load(u + W);
#endif
  }
}
/// v[i] lane j  <->  v[j] lane i, for W packets.
template <class L>
KOKKOS_FORCEINLINE_FUNCTION void transpose(L* v) {
  constexpr int W = lane_traits<L>::width;
  if constexpr (W > 1) {
#if CARDIOMM_TILE_SHUFFLES
    shuffles<L>::template transpose<1>(v);
#else
    typename lane_traits<L>::real t[W * W], u[W * W];
    for (int i = 0; i < W; ++i) lane_traits<L>::store(t + i * W, v[i]);
    for (int i = 0; i < W; ++i)
      for (int j = 0; j < W; ++j) u[i * W + j] = t[j * W + i];
    for (int i = 0; i < W; ++i) v[i] = lane_traits<L>::load(u + i * W);
#endif
  }
}

}  // namespace detail

/// Asks for the cache lines of n numbers, without waiting; for hosts only.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION void prefetch([[maybe_unused]] const V* p, [[maybe_unused]] index_t n) {
#if defined(__GNUC__) && !defined(__CUDA_ARCH__) && !defined(__HIP_DEVICE_COMPILE__)
  const char* first = reinterpret_cast<const char*>(p);
  const char* last = reinterpret_cast<const char*>(p + n);
  for (; first < last; first += 64) __builtin_prefetch(first, 0, 2);
#endif
}

/// All columns of a tile on a host: numbers are lane packets.
template <class T, ExecutionSpace Ex>
struct packet_column {
  using number = lane<T, Ex>;
  static constexpr int width = lane_width<T, Ex>;
  using traits = lane_traits<number>;

  /// Row of scratch memory.
  static KOKKOS_FORCEINLINE_FUNCTION number load(const T* row) { return traits::load(row); }
  static KOKKOS_FORCEINLINE_FUNCTION void store(T* row, const number& v) { traits::store(row, v); }

  /// Row of complex numbers in memory, of which the first `valid` belong to existing columns; the
  /// others read as zero and are not written.
  static KOKKOS_FORCEINLINE_FUNCTION void load(const complex<T>* row, int valid, number& re,
                                               number& im) {
    const T* p = reinterpret_cast<const T*>(row);
    if (valid >= width) {
      re = traits::load(p);
      im = traits::load(p + width);
    } else {
      T part[2 * width];
      for (int i = 0; i < 2 * width; ++i) part[i] = i < 2 * valid ? p[i] : T(0);
      re = traits::load(part);
      im = traits::load(part + width);
    }
    detail::deinterleave(re, im);
  }
  static KOKKOS_FORCEINLINE_FUNCTION void store(complex<T>* row, int valid, number re, number im) {
    T* p = reinterpret_cast<T*>(row);
    detail::interleave(re, im);
    if (valid >= width) {
      traits::store(p, re);
      traits::store(p + width, im);
    } else {
      T part[2 * width];
      traits::store(part, re);
      traits::store(part + width, im);
      for (int i = 0; i < 2 * valid; ++i) p[i] = part[i];
    }
  }
};

/// One column of a tile on a device: numbers are numbers.
template <class T, int W>
struct single_column {
  using number = T;
  static constexpr int width = W;
  int column;

  KOKKOS_FORCEINLINE_FUNCTION T load(const T* row) const { return row[column]; }
  KOKKOS_FORCEINLINE_FUNCTION void store(T* row, T v) const { row[column] = v; }
  KOKKOS_FORCEINLINE_FUNCTION void load(const complex<T>* row, int valid, T& re, T& im) const {
    re = column < valid ? row[column].real() : T(0);
    im = column < valid ? row[column].imag() : T(0);
  }
  KOKKOS_FORCEINLINE_FUNCTION void store(complex<T>* row, int valid, T re, T im) const {
    if (column < valid) row[column] = complex<T>(re, im);
  }
};

/// A tile on a host.
template <class T, ExecutionSpace Ex>
class packet_tile {
 public:
  using real = T;
  using column = packet_column<T, Ex>;
  using number = typename column::number;
  static constexpr int width = column::width;
  static constexpr bool on_host = true;

  packet_tile(index_t index, T* scratch) : index_(index), scratch_(scratch) {}

  /// Number of the tile in its launch.
  KOKKOS_FORCEINLINE_FUNCTION index_t index() const { return index_; }
  /// The tile's scratch numbers, aligned for packets.
  KOKKOS_FORCEINLINE_FUNCTION T* scratch() const { return scratch_; }
  /// g(column, i) for i in [0, n).
  template <class G>
  KOKKOS_FORCEINLINE_FUNCTION void for_each(index_t n, const G& g) const {
    for (index_t i = 0; i < n; ++i) g(column{}, i);
  }
  /// g(column, i, j) for i in [0, n), j in [0, m), j fastest.
  template <class G>
  KOKKOS_FORCEINLINE_FUNCTION void for_each(index_t n, index_t m, const G& g) const {
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < m; ++j) g(column{}, i, j);
  }
  KOKKOS_FORCEINLINE_FUNCTION void barrier() const {}
  /// The sum of what the threads of the tile bring; everybody gets it.
  KOKKOS_FORCEINLINE_FUNCTION double sum(double v) const { return v; }

 private:
  index_t index_;
  T* scratch_;
};

/// A tile on a device: one team.
template <class T, class Member>
class team_tile {
 public:
  using real = T;
  using number = T;
  static constexpr int width = 8;
  static constexpr bool on_host = false;
  using column = single_column<T, width>;

  KOKKOS_FUNCTION team_tile(const Member& team, T* scratch) : team_(team), scratch_(scratch) {}

  KOKKOS_FORCEINLINE_FUNCTION index_t index() const { return team_.league_rank(); }
  KOKKOS_FORCEINLINE_FUNCTION T* scratch() const { return scratch_; }
  template <class G>
  KOKKOS_FORCEINLINE_FUNCTION void for_each(index_t n, const G& g) const {
    for (index_t i = team_.team_rank(); i < n * width; i += team_.team_size())
      g(column{static_cast<int>(i % width)}, i / width);
  }
  template <class G>
  KOKKOS_FORCEINLINE_FUNCTION void for_each(index_t n, index_t m, const G& g) const {
    for_each(n * m, [&](column c, index_t i) { g(c, i / m, i % m); });
  }
  KOKKOS_FORCEINLINE_FUNCTION void barrier() const { team_.team_barrier(); }
  KOKKOS_FORCEINLINE_FUNCTION double sum(double v) const {
    team_.team_reduce(Kokkos::Sum<double>(v));
    return v;
  }

 private:
  const Member& team_;
  T* scratch_;
};

namespace detail {

template <class T, class Ex, bool Host>
struct tile_of {
  using type = packet_tile<T, Ex>;
};
template <class T, class Ex>
struct tile_of<T, Ex, false> {
  using type = team_tile<T, typename Kokkos::TeamPolicy<Ex>::member_type>;
};

/// One worker takes blocks of tiles until none is left: the scratch belongs to the worker, and
/// threads that the system disturbs take fewer tiles.
template <class T, class Ex, class F>
struct host_tiles {
  F f;
  T* scratch;
  index_t scratch_numbers, tiles, block;
  std::atomic<index_t>* next;
  void operator()(index_t worker) const {
    for (;;) {
      const index_t first = next->fetch_add(block, std::memory_order_relaxed);
      if (first >= tiles) return;
      const index_t last = first + block < tiles ? first + block : tiles;
      for (index_t i = first; i < last; ++i)
        f(packet_tile<T, Ex>(i, scratch + worker * scratch_numbers));
    }
  }
};
template <class T, class Ex, class F>
struct team_tiles {
  F f;
  std::size_t bytes;
  int level;
  using member = typename Kokkos::TeamPolicy<Ex>::member_type;
  KOKKOS_FUNCTION void operator()(const member& team) const {
    T* scratch = static_cast<T*>(team.team_scratch(level).get_shmem_aligned(bytes, 16));
    f(team_tile<T, member>(team, scratch));
  }
};

}  // namespace detail

/// The tile type that kernels on Ex get.
template <class T, ExecutionSpace Ex>
using tile_type = typename detail::tile_of<T, Ex, on_host<Ex>>::type;

/// Columns of a tile.
template <class T, ExecutionSpace Ex>
inline constexpr int tile_width = tile_type<T, Ex>::width;

/// f(tile) for `n` tiles with `scratch_numbers` numbers T of scratch each. Does not fence; a second
/// launch of the same size allocates nothing.
template <class T, ExecutionSpace Ex, class F>
void tiles(const Ex& ex, index_t n, index_t scratch_numbers, const F& f) {
  if (n <= 0) return;
  if constexpr (on_host<Ex>) {
    const index_t threads = static_cast<index_t>(compat::concurrency(ex));
    const index_t workers = threads < n ? threads : n;
    const index_t per_line = static_cast<index_t>(workspace<Ex>::alignment / sizeof(T));
    const index_t padded = (scratch_numbers + per_line - 1) / per_line * per_line;
    const index_t block = n / (16 * workers) > 0 ? n / (16 * workers) : 1;
    typename workspace<Ex>::frame frame(workspace<Ex>::of(ex));
    T* scratch = frame.template take<T>(padded * workers);
    std::atomic<index_t> next{0};
    Kokkos::parallel_for(detail::label<F>(), detail::range(ex, workers),
                         detail::host_tiles<T, Ex, F>{f, scratch, padded, n, block, &next});
  } else {
    using kernel = detail::team_tiles<T, Ex, F>;
    const std::size_t bytes = static_cast<std::size_t>(scratch_numbers) * sizeof(T);
    const std::size_t request = bytes + 64;
    const int level = request <= std::size_t(96) * 1024 ? 0 : 1;
    const kernel k{f, bytes, level};
    auto policy = Kokkos::TeamPolicy<Ex>(ex, static_cast<int>(n), 1);
    policy.set_scratch_size(level, Kokkos::PerTeam(static_cast<int>(request)));
    const int most = policy.team_size_max(k, Kokkos::ParallelForTag());
    auto full = Kokkos::TeamPolicy<Ex>(ex, static_cast<int>(n), most < 256 ? most : 256);
    full.set_scratch_size(level, Kokkos::PerTeam(static_cast<int>(request)));
    Kokkos::parallel_for(detail::label<F>(), full, k);
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::launch

#endif
