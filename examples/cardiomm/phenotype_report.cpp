// SPDX-License-Identifier: Apache-2.0
/// \file
/// What `phenotype` tells of a heart.

#include "phenotype_report.hpp"

#include "cardiomm/io/chart.hpp"
#include "cardiomm/io/html.hpp"

namespace program {

namespace analysis = cardiomm::analysis;

static json maybe(double v) { return std::isfinite(v) ? json(v) : json(); }

json as_json(const heart_numbers& h) {
  json j;
  if (!h.cine.empty()) j["cine"] = h.cine;
  if (!h.ed_file.empty()) j["ed_file"] = h.ed_file;
  if (!h.es_file.empty()) j["es_file"] = h.es_file;
  if (!h.cine.empty()) {
    j["frames"] = h.curve.size();
    j["ed"] = h.frames.ed;
    j["es"] = h.frames.es;
  }
  j["spacing_mm"] = {{"z", h.voxel.dz}, {"y", h.voxel.dy}, {"x", h.voxel.dx}};
  j["frame_time_s"] = h.voxel.dt > 0 ? json(h.voxel.dt) : json();
  json units, missing = json::object();
  for (const auto& p : h.values) {
    j[p.name] = p.value ? json(*p.value) : json();
    units[p.name] = p.unit;
    if (!p.value) missing[p.name] = p.reason;
  }
  j["WT_Global"] = maybe(h.wall.mean[0]);
  units["WT_Global"] = "mm";
  if (!h.wall.reason.empty()) missing["WT_Global"] = h.wall.reason;
  j["units"] = units;
  j["missing"] = missing;
  const auto counts = [](const analysis::label_counts& c) {
    return json{{"lv", c.lv}, {"myo", c.myo}, {"rv", c.rv}};
  };
  j["voxels"] = {{"ed", counts(h.ed)}, {"es", counts(h.es)}};
  if (!h.curve.empty()) {
    json lv = json::array(), rv = json::array(), time = json::array();
    for (std::size_t t = 0; t < h.curve.size(); ++t) {
      lv.push_back(static_cast<double>(h.curve[t].lv) * h.millilitres());
      rv.push_back(static_cast<double>(h.curve[t].rv) * h.millilitres());
      time.push_back(static_cast<double>(t) * h.voxel.dt);
    }
    j["curve"] = {{"lv_ml", lv}, {"rv_ml", h.names.rv > 0 ? rv : json()}};
    j["curve"]["time_s"] = h.voxel.dt > 0 ? time : json();
  }
  if (h.wall.reason.empty()) {
    json mean = json::array(), most = json::array(), n = json::array();
    for (std::size_t k = 1; k <= 16; ++k) {
      mean.push_back(maybe(h.wall.mean[k]));
      most.push_back(maybe(h.wall.maximum[k]));
      n.push_back(h.wall.points_in[k]);
    }
    j["wall_thickness"] = {{"unit", "mm"},
                           {"mean", mean},
                           {"max", most},
                           {"points", n},
                           {"global_mean", maybe(h.wall.mean[0])},
                           {"global_max", maybe(h.wall.maximum[0])}};
  } else
    j["wall_thickness"] = nullptr;
  j["doubts"] = h.doubts;
  return j;
}

std::string as_text(const heart_numbers& h) {
  std::string text;
  const auto line = [&](const std::string& name, const std::string& value, const std::string& unit,
                        const std::string& more) {
    std::string l = "  " + name;
    l.append(name.size() < 11 ? 11 - name.size() : 1, ' ');
    l.append(value.size() < 8 ? 8 - value.size() : 0, ' ');
    l += value + " " + unit;
    if (!more.empty()) l += (l.size() < 30 ? std::string(30 - l.size(), ' ') : " ") + more;
    text += l + "\n";
  };
  if (!h.cine.empty())
    text += h.cine + ": " + std::to_string(h.curve.size()) + " frames, ED " +
            std::to_string(h.frames.ed) + ", ES " + std::to_string(h.frames.es) + "\n";
  else
    text += "ED " + h.ed_file + ", ES " + h.es_file + "\n";
  text += "voxels " + io::significant(h.voxel.dz, 6) + " x " + io::significant(h.voxel.dy, 6) +
          " x " + io::significant(h.voxel.dx, 6) + " mm (z, y, x)\n";
  for (const auto& p : h.values)
    line(p.name, p.value ? io::fixed(*p.value, 2) : "-", p.value ? p.unit : "", p.reason);
  if (h.wall.reason.empty()) {
    line("WT_Global", io::fixed(h.wall.mean[0], 2), "mm",
         "largest " + io::fixed(h.wall.maximum[0], 2) + " mm");
    const char* parts[] = {"basal  1-6", "mid    7-12", "apical 13-16"};
    const std::size_t first[] = {1, 7, 13, 17};
    for (std::size_t part = 0; part < 3; ++part) {
      text += "  WT " + std::string(parts[part]);
      text.append(14 - std::string(parts[part]).size(), ' ');
      for (std::size_t k = first[part]; k < first[part + 1]; ++k)
        text += " " + io::fixed(h.wall.mean[k], 2);
      text += " mm\n";
    }
  } else
    line("WT_Global", "-", "", h.wall.reason);
  for (const auto& d : h.doubts) text += "  note: " + d + "\n";
  return text;
}

io::bullseye bullseye_of(const heart_numbers& h, bool largest) {
  io::bullseye b;
  b.title = largest ? "Largest wall thickness at ED" : "Mean wall thickness at ED";
  b.unit = "mm";
  b.values.fill(std::numeric_limits<double>::quiet_NaN());
  double high = 0;
  for (std::size_t k = 1; k <= 16; ++k) {
    b.values[k] = largest ? h.wall.maximum[k] : h.wall.mean[k];
    if (std::isfinite(b.values[k])) high = std::max(high, b.values[k]);
  }
  b.low = 0;
  b.high = std::max(1.0, std::ceil(high / 4) * 4);
  return b;
}

static void put_numbers(io::html_page& page, const heart_numbers& h) {
  io::html_table t;
  t.columns = {"Phenotype", "Value", "Unit", ""};
  for (const auto& p : h.values)
    t.rows.push_back(
        {p.name, p.value ? io::html_cell(*p.value, io::fixed(*p.value, 2)) : io::html_cell("-"),
         p.unit, p.reason});
  t.rows.push_back({"WT_Global",
                    h.wall.reason.empty()
                        ? io::html_cell(h.wall.mean[0], io::fixed(h.wall.mean[0], 2))
                        : io::html_cell("-"),
                    "mm", h.wall.reason});
  page.table(t);
  for (const auto& d : h.doubts) page.notice(d);
}

static void put_pictures(io::html_page& page, const heart_numbers& h) {
  if (!h.curve.empty()) {
    io::line_chart chart;
    const bool timed = h.voxel.dt > 0;
    chart.title = "Blood volume";
    chart.x_label = timed ? "time (ms)" : "frame";
    chart.y_label = "volume (mL)";
    io::line_chart::one lv{"LV", {}, {}}, rv{"RV", {}, {}};
    for (std::size_t i = 0; i < h.curve.size(); ++i) {
      const double at = static_cast<double>(i) * (timed ? 1000 * h.voxel.dt : 1);
      lv.x.push_back(at);
      lv.y.push_back(static_cast<double>(h.curve[i].lv) * h.millilitres());
      rv.x.push_back(at);
      rv.y.push_back(static_cast<double>(h.curve[i].rv) * h.millilitres());
    }
    chart.series = {lv};
    if (h.names.rv > 0) chart.series.push_back(rv);
    for (const auto& [name, frame] : {std::pair<const char*, index_t>{"ED", h.frames.ed},
                                      std::pair<const char*, index_t>{"ES", h.frames.es}})
      chart.lines.push_back(
          {static_cast<double>(frame) * (timed ? 1000 * h.voxel.dt : 1), name, true, true});
    page.chart(io::svg(chart));
  }
  if (h.wall.reason.empty())
    page.charts({io::svg(bullseye_of(h, false)), io::svg(bullseye_of(h, true))});
}

std::string report_of(const std::vector<heart_numbers>& hearts, const phenotype_options& o,
                      const std::vector<left_out_file>& errors) {
  io::html_page page("Cardiac phenotypes", "labels " + o.labels);
  if (hearts.size() == 1 && errors.empty()) {
    page.section("Numbers", "numbers");
    page.paragraph(hearts[0].name());
    put_numbers(page, hearts[0]);
    page.section("Pictures", "pictures");
    put_pictures(page, hearts[0]);
  } else {
    page.section("All", "all");
    io::html_table t;
    t.columns = {"File"};
    for (std::size_t i = 0; i < analysis::tabulated_phenotypes && !hearts.empty(); ++i)
      t.columns.push_back(hearts[0].values[i].name + " (" + hearts[0].values[i].unit + ")");
    t.columns.push_back("WT_Global (mm)");
    for (std::size_t k = 0; k < hearts.size(); ++k) {
      const heart_numbers& h = hearts[k];
      io::html_cell name(h.name());
      name.link = "h" + std::to_string(k);
      std::vector<io::html_cell> row = {name};
      for (std::size_t i = 0; i < analysis::tabulated_phenotypes; ++i) {
        const auto& v = h.values[i].value;
        row.push_back(v ? io::html_cell(*v, io::fixed(*v, 2)) : io::html_cell("-"));
      }
      row.push_back(h.wall.reason.empty()
                        ? io::html_cell(h.wall.mean[0], io::fixed(h.wall.mean[0], 2))
                        : io::html_cell("-"));
      t.rows.push_back(row);
    }
    page.table(t);
    for (std::size_t k = 0; k < hearts.size(); ++k) {
      page.group("h" + std::to_string(k));
      page.heading(hearts[k].name());
      page.details("numbers and pictures");
      put_numbers(page, hearts[k]);
      put_pictures(page, hearts[k]);
      page.end_details();
      page.end_group();
    }
    if (!errors.empty()) {
      page.section("Left out", "errors");
      io::html_table e;
      e.columns = {"File", "Reason"};
      for (const auto& x : errors) e.rows.push_back({x.path, x.reason});
      page.table(e);
    }
  }
  page.section("Definitions", "definitions");
  page.paragraph(
      "Volumes are counts of voxels times their volume. SV = EDV - ESV, EF = SV / EDV, CO = SV x "
      "HR, LVM = wall at ED x 1.05 g/mL. The right ventricle is measured at the frames of the left "
      "one. Wall thickness at ED: distance of the smoothed inner contour to the outer one in the "
      "plane, mean on the AHA segments.");
  return page.text();
}

}  // namespace program
