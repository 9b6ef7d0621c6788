// SPDX-License-Identifier: Apache-2.0
/// \file
/// What `cardiomm train` writes about its course.

#include "cardiomm/io/chart_picture.hpp"
#include "cardiomm/train/group_report.hpp"
#include "train_run.hpp"

namespace program::detail {

std::string time_left(double seconds) {
  const auto s = static_cast<long long>(std::ceil(std::max(0.0, seconds)));
  if (s < 100) return std::to_string(s) + " s";
  if (s < 6000) return std::to_string((s + 59) / 60) + " min";
  if (s > 100LL * 86400) return "long";
  char text[48];
  std::snprintf(text, sizeof text, "%lld h %02lld min", s / 3600, s / 60 % 60);
  return text;
}

void write_history(const std::string& folder, const train::history& h) {
  io::write_csv(folder + "/history.csv", h.table());
  const io::line_chart chart = h.chart();
  write_text(folder + "/curves.svg", io::svg(chart) + "\n");
  io::write_png(folder + "/curves.png", io::draw(chart));
}

void write_groups(const std::string& folder, const train::validation_report& v,
                  const dist::communicator& team) {
  json mine = json::array();
  for (const auto& s : v.samples)
    mine.push_back({s.subject, s.of, s.loss, s.quality.ssim, s.quality.nmse, s.quality.psnr});
  std::vector<train::scored_sample> all;
  const auto number = [](const json& value) {  // what is not finite is null
    return value.is_number() ? value.get<double>() : train::history_row::none;
  };
  for (int r = 0; r < team.size(); ++r)
    for (const json& s : json::parse(team.broadcast(r == team.rank() ? dump(mine) : "", r)))
      all.push_back({s[0].get<std::string>(),
                     s[1].get<train::groups>(),
                     {{"loss", number(s[2])},
                      {"ssim", number(s[3])},
                      {"nmse", number(s[4])},
                      {"psnr", number(s[5])}}});
  if (!team.first()) return;
  const auto reports = train::group_reports(all);
  if (reports.empty()) return;
  io::write_csv(folder + "/groups.csv", train::group_table(reports));
  io::write_csv(folder + "/fairness.csv", train::fairness_table(reports));
}

}  // namespace program::detail
