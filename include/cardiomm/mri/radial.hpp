// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_RADIAL_HPP
#define CARDIOMM_MRI_RADIAL_HPP
/// \file
/// Reconstructions from radial, spiral or any other samples of k-space: gridding, coil maps from
/// the centre of k-space, and SENSE with total variation in time (Feng et al., Magn Reson Med 72,
/// 2014: golden-angle radial sparse parallel MRI).
///
/// Samples are (frame, slice, coil, spoke, sample), trajectories (frame or 1, spoke, sample, (kx,
/// ky)) on the host in cycles per field of view of the image; see linop/nufft.hpp.

#include "cardiomm/linop/difference.hpp"
#include "cardiomm/linop/nufft.hpp"
#include "cardiomm/mri/algorithm.hpp"
#include "cardiomm/mri/calibrate.hpp"
#include "cardiomm/mri/density.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "cardiomm/prox/l1.hpp"
#include "cardiomm/prox/total_variation.hpp"
#include "cardiomm/solve/admm.hpp"
#include "cardiomm/solve/fista.hpp"
#include "cardiomm/solve/pdhg.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// What `radial` penalises.
enum class radial_penalty {
  time,   ///< lambda sum |x_t - x_(t-1)|
  space,  ///< lambda sum sqrt(|x - x_up|^2 + |x - x_left|^2)
  square  ///< lambda / 2 |x|^2, as `sense`
};
struct radial_options {
  double lambda = 0.01;  ///< in units of k-space; maps of unit norm
  int iterations = 30;
  double tolerance = 0;  ///< as that of the solver; 0 never
  double ridge = 0;      ///< weight of 1/2 |x|^2 beside the variation: holds what neither samples
                         ///< nor variation determine, such as the corners of k-space
  radial_penalty penalty = radial_penalty::time;
  algorithm solver = algorithm::admm;
  bool periodic = true;        ///< the first frame follows the last
  int inner_iterations = 5;    ///< of conjugate gradients in ADMM
  double nufft_tolerance = 0;  ///< see linop::nufft_options
  int check_every = 5;
  solve::monitor monitor{};
};

namespace detail {

/// The trajectory in double, checked against samples.
template <TensorView K, TensorView Tr>
host_tensor<double, 4> checked_trajectory(const char* who, const K& kspace, const Tr& trajectory) {
  static_assert(rank_of<K> == 5 && is_complex<element_of<K>>,
                "cardiomm: samples are complex, (frame, slice, coil, spoke, sample)");
  static_assert(rank_of<Tr> == 4 && std::is_floating_point_v<element_of<Tr>>,
                "cardiomm: a trajectory is real, (frame or 1, spoke, sample, 2)");
  const shape<5> k = shape_of(kspace);
  const shape<4> t = shape_of(trajectory);
  require<shape_error>(k.size() > 0, who, ": k-space: expected samples, found shape ", k);
  require<shape_error>((t[0] == 1 || t[0] == k[0]) && t[1] == k[3] && t[2] == k[4] && t[3] == 2,
                       who, ": trajectory: expected (frame or 1, spoke, sample, 2) = ",
                       shape{k[0], k[3], k[4], index_t(2)}, ", found ", t);
  const auto given = to_host(trajectory);
  auto out = make_tensor<double>(host_space(), t, "cardiomm::trajectory");
  std::copy_n(given.data(), given.size(), out.data());
  return out;
}

/// Weights (frame or 1, spoke, sample): in closed form for spokes, else by iteration.
template <class T, ExecutionSpace Ex>
host_tensor<double, 3> density_of(const Ex& ex, const host_tensor<double, 4>& trajectory,
                                  const shape<2>& image) {
  try {
    return radial_density(trajectory);
  } catch (const value_error&) {
    const auto w = to_host(pipe_menon<T>(ex, trajectory, image));
    auto out = make_tensor<double>(host_space(), shape_of(w));
    std::copy_n(w.data(), w.size(), out.data());
    return out;
  }
}

/// Samples of all frames within a square of `side` cycles about the centre, as one frame of one
/// spoke: positions (1, 1, n, 2) and data (1, slice, coil, 1, n).
template <class C>
struct centre_samples {
  host_tensor<double, 4> trajectory;
  host_tensor<C, 5> data;
};
template <TensorView K>
auto take_samples(const K& kspace, const host_tensor<double, 4>& trajectory, double side) {
  using C = element_of<K>;
  const shape<5> k = shape_of(kspace);
  const shape<4> t = shape_of(trajectory);
  const auto all = to_host(kspace);
  const index_t per_frame = k[3] * k[4], planes = k[1] * k[2];
  const index_t repeats = t[0] == 1 ? k[0] : 1;  // frames of one trajectory are averaged
  std::vector<index_t> found;
  for (index_t i = 0; i < t[0] * per_frame; ++i) {
    const double* at = trajectory.data() + 2 * i;
    if (std::fabs(at[0]) < side / 2 && std::fabs(at[1]) < side / 2) found.push_back(i);
  }
  require(!found.empty(), "radial: trajectory: expected samples within ", side / 2,
          " cycles per field of view of the centre, found none");
  const index_t n = static_cast<index_t>(found.size());
  centre_samples<C> out{
      make_tensor<double>(host_space(), shape{index_t(1), index_t(1), n, index_t(2)}),
      make_tensor<C>(host_space(), shape{index_t(1), k[1], k[2], index_t(1), n})};
  for (index_t j = 0; j < n; ++j) {
    const index_t i = found[static_cast<std::size_t>(j)], f = i / per_frame, m = i % per_frame;
    out.trajectory.data()[2 * j] = trajectory.data()[2 * i];
    out.trajectory.data()[2 * j + 1] = trajectory.data()[2 * i + 1];
    for (index_t p = 0; p < planes; ++p) {
      complex<double> sum(0);
      for (index_t r = 0; r < repeats; ++r)
        sum += complex<double>(all.data()[((f + r) * planes + p) * per_frame + m]);
      out.data.data()[p * n + j] = C(sum / double(repeats));
    }
  }
  return out;
}

}  // namespace detail

/// Coil images of density-compensated gridding, (frame, slice, coil, y, x), in the units of the
/// inverse transform of Cartesian k-space.
template <ExecutionSpace Ex, TensorView K, TensorView Tr>
auto gridded(const Ex& ex, const K& kspace, const Tr& trajectory, const shape<2>& image) {
  using C = element_of<K>;
  using T = real_of<C>;
  const auto k = detail::checked_trajectory("gridded", kspace, trajectory);
  const auto density = detail::density_of<T>(ex, k, image);
  const shape<3> d = shape_of(density);
  auto w = make_tensor<T>(host_space(), shape{d[0], index_t(1), index_t(1), d[1], d[2]});
  for (std::size_t i = 0; i < w.size(); ++i) w.data()[i] = T(density.data()[i]);
  const linop::diagonal<T, 5, Ex> weights(to_space(ex, w));
  const shape<5> s = shape_of(kspace);
  auto out = make_tensor<C>(ex, shape{s[0], s[1], s[2], image[0], image[1]}, "cardiomm::gridded");
  linop::apply_adjoint(ex, weights * linop::nufft<T, Ex>(k, image), kspace, out);
  ex.fence();
  return out;
}

/// ESPIRiT maps (set, slice, coil, y, x) of `image` from the centre of k-space, all frames
/// together: the coils' low-resolution images are found by conjugate gradients, and their Cartesian
/// k-space calibrates. `options.calib` is the extent of that block (24 if negative).
template <ExecutionSpace Ex, TensorView K, TensorView Tr>
auto radial_maps(const Ex& ex, const K& kspace, const Tr& trajectory, const shape<2>& image,
                 espirit_options options = {}) {
  using C = element_of<K>;
  using T = real_of<C>;
  const profile_region region("cardiomm::mri::radial_maps");
  const auto k = detail::checked_trajectory("radial_maps", kspace, trajectory);
  const index_t calib = options.calib < 0 ? default_calib : options.calib;
  // A margin: the outer frequencies of the fit also carry what no frequency of it can.
  const index_t side = calib + 8;
  const auto centre = detail::take_samples(kspace, k, double(side));
  const shape<5> s = shape_of(kspace);
  const linop::nufft<T, Ex> a(centre.trajectory, shape{side, side});
  const auto low = zeros<C>(ex, shape{index_t(1), s[1], s[2], side, side}, "cardiomm::centre");
  auto right = make_tensor<C>(ex, shape_of(low));
  linop::apply_adjoint(ex, a, to_space(ex, centre.data), right);
  const auto normal = linop::gram(a);
  const double most = linop::largest_eigenvalue(
      ex, normal, shape{index_t(1), index_t(1), index_t(1), side, side}, {10, 1, 1e-2});
  solve::cg_options c;
  c.iterations = 30;
  c.batch_axes = 3;
  c.zero_start = true;
  solve::cg_in_place(ex, normal + 1e-4 * most * linop::identity, right, low, c);
  linop::apply(ex, linop::fourier_op<T, 5, Ex>(), low, low);
  ex.fence();
  const auto found = to_host(low);
  const index_t by = std::min(calib, image[0]), bx = std::min(calib, image[1]);
  auto block = make_tensor<C>(host_space(), shape{s[1], s[2], by, bx}, "cardiomm::calibration");
  for (index_t p = 0; p < s[1] * s[2]; ++p)
    for (index_t y = 0; y < by; ++y)
      for (index_t x = 0; x < bx; ++x)
        block.data()[(p * by + y) * bx + x] =
            found.data()[(p * side + y - by / 2 + side / 2) * side + x - bx / 2 + side / 2];
  options.calib = calib;
  return espirit<T>(ex, host_view<const C, 4>(block), image, options);
}

/// Minimises 1/2 |A x - y|^2 + lambda R(x) over the image series x, A = nufft * maps, R total
/// variation in time (or another, see options).
///
/// \param kspace      (frame, slice, coil, spoke, sample)
/// \param trajectory  real, (frame or 1, spoke, sample, (kx, ky)), cycles per field of view
/// \param maps        (set, slice or 1, coil, y, x), unitless
/// \return image (set, frame, slice, y, x) in units of k-space, as `sense`
/// Throws shape_error and value_error for arguments that do not fit each other.
template <ExecutionSpace Ex, TensorView K, TensorView Tr, TensorView M>
auto radial(const Ex& ex, const K& kspace, const Tr& trajectory, const M& maps,
            const radial_options& options = {}) {
  using C = element_of<K>;
  using T = real_of<C>;
  const profile_region region("cardiomm::mri::radial");
  const auto& o = options;
  const auto k = detail::checked_trajectory("radial", kspace, trajectory);
  const shape<5> s = shape_of(kspace), m = shape_of(maps);
  require<shape_error>((m[1] == 1 || m[1] == s[1]) && m[2] == s[2],
                       "radial: maps: expected (set, slice or 1, coil, y, x) with ", s[1],
                       " slices and ", s[2], " coils, found ", m);
  require(std::isfinite(o.lambda) && o.lambda >= 0, "radial: lambda: expected at least 0, found ",
          o.lambda);
  require(std::isfinite(o.ridge) && o.ridge >= 0, "radial: ridge: expected at least 0, found ",
          o.ridge);
  const linop::nufft<T, Ex> transform(k, shape{m[3], m[4]}, {o.nufft_tolerance, 2});
  const auto a = transform * linop::soft_sensitivity<T, Ex>(maps);
  const shape<5> image{{m[0], s[0], s[1], m[3], m[4]}};
  sense_result<C, Ex> out;
  out.image = zeros<C>(ex, image, "cardiomm::radial");
  const auto& x = out.image;
  auto b = make_tensor<C>(ex, image, "cardiomm::radial");
  linop::apply_adjoint(ex, a, kspace, b);
  const auto normal = linop::gram(a) + o.ridge * linop::identity;
  if (o.penalty == radial_penalty::square) {
    solve::cg_options c;
    c.iterations = o.iterations;
    c.tolerance = o.tolerance;
    c.zero_start = true;
    c.check_every = o.check_every;
    c.monitor = o.monitor;
    out.report = solve::cg_in_place(ex, normal + o.lambda * linop::identity, b, x, c);
    ex.fence();
    return out;
  }
  // Spokes meet in the centre: N is far from the identity, and steps are relative to its norm.
  const double most = 1.03 * linop::largest_eigenvalue(ex, normal, image, {20, 1, 1e-3});
  const auto solve_with = [&](const auto& variation) {
    if (o.solver == algorithm::fista)
      return solve::fista(ex, normal, variation, b, x,
                          {.iterations = o.iterations,
                           .tolerance = o.tolerance,
                           .step = most > 0 ? 1 / most : 1,
                           .check_every = o.check_every,
                           .monitor = o.monitor});
    return solve::admm(ex, normal, b, x,
                       {.iterations = o.iterations,
                        .tolerance = o.tolerance,
                        .rho = most > 0 ? 0.06 * most : 1,
                        .balance = false,
                        .inner = o.inner_iterations,
                        .check_every = o.check_every,
                        .monitor = o.monitor},
                       solve::term(variation));
  };
  const prox::total_variation_options inner{
      .periodic = o.periodic, .iterations = 10, .tolerance = 0, .warm = true};
  if (o.solver == algorithm::pdhg) {
    require(o.penalty == radial_penalty::time,
            "radial: the primal-dual solver is for variation in time");
    const linop::difference<T, Ex, 5> steps(linop::axis::frame,
                                            o.periodic ? linop::ends::periodic : linop::ends::free);
    out.report = solve::pdhg(ex, normal, b, x,
                             {.iterations = o.iterations,
                              .tolerance = o.tolerance,
                              .smoothness = most,
                              .norm = 4,
                              .check_every = o.check_every,
                              .monitor = o.monitor},
                             solve::term(prox::l1<T, 5, Ex>(o.lambda), steps));
  } else if (o.penalty == radial_penalty::time) {
    out.report = solve_with(prox::total_variation_in_time<T, Ex, 5>(o.lambda, image, inner));
  } else {
    out.report = solve_with(prox::total_variation_in_space<T, Ex, 5>(o.lambda, image, inner));
  }
  ex.fence();
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
