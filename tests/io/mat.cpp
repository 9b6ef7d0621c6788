// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/mat.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/mat_output.hpp"
#include "cardiomm/io/npy.hpp"
#include "io/mutate.hpp"
#include "io/ramp.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cf = complex<float>;
using cardiomm_tests::is_ramp;
using cardiomm_tests::scratch;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;

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

TEST_CASE("what SciPy writes as versions 5 and 7, and MATLAB as 7.3") {
  for (const char* name : {"formats/v5.mat", "formats/v7.mat", "formats/v73.mat"}) {
    CAPTURE(name);
    const io::mat_file file(own_path(name));
    const bool hdf5 = file.path().find("v73") != std::string::npos;
    CHECK(is_ramp(file.at("kspace"), io::dtype::c64, {2, 3, 4, 5, 6}));
    CHECK(is_ramp(file.at("mask"), io::dtype::boolean, {4, 6}));
    CHECK(is_ramp(file.at("nested.a.b"), io::dtype::i32, {2, 3}));
    CHECK(is_ramp(file.at("scans(1).data"), io::dtype::f32, {2, 3}));
    CHECK(is_ramp(file.at("scans(2).data"), io::dtype::f64, {4, 3}));
    CHECK(is_ramp(file.at("i2"), io::dtype::i16, {3, 5}));
    CHECK(file.at("none").shape() == io::extents{3, 0});
    CHECK(file.at("none").type() == io::dtype::f64);
    CHECK(is_ramp(file.first(), hdf5 ? io::dtype::i16 : io::dtype::c64,
                  hdf5 ? io::extents{3, 5} : io::extents{2, 3, 4, 5, 6}));
    for (const char* what : {"word", "cells", "sparse", "nested"}) {
      CAPTURE(what);
      REQUIRE(file.find(what) != nullptr);
      const std::string kind = std::string(what) == "word"     ? "char"
                               : std::string(what) == "cells"  ? "cell"
                               : std::string(what) == "sparse" ? "sparse"
                                                               : "struct";
      CHECK(file.find(what)->class_name == kind);
      CHECK(!file.find(what)->type);
      CHECK_THROWS_WITH_AS(file.at(what), doctest::Contains(("found " + kind).c_str()),
                           cardiomm::io_error);
    }
    for (const char* what : {"none2", "scans(3).data", "scans.data", "nested.a.c", ""}) {
      CAPTURE(what);
      CHECK_THROWS_AS(file.at(what), cardiomm::io_error);
    }
    if (hdf5) continue;
    CHECK(is_ramp(file.at("twice"), io::dtype::c128, {3, 5, 7}));
    CHECK(is_ramp(file.at("single"), io::dtype::f32, {3, 5, 7}));
    CHECK(is_ramp(file.at("double"), io::dtype::f64, {3, 4}));
    const char* codes[] = {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"};
    for (int i = 0; i < 8; ++i) {
      CAPTURE(codes[i]);
      CHECK(is_ramp(file.at(codes[i]), static_cast<io::dtype>(1 + i), {3, 5}));
    }
  }
  const io::mat_file old(own_path("formats/v4.mat"));
  CHECK(old.names() == std::vector<std::string>{"a", "b"});
  CHECK(is_ramp(old.at("a"), io::dtype::f64, {3, 5}));
  CHECK(is_ramp(old.at("b"), io::dtype::c128, {2, 3}));
}

TEST_CASE("what is no MATLAB file, or only the start of one") {
  const scratch s;
  const auto has = [&](const std::string& bytes, const char* words) {
    spit(s / "f.mat", bytes);
    try {
      (void)io::mat_file(s / "f.mat").first().load();
    } catch (const cardiomm::io_error& e) {
      const std::string m = e.what();
      CAPTURE(m);
      CHECK(m.find(words) != std::string::npos);
      CHECK(m.find('\n') == std::string::npos);
      return m.find(words) != std::string::npos;
    }
    return false;
  };
  CHECK(has("", "found an empty file"));
  CHECK(has("x = [1 2 3];\n", "found text"));
  CHECK(has("<html><body>404</body></html>", "found an HTML page"));
  CHECK(has(std::string(1000, '\0'), "found zeros"));
  CHECK(has("\x1f\x8b\x08 and so on", "found gzip data"));
  CHECK(has("\x93NUMPY", "found a .npy file"));
  for (const char* name : {"formats/v5.mat", "formats/v7.mat", "formats/v4.mat"}) {
    const std::string good = slurp(own_path(name));
    CHECK(has(good.substr(0, good.size() - 20), "the file is truncated"));
  }
  const std::string good = slurp(own_path("formats/v7.mat"));
  CHECK(has(good.substr(0, 128), "found no variables"));
  CHECK(has(good.substr(0, 100), "found a MATLAB 5 file"));
  const std::string v73 = slurp(own_path("formats/v73.mat"));
  CHECK(has(v73.substr(0, 9000), "the file is truncated"));
  CHECK(has(v73.substr(0, 512), "found a MATLAB 7.3 file without its HDF5 part"));
}

TEST_CASE("what is written is read again, by SciPy and h5py too") {
  const scratch s;
  std::vector<std::pair<std::string, io::array>> v;
  for (const char* name : {"kspace", "mask", "nested.a.b", "i2", "none", "twice", "single", "u8"}) {
    std::string bare = name;
    std::replace(bare.begin(), bare.end(), '.', '_');
    v.emplace_back(bare, io::mat_file(own_path("formats/v7.mat")).at(name).load());
  }
  v.emplace_back("row", io::array{io::dtype::u8, {3}, std::vector<std::byte>(3)});
  v.emplace_back("reconimage", io::with_rank(v[6].second, 4));
  io::write_mat(s / "v5.mat", v);
  io::write_mat(s / "v73.mat", v, io::existing::replace, io::mat_version::v73);
  {
    io::mat_output out(s / "plain.mat");
    for (const auto& [name, a] : v) out.add(name, a, false);
    out.commit();
    io::mat_output left(s / "left.mat");
    left.add("kspace", v[0].second);
  }
  CHECK(s.count() == 3);
  for (const char* name : {"v5.mat", "v73.mat", "plain.mat"}) {
    CAPTURE(name);
    const io::mat_file file(s / name);
    for (const auto& [key, a] : v) {
      CAPTURE(key);
      const io::stored_array b = file.at(key);
      CHECK(b.type() == a.type);
      CHECK(b.shape() == (key == "row" ? io::extents{3, 1} : a.shape));
      CHECK(b.load().bytes == a.bytes);
    }
  }
  CHECK(slurp(s / "v73.mat").rfind("MATLAB 7.3 MAT-file", 0) == 0);
  CHECK(io::squeezed(v.back().second).shape == io::extents{3, 5, 7});
  io::mat_output out(s / "x.mat");
  CHECK_THROWS_AS(out.add("1x", v[0].second), cardiomm::value_error);
  CHECK_THROWS_AS(out.add("", v[0].second), cardiomm::value_error);
  PYTHON_OR_SKIP("h5py, scipy");
  spit(s / "check.py", R"(
import h5py, numpy as np, scipy.io
def ramp(shape, imag=False):
    i = np.arange(np.prod(shape))
    v = (7 * i % 113 - 20.).reshape(shape)
    return v + 1j * (3. - i).reshape(shape) if imag else v
for name in ('v5.mat', 'plain.mat'):
    m = scipy.io.loadmat(name)
    k = m['kspace']
    assert k.shape == (6, 5, 4, 3, 2) and k.dtype == 'c8' and (k.T == ramp((2, 3, 4, 5, 6), 1)).all()
    assert m['reconimage'].shape == (7, 5, 3, 1) and m['reconimage'].dtype == 'f4'
    assert (m['reconimage'].T[0] == ramp((3, 5, 7))).all()
    assert m['mask'].dtype == 'u1' and scipy.io.loadmat(name, mat_dtype=True, variable_names=['mask'])['mask'].dtype == bool
    assert m['twice'].dtype == 'c16' and m['row'].shape == (1, 3) and m['none'].shape == (0, 3)
    assert m['i2'].dtype == 'i2' and (m['i2'].T == ramp((3, 5))).all()
with h5py.File('v73.mat') as f:
    k = f['kspace'][()]
    assert (k['real'] + 1j * k['imag'] == ramp((2, 3, 4, 5, 6), 1)).all()
    assert f['kspace'].attrs['MATLAB_class'] == b'single' and f['mask'].attrs['MATLAB_class'] == b'logical'
    assert f['mask'].attrs['MATLAB_int_decode'] == 1 and f['none'].attrs['MATLAB_empty'] == 1
    assert f['none'][()].tolist() == [0, 3] and f.userblock_size == 512
)");
  CHECK(std::system(("cd '" + s.path().string() + "' && python3 check.py").c_str()) == 0);
}
