// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_CONDITIONING_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_CONDITIONING_HPP
/// \file
/// What the network is told about the acquisition: two vectors, from a file or from text.

#include "network_weights.hpp"
#include "recon.hpp"

namespace program {

struct conditioning {
  index_t items = 1;                    ///< 1, or one for each image (frame, slice)
  index_t length = 0;                   ///< of a vector
  std::vector<double> meta, sampling;   ///< lm_embd_adapt, lm_embd_adapt2: (items, length)
  std::string metadata, undersampling;  ///< the prompts, where text was given
  std::vector<std::string> warnings;
};

/// Throws value_error where the options about texts are not what these weights take: nothing, or
/// `--metadata` and `--undersampling`, where they take codes of the text; else `--embedding`, or
/// `--text-weights` and `--metadata`.
void check_text_options(const recon_command& c, const io::safetensors_file& weights);

/// Reads `--embedding`, makes codes of the text, or puts `--metadata` and `--undersampling` through
/// the text tower. `length` is what the network needs, `images` how many there are. `weights` is
/// the file of the network, which may hold the language heads. `mask` (y, x) is the first frame's,
/// for a sampling that nobody told. Throws io_error and value_error.
conditioning read_conditioning(const recon_command& c, const io::safetensors_file& weights,
                               index_t length, index_t images,
                               const host_tensor<std::uint8_t, 3>& mask);

}  // namespace program

#endif
