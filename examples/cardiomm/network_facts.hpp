// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_NETWORK_FACTS_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_NETWORK_FACTS_HPP
/// \file
/// What a run of the network depends on, and the work that it is.

#include "conditioning.hpp"
#include "methods.hpp"

namespace program {

namespace detail {

/// What changes when a file does.
inline std::string identity_of(const std::string& path) {
  if (path.empty()) return {};
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return path;
  std::error_code none;
  return std::filesystem::weakly_canonical(path, none).string() + " " +
         std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

/// One line about everything that an image depends on.
template <class T>
std::string run_of(const recon_command& c, const recon_inputs& in, const conditioning& e) {
  checksum texts;
  for (const auto* v : {&e.meta, &e.sampling}) texts.add(v->data(), v->size() * sizeof(double));
  const auto data_of = [](const std::string& path) {
    if (path.empty()) return std::string();
    const auto [file, member] = split_member(path);
    return identity_of(input_format(path) == format::cfl ? io::cfl_base(file) + ".cfl" : file) +
           (member.empty() ? "" : ":" + member);
  };
  return json{{"cardiomm", CARDIOMM_VERSION_STRING},
              {"kspace", data_of(c.kspace)},
              {"axes", to_string(in.kspace.from.order)},
              {"mask", c.mask.empty() ? "" : data_of(c.mask)},
              {"mask_axes", in.mask ? to_string(in.mask->from.order) : ""},
              {"noise", c.noise.empty() ? "" : data_of(c.noise)},
              {"weights", c.weights.empty() ? shipped_weights_identity() : identity_of(c.weights)},
              {"texts", texts.value()},
              {"acs", c.acs.value_or(20)},
              {"acs_shape", c.acs_shape.value_or("1d")},
              {"tiled", c.tiled},
              {"batch", c.batch.value_or(1)},
              {"compress", c.coils.value_or(0)},
              {"crop", c.crop},
              {"bytes", sizeof(T)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

/// "1 h 05 min", "12 min", "40 s"
inline std::string duration(double seconds) {
  const auto s = static_cast<long long>(std::ceil(std::max(0.0, seconds)));
  if (s < 100) return std::to_string(s) + " s";
  if (s < 6000) return std::to_string((s + 59) / 60) + " min";
  char text[48];
  std::snprintf(text, sizeof text, "%lld h %02lld min", s / 3600, s / 60 % 60);
  return text;
}

/// Multiply-adds of one image, and channels of the finest level, by the shapes of the weights.
struct network_work {
  double operations = 0, channels = 0;
};
inline network_work work_of(const io::safetensors_file& weights, index_t coils, double pixels) {
  network_work w;
  for (const std::string& name : weights.names()) {
    const auto& s = weights.at(name).shape();
    if (s.size() != 4 || name.find("prompt_param") != std::string::npos) continue;
    const bool inside = name.find("unet.") != std::string::npos;
    if (!inside || name.find(".CA.") != std::string::npos) continue;
    int level = 0;  // of the output, 0 the finest
    const auto number = [&](const char* word) {
      const auto at = name.find(word);
      return at == std::string::npos ? 0 : name[at + std::string(word).size()] - '0';
    };
    if (const int n = number("enc_level")) level = n - (name.find(".encoder.") != name.npos);
    if (const int n = number("skip_attn")) level = n - 1;
    if (const int n = number("prompt_level")) level = n;
    if (const int n = number("dec_level")) level = n - (name.find(".ca.") != name.npos);
    if (const int n = number("metacond_level")) level = n - 1;
    if (name.find("bottleneck") != std::string::npos) level = 3;
    const double times = name.find("sens_net.") != std::string::npos ? double(coils) : 1;
    const double at = pixels / double(1 << (2 * std::clamp(level, 0, 3)));
    w.operations += times * at * double(s[0] * s[1] * s[2] * s[3]);
    if (name.find("feat_extract") != std::string::npos)
      w.channels = std::max(w.channels, double(s[0]));
  }
  return w;
}

}  // namespace detail
}  // namespace program

#endif
