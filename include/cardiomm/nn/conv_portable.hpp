// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_PORTABLE_HPP
#define CARDIOMM_NN_CONV_PORTABLE_HPP
/// \file
/// Convolutions of any stride, dilation and grouping along three axes, on every space, and both
/// gradients. Forward and the gradient of the input are one kernel that gathers from other pixels
/// (`forward_taps`, `adjoint_taps`). Where groups are wide enough devices run it as an implicit
/// product of matrices in tiles (conv_tile.hpp); hosts, and narrow groups, compute a pixel's
/// channels in packets. Slower than the libraries and conv_host.hpp, which are tested against it.
/// No result depends on the number of threads.

#include "cardiomm/core/lane.hpp"
#include "cardiomm/nn/conv_options.hpp"
#include "cardiomm/nn/conv_tile.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_portable {

namespace detail {

/// Pixels, and packets of channels, that a host adds up at the same time: as many as registers
/// hold.
template <ExecutionSpace Ex>
inline constexpr int pixels_at_once = !launch::on_host<Ex>        ? 1
                                      : CARDIOMM_LANE_BYTES == 64 ? 8
                                                                  : 4;

/// y[m, n] = f(sum over taps t and channels c of the group: w[t, c, n] x[source(m, t), c] + bias).
/// Rows are runs of pixels m, columns channels n.
template <class T, class Taps, class F, ExecutionSpace Ex>
struct gather {
  static constexpr const char* name = "cardiomm::nn::conv";
  static constexpr int Q = pixels_at_once<Ex>;
  static constexpr int K = launch::on_host<Ex> ? 8 : 1;  ///< taps along an axis that are kept
  struct run {
    pixel_place place[Q];
    index_t known[3][K][Q];
  };
  Taps taps;
  gather_data<T> d;
  index_t pixels;
  F f;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using L = lane<T, Ex>;
    constexpr int W = lane_traits<L>::width;
    run at;
    for (int q = 0; q < Q; ++q)
      at.place[q] = taps.place(row * Q + q < pixels ? row * Q + q : pixels - 1);
    if constexpr (launch::on_host<Ex>) {
      for (int a = 0; a < 3; ++a)
        for (index_t k = 0; k < K && k < taps.s.kernel[a]; ++k)
          for (int q = 0; q < Q; ++q) at.known[a][k][q] = taps.along(a, at.place[q], k);
    }
    if (d.group_from == 1 && d.group_to == 1) {
      index_t n = first;
      for (; n + 2 * W <= last; n += 2 * W) block<L, 2, true>(row, at, n, n);
      for (; n + W <= last; n += W) block<L, 1, true>(row, at, n, n);
      for (; n < last; ++n) block<T, 1, true>(row, at, n, n);
      return;
    }
    for (index_t n = first; n < last;) {
      const index_t group = n / d.group_to, from = group * d.group_from;
      const index_t end = (group + 1) * d.group_to < last ? (group + 1) * d.group_to : last;
      for (; n + 2 * W <= end; n += 2 * W) block<L, 2, false>(row, at, n, from);
      for (; n + W <= end; n += W) block<L, 1, false>(row, at, n, from);
      for (; n < end; ++n) block<T, 1, false>(row, at, n, from);
    }
  }

 private:
  KOKKOS_FORCEINLINE_FUNCTION index_t source_of(const run& at, int q, index_t kz, index_t ky,
                                                index_t kx) const {
    if constexpr (launch::on_host<Ex>) {
      if (kz < K && ky < K && kx < K)
        return at.known[0][kz][q] + at.known[1][ky][q] + at.known[2][kx][q];
    }
    return taps.source(at.place[q], kz, ky, kx);
  }
  /// Channels n, ... of the pixels, from channels `from`, ...; depthwise: from the same channels.
  template <class L, int B, bool Depthwise>
  KOKKOS_FORCEINLINE_FUNCTION void block(index_t row, const run& at, index_t n,
                                         index_t from) const {
    using traits = lane_traits<L>;
    constexpr int W = traits::width;
    L sum[Q][B];
    CARDIOMM_UNROLL
    for (int b = 0; b < B; ++b) {
      const L bias = d.bias ? traits::load(d.bias + n + b * W) : L(T(0));
      CARDIOMM_UNROLL
      for (int q = 0; q < Q; ++q) sum[q][b] = bias;
    }
    const T* w = d.w + n;
    const index_t step = d.group_from * d.to;
    for (index_t kz = 0; kz < taps.s.kernel[0]; ++kz)
      for (index_t ky = 0; ky < taps.s.kernel[1]; ++ky)
        for (index_t kx = 0; kx < taps.s.kernel[2]; ++kx, w += step) {
          const T* x[Q];
          bool any = false;
          for (int q = 0; q < Q; ++q) {
            const index_t source = source_of(at, q, kz, ky, kx);
            x[q] = source < 0 ? d.zeros : d.x + source * d.from + from;
            any = any || source >= 0;
          }
          if (!any) continue;
          for (index_t c = 0; c < (Depthwise ? 1 : d.group_from); ++c) {
            L factor[B];
            CARDIOMM_UNROLL
            for (int b = 0; b < B; ++b) factor[b] = traits::load(w + c * d.to + b * W);
            CARDIOMM_UNROLL
            for (int q = 0; q < Q; ++q) {
              CARDIOMM_UNROLL
              for (int b = 0; b < B; ++b) {
                if constexpr (Depthwise)
                  sum[q][b] = traits::fma(traits::load(x[q] + b * W), factor[b], sum[q][b]);
                else
                  sum[q][b] = traits::fma(L(x[q][c]), factor[b], sum[q][b]);
              }
            }
          }
        }
    CARDIOMM_UNROLL
    for (int q = 0; q < Q; ++q) {
      if (row * Q + q >= pixels) continue;
      T* y = d.y + (row * Q + q) * d.to + n;
      CARDIOMM_UNROLL
      for (int b = 0; b < B; ++b) traits::store(y + b * W, f.value(sum[q][b], n + b * W));
    }
  }
};

/// Weights (out, in / groups, taps) as (tap, source channel of the group, channel): `adjoint` swaps
/// the roles of in and out. Rows are (tap, source channel), columns channels.
template <class T>
struct pack {
  static constexpr const char* name = "cardiomm::nn::conv_pack";
  const T* weight;
  T* packed;
  index_t group_from, group_to, to, taps;
  bool adjoint;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t t = row / group_from, c = row - t * group_from;
    for (index_t n = first; n < last; ++n) {
      const index_t group = n / group_to;
      const index_t at = adjoint ? (group * group_from + c) * group_to + (n - group * group_to)
                                 : n * group_from + c;
      packed[row * to + n] = weight[at * taps + t];
    }
  }
};

/// Parts of the weights' gradient: sums over lines of pixels. One side (`wide`) is read in packets
/// along its channels, of the other one channel at a time; rows are (part, tap, run of channels of
/// the other side's group), columns the wide side's channels.
template <class T, ExecutionSpace Ex>
struct weight_parts {
  static constexpr const char* name = "cardiomm::nn::conv_weight";
  /// Channels of the narrow side, and packets of the wide one, at once.
  static constexpr int C = launch::on_host<Ex> ? 4 : 1, P = CARDIOMM_LANE_BYTES == 64 ? 4 : 2;
  conv_sizes s;
  const T* x;
  const T* dy;
  T* part;
  index_t lines, chunk;
  bool wide_is_out;

  index_t rows(index_t parts) const { return parts * s.taps() * runs(); }

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using L = lane<T, Ex>;
    constexpr int W = lane_traits<L>::width;
    const index_t narrow = wide_is_out ? s.group_in() : s.group_out();
    const index_t each = wide_is_out ? s.group_out() : s.group_in();
    const index_t c = row % runs() * C, tap = row / runs() % s.taps(), p = row / runs() / s.taps();
    if (narrow == 1 && each == 1) {
      index_t n = first;
      for (; n + P * W <= last; n += P * W) block<L, P, 1, true>(p, tap, 0, n, n);
      for (; n + W <= last; n += W) block<L, 1, 1, true>(p, tap, 0, n, n);
      for (; n < last; ++n) block<T, 1, 1, true>(p, tap, 0, n, n);
      return;
    }
    for (index_t n = first; n < last;) {
      const index_t group = n / each, from = group * narrow;
      const index_t end = (group + 1) * each < last ? (group + 1) * each : last;
      if (c + C <= narrow) {
        columns<C>(p, tap, c, n, end, from + c);
      } else {
        for (index_t i = c; i < narrow; ++i) columns<1>(p, tap, i, n, end, from + i);
      }
      n = end;
    }
  }

 private:
  KOKKOS_FORCEINLINE_FUNCTION index_t runs() const {
    return ((wide_is_out ? s.group_in() : s.group_out()) + C - 1) / C;
  }
  template <int N>
  KOKKOS_FORCEINLINE_FUNCTION void columns(index_t p, index_t tap, index_t c, index_t n,
                                           index_t end, index_t from) const {
    using L = lane<T, Ex>;
    constexpr int W = lane_traits<L>::width;
    for (; n + P * W <= end; n += P * W) block<L, P, N, false>(p, tap, c, n, from);
    for (; n + W <= end; n += W) block<L, 1, N, false>(p, tap, c, n, from);
    for (; n < end; ++n) block<T, 1, N, false>(p, tap, c, n, from);
  }
  template <class L, int B, int N, bool Depthwise>
  KOKKOS_FORCEINLINE_FUNCTION void block(index_t p, index_t tap, index_t c, index_t n,
                                         index_t from) const {
    using traits = lane_traits<L>;
    constexpr int W = traits::width;
    L sum[N][B];
    for (int i = 0; i < N; ++i)
      for (int b = 0; b < B; ++b) sum[i][b] = L(T(0));
    const index_t kx = tap % s.kernel[2], ky = tap / s.kernel[2] % s.kernel[1],
                  kz = tap / s.kernel[2] / s.kernel[1];
    index_t begin, end;
    s.reach(2, kx, begin, end);
    const index_t stop = (p + 1) * chunk < lines ? (p + 1) * chunk : lines;
    for (index_t line = p * chunk; line < stop; ++line) {
      const index_t oy = line % s.out[1], oz = line / s.out[1] % s.out[0],
                    item = line / s.out[1] / s.out[0];
      const index_t iz = oz * s.stride[0] - s.padding[0] + kz * s.dilation[0];
      const index_t iy = oy * s.stride[1] - s.padding[1] + ky * s.dilation[1];
      if (iz < 0 || iz >= s.in[0] || iy < 0 || iy >= s.in[1]) continue;
      const index_t ix = begin * s.stride[2] - s.padding[2] + kx * s.dilation[2];
      const T* in = x + (((item * s.in[0] + iz) * s.in[1] + iy) * s.in[2] + ix) * s.in_channels;
      const T* out = dy + (line * s.out[2] + begin) * s.out_channels;
      const index_t in_step = s.stride[2] * s.in_channels;
      const T* wide = (wide_is_out ? out : in) + n;
      const T* other = (wide_is_out ? in : out) + from;
      const index_t wide_step = wide_is_out ? s.out_channels : in_step;
      const index_t other_step = wide_is_out ? in_step : s.out_channels;
      for (index_t ox = begin; ox < end; ++ox, wide += wide_step, other += other_step) {
        L v[B];
        CARDIOMM_UNROLL
        for (int b = 0; b < B; ++b) v[b] = traits::load(wide + b * W);
        CARDIOMM_UNROLL
        for (int i = 0; i < N; ++i) {
          CARDIOMM_UNROLL
          for (int b = 0; b < B; ++b) {
            if constexpr (Depthwise)
              sum[i][b] = traits::fma(traits::load(other + b * W), v[b], sum[i][b]);
            else
              sum[i][b] = traits::fma(L(other[i]), v[b], sum[i][b]);
          }
        }
      }
    }
    T* to = part + p * s.out_channels * s.group_in() * s.taps();
    for (int i = 0; i < N; ++i)
      for (int b = 0; b < B; ++b) {
        T values[W];
        traits::store(values, sum[i][b]);
        for (int j = 0; j < W; ++j) {
          const index_t w = n + b * W + j;
          const index_t o = wide_is_out ? w : w / s.group_in() * s.group_out() + c + i;
          const index_t k = wide_is_out ? c + i : w % s.group_in();
          to[(o * s.group_in() + k) * s.taps() + tap] = values[j];
        }
      }
  }
};

/// gradient[i] += sum of `parts` arrays of n numbers.
template <class T>
struct add_parts {
  static constexpr const char* name = "cardiomm::nn::conv_add_parts";
  const T* part;
  T* gradient;
  index_t parts, n;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      double sum = 0;
      for (index_t p = 0; p < parts; ++p) sum += double(part[p * n + i]);
      gradient[i] += T(sum);
    }
  }
};

/// y = f(y + bias), what libraries leave to do. Rows are pixels, columns channels.
template <class T, class F, ExecutionSpace Ex>
struct finish_kernel {
  static constexpr const char* name = "cardiomm::nn::conv_finish";
  T* y;
  const T* bias;
  index_t channels;
  F f;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using L = lane<T, Ex>;
    using traits = lane_traits<L>;
    T* p = y + row * channels;
    index_t c = first;
    for (; c + traits::width <= last; c += traits::width) {
      const L v = traits::load(p + c);
      traits::store(p + c, f.value(bias ? v + traits::load(bias + c) : v, c));
    }
    for (; c < last; ++c) p[c] = f.value(bias ? p[c] + bias[c] : p[c], c);
  }
};

/// Groups so narrow that a tile would be mostly empty.
inline bool narrow(const conv_sizes& s) {
  return s.groups > 1 && (s.group_in() < 16 || s.group_out() < 16);
}

template <class T, ExecutionSpace Ex, class Taps, class F>
void run(const Ex& ex, const Taps& taps, gather_data<T> d, const T* weight, bool adjoint,
         index_t pixels, bool tiles, const F& f) {
  if (pixels <= 0 || d.to <= 0) return;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const index_t n = taps.s.taps() * d.group_from * d.to;
  T* packed = scratch.template take<T>(n);
  launch::rows(ex, taps.s.taps() * d.group_from, d.to,
               pack<T>{weight, packed, d.group_from, d.group_to, d.to, taps.s.taps(), adjoint});
  d.w = packed;
  if constexpr (launch::on_host<Ex>) {
    // What pixels outside are; depthwise kernels read packets of it.
    const index_t width = d.group_from + 4 * lane_width<T, Ex>;
    T* zeros = scratch.template take<T>(width);
    for (index_t i = 0; i < width; ++i) zeros[i] = T(0);
    d.zeros = zeros;
  }
  if (tiles)
    product(ex, taps.s.groups, pixels, d.group_to, taps.s.taps() * d.group_from,
            gather_product<T, Taps, F>{taps, d, f});
  else
    launch::rows(ex, (pixels + pixels_at_once<Ex> - 1) / pixels_at_once<Ex>, d.to,
                 gather<T, Taps, F, Ex>{taps, d, pixels, f});
}

}  // namespace detail

/// True where `tiles` below is the better choice.
template <ExecutionSpace Ex>
bool prefers_tiles(const conv_sizes& s) {
  return !launch::on_host<Ex> && !detail::narrow(s);
}

/// y = f(y + bias); bias may be null.
template <class T, ExecutionSpace Ex, class F>
void finish(const Ex& ex, index_t pixels, index_t channels, const T* bias, T* y, const F& f) {
  if (std::is_same_v<F, same_value> && !bias) return;
  launch::rows(ex, pixels, channels, detail::finish_kernel<T, F, Ex>{y, bias, channels, f});
}

/// y = f(x * w + bias); bias may be null. `tiles` chooses the kernel.
template <class T, ExecutionSpace Ex, class F = same_value>
void forward(const Ex& ex, const conv_sizes& s, const T* x, const T* weight, const T* bias, T* y,
             const F& f, bool tiles) {
  detail::run(ex, detail::forward_taps{s},
              detail::gather_data<T>{x, nullptr, bias, y, s.in_channels, s.out_channels,
                                     s.group_in(), s.group_out(), nullptr},
              weight, false, s.out_pixels(), tiles, f);
}
/// dx = f(J^T dy + bias): the gradient of the input, and the transposed convolution's forward.
template <class T, ExecutionSpace Ex, class F = same_value>
void adjoint(const Ex& ex, const conv_sizes& s, const T* dy, const T* weight, const T* bias, T* dx,
             const F& f, bool tiles) {
  detail::run(ex, detail::adjoint_taps{s},
              detail::gather_data<T>{dy, nullptr, bias, dx, s.out_channels, s.in_channels,
                                     s.group_out(), s.group_in(), nullptr},
              weight, true, s.in_pixels(), tiles, f);
}
/// gradient += dL/dweight.
template <class T, ExecutionSpace Ex>
void add_weight_gradient(const Ex& ex, const conv_sizes& s, const T* x, const T* dy, T* gradient,
                         bool tiles) {
  const index_t lines = s.items * s.out[0] * s.out[1], n = s.weights();
  if (lines <= 0 || s.out[2] <= 0 || n <= 0) return;
  // Parts for threads to work on, and sums that are not too long for floats; but not much memory.
  index_t parts = lines * s.out[2] / 2048, most = (index_t(1) << 22) / n;
  if (parts > 64) parts = 64;
  if (most < 1) most = 1;
  if (parts > most) parts = most;
  if (parts < 1) parts = 1;
  const index_t chunk = (lines + parts - 1) / parts;
  parts = (lines + chunk - 1) / chunk;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  T* part = scratch.template take<T>(parts * n);
  if (tiles) {
    detail::product(ex, s.groups * parts, s.group_out(), s.group_in() * s.taps(), chunk * s.out[2],
                    detail::weight_product<T>{{s}, x, dy, part, chunk * s.out[2]});
  } else {
    const bool wide_is_out = s.group_out() >= s.group_in();
    const detail::weight_parts<T, Ex> kernel{s, x, dy, part, lines, chunk, wide_is_out};
    launch::rows(ex, kernel.rows(parts), wide_is_out ? s.out_channels : s.in_channels, kernel);
  }
  launch::segments(ex, n, detail::add_parts<T>{part, gradient, parts, n});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::conv_portable

#endif
