// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_CALIBRATION_ENHANCE_HPP
#define CARDIOMM_MRI_CALIBRATION_ENHANCE_HPP
/// \file
/// K-space that agrees with its calibration region: a kernel that tells every sample from its
/// neighbours in all coils (SPIRiT: Lustig and Pauly, MRM 64 (2010)), and a few steps towards
/// k-space that fulfils it. For each target coil c the weights solve
///
///     (A^H A + lambda |A^H A|_F / n I) w_c = A^H b_c,
///
/// a row of A holding the kernel's window of all coils without the target itself, n its columns.
///
///     auto kernel = mri::calibration_kernel(ex, kspace, slice);
///     mri::enhance(ex, kernel, mask, kspace);

#include "cardiomm/la/channels.hpp"
#include "cardiomm/la/cholesky.hpp"
#include "cardiomm/mri/detail/calibration_block.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

struct calibration_kernel_options {
  index_t kernel = 5;    ///< odd, along both axes
  double lambda = 0.01;  ///< Tikhonov's, relative as above
};
struct enhance_options {
  int iterations = 5;
  double step = 1;  ///< share of the way from k-space to what its neighbours tell, in (0, 1]
};

namespace detail {
/// out(y, x) = sum over coils and neighbours; rows are (target coil, y).
template <class C>
struct calibration_apply_kernel {
  static constexpr const char* name = "cardiomm::mri::calibration_apply";
  const C* k;  // (coil, y, x)
  const C* w;  // (target, coil, ky, kx)
  C* out;
  index_t coils, ny, nx, size;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t target = row / ny, y = row - target * ny, half = size / 2;
    C* to = out + row * nx;
    for (index_t x = first; x < last; ++x) to[x] = C(0);
    for (index_t c = 0; c < coils; ++c)
      for (index_t v = 0; v < size; ++v) {
        const index_t from = y + v - half;
        if (from < 0 || from >= ny) continue;
        for (index_t u = 0; u < size; ++u) {
          const index_t shift = u - half;
          const C a = w[((target * coils + c) * size + v) * size + u];
          const index_t begin = first + shift < 0 ? -shift : first;
          const index_t end = last + shift > nx ? nx - shift : last;
          const C* in = k + (c * ny + from) * nx + shift;
          for (index_t x = begin; x < end; ++x) to[x] += a * in[x];
        }
      }
  }
};
/// k += step (g - k) where nothing was sampled; rows are (coil, y).
template <class C>
struct calibration_step_kernel {
  static constexpr const char* name = "cardiomm::mri::calibration_step";
  const C* g;
  const std::uint8_t* mask;
  C* k;
  index_t ny, nx;
  real_of<C> step;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const std::uint8_t* m = mask + row % ny * nx;
    for (index_t x = first; x < last; ++x) {
      const index_t i = row * nx + x;
      if (!m[x]) k[i] = k[i] + step * (g[i] - k[i]);
    }
  }
};
}  // namespace detail

/// The weights (target coil, coil, y, x) of a calibration region (coil, y, x) without missing
/// samples, on the host; that of the target itself is 0. Throws shape_error where the region is
/// smaller than the kernel, value_error for options that make no sense and for a region of zeros.
template <TensorView V>
auto calibration_kernel(const V& data, const calibration_kernel_options& o = {})
    -> host_tensor<complex<double>, 4> {
  using C = complex<double>;
  static_assert(rank_of<V> == 3, "calibration_kernel: expected a region (coil, y, x)");
  require(o.kernel >= 1 && o.kernel % 2 == 1 && o.kernel <= 31,
          "calibration kernel: size: expected an odd number from 1 to 31, found ", o.kernel);
  require(o.lambda >= 0 && std::isfinite(o.lambda),
          "calibration kernel: lambda: expected a number of at least 0, found ", o.lambda);
  const shape<3> s = shape_of(data);
  require<shape_error>(s[0] >= 1 && s[1] >= o.kernel && s[2] >= o.kernel,
                       "calibration kernel: expected a region of at least ", o.kernel, " x ",
                       o.kernel, " samples, found ", s);
  const host_space host;
  const index_t coils = s[0], size = o.kernel, n = coils * size * size;
  const index_t wy = s[1] - size + 1, wx = s[2] - size + 1;
  const auto a = make_tensor<C>(host, shape{index_t(1), n, wy * wx});
  for (index_t c = 0; c < coils; ++c)
    for (index_t v = 0; v < size; ++v)
      for (index_t u = 0; u < size; ++u) {
        C* row = a.data() + ((c * size + v) * size + u) * wy * wx;
        for (index_t y = 0; y < wy; ++y)
          for (index_t x = 0; x < wx; ++x) {
            const auto from = data.data()[(c * s[1] + y + v) * s[2] + x + u];
            row[y * wx + x] = C(double(from.real()), double(from.imag()));
          }
      }
  const auto gram = la::channel_gram(host, a);  // sum a_i conj(a_j)
  host.fence();
  const index_t m = n - 1;
  const auto system = make_tensor<C>(host, shape{coils, m, m});
  const auto side = make_tensor<C>(host, shape{coils, m, index_t(1)});
  for (index_t c = 0; c < coils; ++c) {
    const index_t target = c * size * size + size * size / 2;
    double squares = 0;
    for (index_t i = 0; i < m; ++i) {
      const index_t p = i + (i >= target);
      for (index_t j = 0; j < m; ++j) {
        const C g = gram.data()[(j + (j >= target)) * n + p];
        system(c, i, j) = g;
        squares += abs2(g);
      }
      side(c, i, 0) = gram.data()[target * n + p];
    }
    const double shift = o.lambda * std::sqrt(squares) / double(std::max<index_t>(1, m));
    require(squares > 0 || m == 0, "calibration kernel: expected signal, found zeros only");
    for (index_t i = 0; i < m; ++i) system(c, i, i) += C(shift, 0);
  }
  if (m > 0) {
    la::cholesky(host, system);
    la::cholesky_solve(host, system, side);
    host.fence();
  }
  const auto w = zeros<C>(host, shape{coils, coils, size, size});
  host.fence();
  for (index_t c = 0; c < coils; ++c) {
    const index_t target = c * size * size + size * size / 2;
    for (index_t i = 0; i < m; ++i) w.data()[c * n + i + (i >= target)] = side(c, i, 0);
  }
  return w;
}

/// The same from the fully sampled block around the centre of a slice of k-space (frame, slice,
/// coil, y, x), averaged over the frames. Throws value_error where there is no such block.
template <ExecutionSpace Ex, TensorView K>
auto calibration_kernel(const Ex& ex, const K& kspace, index_t slice,
                        const calibration_kernel_options& o = {})
    -> host_tensor<complex<double>, 4> {
  const shape<5> n = shape_of(kspace);
  const auto found = calibration_region(ex, kspace, std::max(n[3], n[4]), {o.kernel, o.kernel});
  const shape<4> b = shape_of(found.data);
  require<shape_error>(slice >= 0 && slice < b[0], "calibration kernel: slice: expected 0 to ",
                       b[0] - 1, ", found ", slice);
  return calibration_kernel(
      borrow(host_space{}, found.data.data() + slice * b[1] * b[2] * b[3], shape{b[1], b[2], b[3]}),
      o);
}

/// Moves k-space (coil, y, x) towards what the kernel tells of each sample by its neighbours, some
/// times; samples where the mask (y, x), in the memory of the space, is not 0 stay as they are.
template <ExecutionSpace Ex, TensorView W, TensorView M, TensorView K>
void enhance(const Ex& ex, const W& kernel, const M& mask, const K& kspace,
             const enhance_options& o = {}) {
  using C = element_of<K>;
  static_assert(
      rank_of<K> == 3 && rank_of<W> == 4 && rank_of<M> == 2,
      "enhance: expected a kernel (coil, coil, y, x), a mask (y, x), k-space (coil, y, x)");
  const shape<3> s = shape_of(kspace);
  const shape<4> w = shape_of(kernel);
  require<shape_error>(w[0] == s[0] && w[1] == s[0] && w[2] == w[3] && w[2] % 2 == 1,
                       "enhance: kernel: expected one of ", s[0], " coils, found ", w);
  require<shape_error>(shape_of(mask) == shape{s[1], s[2]}, "enhance: mask: expected ",
                       shape{s[1], s[2]}, ", found ", shape_of(mask));
  require(o.iterations >= 0 && o.step > 0 && o.step <= 1,
          "enhance: expected at least 0 iterations and a step in (0, 1], found ", o.iterations,
          " and ", o.step);
  const auto host = make_tensor<C>(host_space{}, w);
  for (index_t i = 0; i < w.size(); ++i)
    host.data()[i] = C(real_of<C>(kernel.data()[i].real()), real_of<C>(kernel.data()[i].imag()));
  const auto weights = to_space(ex, host);
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto told = scratch.template tensor<C>(s);
  for (int i = 0; i < o.iterations; ++i) {
    launch::rows(ex, s[0] * s[1], s[2],
                 detail::calibration_apply_kernel<C>{kspace.data(), weights.data(), told.data(),
                                                     s[0], s[1], s[2], w[2]});
    launch::rows(ex, s[0] * s[1], s[2],
                 detail::calibration_step_kernel<C>{told.data(), mask.data(), kspace.data(), s[1],
                                                    s[2], real_of<C>(o.step)});
  }
  ex.fence();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
