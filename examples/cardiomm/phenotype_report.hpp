// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_PHENOTYPE_REPORT_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_PHENOTYPE_REPORT_HPP
/// \file
/// What `phenotype` tells of a heart: JSON, text, the bull's-eye, a page.

#include "cardiomm/io/bullseye.hpp"
#include "phenotype.hpp"
#include "report.hpp"

namespace program {

json as_json(const heart_numbers& h);
std::string as_text(const heart_numbers& h);
/// Mean wall thickness by segment, or the largest.
io::bullseye bullseye_of(const heart_numbers& h, bool largest);
/// An HTML page of one heart or many, and of what could not be measured.
std::string report_of(const std::vector<heart_numbers>& hearts, const phenotype_options& o,
                      const std::vector<left_out_file>& errors);

}  // namespace program

#endif
