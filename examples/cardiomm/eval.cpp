// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm eval`: PSNR, SSIM and NMSE of images against their references, files or folders.

#include <ctime>
#include <fstream>

#include "cardiomm/io/markup.hpp"
#include "report.hpp"

namespace program {
namespace {

struct eval_command {
  std::string reference, convention = "2025";
  std::vector<std::string> images;
  std::string csv, image_csv, json_out, report, title;
  std::optional<int> round;
  int pictures = report_options{}.pictures;
  double megabytes = report_options{}.megabytes;
  int delay = report_options{}.delay;
  bool dated = false, crop = false;
  index_t crop_frames = -1;
  axes_option given;
};

/// "all", or years or their names separated by commas.
std::vector<int> parse_conventions(const std::string& text) {
  if (text == "all") return {2025, 2024, 2023};
  std::vector<int> years;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string word = text.substr(at, end - at);
    const int year = word == "2023" || word == "maxval"       ? 2023
                     : word == "2024" || word == "std"        ? 2024
                     : word == "2025" || word == "percentile" ? 2025
                                                              : 0;
    require<value_error>(year > 0, "--convention: expected 2023, 2024, 2025 or all, found '", word,
                         "'");
    require<value_error>(std::find(years.begin(), years.end(), year) == years.end(),
                         "--convention: expected every year once, found ", year, " again");
    years.push_back(year);
    at = end + 1;
  }
  return years;
}

/// NAME=PATH, or a path; a path with = in it that exists is a path.
named_path parse_image(const std::string& text) {
  std::error_code none;
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || std::filesystem::exists(text, none) ||
      text.find('/') < equals)
    return {"", text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// How this process was called, without the folder of the program.
std::string command_line() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(in)), {});
  std::string text;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\0', at), all.size());
    std::string word = all.substr(at, end - at);
    if (at == 0)
      word = "cardiomm";
    else if (word.empty() || word.find_first_of(" \t\n'\"\\$&;()<>|*?!`#") != std::string::npos) {
      std::string quoted = "'";
      for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
      word = quoted + "'";
    }
    text += (text.empty() ? "" : " ") + word;
    at = end + 1;
  }
  return text;
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%d", &parts)};
}

/// The one pair of two files: the keys and the line that scripts know.
void print_pair(const scored_file& f, decimals round, const common_options& common) {
  const auto& s = f.scores[0];
  const auto value = [&](double v) {
    return round && std::isfinite(v) ? std::stod(io::fixed(v, *round)) : v;
  };
  if (common.as_json) {
    json images = json::array();
    for (const auto& i : s.images)
      images.push_back({{"frame", i.frame},
                        {"slice", i.slice},
                        {"psnr", value(i.value.psnr)},
                        {"ssim", value(i.value.ssim)},
                        {"nmse", value(i.value.nmse)}});
    std::cout << dump({{"psnr", value(s.mean.psnr)},
                       {"ssim", value(s.mean.ssim)},
                       {"nmse", value(s.mean.nmse)},
                       {"convention", s.year},
                       {"count", s.images.size()},
                       {"empty_references", f.empty_references},
                       {"images", images}})
              << "\n";
    return;
  }
  std::printf("PSNR %.4f dB  SSIM %.6f  NMSE %.6g  (%zu images, convention %d", s.mean.psnr,
              s.mean.ssim, s.mean.nmse, s.images.size(), s.year);
  if (f.empty_references > 0)
    std::printf(", %lld all-zero references left out", static_cast<long long>(f.empty_references));
  std::printf(")\n");
}

void print_list(const char* what, const std::vector<left_out_file>& list) {
  constexpr std::size_t most = 20;
  if (list.empty()) return;
  std::printf("%s:\n", what);
  for (std::size_t i = 0; i < std::min(list.size(), most); ++i)
    std::printf("  %s: %s\n", one_line(list[i].path).c_str(), list[i].reason.c_str());
  if (list.size() > most) std::printf("  and %zu more\n", list.size() - most);
}

void print_means(const evaluation& result, std::size_t pairs) {
  std::vector<std::string> methods;
  std::size_t widest = 6;
  for (const auto& f : result.files) {
    const std::string& m = f.files.who.method;
    widest = std::max(widest, m.size());
    if (std::find(methods.begin(), methods.end(), m) == methods.end()) methods.push_back(m);
  }
  std::printf("%zu of %zu files scored; means and sample standard deviations over files\n",
              result.files.size(), pairs);
  std::printf("%-*s  convention  files      PSNR (dB)             SSIM               NMSE\n",
              static_cast<int>(widest), "method");
  for (const auto& m : methods)
    for (std::size_t c = 0; c < result.options.conventions.size(); ++c) {
      std::vector<double> values[3];
      for (const auto& f : result.files)
        if (f.files.who.method == m) {
          values[0].push_back(f.scores[c].mean.psnr);
          values[1].push_back(f.scores[c].mean.ssim);
          values[2].push_back(f.scores[c].mean.nmse);
        }
      const spread p = spread_of(values[0]), s = spread_of(values[1]), n = spread_of(values[2]);
      std::printf("%-*s  %10d  %5zu  %8.4f +- %7.4f  %.5f +- %.5f  %.6f +- %.6f\n",
                  static_cast<int>(widest), m.c_str(), result.options.conventions[c],
                  values[0].size(), p.mean, p.deviation, s.mean, s.deviation, n.mean, n.deviation);
    }
}

void run(const eval_command& c, const common_options& common) {
  eval_options options;
  options.conventions = parse_conventions(c.convention);
  options.axes = c.given;
  options.crop_centre = c.crop;
  options.crop_frames = c.crop_frames;
  options.threads = common.threads;
  require<value_error>(!c.round || (*c.round >= 0 && *c.round <= 17),
                       "--decimals: expected 0 to 17, found ", c.round.value_or(0));
  require<value_error>(c.pictures >= 0, "--pictures: expected at least 0, found ", c.pictures);
  require<value_error>(c.crop_frames >= -1, "--crop-frames: expected at least 0, found ",
                       c.crop_frames);
  require<value_error>(c.crop || c.crop_frames == -1, "--crop-frames: expected --crop-centre too");
  require<value_error>(c.delay > 0 && c.delay < 65536, "--delay: expected 1 to 65535 ms, found ",
                       c.delay);
  require_number("--megabytes", c.megabytes, 0, true);
  std::error_code none;
  const bool csv_folder = !c.csv.empty() && std::filesystem::is_directory(c.csv, none);
  for (const std::string* out : {&c.csv, &c.image_csv, &c.json_out, &c.report})
    if (!out->empty() && !(out == &c.csv && csv_folder))
      io::atomic_file::check(*out, common.policy());
  std::vector<named_path> images;
  for (const auto& text : c.images) images.push_back(parse_image(text));
  const auto matched = match_images(c.reference, images);
  const bool files = !std::filesystem::is_directory(c.reference, none);
  options.strict = files && matched.found.size() == 1;
  require<value_error>(
      !matched.found.empty(), c.reference, ": expected references for the images, found none for ",
      matched.left_out.empty()
          ? std::string("any")
          : matched.left_out.front().path + ": " + matched.left_out.front().reason);
  evaluation result;
  {
    progress line(common);
    if (!files)
      line.stage("scoring " + std::to_string(matched.found.size()) + " files by " +
                 std::to_string(images.size()) + (images.size() == 1 ? " method" : " methods"));
    options.on_file = [&](std::size_t done, std::size_t all) {
      if (!interrupt_requested)
        line.part("scoring " + std::to_string(done) + " of " + std::to_string(all));
    };
    result = evaluate(matched.found, options);
    const std::size_t failed = result.left_out.size();
    result.left_out.insert(result.left_out.end(), matched.left_out.begin(), matched.left_out.end());
    result.unused = matched.unused;
    require<value_error>(!result.files.empty(), failed, " of ", failed,
                         " files cannot be scored; the first: ",
                         result.left_out.empty() ? "" : result.left_out.front().reason);
    if (!c.report.empty()) {
      line.part("writing " + c.report);
      report_options r;
      if (!c.title.empty()) r.title = c.title;
      r.command = command_line();
      if (c.dated) r.date = today();
      r.pictures = c.pictures;
      r.megabytes = c.megabytes;
      r.delay = c.delay;
      write_report(c.report, result, r, common.policy());
    }
  }
  if (csv_folder)
    write_published_csv(c.csv, result, c.round, common.policy());
  else if (!c.csv.empty())
    write_score_csv(c.csv, result, c.round, common.policy());
  if (!c.image_csv.empty()) write_image_csv(c.image_csv, result, c.round, common.policy());
  if (!c.json_out.empty()) {
    io::atomic_file out(c.json_out, common.policy());
    out.write(dump(as_json(result, true, c.round)) + "\n");
    out.commit();
  }
  const std::size_t failed = matched.found.size() - result.files.size();
  if (options.strict && options.conventions.size() == 1)
    print_pair(result.files[0], c.round, common);
  else if (common.as_json)
    std::cout << dump(as_json(result, options.strict, c.round)) << "\n";
  else {
    print_means(result, matched.found.size());
    print_list("not scored", result.left_out);
    if (!result.unused.empty())
      std::printf("%zu references without an image\n", result.unused.size());
    std::fflush(stdout);
  }
  require<value_error>(
      failed == 0, failed, " of ", matched.found.size(), " files cannot be scored; the first: ",
      failed > 0 ? result.left_out.front().path + ": " + result.left_out.front().reason
                 : std::string());
}

}  // namespace

action add_eval(CLI::App& app, common_options& common) {
  auto c = std::make_shared<eval_command>();
  auto& command = add_command(
      app, "eval", "PSNR, SSIM and NMSE of images against their references, files or folders",
      "  cardiomm eval --reference image.npy --image sense.npy --convention 2025 --json\n"
      "  cardiomm eval --reference data --image sense=results/sense --image llr=results/llr \\\n"
      "      --convention all --csv scores.csv --report report.html\n"
      "Each 2-D image is normalised by its own 99.5th percentile (2025), mean and deviation\n"
      "(2024) or maximum (2023), and so is its reference; the figures are means over the images.\n"
      "In folders the reference of cine_sax_mask_Uniform8.mat is cine_sax in the same place.",
      common);
  command
      .add_option("--reference", c->reference,
                  "Reference, (frame, slice, y, x) or fewer axes, or a folder of them")
      ->required();
  command
      .add_option("--image", c->images,
                  "Image to score, or a folder of them; complex values count by magnitude. May be "
                  "given several times, with the names of the methods")
      ->required()
      ->type_name("[NAME=]PATH")
      ->allow_extra_args(false);
  command
      .add_option("--convention", c->convention,
                  "Challenge year: 2023, 2024, 2025, several with commas, or all; the first orders "
                  "the report")
      ->capture_default_str();
  command.add_flag(
      "--crop-centre", c->crop,
      "Score the ranking block of 2023 and 2024: central third of the readout, half of "
      "the phase encodes, two slices, three frames (all for mapping)");
  command.add_option("--crop-frames", c->crop_frames, "Frames of --crop-centre; 0: all");
  add_axes(command, c->given);
  const std::string group = "Results";
  command
      .add_option("--csv", c->csv,
                  "Table with a row for each file in the published columns; rows of the same "
                  "identifiers are replaced. A folder gets the published tables "
                  "ObjCal_SET_TASK_NORM_METHOD.csv")
      ->group(group);
  command.add_option("--csv-images", c->image_csv, "Table with a row for each 2-D image")
      ->group(group);
  command.add_option("--json-out", c->json_out, "All scores as JSON")->group(group);
  command
      .add_option("--decimals", c->round,
                  "Round scores in tables and JSON; the published tables have 4")
      ->group(group);
  command.add_option("--report", c->report, "HTML page of one file, with pictures")->group(group);
  command.add_option("--title", c->title, "Title of the report")->group(group);
  command.add_flag("--date", c->dated, "Show today's date in the report")->group(group);
  command.add_option("--pictures", c->pictures, "Files that are shown, at most")
      ->capture_default_str()
      ->group(group);
  command.add_option("--megabytes", c->megabytes, "What the pictures may take")
      ->capture_default_str()
      ->group(group);
  command.add_option("--delay", c->delay, "Time of a frame of a cine in ms")
      ->capture_default_str()
      ->group(group);
  return [c](const common_options& options) { run(*c, options); };
}

}  // namespace program
