// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/training_files.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/train/masked.hpp"
#include "cardiomm/train/order.hpp"
#include "cardiomm/train/prefetch.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
namespace fs = std::filesystem;

namespace {

/// A folder that goes away.
struct folder {
  fs::path path;
  folder() {
    std::string p = (fs::temp_directory_path() / "cardiomm_training_XXXXXX").string();
    REQUIRE(mkdtemp(p.data()) != nullptr);
    path = p;
  }
  ~folder() {
    std::error_code none;
    fs::remove_all(path, none);
  }
  std::string operator/(const std::string& name) const {
    fs::create_directories((path / name).parent_path());
    return (path / name).string();
  }
};

constexpr index_t coils = 3, ny = 12, nx = 16;

/// k-space of image (t, z) of a file: smooth, with a phase, different everywhere.
train::coil_images image_kspace(std::uint64_t file, index_t t, index_t z) {
  const auto c = make_tensor<complex<float>>(host_space{}, shape{index_t(1), coils, ny, nx});
  for (index_t k = 0; k < coils; ++k)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        const double r = std::hypot(double(y - 5) / 4, double(x - 7 - t) / 5);
        const double m = std::exp(-r * r) * (1 + 0.1 * double(z) + 0.01 * double(file));
        const double a = 0.3 * double(k * x) + 0.2 * double(y) + double(k) * double(t + 1);
        const double s = 1 / (1 + 0.2 * double(k) + 0.05 * double((k + 1) * x));
        c(0, k, y, x) = complex<float>(float(s * m * std::cos(a)), float(s * m * std::sin(a)));
      }
  return train::kspace_of(c);
}
struct kinds {
  std::string vendor = "Siemens", field = "30T", modality = "cine", view = "sax", patient;
  index_t frames = 3, slices = 2;
  int deflate = 0;
  float bad_target = 0;  // instead of a pixel of the last image
  bool bad_kspace = false;
};
void write(const std::string& path, std::uint64_t number, const kinds& k) {
  io::fastmri_scan scan;
  scan.center = "Center001";
  scan.vendor = k.vendor;
  scan.field = k.field;
  scan.scanner = "Vida";
  scan.modality = k.modality;
  scan.view = k.view;
  scan.patient_id = k.patient;
  io::fastmri_output out(path, {k.frames, k.slices, coils, ny, nx}, scan, k.deflate);
  for (index_t t = 0; t < k.frames; ++t)
    for (index_t z = 0; z < k.slices; ++z) {
      auto kspace = image_kspace(number, t, z);
      const auto rss = train::root_sum_of_squares(train::images_of(kspace));
      const bool last = t + 1 == k.frames && z + 1 == k.slices;
      if (last && k.bad_target != 0) rss(3, 3) = k.bad_target;
      if (last && k.bad_kspace) kspace(0, 1, 2, 2) = complex<float>(NAN, 0);
      out.add(kspace.data(), rss.data());
    }
  out.commit();
}
template <class A, class B>
bool same_bits(const A& a, const B& b, std::size_t n) {
  return std::memcmp(a, b, n * sizeof(*a)) == 0;
}
template <class A, class B>
double distance(const A& a, const B& b) {
  REQUIRE(shape_of(a) == shape_of(b));
  double d = 0, n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    d += double(abs2(a.data()[i] - b.data()[i]));
    n += double(abs2(b.data()[i]));
  }
  return std::sqrt(d / n);
}
std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("training files: every frame of every slice, bit for bit, with its texts") {
  const folder dir;
  kinds a;
  a.patient = "Cine/TrainingSet/h5_FullSample/Center001/Siemens_30T_Vida/P001/cine_sax.h5";
  write(dir / "Cine/train/P0001/cine_sax.h5", 0, a);
  kinds b = a;
  b.vendor = "GE";
  b.field = "15T";
  b.view = "lax";
  b.slices = 1;
  b.deflate = 4;  // packed: read by another process
  b.patient = "Cine/TrainingSet/h5_FullSample/Center001/GE_15T_voyager/P002/cine_lax.h5";
  write(dir / "Cine/train/P0002/cine_lax.h5", 1, b);
  std::ofstream(dir / "split.csv") << "not a training file";
  const train::training_files files(dir.path.string());
  REQUIRE(files.size() == 6 + 3);
  CHECK(files.files() ==
        std::vector<std::string>{"Cine/train/P0001/cine_sax.h5", "Cine/train/P0002/cine_lax.h5"});
  CHECK(files.subjects() ==
        std::set<std::string>{"Center001/Siemens_30T_Vida/P001", "Center001/GE_15T_voyager/P002"});
  float most = 0;
  for (index_t i = 0; i < 6; ++i) {
    const auto f = files.get(7, i);
    const auto expected = image_kspace(0, i / 2, i % 2);
    const auto rss = train::root_sum_of_squares(train::images_of(expected));
    REQUIRE(shape_of(f.kspace) == shape<4>{{1, coils, ny, nx}});
    CHECK(same_bits(f.kspace.data(), expected.data(), expected.size()));
    CHECK(same_bits(f.target.data(), rss.data(), rss.size()));
    most = std::max(most, *std::max_element(rss.data(), rss.data() + rss.size()));
    CHECK(f.name == "Cine/train/P0001/cine_sax.h5 frame " + std::to_string(i / 2) + " slice " +
                        std::to_string(i % 2));
    CHECK(f.subject == "Center001/Siemens_30T_Vida/P001");
    CHECK(nn::text::metadata_prompt(f.acquisition) ==
          "Adult cardiac MRI reconstruction.Vendor: 3.0T, Siemens, Vida. Modality: cine, "
          "short-axis.");
  }
  CHECK(files.get(0, 0).data_range == most);  // of the whole volume
  const auto f = files.get(0, 8);
  CHECK(same_bits(f.kspace.data(), image_kspace(1, 2, 0).data(), f.kspace.size()));
  CHECK(f.name == "Cine/train/P0002/cine_lax.h5 frame 2");
  CHECK(f.acquisition.field == "1.5T");
  CHECK(files.groups_of(8).at("vendor") == "GE");
  CHECK(files.groups_of(0).at("center") == "Center001");
  CHECK_THROWS_AS(files.get(0, 9), value_error);
  const train::training_files again(dir.path.string());
  CHECK(files.description() == again.description());
}

TEST_CASE("training files: neighbours at the ends, along frames and along slices") {
  const folder dir;
  kinds k;
  k.frames = 4;
  k.slices = 2;
  write(dir / "a.h5", 3, k);
  const auto expect = [&](bool cyclic, bool slices, index_t i,
                          const std::vector<std::pair<index_t, index_t>>& images) {
    train::training_files_options o;
    o.neighbours = index_t(images.size());
    o.cyclic = cyclic;
    o.along_slices = slices;
    const auto f = train::training_files(dir.path.string(), o).get(0, i);
    REQUIRE(f.kspace.extent(0) == images.size());
    for (std::size_t n = 0; n < images.size(); ++n) {
      const auto expected = image_kspace(3, images[n].first, images[n].second);
      CHECK(same_bits(f.kspace.data() + n * expected.size(), expected.data(), expected.size()));
    }
    const auto& mid = images[images.size() / 2];
    const auto rss =
        train::root_sum_of_squares(train::images_of(image_kspace(3, mid.first, mid.second)));
    CHECK(same_bits(f.target.data(), rss.data(), rss.size()));
  };
  expect(false, false, 1, {{0, 1}, {0, 1}, {1, 1}});
  expect(true, false, 1, {{3, 1}, {0, 1}, {1, 1}});
  expect(false, false, 4, {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {3, 0}});
  expect(true, false, 6, {{1, 0}, {2, 0}, {3, 0}, {0, 0}, {1, 0}});
  expect(false, true, 2, {{1, 0}, {1, 0}, {1, 1}});
  expect(true, true, 3, {{1, 0}, {1, 1}, {1, 0}});
}

TEST_CASE("training files: crops keep the image, virtual coils keep the energy") {
  const folder dir;
  write(dir / "a.h5", 5, {});
  const auto whole = train::training_files(dir.path.string()).get(0, 0);
  train::training_files_options o;
  o.crop_y = 8;
  o.crop_x = 10;
  const auto part = train::training_files(dir.path.string(), o).get(0, 0);
  REQUIRE(shape_of(part.target) == shape<2>{{8, 10}});
  REQUIRE(shape_of(part.kspace) == shape<4>{{1, coils, 8, 10}});
  const auto expected = mri::centre_crop(train::images_of(whole.kspace), shape_of(part.kspace));
  CHECK(distance(train::images_of(part.kspace), expected) < 1e-6);
  CHECK(distance(part.target, mri::centre_crop(whole.target, shape_of(part.target))) < 1e-6);
  CHECK(part.data_range == whole.data_range);
  o = {};
  o.half_readout = true;
  o.crop_y = 100;
  const auto half = train::training_files(dir.path.string(), o).get(0, 0);
  CHECK(distance(half.target, mri::centre_crop(whole.target, shape<2>{{ny, nx / 2}})) < 1e-6);
  o = {};
  o.coils = 2;
  o.neighbours = 3;
  const auto fewer = train::training_files(dir.path.string(), o).get(0, 0);
  REQUIRE(shape_of(fewer.kspace) == shape<4>{{3, 2, ny, nx}});
  CHECK(distance(train::root_sum_of_squares(train::images_of(fewer.kspace)), fewer.target) < 1e-6);
  double all = 0, kept = 0;
  for (std::size_t i = 0; i < whole.kspace.size(); ++i) all += double(abs2(whole.kspace.data()[i]));
  for (index_t i = 0; i < 2 * ny * nx; ++i)
    kept += double(abs2(fewer.kspace.data()[2 * ny * nx + i]));
  CHECK(kept < all);
  CHECK(kept > 0.8 * all);
}

TEST_CASE("training files: a choice of them, and a split by subjects that never leak") {
  const folder dir;
  for (int p = 0; p < 20; ++p)
    for (const std::string m : {"Cine", "LGE"}) {
      kinds k;
      k.frames = 2;
      k.slices = 1;
      k.vendor = p % 2 ? "UIH" : "Siemens";
      k.modality = m == "Cine" ? "cine" : "lge";
      k.patient = m + "/TrainingSet/h5_FullSample/Center001/A_30T_B/P0" + std::to_string(10 + p) +
                  "/file.h5";
      write(dir / (m + (p < 15 ? "/train/" : "/val/") + "P" + std::to_string(p) + "/file.h5"),
            std::uint64_t(p), k);
    }
  const std::string root = dir.path.string();
  train::training_files_options o;
  o.part = train::split_part::training;
  o.validation_share = 0.3;
  const train::training_files training(root, o);
  o.part = train::split_part::validation;
  const train::training_files validation(root, o);
  CHECK(training.size() + validation.size() == 80);
  CHECK(validation.size() > 0);
  const auto a = training.subjects(), b = validation.subjects();
  CHECK(a.size() + b.size() == 20);  // both modalities of a person in the same part
  for (const auto& s : b) CHECK(a.count(s) == 0);
  // a choice changes no one's part
  o.only = {{"modality", {"LGE"}}, {"vendor", {"siemens"}}};
  const train::training_files some(root, o);
  for (const auto& s : some.subjects()) CHECK(b.count(s) == 1);
  for (index_t i = 0; i < some.size(); ++i) {
    CHECK(some.groups_of(i).at("vendor") == "Siemens");
    CHECK(some.groups_of(i).at("modality") == "late Gadolinium enhancement");
  }
  o = {};
  o.below = {"val"};
  CHECK(train::training_files(root, o).size() == 20);
  o.below = {"file.h5"};
  CHECK_THROWS_AS(train::training_files(root, o), io_error);
  o = {};
  o.share_of_frames = 0.5;
  const train::training_files frames(root, o);
  CHECK(frames.size() > 25);
  CHECK(frames.size() < 55);
  o = {};
  o.share_of_files = 0.5;
  const train::training_files half(root, o);
  CHECK(half.files().size() > 11);
  CHECK(half.files().size() < 29);
  CHECK(half.size() == 2 * index_t(half.files().size()));
  o = {};
  o.only = {{"modality", {"perfusion"}}};
  CHECK(message([&] { train::training_files(root, o); }).find("none of 40 files") !=
        std::string::npos);
  o.only = {{"colour", {"red"}}};
  CHECK(message([&] { train::training_files(root, o); }).find("found 'colour'") !=
        std::string::npos);
}

TEST_CASE("training files: what is damaged is named, or left out with a list") {
  const folder dir;
  write(dir / "good.h5", 1, {});
  std::ofstream(dir / "text.h5") << "this is no HDF5 file";
  write(dir / "short.h5", 2, {});
  fs::resize_file(dir / "short.h5", 3000);
  const std::string root = dir.path.string();
  const std::string all = message([&] { train::training_files{root}; });
  CHECK(all.find(root + ": 2 of 3 training files cannot be used: ") == 0);
  CHECK(all.find("short.h5") != std::string::npos);
  CHECK(all.find("text.h5: expected an HDF5 file, found text") != std::string::npos);
  CHECK(all.find('\n') == std::string::npos);
  train::training_files_options o;
  o.skip_damaged = true;
  const train::training_files files(root, o);
  CHECK(files.size() == 6);
  CHECK(files.skipped().size() == 2);

  kinds k;
  k.bad_target = NAN;
  write(dir / "text.h5", 3, k);
  k.bad_target = 0;
  k.bad_kspace = true;
  write(dir / "short.h5", 4, k);
  const train::training_files lazy(root);
  CHECK(lazy.size() == 18);
  CHECK(message([&] { (void)lazy.get(0, 11); }) ==
        root +
            "/short.h5: short.h5 frame 2 slice 1: k-space: expected finite values, found NaN or "
            "Inf");
  CHECK(message([&] { (void)lazy.get(0, 17); }) ==
        root +
            "/text.h5: text.h5 frame 2 slice 1: target: expected finite values, found NaN or "
            "Inf");
  o.read_all = true;
  const train::training_files sound(root, o);
  CHECK(sound.size() == 16);
  REQUIRE(sound.skipped().size() == 2);
  CHECK(sound.skipped()[0].find("frame 2 slice 1: k-space") != std::string::npos);
  for (index_t i = 0; i < sound.size(); ++i) (void)sound.get(0, i);

  CHECK(message([&] { train::training_files(root + "/nowhere"); }).find("cannot be read") !=
        std::string::npos);
  CHECK(message([&] { train::training_files(root + "/good.h5"); }).find("expected a folder") !=
        std::string::npos);
  const folder empty;
  CHECK(message([&] { train::training_files(empty.path.string()); }).find("found none") !=
        std::string::npos);
  o = {};
  o.neighbours = 2;
  CHECK_THROWS_AS(train::training_files(root, o), value_error);
  // a file that becomes another one later
  write(dir / "text.h5", 3, {});
  write(dir / "short.h5", 4, {});
  const train::training_files before(root);
  kinds longer;
  longer.frames = 5;
  write(dir / "good.h5", 1, longer);
  CHECK(message([&] { (void)before.get(0, 0); }).find("as when training began") !=
        std::string::npos);
}

TEST_CASE("training files: several threads, few open files, the same values") {
  const folder dir;
  for (int p = 0; p < 6; ++p) {
    kinds k;
    k.frames = 4;
    k.deflate = p % 2 ? 3 : 0;
    write(dir / ("P" + std::to_string(p) + "/f.h5"), std::uint64_t(p), k);
  }
  train::training_files_options o;
  o.open_files = 2;
  o.neighbours = 3;
  const auto files = std::make_shared<train::training_files>(dir.path.string(), o);
  CHECK(files->subjects().size() == 6);
  train::mask_mixture_options m;
  m.acs = {{4, 1}};
  const train::masked samples(files, train::mask_mixture(m));
  for (int round = 0; round < 3; ++round) {  // the threads of a round end before the next begins
    const auto order = train::shuffled(1, std::uint64_t(round), samples.size());
    train::prefetch<train::sample> ahead(samples, 1, order, 3, 5);
    for (const index_t i : order) {
      const auto s = ahead.next();
      REQUIRE(s.has_value());
      if (i % 5) continue;
      const auto expected = samples.get(1, i);
      CHECK(s->name == expected.name);
      CHECK(same_bits(s->kspace.data(), expected.kspace.data(), expected.kspace.size()));
      CHECK(same_bits(s->target.data(), expected.target.data(), expected.target.size()));
    }
  }
}

TEST_CASE("training files: a measured frame, exported and loaded") {
  SHARED_OR_SKIP(path, "data/cmrxrecon2024_cine_frame_1ch/kspace_full.npy");
  const auto stored = io::open_npy(path);
  const io::extents s = stored.shape();
  std::vector<complex<float>> values(std::size_t(stored.size()));
  stored.read(values.data());
  const index_t my = s[s.size() - 2], mx = s[s.size() - 1];
  REQUIRE(stored.size() == my * mx);
  const auto kspace =
      make_tensor<complex<float>>(host_space{}, shape{index_t(1), index_t(1), my, mx});
  std::copy(values.begin(), values.end(), kspace.data());
  const auto rss = train::root_sum_of_squares(train::images_of(kspace));
  const folder dir;
  io::fastmri_output out(dir / "P001.h5", {1, my, mx}, {});
  out.add(kspace.data(), rss.data());
  out.commit();
  const train::training_files files(dir.path.string());
  REQUIRE(files.size() == 1);
  const auto f = files.get(0, 0);
  CHECK(same_bits(f.kspace.data(), values.data(), values.size()));
  CHECK(distance(train::root_sum_of_squares(train::images_of(f.kspace)), f.target) < 1e-6);
  const auto one =
      train::masked(std::make_shared<train::training_files>(dir.path.string())).get(0, 0);
  CHECK(one.acquisition.vendor == "unknown");
  CHECK(one.acs == 20);
}
