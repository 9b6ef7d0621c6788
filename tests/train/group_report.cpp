// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/group_report.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;
using doctest::Approx;

TEST_CASE("reports by group: a subject's samples count as one value") {
  const double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<train::scored_sample> all;
  const auto add = [&](const char* subject, const char* vendor, const char* acceleration,
                       double ssim, double nmse, double psnr) {
    all.push_back({subject,
                   {{"vendor", vendor}, {"acceleration", acceleration}},
                   {{"ssim", ssim}, {"nmse", nmse}, {"psnr", psnr}}});
  };
  add("p1", "GE", "4", 0.9, 0.01, 40);
  add("p1", "GE", "8", 0.8, 0.03, 34);
  add("p2", "Siemens", "4", 0.96, 0.01, 42);
  add("p2", "Siemens", "8", 0.94, 0.02, 38);
  add("p3", "Siemens", "8", 0.9, none, 36);
  all.back().of.erase("acceleration");
  analysis::fairness_options o;
  o.resamples = 50;
  const auto r = train::group_reports(all, o);
  CHECK(r.size() == 6);
  const auto& vendor = r.at({"vendor", "ssim"});
  CHECK(vendor.groups[0].mean.value == Approx(0.85));
  CHECK(vendor.groups[1].mean.value == Approx((0.95 + 0.9) / 2));
  CHECK(vendor.groups[1].subjects == 2);
  CHECK(vendor.ser.value == Approx(0.15 / 0.075));
  const auto& nmse = r.at({"acceleration", "nmse"});
  CHECK(nmse.best == "4");
  CHECK(nmse.gap.value == Approx(0.015));
  CHECK(r.at({"vendor", "nmse"}).groups[1].subjects == 1);  // without the NaN
  CHECK(r.at({"vendor", "psnr"}).best == "Siemens");

  const io::table groups = train::group_table(r), fair = train::fairness_table(r);
  CHECK(groups.rows.size() == 12);
  CHECK(fair.rows.size() == 6);
  for (const auto& row : groups.rows) CHECK(row.size() == groups.columns.size());
  for (const auto& row : fair.rows) CHECK(row.size() == fair.columns.size());
  bool found = false;
  for (std::size_t i = 0; i < fair.rows.size(); ++i)
    if (fair.at(i, "key") == "vendor" && fair.at(i, "figure") == "ssim") {
      found = true;
      CHECK(fair.at(i, "worst") == "GE");
      CHECK(fair.number(i, "gap") == Approx(0.075));
      CHECK(fair.number(i, "p") == Approx(vendor.pairs[0].test.p));
    } else if (fair.at(i, "figure") == "psnr") {
      CHECK(fair.at(i, "ser").empty());
    }
  CHECK(found);
  CHECK(train::group_reports({}).empty());
}
