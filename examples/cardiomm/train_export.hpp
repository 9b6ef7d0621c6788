// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_TRAIN_EXPORT_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_TRAIN_EXPORT_HPP
/// \file
/// `cardiomm train --export`: what a network is trained on, as files.

#include "cardiomm/train/sample.hpp"
#include "train.hpp"

namespace program {

/// A frame as it is and as the network sees it.
struct exported {
  train::full_frame frame;
  train::sample sample;
};

/// Writes the first subjects of `count` frames: the frames of one that follow each other and have
/// one shape are a set of files. samples.json lists them, pictures.png shows them. The folder
/// appears when it is complete.
void export_samples(const std::function<exported(index_t)>& frame_of, index_t count,
                    const train_command& c, const common_options& common);

}  // namespace program

#endif
