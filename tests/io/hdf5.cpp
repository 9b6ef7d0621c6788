// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/hdf5.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/hdf5_output.hpp"
#include "cardiomm/io/npy.hpp"
#include "io/mutate.hpp"
#include "io/ramp.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm_tests::is_ramp;
using cardiomm_tests::scratch;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;

namespace {
std::string message_of(const io::hdf5_file& file, const std::string& name) {
  try {
    (void)file.at(name).load();
  } catch (const cardiomm::io_error& e) {
    return e.what();
  }
  return "no error";
}
}  // namespace

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

TEST_CASE("every type that h5py writes, in both byte orders") {
  const io::hdf5_file file(own_path("formats/types.h5"));
  const io::dtype types[] = {io::dtype::i8,  io::dtype::i16, io::dtype::i32, io::dtype::i64,
                             io::dtype::u8,  io::dtype::u16, io::dtype::u32, io::dtype::u64,
                             io::dtype::f16, io::dtype::f32, io::dtype::f64, io::dtype::c64,
                             io::dtype::c128};
  const char* codes[] = {"i1", "i2", "i4", "i8", "u1", "u2", "u4",
                         "u8", "f2", "f4", "f8", "c8", "c16"};
  for (std::size_t i = 0; i < 13; ++i)
    for (const char* order : {"little/", "big/"}) {
      CAPTURE(std::string(order) + codes[i]);
      CHECK(is_ramp(file.at(std::string(order) + codes[i]), types[i], {3, 5, 7}));
    }
  CHECK(is_ramp(file.at("bool"), io::dtype::boolean, {4, 6}));
  CHECK(file.at("scalar").load().values<float>() == std::vector<float>{2.5f});
  CHECK(file.at("scalar").shape().empty());
  CHECK(file.at("empty").shape() == io::extents{0, 3});
  CHECK(is_ramp(file.at("colour"), io::dtype::i16, {5}));
  CHECK(is_ramp(file.at("imag_first"), io::dtype::c64, {2, 3}));
  for (const char* name : {"named/real", "named/re", "named/r"})
    CHECK(is_ramp(file.at(name), io::dtype::c128, {2, 3}));
  CHECK(is_ramp(file.at("int_complex"), io::dtype::c64, {2, 3}));
  CHECK(is_ramp(file.at("soft"), io::dtype::f32, {3, 5, 7}));
  CHECK(file.text("text") == "k\u00f6pf");
  CHECK(file.text("fixed") == "fixed text");

  CHECK(message_of(file, "nothing").find("found a data set without values") != std::string::npos);
  CHECK(message_of(file, "text").find("expected numbers, found string") != std::string::npos);
  CHECK(message_of(file, "pair").find("found compound of 2 members") != std::string::npos);
  CHECK(message_of(file, "ref").find("found reference") != std::string::npos);
  CHECK(message_of(file, "little").find("found a group") != std::string::npos);
  CHECK(message_of(file, "none").find("no such data set") != std::string::npos);
  CHECK(message_of(file, "dangling").find("no such data set") != std::string::npos);
  CHECK(message_of(file, "elsewhere").find("link to another file") != std::string::npos);
  CHECK_THROWS_AS(file.text("texts"), cardiomm::io_error);
  CHECK(file.reference("ref", 1) == "bool");
  CHECK_THROWS_AS(file.reference("ref", 2), cardiomm::io_error);
}

TEST_CASE("the list has every data set once, in alphabetical order; cycles end") {
  const io::hdf5_file file(own_path("formats/types.h5"));
  std::vector<std::string> names;
  for (const auto& o : file.objects())
    if (o.name.find('/') == std::string::npos) names.push_back(o.name);
  CHECK(names == std::vector<std::string>{"big", "bool", "colour", "cycle", "empty", "fixed",
                                          "imag_first", "int_complex", "little", "named", "nothing",
                                          "pair", "ref", "scalar", "soft", "text", "texts"});
  CHECK(file.arrays().size() == 13 + 13 + 3 + 7);
  CHECK(file.find("big/c8")->kind == "complex64");
  CHECK(file.find("big/c8")->shape == io::extents{3, 5, 7});
  CHECK(file.find("nothing")->kind == "empty");
  CHECK(file.has("cycle/again"));
}

TEST_CASE("attributes: texts of both kinds, numbers, lists") {
  const io::hdf5_file file(own_path("formats/types.h5"));
  const auto a = file.attributes("little/f4");
  CHECK(a.size() == 5);
  CHECK(a.at("text").text() == "words");
  CHECK(a.at("bytes").text() == "old words");
  CHECK(a.at("number").values() == std::vector<double>{2.5});
  CHECK(a.at("number").text() == "2.5");
  CHECK(a.at("list").values() == std::vector<double>{3, 1, 4});
  CHECK(a.at("texts").texts == std::vector<std::string>{"x", "yz"});
  CHECK_THROWS_AS(a.at("texts").text(), cardiomm::io_error);
  CHECK(file.attributes().at("root").values() == std::vector<double>{7});
}

TEST_CASE("chunks, compression, parts; what was never written; missing filters") {
  const io::hdf5_file file(own_path("formats/chunked.h5"));
  CHECK(is_ramp(file.at("k"), io::dtype::c64, {3, 2, 3, 7, 9}));
  CHECK(is_ramp(file.at("plain"), io::dtype::i16, {5, 4}));
  CHECK(message_of(file, "d").find("filter 32000 (lzf), which this HDF5 lacks") !=
        std::string::npos);
  const auto half = file.at("half_written").load().values<float>();
  CHECK(half[5 * 10 + 3] == 3);
  CHECK(half[50 * 10 + 4] == 3);
  CHECK(half[59] == 9);
  CHECK(message_of(file, "promise").find("promises 2305843009213693952 bytes") !=
        std::string::npos);
  CHECK(message_of(file, "promise2").find("promises 8589934592 bytes, but the whole file has") !=
        std::string::npos);

  // any part equals the same part of the whole, also through bytes at odd places
  const io::stored_array k = file.at("k");
  const auto whole = k.load().values<complex<float>>();
  std::vector<complex<float>> part(3 * 7);
  k.read({{1, 1, 1}, {0, 1, 1}, {0, 3, 7}, {0, 7, 1}, {4, 1, 1}}, part.data());
  bool same = true;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t y = 0; y < 7; ++y)
      same = same && part[c * 7 + y] == whole[((6 + c) * 7 + y) * 9 + 4];
  CHECK(same);
}

TEST_CASE("other files are never read") {
  const io::hdf5_file file(own_path("formats/elsewhere.h5"));
  CHECK(message_of(file, "raw").find("external storage") != std::string::npos);
  CHECK(message_of(file, "virtual").find("virtual data set") != std::string::npos);
  CHECK(message_of(file, "link").find("link to another file") != std::string::npos);
  CHECK(!file.has("link"));
}

TEST_CASE("what is no HDF5 file") {
  const scratch s;
  const auto message = [&](const std::string& bytes) -> std::string {
    spit(s / "f.h5", bytes);
    try {
      const io::hdf5_file file(s / "f.h5");
    } catch (const cardiomm::io_error& e) {
      return e.what();
    }
    return "no error";
  };
  const auto has = [&](const std::string& bytes, const char* words) {
    const std::string m = message(bytes);
    CAPTURE(m);
    return m.find(words) != std::string::npos && m.find('\n') == std::string::npos;
  };
  CHECK(has("", "found an empty file"));
  CHECK(has("some words\n", "found text"));
  CHECK(has("<!DOCTYPE html><html>", "found an HTML page (a failed download?)"));
  CHECK(has(std::string(3000, '\0'), "found zeros"));
  CHECK(has("\x1f\x8b\x08 and so on", "found gzip data"));
  CHECK(has("PK\x03\x04 and so on", "found a zip archive"));
  const std::string good = slurp(own_path("formats/types.h5"));
  CHECK(has(good.substr(0, good.size() / 2), "the file is truncated, it has"));
  CHECK(has(good.substr(0, 60), "HDF5: "));
  CHECK_THROWS_WITH_AS(io::hdf5_file(s.path().string()), doctest::Contains("found a directory"),
                       cardiomm::io_error);
  CHECK_THROWS_WITH_AS(io::hdf5_file(s / "none"), doctest::Contains("cannot be opened"),
                       cardiomm::io_error);
}

TEST_CASE("what is written is read again, by h5py too") {
  const scratch s;
  std::vector<float> ramp(3 * 4 * 5);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = float(7 * i % 113) - 20;
  std::vector<complex<float>> z(ramp.size());
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = complex<float>(ramp[i], 3 - float(i));
  const auto put = [](io::dtype t, io::extents shape, const auto& v) {
    io::array a{t, std::move(shape), {}};
    a.bytes.resize(v.size() * sizeof(v[0]));
    std::memcpy(a.bytes.data(), v.data(), a.bytes.size());
    return a;
  };
  {
    io::hdf5_output out(s / "o.h5");
    out.write("f", put(io::dtype::f32, {3, 4, 5}, ramp));
    out.write("group/z", put(io::dtype::c64, {3, 4, 5}, z), {{2, 2, 5}, 6, "r", "i"});
    out.write("m", put(io::dtype::c64, {3, 4, 5}, z), {{}, 0, "real", "imag"});
    out.create("rows", io::dtype::c64, {3, 4, 5}, {{}, 4, "r", "i"});
    for (cardiomm::index_t f : {2, 0, 1}) out.write_rows("rows", f, 1, z.data() + 20 * f);
    out.write("flags", put(io::dtype::boolean, {3}, std::vector<char>{1, 0, 1}));
    out.write("none", io::array{io::dtype::f64, {0, 3}, {}}, {{}, 4, "r", "i"});
    out.write("one", put(io::dtype::f64, {}, std::vector<double>{2.5}));
    out.text("header", "<xml> k\u00f6pf");
    out.attribute("", "vendor", "Siemens");
    out.attribute("f", "max", 92.0);
    out.attribute("f", "shape", std::vector<std::int64_t>{3, 4, 5});
    out.attribute("f", "MATLAB_class", "single", true);
    CHECK_THROWS_AS(out.write_rows("rows", 3, 1, z.data()), cardiomm::shape_error);
    CHECK_THROWS_AS(out.write("f", put(io::dtype::f32, {3, 4, 5}, ramp)), cardiomm::io_error);
    CHECK(s.count() == 1);
    out.commit();
  }
  CHECK(s.count() == 1);
  const io::hdf5_file file(s / "o.h5");
  CHECK(is_ramp(file.at("f"), io::dtype::f32, {3, 4, 5}));
  for (const char* name : {"group/z", "m", "rows"})
    CHECK(is_ramp(file.at(name), io::dtype::c64, {3, 4, 5}));
  CHECK(file.at("none").shape() == io::extents{0, 3});
  CHECK(file.text("header") == "<xml> k\u00f6pf");
  CHECK(file.attributes().at("vendor").text() == "Siemens");
  {
    io::hdf5_output left(s / "left.h5");
    left.write("f", put(io::dtype::f32, {3, 4, 5}, ramp));
  }
  CHECK(s.count() == 1);  // without commit nothing is left
  PYTHON_OR_SKIP("h5py");
  spit(s / "check.py", R"(
import h5py, numpy as np
f = h5py.File('o.h5', 'r')
i = np.arange(60); r = (7 * i % 113 - 20.).reshape(3, 4, 5); z = r + 1j * (3. - i.reshape(3, 4, 5))
assert f['f'].dtype == 'f4' and (f['f'][()] == r).all()
for n in ('group/z', 'rows'): assert f[n].dtype == 'c8' and (f[n][()] == z).all(), n
assert f['group/z'].compression == 'gzip' and f['group/z'].chunks == (2, 2, 5)
m = f['m'][()]
assert m.dtype.names == ('real', 'imag') and (m['real'] + 1j * m['imag'] == z).all()
assert f['flags'].dtype == bool and f['flags'][()].tolist() == [True, False, True]
assert f['none'].shape == (0, 3) and f['one'][()] == 2.5
assert f['header'][()].decode() == '<xml> k\u00f6pf' and f.attrs['vendor'] == 'Siemens'
assert f['f'].attrs['max'] == 92 and f['f'].attrs['shape'].tolist() == [3, 4, 5]
assert f['f'].attrs['MATLAB_class'] == b'single'
)");
  CHECK(std::system(("cd '" + s.path().string() + "' && python3 check.py").c_str()) == 0);
}
