// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_REPORT_TABLES_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_REPORT_TABLES_HPP
/// \file
/// The sections of a report that are made of scores: tables and box plots by group.

#include "cardiomm/io/html.hpp"
#include "report.hpp"

namespace program {

/// A figure of quality, how it is named and written.
struct measure {
  const char* name;
  int decimals;
  bool high_is_good;
  double (*of)(const cardiomm::mri::image_quality&);
};
/// PSNR, SSIM and NMSE.
extern const std::array<measure, 3> measures;

/// The method of a score, "image" where it has no name.
std::string method_name(const score_identity& who);
/// Methods in the order in which they were given.
std::vector<std::string> methods_of(const evaluation& result);
/// "3 files"
std::string plural(std::size_t n, const std::string& what);

/// Scores by method under each convention.
void add_summary(io::html_page& page, const evaluation& result);
/// Differences between methods, file by file.
void add_comparison(io::html_page& page, const evaluation& result);
/// Box plots by acceleration and pattern, tables by these and by other columns.
void add_groups(io::html_page& page, const evaluation& result);

}  // namespace program

#endif
