// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_TRAJECTORY_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_TRAJECTORY_HPP
/// \file
/// Reading of trajectories: (frame, spoke, sample, 2) or (spoke, sample, 2) in .npy files, BART's
/// (3, sample, spoke, ..., frame) in .cfl files; cycles per field of view, (kx, ky), kz zero.

#include "arrays.hpp"

namespace program {

/// Positions (frame or 1, spoke, sample, 2). Throws io_error, shape_error and value_error.
inline host_tensor<double, 4> read_trajectory(const std::string& path, index_t frames,
                                              index_t spokes, index_t samples) {
  extents s;
  std::vector<complex<double>> values;
  const auto read = [&](const io::stored_array& from) {
    s = from.shape();
    values.resize(static_cast<std::size_t>(from.size()));
    from.read(values.data());
  };
  if (input_format(path) != format::cfl) {
    read(open_array(path).values);
    if (s.size() == 3) s.insert(s.begin(), 1);
  } else {
    const auto file = io::open_cfl(path);
    read(file.values);
    for (std::size_t d = 0; d < file.dims.size(); ++d)
      require<shape_error>(file.dims[d] == 1 || d < 3 || d == 10, path,
                           ": trajectory: expected the dimensions 0, 1, 2 and 10, found ",
                           file.dims[d], " in dimension ", d);
    s = {file.dims[10], file.dims[2], file.dims[1], file.dims[0]};
  }
  require<shape_error>(s.size() == 4 && (s[0] == 1 || s[0] == frames) && s[1] == spokes &&
                           s[2] == samples && (s[3] == 2 || s[3] == 3),
                       path, ": trajectory: expected (frame ", frames, " or 1, spoke ", spokes,
                       ", sample ", samples, ", 2) to fit the k-space, found ", io::to_string(s));
  auto out =
      cardiomm::make_tensor<double>(host_space{}, cardiomm::shape{s[0], s[1], s[2], index_t(2)});
  for (index_t i = 0; i < s[0] * s[1] * s[2]; ++i)
    for (index_t d = 0; d < s[3]; ++d) {
      const complex<double> v = values[static_cast<std::size_t>(i * s[3] + d)];
      require<value_error>(std::isfinite(v.real()) && v.imag() == 0, path,
                           ": trajectory: expected finite real numbers, found ", v.real(), " + ",
                           v.imag(), "i at sample ", i);
      require<value_error>(d < 2 || v.real() == 0, path,
                           ": trajectory: expected kz = 0 (two dimensions), found ", v.real(),
                           " at sample ", i);
      if (d < 2) out.data()[2 * i + d] = v.real();
    }
  return out;
}

/// Extents (y, x) of the image that a trajectory in cycles per field of view resolves: even, twice
/// the largest |k| of each axis.
inline cardiomm::shape<2> matrix_of(const host_tensor<double, 4>& trajectory) {
  double most[2] = {0, 0};
  for (std::size_t i = 0; i < trajectory.size(); ++i)
    most[i % 2] = std::max(most[i % 2], std::abs(trajectory.data()[i]));
  const auto extent = [](double k) {
    return std::max<index_t>(2, 2 * index_t(std::ceil(k - 1e-3)));
  };
  return cardiomm::shape<2>{{extent(most[1]), extent(most[0])}};
}

}  // namespace program

#endif
