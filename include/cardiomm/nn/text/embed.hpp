// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_TEXT_EMBED_HPP
#define CARDIOMM_NN_TEXT_EMBED_HPP
/// \file
/// From prompts to the two vectors that condition the network.

#include "cardiomm/nn/text/clip.hpp"
#include "cardiomm/nn/text/heads.hpp"
#include "cardiomm/nn/text/metadata.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::text {

/// The inputs `lm_embd_adapt` (from the prompt of the acquisition; gates) and `lm_embd_adapt2`
/// (from that of the sampling; weights of the prompt banks) of the network.
struct embeddings {
  std::vector<double> adapt, adapt2;
};

struct embed_options {
  clip_options tower;
  head_norm norm = head_norm::sign;
};

/// Tokens, text features and heads. `tower` and `heads` may be the same source. T is the precision
/// of the tower; the heads are computed in double. The tower is read block by block.
template <class T, ExecutionSpace Ex>
embeddings embed(const Ex& ex, const tensor_source& tower, const tensor_source& heads,
                 const tokenizer& tokens, const prompts& p, const embed_options& options = {}) {
  require(!p.acquisition.empty(), "text: expected a prompt of the acquisition, found none");
  require(!p.sampling.empty(), "text: expected a prompt of the sampling, found none");
  const language_head meta(heads, "lm_head_meta"), us(heads, "lm_head_us");
  const clip_layout layout = clip_layout::of(tower, options.tower);
  const auto longest = static_cast<std::size_t>(layout.longest);
  const auto features = clip_features<T>(
      ex, tower, {tokens.encode(p.acquisition, longest), tokens.encode(p.sampling, longest)},
      options.tower);
  const auto run = [&](const language_head& head, const std::vector<T>& t) {
    return head.embed(std::vector<double>(t.begin(), t.end()), options.norm);
  };
  return {run(meta, features[0]), run(us, features[1])};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::text

#endif
