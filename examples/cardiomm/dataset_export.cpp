// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm dataset export`: reference and zero-filled images, and training files.

#include <set>

#include "cardiomm/io/mat_output.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "dataset_training.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;
namespace mri = cardiomm::mri;

struct export_command {
  std::string out, task = "TaskAll", compat;
  std::vector<std::string> what = {"gtsos"}, as = {"mat"};
  bool half = false, no_split = false;
  double scale = 1;
};

bool listed(const json& list, const char* word) {
  for (const auto& w : list)
    if (w == word) return true;
  return false;
}

/// Images of one kind on their way out.
struct image_job {
  std::string kind;      ///< GTSOS, ZFSOS
  std::string name;      ///< of the file
  std::string variable;  ///< in MATLAB
  std::string suffix;    ///< _TaskAll
  image_stack images;
  extents shape;  ///< of the MATLAB variable, slowest first
};

/// The published reader takes every volume of three axes of these modalities for a series.
bool misread(const image_job& j, const io::dataset_scan& s) {
  static const std::set<std::string> dynamic = {"Cine",   "LGE",     "Mapping",   "Aorta",
                                                "Flow2d", "Tagging", "Perfusion", "T1rho"};
  return j.shape.size() == 3 && dynamic.count(s.modality) > 0;
}

void write_images(dataset_task& t, const io::dataset_scan& s, const std::string& root,
                  const image_job& j) {
  const json& as = t.work.at("as");
  const bool half = t.work.at("half");
  const auto place = [&](const std::string& kind) {
    return (fs::path(folder_of(s, root, kind)) / j.name).string();
  };
  image_stack images = half ? half_readout(j.images) : j.images;
  extents shape = j.shape;
  if (half) shape.back() = images.nx;
  if (listed(as, "mat")) {
    io::array a{io::dtype::f32, shape, {}};
    a.bytes.resize(images.values.size() * sizeof(float));
    std::memcpy(a.bytes.data(), images.values.data(), a.bytes.size());
    io::mat_output out(t.output(place(j.kind + j.suffix) + ".mat"), t.policy);
    out.add(j.variable, a);
    out.commit();
  }
  if (listed(as, "png")) {
    const fs::path base = place(j.kind + "_PNG" + j.suffix);
    write_pictures(t, base.string(), images, shape.size(), t.work.at("scale"));
  }
  if (listed(as, "nii")) {
    const scan_table table = read_scan_table(s.info);
    const voxel_size voxel = voxel_of(s, table, images.nx, images.ny);
    if (t.work.at("compat") == "published" && misread(j, s)) {
      images.frames *= images.slices;
      images.slices = 1;
    }
    write_volume(t.output(place(j.kind + "_NII" + j.suffix) + ".nii.gz"), std::move(images), voxel,
                 t.policy);
  }
}

/// Images of one file: of its full data, and of each mask.
std::vector<image_stack> reconstruct(const opened& file, const source& from, bool full,
                                     const std::vector<host_tensor<std::uint8_t, 3>>& masks) {
  using enum axis;
  const index_t nt = from.extent(frame), nz = from.extent(slice), nc = from.extent(coil),
                ny = from.extent(y), nx = from.extent(x);
  std::vector<image_stack> all(masks.size() + (full ? 1 : 0), image_stack(nt, nz, ny, nx));
  const cardiomm::shape<5> one{{1, nz, nc, ny, nx}};
  const auto data = cardiomm::make_tensor<complex<float>>(host_space{}, one),
             cut = cardiomm::make_tensor<complex<float>>(host_space{}, one);
  for (index_t f = 0; f < nt; ++f) {
    read_ordered(file, from, {frame, slice, coil, y, x}, data.data(), {{frame, f, 1}});
    require_finite(data, from, {frame, slice, coil, y, x}, {f, 0, 0, 0, 0});
    const auto put = [&](const auto& kspace, image_stack& to) {
      const auto image = mri::rss(host_space{}, kspace);
      std::copy_n(image.data(), image.size(), to.plane(f, 0));
    };
    if (full) put(data, all[0]);
    for (std::size_t m = 0; m < masks.size(); ++m) {
      const index_t plane = ny * nx;
      const std::uint8_t* keep = masks[m].data() + f * plane;
      for (index_t i = 0; i < nz * nc * plane; ++i)
        cut.data()[i] = keep[i % plane] ? data.data()[i] : complex<float>{};
      put(cut, all[m + (full ? 1 : 0)]);
    }
  }
  return all;
}

extents image_shape(const source& from) {
  extents shape;
  for (std::size_t i = 0; i < from.order.size(); ++i)
    if (from.order[i] != axis::coil) shape.push_back(from.shape[i]);
  return shape;
}

}  // namespace

json export_scan(dataset_task& t) {
  using enum axis;
  const io::dataset_scan s = scan_from(t.work.at("scan"));
  const std::string root = t.work.at("root"), suffix = "_" + t.work.at("task").get<std::string>();
  const json& what = t.work.at("what");
  const bool gt = listed(what, "gtsos"), zf = listed(what, "zfsos"),
             training = listed(what, "training");
  json made = {{"images", 0}};
  const auto emit = [&](image_job j) {
    if (j.kind == "ZFSOS") {  // the published ones have no axes of 1
      j.shape.erase(std::remove(j.shape.begin(), j.shape.end(), index_t(1)), j.shape.end());
    }
    write_images(t, s, root, j);
    made["images"] = made["images"].get<int>() + 1;
  };
  if (s.kspace.empty()) {
    for (const auto& u : s.undersampled) {
      const opened file = open_array(u.path, role::kspace);
      require_complex(file, role::kspace);
      const source from = name_kspace(file, s, t.work);
      auto images = reconstruct(file, from, true, {});
      emit({"ZFSOS", s.name + "_mask_" + u.pattern + std::to_string(u.acceleration), "zfsosimage",
            u.task.empty() ? suffix : "_" + u.task, std::move(images[0]), image_shape(from)});
    }
    return made;
  }
  const opened file = open_array(s.kspace, role::kspace);
  require_complex(file, role::kspace);
  const source from = name_kspace(file, s, t.work);
  const mask_target target{from.extent(frame), from.extent(y), from.extent(x)};
  std::vector<host_tensor<std::uint8_t, 3>> masks;
  if (zf)
    for (const auto& m : s.masks) {
      const opened_mask o = open_mask(m.path, target, {});
      masks.push_back(read_mask(o, target));
    }
  const bool full = gt || training;
  auto images = reconstruct(file, from, full, masks);
  for (std::size_t m = 0; m < masks.size(); ++m) {
    const std::string name = io::stem_of(fs::path(s.masks[m].path).filename().string());
    emit({"ZFSOS",
          s.layout == io::dataset_layout::cmrxrecon2023
              ? s.name + "_mask_" + s.masks[m].pattern + std::to_string(s.masks[m].acceleration)
              : name,
          "zfsosimage", s.masks[m].task.empty() ? suffix : "_" + s.masks[m].task,
          std::move(images[m + (full ? 1 : 0)]), image_shape(from)});
  }
  if (training) {
    write_training(t, t.work.at("training"), s, file, from, images[0]);
    made["training"] = t.work.at("training");
  }
  if (gt) emit({"GTSOS", s.name, "gtsosimage", "", std::move(images[0]), image_shape(from)});
  return made;
}

namespace {

void require_words(const std::vector<std::string>& words, const std::set<std::string>& known,
                   const std::string& option, const std::string& expected) {
  require<value_error>(!words.empty(), option, ": expected ", expected, ", found nothing");
  for (const auto& w : words)
    require<value_error>(known.count(w) > 0, option, ": expected ", expected, ", found '", w, "'");
}

/// Names of the training files; writes split.csv first.
std::map<std::string, std::string> training_names(const dataset_command& c, const export_command& e,
                                                  const common_options& common) {
  dataset_command whole = c;  // the split does not depend on what is chosen
  whole.patients.clear();
  whole.centres.clear();
  const io::dataset all = find_dataset(whole);
  std::map<std::string, std::string> names;
  std::map<std::string, split_entry> entries;
  if (!e.no_split) {
    const auto split = split_patients(all.scans, c.root);
    for (const auto& s : split) entries[s.patient] = s;
    const std::string path = (fs::path(e.out) / "split.csv").string(), text = split_text(split);
    std::error_code code;
    fs::create_directories(e.out, code);
    if (fs::exists(path, code)) {
      const io::input_file old(path);
      std::string have(static_cast<std::size_t>(old.size()), '\0');
      old.read(0, have.data(), have.size());
      require<value_error>(have == text, path,
                           ": the split of other patients lies here; choose another --out");
    } else if (!split.empty()) {
      io::atomic_file out(path, common.policy());
      out.write(text);
      out.commit();
    }
  }
  for (const auto& s : all.scans) {
    if (s.kspace.empty()) continue;
    const auto at = entries.find(patient_of(s, c.root));
    const fs::path folder =
        at == entries.end() ? fs::path(folder_of(s, c.root, "h5_FullSample"))
                            : fs::path(at->second.modality) / at->second.part / at->second.number;
    names[s.kspace] = (folder / (s.name + ".h5")).string();
  }
  return names;
}

void run(const dataset_command& c, const export_command& e, const common_options& common) {
  require_words(e.what, {"gtsos", "zfsos", "training"}, "--what", "gtsos, zfsos or training");
  require_words(e.as, {"mat", "nii", "png"}, "--as", "mat, nii or png");
  require<value_error>(e.compat.empty() || e.compat == "published",
                       "--compat: expected published, found '", e.compat, "'");
  require_number("--scale", e.scale, 0, true);
  const io::dataset d = find_dataset(c);
  const std::set<std::string> what(e.what.begin(), e.what.end()), as(e.as.begin(), e.as.end());
  std::map<std::string, std::string> names;
  if (what.count("training")) names = training_names(c, e, common);
  stopwatch watch;
  std::vector<dataset_order> orders;
  std::size_t nothing = 0;
  for (const auto& s : d.scans) {
    const bool zf =
        what.count("zfsos") && (s.kspace.empty() ? !s.undersampled.empty() : !s.masks.empty());
    if (!zf && (s.kspace.empty() || (what.size() == 1 && what.count("zfsos")))) {
      ++nothing;
      continue;
    }
    dataset_order o;
    o.name = place_of(s, c.root);
    o.about = s.file();
    if (!s.kspace.empty()) o.sources.push_back(s.kspace);
    if (as.count("nii") && !s.info.empty()) o.sources.push_back(s.info);
    if (zf)
      for (const auto& list : {s.masks, s.undersampled})
        for (const auto& m : list) o.sources.push_back(m.path);
    io::dataset_scan own = s;
    own.derived.clear();
    own.segmentations.clear();
    own.reference.clear();
    if (!zf) own.masks.clear();
    if (!zf || !s.kspace.empty()) own.undersampled.clear();
    if (!as.count("nii")) own.info.clear();
    o.work = {{"do", "export"},     {"scan", describe(own)}, {"root", c.root}, {"what", what},
              {"as", as},           {"task", e.task},        {"half", e.half}, {"scale", e.scale},
              {"compat", e.compat}, {"axes", c.axes}};
    if (const auto at = names.find(s.kspace); at != names.end() && !s.kspace.empty()) {
      o.work["training"] = at->second;
      o.work["patient_id"] =
          (fs::path(folder_of(s, c.root, "h5_FullSample")) / (s.name + ".h5")).string();
    }
    orders.push_back(std::move(o));
  }
  require<value_error>(!orders.empty(), c.root, ": expected ",
                       what.count("gtsos") || what.count("training") ? "full k-space" : "masks",
                       ", found none");
  const auto all = do_orders(orders, c, e.out, {}, common);
  finish_orders(all, {{"command", "export"}, {"out", e.out}, {"nothing_to_do", nothing}},
                watch.seconds(), common);
}

}  // namespace

action add_dataset_export(CLI::App& app, dataset_command& c, common_options& common) {
  auto e = std::make_shared<export_command>();
  auto& command = add_command(
      app, "export", "Write reference images, zero-filled images and training files",
      "  cardiomm dataset export DATA --what gtsos,zfsos --as mat,nii,png --out DATA\n"
      "  cardiomm dataset export DATA --set TrainingSet --what training --out /scratch/train\n"
      "gtsos: root sum of squares of the full k-space, GTSOS/.../{data}.mat, GTSOS_NII, "
      "GTSOS_PNG.\n"
      "zfsos: the same of the data under each mask, ZFSOS_{Task}, ZFSOS_NII_{Task}, ...\n"
      "training: {Modality}/{train|val}/P0001/{data}.h5, nine of ten patients in train, and\n"
      "split.csv. The same command goes on after it was ended.",
      common);
  add_dataset_options(command, c);
  add_work_options(command, c);
  command.add_option("--out", e->out, "Root of the results; may be that of the data set")
      ->type_name("DIR")
      ->required();
  command.add_option("--what", e->what, "gtsos, zfsos, training")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--as", e->as, "Formats of the images: mat, nii, png")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option("--task", e->task,
                  "Name of the task in the folders of zero-filled images, "
                  "where that of the masks tells none")
      ->capture_default_str();
  command.add_flag("--half-readout", e->half,
                   "Images keep the centre half of the readout (twofold oversampling)");
  command.add_option("--scale", e->scale, "PNG: brightness")->capture_default_str();
  command.add_flag("--no-split", e->no_split,
                   "Training files stay in h5_FullSample/ of their own tree");
  command.add_option("--compat", e->compat,
                     "published: NIfTI takes volumes of several slices without frames for series, "
                     "as the published tool does");
  return [&c, e](const common_options& options) { run(c, *e, options); };
}

}  // namespace program
