// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_MAGNITUDE_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_MAGNITUDE_HPP
/// \file
/// Images as one looks at them: magnitudes of complex values, real values as they are.

#include "arrays.hpp"

namespace program {

/// |z| of a file's complex values, real values unchanged, in the order `wanted`.
template <class T>
std::vector<T> read_magnitudes(const opened& file, const source& from, const axes& wanted) {
  std::vector<T> out(static_cast<std::size_t>(file.values.size()));
  if (!io::is_complex_type(file.values.type())) {
    read_ordered(file, from, wanted, out.data());
    return out;
  }
  std::vector<complex<T>> raw(out.size());
  read_ordered(file, from, wanted, raw.data());
  for (std::size_t i = 0; i < raw.size(); ++i) out[i] = std::hypot(raw[i].real(), raw[i].imag());
  return out;
}

/// Images (frame, slice, y, x) as real numbers. Throws value_error for values that are not finite.
template <class T>
loaded<T, 4> load_magnitude(const std::string& path, const axes_option& given) {
  using enum axis;
  const axes wanted = {frame, slice, y, x};
  const opened file = open_array(path);
  const source from = name_axes(file, role::image, given.of(role::image));
  cardiomm::shape<4> s{};
  for (int i = 0; i < 4; ++i) s[i] = from.extent(wanted[static_cast<std::size_t>(i)]);
  loaded<T, 4> result{cardiomm::make_tensor<T>(host_space{}, s, "cardiomm image"), from};
  const auto values = read_magnitudes<T>(file, from, wanted);
  std::copy(values.begin(), values.end(), result.values.data());
  require_finite(result.values, from, wanted);
  return result;
}

}  // namespace program

#endif
