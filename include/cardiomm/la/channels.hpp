// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_CHANNELS_HPP
#define CARDIOMM_LA_CHANNELS_HPP
/// \file
/// Tall products along one axis of large data: the Gram matrix of its channels, and channels mixed
/// by a matrix. Data are views (outer, channel, inner), as k-space is with coils as channels.
///
/// Samples are taken in blocks that stay in the cache, with real and imaginary parts in separate
/// planes, and one lane packet holds neighbouring samples.

#include "cardiomm/core/lane.hpp"
#include "cardiomm/la/batch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::la {

namespace detail {

/// Samples of a block; a multiple of every lane width.
inline constexpr index_t channel_block = 256;

/// `count` samples of every channel from (outer, first) as planes with rows of channel_block.
template <class C>
KOKKOS_INLINE_FUNCTION void load_planes(const C* x, index_t channels, index_t inner, index_t outer,
                                        index_t first, index_t count, real_of<C>* re,
                                        real_of<C>* im) {
  using T = real_of<C>;
  for (index_t c = 0; c < channels; ++c) {
    const C* p = x + (outer * channels + c) * inner + first;
    T *r = re + c * channel_block, *i = im + c * channel_block;
    for (index_t s = 0; s < count; ++s) {
      r[s] = p[s].real();
      i[s] = p[s].imag();
    }
    for (index_t s = count; s < channel_block; ++s) r[s] = i[s] = T(0);
  }
}

/// Sums of one group of blocks, G(i, j) = sum x_i conj(x_j) for j <= i.
template <class C, class L>
struct gram_kernel {
  static constexpr const char* name = "cardiomm::la::channel_gram";
  using T = real_of<C>;
  using lanes = lane_traits<L>;
  const C* x;
  complex<double>* partial;
  T* room;
  index_t outer, channels, inner, groups;

  KOKKOS_INLINE_FUNCTION void operator()(index_t group, index_t, index_t) const {
    complex<double>* sum = partial + group * channels * channels;
    for (index_t i = 0; i < channels * channels; ++i) sum[i] = complex<double>(0);
    T* re = room + group * 2 * channels * channel_block;
    T* im = re + channels * channel_block;
    const index_t per_row = (inner + channel_block - 1) / channel_block, blocks = outer * per_row;
    for (index_t b = blocks * group / groups; b < blocks * (group + 1) / groups; ++b) {
      const index_t first = b % per_row * channel_block;
      const index_t count = inner - first < channel_block ? inner - first : channel_block;
      load_planes(x, channels, inner, b / per_row, first, count, re, im);
      for (index_t i = 0; i < channels; i += 2)
        for (index_t j = 0; j <= i; j += 2) {
          const int rows = i + 1 < channels ? 2 : 1, cols = j + 1 < channels ? 2 : 1;
          if (rows == 2 && cols == 2)
            tile<2, 2>(re, im, i, j, sum);
          else if (rows == 2)
            tile<2, 1>(re, im, i, j, sum);
          else if (cols == 2)
            tile<1, 2>(re, im, i, j, sum);
          else
            tile<1, 1>(re, im, i, j, sum);
        }
    }
  }

  template <int Rows, int Cols>
  KOKKOS_FORCEINLINE_FUNCTION void tile(const T* re, const T* im, index_t i, index_t j,
                                        complex<double>* sum) const {
    L ar[Rows][Cols], ai[Rows][Cols];
    for (int p = 0; p < Rows; ++p)
      for (int q = 0; q < Cols; ++q) ar[p][q] = ai[p][q] = L(T(0));
    for (index_t s = 0; s < channel_block; s += lanes::width) {
      L yr[Cols], yi[Cols];
      for (int q = 0; q < Cols; ++q) {
        yr[q] = lanes::load(re + (j + q) * channel_block + s);
        yi[q] = lanes::load(im + (j + q) * channel_block + s);
      }
      for (int p = 0; p < Rows; ++p) {
        const L xr = lanes::load(re + (i + p) * channel_block + s);
        const L xi = lanes::load(im + (i + p) * channel_block + s);
        for (int q = 0; q < Cols; ++q) {
          ar[p][q] = lanes::fma(xr, yr[q], lanes::fma(xi, yi[q], ar[p][q]));
          ai[p][q] = lanes::fma(xi, yr[q], ai[p][q]) - xr * yi[q];
        }
      }
    }
    for (int p = 0; p < Rows; ++p)
      for (int q = 0; q < Cols; ++q)
        sum[(i + p) * channels + j + q] +=
            complex<double>(double(lanes::sum(ar[p][q])), double(lanes::sum(ai[p][q])));
  }
};

/// Adds the groups and fills the upper triangle.
struct gram_sum_kernel {
  static constexpr const char* name = "cardiomm::la::channel_gram_sum";
  const complex<double>* partial;
  complex<double>* g;
  index_t channels, groups;
  KOKKOS_INLINE_FUNCTION void operator()(index_t i, index_t first, index_t last) const {
    for (index_t j = first; j < last; ++j) {
      const index_t low = i < j ? j * channels + i : i * channels + j;
      complex<double> sum(0);
      for (index_t b = 0; b < groups; ++b) sum += partial[b * channels * channels + low];
      g[i * channels + j] = i < j ? conj_of(sum) : i == j ? complex<double>(sum.real(), 0) : sum;
    }
  }
};

/// y_p = sum_c m(p, c) x_c for the block of samples `row`; x and y may be the same memory.
template <class C, class L>
struct mix_kernel {
  static constexpr const char* name = "cardiomm::la::channel_mix";
  using T = real_of<C>;
  using lanes = lane_traits<L>;
  const C *m, *x;
  C* y;
  T* room;
  index_t from, to, inner, first_block;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t, index_t) const {
    const index_t per_row = (inner + channel_block - 1) / channel_block;
    const index_t b = first_block + row, outer = b / per_row, first = b % per_row * channel_block;
    const index_t count = inner - first < channel_block ? inner - first : channel_block;
    T* re = room + row * 2 * (from + 1) * channel_block;
    T* im = re + from * channel_block;
    T *outr = im + from * channel_block, *outi = outr + channel_block;
    load_planes(x, from, inner, outer, first, count, re, im);
    for (index_t p = 0; p < to; ++p) {
      constexpr index_t unroll = 4 * lanes::width <= channel_block ? 4 : 1;
      for (index_t s = 0; s < channel_block; s += unroll * lanes::width) {
        L ar[unroll], ai[unroll];
        for (index_t k = 0; k < unroll; ++k) ar[k] = ai[k] = L(T(0));
        for (index_t c = 0; c < from; ++c) {
          const C w = m[p * from + c];
          const L wr(w.real()), wi(w.imag());
          for (index_t k = 0; k < unroll; ++k) {
            const index_t at = c * channel_block + s + k * lanes::width;
            const L xr = lanes::load(re + at), xi = lanes::load(im + at);
            ar[k] = lanes::fma(wr, xr, ar[k]) - wi * xi;
            ai[k] = lanes::fma(wr, xi, lanes::fma(wi, xr, ai[k]));
          }
        }
        for (index_t k = 0; k < unroll; ++k) {
          lanes::store(outr + s + k * lanes::width, ar[k]);
          lanes::store(outi + s + k * lanes::width, ai[k]);
        }
      }
      C* out = y + (outer * to + p) * inner + first;
      for (index_t s = 0; s < count; ++s) out[s] = C(outr[s], outi[s]);
    }
  }
};

}  // namespace detail

/// Gram matrix of the channels, G(i, j) = sum over all samples of x_i conj(x_j), in double (the
/// products of a block of 256 samples are added in the data's precision).
///
/// \param x  (outer, channel, inner)  data
/// \return   (channel, channel)       Hermitian; the same for every number of threads
template <ExecutionSpace Ex, TensorView X>
tensor<complex<double>, 2, Ex> channel_gram(const Ex& ex, const X& x) {
  static_assert(rank_of<X> == 3 && is_complex<element_of<X>>,
                "channel_gram: expected a complex tensor (outer, channel, inner)");
  using C = element_of<X>;
  const shape<3> n = shape_of(x);
  const auto g = zeros<complex<double>>(ex, shape{n[1], n[1]}, "cardiomm::gram");
  if (x.size() == 0) return g;
  const index_t blocks = n[0] * ((n[2] + detail::channel_block - 1) / detail::channel_block);
  const index_t most = launch::on_host<Ex> ? 32 : 4096;
  const index_t groups = blocks < most ? blocks : most;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  auto* partial = scratch.template take<complex<double>>(groups * n[1] * n[1]);
  auto* room = scratch.template take<real_of<C>>(groups * 2 * n[1] * detail::channel_block);
  launch::rows(ex, groups, 1,
               detail::gram_kernel<C, lane<real_of<C>, Ex>>{x.data(), partial, room, n[0], n[1],
                                                            n[2], groups});
  launch::rows(ex, n[1], n[1], detail::gram_sum_kernel{partial, g.data(), n[1], groups});
  ex.fence();  // the scratch is given back here
  return g;
}

/// Mixes channels: y_p = sum_c m(p, c) x_c for every sample. x and y may be the same tensor where
/// m is square.
///
/// \param m  (to, from)            matrix
/// \param x  (outer, from, inner)  data
/// \param y  (outer, to, inner)    mixed data
template <ExecutionSpace Ex, TensorView M, TensorView X, TensorView Y>
void channel_mix(const Ex& ex, const M& m, const X& x, const Y& y) {
  static_assert(rank_of<M> == 2 && rank_of<X> == 3 && rank_of<Y> == 3,
                "channel_mix: expected a matrix and tensors (outer, channel, inner)");
  using C = element_of<Y>;
  static_assert(std::is_same_v<element_of<M>, C> && std::is_same_v<element_of<X>, C>);
  const shape<2> sm = shape_of(m);
  const shape<3> sx = shape_of(x);
  require<shape_error>(sx[1] == sm[1] && shape_of(y) == shape{sx[0], sm[0], sx[2]},
                       "channel_mix: by a matrix ", sm, ": expected channels ", sm[1], " to ",
                       sm[0], ", found data ", sx, " and ", shape_of(y));
  if (y.size() == 0) return;
  const index_t blocks = sx[0] * ((sx[2] + detail::channel_block - 1) / detail::channel_block);
  const index_t each = 2 * (sm[1] + 1) * detail::channel_block;
  index_t group = (index_t(16) << 20) / (each * static_cast<index_t>(sizeof(real_of<C>)));
  group = group < 1 ? 1 : group > blocks ? blocks : group;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  auto* room = scratch.template take<real_of<C>>(group * each);
  for (index_t b = 0; b < blocks; b += group)
    launch::rows(ex, b + group < blocks ? group : blocks - b, 1,
                 detail::mix_kernel<C, lane<real_of<C>, Ex>>{m.data(), x.data(), y.data(), room,
                                                             sm[1], sm[0], sx[2], b});
  ex.fence();  // the scratch is given back here
}

}  // namespace cardiomm::inline CARDIOMM_ABI::la

#endif
