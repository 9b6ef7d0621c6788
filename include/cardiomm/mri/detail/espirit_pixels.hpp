// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_ESPIRIT_PIXELS_HPP
#define CARDIOMM_MRI_DETAIL_ESPIRIT_PIXELS_HPP
/// \file
/// Second half of ESPIRiT: the Gram matrix of every pixel by exact interpolation from the coarse
/// grid, and its largest eigenpairs. The array coils x coils x image never exists: a row of
/// interpolated coefficients and one packet of pixels (neighbours along x in the lanes) do.
///
/// The eigenpairs are found by restarted Lanczos iteration (Golub and Van Loan, chapter 10) that
/// starts from the vector of the row above. Further sets are found with the earlier ones deflated.

#include "cardiomm/core/lane.hpp"
#include "cardiomm/core/launch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri::detail {

/// Coefficients of row y: out[y][re, im][pair][fx] = sum over fy of weight(y, fy) grid[fy][...].
template <class T, class L>
struct espirit_row_kernel {
  static constexpr const char* name = "cardiomm::mri::espirit_row";
  using lanes = lane_traits<L>;
  const T *grid, *weight;
  T* out;
  index_t y0, points, length;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const T* w = weight + (y0 + row) * points;
    T* o = out + row * length;
    index_t i = first;
    for (; i + lanes::width <= last; i += lanes::width) {
      L sum(T(0));
      for (index_t f = 0; f < points; ++f)
        sum = lanes::fma(L(w[f]), lanes::load(grid + f * length + i), sum);
      lanes::store(o + i, sum);
    }
    for (; i < last; ++i) {
      T sum = 0;
      for (index_t f = 0; f < points; ++f) sum += w[f] * grid[f * length + i];
      o[i] = sum;
    }
  }
};

/// Largest eigenpairs of one packet of Hermitian matrices by Lanczos iteration.
template <class T, class L>
struct packet_eigen {
  using lanes = lane_traits<L>;
  static constexpr index_t W = lanes::width;
  static constexpr int steps = 4;      ///< Krylov dimension between restarts
  static constexpr int restarts = 12;  ///< at most
  /// Residual relative to eigenvalues of about one; the angle's error is that over the gap.
  static constexpr T tolerance = T(3e-5);

  index_t coils;
  T* g;      ///< packed lower triangle, (pair, re/im, lane)
  T* basis;  ///< steps + 1 vectors (coil, re/im, lane)
  T* found;  ///< a vector per set
  T* value;  ///< eigenvalue per set

  static constexpr index_t scratch(index_t coils, index_t sets) {
    return (coils * (coils + 1) + 2 * coils * (steps + 1 + sets) + sets) * W;
  }
  KOKKOS_INLINE_FUNCTION packet_eigen(T* room, index_t coils, index_t sets) : coils(coils) {
    g = room;
    basis = g + coils * (coils + 1) * W;
    found = basis + (steps + 1) * 2 * coils * W;
    value = found + sets * 2 * coils * W;
  }
  KOKKOS_FORCEINLINE_FUNCTION T* vector(int j) const { return basis + j * 2 * coils * W; }
  KOKKOS_FORCEINLINE_FUNCTION T* set_vector(index_t s) const { return found + s * 2 * coils * W; }

  /// y = G x
  KOKKOS_INLINE_FUNCTION void product(const T* x, T* y) const {
    const T* pair = g;
    for (index_t c = 0; c < coils; ++c) {
      const L xr = lanes::load(x + c * 2 * W), xi = lanes::load(x + (c * 2 + 1) * W);
      L ar(T(0)), ai(T(0));
      for (index_t d = 0; d < c; ++d, pair += 2 * W) {
        const L gr = lanes::load(pair), gi = lanes::load(pair + W);
        const L ur = lanes::load(x + d * 2 * W), ui = lanes::load(x + (d * 2 + 1) * W);
        ar = lanes::fma(gr, ur, ar) - gi * ui;
        ai = lanes::fma(gr, ui, lanes::fma(gi, ur, ai));
        T* yd = y + d * 2 * W;
        lanes::store(yd, lanes::fma(gr, xr, lanes::fma(gi, xi, lanes::load(yd))));
        lanes::store(yd + W, lanes::fma(gr, xi, lanes::load(yd + W)) - gi * xr);
      }
      const L diagonal = lanes::load(pair);
      pair += 2 * W;
      lanes::store(y + c * 2 * W, lanes::fma(diagonal, xr, ar));
      lanes::store(y + (c * 2 + 1) * W, lanes::fma(diagonal, xi, ai));
    }
  }

  /// y -= <x, y> x; the real part of <x, y> is returned.
  KOKKOS_INLINE_FUNCTION L remove(const T* x, T* y) const {
    L hr(T(0)), hi(T(0));
    for (index_t c = 0; c < 2 * coils; c += 2) {
      const L xr = lanes::load(x + c * W), xi = lanes::load(x + (c + 1) * W);
      const L yr = lanes::load(y + c * W), yi = lanes::load(y + (c + 1) * W);
      hr = lanes::fma(xr, yr, lanes::fma(xi, yi, hr));
      hi = lanes::fma(xr, yi, hi) - xi * yr;
    }
    for (index_t c = 0; c < 2 * coils; c += 2) {
      const L xr = lanes::load(x + c * W), xi = lanes::load(x + (c + 1) * W);
      lanes::store(y + c * W, lanes::load(y + c * W) - hr * xr + hi * xi);
      lanes::store(y + (c + 1) * W, lanes::load(y + (c + 1) * W) - hr * xi - hi * xr);
    }
    return hr;
  }

  /// Scales y to length one (a zero vector stays); its former length is returned.
  KOKKOS_INLINE_FUNCTION L normalise(T* y) const {
    L sum(T(0));
    for (index_t c = 0; c < 2 * coils; ++c) {
      const L v = lanes::load(y + c * W);
      sum = lanes::fma(v, v, sum);
    }
    // What is left of a vector within the rounding errors is not blown up to a direction.
    const L length = lanes::sqrt(sum), inverse = length / (sum + L(T(1e-13)));
    for (index_t c = 0; c < 2 * coils; ++c)
      lanes::store(y + c * W, lanes::load(y + c * W) * inverse);
    return length;
  }

  /// Fills basis vector 0: the vector of the row above, if there is one, and a little of
  /// everything, so that no eigenvector is missed.
  KOKKOS_INLINE_FUNCTION void start(index_t s, bool warm) const {
    T* x = vector(0);
    const T* old = set_vector(s);
    const L small(warm ? T(0.02) : T(1));
    std::uint32_t state = 12345u + static_cast<std::uint32_t>(s);
    for (index_t c = 0; c < 2 * coils; ++c) {
      state = state * 1664525u + 1013904223u;
      const L noise(T(static_cast<double>(state >> 8) / 8388608.0 - 1));
      lanes::store(x + c * W, warm ? lanes::fma(small, noise, lanes::load(old + c * W)) : noise);
    }
    for (index_t k = 0; k < s; ++k) remove(set_vector(k), x);
    normalise(x);
  }

  /// Finds eigenpair `s`, the earlier ones deflated. Pixels whose eigenvalue stays below `crop`
  /// are not iterated to the end.
  KOKKOS_INLINE_FUNCTION void solve(index_t s, bool warm, T crop) const {
    start(s, warm);
    L theta(T(0));
    for (int round = 0; round < restarts; ++round) {
      L alpha[steps], beta[steps];
      for (int j = 0; j < steps; ++j) {
        T* w = vector(j + 1);
        product(vector(j), w);
        for (index_t k = 0; k < s; ++k) remove(set_vector(k), w);
        for (int i = 0; i < j; ++i) remove(vector(i), w);
        alpha[j] = remove(vector(j), w);
        beta[j] = normalise(w);
      }
      L part[steps];
      theta = ritz(alpha, beta, part);
      combine(part);
      const L rest = beta[steps - 1] * lanes::max(part[steps - 1], L(T(0)) - part[steps - 1]);
      // minimum of (rest - tolerance) and (theta + 4 rest - crop): positive where work remains
      const L open = L(T(0)) - lanes::max(L(tolerance) - rest, L(crop) - theta - L(T(4)) * rest);
      if (!(lanes::sum(lanes::max(open, L(T(0)))) > T(0))) break;
    }
    lanes::store(value + s * W, theta);
    T* to = set_vector(s);
    for (index_t c = 0; c < 2 * coils; ++c)
      lanes::store(to + c * W, lanes::load(vector(0) + c * W));
  }

  /// Largest eigenvalue of the tridiagonal matrix and its unit eigenvector: Newton's iteration from
  /// above on the characteristic polynomial, then the continued fraction from the last row, whose
  /// terms are positive above the largest eigenvalue.
  KOKKOS_INLINE_FUNCTION static L ritz(const L* alpha, const L* beta, L* part) {
    const L zero(T(0));
    L bound = alpha[0] + beta[0];
    for (int i = 1; i < steps; ++i)
      bound = lanes::max(bound, alpha[i] + beta[i - 1] + (i + 1 < steps ? beta[i] : zero));
    L theta = bound + lanes::max(bound, zero) * L(T(1e-6)) + L(T(1e-12));
    const L tiny = lanes::max(bound, zero) * L(T(1e-6)) + L(T(1e-12));
    for (int newton = 0; newton < 8; ++newton) {
      L p0(T(1)), p1 = theta - alpha[0], d0(T(0)), d1(T(1));
      for (int i = 1; i < steps; ++i) {
        const L x = theta - alpha[i], b2 = beta[i - 1] * beta[i - 1];
        const L p2 = x * p1 - b2 * p0, d2 = p1 + x * d1 - b2 * d0;
        p0 = p1;
        p1 = p2;
        d0 = d1;
        d1 = d2;
      }
      theta = theta - p1 / (d1 + L(T(1e-30)));
    }
    L q[steps];
    q[steps - 1] = lanes::max(theta - alpha[steps - 1], tiny);
    for (int i = steps - 2; i > 0; --i)
      q[i] = lanes::max(theta - alpha[i] - beta[i] * beta[i] / q[i + 1], tiny);
    part[0] = L(T(1));
    L sum(T(1));
    for (int i = 1; i < steps; ++i) {
      part[i] = part[i - 1] * beta[i - 1] / q[i];
      sum = lanes::fma(part[i], part[i], sum);
    }
    const L inverse = L(T(1)) / lanes::sqrt(sum);
    for (int i = 0; i < steps; ++i) part[i] = part[i] * inverse;
    return theta;
  }

  /// Basis vector 0 = sum of part[j] times basis vector j, of length one.
  KOKKOS_INLINE_FUNCTION void combine(const L* part) const {
    for (index_t c = 0; c < 2 * coils; ++c) {
      L sum = part[0] * lanes::load(vector(0) + c * W);
      for (int j = 1; j < steps; ++j)
        sum = lanes::fma(part[j], lanes::load(vector(j) + c * W), sum);
      lanes::store(vector(0) + c * W, sum);
    }
    normalise(vector(0));
  }
};

/// Maps of a strip of rows, packet by packet.
template <class T, class L>
struct espirit_pixel_kernel {
  static constexpr const char* name = "cardiomm::mri::espirit_pixels";
  using lanes = lane_traits<L>;
  static constexpr index_t W = lanes::width;
  const T* rows;           ///< coefficients of the rows from y0 on
  const T* weight;         ///< (fx, x), x padded to whole packets
  const complex<T>* coil;  ///< phase reference
  complex<T>* maps;        ///< of this slice
  T* values;               ///< of this slice, or null
  T* room;
  index_t coils, sets, ny, nx, y0, y1, strip, points, packets, set_maps, set_values;
  T crop;
  bool shared_room;  ///< one piece of scratch for a whole strip (hosts)

  KOKKOS_INLINE_FUNCTION void operator()(index_t task, index_t first, index_t last) const {
    const index_t item = shared_room ? task : task * packets + first;
    const packet_eigen<T, L> eigen(room + item * packet_eigen<T, L>::scratch(coils, sets), coils,
                                   sets);
    const index_t from = y0 + task * strip, to = from + strip < y1 ? from + strip : y1;
    for (index_t p = first; p < last; ++p)
      for (index_t y = from; y < to; ++y) {
        interpolate(rows + (y - y0) * 2 * (coils * (coils + 1) / 2) * points, p * W, eigen.g);
        for (index_t s = 0; s < sets; ++s) {
          eigen.solve(s, y > from, crop);
          write(eigen, s, y, p * W);
        }
      }
  }

  /// Gram matrices of the pixels x .. x + W - 1 of a row.
  KOKKOS_INLINE_FUNCTION void interpolate(const T* row, index_t x, T* g) const {
    const index_t pairs = coils * (coils + 1) / 2, stride = packets * W;
    for (index_t pair = 0; pair < pairs; ++pair) {
      const T *re = row + pair * points, *im = re + pairs * points;
      const T* w = weight + x;
      L gr(T(0)), gi(T(0));
      for (index_t f = 0; f < points; ++f, w += stride) {
        const L v = lanes::load(w);
        gr = lanes::fma(L(re[f]), v, gr);
        gi = lanes::fma(L(im[f]), v, gi);
      }
      lanes::store(g + pair * 2 * W, gr);
      lanes::store(g + (pair * 2 + 1) * W, gi);
    }
  }

  /// Stores set s with its phase relative to the reference coil, cropped.
  KOKKOS_INLINE_FUNCTION void write(const packet_eigen<T, L>& eigen, index_t s, index_t y,
                                    index_t x) const {
    const T* v = eigen.set_vector(s);
    const T* theta = eigen.value + s * W;
    L zr(T(0)), zi(T(0));
    for (index_t c = 0; c < coils; ++c) {
      const L vr = lanes::load(v + c * 2 * W), vi = lanes::load(v + (c * 2 + 1) * W);
      const L cr(coil[c].real()), ci(coil[c].imag());
      zr = lanes::fma(cr, vr, lanes::fma(ci, vi, zr));
      zi = lanes::fma(cr, vi, zi) - ci * vr;
    }
    const L length = lanes::sqrt(lanes::fma(zr, zr, zi * zi)) + L(T(1e-30));
    zr = zr / length;
    zi = zi / length;
    const index_t count = nx - x < W ? nx - x : W;
    T re[W], im[W];
    for (index_t c = 0; c < coils; ++c) {
      const L vr = lanes::load(v + c * 2 * W), vi = lanes::load(v + (c * 2 + 1) * W);
      lanes::store(re, lanes::fma(vr, zr, vi * zi));
      lanes::store(im, vi * zr - vr * zi);
      complex<T>* out = maps + s * set_maps + (c * ny + y) * nx + x;
      for (index_t l = 0; l < count; ++l)
        out[l] = theta[l] > crop ? complex<T>(re[l], im[l]) : complex<T>(T(0));
    }
    if (values == nullptr) return;
    for (index_t l = 0; l < count; ++l) values[s * set_values + y * nx + x + l] = theta[l];
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::mri::detail

#endif
