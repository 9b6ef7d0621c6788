// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_DATASET_TRAINING_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_DATASET_TRAINING_HPP
/// \file
/// The training files of the published preparation, and their split by patients.

#include "dataset_images.hpp"

namespace program {

/// Names of patients in the training data.
struct split_entry {
  std::string modality;  ///< with MultiCoil/ in front where the data set has that
  std::string part;      ///< train or val
  std::string number;    ///< P0001
  std::string patient;   ///< where the patient's folder was, from the modality on
};

/// The published split: for each modality the patient folders (P and three digits) in the order of
/// their paths, the first round(0.9 n), halves to even, are for training; numbers go on from train
/// to val.
std::vector<split_entry> split_patients(const std::vector<io::dataset_scan>& scans,
                                        const std::string& root);
/// The patient folder of a measurement, as in `split_entry`.
std::string patient_of(const io::dataset_scan& s, const std::string& root);
std::string split_text(const std::vector<split_entry>& all);

/// A training file: k-space (frame x slice, coil, x, y), images, attributes.
void write_training(dataset_task& t, const std::string& relative, const io::dataset_scan& s,
                    const opened& file, const source& from, const image_stack& images);

}  // namespace program

#endif
