// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_TENSOR_SOURCE_HPP
#define CARDIOMM_NN_TENSOR_SOURCE_HPP
/// \file
/// Named tensors of a file, whatever its format: names, shapes, and values on demand. Networks are
/// loaded from these, so that layers know nothing of files.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// Names, shapes and values of tensors. Values are read when they are asked for.
struct tensor_source {
  std::map<std::string, std::vector<index_t>> shapes;
  std::function<void(const std::string&, float*)> read_float;
  std::function<void(const std::string&, double*)> read_double;
  /// Rows first .. first + count - 1 of a tensor of two axes.
  std::function<void(const std::string&, index_t first, index_t count, float*)> rows_float;
  std::function<void(const std::string&, index_t first, index_t count, double*)> rows_double;

  bool contains(const std::string& name) const { return shapes.count(name) > 0; }
  void read(const std::string& name, float* out) const { read_float(name, out); }
  void read(const std::string& name, double* out) const { read_double(name, out); }
  void read_rows(const std::string& name, index_t first, index_t count, float* out) const {
    rows_float(name, first, count, out);
  }
  void read_rows(const std::string& name, index_t first, index_t count, double* out) const {
    rows_double(name, first, count, out);
  }
};

/// The source of a file with `names()`, `at(name).shape()`, `at(name).read(T*)` and
/// `at(name).read(ranges, T*)`, such as io::safetensors_file. The file is copied, which for that
/// class shares it.
template <class File>
tensor_source source_of(const File& file) {
  tensor_source s;
  const auto kept = std::make_shared<const File>(file);
  for (const std::string& name : kept->names()) {
    const auto& shape = kept->at(name).shape();
    s.shapes[name].assign(shape.begin(), shape.end());
  }
  const auto all = [kept](const std::string& name, auto* out) { kept->at(name).read(out); };
  const auto rows = [kept](const std::string& name, index_t first, index_t count, auto* out) {
    const auto& a = kept->at(name);
    const index_t width = a.shape().at(1);
    a.read({{first, count, width}, {0, width, 1}}, out);
  };
  s.read_float = all;
  s.read_double = all;
  s.rows_float = rows;
  s.rows_double = rows;
  return s;
}

/// How many of prefix0., prefix1., ... there are: one more than the largest number found.
inline index_t count_numbered(const tensor_source& s, const std::string& prefix) {
  index_t most = 0;
  for (auto i = s.shapes.lower_bound(prefix);
       i != s.shapes.end() && i->first.compare(0, prefix.size(), prefix) == 0; ++i) {
    index_t number = 0;
    std::size_t at = prefix.size();
    while (at < i->first.size() && at < prefix.size() + 4 && i->first[at] >= '0' &&
           i->first[at] <= '9')
      number = number * 10 + (i->first[at++] - '0');
    if (at > prefix.size() && at < i->first.size() && i->first[at] == '.')
      most = number + 1 > most ? number + 1 : most;
  }
  return most;
}

namespace detail {
inline std::string text_of(const std::vector<index_t>& extents) {
  std::string text = "[";
  for (std::size_t i = 0; i < extents.size(); ++i)
    text += (i ? ", " : "") + std::to_string(extents[i]);
  return text + "]";
}
}  // namespace detail

/// Names and shapes of tensors that a network needs.
using tensor_list = std::vector<std::pair<std::string, std::vector<index_t>>>;

/// Throws value_error, with everything in one message, unless the source holds exactly the tensors
/// `wanted`.
inline void check_tensors(const tensor_source& source, const tensor_list& wanted,
                          const char* what) {
  std::string missing, extra, wrong;
  std::set<std::string> known;
  for (const auto& [name, shape] : wanted) {
    known.insert(name);
    const auto found = source.shapes.find(name);
    if (found == source.shapes.end())
      missing += "\n  missing: " + name + " " + detail::text_of(shape);
    else if (found->second != shape)
      wrong += "\n  misshapen: " + name + ": expected " + detail::text_of(shape) + ", found " +
               detail::text_of(found->second);
  }
  for (const auto& entry : source.shapes)
    if (!known.count(entry.first))
      extra += "\n  unknown: " + entry.first + " " + detail::text_of(entry.second);
  require((missing + extra + wrong).empty(), what, ": the tensors do not fit", missing, extra,
          wrong);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
