// SPDX-License-Identifier: Apache-2.0
/// \file
/// Data sets as folders: trees of empty files in the published layouts, started at every level.

#include "cardiomm/io/dataset.hpp"
#include "cardiomm/io/dataset_names.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "io/mutate.hpp"

namespace io = cardiomm::io;
namespace fs = std::filesystem;
using cardiomm_tests::scratch;
using io::dataset_layout;

namespace {

void put(const fs::path& file) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << "";
}
struct tree : scratch {
  void add(std::initializer_list<const char*> files) const {
    for (const char* f : files) put(path() / f);
  }
  io::dataset read(const std::string& inside = {}) const {
    return io::read_dataset((path() / inside).string());
  }
};
const io::dataset_scan& scan_named(const io::dataset& d, const char* name,
                                   const char* patient = nullptr) {
  for (const auto& s : d.scans)
    if (s.name == name && (patient == nullptr || s.patient == patient)) return s;
  throw std::runtime_error(std::string("no ") + name);
}
bool told(const io::dataset& d, const std::string& path, const std::string& reason) {
  for (const auto& p : d.problems)
    if (p.path.find(path) != std::string::npos && p.reason.find(reason) != std::string::npos)
      return true;
  return false;
}
std::string files_of(const io::dataset& d) {
  std::string all;
  for (const auto& s : d.scans) {
    all += s.file() + "|" + s.info + "|" + s.reference;
    for (const auto& m : s.masks) all += "|" + m.path;
    for (const auto& u : s.undersampled) all += "|" + u.path;
    all += "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("names of masks, scanners, folders and data") {
  const auto m = io::sampling_of_name("cine_sax_mask_ktGaussian16", "mask");
  REQUIRE(m);
  CHECK(m->data == "cine_sax");
  CHECK(m->pattern == "ktGaussian");
  CHECK(m->acceleration == 16);
  CHECK(m->good);
  const auto last = io::sampling_of_name("odd_mask_name_mask_Uniform8", "mask");
  CHECK(last->data == "odd_mask_name");
  CHECK(io::sampling_of_name("cine_sax_mask", "mask")->pattern.empty());
  CHECK(io::sampling_of_name("cine_sax_mask", "mask")->good);
  for (const char* bad : {"a_mask_Uniform", "a_mask_8", "a_mask_Uniform8x", "a_mask_"})
    CHECK_FALSE(io::sampling_of_name(bad, "mask")->good);
  CHECK_FALSE(io::sampling_of_name("cine_sax", "mask"));
  CHECK(io::sampling_of_name("cine_lax_kus_Uniform8", "kus")->data == "cine_lax");

  const std::pair<const char*, double> fields[] = {{"055T", 0.55}, {"15T", 1.5}, {"30T", 3},
                                                   {"50T", 5},     {"3T", 3},    {"1.5T", 1.5},
                                                   {"T", 0},       {"xT", 0},    {"30", 0}};
  for (const auto& f : fields) {
    const char* const token = f.first;
    const double tesla = f.second;
    CAPTURE(token);
    const auto s = io::scanner_of_folder(std::string("UIH_") + token + "_umr780");
    REQUIRE(s);
    CHECK(s->vendor == "UIH");
    CHECK(s->scanner == "umr780");
    CHECK(s->field == doctest::Approx(tesla));
  }
  CHECK_FALSE(io::scanner_of_folder("Siemens_30T"));
  CHECK_FALSE(io::scanner_of_folder("Siemens_30T_CIMA_X"));

  CHECK(*io::modality_of_folder("flow2D") == "Flow2d");
  CHECK_FALSE(io::modality_of_folder("Cines"));
  CHECK(*io::modality_of_data("T1mappost_sax") == "Mapping");
  CHECK(*io::modality_of_data("T1rho_sax") == "T1rho");
  CHECK(io::view_of_data("cine_lax_4ch") == "lax");
  CHECK(io::view_of_data("cine_lvot") == "lvot");
  CHECK(io::view_of_data("T1map").empty());
  CHECK(*io::set_of_folder("trainingset") == "TrainingSet");
  CHECK(*io::set_of_folder("PilotSet") == "PilotSet");
  CHECK_FALSE(io::set_of_folder("data"));
  CHECK(io::acceleration_of_folder("AccFactor08") == 8);
  CHECK(io::stem_of("cine_sax_sos.nii.gz") == "cine_sax_sos");
  CHECK(io::ending_of("A.NII.GZ") == ".nii.gz");
}

TEST_CASE("CMRxRecon2025 and MMCMR: everything that belongs to a measurement") {
  tree t;
  t.add({"Cine/TestSet/FullSample/Center001/Siemens_30T_Vida/P001/cine_sax.mat",
         "Cine/TestSet/FullSample/Center001/Siemens_30T_Vida/P001/cine_sax_info.csv",
         "Cine/TestSet/FullSample/Center001/Siemens_30T_Vida/P001/cine_sax.csv",
         "Cine/TestSet/FullSample/Center001/Siemens_30T_Vida/P001/cine_lax_4ch.mat",
         "Cine/TestSet/FullSample/Center002/UIH_055T_umr670/P001/cine_sax.mat",
         "Cine/TestSet/Mask_TaskAll/Center001/Siemens_30T_Vida/P001/cine_sax_mask_Uniform8.mat",
         "Cine/TestSet/Mask_TaskAll/Center001/Siemens_30T_Vida/P001/cine_sax_mask_ktRadial16.mat",
         "Cine/TestSet/Mask_TaskAll/Center002/UIH_055T_umr670/P001/cine_sax_mask_Uniform8.mat",
         "Cine/TestSet/GTSOS/Center001/Siemens_30T_Vida/P001/cine_sax.mat",
         "Cine/TestSet/ZFSOS_TaskAll/Center001/Siemens_30T_Vida/P001/cine_sax_mask_Uniform8.mat",
         "LGE/TrainingSet/FullSample/Center013/GE_15T_voyager/P007/lge_sax.mat",
         "Cine/ValidationSet/UnderSample_TaskR1/Center003/UIH_30T_umr880/P002/"
         "cine_sax_kus_ktUniform4.mat",
         "Cine/ValidationSet/Mask_TaskR1/Center003/UIH_30T_umr880/P002/"
         "cine_sax_mask_ktUniform4.mat"});
  const auto d = t.read();
  CHECK(d.problems.empty());
  REQUIRE(d.scans.size() == 5);
  const auto& s = d.scans[1];
  CHECK(s.name == "cine_sax");
  CHECK(s.layout == dataset_layout::cmrxrecon2025);
  CHECK(s.modality == "Cine");
  CHECK(s.set == "TestSet");
  CHECK(s.centre == "Center001");
  CHECK(s.patient == "P001");
  CHECK(s.view == "sax");
  CHECK(s.device.vendor == "Siemens");
  CHECK(s.device.scanner == "Vida");
  CHECK(s.device.field == 3);
  CHECK(s.info.find("cine_sax_info.csv") != std::string::npos);
  CHECK(s.reference.find("GTSOS/Center001") != std::string::npos);
  REQUIRE(s.masks.size() == 2);
  CHECK(s.masks[0].pattern == "Uniform");
  CHECK(s.masks[1].pattern == "ktRadial");
  CHECK(s.masks[1].acceleration == 16);
  CHECK(s.masks[1].task == "TaskAll");
  CHECK(s.derived.size() == 1);
  CHECK(d.scans[2].device.field == doctest::Approx(0.55));
  CHECK(d.scans[2].masks.size() == 1);
  const auto& only = scan_named(d, "cine_sax", "P002");  // no full k-space was published
  CHECK(only.kspace.empty());
  REQUIRE(only.undersampled.size() == 1);
  CHECK(only.undersampled[0].acceleration == 4);
  CHECK(only.masks.size() == 1);
  CHECK(only.file() == only.undersampled[0].path);

  SUBCASE("from any folder inside") {
    for (const char* inside :
         {"Cine/TestSet", "Cine/TestSet/FullSample", "Cine/TestSet/Mask_TaskAll"}) {
      CAPTURE(inside);
      const auto part = t.read(inside);
      CHECK(part.problems.empty());
      REQUIRE(part.scans.size() == 3);
      CHECK(part.scans[1].modality == "Cine");
      CHECK(part.scans[1].masks.size() == 2);
    }
    const auto one = t.read("Cine/TestSet/FullSample/Center001/Siemens_30T_Vida/P001/");
    REQUIRE(one.scans.size() == 2);
    CHECK(one.scans[1].masks.size() == 2);
    CHECK_FALSE(one.scans[1].reference.empty());
    CHECK(one.scans[1].device.vendor == "Siemens");
    CHECK(t.read("Cine/TestSet/FullSample/Center002").scans.size() == 1);
  }
  SUBCASE("twice the same") { CHECK(files_of(t.read()) == files_of(d)); }
  SUBCASE("links: loops end, folders are read once") {
    fs::create_directory_symlink(t.path() / "Cine", t.path() / "Cine/loop");
    fs::create_directory_symlink(t.path() / "LGE", t.path() / "Tagging");
    fs::create_symlink(t.path() / "nothing", t.path() / "LGE/broken.mat");
    const auto linked = t.read();
    CHECK(linked.scans.size() == 5);
    CHECK(told(linked, "Cine/loop", "read there"));
    CHECK(told(linked, "Tagging", "is the folder"));
    CHECK(told(linked, "broken.mat", "link to nothing"));
  }
}

TEST_CASE("CMRxRecon2024") {
  tree t;
  t.add({"MultiCoil/Cine/TrainingSet/FullSample/P001/cine_lax.mat",
         "MultiCoil/Cine/TrainingSet/ImgSnapshot/P001/cine_lax_info.csv",
         "MultiCoil/Cine/TrainingSet/ImgSnapshot/P001/cine_lax_sos.nii.gz",
         "MultiCoil/Cine/TrainingSet/Mask_Task2/P001/cine_lax_mask_ktRadial12.mat",
         "MultiCoil/Cine/TrainingSet/Mask_Task1/P001/cine_lax_mask_Uniform08.mat",
         "MultiCoil/Cine/TrainingSet/UnderSample_Task1/P001/cine_lax_kus_Uniform8.mat",
         "MultiCoil/Aorta/TrainingSet/FullSample/P002/aorta_sag.mat"});
  const auto d = t.read();
  CHECK(d.problems.empty());
  REQUIRE(d.scans.size() == 2);
  CHECK(d.scans[0].modality == "Aorta");
  CHECK(d.scans[0].view == "sag");
  const auto& s = d.scans[1];
  CHECK(s.layout == dataset_layout::cmrxrecon2024);
  CHECK(s.coils == "MultiCoil");
  CHECK(s.device.field == 3);
  CHECK(s.info.find("ImgSnapshot") != std::string::npos);
  CHECK(s.reference.find("sos.nii.gz") != std::string::npos);
  REQUIRE(s.masks.size() == 2);
  CHECK(s.masks[0].acceleration == 8);
  CHECK(s.masks[1].task == "Task2");
  CHECK(s.undersampled.size() == 1);
  CHECK(t.read("MultiCoil/Cine/TrainingSet/FullSample/P001").scans.at(0).masks.size() == 2);
}

TEST_CASE("CMRxRecon2023, in any case") {
  tree t;
  t.add({"MultiCoil/Cine/trainingset/Fullsample/P001/cine_sax.mat",
         "MultiCoil/Cine/trainingset/AccFactor04/P001/cine_sax.mat",
         "MultiCoil/Cine/trainingset/AccFactor04/P001/cine_sax_mask.mat",
         "MultiCoil/Cine/trainingset/AccFactor10/P001/cine_sax.mat",
         "MultiCoil/Cine/trainingset/SegmentROI/P001/cine_sax_label.nii.gz",
         "MultiCoil/mapping/TrainingSet/FullSample/P001/T1map.mat",
         "MultiCoil/mapping/TrainingSet/FullSample/P001/T1map.csv",
         "SingleCoil/Cine/ValidationSet/AccFactor08/P121/cine_lax.mat"});
  const auto d = t.read();
  CHECK(d.problems.empty());
  REQUIRE(d.scans.size() == 3);
  const auto& s = scan_named(d, "cine_sax");
  CHECK(s.layout == dataset_layout::cmrxrecon2023);
  CHECK(s.set == "TrainingSet");
  REQUIRE(s.undersampled.size() == 2);
  CHECK(s.undersampled[0].acceleration == 4);
  CHECK(s.undersampled[1].acceleration == 10);
  REQUIRE(s.masks.size() == 1);
  CHECK(s.masks[0].pattern == "Uniform");
  CHECK(s.masks[0].acceleration == 4);
  CHECK(s.segmentations.size() == 1);
  const auto& m = scan_named(d, "T1map");
  CHECK(m.modality == "Mapping");
  CHECK(m.layout == dataset_layout::cmrxrecon2023);
  CHECK(m.info.find("T1map.csv") != std::string::npos);
  const auto& v = scan_named(d, "cine_lax");
  CHECK(v.coils == "SingleCoil");
  CHECK(v.kspace.empty());
  const auto inside = t.read("MultiCoil/Cine/trainingset/Fullsample/P001");
  CHECK(inside.scans.at(0).layout == dataset_layout::cmrxrecon2023);
}

TEST_CASE("plain folders") {
  tree t;
  t.add({"a/scan.npy", "a/scan_mask_ktGaussian8.npy", "a/scan_info.csv", "b/kspace.npy",
         "b/mask.npy", "b/maps.npy", "b/image.npy", "b/notes.txt", "c/one.cfl", "c/one.hdr",
         "c/two.npy", "c/mask.npy", "a/GTSOS/scan.mat", "a/ZFSOS_TaskAll/scan_mask_ktGaussian8.mat",
         ".hidden/x.npy", "a/.scan.npy.7.0.part"});
  const auto d = t.read();
  REQUIRE(d.scans.size() == 4);
  const auto& s = scan_named(d, "scan");
  CHECK(s.layout == dataset_layout::plain);
  CHECK(s.modality == "unknown");
  CHECK(s.masks.at(0).pattern == "ktGaussian");
  CHECK(s.info.find("scan_info.csv") != std::string::npos);
  CHECK(scan_named(d, "kspace").masks.size() == 1);
  CHECK(told(d, "maps.npy", "no k-space by its name"));
  CHECK(told(d, "c/mask.npy", "found 2"));
  CHECK(d.ignored.at(".txt") == 1);
  CHECK(d.problems.size() == 3);
}

TEST_CASE("what cannot be placed is told with its reason, and the rest is found") {
  tree t;
  t.add({"Cine/TestSet/FullSample/Center001/Siemens_30T_CIMA_X/P001/cine_sax.mat",
         "Cine/TestSet/FullSample/Center001/Siemens_30T_Vida/Patient1/cine_sax.mat",
         "Cine/TestSet/FullSample/Center001/Siemens_strong_Vida/P004/cine_sax.mat",
         "Cine/TestSet/FullSample/Center001/Siemens_30T_Vida/P002/cine_sax.mat",
         "Cine/TestSet/FullSample/Center001/Siemens_30T_Vida/P002/cine_sax.npy",
         "Cine/TestSet/Mask_TaskAll/Center001/Siemens_30T_Vida/P002/cine_lax_mask_Uniform8.mat",
         "Cine/TestSet/Mask_TaskAll/Center001/Siemens_30T_Vida/P002/cine_sax_mask_Uniform.mat",
         "Cine/TestSet/Mask_TaskAll/Center001/Siemens_30T_Vida/P002/strange.mat",
         "Cine/TestSet/GTSOS/Center001/Siemens_30T_Vida/P003/cine_sax.mat",
         "Ultrasound/TestSet/FullSample/Center001/Siemens_30T_Vida/P002/us_sax.mat",
         "Cine/TestSet/FullSample/Center001/P009/cine_sax.mat"});
  const auto d = t.read();
  CHECK(d.scans.size() == 6);
  CHECK(told(d, "CIMA_X", "two underscores"));
  CHECK(told(d, "Siemens_strong_Vida", "expected a field"));
  CHECK(told(d, "Patient1", "P and three digits"));
  CHECK(told(d, "cine_sax.npy", "second k-space"));
  CHECK(told(d, "cine_lax_mask_Uniform8.mat", "mask without k-space cine_lax"));
  CHECK(told(d, "cine_sax_mask_Uniform.mat", "{Pattern}{R}"));
  CHECK(told(d, "strange.mat", "{Pattern}{R}"));
  CHECK(told(d, "P003/cine_sax.mat", "image without k-space"));
  CHECK(told(d, "Ultrasound", "unknown modality"));
  CHECK(told(d, "Center001/P009", "expected folders Center/"));
  CHECK(scan_named(d, "us_sax").modality == "unknown");
}

TEST_CASE("a folder that is missing, or a file") {
  tree t;
  t.add({"file.npy"});
  CHECK_THROWS_WITH_AS(t.read("nothing"), doctest::Contains("found nothing"), cardiomm::io_error);
  CHECK_THROWS_WITH_AS(t.read("file.npy"), doctest::Contains("found a file"), cardiomm::io_error);
}
