// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_SIZES_HPP
#define CARDIOMM_MODELS_SIZES_HPP
/// \file
/// Sizes of a CardioMM network, read from the names and shapes of its tensors.

#include "cardiomm/models/unet.hpp"
#include "cardiomm/models/weights.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

/// Everything that decides the network's tensors.
struct cardiomm_sizes {
  index_t cascades = 0;
  index_t adjacent = 1;   ///< neighbouring slices that are reconstructed together
  index_t embedding = 0;  ///< length of the embeddings
  unet_sizes image, sensitivity;
};

namespace detail {

/// Sizes of U-Nets that are alike, under several prefixes.
inline unet_sizes read_unet(const tensor_source& s, const std::vector<std::string>& prefixes) {
  const auto vote = [&](const auto& ballots) {
    size_vote v;
    for (const std::string& p : prefixes) ballots(v, p);
    return v.result();
  };
  const auto count = [&](const std::string& name) {
    index_t most = 0;
    for (const std::string& p : prefixes) most = std::max(most, count_numbered(s, p + name));
    return most;
  };
  unet_sizes u;
  index_t levels = 0;
  const auto has = [&](const std::string& prefix) {
    const auto i = s.shapes.lower_bound(prefix);
    return i != s.shapes.end() && i->first.compare(0, prefix.size(), prefix) == 0;
  };
  for (const std::string& p : prefixes)
    while (has(p + "enc_level" + std::to_string(levels + 1) + ".")) ++levels;

  u.in = vote([&](size_vote& v, const std::string& p) {
    v.add(s, p + "feat_extract.weight", 4, 1);
    v.add(s, p + "conv_last.weight", 4, 0);
  });
  u.out = vote([&](size_vote& v, const std::string& p) {
    v.add(s, p + "conv_last.weight", 4, 0);
    v.add(s, p + "feat_extract.weight", 4, 1);
  });
  u.first = vote([&](size_vote& v, const std::string& p) {
    v.add(s, p + "feat_extract.weight", 4, 0);
    v.add(s, p + "conv_last.weight", 4, 1);
    v.add(s, p + "enc_level1.down.weight", 4, 1);
    v.add(s, p + "dec_level1.up.1.weight", 4, 0);
    v.add(s, p + "metacond_level1.fc.bias", 1, 0);
  });
  u.bottleneck = count("bottleneck.");
  for (index_t l = 1; l <= levels; ++l) {
    const std::string n = std::to_string(l) + ".";
    unet_sizes::level& at = u.levels.emplace_back();
    at.encoder = count("enc_level" + n + "encoder.");
    at.fuse = count("dec_level" + n + "fuse.");
    at.skip = count("skip_attn" + n + "skip_attn.");
    at.width = vote([&](size_vote& v, const std::string& p) {
      v.add(s, p + "enc_level" + n + "down.weight", 4, 0);
      v.add(s, p + "enc_level" + n + "down.bias", 1, 0);
      v.add(s, p + "dec_level" + n + "reduce.weight", 4, 0);
      v.add(s, p + "dec_level" + n + "up.1.weight", 4, 1);
    });
    at.prompt = vote([&](size_vote& v, const std::string& p) {
      v.add(s, p + "prompt_level" + n + "prompt_param", 5, 2);
      v.add(s, p + "prompt_level" + n + "dec_conv3x3.weight", 4, 0);
      v.add(s, p + "prompt_level" + n + "dec_conv3x3.weight", 4, 1);
    });
    at.components = vote([&](size_vote& v, const std::string& p) {
      v.add(s, p + "prompt_level" + n + "prompt_param", 5, 1);
      v.add(s, p + "prompt_level" + n + "linear_layer2.weight", 2, 0);
      v.add(s, p + "prompt_level" + n + "linear_layer2.bias", 1, 0);
    });
    at.side = vote([&](size_vote& v, const std::string& p) {
      v.add(s, p + "prompt_level" + n + "prompt_param", 5, 3);
      v.add(s, p + "prompt_level" + n + "prompt_param", 5, 4);
    });
  }
  u.embedding = vote([&](size_vote& v, const std::string& p) {
    for (index_t l = 1; l <= levels; ++l) {
      v.add(s, p + "metacond_level" + std::to_string(l) + ".fc.weight", 2, 1);
      v.add(s, p + "prompt_level" + std::to_string(l) + ".linear_layer2.weight", 2, 1);
    }
  });
  u.reduction = vote([&](size_vote& v, const std::string& p) {
    for (auto i = s.shapes.lower_bound(p);
         i != s.shapes.end() && i->first.compare(0, p.size(), p) == 0; ++i) {
      static const std::string end = "CA.conv_du.0.weight";
      const auto& [name, shape] = *i;
      if (shape.size() == 4 && shape[0] > 0 && name.size() > end.size() &&
          name.compare(name.size() - end.size(), end.size(), end) == 0)
        // the smallest reduction r with n / r = shape[0] may not be the one meant; vote
        for (index_t r = 1; r <= shape[1]; ++r)
          if (shape[1] / r == shape[0]) v.add(r);
    }
  });
  return u;
}

}  // namespace detail

/// The network's tensors alone: the prefix of training checkpoints is taken away, and so are the
/// tensors beside the network (text encoder, language heads, window of the loss).
inline tensor_source cardiomm_tensors(const tensor_source& file) {
  return without(without_prefix(file, "metausunetlight."), [](const std::string& name) {
    const auto starts = [&](const char* with) { return name.rfind(with, 0) == 0; };
    return name == "loss.w" || starts("lm_head_") || starts("language_model_no.");
  });
}

/// Sizes of the network in `tensors` (see cardiomm_tensors). Sizes that tensors do not agree on are
/// those of most of them; loading then names the others.
inline cardiomm_sizes read_sizes(const tensor_source& tensors) {
  cardiomm_sizes c;
  c.cascades = count_numbered(tensors, "cascades.");
  require(c.cascades > 0,
          "weights: expected tensors of a CardioMM network (cascades.0. ...), found ",
          tensors.shapes.size(), " tensors",
          tensors.shapes.empty() ? std::string() : ", the first " + tensors.shapes.begin()->first);
  std::vector<std::string> prefixes;
  for (index_t i = 0; i < c.cascades; ++i)
    prefixes.push_back("cascades." + std::to_string(i) + ".model.unet.");
  c.image = detail::read_unet(tensors, prefixes);
  c.sensitivity = detail::read_unet(tensors, {"sens_net.norm_unet.unet."});
  c.adjacent = std::max<index_t>(c.image.in / 2, 1);
  c.image.in = c.image.out = 2 * c.adjacent;
  c.sensitivity.in = c.sensitivity.out = 2;
  c.embedding = c.image.embedding;
  c.sensitivity.embedding = c.embedding;
  return c;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
