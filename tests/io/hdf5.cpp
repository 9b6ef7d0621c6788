// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/hdf5.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;

TEST_CASE("coil maps that MATLAB wrote") {
  SHARED_OR_SKIP(maps, "data/coil_maps_32ch/sens.mat");
  SHARED_OR_SKIP(values, "data/coil_maps_32ch/sens.npy");
  const io::hdf5_file file(maps);
  REQUIRE(file.objects().size() == 1);
  CHECK(file.objects()[0].name == "sens");
  CHECK(file.objects()[0].kind == "complex128");
  CHECK(file.attributes("sens").at("MATLAB_class").text() == "double");
  const io::stored_array sens = file.at("sens");
  CHECK(sens.shape() == io::extents{32, 1, 64, 64});
  CHECK(io::array{io::dtype::c128, sens.shape(), sens.load().bytes}.values<complex<float>>() ==
        io::read_npy(values).values<complex<float>>());
}

TEST_CASE("complex values are found by the names of the parts, and parts of a set can be read") {
  SHARED_OR_SKIP(path, "data/cmrxrecon2025_slice_10ch/underkslice.mat");
  SHARED_OR_SKIP(lines, "data/cmrxrecon2025_slice_10ch/lines.npy");
  SHARED_OR_SKIP(index, "data/cmrxrecon2025_slice_10ch/line_index.npy");
  const io::stored_array k = io::hdf5_file(path).at("/underkspace");
  REQUIRE(k.shape() == io::extents{448, 162, 10});
  const auto expected = io::read_npy(lines).values<complex<float>>();  // (10, 32, 448)
  const auto at = io::read_npy(index).values<std::int64_t>();
  std::vector<complex<float>> line(448 * 10);
  for (std::size_t i = 0; i < at.size(); i += 5) {
    k.read({{0, 448, 10}, {at[i], 1, 1}, {0, 10, 1}}, line.data());
    bool same = true;
    for (std::size_t c = 0; c < 10; ++c)
      for (std::size_t x = 0; x < 448; ++x)
        same = same && line[x * 10 + c] == expected[(c * 32 + i) * 448 + x];
    CHECK(same);
  }
}
