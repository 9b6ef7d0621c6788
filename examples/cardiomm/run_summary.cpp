// SPDX-License-Identifier: Apache-2.0
/// \file
/// All cases of `cardiomm run`, their scores and the report.

#include "run_summary.hpp"

#include "cardiomm/io/html.hpp"
#include "cardiomm/io/image.hpp"
#include "folder.hpp"
#include "report.hpp"
#include "run_case.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;

/// Works in a folder, so that names in results do not depend on where it lies.
class inside {
 public:
  explicit inside(const std::string& folder) : before_(fs::current_path()) {
    fs::current_path(folder);
  }
  ~inside() {
    std::error_code none;
    fs::current_path(before_, none);
  }
  inside(const inside&) = delete;
  inside& operator=(const inside&) = delete;

 private:
  fs::path before_;
};

/// Replaces a file unless it holds the same text.
void put_text(const std::string& path, const std::string& text) {
  io::atomic_file file(path);
  file.write(text);
  file.commit();
}

std::string duration(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  return s < 100 ? std::to_string(s) + " s" : std::to_string((s + 59) / 60) + " min";
}

struct finished_case {
  std::string name;
  json report;
  std::string image, reference, zero_filled, pattern;
  double sampled = 1;
};

class summary {
 public:
  summary(const run_command& c, const folder_plan& plan, const common_options& common)
      : c_(c), plan_(plan), common_(common), show_(common) {}

  void operator()() {
    output_folder out(c_.out);
    const run_state state(c_.out);
    out.keep();
    const stopwatch time;
    std::size_t i = 0;
    for (const scan_case& s : plan_.cases) {
      const std::string which =
          plan_.cases.size() > 1
              ? " (" + std::to_string(i + 1) + " of " + std::to_string(plan_.cases.size()) +
                    (made_ > 0 ? ", " +
                                     duration(time.seconds() / double(i) *
                                              double(plan_.cases.size() - i)) +
                                     " left"
                               : "") +
                    ")"
              : "";
      one(s, state, which);
      ++i;
    }
    try {
      const inside here(c_.out);
      write(state);
    } catch (interrupted& e) {
      throw go_on(e);
    }
    show_.clear();
    tell();
    require<value_error>(errors_.empty(), errors_.size(), " of ",
                         plan_.cases.size() + plan_.problems.size(),
                         " could not be done: ", errors_.empty() ? "" : errors_.front());
  }

 private:
  interrupted go_on(interrupted e) const {
    e.kept = ": " + std::to_string(finished_.size()) + " of " + std::to_string(plan_.cases.size()) +
             " cases are finished, the same command goes on from there";
    return e;
  }
  std::string relative(const std::string& path) const {
    for (const std::string& root : {c_.folder, c_.out})
      if (path.rfind(root + "/", 0) == 0) return path.substr(root.size() + 1);
    return fs::path(path).filename().string();
  }
  /// Messages without the places of this machine.
  std::string portable(std::string text) const {
    for (const std::string& root : {c_.folder + "/", c_.out + "/", c_.folder, c_.out})
      for (std::size_t at = 0; (at = text.find(root, at)) != std::string::npos;)
        text.erase(at, root.size());
    return text;
  }
  /// The checksum of a file that all cases use.
  std::string shared(const std::string& path) {
    if (path.empty()) return {};
    auto& sum = sums_[path];
    if (sum.empty()) sum = fs::path(path).filename().string() + " " + sum_of_file(path);
    return sum;
  }

  void one(const scan_case& s, const run_state& state, const std::string& which) {
    case_run work(
        c_, s, state, common_, [&](const std::string& p) { return relative(p); },
        [&](const std::string& p) { return shared(p); },
        [&](const std::string& text) { show_.stage(s.name + which + ": " + text); });
    try {
      work();
    } catch (interrupted& e) {
      throw go_on(e);
    } catch (const cardiomm::error& e) {
      fail(s.name, one_line(e.what()));
      return;
    } catch (const std::bad_alloc&) {
      fail(s.name, "out of memory");
      return;
    }
    made_ += work.made();
    kept_ += work.kept();
    if (work.made() == 0) show_.stage(s.name + which + ": finished before");
    finished_.push_back({s.name, work.report(), relative(work.image()), relative(work.reference()),
                         relative(work.zero_filled()), work.what().pattern, work.sampled()});
  }
  void fail(const std::string& name, const std::string& why) {
    show_.clear();
    std::fprintf(stderr, "cardiomm: error: %s: %s\n", name.c_str(), why.c_str());
    std::fflush(stderr);
    errors_.push_back(name + ": " + why);
    failed_.push_back({{"name", name}, {"error", portable(why)}});
  }

  /// In the folder of the results.
  void write(const run_state&) {
    for (const std::string& p : plan_.problems) {
      errors_.push_back(p);
      failed_.push_back({{"error", portable(p)}});
    }
    std::vector<image_pair> pairs;
    for (const auto& f : finished_) {
      if (f.reference.empty()) continue;
      const auto add = [&](const std::string& image, const std::string& method) {
        score_identity who;
        who.method = method;
        who.data = f.name;
        who.mask = f.pattern;
        if (f.sampled < 0.999) {
          char text[32];
          std::snprintf(text, sizeof text, "%.1f", 1 / f.sampled);
          who.af = text;
        }
        who.medcon = "unknown";
        pairs.push_back({f.reference, image, who});
      };
      add(f.zero_filled, "zero-filled");
      add(f.image, f.report.value("method", c_.method));
    }
    json result = {{"cardiomm", CARDIOMM_VERSION_STRING}, {"method", c_.method}};
    json cases = json::array(), files = json::array();
    for (const auto& f : finished_) {
      json one = f.report;
      one["image"] = f.image;
      one["zero_filled"] = f.zero_filled;
      if (!f.reference.empty()) one["reference"] = f.reference;
      cases.push_back(one);
    }
    for (const auto& f : plan_.files)
      files.push_back({{"file", f.name}, {"is", f.is}, {"note", portable(f.note)}});
    result["cases"] = cases;
    result["failed"] = failed_;
    result["files"] = files;
    std::vector<std::string> notes;
    for (const auto& f : finished_)
      for (const auto& n : f.report.value("notes", json::array()))
        notes.push_back(f.name + ": " + n.get<std::string>());
    for (const auto& f : failed_) notes.push_back("failed: " + f.value("error", ""));
    std::error_code none;
    if (pairs.empty()) {
      for (const char* name : {"scores.csv", "images.csv", "scores.json", "evaluation.html"})
        fs::remove(name, none);
    } else {
      show_.stage("scoring");
      eval_options options;
      options.conventions = {2025, 2024, 2023};
      options.strict = false;
      const evaluation scores = evaluate(pairs, options);
      fs::remove("scores.csv", none);
      write_score_csv("scores.csv", scores, {}, io::existing::replace);
      write_image_csv("images.csv", scores, {}, io::existing::replace);
      put_text("scores.json", dump(as_json(scores, true, {})) + "\n");
      scores_ = as_json(scores, false, {});
      result["scores"] = scores_;
      report_options page;
      page.title = "Image quality of cardiomm run, " + c_.method;
      page.notes = notes;
      write_report("evaluation.html", scores, page, io::existing::replace);
    }
    show_.stage("writing report.html");
    write_page(result);
    put_text("run.json", dump(result) + "\n");
  }

  /// Pictures, scores and decisions of all cases on one page.
  void write_page(const json& result) const {
    io::html_page page("cardiomm run: " + c_.method, std::to_string(finished_.size()) + " cases, " +
                                                         std::to_string(failed_.size()) +
                                                         " failed; cardiomm " +
                                                         CARDIOMM_VERSION_STRING);
    if (scores_.is_object() && scores_.contains("means")) {
      page.section("Scores", "scores");
      io::html_table means;
      means.columns = {"method", "convention", "PSNR", "SSIM", "NMSE"};
      for (const auto& m : scores_["means"]) {
        std::vector<io::html_cell> row = {m["method"].get<std::string>(),
                                          std::to_string(m["convention"].get<int>())};
        for (const char* what : {"psnr", "ssim", "nmse"}) {
          const json& mean = m[what]["mean"];
          char text[32] = "";
          if (mean.is_number()) std::snprintf(text, sizeof text, "%.4g", mean.get<double>());
          row.emplace_back(std::string(text));
        }
        means.rows.push_back(row);
      }
      page.table(means);
      page.paragraph(
          "Means over the cases that have a reference. All images: evaluation.html, scores.csv, "
          "images.csv.");
    }
    page.section("Cases", "cases");
    int number = 0;
    for (const auto& f : finished_) {
      page.group("case" + std::to_string(++number));
      page.heading(f.name + ": " + f.report.value("method", c_.method));
      for (const auto& n : f.report.value("notes", json::array()))
        page.paragraph(n.get<std::string>(), true);
      std::vector<io::html_picture> pictures;
      const std::string how = f.reference.empty()
                                  ? "zero-filled, reconstruction"
                                  : "zero-filled, reconstruction, reference, error x 5";
      add_picture(pictures, f.name + "/comparison.png", how);
      add_picture(pictures, f.name + "/cine.png", "cine");
      page.pictures(pictures);
      page.details("Options, files and checksums");
      json told = f.report;
      told.erase("notes");
      page.code(dump(told));
      page.end_details();
      page.end_group();
    }
    if (!failed_.empty()) {
      page.section("Failed", "failed");
      for (const auto& f : failed_)
        page.notice(f.value("name", std::string()) + " " + f.value("error", std::string()));
    }
    page.section("Files", "files");
    io::html_table table;
    table.columns = {"file", "is", "note"};
    for (const auto& f : result["files"])
      table.rows.push_back(
          {f["file"].get<std::string>(), f["is"].get<std::string>(), f["note"].get<std::string>()});
    table.shown = 40;
    page.table(table);
    page.save("report.html");
  }
  static void add_picture(std::vector<io::html_picture>& all, const std::string& path,
                          const std::string& caption) {
    std::error_code none;
    if (!fs::is_regular_file(path, none)) return;
    const io::input_file file(path);
    io::html_picture p;
    p.png.resize(static_cast<std::size_t>(file.size()));
    file.read(0, p.png.data(), p.png.size());
    const auto size = io::read_png(path);
    p.width = size.width;
    p.height = size.height;
    p.caption = caption;
    all.push_back(std::move(p));
  }

  void tell() {
    json told = {{"out", c_.out}, {"method", c_.method}, {"cases", json::array()}};
    for (const auto& f : finished_) told["cases"].push_back({{"name", f.name}, {"image", f.image}});
    told["failed"] = failed_;
    told["stages"] = {{"made", made_}, {"kept", kept_}};
    if (!scores_.is_null()) told["scores"] = scores_;
    if (common_.as_json)
      std::cout << dump(told) << "\n";
    else
      std::printf("%s: %zu case%s, %zu failed; %d stages done, %d kept from before\n",
                  c_.out.c_str(), finished_.size(), finished_.size() == 1 ? "" : "s",
                  failed_.size(), made_, kept_);
  }

  const run_command& c_;
  const folder_plan& plan_;
  const common_options& common_;
  progress show_;
  std::map<std::string, std::string> sums_;
  std::vector<finished_case> finished_;
  std::vector<std::string> errors_;
  json failed_ = json::array(), scores_;
  int made_ = 0, kept_ = 0;
};

}  // namespace

void run_summary(const run_command& c, const folder_plan& plan, const common_options& common) {
  summary(c, plan, common)();
}

}  // namespace program
