// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_TRAIN_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_TRAIN_HPP
/// \file
/// `cardiomm train`: the configuration, read key by key so that every mistake is told with its
/// place, and what networks of every kind have in common.

#include <memory>
#include <set>

#include "cardiomm/train/loop.hpp"
#include "common.hpp"

namespace program {

namespace train = cardiomm::train;
namespace dist = cardiomm::dist;

/// One object of the configuration. Values are checked when they are read, and `finish` refuses
/// keys that nobody asked for. What was read (defaults included) is noted in the order of reading.
class config_block {
 public:
  /// Every value that was read, by its path.
  using notes = std::vector<std::pair<std::string, json>>;

  config_block(json value, std::string file)
      : value_(std::move(value)), file_(std::move(file)), notes_(std::make_shared<notes>()) {
    require<value_error>(value_.is_object(), file_, ": expected a JSON object, found ",
                         shown(value_));
  }

  /// "C.json: optimiser.rate"
  std::string where(const std::string& key) const { return file_ + ": " + path_of(key); }
  const std::string& file() const { return file_; }
  const notes& noted() const { return *notes_; }

  bool has(const std::string& key) {
    known_.push_back(key);
    return value_.contains(key) && !value_.at(key).is_null();
  }
  const json& at(const std::string& key) const { return value_.at(key); }
  /// The object of a key; an empty one where there is none.
  config_block block(const std::string& key) {
    const json v = has(key) ? value_.at(key) : json::object();
    require<value_error>(v.is_object(), where(key), ": expected an object, found ", shown(v));
    return config_block(v, file_, path_of(key), notes_);
  }

  void read(const std::string& key, bool& v) {
    if (has(key)) {
      require<value_error>(at(key).is_boolean(), where(key), ": expected true or false, found ",
                           shown(at(key)));
      v = at(key).get<bool>();
    }
    note(key, v);
  }
  void read(const std::string& key, std::string& v) {
    if (has(key)) {
      require<value_error>(at(key).is_string(), where(key), ": expected text, found ",
                           shown(at(key)));
      v = at(key).get<std::string>();
    }
    note(key, v);
  }
  /// Text that is one of some words.
  void read(const std::string& key, std::string& v, const std::vector<std::string>& choices) {
    read(key, v);
    std::string all;
    for (const auto& c : choices)
      all += (all.empty() ? "" : c == choices.back() ? " or " : ", ") + c;
    require<value_error>(std::find(choices.begin(), choices.end(), v) != choices.end(), where(key),
                         ": expected ", all, ", found \"", v, "\"");
  }
  void read(const std::string& key, double& v, double least, double most = unbounded) {
    if (has(key)) v = number(key, at(key), least, most);
    note(key, v);
  }
  void read(const std::string& key, float& v, double least, double most = unbounded) {
    if (has(key)) v = float(number(key, at(key), least, most));
    note(key, v);
  }
  template <std::integral I>
  void read(const std::string& key, I& v, index_t least, index_t most = index_t(1) << 53) {
    if (has(key)) v = static_cast<I>(whole(key, at(key), least, most));
    note(key, v);
  }
  template <class V>
  void read(const std::string& key, std::optional<V>& v, auto... range) {
    if (!has(key)) return;
    V value{};
    read(key, value, range...);
    v = value;
  }
  /// [low, high], or one number for both.
  void read_range(const std::string& key, double& low, double& high) {
    if (has(key)) {
      const json& v = at(key);
      const bool two = v.is_array() && v.size() == 2;
      require<value_error>(two || v.is_number(), where(key),
                           ": expected a number or [low, high], found ", shown(v));
      low = number(key, two ? v[0] : v, -unbounded, unbounded);
      high = number(key, two ? v[1] : v, -unbounded, unbounded);
    }
    note(key, json::array({low, high}));
  }
  /// Weights: {"a": 1, "b": 2}, ["a", "b"] or "a". Keys that are numbers may be written so.
  template <class K>
  void read_weights(const std::string& key, std::map<K, double>& v) {
    if (has(key)) {
      v.clear();
      const json& all = at(key);
      const auto add = [&](const json& name, double weight) {
        if constexpr (std::is_same_v<K, std::string>) {
          require<value_error>(name.is_string(), where(key), ": expected text, found ",
                               shown(name));
          v[name.get<std::string>()] = weight;
        } else {
          v[static_cast<K>(whole(key, name, 0, index_t(1) << 53))] = weight;
        }
      };
      if (all.is_object()) {
        for (const auto& [name, weight] : all.items()) {
          json parsed = name;
          if constexpr (!std::is_same_v<K, std::string>) {
            parsed = json::parse(name, nullptr, false);
            if (parsed.is_discarded()) parsed = name;
          }
          add(parsed, number(key + "." + name, weight, 0));
        }
      } else if (all.is_array()) {
        for (const json& name : all) add(name, 1);
      } else {
        add(all, 1);
      }
      require<value_error>(!v.empty(), where(key), ": expected at least one, found none");
    }
    json told = json::object();
    for (const auto& [name, weight] : v) {
      if constexpr (std::is_same_v<K, std::string>)
        told[name] = weight;
      else
        told[std::to_string(name)] = weight;
    }
    note(key, told);
  }
  /// A whole number for each of `v`, or one for all of them.
  void read_list(const std::string& key, std::vector<index_t>& v, index_t least) {
    if (has(key)) {
      const json& all = at(key);
      if (all.is_array()) {
        require<value_error>(all.size() == v.size(), where(key), ": expected ", v.size(),
                             " numbers, one for each level, found ", all.size());
        for (std::size_t i = 0; i < v.size(); ++i)
          v[i] = whole(key, all[i], least, index_t(1) << 31);
      } else {
        std::fill(v.begin(), v.end(), whole(key, all, least, index_t(1) << 31));
      }
    }
    note(key, v);
  }
  /// A list of text.
  void read_names(const std::string& key, std::vector<std::string>& v) {
    if (has(key)) {
      const json& all = at(key);
      require<value_error>(all.is_array(), where(key), ": expected a list of text, found ",
                           shown(all));
      v.clear();
      for (const json& name : all) {
        require<value_error>(name.is_string(), where(key), ": expected text, found ", shown(name));
        v.push_back(name.get<std::string>());
      }
    }
    note(key, v);
  }
  void note(const std::string& key, const json& value) {
    notes_->emplace_back(path_of(key), value);
  }

  /// Throws value_error for keys that were not asked for.
  void finish() const {
    for (const auto& [key, v] : value_.items()) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      std::string names;
      std::set<std::string> told;
      for (const std::string& k : known_)
        if (told.insert(k).second) names += (names.empty() ? "" : ", ") + k;
      throw value_error(where(key) + ": unknown key, expected one of " + names);
    }
  }
  static std::string shown(const json& v) {
    std::string text = v.dump(-1, ' ', false, json::error_handler_t::replace);
    return text.size() <= 60 ? text : text.substr(0, 57) + "...";
  }

 private:
  static constexpr double unbounded = std::numeric_limits<double>::infinity();

  config_block(json value, std::string file, std::string path, std::shared_ptr<notes> n)
      : value_(std::move(value)),
        file_(std::move(file)),
        path_(std::move(path)),
        notes_(std::move(n)) {}

  std::string path_of(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }

  double number(const std::string& key, const json& v, double least,
                double most = unbounded) const {
    const bool fits = v.is_number() && std::isfinite(v.get<double>()) && v.get<double>() >= least &&
                      v.get<double>() <= most;
    if (least == -unbounded)
      require<value_error>(fits, where(key), ": expected a number, found ", shown(v));
    if (most == unbounded)
      require<value_error>(fits, where(key), ": expected a number of at least ", least, ", found ",
                           shown(v));
    require<value_error>(fits, where(key), ": expected a number from ", least, " to ", most,
                         ", found ", shown(v));
    return v.get<double>();
  }
  index_t whole(const std::string& key, const json& v, index_t least, index_t most) const {
    bool fits = v.is_number() && std::isfinite(v.get<double>()) &&
                std::floor(v.get<double>()) == v.get<double>() &&
                std::abs(v.get<double>()) <= 9007199254740992.0;
    const index_t n = fits ? static_cast<index_t>(v.get<double>()) : 0;
    fits = fits && n >= least && n <= most;
    if (most >= index_t(1) << 31)
      require<value_error>(fits, where(key), ": expected a whole number of at least ", least,
                           ", found ", shown(v));
    require<value_error>(fits, where(key), ": expected a whole number from ", least, " to ", most,
                         ", found ", shown(v));
    return n;
  }

  json value_;
  std::string file_, path_;
  std::shared_ptr<notes> notes_;
  std::vector<std::string> known_;
};

/// What the command line says.
struct train_command {
  std::string config, export_folder, export_part = "validation";
  std::vector<std::string> sets;
  index_t export_count = 16;
};

/// What the configuration says for networks of every kind.
struct train_settings {
  std::string output;        ///< folder of the run
  train::loop_options loop;  ///< without the fingerprint
  train::sampling_options sampling;
  index_t samples_per_epoch = 0;  ///< 0: every sample once
  index_t validation_subjects = 8;
  double checkpoint_seconds = 60, maximum_minutes = 0;
  bool recomputed = false;  ///< memory.checkpoint_cascades
};

/// A CardioMM network (train_cardiomm.cpp). It reads its blocks of the configuration.
void train_cardiomm(config_block& root, const train_settings& s, const train_command& c,
                    const common_options& common);
/// PISF's network of lines (train_pisf.cpp).
void train_pisf(config_block& root, const train_settings& s, const train_command& c,
                const common_options& common);

}  // namespace program

#endif
