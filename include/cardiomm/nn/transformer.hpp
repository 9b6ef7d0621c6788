// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_TRANSFORMER_HPP
#define CARDIOMM_NN_TRANSFORMER_HPP
/// \file
/// The block of a transformer that normalises first:
///
///     x += attention(norm1(x));  x += fc2(activation(fc1(norm2(x))))
///
/// It is an expression of layers, so that it is applied, differentiated and joined as any other.

#include "cardiomm/nn/attention.hpp"
#include "cardiomm/nn/layer_norm.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

struct transformer_options {
  attention_options attention;
  index_t hidden = 0;  ///< channels between fc1 and fc2; 0 is four times the width
  double epsilon = 1e-5;
};

template <class T, ExecutionSpace Ex, class Activation = quick_gelu<T, 3, Ex>>
using transformer_block_type =
    sequential<residual_layer<sequential<layer_norm<T, 3, Ex>, self_attention<T, Ex>>>,
               residual_layer<sequential<layer_norm<T, 3, Ex>, linear<T, 3, Ex>, Activation,
                                         linear<T, 3, Ex>>>>;

/// Features (item, token, width). Parameters in the order of `transformer_names`. `Activation` is a
/// layer of functions of single numbers, by default CLIP's.
template <class T, ExecutionSpace Ex, class Activation = quick_gelu<T, 3, Ex>>
transformer_block_type<T, Ex, Activation> transformer_block(const Ex& ex, index_t width,
                                                            const transformer_options& o,
                                                            std::uint64_t seed = 0,
                                                            const Activation& activation = {}) {
  const index_t hidden = o.hidden > 0 ? o.hidden : 4 * width;
  return residual(layer_norm<T, 3, Ex>(ex, width, o.epsilon) |
                  self_attention<T, Ex>(ex, width, o.attention, seed)) |
         residual(layer_norm<T, 3, Ex>(ex, width, o.epsilon) |
                  linear<T, 3, Ex>(ex, width, hidden, true, seed + 4) | activation |
                  linear<T, 3, Ex>(ex, hidden, width, true, seed + 5));
}
/// Names of the parameters of a block in common frameworks.
inline std::vector<std::string> transformer_names() {
  std::vector<std::string> names;
  for (const char* layer :
       {"layer_norm1", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
        "self_attn.out_proj", "layer_norm2", "mlp.fc1", "mlp.fc2"})
    for (const char* part : {".weight", ".bias"}) names.push_back(std::string(layer) + part);
  return names;
}

template <class T, ExecutionSpace Ex>
struct specimen<transformer_block_type<T, Ex>> {
  static transformer_block_type<T, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    return transformer_block<T>(ex, domain(s)[2], {{2, s == linop::size_class::odd, true}, 7, 1e-3},
                                seed);
  }
  static shape<3> domain(linop::size_class s) { return specimen_tokens(s); }
};
template <class T, ExecutionSpace Ex>
using transformer_specimens = linop::type_list<transformer_block_type<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
