// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_TEXT_HPP
#define CARDIOMM_TESTS_DEVICE_TEXT_HPP
/// \file
/// The text tower, and layers with more than one input.

#include "cardiomm/nn/text/embed.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void text_embeddings(const device_space& ex, const device_data<T>&) {
  const cardiomm::nn::tensor_source source;
  const cardiomm::nn::text::tokenizer tokens("");
  (void)cardiomm::nn::text::embed<T>(ex, source, source, tokens, {});
}
template <class T>
void text_tower(const device_space& ex, const device_data<T>&) {
  (void)cardiomm::nn::text::clip_text<T, device_space>(ex, {}).features(ex, {});
}
template <class T>
void cross_attention(const device_space& ex, const device_data<T>&) {
  using namespace cardiomm;
  const tensor<T, 3, device_space> x;
  const nn::cross_attention<T, device_space> l(ex, 4, 4, {});
  nn::memory<device_space> m;
  auto tape = l.record(m, shape_of(x), shape_of(x));
  l.forward(ex, x, x, x, tape);
  l.backward(ex, x, x, x, x, x, x, tape);
}
template <class T>
void embedding(const device_space& ex, const device_data<T>&) {
  using namespace cardiomm;
  const tensor<std::int32_t, 2, device_space> ids;
  const tensor<T, 3, device_space> y;
  const nn::embedding<T, device_space> l(ex, 4, 4);
  l.forward(ex, ids, y);
  l.backward(ex, ids, y);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(text_embeddings)
CARDIOMM_DEVICE_ENTRY(text_tower)
CARDIOMM_DEVICE_ENTRY(cross_attention)
CARDIOMM_DEVICE_ENTRY(embedding)

#endif
