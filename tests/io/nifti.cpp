// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/nifti.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <sstream>

#include "io/mutate.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm::io_error;
using cardiomm_tests::scratch;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;

namespace {
std::shared_ptr<const io::byte_source> in_memory(const std::string& bytes) {
  return std::make_shared<io::memory_source>("image.nii", bytes);
}
double sum_of(const io::stored_array& a) {
  const auto v = a.load().values<double>();
  return std::accumulate(v.begin(), v.end(), 0.0);
}
// The message of the error that reading gives, or "read".
std::string message(const std::string& bytes) {
  try {
    io::open_nifti(in_memory(bytes)).values.load();
    return "read";
  } catch (const io_error& e) {
    return e.what();
  }
}
template <class T>
std::string with(std::string bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(T));
  return bytes;
}
}  // namespace

// tests/data/make_nifti.py writes the files and what nibabel reads from them.
TEST_CASE("values, affine and spacing are nibabel's") {
  std::istringstream truth(slurp(own_path("formats/nifti_truth.txt")));
  std::string line;
  int files = 0;
  while (std::getline(truth, line)) {
    std::istringstream head(line);
    std::string name;
    bool is_complex = false;
    io::extents shape;
    head >> name >> is_complex;
    for (cardiomm::index_t n; head >> n;) shape.insert(shape.begin(), n);
    CAPTURE(name);
    const auto image = io::open_nifti(own_path("formats/" + name));
    CHECK(image.values.shape() == shape);
    const auto numbers = [&] {
      std::getline(truth, line);
      std::istringstream in(line);
      std::vector<double> v;
      for (double x; in >> x;) v.push_back(x);
      return v;
    };
    const auto affine = numbers();
    REQUIRE(affine.size() == 16);
    for (std::size_t i = 0; i < 16; ++i)
      CHECK(image.affine[i] == doctest::Approx(affine[i]).epsilon(1e-6));
    const auto zooms = numbers();
    const double mm = name == "nifti_two.nii.gz" ? 1e-3 : 1;
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(image.spacing[i] == doctest::Approx(i < zooms.size() ? zooms[i] * mm : 1));
    const auto values = numbers();
    const auto found = image.values.load().values<complex<double>>();
    REQUIRE(values.size() == found.size() * (is_complex ? 2 : 1));
    for (std::size_t i = 0; i < found.size(); ++i) {  // bit for bit
      CHECK(found[i].real() == values[is_complex ? 2 * i : i]);
      if (is_complex) CHECK(found[i].imag() == values[2 * i + 1]);
    }
    ++files;
  }
  CHECK(files == 12);
}

TEST_CASE("times, descriptions and the other parts of an image") {
  const auto cine = io::open_nifti(own_path("formats/nifti_cine_ms.nii.gz"));
  CHECK(cine.dt == doctest::Approx(0.0335));
  CHECK(cine.description == "four axes, ms");
  const auto scaled = io::open_nifti(own_path("formats/nifti_slope.nii.gz"));
  CHECK(scaled.stored.type() == io::dtype::i16);
  CHECK(scaled.values.type() == io::dtype::f64);
  CHECK(scaled.dt == 0);
  // parts of a scaled array are those of the whole
  const auto all = scaled.values.tensor<double, 3>();
  std::vector<double> part(2 * 2);
  scaled.values.read({{1, 1, 4}, {1, 2, 2}, {2, 2, 1}}, part.data());
  for (int y = 0; y < 2; ++y)
    for (int x = 0; x < 2; ++x) CHECK(part[std::size_t(2 * y + x)] == all(1, y + 1, x + 2));
  // either name of a pair opens it
  const auto pair = io::open_nifti(own_path("formats/nifti_pair.hdr"));
  CHECK(pair.values.shape() == io::extents{2, 3, 2});
}

TEST_CASE("files of two published sets") {
  SHARED_OR_SKIP(acdc, "data/cine_nifti_ed_es/acdc_sax_ed.nii.gz");
  const auto a = io::open_nifti(acdc);
  CHECK(a.values.type() == io::dtype::u8);
  CHECK(a.values.shape() == io::extents{10, 192, 192});
  CHECK(sum_of(a.values) == 29300425);
  CHECK(a.spacing == std::array<double, 3>{1, 1, 10});
  CHECK(a.affine[3] == doctest::Approx(-65.71875));
  SHARED_OR_SKIP(lax, "data/cine_nifti_ed_es/mnms2_lax_4c_ed.nii.gz");
  const auto l = io::open_nifti(lax);
  CHECK(l.values.shape() == io::extents{1, 256, 256});
  CHECK(sum_of(l.values) == 2327725);
  CHECK(l.affine[0] == doctest::Approx(-0.04058883711695671).epsilon(1e-7));
  CHECK(l.affine[10] == doctest::Approx(-0.8641747236251831).epsilon(1e-7));
  SHARED_OR_SKIP(label, "data/mnms_labels_A1D9Z7/ED_label.nii.gz");
  const auto m = io::open_nifti(label).values;
  int count[4] = {};
  for (const float v : m.load().values<float>()) ++count[static_cast<int>(v)];
  CHECK(count[1] == 12176);
  CHECK(count[2] == 17557);
  CHECK(count[3] == 12658);
}

TEST_CASE("what is written is read again, by us and by nibabel") {
  const scratch dir;
  io::array a;
  a.type = io::dtype::f32;
  a.shape = {3, 2, 4, 5};
  std::vector<float> values(120);
  for (std::size_t i = 0; i < 120; ++i) values[i] = float(i) * 0.375f - 3;
  a.bytes.resize(480);
  std::memcpy(a.bytes.data(), values.data(), 480);
  auto where = io::nifti_geometry::voxels(1.3, 1.4, 8, 0.033);
  where.description = "a test";
  for (const char* name : {"a.nii", "a.nii.gz"}) {
    io::write_nifti(dir / name, a, where);
    const auto back = io::open_nifti(dir / name);
    CHECK(back.values.shape() == a.shape);
    CHECK(back.values.load().values<float>() == values);
    CHECK(back.dt == doctest::Approx(0.033));
    CHECK(back.description == "a test");
    for (std::size_t i = 0; i < 16; ++i)
      CHECK(back.affine[i] == doctest::Approx(where.affine[i]).epsilon(1e-6));
  }
  const std::string once = slurp(dir / "a.nii.gz");
  io::write_nifti(dir / "a.nii.gz", a, where);
  CHECK(slurp(dir / "a.nii.gz") == once);
  CHECK(dir.count() == 2);
  if (std::system("python3 -c 'import nibabel' 2>/dev/null") != 0)
    return cardiomm_tests::report_skip("nibabel");
  const std::string code =
      "import nibabel as nib, numpy as np\n"
      "for n in ('a.nii', 'a.nii.gz'):\n"
      "  i = nib.load('" +
      (dir / "") +
      "' + n)\n"
      "  assert i.shape == (5, 4, 2, 3) and i.get_data_dtype() == np.float32, i.shape\n"
      "  assert np.array_equal(i.affine, np.diag(np.float32([1.3, 1.4, 8, 1])).astype(float))\n"
      "  assert i.header.get_zooms() == tuple(np.float32([1.3, 1.4, 8, 0.033]))\n"
      "  assert i.header.get_xyzt_units() == ('mm', 'sec')\n"
      "  v = np.asarray(i.dataobj).T.ravel()\n"
      "  assert np.array_equal(v, (np.arange(120, dtype=np.float32) * np.float32(0.375) - 3))\n";
  spit(dir / "check.py", code);
  CHECK(std::system(("python3 " + (dir / "check.py")).c_str()) == 0);
}

TEST_CASE("streams, types and limits of the output") {
  const scratch dir;
  std::vector<std::uint8_t> frame(20, 3);
  io::nifti_output out(dir / "s.nii.gz", io::dtype::u8, {2, 1, 4, 5}, {});
  out.write(frame.data(), 20);
  CHECK_THROWS_AS(out.complete(), io_error);
  CHECK_THROWS_AS(out.write(frame.data(), 21), io_error);
  out.write(frame.data(), 20);
  out.commit();
  CHECK(sum_of(io::open_nifti(dir / "s.nii.gz").values) == 120);
  CHECK_THROWS_AS(io::nifti_output(dir / "t.nii", io::dtype::u8, {1, 40000}, {}), io_error);
  CHECK_THROWS_AS(io::nifti_output(dir / "t.nii", io::dtype::u8, {0, 4}, {}), io_error);
  CHECK_THROWS_AS(io::nifti_output(dir / "t.nii", io::dtype::f16, {1, 4}, {}), io_error);
  CHECK(dir.count() == 1);
}

TEST_CASE("each kind of bad file has its message") {
  const std::string good = slurp(own_path("formats/nifti_qform.nii"));
  const std::string packed = slurp(own_path("formats/nifti_slope.nii.gz"));
  CHECK(message(good) == "read");
  CHECK(message("").find("expected a NIfTI header") != std::string::npos);
  CHECK(message(good.substr(0, 200)).find("found 200") != std::string::npos);
  CHECK(message(std::string(400, 'x')).find("found text") != std::string::npos);
  CHECK(message(good.substr(0, good.size() - 1)).find("bytes of values") != std::string::npos);
  CHECK(message(with(good, 344, 0)).find("Analyze") != std::string::npos);
  CHECK(message(with(good, 344, 'q')).find("magic") != std::string::npos);
  CHECK(message(with(good, 40, std::int16_t(8))).find("1 to 7 axes") != std::string::npos);
  CHECK(message(with(good, 42, std::int16_t(-3))).find("dim[1]") != std::string::npos);
  CHECK(message(with(good, 70, std::int16_t(128))).find("colours") != std::string::npos);
  CHECK(message(with(good, 70, std::int16_t(77))).find("code 77") != std::string::npos);
  CHECK(message(with(good, 108, 100.0f)).find("vox_offset") != std::string::npos);
  CHECK(message(with(good, 108, 1e30f)).find("vox_offset") != std::string::npos);
  CHECK(message(with(good, 108, NAN)).find("finite") != std::string::npos);
  CHECK(message(with(good, 256, 3.0f)).find("quatern") != std::string::npos);
  CHECK(message(with(good, 80, NAN)).find("pixdim") != std::string::npos);
  CHECK(message(with(with(good, 112, 2.0f), 116, NAN)).find("scl_inter") != std::string::npos);
  CHECK(message(with(good, 112, NAN)) == "read");  // no scaling
  CHECK(message(packed.substr(0, packed.size() - 5)).find("end early") != std::string::npos);
  CHECK(message(with(packed, packed.size() - 6, 'x')).find("damaged") != std::string::npos);
  // a small file that promises a lot: refused before anything is allocated
  std::string huge = with(with(good, 42, std::int16_t(32767)), 44, std::int16_t(32767));
  huge = with(huge, 46, std::int16_t(32767));
  CHECK(message(huge).find("expected 35181150961663 bytes") != std::string::npos);
  const scratch dir;
  {
    io::atomic_file f(dir / "huge.nii.gz");
    io::deflater pack(io::packing::gzip, [&](const void* p, std::size_t n) { f.write(p, n); });
    pack.write(huge.data(), huge.size());
    pack.finish();
    f.commit();
  }
  CHECK(message(slurp(dir / "huge.nii.gz")).find("cannot hold them") != std::string::npos);
  spit(dir / "alone.hdr", slurp(own_path("formats/nifti_pair.hdr")));
  CHECK_THROWS_AS(io::open_nifti(dir / "alone.hdr"), io_error);
  CHECK(message(slurp(dir / "alone.hdr")).find("pair") != std::string::npos);
}

TEST_CASE("changed files are read or refused") {
  std::mt19937 random(5);
  int good = 0, bad = 0;
  for (const char* name : {"nifti_qform.nii", "nifti_slope.nii.gz", "nifti_two_big.nii"}) {
    const std::string original = slurp(own_path(std::string("formats/") + name));
    REQUIRE(!original.empty());
    for (int i = 0; i < 1500; ++i) {
      const std::string changed = cardiomm_tests::mutate(original, random, 400);
      message(changed) == "read" ? ++good : ++bad;
    }
  }
  CHECK(good > 200);
  CHECK(bad > 500);
}
