// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/safetensors.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cardiomm::io_error;
using cardiomm_tests::scratch;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;

namespace {
std::string file_of(const std::string& header, const std::string& values) {
  std::string head;
  for (int i = 0; i < 8; ++i) head += static_cast<char>(header.size() >> 8 * i & 255);
  return head + header + values;
}
}  // namespace

TEST_CASE("our own fixtures") {
  const io::safetensors_file metrics(own_path("metrics/images.safetensors"));
  REQUIRE(metrics.contains("noise.gt"));
  CHECK(metrics.at("noise.gt").shape() == io::extents{64, 48});
  CHECK(metrics.at("noise.gt").type() == io::dtype::f32);
  CHECK(metrics.at("stack4d.pred").shape() == io::extents{36, 32, 3, 2});
  CHECK_THROWS_WITH_AS(metrics.at("none"), doctest::Contains("named 'none'"), io_error);

  const io::safetensors_file weights(own_path("cardiomm_tiny_1d/weights.safetensors"));
  cardiomm::index_t numbers = 0;
  for (const auto& name : weights.names()) numbers += weights.at(name).size();
  CHECK(numbers > 447558);  // parameters, some of them listed under several names
  const io::safetensors_file inputs(own_path("cardiomm_tiny_1d/io.safetensors"));
  CHECK(inputs.at("in.mask").type() == io::dtype::u8);
  CHECK((inputs.at("in.masked_kspace").tensor<float, 5>().extent(4) == 2));
}

TEST_CASE("written arrays are read again") {
  scratch folder;
  std::map<std::string, io::array> arrays;
  arrays["odd"] = {io::dtype::u8, {3}, std::vector<std::byte>(3, std::byte(7))};
  arrays["wide"] = {io::dtype::f64, {2, 1}, std::vector<std::byte>(16, std::byte(1))};
  arrays["scalar"] = {io::dtype::f32, {}, std::vector<std::byte>(4, std::byte(2))};
  arrays["none"] = {io::dtype::f32, {0, 5}, {}};
  const std::string path = folder / "a.safetensors";
  io::write_safetensors(path, arrays, {{"format", "pt"}});
  const io::safetensors_file file(path);
  CHECK(file.metadata().at("format") == "pt");
  CHECK(file.names().size() == 4);
  for (const auto& [name, a] : arrays) {
    const auto back = file.at(name).load();
    CHECK(back.type == a.type);
    CHECK(back.shape == a.shape);
    CHECK(back.bytes == a.bytes);
  }
  arrays["z"] = {io::dtype::c64, {1}, std::vector<std::byte>(8)};
  CHECK_THROWS_AS(io::write_safetensors(folder / "b", arrays), cardiomm::value_error);
  CHECK(folder.count() == 1);
}

TEST_CASE("headers that lie are refused") {
  scratch folder;
  const std::string path = folder / "a";
  const auto refused = [&](const std::string& bytes, const char* message) {
    spit(path, bytes);
    CHECK_THROWS_WITH_AS(io::safetensors_file{path}, doctest::Contains(message), io_error);
  };
  const std::string eight(8, '\0');
  refused("abc", "found 3 bytes");
  refused(std::string(8, '\xff'), "expected 18446744073709551615 bytes");
  refused(file_of("{", ""), "safetensors header");
  refused(file_of("[]", ""), "an object");
  refused(file_of(std::string(100000, '['), ""), "safetensors header");
  const auto entry = [](const std::string& type, const std::string& shape,
                        const std::string& offsets) {
    return "{\"a\":{\"dtype\":" + type + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
           "}}";
  };
  refused(file_of(entry("\"F32\"", "[3]", "[0,8]"), eight), "expected 12 bytes");
  refused(file_of(entry("\"F32\"", "[3]", "[0,12]"), eight), "up to byte 12");
  refused(file_of(entry("\"F32\"", "[1]", "[4,8]"), eight), "gaps");
  refused(file_of(entry("\"F32\"", "[1]", "[0,4]"), eight), "expected 4 bytes of values");
  refused(file_of(entry("\"C64\"", "[1]", "[0,8]"), eight), "found C64");
  refused(file_of(entry("3", "[1]", "[0,8]"), eight), "safetensors header");
  refused(file_of(entry("\"F32\"", "[-2]", "[0,8]"), eight), "at least 0");
  refused(file_of(entry("\"F32\"", "[4611686018427387904,4]", "[0,8]"), eight), "larger than");
  refused(file_of(entry("\"F32\"", "[2]", "[8,0]"), eight), "offsets 8 and 0");
  refused(file_of(entry("\"F32\"", "[2]", "[0]"), eight), "two data offsets");
}

TEST_CASE("mutated files end in an error or in arrays") {
  scratch folder;
  std::map<std::string, io::array> arrays;
  arrays["a.weight"] = {io::dtype::f32, {2, 2}, std::vector<std::byte>(16)};
  arrays["a.bias"] = {io::dtype::i32, {2}, std::vector<std::byte>(8)};
  const std::string path = folder / "a";
  io::write_safetensors(path, arrays, {{"k", "v"}});
  const std::string original = slurp(path);
  std::mt19937 random(13);
  int good = 0, bad = 0;
  for (int i = 0; i < 6000; ++i) {
    spit(path, cardiomm_tests::mutate(original, random, original.size()));
    try {
      const io::safetensors_file file(path);
      for (const auto& name : file.names()) REQUIRE(file.at(name).load().bytes.size() <= 4096);
      ++good;
    } catch (const io_error&) {
      ++bad;
    }
  }
  CHECK(good > 100);
  CHECK(bad > 1000);
}
