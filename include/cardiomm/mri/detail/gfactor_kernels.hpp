// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_GFACTOR_KERNELS_HPP
#define CARDIOMM_MRI_DETAIL_GFACTOR_KERNELS_HPP
/// \file
/// Noise of reconstructions from whole lines. The readout transform is unitary, so columns of the
/// image are independent; a lane packet holds neighbouring columns.

#include "cardiomm/core/lane.hpp"
#include "cardiomm/core/random.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri::detail {

/// A complex packet.
template <class L>
struct pair {
  L re, im;
};
template <class L>
KOKKOS_FORCEINLINE_FUNCTION pair<L> get(const typename lane_traits<L>::real* p) {
  return {lane_traits<L>::load(p), lane_traits<L>::load(p + lane_traits<L>::width)};
}
template <class L>
KOKKOS_FORCEINLINE_FUNCTION void put(typename lane_traits<L>::real* p, const pair<L>& v) {
  lane_traits<L>::store(p, v.re);
  lane_traits<L>::store(p + lane_traits<L>::width, v.im);
}
/// a + b c
template <class L>
KOKKOS_FORCEINLINE_FUNCTION pair<L> plus(const pair<L>& a, const pair<L>& b, const pair<L>& c) {
  using lanes = lane_traits<L>;
  return {lanes::fma(b.re, c.re, a.re) - b.im * c.im,
          lanes::fma(b.re, c.im, lanes::fma(b.im, c.re, a.im))};
}
/// a + conj(b) c
template <class L>
KOKKOS_FORCEINLINE_FUNCTION pair<L> plus_conj(const pair<L>& a, const pair<L>& b,
                                              const pair<L>& c) {
  using lanes = lane_traits<L>;
  return {lanes::fma(b.re, c.re, lanes::fma(b.im, c.im, a.re)),
          lanes::fma(b.re, c.im, a.im) - b.im * c.re};
}
/// a - b c and a - conj(b) c
template <class L>
KOKKOS_FORCEINLINE_FUNCTION pair<L> minus(const pair<L>& a, const pair<L>& b, const pair<L>& c) {
  using lanes = lane_traits<L>;
  return {lanes::fma(b.im, c.im, a.re) - b.re * c.re, a.im - lanes::fma(b.re, c.im, b.im * c.re)};
}
template <class L>
KOKKOS_FORCEINLINE_FUNCTION pair<L> minus_conj(const pair<L>& a, const pair<L>& b,
                                               const pair<L>& c) {
  using lanes = lane_traits<L>;
  return {a.re - lanes::fma(b.re, c.re, b.im * c.im), lanes::fma(b.im, c.re, a.im) - b.re * c.im};
}
template <class L>
KOKKOS_FORCEINLINE_FUNCTION L square(const pair<L>& a) {
  return lane_traits<L>::fma(a.re, a.re, a.im * a.im);
}

/// Columns x .. x + W - 1 of maps (coil, y, x) as rows (coil, y) of packets, zeros beyond the end.
template <class L, class C>
KOKKOS_INLINE_FUNCTION void load_columns(const C* maps, index_t rows, index_t nx, index_t x,
                                         real_of<C>* out) {
  constexpr int W = lane_traits<L>::width;
  for (index_t r = 0; r < rows; ++r)
    for (int v = 0; v < W; ++v) {
      const C s = x + v < nx ? maps[r * nx + x + v] : C(0);
      out[r * 2 * W + v] = s.real();
      out[r * 2 * W + W + v] = s.imag();
    }
}

/// Standard deviation of (A + lambda)^-1 E^H n for white n of unit variance, A = E^H E, with
/// B = (A + lambda)^-1: the root of the diagonal of B A B = B - lambda B^2.
template <class T, class L>
struct sense_noise_kernel {
  static constexpr const char* name = "cardiomm::mri::sense_noise";
  using lanes = lane_traits<L>;
  using P = pair<L>;
  static constexpr int W = lanes::width;
  const complex<T>* maps;  ///< (coil, y, x)
  const complex<T>* psf;   ///< (ny,) transform of the sampled lines at distance 0 .. ny - 1
  T* out;                  ///< (y, x)
  T* room;
  index_t coils, ny, nx, first;
  T lambda;

  static index_t scratch(index_t coils, index_t ny) {
    return 2 * W * (ny * ny + coils * ny + 2 * ny);
  }

  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t, index_t) const {
    const index_t x0 = (first + item) * W, n = ny;
    T* a = room + item * (2 * W * (n * n + coils * n + 2 * n));
    T* s = a + 2 * W * n * n;
    T *t = s + 2 * W * coils * n, *inverse = t + 2 * W * n;
    load_columns<L>(maps, coils * n, nx, x0, s);
    const auto at = [&](index_t i, index_t j) { return a + (i * n + j) * 2 * W; };
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j <= i; ++j) {
        P sum{L(T(0)), L(T(0))};
        for (index_t c = 0; c < coils; ++c)
          sum = plus_conj(sum, get<L>(s + (c * n + i) * 2 * W), get<L>(s + (c * n + j) * 2 * W));
        const complex<T> q = psf[i - j];
        P v = plus(P{L(T(0)), L(T(0))}, P{L(q.real()), L(q.imag())}, sum);
        if (i == j) v = {v.re + L(lambda), L(T(0))};
        put(at(i, j), v);
      }
    // Cholesky, row by row. A pivot of nothing (no coil sees the pixel) is replaced by a large
    // number, which leaves the others alone and the pixel without noise.
    for (index_t i = 0; i < n; ++i) {
      for (index_t j = 0; j < i; ++j) {
        P v = get<L>(at(i, j));
        for (index_t k = 0; k < j; ++k) {
          // v - l_ik conj(l_jk)
          const P x = get<L>(at(i, k)), y = get<L>(at(j, k));
          v.re = v.re - lanes::fma(x.re, y.re, x.im * y.im);
          v.im = lanes::fma(x.re, y.im, v.im) - x.im * y.re;
        }
        const L r = lanes::load(inverse + j * 2 * W);
        put(at(i, j), P{v.re * r, v.im * r});
      }
      P d = get<L>(at(i, i));
      const L whole = d.re;
      for (index_t k = 0; k < i; ++k) d.re = d.re - square(get<L>(at(i, k)));
      T pivot[W], all[W];
      lanes::store(pivot, d.re);
      lanes::store(all, whole);
      for (int v = 0; v < W; ++v)
        pivot[v] = all[v] > T(1e-12) ? (pivot[v] > T(1e-6) * all[v] ? pivot[v] : T(1e-6) * all[v])
                                     : T(1e20);
      const L root = lanes::sqrt(lanes::load(pivot));
      put(at(i, i), P{root, L(T(0))});
      lanes::store(inverse + i * 2 * W, L(T(1)) / root);
    }
    for (index_t i = 0; i < n; ++i) {
      L variance(T(0)), bent(T(0));
      // L t = e_i
      for (index_t k = i; k < n; ++k) {
        P v{k == i ? L(T(1)) : L(T(0)), L(T(0))};
        for (index_t m = i; m < k; ++m) v = minus(v, get<L>(at(k, m)), get<L>(t + m * 2 * W));
        const L r = lanes::load(inverse + k * 2 * W);
        v = {v.re * r, v.im * r};
        put(t + k * 2 * W, v);
        variance = variance + square(v);
      }
      if (lambda > 0) {
        // L^H v = t
        for (index_t k = 0; k < i; ++k) put(t + k * 2 * W, P{L(T(0)), L(T(0))});
        for (index_t m = n; m-- > 0;) {
          P v = get<L>(t + m * 2 * W);
          const L r = lanes::load(inverse + m * 2 * W);
          v = {v.re * r, v.im * r};
          bent = bent + square(v);
          for (index_t k = 0; k < m; ++k)
            put(t + k * 2 * W, minus_conj(get<L>(t + k * 2 * W), get<L>(at(m, k)), v));
        }
        variance = lanes::max(variance - L(lambda) * bent, L(T(0)));
      }
      T result[W];
      lanes::store(result, lanes::sqrt(variance));
      for (int v = 0; v < W; ++v)
        if (x0 + v < nx) {
          T power = 0;
          for (index_t c = 0; c < coils; ++c) {
            const T* p = s + (c * n + i) * 2 * W + v;
            power += p[0] * p[0] + p[W] * p[W];
          }
          out[i * nx + x0 + v] = power > T(1e-12) ? result[v] : T(0);
        }
    }
  }
};

/// A measured line as GRAPPA uses it: it makes the line `distance` away by a set of weights.
struct grappa_use {
  index_t distance;
  index_t weights;  ///< of the target, in rows of (coil, kernel_x, coil)
};

/// out(y, x) += count sum over coils d of |sum over coils c p_c(y, x) (delta_cd + sum over uses
/// e(y, distance) M(c, d, x))|^2, M = sum over i of w(d, i, c) exp(-2 pi i (i - kx/2) (x - nx/2) /
/// nx); for one class of measured lines that are used alike.
template <class T, class L>
struct grappa_noise_kernel {
  static constexpr const char* name = "cardiomm::mri::grappa_noise";
  using lanes = lane_traits<L>;
  using P = pair<L>;
  static constexpr int W = lanes::width;
  const complex<T>* combine;  ///< (coil, y, x)
  const complex<T>* weights;  ///< (..., coil, kernel_x, coil)
  const grappa_use* uses;
  const complex<T>* turns_y;  ///< exp(2 pi i j / ny)
  const complex<T>* turns_x;  ///< exp(2 pi i j / nx)
  T* out;
  T* room;  ///< per item (coil + uses * coil * coil) packets
  index_t use_count, coils, ny, nx, kx;
  T count;

  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t, index_t) const {
    const index_t x0 = item * W;
    T* m = room + item * (use_count * coils * coils) * 2 * W;
    // Kernels in the image domain, (from, use, to)
    for (index_t u = 0; u < use_count; ++u)
      for (index_t d = 0; d < coils; ++d)
        for (index_t c = 0; c < coils; ++c) {
          T re[W], im[W];
          for (int v = 0; v < W; ++v) re[v] = im[v] = T(0);
          for (index_t i = 0; i < kx; ++i) {
            const complex<T> w = weights[uses[u].weights + (d * kx + i) * coils + c];
            for (int v = 0; v < W; ++v) {
              index_t j = -(i - kx / 2) * (x0 + v - nx / 2) % nx;
              if (j < 0) j += nx;
              const complex<T> e = turns_x[j];
              re[v] += w.real() * e.real() - w.imag() * e.imag();
              im[v] += w.real() * e.imag() + w.imag() * e.real();
            }
          }
          put(m + ((d * use_count + u) * coils + c) * 2 * W, P{lanes::load(re), lanes::load(im)});
        }
    for (index_t y = 0; y < ny; ++y) {
      L variance(T(0));
      for (index_t d = 0; d < coils; ++d) {
        P all = column(d, y, x0);
        for (index_t u = 0; u < use_count; ++u) {
          P sum{L(T(0)), L(T(0))};
          for (index_t c = 0; c < coils; ++c)
            sum =
                plus(sum, column(c, y, x0), get<L>(m + ((d * use_count + u) * coils + c) * 2 * W));
          index_t j = uses[u].distance * (y - ny / 2) % ny;
          if (j < 0) j += ny;
          const complex<T> e = turns_y[j];
          all = plus(all, P{L(e.real()), L(e.imag())}, sum);
        }
        variance = variance + square(all);
      }
      T result[W];
      lanes::store(result, variance);
      for (int v = 0; v < W; ++v)
        if (x0 + v < nx) out[y * nx + x0 + v] += count * result[v];
    }
  }
  /// combine(c, y, x0 ...)
  KOKKOS_FORCEINLINE_FUNCTION P column(index_t c, index_t y, index_t x0) const {
    T re[W], im[W];
    for (int v = 0; v < W; ++v) {
      const complex<T> s = x0 + v < nx ? combine[(c * ny + y) * nx + x0 + v] : complex<T>(0);
      re[v] = s.real();
      im[v] = s.imag();
    }
    return {lanes::load(re), lanes::load(im)};
  }
};

template <class T>
struct root_kernel {
  static constexpr const char* name = "cardiomm::mri::root";
  T* x;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) x[i] = math::sqrt(x[i]);
  }
};

/// combine = conj(s) / sum |s|^2, or 0; one (slice, y, x) of maps (slice, coil, y, x).
template <class C>
struct combination_kernel {
  static constexpr const char* name = "cardiomm::mri::combination";
  const C* maps;
  C* out;
  index_t coils, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      real_of<C> power = 0;
      for (index_t c = 0; c < coils; ++c) power += abs2(maps[c * pixels + i]);
      const real_of<C> f = power > 0 ? 1 / power : 0;
      for (index_t c = 0; c < coils; ++c)
        out[c * pixels + i] = C(f * maps[c * pixels + i].real(), -f * maps[c * pixels + i].imag());
    }
  }
};

/// g = std |s| / root of R.
template <class C>
struct gfactor_kernel {
  static constexpr const char* name = "cardiomm::mri::gfactor";
  using T = real_of<C>;
  const T* deviation;  ///< (y, x) of one frame and slice
  const C* maps;       ///< (coil, y, x)
  T* g;
  index_t coils, pixels;
  T factor;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      T power = 0;
      for (index_t c = 0; c < coils; ++c) power += abs2(maps[c * pixels + i]);
      g[i] = deviation[i] * math::sqrt(power) * factor;
    }
  }
};

/// Sums of replicas, their squares, and at the end the standard deviation.
template <class C>
struct replica_sum_kernel {
  static constexpr const char* name = "cardiomm::mri::replica_sum";
  const C* x;
  complex<double>* sum;
  double* square;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      if constexpr (is_complex<C>)
        sum[i] += complex<double>(x[i].real(), x[i].imag());
      else
        sum[i] += complex<double>(x[i]);
      square[i] += double(abs2(x[i]));
    }
  }
};
template <class T>
struct replica_deviation_kernel {
  static constexpr const char* name = "cardiomm::mri::replica_deviation";
  const complex<double>* sum;
  const double* square;
  T* out;
  double replicas;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const double v = (square[i] - abs2(sum[i]) / replicas) / (replicas - 1);
      out[i] = T(v > 0 ? math::sqrt(v) : 0);
    }
  }
};

/// x = k + noise of unit variance (E |n|^2 = 1) where the mask (frame or 1, y, x) has samples, 0
/// elsewhere; planes = slices * coils.
template <class C>
struct replica_kernel {
  static constexpr const char* name = "cardiomm::mri::replica";
  const C* k;
  C* x;
  const std::uint8_t* mask;
  index_t planes, ny, nx, mask_frames;
  std::uint64_t seed, replica;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t f = mask_frames == 1 ? 0 : row / (planes * ny);
    const std::uint8_t* m = mask + (f * ny + row % ny) * nx;
    constexpr double half = 0.70710678118654752440;
    for (index_t i = first; i < last; ++i) {
      const index_t at = row * nx + i;
      if (!m[i]) {
        x[at] = C(0);
        continue;
      }
      const complex<double> n = random::normal(seed, std::uint64_t(at), replica);
      x[at] = C(real_of<C>(double(k[at].real()) + half * n.real()),
                real_of<C>(double(k[at].imag()) + half * n.imag()));
    }
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::mri::detail

#endif
