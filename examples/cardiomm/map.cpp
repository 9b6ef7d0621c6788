// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm map`: quantities from series of images: T1, T2, T2*, velocity, phase-sensitive images.

#include <ctime>

#include "cardiomm/analysis/mapping.hpp"
#include "cardiomm/analysis/phase.hpp"
#include "cardiomm/io/colour.hpp"
#include "common.hpp"
#include "folder.hpp"
#include "magnitude.hpp"
#include "times.hpp"

namespace program {
namespace {

namespace analysis = cardiomm::analysis;
using space = cardiomm::default_space;
using cardiomm::shape;

struct map_command {
  std::string method, images, times, out, mask, reference, still, compat, range, polarity = "auto";
  double threshold = 0.03, venc = 0, sigma = 1.5;
  index_t flips = -1;
  int background = -1;
  bool offset = false, normalise = false;
  axes_option given;

  bool relaxation() const { return method != "velocity" && method != "psir"; }
  bool recovery() const { return method == "molli" || method == "ir"; }
  /// Name of the map's file.
  std::string name() const { return recovery() ? "t1" : method; }
};

/// Files of a folder that appear together.
class map_output {
 public:
  map_output(const map_command& c, const common_options& common,
             const std::vector<std::string>& arrays, const std::vector<std::string>& pictures)
      : folder_(c.out) {
    for (const auto& name : arrays)
      arrays_.emplace(
          name, std::make_unique<array_output>(folder_ / (name + ".npy").c_str(), common.policy()));
    for (const auto& name : pictures)
      pictures_.emplace(name, std::make_unique<io::atomic_file>(folder_ / (name + ".png").c_str(),
                                                                common.policy()));
  }
  array_output& array(const std::string& name) { return *arrays_.at(name); }
  io::atomic_file& picture(const std::string& name) { return *pictures_.at(name); }
  void commit() {
    std::vector<io::atomic_file*> files;
    for (auto& a : arrays_)
      for (io::atomic_file* f : a.second->files()) files.push_back(f);
    for (auto& p : pictures_) files.push_back(p.second.get());
    io::atomic_file::commit(files);
    folder_.keep();
  }
  json names() const {
    json list = json::array();
    for (const auto& a : arrays_) list.push_back(a.first + ".npy");
    for (const auto& p : pictures_) list.push_back(p.first + ".png");
    return list;
  }

 private:
  output_folder folder_;
  std::map<std::string, std::unique_ptr<array_output>> arrays_;
  std::map<std::string, std::unique_ptr<io::atomic_file>> pictures_;
};

/// "200,1800" as the ends of the scale.
io::window parse_range(const std::string& text, io::window usual) {
  if (text.empty()) return usual;
  const auto comma = text.find(',');
  const auto low = comma == std::string::npos ? std::nullopt : number_of(text.substr(0, comma));
  const auto high = comma == std::string::npos ? std::nullopt : number_of(text.substr(comma + 1));
  require<value_error>(low && high && std::isfinite(*low) && std::isfinite(*high) && *low < *high,
                       "--range: expected two numbers LOW,HIGH with LOW below HIGH, found '", text,
                       "'");
  return {*low, *high};
}

/// A region (slice, y, x) of 0 and 1: every value but 0 is in it. One plane stands for all slices.
cardiomm::host_tensor<std::uint8_t, 3> load_region(const std::string& path, const char* option,
                                                   index_t slices, index_t ny, index_t nx) {
  const auto file = load_magnitude<float>(path, {});
  const auto s = cardiomm::shape_of(file.values);
  const index_t found = s[0] * s[1];
  require<shape_error>((found == slices || found == 1) && s[2] == ny && s[3] == nx, path, ": ",
                       option, ": expected ",
                       to_string({axis::slice, axis::y, axis::x}, {slices, ny, nx}),
                       " to fit the images, found ", file.from.describe());
  const auto region = cardiomm::make_tensor<std::uint8_t>(host_space{}, shape<3>{{slices, ny, nx}});
  bool any = false;
  for (index_t i = 0; i < slices * ny * nx; ++i) {
    region.data()[i] = file.values.data()[found == 1 ? i % (ny * nx) : i] != 0;
    any = any || region.data()[i] != 0;
  }
  require<value_error>(any, path, ": ", option, ": expected at least one pixel, found none");
  return region;
}

template <class V>
cardiomm::tensor<std::uint8_t, 3, space> region_of(const space& ex, const map_command& c,
                                                   const V& images) {
  const auto s = cardiomm::shape_of(images);
  if (!c.mask.empty())
    return cardiomm::to_space(ex, load_region(c.mask, "--mask", s[1], s[2], s[3]));
  return analysis::signal_mask(ex, images, c.threshold);
}

/// The axes of a result without or with frames.
axes kept_axes(const source& from, bool frames) {
  axes kept = without_coil(from.order);
  if (!frames) kept.erase(std::remove(kept.begin(), kept.end(), axis::frame), kept.end());
  return kept;
}

/// Percentiles of the values in the region, as the summary and the picture want them.
template <class T>
std::vector<float> inside(const T* values, const std::uint8_t* shown, index_t n, index_t period) {
  std::vector<float> v;
  for (index_t i = 0; i < n; ++i)
    if (shown[i % period] == 1 && std::isfinite(values[i]))
      v.push_back(static_cast<float>(values[i]));
  return v;
}
double at_percent(const std::vector<float>& v, double p) {
  return io::percentile(v.data(), static_cast<index_t>(v.size()), p);
}

template <class T>
io::colour_picture draw(const T* values, const std::uint8_t* shown, const shape<3>& s, io::window w,
                        io::colours map, const std::string& unit) {
  std::vector<float> v(values, values + s.size());
  return io::render_map(v.data(), shown, static_cast<int>(s[0]), static_cast<int>(s[1]),
                        static_cast<int>(s[2]), w, map, unit);
}

/// Real samples of the fits: magnitudes, signed values, or the part along the latest image's phase.
template <class T>
loaded<T, 4> load_samples(const map_command& c, const std::vector<double>& times, bool& is_signed) {
  is_signed = c.polarity == "signed" || c.polarity == "phase";
  if (c.polarity == "phase") {
    const opened file = open_array(c.images);
    require_complex(file, role::image);
    auto raw = load_image<T>(c.images, c.given);
    const auto s = cardiomm::shape_of(raw.values);
    auto latest = cardiomm::make_tensor<complex<T>>(host_space{}, shape<4>{{1, s[1], s[2], s[3]}});
    const index_t plane = s[2] * s[3], sets = static_cast<index_t>(times.size()) / s[0];
    for (index_t i = 0; i < s[1]; ++i) {
      const auto first = times.begin() + (sets == 1 ? 0 : i * s[0]);
      const index_t f = std::max_element(first, first + s[0]) - first;
      std::copy_n(raw.values.data() + (f * s[1] + i) * plane, plane, latest.data() + i * plane);
    }
    analysis::psir_options o;
    o.sigma = 0;
    return {analysis::psir(host_space{}, raw.values, latest, o), raw.from};
  }
  auto samples = load_magnitude<T>(c.images, c.given);
  if (c.polarity == "auto" && c.recovery())
    for (std::size_t i = 0; i < samples.values.size() && !is_signed; ++i)
      is_signed = samples.values.data()[i] < 0;
  return samples;
}

io::window usual_range(const map_command& c) {
  return c.recovery() ? io::window{0, 2000} : io::window{0, c.method == "t2" ? 120.0 : 60.0};
}

template <class T>
json fit(const map_command& c, map_output& out, progress& p) {
  using enum axis;
  p.stage("reading " + c.images);
  const source from = name_axes(open_array(c.images), role::image, c.given.of(role::image));
  const auto times = read_times(c.times, from.extent(frame), from.extent(slice));
  bool is_signed = false;
  const auto raw = load_samples<T>(c, times, is_signed);
  const space ex;
  const auto images = cardiomm::to_space(ex, raw.values);
  const auto mask = region_of(ex, c, images);
  analysis::mapping_options o;
  o.signed_samples = is_signed;
  o.flips = static_cast<int>(c.flips);
  o.offset = c.offset;
  o.released = c.compat == "released";
  const auto s = cardiomm::shape_of(mask);
  p.stage("fitting " + std::to_string(s.size()) + " pixels of " + std::to_string(images.extent(0)) +
          " images");
  stopwatch watch;
  const std::clock_t processor = std::clock();
  const auto maps = naming(c.images + ": ", [&] {
    return c.method == "molli" ? analysis::fit_t1_molli(ex, images, times, mask, o)
           : c.method == "ir"  ? analysis::fit_t1_recovery(ex, images, times, mask, o)
                               : analysis::fit_t2(ex, images, times, mask, o);
  });
  const double seconds = watch.seconds();
  const double cpu = static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC;
  stop_if_interrupted();
  p.stage("writing " + c.out);
  const axes all = {slice, y, x}, kept = kept_axes(raw.from, false);
  const auto status = cardiomm::to_host(maps.status);
  const auto value = cardiomm::to_host(maps.value), sd = cardiomm::to_host(maps.sd);
  const auto put = [&](const std::string& name, const auto& map) {
    const auto host = cardiomm::to_host(map);
    auto narrow = cardiomm::make_tensor<float>(host_space{}, s);
    for (std::size_t i = 0; i < host.size(); ++i)
      narrow.data()[i] = static_cast<float>(host.data()[i]);
    out.array(name).write(all, kept, narrow);
  };
  put(c.name(), value);
  put("sd", sd);
  put("r2", maps.r2);
  put("residual", maps.residual);
  if (c.method == "molli") put("t1star", maps.apparent);
  out.array("status").write(all, kept, status);
  const auto fitted_only = cardiomm::make_tensor<std::uint8_t>(host_space{}, s);
  for (std::size_t i = 0; i < status.size(); ++i) fitted_only.data()[i] = status.data()[i] == 1;
  const auto fitted = inside(value.data(), status.data(), s.size(), s.size());
  const auto doubt = inside(sd.data(), status.data(), s.size(), s.size());
  const io::window w = parse_range(c.range, usual_range(c));
  io::put_png(out.picture(c.name()),
              draw(value.data(), fitted_only.data(), s, w, io::colours::viridis, "ms"));
  const io::window narrow{0, std::max(at_percent(doubt, 95), 1e-6)};
  io::put_png(out.picture("sd"),
              draw(sd.data(), fitted_only.data(), s, narrow, io::colours::viridis, "ms"));
  index_t outside = 0, failed = 0;
  for (std::size_t i = 0; i < status.size(); ++i) {
    outside += status.data()[i] == 0;
    failed += status.data()[i] == 2;
  }
  return {{"method", c.method},
          {"unit", "ms"},
          {"shape", out.array(c.name()).shape()},
          {"times_ms", times},
          {"samples", is_signed ? "signed" : "magnitude"},
          {"pixels", {{"fitted", fitted.size()}, {"failed", failed}, {"outside", outside}}},
          {"median", at_percent(fitted, 50)},
          {"quartiles", {at_percent(fitted, 25), at_percent(fitted, 75)}},
          {"median_sd", at_percent(doubt, 50)},
          {"range", {w.low, w.high}},
          {"fit_seconds", seconds},
          {"fit_cpu_seconds", cpu}};
}

template <class T>
json by_phase(const map_command& c, map_output& out, progress& p) {
  using enum axis;
  p.stage("reading " + c.images);
  for (const std::string& path : {c.images, c.reference})
    if (!path.empty()) require_complex(open_array(path), role::image);
  const auto raw = load_image<T>(c.images, c.given);
  const auto s = cardiomm::shape_of(raw.values);
  cardiomm::host_tensor<complex<T>, 4> reference;
  if (!c.reference.empty()) {
    const auto r = load_image<T>(c.reference, c.given);
    auto expected = s;
    if (r.values.extent(0) == 1) expected[0] = 1;
    require<shape_error>(cardiomm::shape_of(r.values) == expected, c.reference,
                         ": reference: expected ", raw.from.describe(),
                         " as the images (or one frame), found ", r.from.describe());
    reference = r.values;
  }
  const space ex;
  const auto images = cardiomm::to_space(ex, raw.values);
  const auto along = cardiomm::to_space(ex, reference);
  const auto mask = region_of(ex, c, images);
  const auto shown = cardiomm::to_host(mask);
  const index_t pixels = static_cast<index_t>(shown.size());
  p.stage(c.method + " of " + std::to_string(s[0]) + " frames");
  json result = {{"method", c.method}};
  cardiomm::host_tensor<T, 4> values;
  if (c.method == "velocity") {
    cardiomm::host_tensor<std::uint8_t, 3> still;
    if (!c.still.empty()) still = load_region(c.still, "--still", s[1], s[2], s[3]);
    const auto v = naming(c.images + ": ", [&] {
      return analysis::velocity(ex, images, along, {c.venc, c.background}, mask, still);
    });
    values = cardiomm::to_host(v.velocity);
    result["unit"] = "cm/s";
    result["venc"] = c.venc;
    json terms = json::array();
    for (std::size_t i = 0; c.background >= 0 && i < v.background.extent(0); ++i) {
      const double* row = &v.background(i, 0);
      terms.push_back(std::vector<double>(row, row + v.background.extent(1)));
    }
    result["background"] = terms;
  } else {
    analysis::psir_options o;
    o.sigma = c.sigma;
    o.normalise = c.normalise;
    values = cardiomm::to_host(analysis::psir(ex, images, along, o));
    result["unit"] = "";
  }
  stop_if_interrupted();
  p.stage("writing " + c.out);
  auto narrow = cardiomm::make_tensor<float>(host_space{}, s);
  for (std::size_t i = 0; i < values.size(); ++i)
    narrow.data()[i] = static_cast<float>(values.data()[i]);
  out.array(c.method).write({frame, slice, y, x}, kept_axes(raw.from, true), narrow);
  const auto v = inside(narrow.data(), shown.data(), s.size(), pixels);
  const bool flow = c.method == "velocity";
  const io::window w = parse_range(c.range, flow ? io::window{-c.venc, c.venc}
                                                 : io::window{at_percent(v, 1), at_percent(v, 99)});
  std::vector<std::uint8_t> repeated;
  for (index_t f = 0; f < s[0]; ++f)
    repeated.insert(repeated.end(), shown.data(), shown.data() + pixels);
  io::put_png(
      out.picture(c.method),
      draw(narrow.data(), flow ? repeated.data() : nullptr, shape<3>{{s[0] * s[1], s[2], s[3]}}, w,
           flow ? io::colours::diverging : io::colours::grey, flow ? "cm/s" : ""));
  result["shape"] = out.array(c.method).shape();
  result["median"] = at_percent(v, 50);
  result["minimum"] = at_percent(v, 0);
  result["maximum"] = at_percent(v, 100);
  result["range"] = {w.low, w.high};
  return result;
}

void check(const map_command& c) {
  static const std::vector<std::string> methods = {"molli",  "ir",       "t2",
                                                   "t2star", "velocity", "psir"};
  require<value_error>(std::find(methods.begin(), methods.end(), c.method) != methods.end(),
                       "--method: expected molli, ir, t2, t2star, velocity or psir, found '",
                       c.method, "'");
  require<value_error>(!c.relaxation() || !c.times.empty(),
                       "--times: expected a file of times for ", c.method, ", found none");
  require<value_error>(c.relaxation() || c.times.empty(), "--times: expected none for ", c.method,
                       ", found '", c.times, "'");
  require<value_error>(c.method != "psir" || !c.reference.empty(),
                       "--reference: expected images without inversion for psir, found none");
  require<value_error>(!c.relaxation() || c.reference.empty(), "--reference: expected none for ",
                       c.method, ", found '", c.reference, "'");
  if (c.method == "velocity") require_number("--venc", c.venc, 0, true);
  require<value_error>(c.background >= -1 && c.background <= 5,
                       "--background: expected an order of 0 to 5, or -1 for none, found ",
                       c.background);
  require<value_error>(c.sigma >= 0 && c.sigma <= 50, "--sigma: expected 0 to 50 pixels, found ",
                       c.sigma);
  require_number("--threshold", c.threshold, 0);
  require<value_error>(c.polarity == "auto" || c.polarity == "magnitude" ||
                           c.polarity == "signed" || c.polarity == "phase",
                       "--polarity: expected auto, magnitude, signed or phase, found '", c.polarity,
                       "'");
  require<value_error>(c.polarity == "auto" || c.recovery(),
                       "--polarity: expected molli or ir for it, found ", c.method);
  require<value_error>(c.flips >= -1 && c.flips < cardiomm::solve::lm_samples,
                       "--flips: expected 0 to ", cardiomm::solve::lm_samples - 1, ", found ",
                       c.flips);
  require<value_error>(!c.offset || c.method == "t2" || c.method == "t2star",
                       "--offset: expected t2 or t2star for it, found ", c.method);
  require<value_error>(c.compat.empty() || c.compat == "released",
                       "--compat: expected released, found '", c.compat, "'");
  require<value_error>(c.compat.empty() || c.method == "molli" || c.method == "t2",
                       "--compat released: expected molli or t2 for it, found ", c.method);
  parse_range(c.range, {0, 1});
}

template <class T>
void run(const map_command& c, const common_options& common) {
  check(c);
  // what is missing is told before a folder is made
  (void)name_axes(open_array(c.images), role::image, c.given.of(role::image));
  std::vector<std::string> arrays = {c.name()}, pictures = {c.name()};
  if (c.relaxation()) {
    arrays.insert(arrays.end(), {"sd", "r2", "residual", "status"});
    pictures.push_back("sd");
  }
  if (c.method == "molli") arrays.push_back("t1star");
  map_output out(c, common, arrays, pictures);
  progress p(common);
  stopwatch watch;
  json summary = {{"out", c.out}};
  summary.update(c.relaxation() ? fit<T>(c, out, p) : by_phase<T>(c, out, p));
  summary["files"] = out.names();
  stop_if_interrupted();
  out.commit();
  p.clear();
  summary["seconds"] = watch.seconds();
  if (common.as_json) {
    std::cout << dump(summary) << "\n";
    return;
  }
  std::ostringstream text;
  text << c.out << ": " << c.name() << " " << io::to_string(out.array(c.name()).shape());
  if (c.relaxation())
    text << ", median " << summary["median"].get<double>() << " ms, "
         << summary["pixels"]["fitted"].get<index_t>() << " pixels fitted, "
         << summary["pixels"]["failed"].get<index_t>() << " failed";
  else
    text << ", " << summary["minimum"].get<double>() << " to " << summary["maximum"].get<double>()
         << " " << summary["unit"].get<std::string>();
  std::printf("%s, %.2f s\n", text.str().c_str(), summary["seconds"].get<double>());
}

}  // namespace

action add_map(CLI::App& app, common_options& common) {
  auto c = std::make_shared<map_command>();
  auto& command = add_command(
      app, "map", "Maps of T1, T2, T2*, velocity; phase-sensitive images",
      "  cardiomm map --method molli --images molli.npy --times ti.csv --out t1\n"
      "  cardiomm map --method t2 --images t2prep.npy --times te.csv --out t2 --range 0,100\n"
      "  cardiomm map --method velocity --images flow.npy --reference still.npy --venc 150 "
      "--background 2 --out flow\n"
      "  cardiomm map --method psir --images lge.npy --reference pd.npy --out psir\n"
      "Writes t1.npy, t2.npy, t2star.npy (ms), velocity.npy or psir.npy with a coloured picture, "
      "and for\n"
      "relaxation sd.npy (standard deviation, ms), r2.npy, residual.npy (units of the images) and\n"
      "status.npy (0 outside, 1 fitted, 2 failed); maps are 0 where nothing was fitted.",
      common);
  command.add_option("--method", c->method, "molli, ir, t2, t2star, velocity or psir")->required();
  command
      .add_option("--images", c->images,
                  "Images (frame, slice, y, x) or (frame, y, x), a frame for each time; complex "
                  "values count by magnitude in fits")
      ->required();
  command.add_option("--times", c->times,
                     "Inversion or echo times of the frames in ms, .csv (a row each, or a column "
                     "for each slice) or .npy");
  command.add_option("--mask", c->mask, "Pixels to fit, (slice, y, x) or (y, x)");
  command
      .add_option("--threshold", c->threshold,
                  "Without --mask: least brightness of a pixel, as part of the 99th percentile")
      ->capture_default_str();
  command
      .add_option("--polarity", c->polarity,
                  "molli, ir: magnitude (the best number of negated early samples), signed, phase "
                  "(complex images, sign by the latest image's phase), or auto: signed where a "
                  "real image has negative values")
      ->capture_default_str();
  command.add_option("--flips", c->flips,
                     "Most early samples that are negated; molli 6, ir all but one");
  command.add_flag("--offset", c->offset, "t2, t2star: fit a constant below the decay");
  command.add_option("--compat", c->compat,
                     "released: CMRxRecon2023's scripts (first polarity that does not fail; T2 by "
                     "the logarithms, 0 outside of 0 to 200 ms)");
  command.add_option("--reference", c->reference,
                     "velocity: images to subtract the phase of; psir: images without inversion");
  command.add_option("--venc", c->venc, "velocity: cm/s of a phase difference of pi");
  command
      .add_option("--background", c->background,
                  "velocity: order of the polynomial taken from still tissue; -1: none")
      ->capture_default_str();
  command.add_option("--still", c->still, "velocity: still tissue, (slice, y, x) or (y, x)");
  command.add_option("--sigma", c->sigma, "psir: smoothing of the reference, pixels")
      ->capture_default_str();
  command.add_flag("--normalise", c->normalise,
                   "psir: divide by the reference's magnitude, against the coils' shading");
  command.add_option("--range", c->range, "Ends of the picture's scale")->type_name("LOW,HIGH");
  add_axes(command, c->given);
  command.add_option("--out", c->out, "Folder, made if it is missing")
      ->type_name("DIR")
      ->required();
  return [c](const common_options& options) {
    if (options.as_double)
      run<double>(*c, options);
    else
      run<float>(*c, options);
  };
}

}  // namespace program
