// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_TEXT_CODE_HPP
#define CARDIOMM_MODELS_TEXT_CODE_HPP
/// \file
/// Texts as short vectors of +1 and -1 without a language model, for networks that are small enough
/// to be shipped: one number for every word of the vocabulary (nn/text/metadata.hpp), +1 where the
/// text says it. The published heads make vectors of +1 and -1 as well, from CLIP's 512 numbers;
/// those of a network that was trained on codes are these. "code-v1" is their name in the metadata
/// of weights; the meaning of its numbers never changes.

#include <array>
#include <string_view>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/nn/text/metadata.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

/// The name under which weights ask for these codes, as `cardiomm.text` of their metadata.
inline constexpr const char* text_code_name = "code-v1";
/// Length of both codes.
inline constexpr index_t text_code_length = 32;

namespace detail {
inline constexpr std::array<std::string_view, 32> acquisition_words = {
    "Adult",
    "Pediatric",
    "Fetal",  // lifespan
    "0.55T",
    "1.5T",
    "3.0T",
    "5.0T",  // field
    "Siemens",
    "UIH",
    "GE",
    "Philips",
    "Neusoft",  // vendor
    "cine",
    "T1 mapping",
    "T1 mapping post",
    "T1 rho mapping",
    "T2 mapping",  // modality
    "T2 star mapping",
    "tagging",
    "phase contrast",
    "perfusion",  //
    "late Gadolinium enhancement",
    "blackblood",
    "T1 weighted",
    "T2 weighted",  //
    "short-axis",
    "long-axis",
    "outflow tract",
    "sagittal aorta",  // view
    "transversal aorta",
    "in-plane",
    "through-plane"};
inline constexpr std::array<std::string_view, 3> family_words = {"uniform", "random", "radial"};
/// An acceleration is +1 for every step that it reaches, so that one between two that were trained
/// lies between them.
inline constexpr std::array<double, 13> acceleration_steps = {2,  3,  4,  5,  6,  8, 10,
                                                              12, 14, 16, 18, 20, 24};
}  // namespace detail

/// Code of an acquisition, (1, 32): +1 for each word that it has; a word that is not in the
/// vocabulary (scanners are not) is as an unknown one.
template <class T = float>
host_tensor<T, 2> acquisition_code(const nn::text::metadata& m) {
  const auto code = make_tensor<T>(host_space(), shape<2>{{1, text_code_length}});
  for (std::size_t i = 0; i < detail::acquisition_words.size(); ++i) {
    const std::string_view w = detail::acquisition_words[i];
    const bool said =
        w == m.lifespan || w == m.field || w == m.vendor || w == m.modality || w == m.view;
    code(0, i) = T(said ? 1 : -1);
  }
  return code;
}

/// Code of a sampling, (1, 32): the family, then the steps of acceleration; the rest is 0. Throws
/// value_error for accelerations below 1.
template <class T = float>
host_tensor<T, 2> sampling_code(const nn::text::undersampling& u) {
  require(u.acceleration >= 1, "sampling code: acceleration: expected at least 1, found ",
          u.acceleration);
  const auto code = zeros<T>(host_space(), shape<2>{{1, text_code_length}});
  std::size_t i = 0;
  for (const std::string_view w : detail::family_words) code(0, i++) = T(w == u.family ? 1 : -1);
  for (const double step : detail::acceleration_steps)
    code(0, i++) = T(double(u.acceleration) >= step ? 1 : -1);
  return code;
}

/// What a prompt of the acquisition (nn::text::metadata_prompt) says; other sentences say nothing.
inline nn::text::metadata metadata_of_prompt(const std::string& prompt) {
  using nn::text::detail::split;
  using nn::text::detail::trimmed;
  nn::text::metadata m;
  const std::string_view a = " cardiac MRI reconstruction.Vendor: ", b = ". Modality: ";
  const std::size_t i = prompt.find(a), j = prompt.rfind(b);
  if (i == prompt.npos || j == prompt.npos || j < i + a.size() || prompt.back() != '.') return m;
  const std::string_view all = prompt;
  m.lifespan = prompt.substr(0, i);
  const auto device = split(all.substr(i + a.size(), j - i - a.size()), ',');
  const auto what = split(all.substr(j + b.size(), all.size() - j - b.size() - 1), ',');
  std::string* const device_words[] = {&m.field, &m.vendor, &m.scanner};
  std::string* const what_words[] = {&m.modality, &m.view};
  for (std::size_t k = 0; k < std::min<std::size_t>(3, device.size()); ++k)
    *device_words[k] = trimmed(device[k]);
  for (std::size_t k = 0; k < std::min<std::size_t>(2, what.size()); ++k)
    *what_words[k] = trimmed(what[k]);
  return m;
}

/// What a prompt of the sampling (nn::text::undersampling_prompt) says. Throws value_error for
/// other sentences.
inline nn::text::undersampling undersampling_of_prompt(const std::string& prompt) {
  const std::size_t digit = prompt.find_first_of("0123456789"), x = prompt.find("x ");
  const bool good = digit != prompt.npos && x != prompt.npos && digit < x && x - digit < 7 &&
                    prompt.find_first_not_of("0123456789", digit) == x && prompt.back() == '.';
  require(good, "sampling code: expected 'Undersampling: 8x uniform.' (or random, radial), found '",
          prompt, "'");
  return {std::stol(prompt.substr(digit, x - digit)),
          nn::text::detail::trimmed(prompt.substr(x + 2, prompt.size() - x - 3))};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
