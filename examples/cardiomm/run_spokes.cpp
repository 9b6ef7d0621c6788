// SPDX-License-Identifier: Apache-2.0
/// \file
/// Raw data and non-Cartesian data of `cardiomm run`.

#include "cardiomm/mri/radial.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "output.hpp"
#include "raw.hpp"
#include "run_steps.hpp"

namespace program {
namespace {

using space = cardiomm::default_space;
using value = complex<float>;
namespace mri = cardiomm::mri;
namespace linop = cardiomm::linop;

/// All samples (frame, slice, coil, spoke, sample) and the trajectory in cycles per field of view.
struct spokes {
  cardiomm::tensor<value, 5, space> data;
  host_tensor<double, 4> trajectory;
  double cycles = 1;  ///< what positions in cycles per pixel were multiplied by
  shape<2> matrix{};
};

spokes read_spokes(const space& ex, const scan_case& s, const std::string& traj) {
  const axes wanted = {axis::frame, axis::slice, axis::coil, axis::y, axis::x};
  const opened file = open_array(s.kspace, role::kspace);
  require_complex(file, role::kspace);
  const source from{file.values.path(), s.order, file.values.shape(), file.phase_plane};
  spokes r;
  const auto host = cardiomm::make_tensor<value>(host_space{}, s.size);
  read_ordered(file, from, wanted, host.data());
  require_finite(host, from, wanted);
  r.data = cardiomm::to_space(ex, host);
  r.trajectory = read_trajectory(traj, s.size[0], s.size[3], s.size[4]);
  double most = 0;
  for (std::size_t i = 0; i < r.trajectory.size(); ++i)
    most = std::max(most, std::abs(r.trajectory.data()[i]));
  require<value_error>(most > 0, traj, ": trajectory: expected positions, found zeros only");
  if (most <= 0.6) {  // cycles per pixel
    r.cycles = double(s.size[4]);
    for (std::size_t i = 0; i < r.trajectory.size(); ++i) r.trajectory.data()[i] *= r.cycles;
  }
  r.matrix = matrix_of(r.trajectory);
  return r;
}

template <class V>
void write_image(const std::string& path, const V& image) {
  array_output out(path, io::existing::replace);
  using enum axis;
  axes kept = {y, x};
  if (image.extent(0) > 1 || image.extent(1) > 1) kept.push_back(frame);
  out.write({frame, slice, y, x}, kept, image);
  out.commit();
}

template <class V>
void write_tensor(const std::string& path, const V& values) {
  io::write_npy(path, values);
}

}  // namespace

json prepare_spokes(const scan_case& s, const prepared_files& out) {
  const space ex;
  const spokes r = read_spokes(ex, s, s.traj);
  write_tensor(out.traj, r.trajectory);
  const auto coils = mri::gridded(ex, r.data, r.trajectory, r.matrix);
  const shape<5> n = cardiomm::shape_of(coils);
  const auto image = cardiomm::make_tensor<float>(host_space{}, shape{n[0], n[1], n[3], n[4]});
  const auto host = cardiomm::to_host(coils);
  const index_t plane = n[3] * n[4];
  for (index_t i = 0; i < n[0] * n[1]; ++i)
    for (index_t p = 0; p < plane; ++p) {
      double sum = 0;
      for (index_t c = 0; c < n[2]; ++c)
        sum += cardiomm::abs2(host.data()[(i * n[2] + c) * plane + p]);
      image.data()[i * plane + p] = float(std::sqrt(sum));
    }
  write_image(out.zero_filled, image);
  return {{"spokes", s.size[3]},
          {"samples", s.size[4]},
          {"positions_multiplied_by", r.cycles},
          {"matrix", {r.matrix[0], r.matrix[1]}}};
}

json prepare_grid(const scan_case& s, const std::string& traj, const prepared_files& out) {
  const space ex;
  const spokes r = read_spokes(ex, s, traj);
  const shape<5> n = s.size;
  const index_t ny = r.matrix[0], nx = r.matrix[1];
  // coil images that agree with the samples, by conjugate gradients, and their k-space
  const linop::nufft<float, space> a(r.trajectory, r.matrix);
  const auto image = cardiomm::zeros<value>(ex, shape{n[0], n[1], n[2], ny, nx}, "cardiomm::grid");
  auto right = cardiomm::make_tensor<value>(ex, cardiomm::shape_of(image));
  linop::apply_adjoint(ex, a, r.data, right);
  const auto normal = linop::gram(a);
  const double most =
      linop::largest_eigenvalue(ex, normal, cardiomm::shape_of(image), {10, 1, 1e-2});
  cardiomm::solve::cg_options c;
  c.iterations = 30;
  c.batch_axes = 3;
  c.zero_start = true;
  cardiomm::solve::cg_in_place(ex, normal + 1e-4 * most * linop::identity, right, image, c);
  linop::apply(ex, linop::fourier_op<float, 5, space>(), image, image);
  ex.fence();
  // the positions next to a sample
  const index_t frames = static_cast<index_t>(r.trajectory.extent(0)), each = n[3] * n[4];
  const auto mask = cardiomm::zeros<std::uint8_t>(host_space{}, shape{n[0], ny, nx});
  for (index_t f = 0; f < n[0]; ++f)
    for (index_t i = 0; i < each; ++i) {
      const double* at = r.trajectory.data() + 2 * ((frames == 1 ? 0 : f) * each + i);
      const auto x = index_t(std::lround(at[0])) + nx / 2, y = index_t(std::lround(at[1])) + ny / 2;
      if (x >= 0 && x < nx && y >= 0 && y < ny) mask(f, y, x) = 1;
    }
  const auto host = cardiomm::to_host(image);
  const index_t plane = ny * nx, planes = n[1] * n[2];
  for (index_t f = 0; f < n[0]; ++f)
    for (index_t p = 0; p < planes; ++p)
      for (index_t i = 0; i < plane; ++i)
        if (!mask.data()[f * plane + i]) host.data()[(f * planes + p) * plane + i] = value(0);
  io::array grid;
  grid.type = io::dtype::c64;
  grid.shape = compact_kspace({n[0], n[1], n[2], ny, nx});
  grid.bytes.resize(host.size() * sizeof(value));
  std::memcpy(grid.bytes.data(), host.data(), grid.bytes.size());
  io::write_npy(out.kspace, grid);
  write_tensor(out.mask, mask);
  write_tensor(out.maps, cardiomm::to_host(mri::radial_maps(ex, r.data, r.trajectory, r.matrix)));
  return {{"matrix", {ny, nx}},
          {"positions", std::count(mask.data(), mask.data() + mask.size(), std::uint8_t(1))}};
}

json prepare_raw(const scan_case& s, const prepared_files& out) {
  const raw_scan raw = open_raw(s.kspace);
  const auto store = [](const std::string& path, const io::stored_array& a) {
    io::write_npy(path, a.load());
  };
  const auto k = raw.kspace();
  auto all = k.load();
  if (!raw.radial()) all.shape = compact_kspace(all.shape);
  io::write_npy(out.kspace, all);
  json told = {{"size", k.shape()}, {"full", raw.full()}, {"radial", raw.radial()}};
  if (raw.radial())
    store(out.traj, raw.trajectory());
  else
    store(out.mask, raw.mask());
  const bool noise = raw.data.noise.size() > 0;
  if (noise) store(out.noise, raw.noise());
  told["noise"] = noise;
  told["voxel"] = {raw.voxel.dz, raw.voxel.dy, raw.voxel.dx, raw.voxel.dt};
  told["header"] = raw.describe();
  return told;
}

}  // namespace program
