// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/npz.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm::io_error;
using cardiomm_tests::scratch;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;

namespace {
// The message of the error that opening and reading all arrays gives, or "read".
std::string message(const std::string& bytes) {
  try {
    const io::npz_file file(std::make_shared<io::memory_source>("a.npz", bytes));
    for (const auto& name : file.names()) file.at(name).load();
    return "read";
  } catch (const io_error& e) {
    return e.what();
  }
}
std::string numpys(const char* name) { return slurp(own_path(std::string("formats/") + name)); }
io::array floats(const io::extents& shape, float first) {
  io::array a;
  a.type = io::dtype::f32;
  a.shape = shape;
  std::vector<float> v(static_cast<std::size_t>(io::count_of(shape, 4, "test")));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = first + 0.25f * float(i % 100);
  a.bytes.resize(4 * v.size());
  if (!v.empty()) std::memcpy(a.bytes.data(), v.data(), a.bytes.size());
  return a;
}
}  // namespace

// The files are made by tests/data/make_npz.py.
TEST_CASE("archives of NumPy and of others") {
  for (const char* name : {"npz_stored.npz", "npz_deflated.npz", "npz_descriptors.npz",
                           "npz_comment.npz", "npz_zip64.npz"}) {
    CAPTURE(name);
    const io::npz_file file(own_path(std::string("formats/") + name));
    CHECK(file.names() == std::vector<std::string>{"a", "b"});
    CHECK(file.contains("a"));
    CHECK(file.contains("a.npy"));
    CHECK_FALSE(file.contains("c"));
    const auto a = file.at("a").tensor<float, 2>();
    CHECK(a.extent(0) == 2);
    for (int i = 0; i < 6; ++i) CHECK(a(i / 3, i % 3) == float(i));
    const auto b = file.at("b.npy");
    CHECK(b.type() == io::dtype::c128);
    CHECK(b.shape().empty());
    CHECK(b.load().values<complex<double>>()[0] == complex<double>(1, 2));
    CHECK_THROWS_AS(file.at("c"), io_error);
  }
}

TEST_CASE("what is written is read again, by us and by NumPy") {
  const scratch dir;
  const std::map<std::string, io::array> arrays = {
      {"image", floats({3, 40, 50}, 1)}, {"empty", floats({0, 2}, 0)}, {"maps/0", floats({7}, 2)}};
  for (const auto how : {io::npz_output::method::stored, io::npz_output::method::deflated}) {
    const std::string path =
        dir / (how == io::npz_output::method::stored ? "stored.npz" : "deflated.npz");
    io::write_npz(path, arrays, how);
    const std::string once = slurp(path);
    io::write_npz(path, arrays, how);
    CHECK(slurp(path) == once);
    const io::npz_file back(path);
    CHECK(back.names() == std::vector<std::string>{"empty", "image", "maps/0"});
    for (const auto& [name, a] : arrays) {
      const auto found = back.at(name).load();
      CHECK(found.shape == a.shape);
      CHECK(found.bytes == a.bytes);
    }
  }
  CHECK(slurp(dir / "deflated.npz").size() < slurp(dir / "stored.npz").size() / 4);
  {
    io::npz_output twice(dir / "twice.npz");
    twice.add("a", arrays.at("image"));
    CHECK_THROWS_AS(twice.add("a", arrays.at("image")), io_error);
    CHECK_THROWS_AS(twice.add("", arrays.at("image")), io_error);
  }
  CHECK(dir.count() == 2);
  if (std::system("python3 -c 'import numpy' 2>/dev/null") != 0)
    return cardiomm_tests::report_skip("numpy");
  spit(dir / "check.py",
       "import numpy as np, zipfile\n"
       "for n in ('stored.npz', 'deflated.npz'):\n"
       "  assert zipfile.ZipFile('" +
           (dir / "") +
           "' + n).testzip() is None\n"
           "  z = np.load('" +
           (dir / "") +
           "' + n)\n"
           "  assert sorted(z) == ['empty', 'image', 'maps/0'], list(z)\n"
           "  v = 1 + 0.25 * (np.arange(6000, dtype=np.float32) % 100)\n"
           "  assert np.array_equal(z['image'], v.reshape(3, 40, 50)) and z['empty'].shape == (0, "
           "2)\n");
  CHECK(std::system(("python3 " + (dir / "check.py")).c_str()) == 0);
}

TEST_CASE("each kind of bad archive has its message") {
  const std::string stored = numpys("npz_stored.npz"), deflated = numpys("npz_deflated.npz");
  REQUIRE(message(stored) == "read");
  const auto changed = [](std::string bytes, std::size_t at, char value) {
    bytes.at(at) = value;
    return bytes;
  };
  CHECK(message("").find("an empty file") != std::string::npos);
  CHECK(message("PK").find("zip archive, found text") != std::string::npos);
  CHECK(message(std::string(100, 'x')).find("zip archive") != std::string::npos);
  CHECK(message(stored.substr(0, stored.size() - 30)).find("cut off") != std::string::npos);
  CHECK(message(numpys("npz_bzip2.npz")).find("method 12") != std::string::npos);
  // the last value of the first array
  CHECK(message(changed(stored, stored.find("PK\x03\x04", 4) - 1, 9)).find("checksum") !=
        std::string::npos);
  const std::size_t entry = stored.find("PK\x01\x02");
  CHECK(message(changed(stored, entry + 8, 1)).find("encrypted") != std::string::npos);
  CHECK(message(changed(stored, entry, 'x')).find("found 0") != std::string::npos);
  CHECK(message(changed(stored, entry + 24, 7)).find("stored bytes") != std::string::npos);
  CHECK(message(changed(stored, entry + 43, 7)).find("expected a member at offset") !=
        std::string::npos);
  CHECK(message(changed(stored, stored.size() - 18, 1)).find("several parts") != std::string::npos);
  CHECK(message(changed(stored, entry + 46, 'b')).find("twice") != std::string::npos);
  const std::size_t packed = deflated.find("PK\x01\x02");
  CHECK(message(changed(deflated, packed + 27, 1)).find("packed bytes and a limit") !=
        std::string::npos);
  CHECK(message(changed(deflated, packed + 24, 7)).find("at most 0 unpacked") != std::string::npos);
  // a limit of the caller
  const io::npz_file file(own_path("formats/npz_deflated.npz"));
  CHECK_THROWS_AS(file.at("a", 100), io_error);
}

TEST_CASE("changed archives are read or refused") {
  std::mt19937 random(11);
  int good = 0, bad = 0;
  for (const char* name : {"npz_stored.npz", "npz_descriptors.npz", "npz_zip64.npz"}) {
    const std::string original = numpys(name);
    for (int i = 0; i < 1500; ++i)
      message(cardiomm_tests::mutate(original, random, original.size())) == "read" ? ++good : ++bad;
  }
  CHECK(good > 200);
  CHECK(bad > 1000);
}

TEST_CASE("shared archives are read") {
  SHARED_OR_SKIP(path, "data/masks_reference/masks_reference.npz");
  const io::npz_file file(path);
  CHECK_FALSE(file.names().empty());
  for (const auto& name : file.names()) CHECK(file.at(name).load().size() > 0);
}
