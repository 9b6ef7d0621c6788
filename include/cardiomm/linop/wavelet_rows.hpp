// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_WAVELET_ROWS_HPP
#define CARDIOMM_LINOP_WAVELET_ROWS_HPP
/// \file
/// One plane's wavelet transform for kernels. On hosts it goes row by row: a row is split along x
/// into its halves, the last 2P of them stay in the first cache, and each pair of coefficient rows
/// is made from those, so that a level reads and writes its numbers once. Coarse bands alternate
/// between two pieces of scratch. On devices a team does it number by number.
///
///     linop::wavelet_frame<T, Tile> w(tile, plan, tile.scratch());   // in a launch::tiles kernel
///     w.forward(image, coefficients, finish);                        // finish(c) for each
///     w.inverse(coefficients, image);                                // of the coefficients
///
/// with `wavelet_scratch<Ex>(plan)` numbers of scratch. `finish` sees each final coefficient while
/// it is in the first cache: thresholds and sums belong there. On hosts it may offer
/// `row(T* numbers, index_t complex_count)` to handle them by packets.

#include "cardiomm/linop/wavelet_plan.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// Even and odd complex numbers of a row apart: pairs (x[2i], x[2i + 1]) -> even[i], odd[i].
template <class T>
KOKKOS_INLINE_FUNCTION void split_pairs(const complex<T>* x, index_t pairs, complex<T>* even,
                                        complex<T>* odd) {
  index_t i = 0;
  if constexpr (std::is_same_v<T, float>) {  // a complex number is moved as one double
    using D = lane<double, host_space>;
    constexpr index_t W = lane_traits<D>::width;
    if constexpr (W > 1)
      for (; i + W <= pairs; i += W) {
        const double* p = reinterpret_cast<const double*>(x + 2 * i);
        D a = lane_traits<D>::load(p), b = lane_traits<D>::load(p + W);
        launch::detail::deinterleave(a, b);
        lane_traits<D>::store(reinterpret_cast<double*>(even + i), a);
        lane_traits<D>::store(reinterpret_cast<double*>(odd + i), b);
      }
  }
  for (; i < pairs; ++i) {
    even[i] = x[2 * i];
    odd[i] = x[2 * i + 1];
  }
}
/// The inverse of split_pairs.
template <class T>
KOKKOS_INLINE_FUNCTION void join_pairs(const complex<T>* even, const complex<T>* odd, index_t pairs,
                                       complex<T>* x) {
  index_t i = 0;
  if constexpr (std::is_same_v<T, float>) {
    using D = lane<double, host_space>;
    constexpr index_t W = lane_traits<D>::width;
    if constexpr (W > 1)
      for (; i + W <= pairs; i += W) {
        D a = lane_traits<D>::load(reinterpret_cast<const double*>(even + i));
        D b = lane_traits<D>::load(reinterpret_cast<const double*>(odd + i));
        launch::detail::interleave(a, b);
        double* p = reinterpret_cast<double*>(x + 2 * i);
        lane_traits<D>::store(p, a);
        lane_traits<D>::store(p + W, b);
      }
  }
  for (; i < pairs; ++i) {
    x[2 * i] = even[i];
    x[2 * i + 1] = odd[i];
  }
}

/// a[i] = sum_l lo[l] rows[l][i], b[i] = sum_l hi[l] rows[l][i] for i in [first, n), packet by
/// packet; returns the first i that is left.
template <int P, class L, class T>
KOKKOS_INLINE_FUNCTION index_t filter_down(const T* lo, const T* hi, const T* const* rows,
                                           index_t first, index_t n, T* a, T* b) {
  constexpr index_t W = lane_traits<L>::width;
  const T* r[2 * P];
  L fl[2 * P], fh[2 * P];
  CARDIOMM_UNROLL
  for (int l = 0; l < 2 * P; ++l) r[l] = rows[l], fl[l] = L(lo[l]), fh[l] = L(hi[l]);
  index_t i = first;
  for (; i + W <= n; i += W) {
    L v = lane_traits<L>::load(r[0] + i);
    L low = fl[0] * v, high = fh[0] * v;
    CARDIOMM_UNROLL
    for (int l = 1; l < 2 * P; ++l) {
      v = lane_traits<L>::load(r[l] + i);
      low = lane_traits<L>::fma(fl[l], v, low);
      high = lane_traits<L>::fma(fh[l], v, high);
    }
    lane_traits<L>::store(a + i, low);
    lane_traits<L>::store(b + i, high);
  }
  return i;
}

/// even[i] = sum_q lo[2q] low[P-1-q][i] + hi[2q] high[P-1-q][i], odd[i] with the odd taps.
template <int P, class L, class T>
KOKKOS_INLINE_FUNCTION index_t filter_up(const T* lo, const T* hi, const T* const* low,
                                         const T* const* high, index_t first, index_t n, T* even,
                                         T* odd) {
  constexpr index_t W = lane_traits<L>::width;
  const T *rl[P], *rh[P];
  L fl[2 * P], fh[2 * P];
  CARDIOMM_UNROLL
  for (int q = 0; q < P; ++q) rl[q] = low[P - 1 - q], rh[q] = high[P - 1 - q];
  CARDIOMM_UNROLL
  for (int l = 0; l < 2 * P; ++l) fl[l] = L(lo[l]), fh[l] = L(hi[l]);
  index_t i = first;
  for (; i + W <= n; i += W) {
    L e = L(T(0)), o = L(T(0));
    CARDIOMM_UNROLL
    for (int q = 0; q < P; ++q) {
      const L v = lane_traits<L>::load(rl[q] + i), w = lane_traits<L>::load(rh[q] + i);
      e = lane_traits<L>::fma(fl[2 * q], v, e);
      o = lane_traits<L>::fma(fl[2 * q + 1], v, o);
      e = lane_traits<L>::fma(fh[2 * q], w, e);
      o = lane_traits<L>::fma(fh[2 * q + 1], w, o);
    }
    lane_traits<L>::store(even + i, e);
    lane_traits<L>::store(odd + i, o);
  }
  return i;
}

template <class N, class F>
KOKKOS_INLINE_FUNCTION void with_half(int half, const F& f) {
  switch (half) {
    case 1:
      return f(std::integral_constant<int, 1>{});
    case 2:
      return f(std::integral_constant<int, 2>{});
    case 3:
      return f(std::integral_constant<int, 3>{});
    case 4:
      return f(std::integral_constant<int, 4>{});
    case 5:
      return f(std::integral_constant<int, 5>{});
    case 6:
      return f(std::integral_constant<int, 6>{});
    case 7:
      return f(std::integral_constant<int, 7>{});
    default:
      return f(std::integral_constant<int, 8>{});
  }
}

/// Both filters over n numbers T.
template <class N, class T>
KOKKOS_INLINE_FUNCTION void rows_down(const wavelet_plan<T>& p, const T* const* rows, index_t n,
                                      T* a, T* b) {
  with_half<N>(p.half, [&](auto half) {
    constexpr int P = decltype(half)::value;
    const index_t i = filter_down<P, N>(p.lo, p.hi, rows, index_t(0), n, a, b);
    filter_down<P, T>(p.lo, p.hi, rows, i, n, a, b);
  });
}
template <class N, class T>
KOKKOS_INLINE_FUNCTION void rows_up(const wavelet_plan<T>& p, const T* const* low,
                                    const T* const* high, index_t n, T* even, T* odd) {
  with_half<N>(p.half, [&](auto half) {
    constexpr int P = decltype(half)::value;
    const index_t i = filter_up<P, N>(p.lo, p.hi, low, high, index_t(0), n, even, odd);
    filter_up<P, T>(p.lo, p.hi, low, high, i, n, even, odd);
  });
}

/// Calls finish.row(numbers, count) where it has one, else finish(c) for each coefficient.
template <class Finish, class T>
KOKKOS_INLINE_FUNCTION void finish_row(const Finish& finish, complex<T>* row, index_t n) {
  if constexpr (std::is_same_v<Finish, keep_coefficients>) {
    (void)row;
  } else if constexpr (requires { finish.row(reinterpret_cast<T*>(row), n); }) {
    finish.row(reinterpret_cast<T*>(row), n);
  } else {
    for (index_t i = 0; i < n; ++i) finish(row[i]);
  }
}

/// Complex numbers of a row with room for the continuation, a multiple of a cache line.
template <class T>
KOKKOS_INLINE_FUNCTION index_t wavelet_row_room(const wavelet_plan<T>& p) {
  const index_t n = p.nx + 6 * p.half + 8;
  return (n + 15) / 16 * 16;
}
template <class T>
KOKKOS_INLINE_FUNCTION index_t wavelet_low_room(const wavelet_plan<T>& p) {
  if (p.levels == 0) return 0;
  return (p.at[0].y.low * p.at[0].x.low + 15) / 16 * 16;
}

}  // namespace detail

/// Numbers T of scratch that a `wavelet_frame` needs on Ex.
template <ExecutionSpace Ex, class T>
index_t wavelet_scratch(const wavelet_plan<T>& p) {
  if constexpr (launch::on_host<Ex>)
    return 2 * ((2 * p.half + 6) * detail::wavelet_row_room(p) + 2 * detail::wavelet_low_room(p));
  else
    return 2 * detail::wavelet_item_scratch(p);
}

/// The transform of one plane within a tile; see the top of this file.
template <class T, class Tile>
class wavelet_frame {
  using C = complex<T>;
  using plan = wavelet_plan<T>;
  using number = typename Tile::number;

 public:
  KOKKOS_INLINE_FUNCTION wavelet_frame(const Tile& tile, const plan& p, T* scratch)
      : tile_(tile), p_(p), scratch_(reinterpret_cast<C*>(scratch)) {}

  /// data = W image; the two are apart.
  template <class Finish = detail::keep_coefficients>
  KOKKOS_INLINE_FUNCTION void forward(const C* image, C* data, const Finish& finish = {}) const {
    if constexpr (Tile::on_host) {
      if (p_.levels > 0) return forward_rows(image, data, finish);
    }
    detail::wavelet_forward_items(tile_, p_, image, data, scratch_, finish);
  }
  /// image = W^-1 data, of a symmetric continuation the left inverse.
  KOKKOS_INLINE_FUNCTION void inverse(const C* data, C* image) const {
    if constexpr (Tile::on_host) {
      if (p_.levels > 0) return inverse_rows(data, image);
    }
    detail::wavelet_backward_items(tile_, p_, data, image, scratch_, false);
  }

 private:
  struct row_pieces {
    C *ring, *even, *odd, *turned, *low_a, *low_b;
    index_t room;
  };
  KOKKOS_INLINE_FUNCTION row_pieces pieces() const {
    const index_t room = detail::wavelet_row_room(p_);
    row_pieces s;
    s.room = room;
    s.ring = scratch_;
    s.even = s.ring + 2 * p_.half * room;
    s.odd = s.even + 2 * room;
    s.turned = s.odd + room;
    s.low_a = s.turned + 2 * room;
    s.low_b = s.low_a + detail::wavelet_low_room(p_);
    return s;
  }
  static KOKKOS_INLINE_FUNCTION T* numbers(C* p) { return reinterpret_cast<T*>(p); }
  static KOKKOS_INLINE_FUNCTION const T* numbers(const C* p) {
    return reinterpret_cast<const T*>(p);
  }

  /// low and high half of a row along x.
  KOKKOS_INLINE_FUNCTION void split_row(const typename plan::axis_split& a, const C* x, C* low,
                                        C* high, const row_pieces& s) const {
    const index_t count = a.high, before = p_.half - 1, whole = a.n / 2, all = count + before;
    for (index_t i = 0; i < all; ++i) {
      if (i == before) {
        detail::split_pairs(x, whole, s.even + before, s.odd + before);
        i += whole;
        if (i >= all) break;
      }
      const index_t e = 2 * (i - before);
      s.even[i] = x[p_.within(e, a.n)];
      s.odd[i] = x[p_.within(e + 1, a.n)];
    }
    const T* rows[16];
    for (int q = 0; q < p_.half; ++q) {
      rows[2 * q] = numbers(s.even + q);
      rows[2 * q + 1] = numbers(s.odd + q);
    }
    detail::rows_down<number>(p_, rows, 2 * count, numbers(low), numbers(high));
    if (p_.keeps_last(a)) low[a.low - 1] = x[a.n - 1];
  }
  /// The inverse; low and high have room for P - 1 more numbers, which are overwritten.
  KOKKOS_INLINE_FUNCTION void join_row(const typename plan::axis_split& a, C* low, C* high, C* x,
                                       const row_pieces& s) const {
    const index_t pairs = (a.n + 1) / 2, whole = a.n / 2;
    index_t count = pairs;
    C last(0);
    if (!p_.symmetric) {
      if (p_.keeps_last(a)) last = low[a.low - 1];
      count = whole;
      for (index_t j = 0; j < p_.half - 1; ++j) {
        low[whole + j] = low[j % whole];
        high[whole + j] = high[j % whole];
      }
    }
    const T *rl[8], *rh[8];
    for (int q = 0; q < p_.half; ++q) rl[q] = numbers(low + q), rh[q] = numbers(high + q);
    detail::rows_up<number>(p_, rl, rh, 2 * count, numbers(s.even), numbers(s.odd));
    detail::join_pairs(s.even, s.odd, whole, x);
    if (a.n % 2) x[a.n - 1] = p_.symmetric ? s.even[whole] : last;
  }
  /// Row y of the shifted image, moved to `to` where x is shifted too.
  KOKKOS_INLINE_FUNCTION const C* shifted_row(const C* image, index_t y, C* to) const {
    const C* row = image + (y - p_.shift_y + (y < p_.shift_y ? p_.ny : 0)) * p_.nx;
    if (p_.shift_x == 0) return row;
    const index_t n = p_.nx - p_.shift_x;
    for (index_t i = 0; i < n; ++i) to[p_.shift_x + i] = row[i];
    for (index_t i = 0; i < p_.shift_x; ++i) to[i] = row[n + i];
    return to;
  }

  template <class Finish>
  KOKKOS_INLINE_FUNCTION void forward_rows(const C* image, C* data, const Finish& finish) const {
    const row_pieces s = pieces();
    const C* from = image;
    index_t stride = p_.nx;
    for (int i = 0; i < p_.levels; ++i) {
      const auto& l = p_.at[i];
      const bool last = i + 1 == p_.levels;
      C* const low = last ? data + p_.coarse.offset : i % 2 ? s.low_b : s.low_a;
      const index_t low_stride = last ? p_.coarse.stride : l.x.low;
      const bool turned = i == 0 && (p_.shift_y || p_.shift_x);
      const auto source = [&](index_t y, C* to) {
        return turned ? shifted_row(from, y, to) : from + y * stride;
      };
      const auto finish_low = [&](C* row) {
        if (last) detail::finish_row(finish, row, l.x.low);
      };
      if (!l.y.split) {
        for (index_t y = 0; y < l.y.n; ++y) {
          C* const a = low + y * low_stride;
          C* const b = data + l.in_x.offset + y * l.in_x.stride;
          split_row(l.x, source(y, s.turned), a, b, s);
          finish_low(a);
          detail::finish_row(finish, b, l.x.high);
        }
      } else {
        const int taps = 2 * p_.half;
        // Row e of the level, split along x, in its place of the ring.
        const C* ring[16];
        const auto fetch = [&](index_t e, C* place) -> const C* {
          const C* row = source(e, l.x.split ? s.turned : place);
          if (!l.x.split) return row;
          split_row(l.x, row, place, place + l.x.low, s);
          return place;
        };
        const auto place_of = [&](index_t e) { return s.ring + (e + taps) % taps * s.room; };
        for (int t = 0; t + 2 < taps; ++t) {
          const index_t e = t + 2 - taps;
          ring[t + 2] = fetch(p_.within(e, l.y.n), place_of(e));
        }
        for (index_t k = 0; k < l.y.high; ++k) {
          for (int t = 0; t + 2 < taps; ++t) ring[t] = ring[t + 2];
          ring[taps - 2] = fetch(p_.within(2 * k, l.y.n), place_of(2 * k));
          ring[taps - 1] = fetch(p_.within(2 * k + 1, l.y.n), place_of(2 * k + 1));
          const T* rows[16];
          for (int t = 0; t < taps; ++t) rows[t] = numbers(ring[t]);
          C* const a = low + k * low_stride;
          C* const b = data + l.in_y.offset + k * l.in_y.stride;
          detail::rows_down<number>(p_, rows, 2 * l.x.low, numbers(a), numbers(b));
          finish_low(a);
          detail::finish_row(finish, b, l.x.low);
          if (l.x.split) {
            for (int t = 0; t < taps; ++t) rows[t] += 2 * l.x.low;
            C* const c = data + l.in_x.offset + k * l.in_x.stride;
            C* const d = data + l.in_yx.offset + k * l.in_yx.stride;
            detail::rows_down<number>(p_, rows, 2 * l.x.high, numbers(c), numbers(d));
            detail::finish_row(finish, c, l.x.high);
            detail::finish_row(finish, d, l.x.high);
          }
        }
        if (p_.keeps_last(l.y)) {
          const index_t k = l.y.low - 1;
          C* const a = low + k * low_stride;
          C* const c = data + l.in_x.offset + k * l.in_x.stride;
          const C* const row = source(l.y.n - 1, s.turned);
          if (l.x.split) {
            split_row(l.x, row, a, c, s);
            detail::finish_row(finish, c, l.x.high);
          } else {
            for (index_t x = 0; x < l.x.n; ++x) a[x] = row[x];
          }
          finish_low(a);
        }
      }
      from = low;
      stride = low_stride;
    }
  }

  KOKKOS_INLINE_FUNCTION void inverse_rows(const C* data, C* image) const {
    const row_pieces s = pieces();
    const C* low = data + p_.coarse.offset;
    index_t low_stride = p_.coarse.stride;
    for (int i = p_.levels - 1; i >= 0; --i) {
      const auto& l = p_.at[i];
      C* const out = i == 0 ? image : i % 2 ? s.low_a : s.low_b;
      const bool turned = i == 0 && (p_.shift_y || p_.shift_x);
      const auto target = [&](index_t y) { return turned ? s.turned : out + y * l.x.n; };
      const auto arrived = [&](index_t y) {
        if (!turned) return;
        C* row = image + (y - p_.shift_y + (y < p_.shift_y ? p_.ny : 0)) * p_.nx;
        const index_t n = p_.nx - p_.shift_x;
        for (index_t x = 0; x < n; ++x) row[x] = s.turned[p_.shift_x + x];
        for (index_t x = 0; x < p_.shift_x; ++x) row[n + x] = s.turned[x];
      };
      // Two rows that are to be joined along x, with room behind their halves.
      C* const half0[2] = {s.ring, s.ring + s.room};
      const index_t gap = l.x.low + p_.half;
      const auto join = [&](C* row, index_t y) {
        if (l.x.split) {
          join_row(l.x, row, row + gap, target(y), s);
        } else {
          C* const to = target(y);
          for (index_t x = 0; x < l.x.n; ++x) to[x] = row[x];
        }
        arrived(y);
      };
      const auto copy_row = [&](index_t y, index_t k) {  // rows that y leaves as they are
        const C* a = low + k * low_stride;
        const C* c = data + l.in_x.offset + k * l.in_x.stride;
        C* const row = half0[0];
        for (index_t x = 0; x < l.x.low; ++x) row[x] = a[x];
        for (index_t x = 0; x < l.x.high; ++x) row[gap + x] = c[x];
        join(row, y);
      };
      if (!l.y.split) {
        for (index_t y = 0; y < l.y.n; ++y) copy_row(y, y);
      } else {
        const index_t whole = l.y.n / 2;
        const index_t pairs = p_.symmetric ? (l.y.n + 1) / 2 : whole;
        for (index_t k = 0; k < pairs; ++k) {
          const T *al[8], *bl[8], *ah[8], *bh[8];
          for (int q = 0; q < p_.half; ++q) {
            index_t j = k + q;
            if (!p_.symmetric && j >= whole) j %= whole;
            al[q] = numbers(low + j * low_stride);
            bl[q] = numbers(data + l.in_y.offset + j * l.in_y.stride);
            ah[q] = numbers(data + l.in_x.offset + j * l.in_x.stride);
            bh[q] = numbers(data + l.in_yx.offset + j * l.in_yx.stride);
          }
          const bool both = 2 * k + 1 < l.y.n;
          const bool straight = !l.x.split && !turned;
          C* const r0 = straight ? target(2 * k) : half0[0];
          C* const r1 = straight && both ? target(2 * k + 1) : half0[1];
          detail::rows_up<number>(p_, al, bl, 2 * l.x.low, numbers(r0), numbers(r1));
          if (l.x.split)
            detail::rows_up<number>(p_, ah, bh, 2 * l.x.high, numbers(r0 + gap), numbers(r1 + gap));
          if (!straight) {
            join(r0, 2 * k);
            if (both) join(r1, 2 * k + 1);
          }
        }
        if (p_.keeps_last(l.y)) copy_row(l.y.n - 1, l.y.low - 1);
      }
      low = out;
      low_stride = l.x.n;
    }
  }

  const Tile& tile_;
  const plan& p_;
  C* scratch_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
