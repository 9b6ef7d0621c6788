// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_ESPIRIT_KERNELS_HPP
#define CARDIOMM_MRI_DETAIL_ESPIRIT_KERNELS_HPP
/// \file
/// First half of ESPIRiT, on the host: from the calibration data of a slice to the Gram matrices
/// of the kernels' images on the coarsest grid that determines them.
///
/// Let a(w, i) be the calibration matrix, window w by position in the window and coil i = (c, p).
/// The kernels e_q are the right singular vectors above the threshold. With the images
/// I_qc(u) = sum_p e_q(c, p) exp(2 pi i p u), pixel u has the coil x coil matrix
/// G_cd(u) = 1/k^2 sum_q I_qc(u) conj(I_qd(u)), a trigonometric polynomial of degree k - 1 along
/// each axis. So 2k - 1 samples along each axis give all pixels exactly (espirit_pixels.hpp).
///
/// The singular vectors are found from the smaller one of the two Gram matrices of a(w, i): with
/// many coils there are fewer windows than coils times kernel positions.

#include <algorithm>
#include <cmath>
#include <vector>

#include "cardiomm/core/lane.hpp"
#include "cardiomm/la/hermitian.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri::detail {

/// Sizes of a slice's calibration.
struct espirit_sizes {
  index_t coils, by, bx;  ///< block
  index_t ky, kx;         ///< kernel
  KOKKOS_INLINE_FUNCTION index_t windows() const { return (by - ky + 1) * (bx - kx + 1); }
  KOKKOS_INLINE_FUNCTION index_t columns() const { return coils * ky * kx; }
  KOKKOS_INLINE_FUNCTION index_t grid() const { return (2 * ky - 1) * (2 * kx - 1); }
  KOKKOS_INLINE_FUNCTION index_t pairs() const { return coils * (coils + 1) / 2; }
};

/// Rows of the calibration matrix, or of its transpose, as planes: re, im of one row after another.
template <class T>
struct hankel_kernel {
  static constexpr const char* name = "cardiomm::mri::espirit_hankel";
  const complex<T>* data;
  T* planes;
  espirit_sizes n;
  index_t cols, stride;
  T scale;
  bool by_window;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t, index_t) const {
    T *re = planes + row * 2 * stride, *im = re + stride;
    const index_t wx = n.bx - n.kx + 1, area = n.ky * n.kx;
    for (index_t j = 0; j < cols; ++j) {
      const index_t w = by_window ? row : j, i = by_window ? j : row;
      const index_t c = i / area, p = i - c * area;
      const index_t y = w / wx + p / n.kx, x = w % wx + p % n.kx;
      const complex<T> v = data[(c * n.by + y) * n.bx + x];
      re[j] = v.real() * scale;
      im[j] = v.imag() * scale;
    }
    for (index_t j = cols; j < stride; ++j) re[j] = im[j] = T(0);
  }
};

/// g = A A^H; task t does the row pairs t and pairs - 1 - t, which together are as long as any.
template <class T, class L>
struct outer_kernel {
  static constexpr const char* name = "cardiomm::mri::espirit_outer";
  using lanes = lane_traits<L>;
  const T* planes;
  complex<T>* g;
  index_t rows, stride;
  KOKKOS_INLINE_FUNCTION void operator()(index_t task, index_t, index_t) const {
    const index_t pairs = (rows + 1) / 2;
    pair(task);
    if (pairs - 1 - task != task) pair(pairs - 1 - task);
  }
  KOKKOS_INLINE_FUNCTION void pair(index_t p) const {
    const index_t i = 2 * p;
    for (index_t j = 0; j <= i; j += 2) {
      // An odd last row is computed twice, beside itself.
      const index_t i1 = i + 1 < rows ? i + 1 : i, j1 = j + 1 < rows ? j + 1 : j;
      tile(i, i1, j, j1);
    }
  }
  KOKKOS_INLINE_FUNCTION void tile(index_t i0, index_t i1, index_t j0, index_t j1) const {
    const T* a[2] = {planes + i0 * 2 * stride, planes + i1 * 2 * stride};
    const T* b[2] = {planes + j0 * 2 * stride, planes + j1 * 2 * stride};
    L re[2][2], im[2][2];
    for (auto& r : re) r[0] = r[1] = L(T(0));
    for (auto& r : im) r[0] = r[1] = L(T(0));
    for (index_t s = 0; s < stride; s += lanes::width) {
      const L br[2] = {lanes::load(b[0] + s), lanes::load(b[1] + s)};
      const L bi[2] = {lanes::load(b[0] + stride + s), lanes::load(b[1] + stride + s)};
      for (int p = 0; p < 2; ++p) {
        const L ar = lanes::load(a[p] + s), ai = lanes::load(a[p] + stride + s);
        for (int q = 0; q < 2; ++q) {
          re[p][q] = lanes::fma(ar, br[q], lanes::fma(ai, bi[q], re[p][q]));
          im[p][q] = lanes::fma(ai, br[q], im[p][q]) - ar * bi[q];
        }
      }
    }
    const index_t i[2] = {i0, i1}, j[2] = {j0, j1};
    for (int p = 0; p < 2; ++p)
      for (int q = 0; q < 2; ++q) {
        const T r = lanes::sum(re[p][q]), m = i[p] == j[q] ? T(0) : lanes::sum(im[p][q]);
        g[i[p] * rows + j[q]] = complex<T>(r, m);
        g[j[q] * rows + i[p]] = complex<T>(r, -m);
      }
  }
};

/// Kernels e = conj(u)^T A / sigma from the left singular vectors u, four at a time.
template <class T, class L>
struct right_vectors_kernel {
  static constexpr const char* name = "cardiomm::mri::espirit_right_vectors";
  using lanes = lane_traits<L>;
  const T* planes;      ///< A, rows of windows
  const complex<T>* u;  ///< (kernel, window)
  const T* square;      ///< sigma^2 of every kernel
  T* out;               ///< planes of the kernels
  index_t windows, stride, kernels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t task, index_t, index_t) const {
    const index_t q0 = 4 * task;
    index_t q[4];
    T factor[4];
    for (int k = 0; k < 4; ++k) {
      q[k] = q0 + k < kernels ? q0 + k : kernels - 1;
      factor[k] = T(1) / math::sqrt(square[q[k]]);
    }
    for (index_t s = 0; s < stride; s += lanes::width) {
      L re[4], im[4];
      for (int k = 0; k < 4; ++k) re[k] = im[k] = L(T(0));
      for (index_t w = 0; w < windows; ++w) {
        const L ar = lanes::load(planes + w * 2 * stride + s);
        const L ai = lanes::load(planes + (w * 2 + 1) * stride + s);
        for (int k = 0; k < 4; ++k) {
          const complex<T> v = u[q[k] * windows + w];
          const L vr(v.real()), vi(v.imag());
          re[k] = lanes::fma(vr, ar, lanes::fma(vi, ai, re[k]));
          im[k] = lanes::fma(vr, ai, im[k]) - vi * ar;
        }
      }
      for (int k = 0; k < 4; ++k) {
        lanes::store(out + q[k] * 2 * stride + s, L(factor[k]) * re[k]);
        lanes::store(out + (q[k] * 2 + 1) * stride + s, L(factor[k]) * im[k]);
      }
    }
  }
};

/// Images of kernel q on the grid, as [packet of grid points][q][coil][re, im][lane].
template <class T, class L>
struct kernel_images_kernel {
  static constexpr const char* name = "cardiomm::mri::espirit_images";
  using lanes = lane_traits<L>;
  const T* planes;  ///< kernels
  const T* phase;   ///< (position, re/im, grid point), rows padded
  T* images;
  espirit_sizes n;
  index_t stride, kernels, packets;
  KOKKOS_INLINE_FUNCTION void operator()(index_t q, index_t, index_t) const {
    const index_t area = n.ky * n.kx, points = packets * lanes::width;
    const T *er = planes + q * 2 * stride, *ei = er + stride;
    for (index_t c = 0; c < n.coils; ++c)
      for (index_t f = 0; f < packets; ++f) {
        L re(T(0)), im(T(0));
        for (index_t p = 0; p < area; ++p) {
          const L fr = lanes::load(phase + p * 2 * points + f * lanes::width);
          const L fi = lanes::load(phase + (p * 2 + 1) * points + f * lanes::width);
          const L vr(er[c * area + p]), vi(ei[c * area + p]);
          re = lanes::fma(vr, fr, re) - vi * fi;
          im = lanes::fma(vr, fi, lanes::fma(vi, fr, im));
        }
        T* out = images + ((f * kernels + q) * n.coils + c) * 2 * lanes::width;
        lanes::store(out, re);
        lanes::store(out + lanes::width, im);
      }
  }
};

/// Gram matrices on the grid, task = (packet of grid points, coil c), pairs (c, d <= c):
/// out[fy][re, im][pair][fx].
template <class T, class L>
struct image_gram_kernel {
  static constexpr const char* name = "cardiomm::mri::espirit_image_gram";
  using lanes = lane_traits<L>;
  const T* images;
  T* out;
  espirit_sizes n;
  index_t kernels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t task, index_t, index_t) const {
    constexpr index_t W = lanes::width;
    const index_t f = task / n.coils, c = task - f * n.coils, gx = 2 * n.kx - 1;
    const T scale = T(1) / T(n.ky * n.kx);
    for (index_t d = 0; d <= c; ++d) {
      L re(T(0)), im(T(0));
      for (index_t q = 0; q < kernels; ++q) {
        const T* x = images + ((f * kernels + q) * n.coils + c) * 2 * W;
        const T* y = images + ((f * kernels + q) * n.coils + d) * 2 * W;
        const L xr = lanes::load(x), xi = lanes::load(x + W);
        const L yr = lanes::load(y), yi = lanes::load(y + W);
        re = lanes::fma(xr, yr, lanes::fma(xi, yi, re));
        im = lanes::fma(xi, yr, im) - xr * yi;
      }
      T r[W], m[W];
      lanes::store(r, re);
      lanes::store(m, im);
      const index_t pair = c * (c + 1) / 2 + d;
      for (index_t l = 0; l < W; ++l) {
        const index_t point = f * W + l;
        if (point >= n.grid()) break;
        const index_t fy = point / gx, fx = point - fy * gx;
        out[((fy * 2) * n.pairs() + pair) * gx + fx] = r[l] * scale;
        out[((fy * 2 + 1) * n.pairs() + pair) * gx + fx] = c == d ? T(0) : m[l] * scale;
      }
    }
  }
};

/// What a slice's calibration yields.
template <class T>
struct espirit_slice {
  host_tensor<T, 4> grid;           ///< (2 ky - 1, re/im, pair, 2 kx - 1)
  host_tensor<complex<T>, 1> coil;  ///< first singular vector of the coils, last entry positive
  index_t kernels;                  ///< signal kernels found
};

/// First left singular vector of the calibration data (coil x samples), the phase reference. As in
/// BART its last entry is made real and positive.
template <class T>
host_tensor<complex<T>, 1> first_coil(const complex<T>* data, index_t coils, index_t samples,
                                      double scale) {
  const host_space host;
  const auto gram = make_tensor<complex<double>>(host, shape{index_t(1), coils, coils});
  for (index_t i = 0; i < coils; ++i)
    for (index_t j = 0; j <= i; ++j) {
      double re = 0, im = 0;
      const complex<T>*a = data + i * samples, *b = data + j * samples;
      for (index_t s = 0; s < samples; ++s) {
        const double ar = a[s].real() * scale, ai = a[s].imag() * scale;
        const double br = b[s].real() * scale, bi = b[s].imag() * scale;
        re += ar * br + ai * bi;
        im += ai * br - ar * bi;
      }
      gram(0, i, j) = complex<double>(re, i == j ? 0 : im);
      gram(0, j, i) = complex<double>(re, i == j ? 0 : -im);
    }
  const auto w = make_tensor<double>(host, shape{index_t(1), coils});
  la::hermitian_eigen(host, gram, w);
  const auto v = make_tensor<complex<T>>(host, shape{coils});
  index_t pivot = coils - 1;  // an entry of rounding errors has no phase
  while (pivot > 0 && abs2(gram(0, coils - 1, pivot)) < 1e-20) --pivot;
  const complex<double> p = gram(0, coils - 1, pivot);
  const double size = std::sqrt(abs2(p));
  for (index_t c = 0; c < coils; ++c) {
    const auto e = mul(gram(0, coils - 1, c), complex<double>(p.real() / size, -p.imag() / size));
    v(c) = complex<T>(T(e.real()), T(e.imag()));
  }
  return v;
}

/// exp(2 pi i (py uy + px ux)) of kernel positions at grid points, (position, re/im, point).
template <class T>
std::vector<T> kernel_phases(const espirit_sizes& n, index_t points) {
  const index_t gy = 2 * n.ky - 1, gx = 2 * n.kx - 1;
  std::vector<T> table(static_cast<std::size_t>(n.ky * n.kx * 2 * points), T(0));
  for (index_t p = 0; p < n.ky * n.kx; ++p)
    for (index_t f = 0; f < gy * gx; ++f) {
      const double turn =
          double(p / n.kx * (f / gx)) / double(gy) + double(p % n.kx * (f % gx)) / double(gx);
      const double angle = 2 * M_PI * (turn - std::floor(turn));
      table[static_cast<std::size_t>(p * 2 * points + f)] = T(std::cos(angle));
      table[static_cast<std::size_t>((p * 2 + 1) * points + f)] = T(std::sin(angle));
    }
  return table;
}

/// Calibration of one slice. `threshold` is relative to the largest singular value.
template <class T>
espirit_slice<T> espirit_calibrate(const complex<T>* data, const espirit_sizes& n,
                                   double threshold) {
  const host_space host;
  using L = lane<T, host_space>;
  constexpr index_t W = lane_width<T, host_space>;
  const auto padded = [](index_t m) { return (m + W - 1) / W * W; };
  const auto take = [&](index_t count) { return make_tensor<T>(host, shape{count}); };

  const double top = la::detail::largest(data, n.coils * n.by * n.bx);
  require(top > 0, "ESPIRiT: expected calibration data with signal, found zeros only");
  // Powers of two leave the digits as they are. Squares of very large or small data would leave
  // the range of float.
  const double scale = std::ldexp(1.0, -std::ilogb(top));

  const bool by_window = n.windows() < n.columns();
  const index_t rows = by_window ? n.windows() : n.columns();
  const index_t cols = by_window ? n.columns() : n.windows();
  const index_t stride = padded(cols);
  const auto matrix = take(rows * 2 * stride);
  launch::rows(host, rows, 1,
               hankel_kernel<T>{data, matrix.data(), n, cols, stride, T(scale), by_window});
  const auto vectors = make_tensor<complex<T>>(host, shape{index_t(1), rows, rows});
  launch::rows(host, ((rows + 1) / 2 + 1) / 2, 1,
               outer_kernel<T, L>{matrix.data(), vectors.data(), rows, stride});
  const auto square = make_tensor<T>(host, shape{index_t(1), rows});
  const auto found = make_tensor<index_t>(host, shape{index_t(1)});
  // Eigenvalues below the rounding errors of the Gram matrix are not told from zero.
  const double relative = std::max(threshold * threshold, 10 * la::detail::epsilon<T>);
  la::hermitian_leading(host, vectors, square, found, relative);
  const index_t kernels = found(0), skip = rows - kernels;

  const index_t kernel_stride = padded(n.columns());
  const auto kernel_planes = take(kernels * 2 * kernel_stride);
  const complex<T>* u = vectors.data() + skip * rows;
  if (by_window) {
    launch::rows(host, (kernels + 3) / 4, 1,
                 right_vectors_kernel<T, L>{matrix.data(), u, square.data() + skip,
                                            kernel_planes.data(), rows, stride, kernels});
  } else {
    for (index_t q = 0; q < kernels; ++q)
      for (index_t i = 0; i < rows; ++i) {
        kernel_planes(q * 2 * kernel_stride + i) = u[q * rows + i].real();
        kernel_planes((q * 2 + 1) * kernel_stride + i) = u[q * rows + i].imag();
      }
  }

  const index_t packets = padded(n.grid()) / W;
  const std::vector<T> phase = kernel_phases<T>(n, packets * W);
  const auto images = take(packets * kernels * n.coils * 2 * W);
  launch::rows(host, kernels, 1,
               kernel_images_kernel<T, L>{kernel_planes.data(), phase.data(), images.data(), n,
                                          kernel_stride, kernels, packets});
  espirit_slice<T> result;
  result.kernels = kernels;
  result.grid = make_tensor<T>(host, shape{2 * n.ky - 1, index_t(2), n.pairs(), 2 * n.kx - 1},
                               "cardiomm::espirit_grid");
  launch::rows(host, packets * n.coils, 1,
               image_gram_kernel<T, L>{images.data(), result.grid.data(), n, kernels});
  host.fence();
  result.coil = first_coil(data, n.coils, n.by * n.bx, scale);
  return result;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri::detail

#endif
