// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_COIL_COMPRESS_HPP
#define CARDIOMM_MRI_COIL_COMPRESS_HPP
/// \file
/// Coil compression: fewer virtual coils that keep most of the energy (Buehrer et al. 2007; Huang
/// et al. 2008). The virtual coils are the leading left singular vectors of the data matrix
/// (coil x samples), found from its coil x coil Gram matrix.

#include <vector>

#include "cardiomm/la/channels.hpp"
#include "cardiomm/la/hermitian.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Virtual coils.
template <class T, ExecutionSpace Ex>
struct compression {
  tensor<complex<T>, 2, Ex> matrix;  ///< (virtual coil, coil), orthonormal rows, most energy first
  std::vector<double> energy;        ///< part of the energy in each of *all* virtual coils, sum 1
};

namespace detail {

/// The centre block of every coil image, copied: (frame, slice, coil, y, x) of the block.
template <class C>
struct centre_copy_kernel {
  static constexpr const char* name = "cardiomm::mri::centre_copy";
  const C* from;
  C* to;
  index_t ny, nx, by, bx, y0, x0;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t image = row / by, y = row - image * by;
    const C* p = from + (image * ny + y0 + y) * nx + x0;
    for (index_t x = first; x < last; ++x) to[row * bx + x] = p[x];
  }
};

}  // namespace detail

/// Gram matrices of the coils, one for each frame and slice: (frame * slice, coil, coil) on the
/// host. Their sum, added in this order, is what virtual coils are found from.
template <ExecutionSpace Ex, TensorView K>
host_tensor<complex<double>, 3> coil_grams(const Ex& ex, const K& kspace) {
  static_assert(rank_of<K> == 5, "coil_grams: expected k-space (frame, slice, coil, y, x)");
  const shape<5> n = shape_of(kspace);
  const index_t image = n[2] * n[3] * n[4];
  const auto all =
      make_tensor<complex<double>>(host_space{}, shape{n[0] * n[1], n[2], n[2]}, "cardiomm::gram");
  for (index_t i = 0; i < n[0] * n[1]; ++i) {
    const auto one = borrow(ex, kspace.data() + i * image, shape{index_t(1), n[2], n[3] * n[4]});
    Kokkos::deep_copy(slice(all, i), to_host(la::channel_gram(ex, one)));
  }
  return all;
}

/// Virtual coils from the grams of all frames and slices (frame * slice, coil, coil); see
/// find_compression.
template <class T, ExecutionSpace Ex, TensorView G>
compression<T, Ex> compression_of(const Ex& ex, const G& grams, index_t coils) {
  const shape<3> n{{static_cast<index_t>(grams.extent(0)), static_cast<index_t>(grams.extent(1)),
                    static_cast<index_t>(grams.extent(2))}};
  require(coils >= 1 && coils <= n[2], "coil compression: expected 1 to ", n[2],
          " virtual coils, found ", coils);
  const host_space host;
  const auto v = zeros<complex<double>>(host, shape{n[1], n[2]});
  host.fence();
  for (index_t i = 0; i < n[0]; ++i)
    for (index_t c = 0; c < n[1] * n[2]; ++c) v.data()[c] += grams.data()[i * n[1] * n[2] + c];
  const auto w = make_tensor<double>(host, shape{1, n[2]});
  double total = 0;
  for (index_t c = 0; c < n[2]; ++c) total += v(c, c).real();
  require(total < __builtin_huge_val(),
          "coil compression: expected finite k-space, found NaN or Inf");
  require(total > 0, "coil compression: expected k-space with signal, found zeros only");
  la::hermitian_eigen(host, reshape(v, shape{1, n[2], n[2]}), w);
  const auto m = make_tensor<complex<T>>(host, shape{coils, n[2]});
  compression<T, Ex> result;
  for (index_t p = 0; p < n[2]; ++p) {
    const index_t k = n[2] - 1 - p;  // descending
    result.energy.push_back(w(0, k) > 0 ? w(0, k) / total : 0);
    if (p >= coils) continue;
    index_t top = 0;
    for (index_t c = 1; c < n[2]; ++c)
      if (abs2(v(k, c)) > abs2(v(k, top)) * (1 + 1e-9)) top = c;
    const double size = math::sqrt(abs2(v(k, top)));
    const complex<double> phase(v(k, top).real() / size, v(k, top).imag() / size);
    for (index_t c = 0; c < n[2]; ++c) {
      // G v = w v: the virtual coil is v^H y, and v is free up to a phase.
      const complex<double> e = conj_mul(v(k, c), phase);
      m(p, c) = complex<T>(T(e.real()), T(e.imag()));
    }
  }
  result.matrix = to_space(ex, m);
  return result;
}

/// Finds `coils` virtual coils. Every vector's largest component is made real and positive, so that
/// the result is unique.
///
/// \param kspace  (frame, slice, coil, y, x)  samples that were not acquired are zero
/// \param coils   number of virtual coils, at most that of the data
/// \param calib   0 takes all samples, otherwise the centre block of at most calib x calib
/// Throws value_error for a number of coils outside 1 .. coils, for data of zeros only, NaN or Inf.
template <ExecutionSpace Ex, TensorView K>
auto find_compression(const Ex& ex, const K& kspace, index_t coils, index_t calib = 0)
    -> compression<real_of<element_of<K>>, Ex> {
  static_assert(rank_of<K> == 5, "find_compression: expected k-space (frame, slice, coil, y, x)");
  using C = element_of<K>;
  const shape<5> n = shape_of(kspace);
  require(calib >= 0, "coil compression: calib: expected a number of at least 0, found ", calib);
  if (calib == 0) return compression_of<real_of<C>>(ex, coil_grams(ex, kspace), coils);
  const index_t by = calib < n[3] ? calib : n[3], bx = calib < n[4] ? calib : n[4];
  const auto block = make_tensor<C>(ex, shape{n[0], n[1], n[2], by, bx});
  launch::rows(ex, n[0] * n[1] * n[2] * by, bx,
               detail::centre_copy_kernel<C>{kspace.data(), block.data(), n[3], n[4], by, bx,
                                             n[3] / 2 - by / 2, n[4] / 2 - bx / 2});
  return compression_of<real_of<C>>(ex, coil_grams(ex, block), coils);
}

/// Applies virtual coils to k-space or to coil maps.
///
/// \param matrix  (virtual coil, coil)          from find_compression
/// \param data    (frame, slice, coil, y, x)    k-space, or maps (set, slice, coil, y, x)
/// \return        (frame, slice, virtual coil, y, x)
template <ExecutionSpace Ex, TensorView M, TensorView D>
tensor<element_of<D>, 5, Ex> compress(const Ex& ex, const M& matrix, const D& data) {
  static_assert(rank_of<M> == 2 && rank_of<D> == 5,
                "compress: expected a matrix and data (frame, slice, coil, y, x)");
  const shape<5> n = shape_of(data);
  const auto p = static_cast<index_t>(matrix.extent(0));
  require<shape_error>(static_cast<index_t>(matrix.extent(1)) == n[2], "compress: matrix of ",
                       matrix.extent(1), " coils: expected data of as many, found ", n);
  const auto out = make_tensor<element_of<D>>(ex, shape{n[0], n[1], p, n[3], n[4]});
  la::channel_mix(ex, matrix, reshape(data, shape{n[0] * n[1], n[2], n[3] * n[4]}),
                  reshape(out, shape{n[0] * n[1], p, n[3] * n[4]}));
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
