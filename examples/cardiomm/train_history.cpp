// SPDX-License-Identifier: Apache-2.0
/// \file
/// What `cardiomm train` writes about its course.

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
  write_text(folder + "/curves.svg", io::svg(h.chart()) + "\n");
}

}  // namespace program::detail
