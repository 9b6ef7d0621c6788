// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/cfl.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm::io_error;
using cardiomm_tests::scratch;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;

TEST_CASE("a pair of files is written together and read by any of its names") {
  scratch folder;
  io::cfl_shape dims;
  dims.fill(1);
  dims[0] = 3;
  dims[1] = 2;
  dims[io::cfl_dim::time] = 2;
  std::vector<complex<float>> values;
  for (int i = 0; i < 12; ++i) values.emplace_back(float(i), float(-i));
  io::write_cfl(folder / "a.cfl", dims, values.data());
  CHECK(folder.count() == 2);
  CHECK(slurp(folder / "a.hdr") == "# Dimensions\n3 2 1 1 1 1 1 1 1 1 2 1 1 1 1 1 \n");
  for (const char* name : {"a", "a.cfl", "a.hdr"}) {
    const auto file = io::open_cfl(folder / name);
    CHECK(file.dims == dims);
    CHECK(file.values.shape().back() == 3);
    CHECK(file.values.load().values<complex<float>>() == values);
  }
  CHECK_THROWS_AS(io::write_cfl(folder / "a", dims, values.data(), io::existing::refuse), io_error);
  {
    io::cfl_output unfinished(folder / "b");
    unfinished.write(dims, values.data());
  }
  CHECK(folder.count() == 2);
}

TEST_CASE("headers and sizes that do not fit are refused") {
  scratch folder;
  const auto refused = [&](const std::string& header, std::size_t bytes, const char* message) {
    spit(folder / "a.hdr", header);
    spit(folder / "a.cfl", std::string(bytes, '\0'));
    CHECK_THROWS_WITH_AS(io::open_cfl(folder / "a"), doctest::Contains(message), io_error);
  };
  refused("# Dimensions\n2 3 \n", 47, "expected 48 bytes");
  refused("# Dimensions\n2 3 \n", 56, "found 56");
  refused("# Dimensions\n0 3 \n", 0, "positive");
  refused("# Dimensions\n-2 3 \n", 48, "positive");
  refused("# Dimensions\n2.5 3 \n", 48, "positive");
  refused("# Dimensions\n2x 3 \n", 48, "positive");
  refused("# Dimensions\n\n", 8, "found none");
  refused("2 3\n", 48, "# Dimensions");
  refused("", 48, "# Dimensions");
  refused("# Dimensions\n999999999999999999 999999999999999999\n", 48, "larger than");
  refused("# Dimensions\n100000 100000 1000\n", 48, "expected 80000000000000 bytes");
  refused("# Dimensions\n1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n", 8, "at most 16");
  spit(folder / "b.hdr", "# Dimensions\n1\n");
  CHECK_THROWS_WITH_AS(io::open_cfl(folder / "b"), doctest::Contains("b.cfl: cannot be opened"),
                       io_error);
  CHECK_THROWS_WITH_AS(io::open_cfl(folder / "c.cfl"), doctest::Contains("c.hdr"), io_error);
}

TEST_CASE("mutated headers end in an error or an array") {
  scratch folder;
  std::mt19937 random(11);
  int good = 0, bad = 0;
  const std::string original =
      "# Dimensions\n2 3 1 2 1 1 1 1 1 1 1 1 1 1 1 1 \n# Command\nones 4 2 3 1 2 a\n";
  spit(folder / "a.cfl", std::string(96, '\0'));
  for (int i = 0; i < 4000; ++i) {
    spit(folder / "a.hdr", cardiomm_tests::mutate(original, random, 50));
    try {
      const auto size = io::open_cfl(folder / "a").values.load().size();
      CHECK(size == 12);
      ++good;
    } catch (const io_error&) {
      ++bad;
    }
  }
  CHECK(good > 100);
  CHECK(bad > 1000);
}

TEST_CASE("BART reads what we write, and we read what BART writes") {
  PROGRAM_OR_SKIP("bart");
  scratch folder;
  const auto bart = [&](const std::string& arguments) {
    return std::system(
        ("cd '" + folder.path().string() + "' && bart " + arguments + " >/dev/null").c_str());
  };
  REQUIRE(bart("phantom -x 16 -s 3 p") == 0);
  const auto file = io::open_cfl(folder / "p");
  CHECK(file.dims[0] == 16);
  CHECK(file.dims[3] == 3);
  const auto values = file.values.load();
  io::write_cfl(folder / "q", file.dims,
                reinterpret_cast<const complex<float>*>(values.bytes.data()));
  CHECK(bart("nrmse -t 0 p q") == 0);
}

TEST_CASE("shared files of BART") {
  SHARED_OR_SKIP(path, "data/brain_8ch/ksp.hdr");
  const auto file = io::open_cfl(path);
  CHECK(file.dims[1] == 180);
  CHECK(file.dims[2] == 230);
  CHECK(file.dims[3] == 8);
}
