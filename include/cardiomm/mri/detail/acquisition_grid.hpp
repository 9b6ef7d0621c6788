// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_ACQUISITION_GRID_HPP
#define CARDIOMM_MRI_DETAIL_ACQUISITION_GRID_HPP
/// \file
/// Help for mri/acquisitions.hpp: grids among positions, and cropping in image space.

#include <algorithm>
#include <cmath>
#include <vector>

#include "cardiomm/fft/transform.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri::detail {

/// The lattice of positions along one axis: step and offset, or a step of zero where there is none.
struct lattice {
  double step = 0, offset = 0;
  index_t low = 0, high = 0;
};
inline lattice lattice_of(std::vector<double> k, index_t most) {
  std::sort(k.begin(), k.end());
  const double range = k.back() - k.front();
  if (!(range > 0)) return {};
  double step = range;
  for (std::size_t i = 1; i < k.size(); ++i)
    if (k[i] - k[i - 1] > 1e-4 * range) step = std::min(step, k[i] - k[i - 1]);
  const double steps = std::round(range / step);
  if (steps > double(most)) return {};
  step = range / steps;
  const double first = k.front() / step, offset = first - std::round(first);
  lattice l{step, std::abs(offset) < 0.02 ? 0 : offset, 0, 0};
  for (const double v : k) {
    const double at = v / step - l.offset;
    if (std::abs(at - std::round(at)) > 0.05) return {};
    l.low = std::min(l.low, index_t(std::round(at)));
    l.high = std::max(l.high, index_t(std::round(at)));
  }
  return l;
}

/// A centred crop of an axis in image space, on the host: the axis `d` of k-space to m points.
inline host_tensor<complex<float>, 5> crop_in_image(const host_tensor<complex<float>, 5>& kspace,
                                                    int d, index_t m) {
  using C = complex<float>;
  const shape<5> s = shape_of(kspace);
  shape<5> one = s, part = s, whole = s;
  one[0] = part[0] = 1;
  part[d] = whole[d] = m;
  const host_space ex;
  auto out = make_tensor<C>(ex, whole, "cardiomm::kspace");
  const auto buffer = make_tensor<C>(ex, one);
  const index_t first = s[d] / 2 - m / 2;
  index_t inner = 1;
  for (int e = d + 1; e < 5; ++e) inner *= s[e];
  const index_t outer = one.size() / (s[d] * inner);
  for (index_t f = 0; f < s[0]; ++f) {
    const auto from = borrow(ex, kspace.data() + f * one.size(), one);
    const auto to = borrow(ex, out.data() + f * part.size(), part);
    fft::ifft(ex, from, buffer, {d});
    ex.fence();
    for (index_t o = 0; o < outer; ++o)
      std::copy_n(buffer.data() + (o * s[d] + first) * inner, m * inner, to.data() + o * m * inner);
    fft::fft(ex, to, to, {d});
    ex.fence();
  }
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri::detail

#endif
