// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm run`: a folder of raw data to images, scores and a report.

#include <fstream>

#include "cardiomm/fft/backend/fftw.hpp"
#include "cardiomm/mri/mask.hpp"
#include "conditioning.hpp"
#include "recon.hpp"
#include "run_summary.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;

/// Options of FOLDER/run.json or --config, where the command line does not have them.
void read_config(run_command& c, const CLI::App& command) {
  std::string path = c.config;
  std::error_code none;
  if (path.empty() && fs::is_regular_file(fs::path(c.folder) / "run.json", none))
    path = (fs::path(c.folder) / "run.json").string();
  if (path.empty()) return;
  std::ifstream file(path);
  require<io_error>(static_cast<bool>(file), path, ": cannot be opened");
  const json all = json::parse(file, nullptr, false);
  require<value_error>(all.is_object(), path, ": expected a JSON object of options");
  const fs::path base = fs::path(path).parent_path();
  const auto text = [&](const std::string& key, const json& v) {
    require<value_error>(v.is_string(), path, ": ", key, ": expected text");
    return v.get<std::string>();
  };
  const auto number = [&](const std::string& key, const json& v) {
    require<value_error>(v.is_number(), path, ": ", key, ": expected a number");
    return v.get<double>();
  };
  const std::map<std::string, std::string*> files = {
      {"kspace", &c.kspace},   {"mask", &c.mask},           {"noise", &c.noise},
      {"traj", &c.traj},       {"maps", &c.maps},           {"reference", &c.reference},
      {"weights", &c.weights}, {"embedding", &c.embedding}, {"text-weights", &c.text_weights}};
  for (const auto& [key, v] : all.items()) {
    const auto* option = command.get_option_no_throw("--" + key);
    if (option && option->count() > 0) continue;
    if (const auto f = files.find(key); f != files.end()) {
      const fs::path named = text(key, v);
      *f->second = named.is_absolute() ? named.string() : (base / named).string();
    } else if (key == "method")
      c.method = text(key, v);
    else if (key == "pattern")
      c.pattern = text(key, v);
    else if (key == "metadata")
      c.metadata = text(key, v);
    else if (key == "undersampling")
      c.undersampling = text(key, v);
    else if (key == "acs-shape")
      c.acs_shape = text(key, v);
    else if (key == "acceleration")
      c.acceleration = number(key, v);
    else if (key == "lambda")
      c.lambda = number(key, v);
    else if (key == "iterations")
      c.iterations = static_cast<int>(number(key, v));
    else if (key == "compress")
      c.compress = static_cast<index_t>(number(key, v));
    else if (key == "acs")
      c.acs = static_cast<index_t>(number(key, v));
    else if (key == "calib")
      c.calib = static_cast<index_t>(number(key, v));
    else if (key == "coil-images")
      c.coil_images = v == true;
    else if (key == "crop-readout")
      c.crop = v == true;
    else if (key == "axes") {
      if (v.is_array())
        for (const auto& one : v) c.axes_text.push_back(text(key, one));
      else
        c.axes_text.push_back(text(key, v));
    } else
      throw value_error(path + ": expected names of options of `cardiomm run`, found '" + key +
                        "'");
  }
}

/// What would stop every case.
void check(const run_command& c) {
  recon_command r;
  r.method = c.method;
  r.weights = c.weights;
  r.embedding = c.embedding;
  r.text_weights = c.text_weights;
  r.merges = c.merges;
  r.undersampling = c.undersampling;
  r.acs = c.acs;
  r.acs_shape = c.acs_shape;
  r.weight = c.lambda;
  r.steps = c.iterations;
  r.calib = c.calib;
  if (c.compress.value_or(0) > 0) r.coils = c.compress;
  if (!c.text_weights.empty() || c.metadata) r.metadata = c.metadata.value_or("modality=cine");
  if (c.method == "radial") r.traj = "x";
  check_options(r);
  if (r.network()) check_text_options(r, open_weights(r.weights));
  for (const std::string& file : {c.weights, c.embedding, c.text_weights})
    if (!file.empty()) io::input_file{file};
  require<value_error>(c.compress.value_or(0) >= 0, "--compress: expected at least 0, found ",
                       c.compress.value_or(0));
  require_number("--acceleration", c.acceleration.value_or(1), 1);
  if (!c.pattern.empty()) (void)cardiomm::mri::mask_pattern_of(c.pattern);
  axes_option axes;
  for (const auto& text : c.axes_text) axes.add(text);
}

std::string extents_of(const scan_case& s) {
  std::string text;
  const char* names[] = {"frames", "slices", "coils", "y", "x"};
  for (int i = 0; i < 5; ++i)
    if (s.size[i] > 1 || i > 2)
      text += (text.empty() ? "" : ", ") +
              std::string(i > 2 && !s.traj.empty() ? (i == 3 ? "spokes" : "samples") : names[i]) +
              " " + std::to_string(s.size[i]);
  return text;
}

json plan_as_json(const run_command& c, const folder_plan& plan) {
  json files = json::array(), cases = json::array();
  for (const auto& f : plan.files)
    files.push_back({{"file", f.name}, {"is", f.is}, {"note", f.note}});
  for (const auto& s : plan.cases) {
    json one = {{"name", s.name}, {"full", s.full}, {"non_cartesian", !s.traj.empty()}};
    if (s.from != scan_case::origin::raw)
      one["size"] = {s.size[0], s.size[1], s.size[2], s.size[3], s.size[4]};
    if (s.metadata) one["metadata"] = *s.metadata;
    one["notes"] = s.notes;
    cases.push_back(one);
  }
  return {{"method", c.method}, {"files", files}, {"cases", cases}, {"problems", plan.problems}};
}

void print_plan(const folder_plan& plan) {
  for (const auto& f : plan.files)
    std::printf("%s: %s%s%s\n", f.name.c_str(), f.is.c_str(), f.note.empty() ? "" : ", ",
                f.note.c_str());
  for (const auto& s : plan.cases)
    std::printf("case %s: %s%s%s%s%s\n", s.name.c_str(),
                s.from == scan_case::origin::raw ? "raw data" : extents_of(s).c_str(),
                s.full ? ", measured in full" : "", s.mask.empty() ? "" : ", with a mask",
                s.noise.empty() ? "" : ", with a noise scan",
                s.reference.empty() ? "" : ", with a reference");
  std::fflush(stdout);
}

void run(run_command c, const common_options& common) {
  check(c);
  // plans that are chosen by timing would give other bits in the next run
  cardiomm::fft::set_effort(cardiomm::fft::effort::estimate);
  c.folder = fs::absolute(c.folder).lexically_normal().string();
  if (c.folder.size() > 1 && c.folder.back() == '/') c.folder.pop_back();
  for (std::string* file : {&c.kspace, &c.mask, &c.noise, &c.traj, &c.maps, &c.reference,
                            &c.weights, &c.embedding, &c.text_weights, &c.merges})
    if (!file->empty()) *file = fs::absolute(*file).lexically_normal().string();
  c.out = fs::absolute(c.out).lexically_normal().string();
  if (c.out.size() > 1 && c.out.back() == '/') c.out.pop_back();
  require<value_error>(c.out != c.folder, "--out: expected another folder than ", c.folder);
  progress show(common);
  show.part("looking through " + c.folder);
  const folder_plan plan = plan_folder(c);
  show.clear();
  if (!common.as_json) print_plan(plan);
  if (plan.cases.empty()) {
    std::string found;
    for (const auto& f : plan.files)
      found += (found.empty() ? "" : "; ") + f.name + " (" + f.is + ")";
    throw io_error(c.folder + ": expected k-space (complex arrays, ISMRMRD raw data, coil images " +
                   "with --coil-images), found " + (found.empty() ? "no files" : found));
  }
  if (c.dry) {
    if (common.as_json) std::cout << dump(plan_as_json(c, plan)) << "\n";
    return;
  }
  run_summary(c, plan, common);
}

}  // namespace

action add_run(CLI::App& app, common_options& common) {
  auto c = std::make_shared<run_command>();
  auto& command = add_command(
      app, "run", "Reconstruct, score and report all that a folder holds",
      "  cardiomm run FOLDER --method sense --out RESULT\n"
      "  cardiomm run FOLDER --dry-run --out RESULT\n"
      "  cardiomm run FOLDER --method cardiomm --weights w.safetensors --embedding e.safetensors "
      "--out RESULT\n"
      "Files are told by their contents; a run that was ended goes on when the same command is "
      "given again.",
      common);
  command.add_option("folder", c->folder, "Folder with k-space, or one file")->required();
  command.add_option("--out", c->out, "Folder of the results")->required();
  command.add_option("--method", c->method, "A method of recon: " + method_names())
      ->capture_default_str();
  command.add_option("--config", c->config,
                     "JSON file of options, left out: FOLDER/run.json where there is one");
  command.add_option("--only", c->only, "Names of cases, left out: all");
  command.add_flag("--dry-run", c->dry, "Print what the files are and which cases they make");
  const std::string files = "Files, instead of what is found";
  command.add_option("--kspace", c->kspace, "K-space, FILE or FILE:MEMBER")->group(files);
  command.add_option("--mask", c->mask, "Mask")->group(files);
  command.add_option("--noise", c->noise, "Noise scan")->group(files);
  command.add_option("--traj", c->traj, "Trajectory")->group(files);
  command.add_option("--maps", c->maps, "Coil maps")->group(files);
  command.add_option("--reference", c->reference, "Images to compare with")->group(files);
  command.add_option("--axes", c->axes_text, "Order of the axes, slowest first, as for recon")
      ->allow_extra_args(false)
      ->group(files);
  command.add_flag("--coil-images", c->coil_images, "Complex images are images of coils")
      ->group(files);
  const std::string steps = "Steps";
  command.add_option("--compress", c->compress, "Virtual coils, 0: none; left out: at most 10")
      ->group(steps);
  command.add_flag("--crop-readout", c->crop, "Remove twofold readout oversampling")->group(steps);
  command
      .add_option("--pattern", c->pattern,
                  "How data that were measured in full are undersampled: uniform, kt-uniform, "
                  "kt-gaussian, kt-radial; left out: uniform, series kt-uniform")
      ->group(steps);
  command.add_option("--acceleration", c->acceleration, "By how much, left out: 4; 1: not at all")
      ->group(steps);
  command.add_option("--acs-lines", c->acs_lines, "Central lines that such a mask keeps")
      ->capture_default_str()
      ->group(steps);
  command.add_option("--seed", c->seed, "Seed of such a mask")->capture_default_str()->group(steps);
  command.add_option("--lambda", c->lambda, "Weight of the regularisation, as for recon")
      ->group(steps);
  command.add_option("--iterations", c->iterations, "Iterations, as for recon")->group(steps);
  command.add_option("--calib", c->calib, "Calibration block, as for recon")->group(steps);
  const std::string network = "Network";
  command.add_option("--weights", c->weights, "Weights of cardiomm, if not those of the program")
      ->group(network);
  command.add_option("--embedding", c->embedding, "Embedding, instead of text")->group(network);
  command.add_option("--text-weights", c->text_weights, "Text tower")->group(network);
  command.add_option("--merges", c->merges, "CLIP's merges")->group(network);
  command
      .add_option("--metadata", c->metadata, "The acquisition; left out: as the folders tell it")
      ->group(network);
  command.add_option("--undersampling", c->undersampling, "Left out: that of the mask")
      ->group(network);
  command.add_option("--acs", c->acs, "Central lines for the maps, left out: at most 20")
      ->group(network);
  command.add_option("--acs-shape", c->acs_shape, "1d or 2d, left out: as the mask is")
      ->group(network);
  return [c, &command](const common_options& options) {
    read_config(*c, command);
    run(*c, options);
  };
}

}  // namespace program
