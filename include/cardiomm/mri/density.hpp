// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DENSITY_HPP
#define CARDIOMM_MRI_DENSITY_HPP
/// \file
/// Density compensation: weights (frame or 1, spoke, sample) that make A^H W y an image in the
/// units of the inverse transform of full Cartesian k-space. A weight is the area of k-space that
/// its sample stands for, in squares of one cycle per field of view.

#include <algorithm>
#include <cmath>
#include <vector>

#include "cardiomm/linop/nufft.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Weights of straight spokes through the centre (or from it) in closed form: samples share the
/// length of their spoke, spokes share the circle by the angles between neighbours, so that golden
/// angles are right too. Uniform spokes get the ramp |k| step pi / spokes.
///
/// \param trajectory  (frame, spoke, sample, (kx, ky)), cycles per field of view, host
/// Throws value_error for curved spokes, and for those that miss the centre by more than half of
/// the distance of their samples.
inline host_tensor<double, 3> radial_density(const host_tensor<double, 4>& trajectory) {
  const shape<4> s = shape_of(trajectory);
  require<shape_error>(s[3] == 2 && s[2] > 1 && s[0] * s[1] > 0,
                       "density: trajectory: expected (frame, spoke, sample, 2) with at least 2 "
                       "samples, found ",
                       s);
  struct ray {
    double angle;
    index_t spoke;
    bool back;
  };
  auto weights = make_tensor<double>(host_space(), shape{s[0], s[1], s[2]}, "cardiomm::density");
  std::vector<double> radius(static_cast<std::size_t>(s[1] * s[2]));
  std::vector<ray> rays;
  std::vector<std::pair<index_t, double>> order(static_cast<std::size_t>(s[2]));
  for (index_t f = 0; f < s[0]; ++f) {
    rays.clear();
    for (index_t p = 0; p < s[1]; ++p) {
      const double* k = trajectory.data() + (f * s[1] + p) * s[2] * 2;
      const double dx = k[2 * (s[2] - 1)] - k[0], dy = k[2 * (s[2] - 1) + 1] - k[1];
      const double length = std::hypot(dx, dy);
      require(std::isfinite(length) && length > 0,
              "density: trajectory: expected spokes of positive length, found ", length,
              " at frame ", f, ", spoke ", p);
      const double ux = dx / length, uy = dy / length;
      bool ahead = false, behind = false;
      for (index_t i = 0; i < s[2]; ++i) {
        const double r = k[2 * i] * ux + k[2 * i + 1] * uy;
        const double beside = std::fabs(k[2 * i + 1] * ux - k[2 * i] * uy);
        require(beside <= 0.5 * length / double(s[2] - 1),
                "density: expected straight spokes through the centre, found one that passes it at "
                "distance ",
                beside, " at frame ", f, ", spoke ", p, "; use pipe_menon");
        radius[static_cast<std::size_t>(p * s[2] + i)] = r;
        ahead = ahead || r > 0.75 * length / double(s[2] - 1);
        behind = behind || r < -0.75 * length / double(s[2] - 1);
      }
      if (ahead) rays.push_back({std::atan2(uy, ux), p, false});
      if (behind) rays.push_back({std::atan2(-uy, -ux), p, true});
    }
    std::sort(rays.begin(), rays.end(),
              [](const ray& a, const ray& b) { return a.angle < b.angle; });
    std::vector<double> share[2];
    for (auto& side : share) side.assign(static_cast<std::size_t>(s[1]), 0);
    const std::size_t n = rays.size();
    for (std::size_t i = 0; i < n; ++i) {
      double before = rays[i].angle - rays[(i + n - 1) % n].angle,
             after = rays[(i + 1) % n].angle - rays[i].angle;
      if (i == 0) before += 2 * M_PI;
      if (i + 1 == n) after += 2 * M_PI;
      share[rays[i].back][static_cast<std::size_t>(rays[i].spoke)] = (before + after) / 2;
    }
    for (index_t p = 0; p < s[1]; ++p) {
      for (index_t i = 0; i < s[2]; ++i)
        order[static_cast<std::size_t>(i)] = {i, radius[static_cast<std::size_t>(p * s[2] + i)]};
      std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
        return a.second < b.second || (a.second == b.second && a.first < b.first);
      });
      const auto at = [&](index_t i) { return order[static_cast<std::size_t>(i)].second; };
      const double ahead = share[0][static_cast<std::size_t>(p)],
                   behind = share[1][static_cast<std::size_t>(p)];
      // A cell ends halfway to its neighbours; at the ends it is as long outwards as inwards, but
      // spokes that begin at the centre do not reach back.
      for (index_t i = 0; i < s[2]; ++i) {
        double low = i > 0 ? (at(i - 1) + at(i)) / 2 : at(0) - (at(1) - at(0)) / 2;
        double high = i + 1 < s[2] ? (at(i) + at(i + 1)) / 2
                                   : at(s[2] - 1) + (at(s[2] - 1) - at(s[2] - 2)) / 2;
        if (ahead == 0) high = std::min(high, 0.0);
        if (behind == 0) low = std::max(low, 0.0);
        const auto half = [](double from, double to) { return (to * to - from * from) / 2; };
        double area = 0;
        if (high > 0) area += ahead * half(std::max(low, 0.0), high);
        if (low < 0) area += behind * half(std::max(-high, 0.0), -low);
        weights(f, p, order[static_cast<std::size_t>(i)].first) = area;
      }
    }
  }
  return weights;
}

namespace detail {
template <class C>
struct pipe_menon_kernel {
  static constexpr const char* name = "cardiomm::mri::pipe_menon";
  C* w;
  const C* spread;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const auto size = math::sqrt(abs2(spread[i]));
      w[i] = C(size > 0 ? w[i].real() / size : real_of<C>(0));
    }
  }
};
/// The overlap of the field of view with itself shifted, a triangle along both axes.
template <class C>
struct overlap_kernel {
  static constexpr const char* name = "cardiomm::mri::overlap";
  C* image;       ///< (frame, y, x) of twice the field of view
  shape<2> wide;  ///< its pixels
  double scale;
  KOKKOS_INLINE_FUNCTION static double triangle(index_t i, index_t n) {
    const double d = double(i - n / 2) / (double(n) / 2);
    return d < 0 ? 1 + d : 1 - d;
  }
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const double y = scale * triangle(row % wide[0], wide[0]);
    for (index_t i = first; i < last; ++i) {
      C& v = image[row * wide[1] + i];
      v = v * real_of<C>(y * triangle(i, wide[1]));
    }
  }
};
template <class C>
struct real_part_kernel {
  static constexpr const char* name = "cardiomm::mri::real_part";
  const C* in;
  real_of<C>* out;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) out[i] = in[i].real();
  }
};
}  // namespace detail

/// Weights of any trajectory by the iteration w = w / (w * kernel) (Pipe and Menon, Magn Reson Med
/// 41, 1999) with the kernel of Johnson and Pipe (Magn Reson Med 61, 2009), the squared transform
/// of the field of view: positive, and 0 at the other points of a Cartesian grid, whose weights are
/// therefore 1. A converged result has sum over m' of w(m') kernel(m - m') = 1 at all samples m.
///
/// \param trajectory  (frame or 1, spoke, sample, (kx, ky)), cycles per field of view
/// \param image       extents (y, x) of images
/// \return (frame or 1, spoke, sample) in the memory of Ex
template <class T, ExecutionSpace Ex>
tensor<T, 3, Ex> pipe_menon(const Ex& ex, const host_tensor<double, 4>& trajectory,
                            const shape<2>& image, int iterations = 30) {
  using C = complex<T>;
  require(iterations > 0, "pipe_menon: iterations: expected a positive number, found ", iterations);
  auto k = clone(host_space(), trajectory);
  double most = 0;
  for (std::size_t i = 0; i < k.size(); ++i) {
    most = std::max(most, std::fabs(k.data()[i]));
    k.data()[i] *= 2;
  }
  // Pixels so fine that the edges of k-space are not neighbours.
  shape<2> wide{};
  for (int d = 0; d < 2; ++d)
    wide[d] = 2 * std::max(image[d], static_cast<index_t>(std::ceil(2 * most))) + 32;
  const linop::nufft<T, Ex> a(k, wide, {1e-4, 2});
  const shape<4> s = shape_of(k);
  const auto w = make_tensor<C>(ex, shape{s[0], index_t(1), index_t(1), s[1], s[2]});
  const auto spread = make_tensor<C>(ex, shape_of(w));
  const auto x = make_tensor<C>(ex, shape{s[0], index_t(1), index_t(1), wide[0], wide[1]});
  Kokkos::deep_copy(ex, w, C(1));
  const index_t count = static_cast<index_t>(w.size());
  for (int i = 0; i < iterations; ++i) {
    linop::apply_adjoint(ex, a, w, x);
    launch::rows(ex, s[0] * wide[0], wide[1], detail::overlap_kernel<C>{x.data(), wide, 4.0});
    linop::apply(ex, a, x, spread);
    launch::segments(ex, count, detail::pipe_menon_kernel<C>{w.data(), spread.data()});
  }
  auto out = make_tensor<T>(ex, shape{s[0], s[1], s[2]}, "cardiomm::density");
  launch::segments(ex, count, detail::real_part_kernel<C>{w.data(), out.data()});
  ex.fence();
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
