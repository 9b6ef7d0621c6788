// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_TRAIN_EXPORT_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_TRAIN_EXPORT_HPP
/// \file
/// `cardiomm train --export`: what a network is trained on, as files.

#include "cardiomm/train/sample.hpp"
#include "train.hpp"

namespace program {

/// Writes the frames of the first subjects of a source and what a network sees of them: one set of
/// files a subject, samples.json that lists them, and pictures. Nothing is left where it fails.
void export_samples(const train::source<train::full_frame>& frames,
                    const train::source<train::sample>& samples, const train_command& c,
                    const common_options& common);

}  // namespace program

#endif
