// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_FORMATS_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_FORMATS_HPP
/// \file
/// What lies in a file of any format.

#include "arrays.hpp"

namespace program {

/// An array of a file, or something else in it that cannot be read as one.
struct member_info {
  std::string name;               ///< empty where a file holds a single array
  std::string kind;               ///< "complex64", or what else it is
  std::optional<io::dtype> type;  ///< nothing where it is no array
  extents shape;
};

/// All of a file; its values are not read. Throws io_error.
std::vector<member_info> members_of(const std::string& path);

/// What else a file tells, in words: the spacing of an image, the protocol of raw data.
std::vector<std::pair<std::string, std::string>> facts_of(const std::string& path);

}  // namespace program

#endif
