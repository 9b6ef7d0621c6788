// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_DETAIL_TRIDIAGONAL_HPP
#define CARDIOMM_LA_DETAIL_TRIDIAGONAL_HPP
/// \file
/// Hermitian eigenproblem of one matrix: Householder reduction A = Q T Q^H (Golub and Van Loan,
/// Matrix Computations, 8.3.1; real T by complex reflectors as in LAPACK's hetd2), implicit QL with
/// Wilkinson's shift on T (Dubrulle, Martin and Wilkinson, Numer. Math. 12, 1968), Q z_k at last.
///
/// Real and imaginary parts are kept in separate planes with rows padded to whole lane packets.
/// The rank-2 update of a step and the matrix-vector product of the next one share one pass over
/// the matrix, so that it is read and written once per step.

#include "cardiomm/core/lane.hpp"
#include "cardiomm/la/batch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::la::detail {

template <class C, class L>
struct eigen_kernel {
  static constexpr const char* name = "cardiomm::la::hermitian";
  using T = real_of<C>;
  using lanes = lane_traits<L>;
  static constexpr index_t W = lanes::width;
  static constexpr double eps = epsilon<T>;

  C* a;
  T* w;
  outcome* status;
  index_t* found;
  T* room;
  index_t n;
  double relative;  ///< vectors of eigenvalues up to this part of the largest are left out

  static constexpr index_t padded(index_t n) { return (n + W - 1) / W * W; }
  /// Scratch of one matrix, in numbers T: three n x n planes, doubles d, e, packets and scalars.
  static constexpr index_t scratch(index_t n) {
    return (3 * n * padded(n) + 10 * padded(n) + 8 * n + 64) / 32 * 32 + 32;
  }

  /// Scratch of one matrix, cut up.
  struct parts {
    index_t n, stride;
    double *d, *e;     // diagonal and subdiagonal of T
    T *re, *im;        // planes of A, later the reflectors, rows
    T* z;              // rows: eigenvectors of T
    T *xr, *xi;        // A v of the step
    T *wr[2], *wi[2];  // w of this step and the pending one
    T *tau_r, *tau_i;
    T *ur, *ui;  // a vector on its way back
  };

  KOKKOS_INLINE_FUNCTION parts cut(T* p) const {
    parts s{};
    s.n = n;
    s.stride = padded(n);
    s.d = reinterpret_cast<double*>(p);
    s.e = s.d + n;
    p += 2 * n * static_cast<index_t>(sizeof(double) / sizeof(T));
    const auto over = static_cast<index_t>(reinterpret_cast<std::uintptr_t>(p) / sizeof(T)) % W;
    p += (W - over) % W;
    T** plane[] = {&s.re, &s.im, &s.z};
    for (T** q : plane) {
      *q = p;
      p += n * s.stride;
    }
    T** row[] = {&s.xr, &s.xi, &s.wr[0], &s.wr[1], &s.wi[0], &s.wi[1], &s.ur, &s.ui};
    for (T** q : row) {
      *q = p;
      p += s.stride;
    }
    s.tau_r = p;
    s.tau_i = p + n;
    return s;
  }

  KOKKOS_INLINE_FUNCTION void operator()(index_t b, index_t, index_t) const {
    C* ab = a + b * n * n;
    T* wb = w + b * n;
    const double big = largest(ab, n * n);
    if (!(big < __builtin_huge_val())) {
      status[b] = {outcome::not_finite, 0};
      return;
    }
    const parts s = cut(room + b * scratch(n));
    load(s, ab, big > 0 ? 1 / big : 1);
    reduce(s);
    const bool done = diagonalise(s);
    status[b] = {done ? outcome::fine : outcome::no_convergence, 0};
    if (done) finish(s, ab, wb, big, found == nullptr ? nullptr : found + b);
  }

 private:
  /// Planes of A scaled to a largest component of 1, and Z = I.
  KOKKOS_INLINE_FUNCTION void load(const parts& s, const C* ab, double scale) const {
    for (index_t i = 0; i < n; ++i) {
      for (index_t j = 0; j < n; ++j) {
        const C v = ab[i * n + j];
        s.re[i * s.stride + j] = T(double(real_part(v)) * scale);
        s.im[i * s.stride + j] = T(double(imag_part(v)) * scale);
      }
      for (index_t j = n; j < s.stride; ++j) s.re[i * s.stride + j] = s.im[i * s.stride + j] = T(0);
      for (index_t j = 0; j < s.stride; ++j) s.z[i * s.stride + j] = T(i == j);
    }
  }

  /// Turns the tail of row k, the conjugate of the column below the diagonal, into the reflector
  /// H = I - tau v v^H with H^H column = beta e_1; v replaces the row, its first columns are zero.
  KOKKOS_INLINE_FUNCTION void reflector(const parts& s, index_t k) const {
    T* vr = s.re + k * s.stride;
    T* vi = s.im + k * s.stride;
    for (index_t j = 0; j <= k; ++j) vr[j] = vi[j] = T(0);
    double tail = 0;
    for (index_t j = k + 2; j < n; ++j) tail += double(vr[j]) * vr[j] + double(vi[j]) * vi[j];
    const double alpha_r = vr[k + 1], alpha_i = -double(vi[k + 1]);
    if (tail == 0 && alpha_i == 0) {
      s.e[k] = alpha_r;
      s.tau_r[k] = s.tau_i[k] = T(0);
      vr[k + 1] = T(1);
      vi[k + 1] = T(0);
      return;
    }
    const double norm = math::sqrt(alpha_r * alpha_r + alpha_i * alpha_i + tail);
    const double beta = alpha_r > 0 ? -norm : norm;
    s.e[k] = beta;
    s.tau_r[k] = T((beta - alpha_r) / beta);
    s.tau_i[k] = T(-alpha_i / beta);
    const double dr = alpha_r - beta, di = alpha_i, dd = dr * dr + di * di;
    const T sr = T(dr / dd), si = T(-di / dd);  // 1 / (alpha - beta)
    for (index_t j = k + 2; j < n; ++j) {
      const T re = vr[j], im = -vi[j];
      vr[j] = re * sr - im * si;
      vi[j] = re * si + im * sr;
    }
    vr[k + 1] = T(1);
    vi[k + 1] = T(0);
  }

  /// Rows j: A -= v w^H + w v^H with the pending v and w, then x += A v for the new v, from `from`.
  template <int Rows>
  KOKKOS_FORCEINLINE_FUNCTION static void sweep(const parts& s, index_t j, index_t from,
                                                const T* pvr, const T* pvi, const T* pwr,
                                                const T* pwi, const T* vr, const T* vi,
                                                bool product) {
    L avr[Rows], avi[Rows], awr[Rows], awi[Rows], nvr[Rows], nvi[Rows];
    T* re[Rows];
    T* im[Rows];
    for (int r = 0; r < Rows; ++r) {
      re[r] = s.re + (j + r) * s.stride;
      im[r] = s.im + (j + r) * s.stride;
      avr[r] = L(-pvr[j + r]);
      avi[r] = L(-pvi[j + r]);
      awr[r] = L(-pwr[j + r]);
      awi[r] = L(-pwi[j + r]);
      nvr[r] = L(product ? vr[j + r] : T(0));
      nvi[r] = L(product ? vi[j + r] : T(0));
    }
    for (index_t c = from; c < s.stride; c += W) {
      const L cvr = lanes::load(pvr + c), cvi = lanes::load(pvi + c);
      const L cwr = lanes::load(pwr + c), cwi = lanes::load(pwi + c);
      L xr = lanes::load(s.xr + c), xi = lanes::load(s.xi + c);
      for (int r = 0; r < Rows; ++r) {
        L ar = lanes::load(re[r] + c), ai = lanes::load(im[r] + c);
        ar = lanes::fma(avr[r], cwr, ar);
        ar = lanes::fma(avi[r], cwi, ar);
        ar = lanes::fma(awr[r], cvr, ar);
        ar = lanes::fma(awi[r], cvi, ar);
        ai = lanes::fma(avi[r], cwr, ai);
        ai = ai - avr[r] * cwi;
        ai = lanes::fma(awi[r], cvr, ai);
        ai = ai - awr[r] * cvi;
        lanes::store(re[r] + c, ar);
        lanes::store(im[r] + c, ai);
        xr = lanes::fma(ar, nvr[r], xr);
        xr = lanes::fma(ai, nvi[r], xr);
        xi = lanes::fma(ar, nvi[r], xi);
        xi = xi - ai * nvr[r];
      }
      lanes::store(s.xr + c, xr);
      lanes::store(s.xi + c, xi);
    }
  }

  KOKKOS_INLINE_FUNCTION void reduce(const parts& s) const {
    T* zero_row = s.ur;  // not in use before the way back
    for (index_t j = 0; j < s.stride; ++j)
      zero_row[j] = s.wr[0][j] = s.wr[1][j] = s.wi[0][j] = s.wi[1][j] = T(0);
    const T *pvr = zero_row, *pvi = zero_row;
    for (index_t k = 0; k < n; ++k) {
      const int now = static_cast<int>(k & 1), before = 1 - now;
      T *pwr = s.wr[before], *pwi = s.wi[before], *wr = s.wr[now], *wi = s.wi[now];
      const index_t own = k / W * W;
      if (k > 0) sweep<1>(s, k, own, pvr, pvi, pwr, pwi, nullptr, nullptr, false);
      s.d[k] = s.re[k * s.stride + k];
      if (k + 1 >= n) break;
      reflector(s, k);
      const T *vr = s.re + k * s.stride, *vi = s.im + k * s.stride;
      const index_t from = (k + 1) / W * W;
      for (index_t j = from; j < s.stride; ++j) s.xr[j] = s.xi[j] = T(0);
      index_t j = k + 1;
      for (; j + 2 <= n; j += 2) sweep<2>(s, j, from, pvr, pvi, pwr, pwi, vr, vi, true);
      if (j < n) sweep<1>(s, j, from, pvr, pvi, pwr, pwi, vr, vi, true);
      // w = tau x - 1/2 tau <tau x, v> v, zero in the columns that are done
      const double tr = s.tau_r[k], ti = s.tau_i[k];
      double hr = 0, hi = 0;  // <x, v>
      for (index_t c = k + 1; c < n; ++c) {
        hr += double(s.xr[c]) * vr[c] + double(s.xi[c]) * vi[c];
        hi += double(s.xr[c]) * vi[c] - double(s.xi[c]) * vr[c];
      }
      // tau conj(tau) = |tau|^2
      const double t2 = -0.5 * (tr * tr + ti * ti), fr = t2 * hr, fi = t2 * hi;
      for (index_t c = from; c < s.stride; ++c) {
        const bool in = c > k && c < n;
        wr[c] = in ? T(tr * s.xr[c] - ti * s.xi[c] + fr * vr[c] - fi * vi[c]) : T(0);
        wi[c] = in ? T(tr * s.xi[c] + ti * s.xr[c] + fr * vi[c] + fi * vr[c]) : T(0);
      }
      pvr = vr;
      pvi = vi;
    }
  }

  /// Implicit QL on (d, e); the rows of Z become the eigenvectors of T.
  KOKKOS_INLINE_FUNCTION bool diagonalise(const parts& s) const {
    double norm = 0;
    for (index_t i = 0; i < n; ++i) {
      const double size = magnitude(s.d[i]) + (i + 1 < n ? magnitude(s.e[i]) : 0);
      norm = size > norm ? size : norm;
    }
    s.e[n - 1] = 0;
    for (index_t l = 0; l < n; ++l) {
      for (int iteration = 0;; ++iteration) {
        index_t m = l;
        for (; m + 1 < n; ++m)
          if (magnitude(s.e[m]) <=
              eps * (magnitude(s.d[m]) + magnitude(s.d[m + 1])) + 1e-3 * eps * norm)
            break;
        if (m == l) break;
        if (iteration == 60) return false;
        double g = (s.d[l + 1] - s.d[l]) / (2 * s.e[l]);
        const double r0 = hypotenuse(g, 1);
        g = s.d[m] - s.d[l] + s.e[l] / (g + (g < 0 ? -r0 : r0));
        double sine = 1, cosine = 1, p = 0;
        index_t i = m - 1;
        for (; i >= l; --i) {
          double f = sine * s.e[i];
          const double h = cosine * s.e[i];
          const double r = hypotenuse(f, g);
          s.e[i + 1] = r;
          if (r == 0) {
            s.d[i + 1] -= p;
            s.e[m] = 0;
            break;
          }
          sine = f / r;
          cosine = g / r;
          g = s.d[i + 1] - p;
          const double q = (s.d[i] - g) * sine + 2 * cosine * h;
          p = sine * q;
          s.d[i + 1] = g + p;
          g = cosine * q - h;
          rotate(s.z + i * s.stride, s.z + (i + 1) * s.stride, s.stride, T(cosine), T(sine));
        }
        if (i >= l) continue;
        s.d[l] -= p;
        s.e[l] = g;
        s.e[m] = 0;
      }
    }
    return true;
  }

  KOKKOS_FORCEINLINE_FUNCTION static void rotate(T* x, T* y, index_t stride, T cosine, T sine) {
    const L c(cosine), q(sine);
    for (index_t j = 0; j < stride; j += W) {
      const L xv = lanes::load(x + j), yv = lanes::load(y + j);
      lanes::store(x + j, c * xv - q * yv);
      lanes::store(y + j, lanes::fma(q, xv, c * yv));
    }
  }

  /// Sorts, and writes the vectors Q z_k.
  KOKKOS_INLINE_FUNCTION void finish(const parts& s, C* ab, T* wb, double big,
                                     index_t* count) const {
    double top = s.d[0];
    for (index_t i = 0; i < n; ++i) {
      top = s.d[i] > top ? s.d[i] : top;
      s.e[i] = 0;
    }
    index_t kept = 0;
    for (index_t k = 0; k < n; ++k) {
      // Selection sort that keeps equal values in place; e holds the marks of those used.
      index_t best = -1;
      for (index_t i = 0; i < n; ++i)
        if (s.e[i] >= 0 && (best < 0 || s.d[i] < s.d[best])) best = i;
      wb[k] = T(s.d[best] * big);
      s.e[best] = -1;
      C* row = ab + k * n;
      if (relative >= 0 && !(s.d[best] > relative * top)) {
        for (index_t j = 0; j < n; ++j) row[j] = C(0);
        continue;
      }
      ++kept;
      const T* z = s.z + best * s.stride;
      for (index_t j = 0; j < s.stride; ++j) {
        s.ur[j] = z[j];
        s.ui[j] = T(0);
      }
      for (index_t i = n - 2; i >= 0; --i) reflect(s, i);
      for (index_t j = 0; j < n; ++j) {
        if constexpr (is_complex<C>)
          row[j] = C(s.ur[j], s.ui[j]);
        else
          row[j] = s.ur[j];
      }
    }
    if (count != nullptr) *count = kept;
  }

  /// u = (I - tau v v^H) u with the reflector in row i.
  KOKKOS_FORCEINLINE_FUNCTION static void reflect(const parts& s, index_t i) {
    const T tr = s.tau_r[i], ti = s.tau_i[i];
    if (tr == T(0) && ti == T(0)) return;
    const T *vr = s.re + i * s.stride, *vi = s.im + i * s.stride;
    L dot_r(T(0)), dot_i(T(0));
    const index_t from = (i + 1) / W * W;
    for (index_t j = from; j < s.stride; j += W) {
      const L xr = lanes::load(vr + j), xi = lanes::load(vi + j);
      const L yr = lanes::load(s.ur + j), yi = lanes::load(s.ui + j);
      dot_r = lanes::fma(xr, yr, dot_r);
      dot_r = lanes::fma(xi, yi, dot_r);
      dot_i = lanes::fma(xr, yi, dot_i);
      dot_i = dot_i - xi * yr;
    }
    const T hr = lanes::sum(dot_r), hi = lanes::sum(dot_i);
    const L fr(-(tr * hr - ti * hi)), fi(-(tr * hi + ti * hr));
    for (index_t j = from; j < s.stride; j += W) {
      const L xr = lanes::load(vr + j), xi = lanes::load(vi + j);
      L yr = lanes::load(s.ur + j), yi = lanes::load(s.ui + j);
      yr = lanes::fma(fr, xr, yr);
      yr = yr - fi * xi;
      yi = lanes::fma(fr, xi, yi);
      yi = lanes::fma(fi, xr, yi);
      lanes::store(s.ur + j, yr);
      lanes::store(s.ui + j, yi);
    }
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::la::detail

#endif
