// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_NETWORK_WEIGHTS_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_NETWORK_WEIGHTS_HPP
/// \file
/// Weights of `recon --method cardiomm`: a file, or those of the small network that is part of the
/// program (examples/cardiomm/weights, see its model card).

#include <string>

#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/models/warm_start.hpp"

namespace program {

/// Opens `path`, or where it is empty the weights in the program. Throws io_error.
cardiomm::io::safetensors_file open_weights(const std::string& path);
/// For messages.
std::string network_name(const std::string& path);
/// Whether the network was trained on codes of the text, so that it needs no language model.
bool takes_text_codes(const cardiomm::io::safetensors_file& weights);
/// How the network's cascades were started in training.
cardiomm::models::warm_start warm_start_of(const cardiomm::io::safetensors_file& weights);
/// Tells the weights in the program from those of other versions.
std::string shipped_weights_identity();

}  // namespace program

#endif
