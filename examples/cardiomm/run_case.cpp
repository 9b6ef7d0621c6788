// SPDX-License-Identifier: Apache-2.0
/// \file
/// One case of `cardiomm run` through all its stages.

#include "run_case.hpp"

#include <sstream>

#include "conditioning.hpp"
#include "methods.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;

/// Standard output is the run's own; what a step prints is its report.
class captured_output {
 public:
  captured_output() : before_(std::cout.rdbuf(text_.rdbuf())) {}
  ~captured_output() { std::cout.rdbuf(before_); }
  captured_output(const captured_output&) = delete;
  captured_output& operator=(const captured_output&) = delete;
  json result() const { return json::parse(text_.str(), nullptr, false); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

std::string key_of(const json& depends) {
  checksum sum;
  sum.add(dump(depends));
  char text[32];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(sum.value()));
  return text;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

}  // namespace

void case_run::operator()() {
  prepare();
  if (s_.traj.empty()) masks();
  reconstruct();
  pictures();
  state_.forget_others(s_.name, stages_);
  std::error_code none;  // of a network run that other options made useless
  fs::remove(state_.result(s_.name, "image.npy.partial"), none);
}

template <class F>
json case_run::stage(const std::string& name, const std::string& text, const json& depends,
                     const std::vector<std::string>& files, F&& make) {
  stop_if_interrupted();
  stages_.push_back(name);
  json all = {{"cardiomm", CARDIOMM_VERSION_STRING}, {"stage", name}, {"before", key_}};
  all["depends"] = depends;
  const std::string key = key_of(all);
  key_ = key;
  if (const auto told = state_.finished(s_.name, name, key)) {
    ++kept_;
    return *told;
  }
  state_.forget(s_.name, name);
  show_(text);
  const json told = make();
  state_.finish(s_.name, name, key, files, told);
  ++made_;
  return told;
}

std::string case_run::input(const std::string& path) {
  if (path.empty()) return {};
  const std::string file = split_member(path).path;
  std::string sum;
  const bool bart = input_format(path) == format::cfl;
  if (bart) {
    const std::string base = io::cfl_base(file);
    sum = sum_of_file(base + ".hdr") + " " + sum_of_file(base + ".cfl");
  } else
    sum = sum_of_file(file);
  const std::string name = relative_(path);
  report_["files"][name] = sum;
  return name + " " + sum;
}

void case_run::prepare() {
  using origin = scan_case::origin;
  report_["name"] = s_.name;
  report_["notes"] = s_.notes;
  json depends = {{"kspace", input(s_.kspace)},  {"index", input(s_.index)},
                  {"mask", input(s_.mask)},      {"noise", input(s_.noise)},
                  {"traj", input(s_.traj)},      {"maps", input(s_.maps)},
                  {"axes", to_string(s_.order)}, {"from", static_cast<int>(s_.from)}};
  key_ = key_of(depends);
  const prepared_files files{work("kspace.npy"), work("mask.npy"), work("noise.npy"),
                             work("traj.npy"),   work("maps.npy"), result("zero_filled.npy")};
  r_.kspace = s_.kspace;
  r_.noise = s_.noise;
  r_.maps = s_.maps;
  r_.size = s_.size;
  r_.full = s_.full;
  r_.voxel = s_.voxel;
  if (s_.from == origin::raw) {
    // what lies in the file is known when it was sorted
    const json told = stage("sort", "sorting " + relative_(s_.kspace), {}, {files.kspace},
                            [&] { return prepare_raw(s_, files); });
    report_["raw"] = told["header"];
    const auto size = told["size"].get<std::vector<index_t>>();
    for (int i = 0; i < 5; ++i) r_.size[i] = size.at(static_cast<std::size_t>(i));
    const auto voxel = told["voxel"].get<std::vector<double>>();
    r_.voxel = {voxel[0], voxel[1], voxel[2], voxel[3]};
    r_.full = told["full"].get<bool>();
    s_.full = r_.full;
    if (told["noise"].get<bool>()) r_.noise = files.noise;
    s_.kspace = r_.kspace = files.kspace;
    s_.size = r_.size;
    s_.order = {axis::frame, axis::slice, axis::coil, axis::y, axis::x};
    if (told["radial"].get<bool>())
      s_.traj = files.traj;
    else if (!r_.full)
      s_.mask = files.mask, s_.mask_order = {axis::frame, axis::y, axis::x};
  }
  if (!s_.traj.empty()) return spokes(files);
  if (s_.from == origin::coil_images || s_.from == origin::lines || s_.uncentred) {
    stage("prepare",
          s_.from == origin::coil_images ? "transforming the coil images"
          : s_.from == origin::lines     ? "putting lines to their places"
                                         : "moving the centre of k-space",
          {}, {files.kspace}, [&] {
            prepare_array(s_, files.kspace);
            return json::object();
          });
    r_.kspace = files.kspace;
  } else if (s_.from == origin::array && !s_.named)
    r_.axes_text = to_string(s_.order);
  std::erase(r_.axes_text, ' ');
}

void case_run::spokes(const prepared_files& files) {
  json told = stage("spokes", "gridding the spokes", {}, {files.traj, files.zero_filled},
                    [&] { return prepare_spokes(s_, files); });
  report_["spokes"] = told;
  zero_filled_ = files.zero_filled;
  const bool own =
      c_.method == "sense" || c_.method == "radial" || c_.method == "rss" || c_.method == "zf";
  if (own) {
    r_.traj = files.traj;
    std::string text = to_string(s_.order);
    std::erase(text, ' ');
    r_.axes_text = s_.named || s_.from == scan_case::origin::raw ? "" : text;
    return;
  }
  told = stage("grid", "bringing the spokes to a Cartesian grid", {},
               {files.kspace, files.mask, files.maps},
               [&] { return prepare_grid(s_, files.traj, files); });
  report_["grid"] = told;
  note("non-Cartesian data: " + c_.method +
       " gets them at the Cartesian positions next to their samples");
  r_.kspace = files.kspace;
  r_.mask = files.mask;
  r_.maps = files.maps;
  r_.size[3] = told["matrix"][0];
  r_.size[4] = told["matrix"][1];
  r_.full = false;
  s_.traj.clear();
  sampling_ = sampling_of_mask(r_.mask);
  gridded_ = true;
}

void case_run::masks() {
  if (gridded_) return;
  const bool plain = c_.method == "zf" || c_.method == "rss";
  const mask_target t{r_.size[0], r_.size[3], r_.size[4]};
  const std::string file = result("mask.npy");
  if (!s_.mask.empty()) {
    stage("mask", "reading the mask", {{"axes", to_string(s_.mask_order)}}, {file}, [&] {
      write_mask(s_.mask, s_.mask_order, t, file);
      return json::object();
    });
    r_.mask = file;
  } else if (r_.full && (!plain || !c_.pattern.empty()) && c_.acceleration.value_or(4) > 1) {
    const std::string pattern = !c_.pattern.empty() ? c_.pattern
                                : t.frames > 1      ? "kt-uniform"
                                                    : "uniform";
    const double by = c_.acceleration.value_or(4);
    stage("mask", "making the mask",
          {{"pattern", pattern}, {"by", by}, {"acs", c_.acs_lines}, {"seed", c_.seed}}, {file},
          [&] {
            make_mask_file(c_, r_.size, file);
            return json::object();
          });
    char text[96];
    std::snprintf(text, sizeof text,
                  "measured in full; undersampled here: %s, %g x, %lld lines in "
                  "the centre",
                  pattern.c_str(), by, static_cast<long long>(c_.acs_lines));
    note(text);
    s_.pattern = pattern;
    s_.acceleration = static_cast<int>(by);
    r_.mask = file;
  } else if (!r_.full) {
    stage("mask", "finding the mask from the zeros", {}, {file}, [&] {
      find_mask(r_, file);
      return json::object();
    });
    r_.mask = file;
  }
  if (r_.mask.empty()) return;
  sampling_ = sampling_of_mask(r_.mask);
  report_["sampled"] = sampling_.share;
  report_["centre"] = sampling_.acs;
  note(percent(sampling_.share) + " of k-space" + (sampling_.lines ? " in whole lines" : "") +
       ", the centre is full over " + std::to_string(sampling_.acs) +
       (sampling_.lines ? " lines" : " x " + std::to_string(sampling_.acs) + " samples"));
}

recon_command case_run::command(const std::string& method, const std::string& out, bool masked) {
  recon_command c;
  c.method = method;
  c.kspace = r_.kspace;
  c.noise = r_.noise;
  if (masked) c.mask = r_.mask;
  if (!r_.axes_text.empty()) c.given.add("kspace:" + r_.axes_text);
  c.crop = c_.crop && r_.traj.empty();
  c.out = out;
  return c;
}

json case_run::recon(const recon_command& c) {
  common_options quiet = common_;
  quiet.as_json = true;
  quiet.no_clobber = false;
  const captured_output text;
  run_recon(c, quiet);
  json told = text.result();
  json kept = json::object();
  for (const char* key : {"iterations", "converged", "residual", "shape", "type", "scale",
                          "metadata", "undersampling"})
    if (told.is_object() && told.contains(key)) kept[key] = told[key];
  return kept;
}

/// The method as it is used for this case.
recon_command case_run::main_command() {
  std::string method = c_.method;
  const bool series = r_.size[0] > 1;
  if (!series && (method == "llr" || method == "ktsparse" || method == "lps")) {
    note(method + " joins frames and there is one only: l1wavelet instead");
    method = "l1wavelet";
  }
  if (!r_.traj.empty()) method = "radial";
  recon_command c = command(method, result("image.npy"), true);
  if (!r_.traj.empty()) {
    c.traj = r_.traj;
    c.tv = c_.method == "sense" ? "square" : series ? "time" : "space";
    if (c_.method == "sense") note("non-Cartesian data: conjugate gradients with a NUFFT");
  }
  if (method == "tv" && !series) c.tv = "space";
  const index_t coils = r_.size[2], wanted = c_.compress.value_or(10);
  if (wanted > 0 && coils > wanted) c.coils = wanted;
  if (c_.compress.value_or(0) > 0 && coils < wanted)
    note("has " + std::to_string(coils) + " coils, which are not compressed");
  c.maps = method_named(method).maps ? r_.maps : std::string();
  if (!c.network()) {
    c.weight = c_.lambda;
    c.steps = c_.iterations;
    c.calib = c_.calib;
    c.scale = method_named(method).series && method != "radial" && method != "grappa";
    if (!c.calib && sampling_.acs >= 6 && sampling_.acs < 24 && !r_.mask.empty() &&
        method != "nlinv" && c.traj.empty())
      c.calib = sampling_.acs;
    return c;
  }
  c.weights = c_.weights;
  c.embedding = c_.embedding;
  c.text_weights = c_.text_weights;
  c.merges = c_.merges;
  if (!c.text_weights.empty() ||
      (c.embedding.empty() && takes_text_codes(open_weights(c.weights)))) {
    c.metadata = s_.metadata;
    c.undersampling = c_.undersampling;
    if (!c.undersampling && s_.acceleration > 0)
      c.undersampling = std::to_string(s_.acceleration) + "x " + s_.pattern;
  }
  c.acs = c_.acs;
  c.acs_shape = c_.acs_shape;
  if (!c.acs && !r_.mask.empty()) {
    const index_t n = std::min<index_t>(20, sampling_.acs);
    if (n >= 2) c.acs = n;
    if (!sampling_.lines && !c.acs_shape && n >= 2) c.acs_shape = "2d";
  } else if (!c.acs)
    c.acs = std::min<index_t>(20, r_.size[3]);
  return c;
}

void case_run::reconstruct() {
  const json settings = {{"crop", c_.crop}, {"double", common_.as_double}};
  if (zero_filled_.empty()) {
    zero_filled_ = result("zero_filled.npy");
    stage("zero_filled", "zero-filled image", settings, {zero_filled_},
          [&] { return recon(command("rss", zero_filled_, true)); });
  }
  if (!s_.zero_filled.empty()) {
    if (const auto d = difference_of_images(zero_filled_, s_.zero_filled)) {
      char text[64];
      std::snprintf(text, sizeof text, "%.1e", *d);
      note(relative_(s_.zero_filled) + ": differs from our zero-filled image by at most " + text +
           " of its maximum");
    }
  }
  const std::string reference = result("reference.npy");
  if (!s_.reference.empty()) {
    const json depends = {{"reference", input(s_.reference)}};
    stage("reference", "reading the reference", depends, {reference}, [&] {
      copy_reference(s_.reference, reference);
      return json::object();
    });
    reference_ = reference;
  } else if (r_.full && !r_.mask.empty() && r_.traj.empty()) {
    stage("reference", "reference of all samples", settings, {reference},
          [&] { return recon(command("rss", reference, false)); });
    reference_ = reference;
  }
  recon_command c = main_command();
  report_["method"] = c.method;
  json depends = {{"method", c.method},
                  {"lambda", c.network() ? 0 : c.lambda()},
                  {"iterations", c.network() ? 0 : c.iterations()},
                  {"tv", c.tv},
                  {"scale", c.scale},
                  {"compress", c.coils.value_or(0)},
                  {"calib", c.calib.value_or(-1)},
                  {"crop", c.crop},
                  {"maps", c.maps.empty() ? "ESPIRiT" : "given"},
                  {"noise", !c.noise.empty()},
                  {"precision", common_.as_double ? "double" : "float"}};
  if (c.network()) {
    depends["weights"] = c.weights.empty() ? shipped_weights_identity() : shared_(c.weights);
    depends["embedding"] = shared_(c.embedding);
    depends["text_weights"] = shared_(c.text_weights);
    depends["metadata"] = c.metadata.value_or("");
    depends["undersampling"] = c.undersampling.value_or("");
    depends["acs"] = c.acs.value_or(20);
    depends["acs_shape"] = c.acs_shape.value_or("1d");
  }
  report_["options"] = depends;
  if (!r_.traj.empty() && (c_.method == "rss" || c_.method == "zf")) {
    image_ = zero_filled_;
    return;
  }
  image_ = result("image.npy");
  report_["reconstruction"] =
      stage("image", c.method + ": reconstructing", depends, {image_}, [&] { return recon(c); });
}

void case_run::pictures() {
  const std::string mosaic = result("image.png"), comparison = result("comparison.png"),
                    volume = result("image.nii.gz");
  const std::string cine = r_.size[0] > 1 ? result("cine.png") : std::string();
  std::vector<std::string> files = {mosaic, comparison};
  if (!cine.empty()) files.push_back(cine);
  stage("pictures", "drawing", {}, files, [&] {
    draw_pictures({image_, zero_filled_, reference_, mosaic, cine, comparison});
    return json::object();
  });
  const geometry& g = r_.voxel;
  stage("volume", "writing " + relative_(volume), {{"voxel", {g.dz, g.dy, g.dx, g.dt}}}, {volume},
        [&] {
          write_nifti_image(image_, g, volume);
          return json::object();
        });
  report_["notes"] = s_.notes;
}

}  // namespace program
