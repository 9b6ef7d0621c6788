// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_LABELS_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_LABELS_HPP
/// \file
/// Segmentations: which number is which structure, and reading them. Sources number the structures
/// differently, so they are always named.

#include <set>

#include "arrays.hpp"
#include "cardiomm/io/csv.hpp"

namespace program {

/// A structure and the numbers that stand for it.
struct named_label {
  std::string name;
  std::vector<int> values;

  bool is(int v) const { return std::find(values.begin(), values.end(), v) != values.end(); }
};

/// "lv=1,myo=2,rv=3", or "epi=1+2" for a structure of several numbers. Throws value_error naming
/// the option.
inline std::vector<named_label> parse_labels(const std::string& text, const std::string& option) {
  std::vector<named_label> all;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const auto equal = part.find('=');
    bool good = equal != std::string::npos && equal > 0;
    named_label label{part.substr(0, std::min(equal, part.size())), {}};
    for (std::size_t i = equal + 1; good && i <= part.size();) {
      const std::size_t stop = std::min(part.find('+', i), part.size());
      const auto v = io::to_number(part.substr(i, stop - i));
      good = v && *v == std::floor(*v) && *v > 0 && *v < 1e9;
      if (good) label.values.push_back(static_cast<int>(*v));
      i = stop + 1;
    }
    require<value_error>(good, option, ": expected NAME=NUMBER,... with numbers above 0, found '",
                         part, "'");
    for (const auto& other : all)
      require<value_error>(other.name != label.name, option, ": expected every name once, found ",
                           label.name, " again");
    all.push_back(std::move(label));
    at = end + 1;
  }
  return all;
}

/// Labels (frame, slice, y, x) and the size of their voxels, as far as the file tells.
struct label_volume {
  host_tensor<int, 4> values;
  geometry voxel;
  source from;
};

/// Reads a segmentation. Three axes without names are (slice, y, x). Throws value_error for complex
/// values, or any that are not whole numbers.
inline label_volume load_labels(const std::string& path, const axes_option& given) {
  using enum axis;
  const axes wanted = {frame, slice, y, x};
  const opened file = open_array(path);
  require<value_error>(!io::is_complex_type(file.values.type()), path,
                       ": labels: expected whole numbers, found ", io::name_of(file.values.type()));
  axes order = given.of(role::image);
  if (order.empty() && !file.named() && file.values.shape().size() == 3) order = {slice, y, x};
  const source from = name_axes(file, role::image, order);
  std::vector<double> raw(static_cast<std::size_t>(file.values.size()));
  read_ordered(file, from, wanted, raw.data());
  cardiomm::shape<4> s{};
  for (int i = 0; i < 4; ++i) s[i] = from.extent(wanted[static_cast<std::size_t>(i)]);
  label_volume result{cardiomm::make_tensor<int>(host_space{}, s, "cardiomm labels"), file.voxel,
                      from};
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const double v = raw[i];
    require<value_error>(v == std::floor(v) && std::abs(v) < 1e9, path,
                         ": labels: expected whole numbers, found ", v);
    result.values.data()[i] = static_cast<int>(v);
  }
  return result;
}

}  // namespace program

#endif
