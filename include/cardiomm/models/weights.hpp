// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_WEIGHTS_HPP
#define CARDIOMM_MODELS_WEIGHTS_HPP
/// \file
/// Named tensors of a file, whatever its format, and how they get into the parameters of a network.
/// Frameworks keep kernels as (out, in, rows, columns); rows are the readout, which is our x, so
/// the last two axes are exchanged on the way in (and out), and images never are.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "cardiomm/nn/parameter.hpp"
#include "cardiomm/nn/tensor_source.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

using nn::source_of;
using nn::tensor_source;

/// The tensors whose names start with `prefix`, without it; all of them where none does.
inline tensor_source without_prefix(const tensor_source& all, const std::string& prefix) {
  tensor_source s;
  for (const auto& [name, shape] : all.shapes)
    if (name.compare(0, prefix.size(), prefix) == 0) s.shapes[name.substr(prefix.size())] = shape;
  if (s.shapes.empty()) return all;
  for (const auto& [name, shape] : all.shapes)
    if (name.compare(0, prefix.size(), prefix) != 0) s.shapes[name] = shape;
  const auto original = [shapes = all.shapes, prefix](const std::string& name) {
    return shapes.count(prefix + name) ? prefix + name : name;
  };
  s.read_float = [read = all.read_float, original](const std::string& name, float* out) {
    read(original(name), out);
  };
  s.read_double = [read = all.read_double, original](const std::string& name, double* out) {
    read(original(name), out);
  };
  return s;
}

/// The same tensors without those for which `drop(name)` holds.
template <class F>
tensor_source without(tensor_source s, const F& drop) {
  for (auto i = s.shapes.begin(); i != s.shapes.end();)
    i = drop(i->first) ? s.shapes.erase(i) : std::next(i);
  return s;
}

/// Exchanges the last two axes of values of four or more axes (rows, columns), in place.
template <class T>
void exchange_rows_and_columns(const std::vector<index_t>& extents, T* values) {
  const std::size_t rank = extents.size();
  if (rank < 4) return;
  const index_t rows = extents[rank - 2], columns = extents[rank - 1];
  if (rows == 1 || columns == 1) return;
  index_t planes = 1;
  for (std::size_t i = 0; i + 2 < rank; ++i) planes *= extents[i];
  std::vector<T> plane(static_cast<std::size_t>(rows * columns));
  for (index_t p = 0; p < planes; ++p) {
    T* v = values + p * rows * columns;
    std::copy(v, v + rows * columns, plane.begin());
    for (index_t r = 0; r < rows; ++r)
      for (index_t c = 0; c < columns; ++c)
        v[c * rows + r] = plane[static_cast<std::size_t>(r * columns + c)];
  }
}

/// Reads or votes on a size that many tensors of a file tell: the value that most of them agree on
/// counts, so that a few wrong tensors are found to be wrong and not the others.
class size_vote {
 public:
  void add(index_t value) { ++votes_[value]; }
  /// Axis of a tensor, if it is there and has `rank` axes.
  void add(const tensor_source& s, const std::string& name, std::size_t rank, std::size_t axis) {
    const auto found = s.shapes.find(name);
    if (found != s.shapes.end() && found->second.size() == rank) add(found->second[axis]);
  }
  /// 1 where nobody voted.
  index_t result() const {
    index_t best = 1;
    int most = 0;
    for (const auto& [value, count] : votes_)
      if (count > most) {
        best = value;
        most = count;
      }
    return best;
  }

 private:
  std::map<index_t, int> votes_;
};

/// Fills the parameters from tensors of the same names; nn::check_tensors first. Where a parameter
/// has several names their values have to agree: else the last one counts, and a line is added to
/// `warnings`.
template <class T, ExecutionSpace Ex>
void read_parameters(const Ex&, const tensor_source& source,
                     const nn::named_parameters<T, Ex>& parameters,
                     std::vector<std::string>* warnings = nullptr) {
  nn::tensor_list wanted;
  for (const auto& p : parameters) wanted.emplace_back(p.first, p.second.extents());
  nn::check_tensors(source, wanted, "weights");
  std::map<const T*, std::pair<std::string, std::vector<T>>> first;
  std::map<std::string, std::pair<int, std::string>> differing;
  std::map<const T*, int> uses;
  for (const auto& p : parameters) ++uses[p.second.data()];
  std::vector<T> buffer;
  for (const auto& [name, p] : parameters) {
    buffer.resize(static_cast<std::size_t>(p.size()));
    source.read(name, buffer.data());
    exchange_rows_and_columns(p.extents(), buffer.data());
    copy(p.value(), view<const T, 1, host_space>(buffer.data(), buffer.size()));
    if (uses[p.data()] == 1) continue;
    const auto [known, is_new] = first.try_emplace(p.data(), name, buffer);
    if (is_new || std::equal(buffer.begin(), buffer.end(), known->second.second.begin())) continue;
    auto& d = differing[known->second.first];
    if (d.first++ == 0) d.second = name;
  }
  if (!warnings) return;
  for (const auto& [name, d] : differing)
    warnings->push_back("weights: " + name + " is one parameter under many names, and " +
                        std::to_string(d.first) + " of them (first " + d.second +
                        ") hold another value; the last one counts");
}

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
