// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_CODELETS_HPP
#define CARDIOMM_FFT_CODELETS_HPP
/// \file
/// Discrete Fourier transforms of a few points, y_k = sum_j x_j exp(-2 pi i j k / R), on registers:
/// real and imaginary parts apart, each a lane packet (hosts) or a number (devices). The transform
/// with the other sign is the same code with real and imaginary parts exchanged.
///
/// Formulas: the symmetric odd butterfly (sums and differences of x_j and x_{R-j}), radix 4 and its
/// compositions 8 = 2 x 4 and 16 = 4 x 4.

#include "cardiomm/core/tile.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

/// Largest prime with a butterfly of its own; lengths with larger ones use Bluestein's algorithm.
inline constexpr int largest_radix = 43;

namespace detail {

template <class T>
inline constexpr T sqrt_half = T(0.707106781186547524400844362104849L);

/// Template on the radix, so that arrays of packets stay in registers. R = 1 .. 9, 12, 16.
template <int R>
struct butterfly;

template <>
struct butterfly<1> {
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(L*, L*) {}
};

template <>
struct butterfly<2> {
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(L* re, L* im) {
    const L r = re[0] - re[1], i = im[0] - im[1];
    re[0] = re[0] + re[1];
    im[0] = im[0] + im[1];
    re[1] = r;
    im[1] = i;
  }
};

template <>
struct butterfly<3> {
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(L* re, L* im) {
    using T = typename lane_traits<L>::real;
    const L half(T(0.5)), s(T(0.866025403784438646763723170752936L));
    const L tr = re[1] + re[2], ti = im[1] + im[2];
    const L dr = re[1] - re[2], di = im[1] - im[2];
    const L ar = re[0] - half * tr, ai = im[0] - half * ti;
    re[0] = re[0] + tr;
    im[0] = im[0] + ti;
    re[1] = ar + s * di;
    im[1] = ai - s * dr;
    re[2] = ar - s * di;
    im[2] = ai + s * dr;
  }
};

/// Four points of arrays at distance S.
template <int S, class L>
KOKKOS_FORCEINLINE_FUNCTION void butterfly4(L* re, L* im) {
  const L ar = re[0] + re[2 * S], ai = im[0] + im[2 * S];
  const L br = re[0] - re[2 * S], bi = im[0] - im[2 * S];
  const L cr = re[S] + re[3 * S], ci = im[S] + im[3 * S];
  const L dr = re[S] - re[3 * S], di = im[S] - im[3 * S];
  re[0] = ar + cr;
  im[0] = ai + ci;
  re[S] = br + di;
  im[S] = bi - dr;
  re[2 * S] = ar - cr;
  im[2 * S] = ai - ci;
  re[3 * S] = br - di;
  im[3 * S] = bi + dr;
}

template <>
struct butterfly<4> {
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(L* re, L* im) {
    butterfly4<1>(re, im);
  }
};

template <>
struct butterfly<5> {
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(L* re, L* im) {
    using T = typename lane_traits<L>::real;
    const L c1(T(0.309016994374947424102293417182819L)),
        c2(T(-0.809016994374947424102293417182819L)), s1(T(0.951056516295153572116439333379382L)),
        s2(T(0.587785252292473129168705954639073L));
    const L tr1 = re[1] + re[4], ti1 = im[1] + im[4], dr1 = re[1] - re[4], di1 = im[1] - im[4];
    const L tr2 = re[2] + re[3], ti2 = im[2] + im[3], dr2 = re[2] - re[3], di2 = im[2] - im[3];
    const L ar1 = re[0] + c1 * tr1 + c2 * tr2, ai1 = im[0] + c1 * ti1 + c2 * ti2;
    const L ar2 = re[0] + c2 * tr1 + c1 * tr2, ai2 = im[0] + c2 * ti1 + c1 * ti2;
    const L br1 = s1 * dr1 + s2 * dr2, bi1 = s1 * di1 + s2 * di2;
    const L br2 = s2 * dr1 - s1 * dr2, bi2 = s2 * di1 - s1 * di2;
    re[0] = re[0] + tr1 + tr2;
    im[0] = im[0] + ti1 + ti2;
    re[1] = ar1 + bi1;
    im[1] = ai1 - br1;
    re[2] = ar2 + bi2;
    im[2] = ai2 - br2;
    re[3] = ar2 - bi2;
    im[3] = ai2 + br2;
    re[4] = ar1 - bi1;
    im[4] = ai1 + br1;
  }
};

template <>
struct butterfly<7> {
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(L* re, L* im) {
    using T = typename lane_traits<L>::real;
    const L c1(T(0.623489801858733530525004884004239L)),
        c2(T(-0.222520933956314404288902564496794L)), c3(T(-0.900968867902419126236102319507445L)),
        s1(T(0.781831482468029808708444526674057L)), s2(T(0.974927912181823607018131682993931L)),
        s3(T(0.433883739117558120475768332848358L));
    const L tr1 = re[1] + re[6], ti1 = im[1] + im[6], dr1 = re[1] - re[6], di1 = im[1] - im[6];
    const L tr2 = re[2] + re[5], ti2 = im[2] + im[5], dr2 = re[2] - re[5], di2 = im[2] - im[5];
    const L tr3 = re[3] + re[4], ti3 = im[3] + im[4], dr3 = re[3] - re[4], di3 = im[3] - im[4];
    const L ar1 = re[0] + c1 * tr1 + c2 * tr2 + c3 * tr3;
    const L ai1 = im[0] + c1 * ti1 + c2 * ti2 + c3 * ti3;
    const L ar2 = re[0] + c2 * tr1 + c3 * tr2 + c1 * tr3;
    const L ai2 = im[0] + c2 * ti1 + c3 * ti2 + c1 * ti3;
    const L ar3 = re[0] + c3 * tr1 + c1 * tr2 + c2 * tr3;
    const L ai3 = im[0] + c3 * ti1 + c1 * ti2 + c2 * ti3;
    const L br1 = s1 * dr1 + s2 * dr2 + s3 * dr3, bi1 = s1 * di1 + s2 * di2 + s3 * di3;
    const L br2 = s2 * dr1 - s3 * dr2 - s1 * dr3, bi2 = s2 * di1 - s3 * di2 - s1 * di3;
    const L br3 = s3 * dr1 - s1 * dr2 + s2 * dr3, bi3 = s3 * di1 - s1 * di2 + s2 * di3;
    re[0] = re[0] + tr1 + tr2 + tr3;
    im[0] = im[0] + ti1 + ti2 + ti3;
    re[1] = ar1 + bi1;
    im[1] = ai1 - br1;
    re[2] = ar2 + bi2;
    im[2] = ai2 - br2;
    re[3] = ar3 + bi3;
    im[3] = ai3 - br3;
    re[4] = ar3 - bi3;
    im[4] = ai3 + br3;
    re[5] = ar2 - bi2;
    im[5] = ai2 + br2;
    re[6] = ar1 - bi1;
    im[6] = ai1 + br1;
  }
};

template <>
struct butterfly<8> {
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(L* re, L* im) {
    using T = typename lane_traits<L>::real;
    const L h(sqrt_half<T>);
    butterfly4<2>(re, im);          // even points: e_k at 2k
    butterfly4<2>(re + 1, im + 1);  // odd points: o_k at 2k + 1, still without their twiddles
    const L o1r = re[3] + im[3], o1i = im[3] - re[3];     // (1 - i) o_1
    const L o3r = im[7] - re[7], o3i = -(re[7] + im[7]);  // (-1 - i) o_3
    const L e0r = re[0], e0i = im[0], o0r = re[1], o0i = im[1];
    const L e1r = re[2], e1i = im[2];
    const L e2r = re[4], e2i = im[4], o2r = re[5], o2i = im[5];
    const L e3r = re[6], e3i = im[6];
    re[0] = e0r + o0r;
    im[0] = e0i + o0i;
    re[4] = e0r - o0r;
    im[4] = e0i - o0i;
    re[1] = e1r + h * o1r;
    im[1] = e1i + h * o1i;
    re[5] = e1r - h * o1r;
    im[5] = e1i - h * o1i;
    re[2] = e2r + o2i;
    im[2] = e2i - o2r;
    re[6] = e2r - o2i;
    im[6] = e2i + o2r;
    re[3] = e3r + h * o3r;
    im[3] = e3i + h * o3i;
    re[7] = e3r - h * o3r;
    im[7] = e3i - h * o3i;
  }
};

/// x *= (c - i s)
template <class L>
KOKKOS_FORCEINLINE_FUNCTION void turn(L& re, L& im, const L& c, const L& s) {
  const L r = re * c + im * s;
  im = im * c - re * s;
  re = r;
}

template <>
struct butterfly<16> {
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(L* re, L* im) {
    using T = typename lane_traits<L>::real;
    const L c(T(0.923879532511286756128183189396788L)), s(T(0.382683432365089771728459984030399L)),
        h(sqrt_half<T>);
    butterfly4<4>(re, im);
    butterfly4<4>(re + 1, im + 1);
    butterfly4<4>(re + 2, im + 2);
    butterfly4<4>(re + 3, im + 3);
    // entry 4 k + j is now sum k of column j; it is turned by exp(-2 pi i j k / 16)
    turn(re[5], im[5], c, s);
    turn(re[6], im[6], h, h);
    turn(re[7], im[7], s, c);
    turn(re[9], im[9], h, h);
    const L r10 = im[10];
    im[10] = -re[10];
    re[10] = r10;
    turn(re[11], im[11], -h, h);
    turn(re[13], im[13], s, c);
    turn(re[14], im[14], -h, h);
    turn(re[15], im[15], -c, -s);
    butterfly4<1>(re, im);
    butterfly4<1>(re + 4, im + 4);
    butterfly4<1>(re + 8, im + 8);
    butterfly4<1>(re + 12, im + 12);
    // entry 4 k + l holds frequency k + 4 l
    CARDIOMM_UNROLL
    for (int k = 0; k < 4; ++k) CARDIOMM_UNROLL
    for (int l = 0; l < k; ++l) {
      const L r = re[4 * k + l], i = im[4 * k + l];
      re[4 * k + l] = re[4 * l + k];
      im[4 * k + l] = im[4 * l + k];
      re[4 * l + k] = r;
      im[4 * l + k] = i;
    }
  }
};

/// y = 3 x 3 points.
template <>
struct butterfly<9> {
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(L* re, L* im) {
    using T = typename lane_traits<L>::real;
    const L c1(T(0.766044443118978035202392650555417L)),
        s1(T(0.642787609686539326322643409907263L));
    const L c2(T(0.173648177666930348851716626769315L)),
        s2(T(0.984807753012208059366743024589523L));
    const L c4(T(-0.939692620785908384054109277324731L)),
        s4(T(0.342020143325668733044099614682260L));
    L r[9], i[9];
    CARDIOMM_UNROLL
    for (int j = 0; j < 3; ++j) {  // column j: points j, j + 3, j + 6
      L cr[3] = {re[j], re[j + 3], re[j + 6]}, ci[3] = {im[j], im[j + 3], im[j + 6]};
      butterfly<3>::apply(cr, ci);
      CARDIOMM_UNROLL
      for (int k = 0; k < 3; ++k) r[3 * k + j] = cr[k], i[3 * k + j] = ci[k];
    }
    turn(r[4], i[4], c1, s1);
    turn(r[5], i[5], c2, s2);
    turn(r[7], i[7], c2, s2);
    turn(r[8], i[8], c4, s4);
    CARDIOMM_UNROLL
    for (int k = 0; k < 3; ++k) {
      butterfly<3>::apply(r + 3 * k, i + 3 * k);
      CARDIOMM_UNROLL
      for (int l = 0; l < 3; ++l) re[k + 3 * l] = r[3 * k + l], im[k + 3 * l] = i[3 * k + l];
    }
  }
};

/// y = A x B points without twiddle factors, for A and B without a common divisor: point
/// B a + A b (mod A B) enters at (a, b), frequency k leaves at (k mod A, k mod B). Good, J. R.
/// Stat. Soc. B 20, 361 (1958).
template <int A, int B>
struct coprime_butterfly {
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(L* re, L* im) {
    constexpr int N = A * B;
    L r[N], i[N];
    CARDIOMM_UNROLL
    for (int a = 0; a < A; ++a) {
      CARDIOMM_UNROLL
      for (int b = 0; b < B; ++b) {
        r[a * B + b] = re[(B * a + A * b) % N];
        i[a * B + b] = im[(B * a + A * b) % N];
      }
      butterfly<B>::apply(r + a * B, i + a * B);
    }
    CARDIOMM_UNROLL
    for (int b = 0; b < B; ++b) {
      L cr[A], ci[A];
      CARDIOMM_UNROLL
      for (int a = 0; a < A; ++a) cr[a] = r[a * B + b], ci[a] = i[a * B + b];
      butterfly<A>::apply(cr, ci);
      CARDIOMM_UNROLL
      for (int a = 0; a < A; ++a) {
        // the k below N with k mod A == a and k mod B == b
        int k = b;
        while (k % A != a) k += B;
        re[k] = cr[a];
        im[k] = ci[a];
      }
    }
  }
};
template <>
struct butterfly<6> : coprime_butterfly<2, 3> {};
template <>
struct butterfly<12> : coprime_butterfly<4, 3> {};

/// g++ would read numbers that are used several times from memory each time, as operands of the
/// multiplications; then loads are the limit.
template <class... L>
KOKKOS_FORCEINLINE_FUNCTION void keep_in_registers([[maybe_unused]] L&... v) {
#if CARDIOMM_HAS_XSIMD && defined(__AVX__) && defined(__GNUC__) && !defined(__clang__)
  (..., [&] {
    if constexpr (lane_traits<L>::width > 1) asm("" : "+v"(v.data));
  }());
#endif
}

/// Sums and differences of an odd butterfly, (tr, ti, dr, di) of j = 1 .. h, to B of its outputs
/// and their mirror images. weights: cos, sin for each (j, output).
template <int B, class L, class T>
KOKKOS_FORCEINLINE_FUNCTION void odd_outputs(const L* pairs, int h, const T* weights, const L& zr,
                                             const L& zi, L* re, L* im, L* mirror_re,
                                             L* mirror_im) {
  L ar[B], ai[B], br[B], bi[B];
  CARDIOMM_UNROLL
  for (int b = 0; b < B; ++b) {
    ar[b] = zr;
    ai[b] = zi;
    br[b] = bi[b] = L(T(0));
  }
  for (int j = 0; j < h; ++j, pairs += 4, weights += 2 * B) {
    L tr = pairs[0], ti = pairs[1], dr = pairs[2], di = pairs[3];
    keep_in_registers(tr, ti, dr, di);
    CARDIOMM_UNROLL
    for (int b = 0; b < B; ++b) {
      const L c(weights[2 * b]), s(weights[2 * b + 1]);
      ar[b] = ar[b] + c * tr;
      ai[b] = ai[b] + c * ti;
      br[b] = br[b] + s * dr;
      bi[b] = bi[b] + s * di;
    }
  }
  CARDIOMM_UNROLL
  for (int b = 0; b < B; ++b) {
    re[b] = ar[b] + bi[b];
    im[b] = ai[b] - br[b];
    mirror_re[-b] = ar[b] - bi[b];
    mirror_im[-b] = ai[b] + br[b];
  }
}

/// Outputs of an odd butterfly that are computed together; a constant of the table's layout.
inline constexpr int odd_block = 4;

/// Any odd n = 2 h + 1 up to largest_radix. weights: cos, sin of 2 pi j k / n for blocks of
/// odd_block outputs k (the last one shorter), in each for j = 1 .. h, in each for the k.
template <int N, class L, class T>
KOKKOS_FORCEINLINE_FUNCTION void odd_butterfly(L* re, L* im, int r, const T* weights) {
  const int n = N > 0 ? N : r, h = n / 2;
  L pairs[4 * ((N > 0 ? N : largest_radix) / 2)];
  const L zr = re[0], zi = im[0];
  L sr = zr, si = zi;
  const auto pair = [&](int j) {
    L* p = pairs + 4 * (j - 1);
    p[0] = re[j] + re[n - j];
    p[1] = im[j] + im[n - j];
    p[2] = re[j] - re[n - j];
    p[3] = im[j] - im[n - j];
    sr = sr + p[0];
    si = si + p[1];
  };
  if constexpr (N > 0) {
    CARDIOMM_UNROLL
    for (int j = 1; j <= N / 2; ++j) pair(j);
  } else {
    for (int j = 1; j <= h; ++j) pair(j);
  }
  re[0] = sr;
  im[0] = si;
  int k = 1;
  for (; k + odd_block <= h + 1; k += odd_block, weights += 2 * odd_block * h)
    odd_outputs<odd_block>(pairs, h, weights, zr, zi, re + k, im + k, re + n - k, im + n - k);
  switch (h + 1 - k) {
    case 3:
      odd_outputs<3>(pairs, h, weights, zr, zi, re + k, im + k, re + n - k, im + n - k);
      break;
    case 2:
      odd_outputs<2>(pairs, h, weights, zr, zi, re + k, im + k, re + n - k, im + n - k);
      break;
    case 1:
      odd_outputs<1>(pairs, h, weights, zr, zi, re + k, im + k, re + n - k, im + n - k);
      break;
    default:
      break;
  }
}

}  // namespace detail
}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
