// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_WAVELET_PLAN_HPP
#define CARDIOMM_LINOP_WAVELET_PLAN_HPP
/// \file
/// Orthogonal wavelets of one plane (y, x): filters, geometry of the levels, and the element-wise
/// transform. wavelet_rows.hpp has the same transform in vector code for hosts.
///
/// One level along an axis of n numbers, with the 2P taps h of the scaling filter (Daubechies P):
///
///     low[k] = sum_l h[l] x[2k + 2 - 2P + l],   high[k] = sum_l g[l] x[2k + 2 - 2P + l]
///
/// which is BART's numbering (and that of PyWavelets' mode 'symmetric'). Outside the axis x is
/// continued
///
///  - `periodic`: k < n/2. Of an odd n the last number goes to the low band as it is, so that any
///    extents give an orthogonal transform with as many coefficients as pixels, stored in the shape
///    of the image, coarse scales first along both axes.
///  - `symmetric`: x[-1 - i] = x[i], k < (n + 2P - 1)/2, which is what BART does: more coefficients
///    than pixels, stored as one vector in BART's order. `inverse` is BART's inverse, a left
///    inverse; the adjoint is another map.
///
/// Both agree wherever the filters do not reach over an edge.

#include <string>

#include "cardiomm/core/tile.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

enum class wavelet_boundary { periodic, symmetric };

struct wavelet_options {
  std::string name = "dau2";  ///< haar = dau1, dau2 ... dau8 (2P taps), or PyWavelets' db1 ... db8
  int levels = 3;             ///< 0: as many as `smallest` allows
  /// An axis is split while its extent is at least this (and 2); BART's value is 16.
  index_t smallest = 2;
  index_t shift_y = 0, shift_x = 0;  ///< circular shift before the transform, in pixels
};

/// Levels and smallest extent as BART chooses them: as deep as extents of 16 allow.
inline wavelet_options bart_wavelet(std::string name = "dau2") {
  return {std::move(name), 0, 16, 0, 0};
}

namespace detail {

/// Scaling filters of Daubechies with P vanishing moments (I. Daubechies, Ten Lectures on Wavelets,
/// 1992, table 6.1, computed to double precision).
inline constexpr double daubechies[8][16] = {
    {0.7071067811865476, 0.7071067811865476},
    {0.48296291314453416, 0.8365163037378079, 0.2241438680420134, -0.12940952255126037},
    {0.33267055295008263, 0.8068915093110925, 0.45987750211849154, -0.13501102001025458,
     -0.08544127388202666, 0.03522629188570953},
    {0.2303778133088965, 0.7148465705529157, 0.6308807679298589, -0.027983769416859854,
     -0.18703481171909309, 0.030841381835560764, 0.0328830116668852, -0.010597401785069032},
    {0.16010239797419293, 0.6038292697971896, 0.7243085284377729, 0.13842814590132074,
     -0.24229488706638203, -0.032244869584638375, 0.07757149384004572, -0.006241490212798274,
     -0.012580751999081999, 0.0033357252854737712},
    {0.11154074335010947, 0.49462389039845306, 0.7511339080210954, 0.31525035170919763,
     -0.22626469396543983, -0.12976686756726194, 0.09750160558732304, 0.027522865530305727,
     -0.03158203931748603, 0.0005538422011614961, 0.004777257510945511, -0.0010773010853084796},
    {0.07785205408500918, 0.3965393194819173, 0.7291320908462351, 0.4697822874051931,
     -0.14390600392856498, -0.22403618499387498, 0.07130921926683026, 0.08061260915108308,
     -0.03802993693501441, -0.01657454163066688, 0.01255099855609984, 0.0004295779729213665,
     -0.0018016407040474908, 0.00035371379997452024},
    {0.05441584224310401, 0.31287159091429995, 0.6756307362972898, 0.5853546836542067,
     -0.015829105256349306, -0.2840155429615469, 0.0004724845739132828, 0.12874742662047847,
     -0.017369301001807547, -0.044088253930794755, 0.013981027917398282, 0.008746094047405777,
     -0.004870352993451574, -0.00039174037337694705, 0.0006754494064505693,
     -0.00011747678412476953}};

/// Vanishing moments of a wavelet's name. Throws value_error.
inline int wavelet_moments(const std::string& name) {
  if (name == "haar") return 1;
  const bool dau = name.size() == 4 && name.compare(0, 3, "dau") == 0;
  const bool db = name.size() == 3 && name.compare(0, 2, "db") == 0;
  const int p = dau || db ? name.back() - '0' : 0;
  require(p >= 1 && p <= 8, "wavelet: expected haar, dau1 ... dau8 or db1 ... db8, found '", name,
          "'");
  return p;
}

/// What is done to coefficients as they are made: nothing.
struct keep_coefficients {
  template <class C>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(C&) const {}
};

}  // namespace detail

/// One plane's transform. Trivially copyable, so that kernels carry it.
template <class T>
struct wavelet_plan {
  using C = complex<T>;
  static constexpr int most_levels = 12;

  /// An axis at one level: its extent, whether it is split, and the extents of the halves.
  struct axis_split {
    index_t n, low, high;
    bool split;
    KOKKOS_FORCEINLINE_FUNCTION index_t both() const { return low + high; }
  };
  struct band {
    index_t offset, stride;
  };
  /// Bands by (y, x): `x` is low along y and high along x.
  struct level {
    axis_split y, x;
    band in_x, in_y, in_yx;
  };

  int half = 1;      ///< P: half the number of taps
  T lo[16], hi[16];  ///< scaling and wavelet filter
  int levels = 0;
  level at[most_levels];
  band coarse{0, 0};
  index_t ny = 0, nx = 0, coefficients = 0;
  index_t shift_y = 0, shift_x = 0;
  bool symmetric = false;

  wavelet_plan() = default;
  /// Throws value_error for unknown names and numbers that make no sense, shape_error for empty
  /// planes.
  wavelet_plan(index_t rows, index_t columns, const wavelet_options& options,
               wavelet_boundary boundary)
      : half(detail::wavelet_moments(options.name)),
        ny(rows),
        nx(columns),
        symmetric(boundary == wavelet_boundary::symmetric) {
    require<shape_error>(ny > 0 && nx > 0, "wavelet: expected extents (y, x) of at least 1, found ",
                         shape{ny, nx});
    require(options.levels >= 0 && options.levels <= most_levels, "wavelet: levels: expected 0 to ",
            most_levels, ", found ", options.levels);
    require(options.smallest >= 1, "wavelet: smallest: expected a positive extent, found ",
            options.smallest);
    for (int l = 0; l < 2 * half; ++l) {
      lo[l] = static_cast<T>(detail::daubechies[half - 1][l]);
      hi[l] = static_cast<T>((l % 2 ? -1 : 1) * detail::daubechies[half - 1][2 * half - 1 - l]);
    }
    shift(options.shift_y, options.shift_x);
    const index_t least = options.smallest > 2 ? options.smallest : 2;
    const int most = options.levels ? options.levels : most_levels;
    index_t y = ny, x = nx;
    // BART gives up an axis for good once it is too short, although a symmetric continuation of a
    // long filter never makes it shorter than the filter.
    bool active_y = true, active_x = true;
    while (levels < most) {
      active_y = active_y && shrinks(y, least);
      active_x = active_x && shrinks(x, least);
      if (!active_y && !active_x) break;
      at[levels].y = split_of(y, active_y);
      at[levels].x = split_of(x, active_x);
      y = at[levels].y.low;
      x = at[levels].x.low;
      ++levels;
    }
    if (symmetric)
      lay_out_flat();
    else
      lay_out_nested();
  }

  /// Sets the circular shift: transformed is out[(i + shift) mod n] = in[i].
  void shift(index_t y, index_t x) {
    shift_y = (y % ny + ny) % ny;
    shift_x = (x % nx + nx) % nx;
  }

  /// Index in [0, n) of the number that continues an axis at e.
  KOKKOS_FORCEINLINE_FUNCTION index_t within(index_t e, index_t n) const {
    if (symmetric) {
      while (e < 0 || e >= n) e = e < 0 ? -1 - e : 2 * n - 1 - e;
      return e;
    }
    const index_t even = n - n % 2;
    if (e >= 0 && e < even) return e;
    e %= even;
    return e < 0 ? e + even : e;
  }
  /// Low bands end with the last number of an odd axis, as it is.
  KOKKOS_FORCEINLINE_FUNCTION bool keeps_last(const axis_split& a) const {
    return a.split && !symmetric && a.n % 2 == 1;
  }

 private:
  bool shrinks(index_t n, index_t least) const {
    return n >= least && (!symmetric || (n + 2 * half - 1) / 2 < n);
  }
  axis_split split_of(index_t n, bool active) const {
    if (!active) return {n, n, 0, false};
    if (symmetric) return {n, (n + 2 * half - 1) / 2, (n + 2 * half - 1) / 2, true};
    return {n, n - n / 2, n / 2, true};
  }
  void lay_out_nested() {
    for (int i = 0; i < levels; ++i) {
      level& l = at[i];
      l.in_x = {l.x.low, nx};
      l.in_y = {l.y.low * nx, nx};
      l.in_yx = {l.y.low * nx + l.x.low, nx};
    }
    coarse = {0, nx};
    coefficients = ny * nx;
  }
  // BART's order: the coarse scale, then the detail bands of each level as dense blocks (x, y, yx),
  // coarse levels first. Once y is no longer split, every row holds its scales side by side.
  void lay_out_flat() {
    int both = 0;  // levels before the x-only ones
    while (both < levels && at[both].y.split) ++both;
    index_t width = both < levels ? at[levels - 1].x.low : 0;
    for (int i = both; i < levels; ++i) width += at[i].x.high;
    const index_t rows = levels ? at[levels - 1].y.low : ny;
    const index_t last_x = levels ? at[levels - 1].x.low : nx;
    coarse = {0, both < levels ? width : last_x};
    index_t filled = last_x;
    for (int i = levels - 1; i >= both; --i) {
      at[i].in_x = {filled, width};
      filled += at[i].x.high;
    }
    index_t end = both < levels ? rows * width : rows * last_x;
    for (int i = both - 1; i >= 0; --i) {
      level& l = at[i];
      l.in_x = {end, l.x.high};
      end += l.y.low * l.x.high;
      l.in_y = {end, l.x.low};
      end += l.y.high * l.x.low;
      l.in_yx = {end, l.x.high};
      end += l.y.high * l.x.high;
    }
    coefficients = end;
  }
};

namespace detail {

/// f(i) for i in [0, n): a loop on hosts, the threads of the team on devices.
template <class Tile, class F>
KOKKOS_FORCEINLINE_FUNCTION void each_item(const Tile& tile, index_t n, const F& f) {
  if constexpr (Tile::on_host) {
    for (index_t i = 0; i < n; ++i) f(i);
  } else {
    tile.for_each((n + Tile::width - 1) / Tile::width, [&](auto c, index_t i) {
      const index_t at = i * Tile::width + c.column;
      if (at < n) f(at);
    });
  }
}

/// Where a level's rows of coefficients are: `low` continues to the coarser level.
template <class C>
struct wavelet_rows_at {
  C* low;
  index_t low_stride;
  C* data;
  /// Element of the (y, x) transformed level, which is y.both() x x.both() numbers.
  template <class Level>
  KOKKOS_FORCEINLINE_FUNCTION C* find(const Level& l, index_t r, index_t c) const {
    const bool hy = r >= l.y.low, hx = c >= l.x.low;
    if (hy) r -= l.y.low;
    if (hx) c -= l.x.low;
    if (!hy && !hx) return low + r * low_stride + c;
    const auto& b = hy ? (hx ? l.in_yx : l.in_y) : l.in_x;
    return data + b.offset + r * b.stride + c;
  }
};

/// Coefficient k (of low.. then high..) of an axis whose numbers are x[i * stride].
template <class T>
KOKKOS_FORCEINLINE_FUNCTION complex<T> wavelet_down_at(
    const wavelet_plan<T>& p, const typename wavelet_plan<T>::axis_split& a, const complex<T>* x,
    index_t stride, index_t k) {
  if (!a.split) return x[k * stride];
  const bool high = k >= a.low;
  if (high) k -= a.low;
  if (!high && p.keeps_last(a) && k == a.low - 1) return x[(a.n - 1) * stride];
  T re = 0, im = 0;
  for (int l = 0; l < 2 * p.half; ++l) {
    const complex<T> v = x[p.within(2 * k + 2 - 2 * p.half + l, a.n) * stride];
    const T f = high ? p.hi[l] : p.lo[l];
    re += f * v.real();
    im += f * v.imag();
  }
  return {re, im};
}

/// Synthesis at the place e, which may lie outside the axis; get(k) reads low.. then high...
template <class T, class Get>
KOKKOS_FORCEINLINE_FUNCTION void wavelet_add_up(const wavelet_plan<T>& p,
                                                const typename wavelet_plan<T>::axis_split& a,
                                                index_t e, const Get& get, T& re, T& im) {
  const int odd = static_cast<int>(e & 1);
  for (int q = 0; q < p.half; ++q) {
    const int l = 2 * q + odd;
    index_t k = (e - 2 + 2 * p.half - l) / 2;
    if (p.symmetric) {
      if (e - 2 + 2 * p.half - l < 0 || k >= a.low) continue;
    } else {
      k %= a.high;
    }
    const complex<T> low = get(k), high = get(a.low + k);
    re += p.lo[l] * low.real() + p.hi[l] * high.real();
    im += p.lo[l] * low.imag() + p.hi[l] * high.imag();
  }
}

/// Number i of an axis from its coefficients. The adjoint of a symmetric continuation adds what was
/// read outside; the inverse leaves it out; both are one for periodic axes.
template <class T, class Get>
KOKKOS_FORCEINLINE_FUNCTION complex<T> wavelet_up_at(const wavelet_plan<T>& p,
                                                     const typename wavelet_plan<T>::axis_split& a,
                                                     index_t i, bool adjoint, const Get& get) {
  if (!a.split) return get(i);
  if (p.keeps_last(a) && i == a.n - 1) return get(a.low - 1);
  T re = 0, im = 0;
  if (p.symmetric && adjoint) {
    const index_t first = 2 - 2 * p.half, last = 2 * a.low - 1, period = 2 * a.n;
    for (index_t e = i - (i - first) / period * period; e <= last; e += period)
      wavelet_add_up(p, a, e, get, re, im);
    const index_t m = -1 - i + period;  // the mirror image, beyond the end
    for (index_t e = m - (m - first) / period * period; e <= last; e += period)
      wavelet_add_up(p, a, e, get, re, im);
  } else {
    wavelet_add_up(p, a, i, get, re, im);
  }
  return {re, im};
}

/// Complex numbers of scratch that the element-wise transform needs.
template <class T>
index_t wavelet_item_scratch(const wavelet_plan<T>& p) {
  index_t rows = 0, low = 0;
  for (int i = 0; i < p.levels; ++i) {
    const index_t r = p.at[i].y.n * p.at[i].x.both();
    const index_t l = p.at[i].y.low * p.at[i].x.low;
    rows = r > rows ? r : rows;
    low = l > low ? l : low;
  }
  return rows + 2 * low + p.ny * p.nx;
}

/// Coefficients of one plane, number by number; `image` and `data` are apart.
template <class T, class Tile, class Finish>
KOKKOS_INLINE_FUNCTION void wavelet_forward_items(const Tile& tile, const wavelet_plan<T>& p,
                                                  const complex<T>* image, complex<T>* data,
                                                  complex<T>* scratch, const Finish& finish) {
  using C = complex<T>;
  if (p.levels == 0 || p.shift_y || p.shift_x) {
    C* to = p.levels == 0 ? data : scratch;
    each_item(tile, p.ny * p.nx, [&](index_t i) {
      const index_t y = (i / p.nx + p.shift_y) % p.ny, x = (i % p.nx + p.shift_x) % p.nx;
      C v = image[i];
      if (p.levels == 0) finish(v);
      to[y * p.nx + x] = v;
    });
    tile.barrier();
    image = to;
  }
  index_t low_size = 0, rows_size = 0;
  for (int i = 0; i < p.levels; ++i) {
    const index_t l = p.at[i].y.low * p.at[i].x.low, r = p.at[i].y.n * p.at[i].x.both();
    low_size = l > low_size ? l : low_size;
    rows_size = r > rows_size ? r : rows_size;
  }
  C* const rows = scratch + p.ny * p.nx;
  C* const lows = rows + rows_size;
  const C* from = image;
  index_t stride = p.nx;
  for (int i = 0; i < p.levels; ++i) {
    const auto& l = p.at[i];
    const bool last = i + 1 == p.levels;
    const index_t wide = l.x.both();
    each_item(tile, l.y.n * wide, [&](index_t j) {
      rows[j] = wavelet_down_at(p, l.x, from + j / wide * stride, index_t(1), j % wide);
    });
    tile.barrier();
    C* const low = lows + (i % 2) * low_size;
    const wavelet_rows_at<C> to{last ? data + p.coarse.offset : low,
                                last ? p.coarse.stride : l.x.low, data};
    each_item(tile, l.y.both() * wide, [&](index_t j) {
      const index_t r = j / wide, c = j % wide;
      C v = wavelet_down_at(p, l.y, static_cast<const C*>(rows) + c, wide, r);
      if (last || r >= l.y.low || c >= l.x.low) finish(v);
      *to.find(l, r, c) = v;
    });
    tile.barrier();
    from = low;
    stride = l.x.low;
  }
}

/// The inverse, or the adjoint, number by number.
template <class T, class Tile>
KOKKOS_INLINE_FUNCTION void wavelet_backward_items(const Tile& tile, const wavelet_plan<T>& p,
                                                   const complex<T>* data, complex<T>* image,
                                                   complex<T>* scratch, bool adjoint) {
  using C = complex<T>;
  index_t low_size = 0, rows_size = 0;
  for (int i = 0; i < p.levels; ++i) {
    const index_t l = p.at[i].y.low * p.at[i].x.low, r = p.at[i].y.n * p.at[i].x.both();
    low_size = l > low_size ? l : low_size;
    rows_size = r > rows_size ? r : rows_size;
  }
  C* const rows = scratch + p.ny * p.nx;
  C* const lows = rows + rows_size;
  const C* low = data + p.coarse.offset;
  index_t stride = p.coarse.stride;
  const bool moved = p.shift_y || p.shift_x;
  for (int i = p.levels - 1; i >= 0; --i) {
    const auto& l = p.at[i];
    const index_t wide = l.x.both();
    const wavelet_rows_at<const C> from{low, stride, data};
    each_item(tile, l.y.n * wide, [&](index_t j) {
      const index_t c = j % wide;
      rows[j] =
          wavelet_up_at(p, l.y, j / wide, adjoint, [&](index_t k) { return *from.find(l, k, c); });
    });
    tile.barrier();
    C* const to = i > 0 ? lows + (i % 2) * low_size : moved ? scratch : image;
    each_item(tile, l.y.n * l.x.n, [&](index_t j) {
      const C* row = rows + j / l.x.n * wide;
      to[j] = wavelet_up_at(p, l.x, j % l.x.n, adjoint, [&](index_t k) { return row[k]; });
    });
    tile.barrier();
    low = to;
    stride = l.x.n;
  }
  if (p.levels == 0 || moved)
    each_item(tile, p.ny * p.nx, [&](index_t i) {
      const index_t y = (i / p.nx + p.shift_y) % p.ny, x = (i % p.nx + p.shift_x) % p.nx;
      image[i] = low[y * stride + x];
    });
  tile.barrier();
}

}  // namespace detail

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
