// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_IO_RAMP_HPP
#define CARDIOMM_TESTS_IO_RAMP_HPP
/// \file
/// The values that tests/data/make_formats.py writes, and their comparison with an array.

#include <complex>
#include <cstdlib>

#include "cardiomm/io/array.hpp"

namespace cardiomm_tests {

/// True where an array has the type and shape, and the values v[i] = 7 i % 113 - 20, of
/// make_formats.py, bit by bit.
inline bool is_ramp(const cardiomm::io::stored_array& a, cardiomm::io::dtype type,
                    const cardiomm::io::extents& shape) {
  using namespace cardiomm;
  if (a.type() != type || a.shape() != shape) return false;
  if (a.size() == 0) return true;
  std::vector<complex<double>> v(static_cast<std::size_t>(a.size()));
  a.read(v.data());
  const bool is_unsigned = type >= io::dtype::u8 && type <= io::dtype::u64;
  for (std::size_t i = 0; i < v.size(); ++i) {
    double re = static_cast<double>(7 * i % 113) - (is_unsigned ? 0 : 20), im = 0;
    if (type == io::dtype::boolean) re = i % 3 == 0;
    if (io::is_complex_type(type)) im = 3.0 - static_cast<double>(i);
    if (v[i] != complex<double>(re, im)) return false;
  }
  return true;
}

/// True where python3 is there with a module; tests against it are skipped, and counted, where not.
inline bool have_module(const char* module) {
  return std::system((std::string("python3 -c 'import ") + module + "' >/dev/null 2>&1").c_str()) ==
         0;
}

}  // namespace cardiomm_tests

/// Skips the test case where Python or a module of it is missing.
#define PYTHON_OR_SKIP(module)                                      \
  if (!cardiomm_tests::have_module(module)) {                       \
    cardiomm_tests::report_skip(std::string("Python's ") + module); \
    return;                                                         \
  }

#endif
