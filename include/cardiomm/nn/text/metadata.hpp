// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_TEXT_METADATA_HPP
#define CARDIOMM_NN_TEXT_METADATA_HPP
/// \file
/// The two sentences that tell the network what it reconstructs: the prompt of the acquisition,
///
///     Adult cardiac MRI reconstruction.Vendor: 3.0T, Siemens, Vida. Modality: cine, short-axis.
///
/// (without a blank before "Vendor", as the networks were trained) and that of the sampling,
/// `Undersampling: 8x uniform.`; the vocabulary of the training data, and how it is read from a
/// path
/// `.../CENTER/VENDOR_FIELD_SCANNER/PATIENT/FILE`. Words that are not in the vocabulary make
/// sentences and embeddings as all others; they are only warned of, because no network saw them.

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cardiomm/nn/text/tokenizer.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::text {

/// What the prompt of the acquisition says.
struct metadata {
  std::string lifespan = "Adult";  ///< Adult, Pediatric, Fetal
  std::string field = "unknown";   ///< 0.55T, 1.5T, 3.0T, 5.0T
  std::string vendor = "unknown";
  std::string scanner = "unknown";
  std::string modality = "unknown";
  std::string view = "unknown";
};

/// What the prompt of the sampling says.
struct undersampling {
  index_t acceleration = 1;  ///< the nominal one
  std::string family;        ///< uniform, random, radial
};

inline std::string metadata_prompt(const metadata& m) {
  return collapse_space(m.lifespan + " cardiac MRI reconstruction.Vendor: " + m.field + ", " +
                        m.vendor + ", " + m.scanner + ". Modality: " + m.modality + ", " + m.view +
                        ".");
}
inline std::string undersampling_prompt(index_t acceleration, const std::string& family) {
  require(acceleration > 0, "undersampling prompt: expected an acceleration of at least 1, found ",
          acceleration);
  return collapse_space("Undersampling: " + std::to_string(acceleration) + "x " + family + ".");
}

namespace detail {

struct word_pair {
  const char *word, *text;
};
/// A keyword of paths, its text, and the views that its files have.
struct modality_word {
  const char *word, *text;
  std::array<word_pair, 3> views;  // first found wins
  const char* otherwise;
};
inline constexpr word_pair sax{"sax", "short-axis"}, lax{"lax", "long-axis"}, no_view{};
/// In the order in which they are looked for.
inline constexpr modality_word modalities[] = {
    {"cine", "cine", {sax, lax, {"ot", "outflow tract"}}, "unknown"},
    {"T1map", "T1 mapping", {sax, lax, no_view}, "short-axis"},
    {"T1mappost", "T1 mapping post", {sax, lax, no_view}, "short-axis"},
    {"T1rho", "T1 rho mapping", {sax, lax, no_view}, "short-axis"},
    {"T2map", "T2 mapping", {sax, lax, no_view}, "short-axis"},
    {"T2smap", "T2 star mapping", {sax, lax, no_view}, "short-axis"},
    {"aorta",
     "cine",
     {{{"sag", "sagittal aorta"}, {"tra", "transversal aorta"}, no_view}},
     "unknown"},
    {"tagging", "tagging", {sax, lax, no_view}, "short-axis"},
    {"flow2d",
     "phase contrast",
     {{{"inplane", "in-plane"}, {"throughplane", "through-plane"}, {"through", "through-plane"}}},
     "through-plane"},
    {"perfusion", "perfusion", {sax, lax, no_view}, "short-axis"},
    {"lge", "late Gadolinium enhancement", {sax, lax, no_view}, "unknown"},
    {"blackblood", "blackblood", {sax, lax, no_view}, "short-axis"},
    {"T1w", "T1 weighted", {sax, lax, no_view}, "short-axis"},
    {"T2w", "T2 weighted", {sax, lax, no_view}, "short-axis"}};
inline constexpr word_pair fields[] = {
    {"15T", "1.5T"}, {"30T", "3.0T"}, {"50T", "5.0T"}, {"055T", "0.55T"}};
inline constexpr word_pair families[] = {
    {"Uniform", "uniform"}, {"Random", "random"}, {"Gaussian", "random"}, {"Radial", "radial"}};
inline constexpr const char* lifespans[] = {"Adult", "Pediatric", "Fetal"};
inline constexpr const char* vendors[] = {"Siemens", "UIH", "GE", "Philips", "Neusoft"};
/// Of the public training data.
inline constexpr const char* scanners[] = {
    "Vida",   "Aera",   "Avanto", "Sola",   "Prisma", "CIMA",    "CIMA.X",  "Skyra",   "Freemax",
    "umr670", "umr680", "umr780", "umr790", "umr880", "Jupiter", "voyager", "Ingenia", "IngeniaCX"};

inline bool holds(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}
inline std::string folded(std::string_view s) {
  std::string out;
  for (const char c : s) out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}
inline std::string trimmed(std::string_view s) { return collapse_space(s); }
inline std::vector<std::string> split(std::string_view s, char at) {
  std::vector<std::string> parts(1);
  for (const char c : s)
    if (c == at)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}
inline std::string field_text(const std::string& token) {
  for (const auto& f : fields)
    if (token == f.word) return f.text;
  return token;
}

/// The text of the vocabulary that a word means, whatever its case: a text itself or the keyword of
/// paths; nothing where there is none.
inline std::optional<std::string> known_text(const std::string& key, const std::string& word) {
  const std::string w = folded(word);
  std::optional<std::string> found;
  const auto offer = [&](const char* name, const char* text) {
    if (!found && name && w == folded(name)) found = text;
  };
  if (key == "lifespan")
    for (const char* t : lifespans) offer(t, t);
  if (key == "vendor")
    for (const char* t : vendors) offer(t, t);
  if (key == "scanner")
    for (const char* t : scanners) offer(t, t);
  if (key == "sampling")
    for (const auto& f : families) {
      offer(f.text, f.text);
      offer(f.word, f.text);
      offer((std::string("kt") + f.word).c_str(), f.text);
    }
  if (key == "field") {
    for (const auto& f : fields) {
      offer(f.text, f.text);
      offer(f.word, f.text);
      offer(std::string(f.text).substr(0, std::string(f.text).size() - 1).c_str(), f.text);
    }
    offer("3T", "3.0T");
    offer("5T", "5.0T");
    offer("3", "3.0T");
    offer("5", "5.0T");
  }
  for (const auto& m : modalities) {
    if (key == "modality") {
      offer(m.text, m.text);
      offer(m.word, m.text);
    }
    if (key == "view")
      for (const auto& v : m.views) {
        offer(v.text, v.text);
        offer(v.word, v.text);
      }
  }
  return found;
}

}  // namespace detail

/// The fields that a path of the training data's layout tells, by the rules of training: words are
/// looked for in the whole path, case-sensitive, the first of a list wins. Throws value_error where
/// there is no modality or no folder VENDOR_FIELD_SCANNER.
inline metadata metadata_of_path(const std::string& path) {
  using detail::holds;
  const auto parts = detail::split(path, '/');
  require(parts.size() >= 3, "metadata: '", path,
          "': expected a path .../VENDOR_FIELD_SCANNER/PATIENT/FILE");
  const std::string& folder = parts[parts.size() - 3];
  const auto device = detail::split(folder, '_');
  require(device.size() == 3, "metadata: '", path,
          "': expected a folder VENDOR_FIELD_SCANNER with two underscores, found '", folder, "'");
  metadata m;
  m.vendor = device[0];
  m.field = detail::field_text(device[1]);
  m.scanner = device[2];
  for (const char* l : detail::lifespans)
    if (l != m.lifespan && holds(path, l)) {
      m.lifespan = l;
      break;
    }
  for (const auto& k : detail::modalities) {
    if (!holds(path, k.word)) continue;
    m.modality = k.text;
    m.view = k.otherwise;
    for (const auto& v : k.views)
      if (v.word && holds(path, v.word)) {
        m.view = v.text;
        break;
      }
    return m;
  }
  throw value_error("metadata: '" + path +
                    "': expected a keyword of a modality (cine, T1map, lge, ...), found none");
}

/// Acceleration and family that a path tells, e.g. cine_sax_kus_ktUniform8.mat. Throws value_error
/// where it tells none.
inline undersampling undersampling_of_path(const std::string& path) {
  for (const auto& f : detail::families) {
    const auto at = path.find(f.word);
    if (at == std::string::npos) continue;
    undersampling u;
    u.family = f.text;
    u.acceleration = 0;
    for (std::size_t i = at + std::string(f.word).size();
         i < path.size() && path[i] >= '0' && path[i] <= '9' && u.acceleration < 1000000; ++i)
      u.acceleration = 10 * u.acceleration + (path[i] - '0');
    require(u.acceleration > 0, "metadata: '", path, "': expected the acceleration behind '",
            f.word, "', found none");
    return u;
  }
  throw value_error("metadata: '" + path +
                    "': expected Uniform, Random, Gaussian or Radial with an acceleration, found "
                    "none");
}

/// What a user said.
struct prompts {
  std::string acquisition;            ///< a whole sentence
  std::string sampling;               ///< a whole sentence; empty where nothing was said
  std::vector<std::string> warnings;  ///< one line each
};

namespace detail {

class metadata_reader {
 public:
  /// Returns the prompts of key=value pairs.
  prompts pairs(std::string_view text) {
    for (const auto& item : split(text, ',')) {
      const auto equals = item.find('=');
      if (trimmed(item).empty()) continue;
      require(equals != std::string::npos, "metadata: expected 'key=value', found '", trimmed(item),
              "'");
      const std::string key = folded(trimmed(item.substr(0, equals)));
      const std::string value = trimmed(item.substr(equals + 1));
      require(!value.empty(), "metadata: ", key, ": expected a value, found none");
      require(given_.emplace(key, value).second, "metadata: ", key,
              ": expected it once, found it twice");
    }
    const auto path = taken("path");
    if (path) {
      m_ = metadata_of_path(*path);
      if (says_sampling(*path)) u_ = undersampling_of_path(*path);
      known("vendor", m_.vendor);
      known("scanner", m_.scanner);
      known("field", m_.field);
    }
    const std::pair<const char*, std::string*> members[] = {
        {"lifespan", &m_.lifespan}, {"field", &m_.field},       {"vendor", &m_.vendor},
        {"scanner", &m_.scanner},   {"modality", &m_.modality}, {"view", &m_.view}};
    std::string left_out;
    for (const auto& [key, member] : members) {
      if (const auto value = taken(key))
        *member = known(key, *value);
      else if (!path && std::string(key) != "lifespan")
        left_out += (left_out.empty() ? "" : ", ") + std::string(key);
    }
    if (!left_out.empty())
      result_.warnings.push_back("metadata: not said: " + left_out + "; the prompt says 'unknown'");
    read_sampling();
    if (!given_.empty()) {
      std::string keys;
      for (const auto& g : given_) keys += (keys.empty() ? "" : ", ") + g.first;
      throw value_error("metadata: unknown key " + keys +
                        ": expected lifespan, field, vendor, scanner, modality, view, "
                        "acceleration, sampling or path");
    }
    result_.acquisition = metadata_prompt(m_);
    if (!u_.family.empty()) result_.sampling = undersampling_prompt(u_.acceleration, u_.family);
    return result_;
  }

  /// Takes sentences as they are; checks their words.
  prompts sentences(const std::string& text) {
    const auto at = text.find("Undersampling:");
    result_.acquisition = trimmed(std::string_view(text).substr(0, at));
    if (at != std::string::npos) {
      result_.sampling = trimmed(std::string_view(text).substr(at));
      check_sampling();
    }
    if (!result_.acquisition.empty()) check_acquisition();
    return result_;
  }

 private:
  std::optional<std::string> taken(const std::string& key) {
    const auto at = given_.find(key);
    if (at == given_.end()) return std::nullopt;
    const std::string value = at->second;
    given_.erase(at);
    return value;
  }
  /// The vocabulary's text, or the word itself with a warning.
  std::string known(const std::string& key, const std::string& word) {
    if (const auto text = known_text(key, word)) return *text;
    if (folded(word) != "unknown")
      result_.warnings.push_back("metadata: " + key + " '" + word +
                                 "' is not in the vocabulary of the training data; the prompt is "
                                 "valid, but the network never saw it");
    return word;
  }
  static bool says_sampling(const std::string& path) {
    for (const auto& f : families)
      if (holds(path, f.word)) return true;
    return false;
  }
  void read_sampling() {
    const auto family = taken("sampling"), acceleration = taken("acceleration");
    if (family) u_.family = known("sampling", *family);
    if (acceleration) {
      std::string digits = *acceleration;
      if (digits.back() == 'x' || digits.back() == 'X') digits.pop_back();
      require(!digits.empty() && digits.size() < 7 &&
                  digits.find_first_not_of("0123456789") == std::string::npos &&
                  std::stoi(digits) > 0,
              "metadata: acceleration: expected a whole number of at least 1, found '",
              *acceleration, "'");
      u_.acceleration = std::stoi(digits);
      said_acceleration_ = true;
    }
    const bool both = !u_.family.empty() && (said_acceleration_ || u_.acceleration > 1);
    require(both || (!family && !acceleration),
            "metadata: expected sampling and acceleration together, found only ",
            family ? "sampling" : "acceleration");
  }
  void check_sampling() {
    const std::string& s = result_.sampling;
    const std::string rest = s.substr(std::string("Undersampling:").size());
    for (const auto& f : families)
      if (folded(rest).find(std::string("x ") + f.text + ".") != std::string::npos &&
          rest.find_first_of("0123456789") != std::string::npos)
        return;
    result_.warnings.push_back(
        "metadata: '" + s +
        "': expected 'Undersampling: 8x uniform.' (or random, radial); it is "
        "used as it is");
  }
  void check_acquisition() {
    const std::string& s = result_.acquisition;
    const std::string a = " cardiac MRI reconstruction.Vendor: ", b = ". Modality: ";
    const auto i = s.find(a), j = s.rfind(b);
    if (i == std::string::npos || j == std::string::npos || j < i + a.size() || s.back() != '.') {
      result_.warnings.push_back(
          "metadata: '" + s +
          "': expected 'Adult cardiac MRI reconstruction.Vendor: 3.0T, Siemens, Vida. Modality: "
          "cine, short-axis.'; it is used as it is");
      return;
    }
    const auto device = split(std::string_view(s).substr(i + a.size(), j - i - a.size()), ',');
    const auto what =
        split(std::string_view(s).substr(j + b.size(), s.size() - j - b.size() - 1), ',');
    known("lifespan", s.substr(0, i));
    const char* keys[] = {"field", "vendor", "scanner"};
    for (std::size_t k = 0; k < device.size() && k < 3; ++k) known(keys[k], trimmed(device[k]));
    if (device.size() != 3 || what.size() != 2)
      result_.warnings.push_back("metadata: '" + s +
                                 "': expected field, vendor, scanner and modality, view");
    known("modality", trimmed(what[0]));
    if (what.size() > 1) known("view", trimmed(what[1]));
  }

  std::map<std::string, std::string> given_;
  metadata m_;
  undersampling u_;
  bool said_acceleration_ = false;
  prompts result_;
};

}  // namespace detail

/// What `--metadata` takes: sentences as above (one of them or both; used as they are), or pairs
///
///     field=3.0T, vendor=Siemens, scanner=Vida, modality=cine, view=sax, sampling=uniform,
///     acceleration=8
///
/// with the keys lifespan, field, vendor, scanner, modality, view, acceleration, sampling, and
/// path, which sets all of them by the rules of training. Texts of the vocabulary and the keywords
/// of paths (30T, sax, T1map, Gaussian) are taken in any case. Throws value_error for pairs that
/// cannot be read.
inline prompts parse_metadata(const std::string& text) {
  const std::string clean = collapse_space(text);
  require(!clean.empty(), "metadata: expected a sentence or key=value pairs, found nothing");
  detail::metadata_reader reader;
  return clean.find('=') != std::string::npos ? reader.pairs(clean) : reader.sentences(clean);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::text

#endif
