// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/npy.hpp"

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
// A file with a chosen header and body.
std::string npy(const std::string& header, const std::string& body, int version = 1) {
  std::string head("\x93NUMPY", 6);
  head += static_cast<char>(version);
  head += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    head += static_cast<char>(header.size() >> 8 * i & 255);
  return head + header + body;
}
std::string header(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
}
}  // namespace

// The files are NumPy's own: tests/data/make_npy.py.
TEST_CASE("every type, byte order and axis order that NumPy writes") {
  const std::vector<std::pair<const char*, io::dtype>> types = {
      {"b1", io::dtype::boolean}, {"i1", io::dtype::i8},   {"i2", io::dtype::i16},
      {"i4", io::dtype::i32},     {"i8", io::dtype::i64},  {"u1", io::dtype::u8},
      {"u2", io::dtype::u16},     {"u4", io::dtype::u32},  {"u8", io::dtype::u64},
      {"f2", io::dtype::f16},     {"f4", io::dtype::f32},  {"f8", io::dtype::f64},
      {"c8", io::dtype::c64},     {"c16", io::dtype::c128}};
  for (const auto& [code, type] : types)
    for (const char* variant : {"_little_C", "_little_F", "_big_C", "_big_F"}) {
      const std::string path = own_path(std::string("npy/") + code + variant + ".npy");
      CAPTURE(path);
      const auto stored = io::open_npy(path);
      CHECK(stored.type() == type);
      REQUIRE(stored.shape() == io::extents{3, 4});
      const auto values = stored.load().values<complex<double>>();
      const auto direct = stored.tensor<complex<float>, 2>();
      for (int k = 0; k < 12; ++k) {
        complex<double> expected(k);
        if (code[0] == 'b') expected = k % 3 == 0;
        if (code[0] == 'f') expected = k + 0.5;
        if (code[0] == 'c') expected = complex<double>(k + 0.5, -2.0 * k);
        CHECK(values[static_cast<std::size_t>(k)] == expected);
        CHECK(complex<double>(direct(k / 4, k % 4)) == expected);
      }
    }
}

TEST_CASE("header versions, scalars and empty arrays") {
  for (const char* name : {"npy/version2.npy", "npy/version3.npy"}) {
    const auto t = io::read_npy<float, 2>(own_path(name));
    CHECK(t(2, 3) == 11);
  }
  const auto scalar = io::read_npy(own_path("npy/scalar.npy"));
  CHECK(scalar.shape.empty());
  CHECK(scalar.values<double>() == std::vector<double>{7.25});
  const auto empty = io::read_npy(own_path("npy/empty.npy"));
  CHECK(empty.shape == io::extents{2, 0, 3});
  CHECK(empty.size() == 0);
}

TEST_CASE("what is written is read again, and starts at a multiple of 64") {
  using namespace cardiomm;
  scratch folder;
  const auto t = zeros<complex<float>>(host_space{}, shape{2, 3, 5});
  for (int i = 0; i < 30; ++i) t.data()[i] = complex<float>(float(i), float(-i));
  const std::string path = folder / "t.npy";
  io::write_npy(path, t);
  const std::string bytes = slurp(path);
  CHECK(bytes.size() == 128 + 30 * 8);
  CHECK(bytes.substr(10, 63) == "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3, 5), } ");
  CHECK(bytes[127] == '\n');
  const auto back = io::read_npy<complex<float>, 3>(path);
  for (int i = 0; i < 30; ++i) CHECK(back.data()[i] == t.data()[i]);
  CHECK_THROWS_AS((io::read_npy<complex<float>, 2>(path)), shape_error);
  CHECK_THROWS_AS((io::read_npy<float, 3>(path)), value_error);

  for (const char* name : {"u1_little_C", "b1_little_C", "f2_little_C", "c16_little_C"}) {
    const std::string original = own_path(std::string("npy/") + name + ".npy");
    io::write_npy(path, io::read_npy(original));
    CHECK(slurp(path) == slurp(original));  // to the byte, as NumPy writes it
  }
  CHECK(folder.count() == 1);
}

TEST_CASE("a header may be spelled in many ways") {
  scratch folder;
  const std::string path = folder / "a.npy", body(24, '\0');
  for (const char* text :
       {"{'descr':'<f4','fortran_order':False,'shape':(2,3)}",
        "{\"shape\": (2L, 3L), \"fortran_order\": False, \"descr\": \"<f4\"}\n",
        "  { 'shape' : ( 2 , 3 , ) , 'descr' : '=f4' , 'fortran_order' : False , }   "}) {
    spit(path, npy(text, body));
    CHECK(io::open_npy(path).shape() == io::extents{2, 3});
  }
}

TEST_CASE("files that are no arrays are refused before memory is taken") {
  scratch folder;
  const std::string path = folder / "a.npy";
  const auto refused = [&](const std::string& bytes, const char* message) {
    spit(path, bytes);
    CHECK_THROWS_WITH_AS(io::open_npy(path), doctest::Contains(message), io_error);
  };
  const std::string eight(8, '\0');
  refused("", "found an empty file");
  refused("PK\x03\x04 something else", "expected a .npy file");
  refused(std::string("\x93NUMPY\x01", 7), "expected a .npy file");
  refused(npy(header("<f4", "(2,)"), eight, 4), "version");
  refused(npy(header("<f4", "(3,)"), eight), "expected 12 bytes of values, found 8");
  refused(npy(header("<f4", "(1,)"), eight), "expected 4 bytes of values, found 8");
  refused(npy(header("<c8", "(1000000, 1000000, 1000)"), eight), "expected 8000000000000000 bytes");
  refused(npy(header("<c8", "(9223372036854775807, 9223372036854775807)"), eight), "larger than");
  refused(npy(header("<c8", "(9223372036854775808,)"), eight), "beyond 2^63");
  refused(npy(header("<c8", "(-1,)"), eight), "'-' in the shape");
  refused(npy(header("<c8", "(1.5,)"), eight), "'.'");
  refused(npy(header("<f16", "(1,)"), eight), "found '<f16'");
  refused(npy(header("|O", "(1,)"), eight), "found '|O'");
  refused(npy(header("<U2", "(1,)"), eight), "found '<U2'");
  refused(
      npy("{'descr': [('r', '<f4'), ('i', '<f4')], 'fortran_order': False, 'shape': (1,)}", eight),
      "structured");
  refused(npy("{'descr': '<f4', 'shape': (2,)}", eight), "without");
  refused(npy("{'descr': '<f4', 'descr': '<f4'}", eight), "repeated");
  refused(npy(header("<f4", "(2,)") + " x", eight), "after the dictionary");
  refused(npy("{'descr': '<f4", ""), "without end");
  std::string huge = npy(header("<f4", "(2,)"), eight, 2);
  huge[11] = '\x7f';  // a header of two gigabytes
  refused(huge, "npy header: expected");
}

TEST_CASE("mutated files end in an error or an array, never otherwise") {
  scratch folder;
  const std::string path = folder / "a.npy";
  std::mt19937 random(7);
  int good = 0, bad = 0;
  for (const char* name : {"c8_little_C", "f8_big_F", "version2", "b1_little_F", "f2_big_C"}) {
    const std::string original = slurp(own_path(std::string("npy/") + name + ".npy"));
    REQUIRE(!original.empty());
    for (int i = 0; i < 1500; ++i) {
      spit(path, cardiomm_tests::mutate(original, random, 128));
      try {
        const auto a = io::read_npy(path);
        REQUIRE(a.bytes.size() <= 4096);
        ++good;
      } catch (const io_error&) {
        ++bad;
      } catch (const cardiomm::value_error&) {
        ++bad;
      }
    }
  }
  CHECK(good > 20);   // the fuzzer reaches the values,
  CHECK(bad > 1000);  // and breaks the headers
}

TEST_CASE("shared k-space files are read") {
  SHARED_OR_SKIP(path, "data/brain_8ch/cartesian_ksp.npy");
  const auto stored = io::open_npy(path);
  CHECK(stored.type() == io::dtype::c64);
  CHECK(stored.shape() == io::extents{8, 230, 180});
}
