// SPDX-License-Identifier: Apache-2.0
/// \file
/// DICOM series: what DCMTK reads back, places of slices, folders that are replaced or kept.

#include "cardiomm/io/dicom.hpp"

#include <doctest/doctest.h>

#include <set>

#include "io/mutate.hpp"

namespace io = cardiomm::io;
namespace fs = std::filesystem;
using cardiomm::host_space;
using cardiomm::index_t;
using cardiomm::shape;

namespace {
auto ramp(const shape<4>& s, float scale) {
  auto t = cardiomm::make_tensor<float>(host_space{}, s);
  for (std::size_t i = 0; i < t.size(); ++i) t.data()[i] = scale * float(i % 997) / 997;
  return t;
}
}  // namespace

#if CARDIOMM_HAS_DCMTK

namespace {
std::string text_of(DcmFileFormat& f, const DcmTagKey& key) {
  OFString v;
  if (!f.getDataset()->findAndGetOFStringArray(key, v).good()) return "?";
  return v.c_str();
}
double number_of(DcmFileFormat& f, const DcmTagKey& key, unsigned long i = 0) {
  Float64 v = NAN;
  f.getDataset()->findAndGetFloat64(key, v, i);
  return v;
}
const Uint16* pixels_of(DcmFileFormat& f) {
  const Uint16* p = nullptr;
  f.getDataset()->findAndGetUint16Array(DCM_PixelData, p);
  return p;
}
}  // namespace

TEST_CASE("a cine series reads back: values, places, times, names") {
  const cardiomm_tests::scratch folder;
  const shape<4> s{{3, 2, 5, 7}};
  const auto images = ramp(s, 0.0123f);
  io::dicom_series series;
  series.where = io::dicom_geometry::axial(8, 1.5, 1.4, 2, 5, 7);
  series.frame_time = 37.5;
  series.patient_id = "P001";
  series.patient_name = "M\xc3\xbcller^J\xc3\xb6rg";
  series.series_description = "sense R 4";
  const auto files = io::write_dicom(folder / "out", images, series);
  REQUIRE(files.size() == 6);
  std::set<std::string> instances, of_series;
  for (index_t z = 0; z < 2; ++z)
    for (index_t f = 0; f < 3; ++f) {
      DcmFileFormat file;
      const std::string name = (fs::path(folder / "out") / files[std::size_t(z * 3 + f)]).string();
      REQUIRE(file.loadFile(name.c_str()).good());
      instances.insert(text_of(file, DCM_SOPInstanceUID));
      of_series.insert(text_of(file, DCM_SeriesInstanceUID));
      CHECK(text_of(file, DCM_SOPClassUID) == UID_MRImageStorage);
      CHECK(text_of(file, DCM_SpecificCharacterSet) == "ISO_IR 192");
      CHECK(text_of(file, DCM_ImageType) == "DERIVED\\PRIMARY\\OTHER");
      CHECK(text_of(file, DCM_PatientName) == series.patient_name);
      CHECK(text_of(file, DCM_PatientID) == "P001");
      CHECK(text_of(file, DCM_SeriesDescription) == "sense R 4");
      CHECK(text_of(file, DCM_PhotometricInterpretation) == "MONOCHROME2");
      CHECK(text_of(file, DCM_InstanceNumber) == std::to_string(z * 3 + f + 1));
      CHECK(number_of(file, DCM_TriggerTime) == 37.5 * double(f));
      CHECK(number_of(file, DCM_PixelSpacing, 0) == 1.5);  // rows first
      CHECK(number_of(file, DCM_PixelSpacing, 1) == 1.4);
      CHECK(number_of(file, DCM_SliceThickness) == 8);
      CHECK(number_of(file, DCM_ImagePositionPatient, 0) == doctest::Approx(-4.2));
      CHECK(number_of(file, DCM_ImagePositionPatient, 2) == doctest::Approx(z == 0 ? -4 : 4));
      CHECK(text_of(file, DCM_ImageOrientationPatient) == "1\\0\\0\\0\\1\\0");
      Uint16 rows = 0, columns = 0;
      file.getDataset()->findAndGetUint16(DCM_Rows, rows);
      file.getDataset()->findAndGetUint16(DCM_Columns, columns);
      CHECK(rows == 5);
      CHECK(columns == 7);
      const double slope = number_of(file, DCM_RescaleSlope);
      const double intercept = number_of(file, DCM_RescaleIntercept);
      const Uint16* p = pixels_of(file);
      REQUIRE(p != nullptr);
      double worst = 0;
      for (index_t i = 0; i < 35; ++i) {
        const double v = images.data()[(f * 2 + z) * 35 + i];
        worst = std::max(worst, std::abs(slope * p[i] + intercept - v));
      }
      CHECK(worst <= slope * 0.5000001);
      CHECK(slope < 0.0123 / 60000);
    }
  CHECK(instances.size() == 6);
  CHECK(of_series.size() == 1);
  for (const auto& uid : instances) {
    CHECK(uid.rfind("2.25.", 0) == 0);
    CHECK(uid.size() <= 64);
  }
}

TEST_CASE("the same input gives the same bytes; whole numbers are kept") {
  const cardiomm_tests::scratch folder;
  auto labels = cardiomm::make_tensor<float>(host_space{}, shape<4>{{1, 1, 3, 4}});
  for (int i = 0; i < 12; ++i) labels.data()[i] = float(i % 4 - 1);
  io::dicom_series series;
  series.uid_root = "1.2.826.0.1";
  const auto a = io::write_dicom(folder / "a", labels, series);
  io::write_dicom(folder / "b", labels, series);
  const auto first = cardiomm_tests::slurp((fs::path(folder / "a") / a[0]).string());
  CHECK(first.size() > 500);
  CHECK(first == cardiomm_tests::slurp((fs::path(folder / "b") / a[0]).string()));
  DcmFileFormat file;
  REQUIRE(file.loadFile((fs::path(folder / "a") / a[0]).string().c_str()).good());
  CHECK(number_of(file, DCM_RescaleSlope) == 1);
  CHECK(number_of(file, DCM_RescaleIntercept) == -1);
  CHECK(text_of(file, DCM_SOPInstanceUID).rfind("1.2.826.0.1.", 0) == 0);
  CHECK(text_of(file, DCM_TriggerTime) == "?");
  for (int i = 0; i < 12; ++i) CHECK(pixels_of(file)[i] == i % 4);
  // another series of the same study
  series.series_description = "other";
  const auto c = io::write_dicom(folder / "c", labels, series);
  DcmFileFormat other;
  REQUIRE(other.loadFile((fs::path(folder / "c") / c[0]).string().c_str()).good());
  CHECK(text_of(other, DCM_StudyInstanceUID) == text_of(file, DCM_StudyInstanceUID));
  CHECK(text_of(other, DCM_SeriesInstanceUID) != text_of(file, DCM_SeriesInstanceUID));
}

TEST_CASE("folders appear whole, and only those of .dcm files are replaced") {
  const cardiomm_tests::scratch folder;
  const auto small = ramp(shape<4>{{1, 1, 4, 4}}, 1), large = ramp(shape<4>{{2, 2, 4, 4}}, 1);
  io::write_dicom(folder / "x", large, {});
  CHECK_THROWS_AS(io::write_dicom(folder / "x", small, {}, io::existing::refuse),
                  cardiomm::io_error);
  io::write_dicom(folder / "x", small, {});
  CHECK(std::distance(fs::directory_iterator(folder / "x"), fs::directory_iterator()) == 1);
  cardiomm_tests::spit((fs::path(folder / "x") / "notes.txt").string(), "mine");
  CHECK_THROWS_AS(io::write_dicom(folder / "x", large, {}), cardiomm::io_error);
  CHECK(fs::exists(fs::path(folder / "x") / "notes.txt"));
  cardiomm_tests::spit(folder / "file", "text");
  CHECK_THROWS_AS(io::write_dicom(folder / "file", small, {}), cardiomm::io_error);
  CHECK_THROWS_AS(io::write_dicom(folder / "no/such/place", small, {}), cardiomm::io_error);
  auto bad = ramp(shape<4>{{1, 1, 4, 4}}, 1);
  bad.data()[5] = NAN;
  CHECK_THROWS_AS(io::write_dicom(folder / "nan", bad, {}), cardiomm::value_error);
  io::dicom_series series;
  series.patient_id = "a\\b";
  CHECK_THROWS_AS(io::write_dicom(folder / "text", small, series), cardiomm::value_error);
  series = {};
  series.uid_root = "1..2";
  CHECK_THROWS_AS(io::write_dicom(folder / "root", small, series), cardiomm::value_error);
  series = {};
  series.where.dx = 0;
  CHECK_THROWS_AS(io::write_dicom(folder / "size", small, series), cardiomm::value_error);
  // nothing is left of what failed
  std::set<std::string> left;
  for (const auto& e : fs::directory_iterator(fs::path(folder / "x").parent_path()))
    left.insert(e.path().filename().string());
  CHECK(left == std::set<std::string>{"file", "x"});
}

#else

TEST_CASE("without DCMTK the error says what is missing") {
  CHECK_THROWS_AS(io::write_dicom("series", ramp(shape<4>{{1, 1, 2, 2}}, 1), {}),
                  cardiomm::io_error);
}

#endif

TEST_CASE("an affine towards right and anterior becomes one towards left and posterior") {
  // x along -right, y along head, z along anterior, 2 x 3 x 5 mm
  const auto g =
      io::dicom_geometry::of_affine({-2, 0, 0, 10, 0, 0, 5, 20, 0, 3, 0, 30, 0, 0, 0, 1});
  CHECK(g.dx == 2);
  CHECK(g.dy == 3);
  CHECK(g.row == std::array<double, 3>{1, 0, 0});
  CHECK(g.column == std::array<double, 3>{0, 0, 1});
  CHECK(g.step == std::array<double, 3>{0, -5, 0});
  CHECK(g.origin == std::array<double, 3>{-10, -20, 30});
  CHECK_THROWS_AS(io::dicom_geometry::of_affine({}), cardiomm::value_error);
}

TEST_CASE("decimal strings have at most 16 characters and the digits that fit") {
  for (const double v : {0.1, -1.0 / 3, 1e-7 / 3, -1e-20 / 3, 123456789.123456789, -1e300 / 3}) {
    const std::string text = io::detail::decimal_string(v);
    CHECK(text.size() <= 16);
    CHECK(std::stod(text) == doctest::Approx(v).epsilon(1e-8));
  }
  CHECK(io::detail::decimal_string(8) == "8");
}
