// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PYTHON_RECIPE_HPP
#define CARDIOMM_PYTHON_RECIPE_HPP
/// \file
/// What the files of recipes share.

#include <nanobind/stl/string.h>

#include <string>

#include "binding.hpp"
#include "cardiomm/mri/algorithm.hpp"

namespace binding {

/// (image, report)
template <class Result>
nb::tuple solution(const Result& r) {
  return nb::make_tuple(to_numpy(r.image), to_tuple(r.report));
}

inline cardiomm::mri::algorithm algorithm_of(const std::string& name) {
  using cardiomm::mri::algorithm;
  cardiomm::require(name == "fista" || name == "admm" || name == "pdhg",
                    "solver: expected 'fista', 'admm' or 'pdhg', found '", name, "'");
  return name == "admm" ? algorithm::admm : name == "pdhg" ? algorithm::pdhg : algorithm::fista;
}

}  // namespace binding

#endif
