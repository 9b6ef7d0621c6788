// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_TOTAL_VARIATION_KERNELS_HPP
#define CARDIOMM_PROX_TOTAL_VARIATION_KERNELS_HPP
/// \file
/// Kernels of total_variation.hpp: accelerated projected gradients on the dual.

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/core/tile.hpp"
#include "cardiomm/fft/line.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

namespace detail {

/// Nesterov's factors.
template <class T>
struct momentum {
  T t = 1;
  KOKKOS_FORCEINLINE_FUNCTION T next() {
    const T more = (T(1) + math::sqrt(T(1) + T(4) * t * t)) / T(2), beta = (t - T(1)) / more;
    t = more;
    return beta;
  }
};

/// See the top of the file. `dual` is packed: (outer, block of columns, frame, re or im, column).
template <class T>
struct time_variation_kernel {
  static constexpr const char* name = "cardiomm::prox::total_variation_in_time";
  static constexpr int check = 8;  ///< inner iterations between looks at the progress
  const complex<T>* in;
  complex<T>* out;
  T* dual;  ///< null: starts from zero
  index_t frames, columns, blocks;
  T s;  ///< sigma * weight
  int iterations;
  T tolerance;
  bool periodic;

  template <class Tile>
  static constexpr index_t scratch_numbers(index_t frames) {
    return fft::tile_rows<Tile>::numbers((Tile::on_host ? 3 : 4) * frames);
  }

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    using rows = fft::tile_rows<Tile>;
    const index_t n = frames, outer = tile.index() / blocks, block = tile.index() % blocks;
    const index_t first = block * Tile::width;
    const int valid =
        static_cast<int>(columns - first < Tile::width ? columns - first : Tile::width);
    const index_t offset = outer * n * columns + first;
    const complex<T>* from = in + offset;
    T* kept = dual == nullptr ? nullptr : dual + tile.index() * rows::numbers(n);
    const rows y{tile.scratch()}, w{y.re(n)}, v{w.re(n)};

    if constexpr (Tile::on_host) {  // the next tile: too far apart for the hardware to guess
      if (block + 1 < blocks)
        for (index_t t = 0; t < n; ++t) launch::prefetch(from + t * columns + Tile::width, valid);
    }
    tile.for_each(n, [&](column c, index_t t) {
      L re, im, wr(T(0)), wi(T(0));
      c.load(from + t * columns, valid, re, im);
      y.store(c, t, re, im);
      if (kept != nullptr) rows{kept}.load(c, t, wr, wi);
      w.store(c, t, wr, wi);
      v.store(c, t, wr, wi);
    });
    tile.barrier();
    if (s > T(0)) solve(tile, y, w, v);
    tile.for_each(n, [&](column c, index_t t) {
      L yr, yi, wr, wi, nr, ni;
      y.load(c, t, yr, yi);
      w.load(c, t, wr, wi);
      w.load(c, t + 1 < n ? t + 1 : 0, nr, ni);
      c.store(out + offset + t * columns, valid, yr - L(s) * (wr - nr), yi - L(s) * (wi - ni));
      if (kept != nullptr) rows{kept}.store(c, t, wr, wi);
    });
    tile.barrier();
  }

  /// w = argmin |y - s D^H w|^2 over |w| <= 1, from w = v.
  template <class Tile, class Rows>
  KOKKOS_INLINE_FUNCTION void solve(const Tile& tile, const Rows& y, const Rows& w,
                                    const Rows& v) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    using traits = lane_traits<L>;
    const index_t n = frames;
    const L step(T(0.25) / s), size(s), one(T(1)), none(T(0));
    double limit = 0;
    if (tolerance > T(0)) {
      L sum = none;
      tile.for_each(n, [&](column c, index_t t) {
        L re, im;
        y.load(c, t, re, im);
        sum = traits::fma(re, re, traits::fma(im, im, sum));
      });
      limit = double(tolerance) * double(tolerance) * tile.sum(double(traits::sum(sum)));
    }
    momentum<T> factor;
    for (int k = 0; k < iterations; ++k) {
      L beta(factor.next());
      L moved = none, turned = none;
      // The new w_t, from the image around it; the extrapolated v_t takes its place.
      const auto update = [&](column c, index_t t, L dr, L di) CARDIOMM_INLINED {
        L vr, vi, wr, wi;
        v.load(c, t, vr, vi);
        w.load(c, t, wr, wi);
        L qr = traits::fma(step, dr, vr), qi = traits::fma(step, di, vi);
        const L inverse = one / traits::max(one, traits::sqrt(qr * qr + qi * qi));
        qr = qr * inverse;
        qi = qi * inverse;
        if (t == 0 && !periodic) qr = qi = none;
        w.store(c, t, qr, qi);
        const L mr = qr - wr, mi = qi - wi, er = vr - qr, ei = vi - qi;
        v.store(c, t, traits::fma(beta, mr, qr), traits::fma(beta, mi, qi));
        turned = traits::fma(er, mr, traits::fma(ei, mi, turned));
        moved = traits::fma(er, er, traits::fma(ei, ei, moved));
      };
      if constexpr (Tile::on_host) {
        const column c{};
        L ar, ai, br, bi, sr, si, pr, pi, xr, xi;
        v.load(c, 0, sr, si);  // the old v_0, which the last frame needs
        v.load(c, n - 1, ar, ai);
        y.load(c, n - 1, pr, pi);
        pr = pr - size * (ar - sr);
        pi = pi - size * (ai - si);
        ar = sr;
        ai = si;
        for (index_t t = 0; t < n; ++t) {
          if (t + 1 < n) {
            v.load(c, t + 1, br, bi);
          } else {
            br = sr;
            bi = si;
          }
          y.load(c, t, xr, xi);
          xr = xr - size * (ar - br);
          xi = xi - size * (ai - bi);
          update(c, t, xr - pr, xi - pi);
          pr = xr;
          pi = xi;
          ar = br;
          ai = bi;
        }
      } else {
        const Rows x{v.re(n)};
        tile.for_each(n, [&](column c, index_t t) {
          L yr, yi, vr, vi, nr, ni;
          y.load(c, t, yr, yi);
          v.load(c, t, vr, vi);
          v.load(c, t + 1 < n ? t + 1 : 0, nr, ni);
          x.store(c, t, yr - size * (vr - nr), yi - size * (vi - ni));
        });
        tile.barrier();
        tile.for_each(n, [&](column c, index_t t) {
          L xr, xi, pr, pi;
          x.load(c, t, xr, xi);
          x.load(c, t > 0 ? t - 1 : n - 1, pr, pi);
          update(c, t, xr - pr, xi - pi);
        });
        tile.barrier();
      }
      if (k % check == check - 1) {  // the step has turned round: momentum starts afresh
        if (tile.sum(double(traits::sum(turned))) > 0) factor = {};
        if (tolerance > T(0)) {
          const double left = tile.sum(double(traits::sum(moved)));
          if (4 * double(s) * double(s) * left <= limit) break;
        }
      }
    }
  }
};

/// Part of sum |x_t - x_(t-1)|.
template <class C>
struct time_variation_value {
  static constexpr const char* name = "cardiomm::prox::total_variation_in_time_value";
  const C* x;
  index_t frames, columns;
  bool periodic;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const index_t t = i / columns % frames;
      if (t == 0 && !periodic) continue;
      const C d = x[i] - x[t == 0 ? i + (frames - 1) * columns : i - columns];
      sum += math::sqrt(double(abs2(d)));
    }
    return sum;
  }
};

/// How far the iteration of a plane is.
struct space_progress {
  momentum<double> factor;
  double beta, limit;
  bool arrived;
};
/// The state before the first iteration, from the squares of the images.
struct space_start {
  static constexpr const char* name = "cardiomm::prox::total_variation_in_space_start";
  space_progress* progress;
  const double* squares;
  double tolerance;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      progress[i] = {{}, 0, tolerance * tolerance * squares[i], false};
      progress[i].beta = progress[i].factor.next();
    }
  }
};
/// The state after an iteration, from what space_dual_kernel returned.
struct space_advance {
  static constexpr const char* name = "cardiomm::prox::total_variation_in_space_advance";
  space_progress* progress;
  const complex<double>* sums;
  double scale;  ///< of the squares of the step
  bool look;     ///< may restart the momentum or end the iteration
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      if (look) {
        if (sums[i].imag() > 0) progress[i].factor = {};
        progress[i].arrived = progress[i].arrived || scale * sums[i].real() <= progress[i].limit;
      }
      progress[i].beta = progress[i].factor.next();
    }
  }
};
/// v = w, or both zero
template <class C>
struct space_begin {
  static constexpr const char* name = "cardiomm::prox::total_variation_in_space_begin";
  C* v;
  C* w;
  bool keep;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      if (!keep) w[i] = C(0);
      v[i] = w[i];
    }
  }
};

/// x = in - s D^H v of planes, one row at a time; v is (plane, along y or x, y, x).
template <class T>
struct space_image_kernel {
  static constexpr const char* name = "cardiomm::prox::total_variation_in_space_image";
  const complex<T>* in;
  const complex<T>* v;
  complex<T>* x;
  const space_progress* progress;  ///< of the planes; those that have arrived rest; may be null
  index_t ny, nx;
  T s;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t plane = row / ny, y = row % ny, pixels = ny * nx;
    if (progress != nullptr && progress[plane].arrived) return;
    const complex<T>* a = v + plane * 2 * pixels + y * nx;
    const complex<T>* below = y + 1 < ny ? a + nx : a - y * nx;
    const complex<T>* b = a + pixels;
    const complex<T>* from = in + row * nx;
    complex<T>* to = x + row * nx;
    const index_t inner = last < nx ? last : nx - 1;
    const T *ra = blas1::detail::reals(a), *rb = blas1::detail::reals(b);
    const T *under = blas1::detail::reals(below), *source = blas1::detail::reals(from);
    T* result = blas1::detail::reals(to);
    for (index_t i = 2 * first; i < 2 * inner; ++i)
      result[i] = source[i] - s * ((ra[i] - under[i]) + (rb[i] - rb[i + 2]));
    if (last == nx) {
      const index_t i = nx - 1;
      to[i] = from[i] - s * ((a[i] - below[i]) + (b[i] - b[0]));
    }
  }
};

/// w = the projection of v + D x / (8 s), v = w + beta (w - old w); returns the squares of the step
/// and, in the imaginary part, its product with the last movement.
template <class T, class Lane>
struct space_dual_kernel {
  static constexpr const char* name = "cardiomm::prox::total_variation_in_space_dual";
  const complex<T>* x;
  complex<T>* v;
  complex<T>* w;
  const space_progress* progress;
  index_t ny, nx;
  T step;
  bool periodic, isotropic;

  KOKKOS_INLINE_FUNCTION complex<double> operator()(index_t plane, index_t first,
                                                    index_t last) const {
    if (progress[plane].arrived) return {0, 0};
    constexpr int W = lane_traits<Lane>::width;
    const index_t pixels = ny * nx;
    const complex<T>* image = x + plane * pixels;
    double moved = 0, turned = 0;
    for (index_t i = first; i < last;) {
      const index_t y = i / nx, end = last < (y + 1) * nx ? last : (y + 1) * nx;
      const index_t up = y > 0 ? -nx : (ny - 1) * nx;
      const T along_y = y == 0 && !periodic ? T(0) : T(1);
      T m = 0, t = 0;
      if (i == y * nx) {
        update<T>(plane, image, i, up, nx - 1, along_y, periodic ? T(1) : T(0), m, t);
        ++i;
      }
      Lane ms(T(0)), ts(T(0));
      for (; i + W <= end; i += W) update<Lane>(plane, image, i, up, -1, along_y, T(1), ms, ts);
      for (; i < end; ++i) update<T>(plane, image, i, up, -1, along_y, T(1), m, t);
      moved += double(m) + double(lane_traits<Lane>::sum(ms));
      turned += double(t) + double(lane_traits<Lane>::sum(ts));
    }
    return {moved, turned};
  }

 private:
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void get(const complex<T>* p, L& re, L& im) {
    const T* q = blas1::detail::reals(p);
    re = lane_traits<L>::load(q);
    im = lane_traits<L>::load(q + lane_traits<L>::width);
    launch::detail::deinterleave(re, im);
  }
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void put(complex<T>* p, L re, L im) {
    T* q = blas1::detail::reals(p);
    launch::detail::interleave(re, im);
    lane_traits<L>::store(q, re);
    lane_traits<L>::store(q + lane_traits<L>::width, im);
  }
  /// Both components at the pixels i ..., whose neighbours are at i + up and i + before.
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION void update(index_t plane, const complex<T>* image, index_t i,
                                          index_t up, index_t before, T along_y, T along_x, L& m,
                                          L& t) const {
    using traits = lane_traits<L>;
    const index_t pixels = ny * nx;
    complex<T>*const va = v + plane * 2 * pixels + i, *const wa = w + plane * 2 * pixels + i;
    complex<T>*const vb = va + pixels, *const wb = wa + pixels;
    L xr, xi, ur, ui, lr, li, ar, ai, br, bi;
    get(image + i, xr, xi);
    get(image + i + up, ur, ui);
    get(image + i + before, lr, li);
    get(va, ar, ai);
    get(vb, br, bi);
    const L s(step), one(T(1)), beta(T(progress[plane].beta)), ky(along_y), kx(along_x);
    L pr = ky * traits::fma(s, xr - ur, ar), pi = ky * traits::fma(s, xi - ui, ai);
    L qr = kx * traits::fma(s, xr - lr, br), qi = kx * traits::fma(s, xi - li, bi);
    const L p2 = pr * pr + pi * pi, q2 = qr * qr + qi * qi;
    const L fp = one / traits::max(one, traits::sqrt(isotropic ? p2 + q2 : p2));
    const L fq = isotropic ? fp : one / traits::max(one, traits::sqrt(q2));
    pr = pr * fp;
    pi = pi * fp;
    qr = qr * fq;
    qi = qi * fq;
    finish(va, wa, beta, ar, ai, pr, pi, m, t);
    finish(vb, wb, beta, br, bi, qr, qi, m, t);
  }
  /// w = q, v = q + beta (q - old w); v before is given.
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void finish(complex<T>* v, complex<T>* w, const L& beta,
                                                 const L& vr, const L& vi, const L& qr, const L& qi,
                                                 L& m, L& t) {
    using traits = lane_traits<L>;
    L wr, wi;
    get(w, wr, wi);
    put(w, qr, qi);
    const L mr = qr - wr, mi = qi - wi, er = vr - qr, ei = vi - qi;
    put(v, traits::fma(beta, mr, qr), traits::fma(beta, mi, qi));
    m = traits::fma(er, er, traits::fma(ei, ei, m));
    t = traits::fma(er, mr, traits::fma(ei, mi, t));
  }
};

template <class C>
struct space_variation_value {
  static constexpr const char* name = "cardiomm::prox::total_variation_in_space_value";
  const C* x;
  index_t ny, nx;
  bool periodic, isotropic;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const index_t col = i % nx, y = i / nx % ny;
      const index_t up = y > 0 ? i - nx : i + (ny - 1) * nx;
      const index_t left = col > 0 ? i - 1 : i + nx - 1;
      const double a = y == 0 && !periodic ? 0 : double(abs2(x[i] - x[up]));
      const double b = col == 0 && !periodic ? 0 : double(abs2(x[i] - x[left]));
      sum += isotropic ? math::sqrt(a + b) : math::sqrt(a) + math::sqrt(b);
    }
    return sum;
  }
};

}  // namespace detail

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
