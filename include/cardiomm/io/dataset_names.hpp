// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DATASET_NAMES_HPP
#define CARDIOMM_IO_DATASET_NAMES_HPP
/// \file
/// Names of files and folders of the CMRxRecon and MMCMR data sets: what a folder holds, which data
/// a mask belongs to, what a scanner folder says. Text only; upper and lower case are the same.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cardiomm/core/config.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// The arrangement of a data set, by the year of the challenge that published it; 2025 is also that
/// of MMCMR. `plain` is a folder that follows none.
enum class dataset_layout { plain, cmrxrecon2023, cmrxrecon2024, cmrxrecon2025 };
inline const char* name_of(dataset_layout l) {
  constexpr const char* names[] = {"plain", "CMRxRecon2023", "CMRxRecon2024", "CMRxRecon2025"};
  return names[static_cast<int>(l)];
}

/// What the files of a folder are.
enum class data_kind {
  full,          ///< FullSample: k-space
  undersampled,  ///< AccFactor04, UnderSample_Task1: k-space with zeros
  mask,          ///< Mask_TaskAll
  reference,     ///< GTSOS: images
  snapshot,      ///< ImgSnapshot: images and tables of scan parameters
  segmentation,  ///< SegmentROI: labels
  derived        ///< made from the others: ZFSOS.., GTSOS_NII, GTSOS_PNG, h5_FullSample
};

/// "{data}_mask_{Pattern}{R}" or "{data}_kus_{Pattern}{R}" in parts.
struct sampling_name {
  std::string data;      ///< name of the k-space
  std::string pattern;   ///< as it is written, e.g. ktGaussian; empty where the name has none
  int acceleration = 0;  ///< 0 where the name has none
  bool good = true;      ///< there is a pattern with a number, or neither
};

/// What "Siemens_30T_Vida" says.
struct scanner_name {
  std::string vendor, scanner;
  double field = 0;  ///< T; 0 where it is not a number
};

namespace detail {

inline std::string fold(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool begins(std::string_view s, std::string_view with) {
  return s.substr(0, with.size()) == with;
}
inline bool finishes(std::string_view s, std::string_view with) {
  return s.size() >= with.size() && s.substr(s.size() - with.size()) == with;
}
inline std::vector<std::string> parts_of(std::string_view s, char at) {
  std::vector<std::string> parts(1);
  for (const char c : s)
    if (c == at)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}
/// The last place of a word, in any case.
inline std::size_t last_of(std::string_view s, std::string_view word) {
  return fold(s).rfind(fold(word));
}

}  // namespace detail

inline constexpr std::array<const char*, 11> modality_folders = {
    "Cine", "Mapping",   "Aorta", "Tagging", "Flow2d", "BlackBlood",
    "LGE",  "Perfusion", "T1rho", "T1w",     "T2w"};

/// First words of data names, with the modality folder they belong to.
inline constexpr std::array<std::array<const char*, 2>, 14> data_words = {
    {{"cine", "Cine"},
     {"T1mappost", "Mapping"},
     {"T1map", "Mapping"},
     {"T2map", "Mapping"},
     {"T2smap", "Mapping"},
     {"aorta", "Aorta"},
     {"tagging", "Tagging"},
     {"flow2d", "Flow2d"},
     {"blackblood", "BlackBlood"},
     {"lge", "LGE"},
     {"perfusion", "Perfusion"},
     {"T1rho", "T1rho"},
     {"T1w", "T1w"},
     {"T2w", "T2w"}}};

inline constexpr std::array<const char*, 12> view_words = {
    "sax", "lax", "2ch", "3ch", "4ch", "lvot", "rvot", "ot", "sag", "tra", "inplane", "through"};

/// The modality folder that a word means, or nothing.
inline std::optional<std::string> modality_of_folder(std::string_view folder) {
  for (const char* m : modality_folders)
    if (detail::fold(folder) == detail::fold(m)) return m;
  return std::nullopt;
}
/// The modality folder of the data of a name such as cine_sax, or nothing.
inline std::optional<std::string> modality_of_data(std::string_view name) {
  const std::string n = detail::fold(name);
  for (const auto& w : data_words)
    if (detail::begins(n, detail::fold(w[0]))) return w[1];
  return std::nullopt;
}
/// The view that a data name tells, as it is written there; empty where there is none.
inline std::string view_of_data(std::string_view name) {
  const auto parts = detail::parts_of(name, '_');
  for (std::size_t i = 1; i < parts.size(); ++i)
    for (const char* v : view_words)
      if (detail::begins(detail::fold(parts[i]), v)) return parts[i];
  return {};
}

/// "TrainingSet" and the like; sets of other names end in "Set".
inline std::optional<std::string> set_of_folder(std::string_view folder) {
  for (const char* s : {"TrainingSet", "ValidationSet", "TestSet", "AnalysisSet", "TestAnalSet"})
    if (detail::fold(folder) == detail::fold(s)) return s;
  if (folder.size() > 3 && detail::finishes(detail::fold(folder), "set"))
    return std::string(folder);
  return std::nullopt;
}

/// What a folder below a set holds, or nothing.
inline std::optional<data_kind> kind_of_folder(std::string_view folder) {
  using detail::begins;
  const std::string f = detail::fold(folder);
  if (f == "fullsample") return data_kind::full;
  if (begins(f, "undersample") || begins(f, "accfactor")) return data_kind::undersampled;
  if (f == "mask" || begins(f, "mask_")) return data_kind::mask;
  if (f == "gtsos") return data_kind::reference;
  if (f == "imgsnapshot") return data_kind::snapshot;
  if (f == "segmentroi") return data_kind::segmentation;
  for (const char* d : {"zfsos", "gtsos_", "h5_fullsample"})
    if (begins(f, d)) return data_kind::derived;
  return std::nullopt;
}
/// 4 of "AccFactor04"; 0 for other folders.
inline int acceleration_of_folder(std::string_view folder) {
  if (!detail::begins(detail::fold(folder), "accfactor")) return 0;
  int r = 0;
  for (const char c : folder.substr(9))
    if (detail::is_digit(c) && r < 100000) r = 10 * r + (c - '0');
  return r;
}
/// "Task1" of "Mask_Task1"; empty where there is none.
inline std::string task_of_folder(std::string_view folder) {
  const auto at = folder.find('_');
  return at == std::string_view::npos ? std::string() : std::string(folder.substr(at + 1));
}

/// A name whose last "_mask_" or "_kus_" (`word` is "mask" or "kus") comes before pattern and
/// acceleration; nothing for other names. "{data}_mask" has no pattern.
inline std::optional<sampling_name> sampling_of_name(std::string_view stem, const char* word) {
  const std::string infix = std::string("_") + word + "_", suffix = std::string("_") + word;
  const auto at = detail::last_of(stem, infix);
  sampling_name n;
  if (at == std::string_view::npos) {
    if (!detail::finishes(detail::fold(stem), suffix)) return std::nullopt;
    n.data = stem.substr(0, stem.size() - suffix.size());
    return n;
  }
  n.data = stem.substr(0, at);
  const std::string_view token = stem.substr(at + infix.size());
  std::size_t i = 0;
  while (i < token.size() && !detail::is_digit(token[i])) n.pattern += token[i++];
  const std::size_t digits = i;
  while (i < token.size() && detail::is_digit(token[i]) && n.acceleration < 100000)
    n.acceleration = 10 * n.acceleration + (token[i++] - '0');
  n.good = !n.pattern.empty() && i > digits && i == token.size() && n.acceleration > 0;
  return n;
}

/// Vendor, field and scanner of "Siemens_055T_Freemax"; nothing unless there are two underscores.
/// Fields: 055T is 0.55, 15T 1.5, 30T 3, 3T 3, 1.5T 1.5.
inline std::optional<scanner_name> scanner_of_folder(std::string_view folder) {
  const auto parts = detail::parts_of(folder, '_');
  if (parts.size() != 3) return std::nullopt;
  scanner_name s{parts[0], parts[2], 0};
  std::string digits = parts[1];
  if (digits.size() < 2 || (digits.back() != 'T' && digits.back() != 't')) return s;
  digits.pop_back();
  double value = 0, unit = 1;
  bool point = digits.find('.') != std::string::npos, behind = false;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] == '.' && !behind) {
      behind = true;
      continue;
    }
    if (!detail::is_digit(digits[i]) || digits.size() > 8) return s;
    value = 10 * value + (digits[i] - '0');
    if (behind || (!point && i > 0)) unit *= 10;
  }
  s.field = value / unit;
  return s;
}

/// A name without its extension; ".nii.gz" is one.
inline std::string stem_of(std::string_view file) {
  for (const char* end : {".nii.gz", ".csv.gz"})
    if (detail::finishes(detail::fold(file), end))
      return std::string(file.substr(0, file.size() - 7));
  const auto dot = file.rfind('.');
  return std::string(file.substr(0, dot == std::string_view::npos || dot == 0 ? file.size() : dot));
}
/// The extension in small letters, with its dot.
inline std::string ending_of(std::string_view file) {
  return detail::fold(file.substr(stem_of(file).size()));
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
