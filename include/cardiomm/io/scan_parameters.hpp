// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_SCAN_PARAMETERS_HPP
#define CARDIOMM_IO_SCAN_PARAMETERS_HPP
/// \file
/// The scan parameters that public cardiac data sets keep beside their k-space as tables of a
/// parameter and its value, and what their NIfTI export makes of them: voxel size and intensity.
/// Source: export conventions of the CMRxRecon and MMCMR sets.

#include <map>

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/nifti.hpp"
#include "cardiomm/io/percentile.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Parameters by name, a unit in parentheses dropped: "FOVx(mm)" is FOVx.
struct scan_parameters {
  std::map<std::string, std::string> values;
  std::string path;

  /// The number of a parameter; nothing if it is missing, no number or NaN.
  std::optional<double> number(const std::string& name) const {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    const auto value = to_number(found->second);
    if (!value || !std::isfinite(*value)) return std::nullopt;
    return value;
  }
};

/// Columns `Parameter` and `Value` (or `Value_1`). Throws io_error without them.
inline scan_parameters to_scan_parameters(const table& t) {
  const std::size_t name = t.column("Parameter");
  const std::size_t value =
      t.contains("Value") || !t.contains("Value_1") ? t.column("Value") : t.column("Value_1");
  scan_parameters p;
  p.path = t.path;
  for (const auto& row : t.rows) {
    std::string key = row[name].substr(0, row[name].find('('));
    const auto first = key.find_first_not_of(" \t"), last = key.find_last_not_of(" \t");
    if (first == std::string::npos) continue;
    key = key.substr(first, last - first + 1);
    p.values.emplace(key, row[value]);  // the first of a name counts
  }
  return p;
}

inline scan_parameters read_scan_parameters(const std::string& path) {
  csv_options options;
  options.fill = true;
  options.most_bytes = 1 << 20;
  return to_scan_parameters(read_csv(path, options));
}

/// The table beside a k-space file NAME.mat: NAME_info.csv, else NAME.csv; nothing if neither is
/// there.
inline std::optional<std::string> scan_parameters_beside(const std::string& kspace) {
  const auto folder = detail::directory_of(kspace).size();
  const auto dot = kspace.rfind('.');
  const std::string base =
      dot != std::string::npos && dot > folder ? kspace.substr(0, dot) : kspace;
  for (const char* end : {"_info.csv", ".csv"})
    if (::access((base + end).c_str(), R_OK) == 0) return base + end;
  return std::nullopt;
}

/// Voxels of an exported image of nx by ny pixels. In the plane FOV / ReconMatrix; UIH scanners and
/// Center007 store the field of view of the saved image, so there FOV / nx and FOV / ny. 2 mm, 8 mm
/// and 1 s where parameters are missing; TR (in ms) is the time from frame to frame.
inline nifti_geometry spacing_of(const scan_parameters& info, index_t nx, index_t ny,
                                 const std::string& vendor, const std::string& center) {
  const bool saved = vendor == "UIH" || center == "Center007";
  const auto side = [&](const char* fov, const char* matrix, index_t n) {
    const auto length = info.number(fov);
    const auto pixels = saved ? std::optional<double>(double(n)) : info.number(matrix);
    return length && pixels && *length > 0 && *pixels > 0 ? *length / *pixels : 2.0;
  };
  const auto positive = [&](const char* name, double otherwise) {
    const auto v = info.number(name);
    return v && *v > 0 ? *v : otherwise;
  };
  return nifti_geometry::voxels(side("FOVx", "ReconMatrix_X", nx),
                                side("FOVy", "ReconMatrix_Y", ny), positive("SliceThickness", 8),
                                positive("TR", 1000) / 1000);
}

/// Divides magnitudes (frame, slice, y, x) by the 99.5th percentile of their slice over all frames;
/// they are not clipped, and a slice of zeros stays as it is.
inline void scale_exported_slices(float* values, index_t frames, index_t slices, index_t pixels) {
  std::vector<float> slice(static_cast<std::size_t>(frames * pixels));
  for (index_t z = 0; z < slices; ++z) {
    for (index_t t = 0; t < frames; ++t)
      std::copy_n(values + (t * slices + z) * pixels, pixels, slice.data() + t * pixels);
    const double p = percentile(slice.data(), frames * pixels, 99.5);
    if (!(p > 0)) continue;
    for (index_t t = 0; t < frames; ++t) {
      float* v = values + (t * slices + z) * pixels;
      for (index_t i = 0; i < pixels; ++i) v[i] = static_cast<float>(v[i] / p);
    }
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
