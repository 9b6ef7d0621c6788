// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_DIRECT_HPP
#define CARDIOMM_FFT_DIRECT_HPP
/// \file
/// Few frequencies of a transform, weighed, and back, by the definition: for frequencies k and
/// n - k, rows j and n - j share their cosines and sines. Two multiply-adds a row, pair and
/// direction.

#include "cardiomm/fft/line.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

namespace detail {

/// Rows of a part whose sums are formed by the definition.
inline constexpr int most_direct = 64;

/// Sums over the rows for B entries: cosines with x_j + x_{n-j}, sines with x_j - x_{n-j}, weighed
/// and as the inverse needs them: 4 packets each. Also the sum over all rows.
template <int B, class C, class Rows, class T, class L>
KOKKOS_FORCEINLINE_FUNCTION void sums_of_rows(C c, const Rows& rows, index_t first, int n,
                                              const T* roots, const int* entry, const T* factors,
                                              L* out, L& sum_re, L& sum_im) {
  const T* w[B > 0 ? B : 1];
  for (int b = 0; b < B; ++b) w[b] = roots + entry[b];
  L zr, zi;
  rows.load(c, first, zr, zi);
  L ar[B > 0 ? B : 1], ai[B > 0 ? B : 1], br[B > 0 ? B : 1], bi[B > 0 ? B : 1];
  CARDIOMM_UNROLL
  for (int b = 0; b < B; ++b) {
    ar[b] = zr;
    ai[b] = zi;
    br[b] = bi[b] = L(T(0));
  }
  const int h = (n - 1) / 2;
  for (int j = 1; j <= h; ++j) {
    L pr, pi, qr, qi;
    rows.load(c, first + j, pr, pi);
    rows.load(c, first + n - j, qr, qi);
    keep_in_registers(pr, pi, qr, qi);
    const L tr = pr + qr, ti = pi + qi, dr = pr - qr, di = pi - qi;
    zr = zr + tr;
    zi = zi + ti;
    CARDIOMM_UNROLL
    for (int b = 0; b < B; ++b) {
      const L cosine(w[b][2 * j - 2]), sine(w[b][2 * j - 1]);
      ar[b] = ar[b] + cosine * tr;
      ai[b] = ai[b] + cosine * ti;
      br[b] = br[b] + sine * dr;
      bi[b] = bi[b] + sine * di;
    }
  }
  if (n % 2 == 0) {
    L pr, pi;
    rows.load(c, first + n / 2, pr, pi);
    zr = zr + pr;
    zi = zi + pi;
    CARDIOMM_UNROLL
    for (int b = 0; b < B; ++b) {
      const L cosine(w[b][n - 2]);
      ar[b] = ar[b] + cosine * pr;
      ai[b] = ai[b] + cosine * pi;
    }
  }
  CARDIOMM_UNROLL
  for (int b = 0; b < B; ++b) {
    const L sum(factors[2 * b]), difference(factors[2 * b + 1]);
    out[4 * b] = sum * ar[b] + difference * bi[b];
    out[4 * b + 1] = sum * ai[b] - difference * br[b];
    out[4 * b + 2] = difference * ar[b] + sum * bi[b];
    out[4 * b + 3] = difference * ai[b] - sum * br[b];
  }
  sum_re = zr;
  sum_im = zi;
}

/// Rows j .. j + J - 1 and their mirror images from what sums_of_rows left.
template <int J, class C, class Rows, class T, class L>
KOKKOS_FORCEINLINE_FUNCTION void rows_of_sums(C c, const Rows& rows, index_t first, int n, int j,
                                              const T* roots, int entries, const int* entry,
                                              const L* in, const L& zr, const L& zi) {
  L ar[J], ai[J], br[J], bi[J];
  CARDIOMM_UNROLL
  for (int b = 0; b < J; ++b) {
    ar[b] = zr;
    ai[b] = zi;
    br[b] = bi[b] = L(T(0));
  }
  for (int e = 0; e < entries; ++e, in += 4) {
    const T* w = roots + entry[e] + 2 * (j - 1);
    L tr = in[0], ti = in[1], dr = in[2], di = in[3];
    keep_in_registers(tr, ti, dr, di);
    CARDIOMM_UNROLL
    for (int b = 0; b < J; ++b) {
      const L cosine(w[2 * b]), sine(w[2 * b + 1]);
      ar[b] = ar[b] + cosine * tr;
      ai[b] = ai[b] + cosine * ti;
      br[b] = br[b] + sine * dr;
      bi[b] = bi[b] + sine * di;
    }
  }
  CARDIOMM_UNROLL
  for (int b = 0; b < J; ++b) {
    rows.store(c, first + j + b, ar[b] - bi[b], ai[b] + br[b]);
    rows.store(c, first + n - j - b, ar[b] + bi[b], ai[b] - br[b]);
  }
}

/// Filter of n rows by the definition. zero: weight of the frequency 0.
template <class C, class Rows, class T>
KOKKOS_INLINE_FUNCTION void filter_direct(C c, const Rows& rows, index_t first, int n,
                                          const T* roots, T zero, int entries, const int* entry,
                                          const T* factors) {
  using L = typename C::number;
  L sums[4 * (most_direct / 2)], zr, zi;
  int e = 0;
  for (; e + 4 <= entries; e += 4)
    sums_of_rows<4>(c, rows, first, n, roots, entry + e, factors + 2 * e, sums + 4 * e, zr, zi);
  switch (entries - e) {
    case 3:
      sums_of_rows<3>(c, rows, first, n, roots, entry + e, factors + 2 * e, sums + 4 * e, zr, zi);
      break;
    case 2:
      sums_of_rows<2>(c, rows, first, n, roots, entry + e, factors + 2 * e, sums + 4 * e, zr, zi);
      break;
    case 1:
      sums_of_rows<1>(c, rows, first, n, roots, entry + e, factors + 2 * e, sums + 4 * e, zr, zi);
      break;
    default:
      if (e == 0) sums_of_rows<0>(c, rows, first, n, roots, entry, factors, sums, zr, zi);
      break;
  }
  zr = zr * L(zero);
  zi = zi * L(zero);
  L xr = zr, xi = zi, yr = zr, yi = zi;
  for (e = 0; e < entries; ++e) {
    const L cosine(roots[entry[e] + n / 2 * 2 - 2]);
    xr = xr + sums[4 * e];
    xi = xi + sums[4 * e + 1];
    yr = yr + cosine * sums[4 * e];
    yi = yi + cosine * sums[4 * e + 1];
  }
  rows.store(c, first, xr, xi);
  if (n % 2 == 0) rows.store(c, first + n / 2, yr, yi);
  const int h = (n - 1) / 2;
  int j = 1;
  for (; j + 4 <= h + 1; j += 4)
    rows_of_sums<4>(c, rows, first, n, j, roots, entries, entry, sums, zr, zi);
  switch (h + 1 - j) {
    case 3:
      rows_of_sums<3>(c, rows, first, n, j, roots, entries, entry, sums, zr, zi);
      break;
    case 2:
      rows_of_sums<2>(c, rows, first, n, j, roots, entries, entry, sums, zr, zi);
      break;
    case 1:
      rows_of_sums<1>(c, rows, first, n, j, roots, entries, entry, sums, zr, zi);
      break;
    default:
      break;
  }
}

}  // namespace detail
}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
