// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_REPORT_PICTURES_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_REPORT_PICTURES_HPP
/// \file
/// Pictures of a report: a reference, the images compared with it, their errors, and all of them
/// as one cine loop.

#include "cardiomm/io/html.hpp"
#include "cardiomm/io/image.hpp"
#include "report.hpp"

namespace program {

/// Images that share a reference and a sampling: they are shown side by side.
struct shown_group {
  std::vector<const scored_file*> files;
};

struct group_pictures {
  std::vector<std::vector<io::html_picture>> stills;  ///< the reference, then image over error
  std::vector<io::html_picture> cine;                 ///< none or one
  std::string about;                                  ///< what is shown, and in which window
  std::string problem;                                ///< why there are none
  std::size_t bytes() const {
    std::size_t n = 0;
    for (const auto& column : stills)
      for (const auto& p : column) n += p.png.size();
    for (const auto& p : cine) n += p.png.size();
    return n;
  }
};

/// Reads the files again and makes their pictures, at most about `most` bytes; the cine becomes
/// smaller, then shorter, to stay within them. What cannot be read any more is a `problem`.
group_pictures make_pictures(const shown_group& group, const eval_options& options, int delay,
                             std::size_t most);

}  // namespace program

#endif
