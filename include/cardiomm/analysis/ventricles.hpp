// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_VENTRICLES_HPP
#define CARDIOMM_ANALYSIS_VENTRICLES_HPP
/// \file
/// Volumes, ejection fractions and mass of the ventricles from label maps: voxels are counted over
/// whole volumes, without excluding slices. Host memory. Sources use different label orders, so the
/// meaning of each number is always named.

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cardiomm/core/tensor.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

/// Which number stands for what in a label map; 0: not named. Background is every other number.
struct label_names {
  int lv = 0, myo = 0, rv = 0;
};

/// Voxels of a volume by what they are.
struct label_counts {
  index_t lv = 0, myo = 0, rv = 0;
};

template <class T>
label_counts count_labels(const T* values, index_t n, const label_names& names) {
  label_counts c;
  for (index_t i = 0; i < n; ++i) {
    const auto v = static_cast<int>(values[i]);
    if (v == 0) continue;
    c.lv += v == names.lv;
    c.myo += v == names.myo;
    c.rv += v == names.rv;
  }
  return c;
}

/// Counts of each frame of a cine of labels (frame, z, y, x).
template <TensorView V>
std::vector<label_counts> count_frames(const V& cine, const label_names& names) {
  static_assert(rank_of<V> == 4, "a cine of labels is (frame, z, y, x)");
  const auto s = shape_of(cine);
  std::vector<label_counts> counts;
  for (index_t t = 0; t < s[0]; ++t)
    counts.push_back(count_labels(cine.data() + t * s[1] * s[2] * s[3], s[1] * s[2] * s[3], names));
  return counts;
}

/// End diastole and end systole: the first frames with the most and the fewest voxels of the left
/// ventricle. No smoothing, and end diastole need not be frame 0. Throws value_error if no frame
/// has any.
struct cardiac_frames {
  index_t ed = 0, es = 0;
};
inline cardiac_frames find_frames(const std::vector<label_counts>& counts) {
  cardiac_frames f;
  for (std::size_t t = 0; t < counts.size(); ++t) {
    if (counts[t].lv > counts[static_cast<std::size_t>(f.ed)].lv) f.ed = static_cast<index_t>(t);
    if (counts[t].lv < counts[static_cast<std::size_t>(f.es)].lv) f.es = static_cast<index_t>(t);
  }
  require<value_error>(!counts.empty() && counts[static_cast<std::size_t>(f.ed)].lv > 0,
                       "cine: expected voxels of the left ventricle, found none");
  return f;
}

/// 1/min of one cycle of `frames` frames that are `frame_time` s apart.
inline double heart_rate(index_t frames, double frame_time) {
  return 60 / (static_cast<double>(frames) * frame_time);
}

/// A number with its unit, or why there is none.
struct phenotype {
  std::string name, unit;
  std::optional<double> value = std::nullopt;
  std::string reason = {};  ///< where there is no value
};

/// What the phenotypes are made from.
struct ventricles {
  label_counts ed, es;
  label_names names;
  double voxel_ml = 0;                              ///< dz dy dx / 1000, mm
  std::optional<double> heart_rate = std::nullopt;  ///< 1/min
  std::string no_heart_rate = "no heart rate";      ///< why there is none
};

/// g/mL of myocardium.
inline constexpr double myocardial_density = 1.05;

/// LVEDV, LVESV, LVSV (mL), LVEF (%), LVCO (L/min), LVM (g; at end diastole), RVEDV, RVESV, RVSV
/// (mL), RVEF (%), then what the published tables lack: HR (1/min), RVCO (L/min), LVM at end
/// systole (g) and LVSV - RVSV (mL), which is 0 in hearts without regurgitation or shunt.
inline std::vector<phenotype> phenotypes_of(const ventricles& v) {
  using maybe = std::optional<double>;
  const auto volume = [&](int label, index_t ed, index_t es, index_t n) -> maybe {
    if (label == 0 || (ed == 0 && es == 0)) return std::nullopt;
    return static_cast<double>(n) * v.voxel_ml;
  };
  const auto missing = [](const char* name, int label) {
    return label == 0 ? std::string("no label is named ") + name
                      : "label " + std::to_string(label) + " (" + name + ") has no voxel";
  };
  const auto both = [](maybe a, maybe b, auto f) -> maybe {
    return a && b ? maybe(f(*a, *b)) : maybe();
  };
  const auto stroke = [](double ed, double es) { return ed - es; };
  const std::string no_lv = missing("lv", v.names.lv), no_rv = missing("rv", v.names.rv);
  const std::string no_myo = missing("myo", v.names.myo), empty_ed = "the volume at ED is 0";
  std::vector<phenotype> all;
  const auto add = [&](const char* name, const char* unit, maybe value, const std::string& reason) {
    all.push_back({name, unit, value, value ? std::string() : reason});
  };
  struct sides {
    maybe ed, es, sv, ef, co;
  };
  const auto side = [&](int label, index_t ed, index_t es) {
    sides s;
    s.ed = volume(label, ed, es, ed);
    s.es = volume(label, ed, es, es);
    s.sv = both(s.ed, s.es, stroke);
    if (s.ed && *s.ed > 0) s.ef = 100 * *s.sv / *s.ed;
    s.co = both(s.sv, v.heart_rate, [](double sv, double hr) { return sv * hr * 1e-3; });
    return s;
  };
  const sides lv = side(v.names.lv, v.ed.lv, v.es.lv), rv = side(v.names.rv, v.ed.rv, v.es.rv);
  const auto mass = [&](index_t n) -> maybe {
    const maybe ml = volume(v.names.myo, v.ed.myo, v.es.myo, n);
    return ml ? maybe(*ml * myocardial_density) : maybe();
  };
  add("LVEDV", "mL", lv.ed, no_lv);
  add("LVESV", "mL", lv.es, no_lv);
  add("LVSV", "mL", lv.sv, no_lv);
  add("LVEF", "%", lv.ef, lv.ed ? empty_ed : no_lv);
  add("LVCO", "L/min", lv.co, lv.sv ? v.no_heart_rate : no_lv);
  add("LVM", "g", mass(v.ed.myo), no_myo);
  add("RVEDV", "mL", rv.ed, no_rv);
  add("RVESV", "mL", rv.es, no_rv);
  add("RVSV", "mL", rv.sv, no_rv);
  add("RVEF", "%", rv.ef, rv.ed ? empty_ed : no_rv);
  add("HR", "1/min", v.heart_rate, v.no_heart_rate);
  add("RVCO", "L/min", rv.co, rv.sv ? v.no_heart_rate : no_rv);
  add("LVM_ES", "g", mass(v.es.myo), no_myo);
  add("LVSV-RVSV", "mL", both(lv.sv, rv.sv, stroke), lv.sv ? no_rv : no_lv);
  return all;
}

/// How many of them the published tables have.
inline constexpr std::size_t tabulated_phenotypes = 10;

/// What looks wrong in the numbers, a sentence each: more blood at end systole than at end
/// diastole, stroke volumes or masses that disagree by more than a quarter.
inline std::vector<std::string> doubts_about(const std::vector<phenotype>& all) {
  const auto at = [&](const char* name) -> std::optional<double> {
    for (const auto& p : all)
      if (p.name == name) return p.value;
    return std::nullopt;
  };
  std::vector<std::string> doubts;
  for (const char* name : {"LVSV", "RVSV"})
    if (at(name) && *at(name) < 0)
      doubts.push_back(std::string(name) +
                       " is negative: the volume at ES is larger than at ED; were they exchanged?");
  const auto apart = [&](const char* a, const char* b, const char* why) {
    const auto u = at(a), w = at(b);
    if (u && w && *u > 0 && *w > 0 && std::abs(*u - *w) > 0.25 * std::max(*u, *w))
      doubts.push_back(std::string(a) + " and " + b + " differ by more than 25 %: " + why);
  };
  apart("LVSV", "RVSV",
        "without regurgitation or shunt they are equal; look at the most basal slices");
  apart("LVM", "LVM_ES", "the mass of the myocardium does not change in a beat");
  return doubts;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
