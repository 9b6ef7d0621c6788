// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/mat.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cf = complex<float>;

TEST_CASE("one frame of k-space in a MATLAB 5 file and its mask in a 7.3 file") {
  SHARED_OR_SKIP(path, "data/cmrxrecon2024_cine_frame_1ch/cine_sax.mat");
  SHARED_OR_SKIP(truth, "data/cmrxrecon2024_cine_frame_1ch/kspace_full.npy");
  SHARED_OR_SKIP(masked, "data/cmrxrecon2024_cine_frame_1ch/cine_sax_mask_Uniform8.mat");
  const io::mat_file file(path);
  REQUIRE(file.names() == std::vector<std::string>{"kspace_full"});
  CHECK(file.variables()[0].class_name == "single");
  const io::stored_array k = file.first();
  REQUIRE(k.shape() == io::extents{246, 512});
  CHECK(k.type() == io::dtype::c64);
  const auto expected = io::read_npy(truth).values<cf>();  // (512, 246)
  std::vector<cf> turned(expected.size());
  k.read({{0, 246, 1}, {0, 512, 246}}, turned.data());
  CHECK(turned == expected);

  const io::stored_array m = io::mat_file(masked).at("mask");
  REQUIRE(m.shape() == io::extents{246, 512});
  const auto mask = m.load().values<float>();
  bool right = true;
  for (std::size_t y = 0; y < 246; ++y)
    for (std::size_t x = 0; x < 512; ++x)
      right = right && (mask[y * 512 + x] != 0) == (y % 8 == 0 || (y >= 115 && y <= 130));
  CHECK(right);
}

TEST_CASE("several variables: the first one of the file, and each by its name") {
  SHARED_OR_SKIP(path, "data/radial_cardiac_12ch/radial_cardiac_25_projections.mat");
  SHARED_OR_SKIP(raw, "data/radial_cardiac_12ch/rawdata.npy");
  SHARED_OR_SKIP(traj, "data/radial_cardiac_12ch/traj.npy");
  const io::mat_file file(path);
  CHECK(file.names() == std::vector<std::string>{"rawdata", "k"});
  const io::stored_array data = file.first();
  CHECK(data.shape() == io::extents{12, 25, 256});
  CHECK(data.type() == io::dtype::c128);
  std::vector<cf> values(std::size_t(data.size()));
  data.read(values.data());
  CHECK(values == io::read_npy(raw).values<cf>());
  std::vector<cf> k(25 * 256);
  file.at("k").read(k.data());
  const auto t = io::read_npy(traj).values<float>();
  bool same = true;
  for (std::size_t i = 0; i < k.size(); ++i) same = same && k[i] == cf(t[2 * i], t[2 * i + 1]);
  CHECK(same);
  CHECK_THROWS_WITH_AS(file.at("x"), doctest::Contains("it has rawdata (double), k (double)"),
                       cardiomm::io_error);
}

TEST_CASE("a cine of another laboratory, and fields of a structure") {
  SHARED_OR_SKIP(path, "data/rat_cine_8fr/dataCine8fr.mat");
  SHARED_OR_SKIP(truth, "data/rat_cine_8fr/cine.npy");
  const io::stored_array cine = io::mat_file(path).first();
  REQUIRE(cine.shape() == io::extents{8, 192, 192});
  std::vector<float> rows(8 * 192 * 192);  // cine.npy has (frame, row, column)
  cine.read({{0, 8, 192 * 192}, {0, 192, 1}, {0, 192, 192}}, rows.data());
  CHECK(rows == io::read_npy(truth).values<float>());

  SHARED_OR_SKIP(sets, "data/t1_molli_precontrast/precontrast_testsets.mat");
  SHARED_OR_SKIP(images, "data/t1_molli_precontrast/images.npy");
  const io::mat_file file(sets);
  CHECK(file.names() ==
        std::vector<std::string>{"test.input", "test.TI", "test.T1", "test.myoMask"});
  CHECK(file.find("test")->class_name == "struct");
  const io::stored_array input = file.at("test.input");  // [3, 1, 128, 128, 8]
  REQUIRE(input.shape() == io::extents{8, 128, 128, 1, 3});
  CHECK(input.type() == io::dtype::f64);  // stored as 16-bit integers
  std::vector<std::uint16_t> v(std::size_t(input.size()));
  input.read({{0, 8, 128 * 128}, {0, 128, 1}, {0, 128, 128}, {0, 1, 1}, {0, 3, 8 * 128 * 128}},
             v.data());
  CHECK(v == io::read_npy(images).values<std::uint16_t>());
  CHECK_THROWS_WITH_AS(file.first(), doctest::Contains("name one, for example"),
                       cardiomm::io_error);
  CHECK_THROWS_WITH_AS(file.at("test"), doctest::Contains("found struct"), cardiomm::io_error);
}
