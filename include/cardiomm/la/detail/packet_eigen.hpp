// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_DETAIL_PACKET_EIGEN_HPP
#define CARDIOMM_LA_DETAIL_PACKET_EIGEN_HPP
/// \file
/// Hermitian eigenproblems of many small matrices of equal size, one matrix in each lane of a
/// packet: Householder reduction (complex reflectors as LAPACK's hetd2) of the lower half with the
/// update of one step fused into the product of the next, implicit QL with Wilkinson's shift where
/// lanes that have arrived rest, and vectors only where the eigenvalue exceeds a limit. Every
/// operation is lane by lane: the numbers of one matrix do not depend on its company.

#include "cardiomm/core/lane.hpp"
#include "cardiomm/la/batch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::la::detail {

/// Comparisons of packets; the general case is the plain number.
template <class L>
struct lane_masks {
  using mask = bool;
  KOKKOS_FORCEINLINE_FUNCTION static mask less(L a, L b) { return a < b; }
  KOKKOS_FORCEINLINE_FUNCTION static mask both(mask a, mask b) { return a && b; }
  KOKKOS_FORCEINLINE_FUNCTION static L select(mask m, L a, L b) { return m ? a : b; }
  KOKKOS_FORCEINLINE_FUNCTION static bool any(mask m) { return m; }
  KOKKOS_FORCEINLINE_FUNCTION static L abs(L a) { return a < L(0) ? -a : a; }
};
#if CARDIOMM_HAS_XSIMD
template <class T, class A>
struct lane_masks<xsimd::batch<T, A>> {
  using L = xsimd::batch<T, A>;
  using mask = typename L::batch_bool_type;
  KOKKOS_FORCEINLINE_FUNCTION static mask less(const L& a, const L& b) { return a < b; }
  KOKKOS_FORCEINLINE_FUNCTION static mask both(const mask& a, const mask& b) { return a & b; }
  KOKKOS_FORCEINLINE_FUNCTION static L select(const mask& m, const L& a, const L& b) {
    return xsimd::select(m, a, b);
  }
  KOKKOS_FORCEINLINE_FUNCTION static bool any(const mask& m) { return xsimd::any(m); }
  KOKKOS_FORCEINLINE_FUNCTION static L abs(const L& a) { return xsimd::abs(a); }
};
#endif

/// Matrices of n x n in scratch memory. Numbers of a packet follow each other; a complex number is
/// a packet of real parts and one of imaginary parts.
template <class L>
struct packet_eigen {
  using lanes = lane_traits<L>;
  using masks = lane_masks<L>;
  using T = typename lanes::real;
  static constexpr index_t W = lanes::width;

  index_t n;
  T* a;         ///< lower half, element (i, j) at i (i + 1) / 2 + j; later the reflectors
  T* d;         ///< eigenvalues, in no order
  T* u;         ///< eigenvectors asked for: (k, component)
  T *e, *z;     // subdiagonal; rows: eigenvectors of the tridiagonal matrix
  T *tau, *pw;  // reflectors' factors; w of the pending update
  T* y;         // products
  T* turn;      // rotations of a sweep

  static KOKKOS_INLINE_FUNCTION index_t z_stride(index_t n) { return (n + 3) / 4 * 4; }
  static KOKKOS_INLINE_FUNCTION index_t scratch(index_t n, bool vectors) {
    return W * (n * (n + 1) + 10 * n + 8 + (vectors ? n * z_stride(n) + 2 * n * n : 0));
  }
  KOKKOS_INLINE_FUNCTION packet_eigen(index_t size, T* room, bool vectors) : n(size) {
    const auto take = [&](index_t packets) {
      T* p = room;
      room += packets * W;
      return p;
    };
    a = take(n * (n + 1));
    d = take(n);
    e = take(n + 1);
    tau = take(2 * n);
    pw = take(2 * n);
    y = take(2 * n);
    turn = take(2 * n);
    z = vectors ? take(n * z_stride(n)) : nullptr;
    u = vectors ? take(2 * n * n) : nullptr;
  }

  KOKKOS_FORCEINLINE_FUNCTION T* at(index_t i, index_t j) const {
    return a + (i * (i + 1) / 2 + j) * 2 * W;
  }
  static KOKKOS_FORCEINLINE_FUNCTION L load(const T* p) { return lanes::load(p); }
  static KOKKOS_FORCEINLINE_FUNCTION void store(T* p, const L& v) { lanes::store(p, v); }

  /// Eigenvalues, and what `vectors` needs later. False if one did not converge.
  template <bool Vectors>
  KOKKOS_INLINE_FUNCTION bool solve() const {
    reduce();
    return diagonalise<Vectors>();
  }

  /// Eigenvectors of the eigenvalues that exceed `limit[lane]` to u, and their number in each lane;
  /// returns the largest number.
  KOKKOS_INLINE_FUNCTION index_t vectors(const T* limit, index_t* count) const {
    const index_t stride = z_stride(n);
    index_t most = 0;
    for (index_t w = 0; w < W; ++w) {
      index_t k = 0;
      for (index_t i = 0; i < n; ++i) k += d[i * W + w] > limit[w];
      count[w] = k;
      most = k > most ? k : most;
    }
    for (index_t i = 0; i < most * n * 2 * W; ++i) u[i] = T(0);
    for (index_t w = 0; w < W; ++w) {
      index_t k = 0;
      for (index_t i = 0; i < n; ++i) {
        if (!(d[i * W + w] > limit[w])) continue;
        for (index_t j = 0; j < n; ++j) u[(k * n + j) * 2 * W + w] = z[(i * stride + j) * W + w];
        ++k;
      }
    }
    index_t k = 0;
    for (; k + 2 <= most; k += 2) transform_back<2>(k);
    if (k < most) transform_back<1>(k);
    return most;
  }

 private:
  /// u = H_0 H_1 ... z, H = I - tau v v^H with v in the columns of a
  template <int K>
  KOKKOS_FORCEINLINE_FUNCTION void transform_back(index_t k) const {
    T* v[K];
    for (int q = 0; q < K; ++q) v[q] = u + (k + q) * n * 2 * W;
    for (index_t i = n - 2; i >= 0; --i) {
      L hr[K], hi[K];
      for (int q = 0; q < K; ++q) hr[q] = hi[q] = L(T(0));
      for (index_t j = i + 1; j < n; ++j) {
        const L xr = load(at(j, i)), xi = load(at(j, i) + W);
        for (int q = 0; q < K; ++q) {
          const L br = load(v[q] + 2 * j * W), bi = load(v[q] + (2 * j + 1) * W);
          hr[q] = lanes::fma(xr, br, hr[q]);
          hr[q] = lanes::fma(xi, bi, hr[q]);
          hi[q] = lanes::fma(xr, bi, hi[q]);
          hi[q] = hi[q] - xi * br;
        }
      }
      const L tr = load(tau + 2 * i * W), ti = load(tau + (2 * i + 1) * W);
      L fr[K], fi[K];
      for (int q = 0; q < K; ++q) {
        fr[q] = ti * hi[q] - tr * hr[q];
        fi[q] = L(T(0)) - tr * hi[q] - ti * hr[q];
      }
      for (index_t j = i + 1; j < n; ++j) {
        const L xr = load(at(j, i)), xi = load(at(j, i) + W);
        for (int q = 0; q < K; ++q) {
          L br = load(v[q] + 2 * j * W), bi = load(v[q] + (2 * j + 1) * W);
          br = lanes::fma(fr[q], xr, br);
          br = br - fi[q] * xi;
          bi = lanes::fma(fr[q], xi, bi);
          bi = lanes::fma(fi[q], xr, bi);
          store(v[q] + 2 * j * W, br);
          store(v[q] + (2 * j + 1) * W, bi);
        }
      }
    }
  }

  KOKKOS_INLINE_FUNCTION void reduce() const {
    for (index_t k = 0; k < n; ++k) {
      if (k > 0) {  // the pending update of column k
        const L wr = load(pw + 2 * k * W), wi = load(pw + (2 * k + 1) * W);
        const L vr = load(at(k, k - 1)), vi = load(at(k, k - 1) + W);
        for (index_t i = k; i < n; ++i) update(i, k, vr, vi, wr, wi);
      }
      store(d + k * W, load(at(k, k)));
      if (k + 1 >= n) break;
      const auto t = reflector(k);
      for (index_t i = 2 * (k + 1); i < 2 * n; ++i) store(y + i * W, L(T(0)));
      if (k > 0)
        product<true>(k);
      else
        product<false>(k);
      // w = tau y - 1/2 |tau|^2 <y, v> v
      L hr(T(0)), hi(T(0));
      for (index_t i = k + 1; i < n; ++i) {
        const L yr = load(y + 2 * i * W), yi = load(y + (2 * i + 1) * W);
        const L vr = load(at(i, k)), vi = load(at(i, k) + W);
        hr = lanes::fma(yr, vr, hr);
        hr = lanes::fma(yi, vi, hr);
        hi = lanes::fma(yr, vi, hi);
        hi = hi - yi * vr;
      }
      const L t2 = L(T(-0.5)) * (t.re * t.re + t.im * t.im), fr = t2 * hr, fi = t2 * hi;
      for (index_t i = k + 1; i < n; ++i) {
        const L yr = load(y + 2 * i * W), yi = load(y + (2 * i + 1) * W);
        const L vr = load(at(i, k)), vi = load(at(i, k) + W);
        store(pw + 2 * i * W, t.re * yr - t.im * yi + fr * vr - fi * vi);
        store(pw + (2 * i + 1) * W, t.re * yi + t.im * yr + fr * vi + fi * vr);
      }
    }
  }

  /// A(i, k) -= v_i conj(w_k) + w_i conj(v_k), v of step k - 1
  KOKKOS_FORCEINLINE_FUNCTION void update(index_t i, index_t k, const L& vr, const L& vi,
                                          const L& wr, const L& wi) const {
    const L pr = load(at(i, k - 1)), pi = load(at(i, k - 1) + W);
    const L qr = load(pw + 2 * i * W), qi = load(pw + (2 * i + 1) * W);
    L re = load(at(i, k)), im = load(at(i, k) + W);
    re = re - pr * wr - pi * wi - qr * vr - qi * vi;
    im = im - pi * wr + pr * wi - qi * vr + qr * vi;
    store(at(i, k), re);
    store(at(i, k) + W, im);
  }

  struct factor {
    L re, im;
  };
  /// Column k below the diagonal becomes v with H^H column = beta e_1, v_{k+1} = 1.
  KOKKOS_FORCEINLINE_FUNCTION factor reflector(index_t k) const {
    const L zero(T(0)), one(T(1));
    L tail = zero;
    for (index_t i = k + 2; i < n; ++i) {
      const L re = load(at(i, k)), im = load(at(i, k) + W);
      tail = lanes::fma(re, re, tail);
      tail = lanes::fma(im, im, tail);
    }
    const L ar = load(at(k + 1, k)), ai = load(at(k + 1, k) + W);
    const auto needed = masks::less(zero, lanes::fma(ai, ai, tail));
    const L norm = lanes::sqrt(ar * ar + ai * ai + tail);
    const L beta = masks::select(masks::less(zero, ar), zero - norm, norm);
    const L over = one / masks::select(needed, beta, one);
    const factor t{masks::select(needed, (beta - ar) * over, zero),
                   masks::select(needed, zero - ai * over, zero)};
    store(tau + 2 * k * W, t.re);
    store(tau + (2 * k + 1) * W, t.im);
    store(e + k * W, masks::select(needed, beta, ar));
    const L dr = ar - beta;
    const L inverse = one / masks::select(needed, dr * dr + ai * ai, one);
    const L sr = dr * inverse, si = zero - ai * inverse;
    for (index_t i = k + 2; i < n; ++i) {
      const L re = load(at(i, k)), im = load(at(i, k) + W);
      store(at(i, k), re * sr - im * si);
      store(at(i, k) + W, re * si + im * sr);
    }
    store(at(k + 1, k), one);
    store(at(k + 1, k) + W, zero);
    return t;
  }

  /// y = A v for the rest of the matrix, after its pending update
  template <bool Pending>
  KOKKOS_FORCEINLINE_FUNCTION void product(index_t k) const {
    const L zero(T(0));
    for (index_t i = k + 1; i < n; ++i) {
      L pr = zero, pi = zero, qr = zero, qi = zero;  // v_i and w_i of the pending update
      if constexpr (Pending) {
        pr = load(at(i, k - 1));
        pi = load(at(i, k - 1) + W);
        qr = load(pw + 2 * i * W);
        qi = load(pw + (2 * i + 1) * W);
      }
      const L nr = load(at(i, k)), ni = load(at(i, k) + W);
      L sr = load(y + 2 * i * W), si = load(y + (2 * i + 1) * W);
      T* row = at(i, 0);
      for (index_t j = k + 1; j < i; ++j) {
        L ar = load(row + 2 * j * W), ai = load(row + (2 * j + 1) * W);
        const T* column = at(j, 0);
        if constexpr (Pending) {
          const L wr = load(pw + 2 * j * W), wi = load(pw + (2 * j + 1) * W);
          const L vr = load(column + 2 * (k - 1) * W), vi = load(column + (2 * k - 1) * W);
          ar = ar - pr * wr - pi * wi - qr * vr - qi * vi;
          ai = ai - pi * wr + pr * wi - qi * vr + qr * vi;
          store(row + 2 * j * W, ar);
          store(row + (2 * j + 1) * W, ai);
        }
        const L mr = load(column + 2 * k * W), mi = load(column + (2 * k + 1) * W);
        sr = lanes::fma(ar, mr, sr);
        sr = sr - ai * mi;
        si = lanes::fma(ar, mi, si);
        si = lanes::fma(ai, mr, si);
        L yr = load(y + 2 * j * W), yi = load(y + (2 * j + 1) * W);
        yr = lanes::fma(ar, nr, yr);
        yr = lanes::fma(ai, ni, yr);
        yi = lanes::fma(ar, ni, yi);
        yi = yi - ai * nr;
        store(y + 2 * j * W, yr);
        store(y + (2 * j + 1) * W, yi);
      }
      L own = load(row + 2 * i * W);
      if constexpr (Pending) {
        own = own - L(T(2)) * (pr * qr + pi * qi);
        store(row + 2 * i * W, own);
      }
      store(y + 2 * i * W, lanes::fma(own, nr, sr));
      store(y + (2 * i + 1) * W, lanes::fma(own, ni, si));
    }
  }

  /// Implicit QL on (d, e). The tolerance is absolute: the largest entry times the precision.
  template <bool Vectors>
  KOKKOS_INLINE_FUNCTION bool diagonalise() const {
    const L zero(T(0)), one(T(1));
    const index_t stride = z_stride(n);
    if constexpr (Vectors) {
      for (index_t i = 0; i < n * stride * W; ++i) z[i] = T(0);
      for (index_t i = 0; i < n; ++i) store(z + (i * stride + i) * W, one);
    }
    store(e + (n - 1) * W, zero);
    L norm = zero;
    for (index_t i = 0; i < n; ++i)
      norm = lanes::max(norm, masks::abs(load(d + i * W)) + masks::abs(load(e + i * W)));
    const L small = norm * L(T(0.5 * epsilon<T>));
    bool fine = true;
    for (index_t l = 0; l < n; ++l)
      for (int iteration = 0;; ++iteration) {
        L m(T(n - 1)), dm = load(d + (n - 1) * W);
        for (index_t i = n - 2; i >= l; --i) {
          const auto go_on = masks::less(small, masks::abs(load(e + i * W)));
          m = masks::select(go_on, m, L(T(i)));
          dm = masks::select(go_on, dm, load(d + i * W));
        }
        const auto active = masks::less(L(T(l)), m);
        if (!masks::any(active)) break;
        if (iteration == 80) {
          fine = false;
          break;
        }
        const L dl = load(d + l * W), el = masks::select(active, load(e + l * W), one);
        L g = (load(d + (l + 1) * W) - dl) / (el + el);
        const L root = lanes::sqrt(lanes::fma(g, g, one));
        g = dm - dl + el / (g + masks::select(masks::less(g, zero), zero - root, root));
        L s = one, c = one, p = zero;
        index_t top = n - 2;
        while (!masks::any(masks::both(active, masks::less(L(T(top)), m)))) --top;
        for (index_t i = top; i >= l; --i) {
          const auto moved = masks::both(active, masks::less(L(T(i)), m));
          const L ei = load(e + i * W), next = load(d + (i + 1) * W), own = load(d + i * W);
          const L f = s * ei, b = c * ei;
          const L r2 = lanes::fma(f, f, g * g);
          const auto turned = masks::both(moved, masks::less(zero, r2));
          const L r = lanes::sqrt(r2), over = one / masks::select(turned, r, one);
          const L sn = masks::select(turned, f * over, zero);
          const L cn = masks::select(turned, g * over, one);
          const L h = next - p, q = lanes::fma(own - h, sn, L(T(2)) * cn * b), pn = sn * q;
          store(e + (i + 1) * W, masks::select(moved, r, load(e + (i + 1) * W)));
          store(d + (i + 1) * W, masks::select(moved, h + pn, next));
          store(turn + 2 * i * W, sn);
          store(turn + (2 * i + 1) * W, cn);
          g = masks::select(moved, cn * q - b, g);
          s = masks::select(moved, sn, s);
          c = masks::select(moved, cn, c);
          p = masks::select(moved, pn, p);
        }
        store(d + l * W, masks::select(active, load(d + l * W) - p, load(d + l * W)));
        store(e + l * W, masks::select(active, g, load(e + l * W)));
        for (index_t i = l + 1; i <= top + 1; ++i) {
          const auto elsewhere = masks::less(zero, masks::abs(m - L(T(i))));
          store(e + i * W, masks::select(elsewhere, load(e + i * W), zero));
        }
        if constexpr (Vectors)
          for (index_t j = 0; j < stride; j += 4) rotate(l, top, j, stride);
      }
    return fine;
  }

  /// The rotations of a sweep on four columns of z
  KOKKOS_FORCEINLINE_FUNCTION void rotate(index_t l, index_t top, index_t j, index_t stride) const {
    T* row = z + ((top + 1) * stride + j) * W;
    L carry[4];
    for (int q = 0; q < 4; ++q) carry[q] = load(row + q * W);
    for (index_t i = top; i >= l; --i) {
      const L s = load(turn + 2 * i * W), c = load(turn + (2 * i + 1) * W);
      T* above = row - stride * W;
      for (int q = 0; q < 4; ++q) {
        const L x = load(above + q * W);
        store(row + q * W, lanes::fma(s, x, c * carry[q]));
        carry[q] = c * x - s * carry[q];
      }
      row = above;
    }
    for (int q = 0; q < 4; ++q) store(row + q * W, carry[q]);
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::la::detail

#endif
