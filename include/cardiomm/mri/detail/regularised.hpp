// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_REGULARISED_HPP
#define CARDIOMM_MRI_DETAIL_REGULARISED_HPP
/// \file
/// What recipes with a regulariser share: checks, the encoding that fits the mask, A^H y and a step
/// that suits the maps. Images are (set, frame, slice, y, x), also for one set of maps, so that one
/// instantiation serves both.

#include <cmath>

#include "cardiomm/linop/any.hpp"
#include "cardiomm/mri/reconstruct.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri::detail {

/// bounds[y] = largest sum of squares of the maps (set, slice, coil, y, x) in a row of pixels
template <class C>
struct map_gain_kernel {
  static constexpr const char* name = "cardiomm::mri::map_gain";
  const C* maps;
  double* bounds;
  shape<5> m;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t row = first; row < last; ++row) {
      const index_t slice = row / m[3], y = row % m[3];
      double most = 0;
      for (index_t x = 0; x < m[4]; ++x) {
        double sum = 0;
        for (index_t s = 0; s < m[0]; ++s)
          for (index_t c = 0; c < m[2]; ++c)
            sum += double(abs2(maps[(((s * m[1] + slice) * m[2] + c) * m[3] + y) * m[4] + x]));
        most = sum > most ? sum : most;
      }
      bounds[row] = most;
    }
  }
};

/// An upper bound of the largest eigenvalue of A^H A for sampling by 0 and 1 and orthonormal
/// transforms: the largest sum over sets and coils of |map|^2. Exact where all is sampled.
template <ExecutionSpace Ex, TensorView M>
double largest_gain(const Ex& ex, const M& maps) {
  const shape<5> m = shape_of(maps);
  auto bounds = make_tensor<double>(ex, shape{m[1] * m[3]}, "cardiomm::mri::gain");
  launch::segments(ex, m[1] * m[3], map_gain_kernel<element_of<M>>{maps.data(), bounds.data(), m});
  ex.fence();
  const auto host = to_host(bounds);
  return *std::max_element(host.data(), host.data() + host.size());
}

/// Calls report = solve(gram(A), b = A^H y, image, step) with an image of zeros to start from, and
/// returns both. The type of A is erased, so that a solver is compiled once for all encodings.
template <ExecutionSpace Ex, TensorView K, TensorView M, class F>
auto regularised(const Ex& ex, const char* name, const K& kspace,
                 const host_tensor<std::uint8_t, 3>& mask, const M& maps, double lambda,
                 const F& solve) {
  using C = element_of<K>;
  using T = real_of<C>;
  check_encoding(kspace, mask, maps);
  require(std::isfinite(lambda) && lambda >= 0, name, ": lambda: expected at least 0, found ",
          lambda);
  const shape<5> k = shape_of(kspace);
  const shape<5> image{{static_cast<index_t>(maps.extent(0)), k[0], k[1], k[3], k[4]}};
  sense_result<C, Ex> out;
  out.image = zeros<C>(ex, image, name);
  const double gain = largest_gain(ex, maps);
  with_sampling<T, Ex>(mask, [&](const auto& sampling) {
    const auto a = encoding(sampling, linop::soft_sensitivity<T, Ex>(maps));
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto b = scratch.template tensor<C>(image);
    linop::apply_adjoint(ex, a, kspace, b);
    const linop::any_normal<T, 5, Ex> normal = linop::gram(a);
    out.report = solve(normal, b, out.image, gain > 0 ? 1 / gain : 1.0);
  });
  ex.fence();
  return out;
}

/// A gradient step of 0.95 of the longest one after the last threshold, from x on: gives back what
/// the threshold took from the measured data, and is what BART 0.8 returns (BART 1.0 does not).
template <class N, TensorView B, TensorView X>
void data_step(const typename N::execution_space& ex, const N& normal, const B& b, const X& x,
               double step) {
  using Ex = typename N::execution_space;
  using C = element_of<X>;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto moved = scratch.template tensor<C>(shape_of(x));
  linop::detail::copy_into(ex, b, moved, linop::accumulation<C>{});
  linop::apply(ex, normal, x, moved, {C(-1), true});
  blas1::axpby(ex, C(real_of<C>(0.95 * step)), moved, C(1), x);
}

/// Leading axes of an image (set, frame, slice, y, x) that number independent problems where
/// neither the encoding nor the regulariser joins frames: the sets of a frame belong together.
inline int frames_apart(index_t sets) { return sets == 1 ? 3 : 0; }

}  // namespace cardiomm::inline CARDIOMM_ABI::mri::detail

#endif
