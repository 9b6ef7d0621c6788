// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_BART_HPP
#define CARDIOMM_TESTS_SUPPORT_BART_HPP
/// \file
/// Runs the program `bart` on tensors, through .cfl files in a temporary folder.

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "cardiomm/io/cfl.hpp"
#include "support/shared.hpp"

namespace cardiomm_tests {

/// A temporary folder with arrays under short names; it is removed with the object.
class bart_session {
 public:
  bart_session() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "cardiomm_bart_XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
  }
  ~bart_session() {
    std::error_code none;
    std::filesystem::remove_all(folder_, none);
  }
  bart_session(const bart_session&) = delete;
  bart_session& operator=(const bart_session&) = delete;

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// Stores (frame or set, slice, coil, y, x) as BART's x, y, 1, coil; the leading axis becomes
  /// dimension `leading` (10 time, 4 maps), the second one dimension 13.
  template <class V>
  void put(const std::string& name, const V& v, int leading = cardiomm::io::cfl_dim::time) const {
    const auto n = cardiomm::shape_of(v);
    REQUIRE(n[1] == 1);
    cardiomm::io::cfl_shape dims;
    dims.fill(1);
    dims[0] = n[4];
    dims[1] = n[3];
    dims[3] = n[2];
    dims[static_cast<std::size_t>(leading)] = n[0];
    cardiomm::io::write_cfl(path(name), dims, cardiomm::to_host(v).data());
  }

  /// Runs `bart COMMAND` in the folder; the test fails if it does.
  void run(const std::string& command) const {
    const std::string line = "cd '" + folder_.string() + "' && bart " + command + " >log.txt 2>&1";
    INFO(line);
    REQUIRE(std::system(line.c_str()) == 0);
  }

  /// An array as (leading, 1, coil, y, x) with BART's dimensions 4 or 10, 3, 1, 0.
  cardiomm::host_tensor<cardiomm::complex<float>, 5> get(const std::string& name) const {
    using namespace cardiomm;
    const auto file = io::open_cfl(path(name));
    const index_t leading = file.dims[4] * file.dims[10];
    auto t = make_tensor<complex<float>>(
        host_space{}, shape{leading, index_t(1), file.dims[3], file.dims[1], file.dims[0]});
    REQUIRE(static_cast<index_t>(t.size()) == file.values.size());
    file.values.read(t.data());
    return t;
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace cardiomm_tests

#endif
