// SPDX-License-Identifier: Apache-2.0
// Dense layers, layer norm, embeddings and attention against PyTorch in double: values and all
// gradients (tests/data/make_text.py). What is no layer of `a | b` is checked here for gradients.
#include "cardiomm/nn/attention.hpp"
#include "cardiomm/nn/attention_kernels.hpp"
#include "cardiomm/nn/embedding.hpp"
#include "cardiomm/nn/layer_norm.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/nn/check.hpp"
#include "cardiomm/nn/transformer.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using namespace cardiomm::nn;

namespace {
using Ex = host_space;
const io::safetensors_file& reference() {
  static const io::safetensors_file file(own_path("attention.safetensors"));
  return file;
}
template <int R>
host_tensor<double, R> stored(const std::string& name) {
  return reference().at(name).tensor<double, R>();
}
/// max |a - b| / max |b| against a stored tensor.
template <class A>
double distance(const A& a, const std::string& name) {
  const auto& s = reference().at(name);
  std::vector<double> b(static_cast<std::size_t>(s.size()));
  s.read(b.data());
  REQUIRE(a.size() == b.size());
  double most = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    most = std::max(most, std::abs(a.data()[i] - b[i]));
    size = std::max(size, std::abs(b[i]));
  }
  return most / size;
}
template <class Parameters>
void fill(const Parameters& parameters, const std::string& name,
          const std::function<std::string(std::size_t)>& label) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& a = reference().at(name + "." + label(i));
    REQUIRE(a.size() == parameters[i].second.size());
    a.read(parameters[i].second.data());
  }
}
template <class Parameters>
void gradients_agree(const Parameters& parameters, const std::string& name,
                     const std::function<std::string(std::size_t)>& label) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    CAPTURE(label(i));
    // a bias of keys shifts all scores alike: its gradient is rounding
    if (label(i).find("k_proj.bias") != std::string::npos) {
      for (index_t k = 0; k < parameters[i].second.size(); ++k)
        CHECK(std::abs(parameters[i].second.gradient()[k]) <= 1e-12);
      continue;
    }
    CHECK(distance(parameters[i].second.gradient_view(), name + ".grad." + label(i)) <= 1e-12);
  }
}
template <class L>
void agrees(const L& l, const std::string& name, std::vector<std::string> labels = {}) {
  CAPTURE(name);
  const Ex ex;
  constexpr int R = L::in_rank;
  const auto all = l.parameters();
  const auto label = [&](std::size_t i) { return labels.empty() ? all[i].first : labels[i]; };
  fill(all, name, label);
  zero_gradients(ex, all);
  const auto x = stored<R>(name + ".x"), dy = stored<R>(name + ".dy");
  recording<L> pass(ex, l, shape_of(x));
  CHECK(distance(pass.forward(x), name + ".y") <= 1e-13);
  const auto dx = make_tensor<double>(ex, shape_of(x));
  pass.backward(dy, dx);
  CHECK(distance(dx, name + ".dx") <= 1e-12);
  gradients_agree(all, name, label);
}
}  // namespace

TEST_CASE("dense layer and layer norm as PyTorch's") {
  agrees(linear<double, 3, Ex>(Ex(), 5, 7), "linear");
  agrees(layer_norm<double, 3, Ex>(Ex(), 6), "layer_norm");
}

TEST_CASE("attention of tokens as PyTorch's") {
  agrees(self_attention<double, Ex>(Ex(), 6, {2, false, true}), "self");
  agrees(self_attention<double, Ex>(Ex(), 6, {2, true, true}), "causal");
}

TEST_CASE("attention of windows as by rolling, cutting and masking") {
  agrees(window_attention<double, Ex>(Ex(), 4, {2, 2, 3, 0, 0, true, true}), "window");
  agrees(window_attention<double, Ex>(Ex(), 4, {2, 3, 3, 1, 2, true, true}), "shifted");
}

TEST_CASE("the block of a transformer as PyTorch's with norms first") {
  const auto block =
      transformer_block<double>(Ex(), 6, {{2, false, true}, 9, 1e-5}, 0, gelu<double, 3, Ex>());
  agrees(block, "block", transformer_names());
}

TEST_CASE("attention to another sequence as PyTorch's") {
  const Ex ex;
  const cross_attention<double, Ex> l(ex, 6, 4, {3, false, true});
  const auto all = l.parameters();
  const auto label = [&](std::size_t i) { return all[i].first; };
  fill(all, "cross", label);
  zero_gradients(ex, all);
  const auto x = stored<3>("cross.x"), e = stored<3>("cross.e"), dy = stored<3>("cross.dy");
  memory<Ex> count;
  l.record(count, shape_of(x), shape_of(e));
  const auto block = make_tensor<char>(ex, shape<1>{{static_cast<index_t>(count.used())}});
  memory<Ex> hand(block.data(), count.used());
  auto tape = l.record(hand, shape_of(x), shape_of(e));
  const auto y = make_tensor<double>(ex, l.output(shape_of(x), shape_of(e)));
  l.forward(ex, x, e, y);
  CHECK(distance(y, "cross.y") <= 1e-13);
  l.forward(ex, x, e, y, tape);
  CHECK(distance(y, "cross.y") <= 1e-13);
  const auto dx = make_tensor<double>(ex, shape_of(x)), de = make_tensor<double>(ex, shape_of(e));
  l.backward(ex, x, e, y, dy, dx, de, tape);
  CHECK(distance(dx, "cross.dx") <= 1e-12);
  CHECK(distance(de, "cross.de") <= 1e-12);
  gradients_agree(all, "cross", label);
  // nobody asks for dx and de: the parameters' gradients are added once more
  l.backward(ex, x, e, y, dy, {}, {}, tape);
  blas1::scale(ex, 0.5, all[0].second.gradient_view());
  CHECK(distance(all[0].second.gradient_view(), "cross.grad.q_proj.weight") <= 1e-12);
  CHECK_THROWS_AS(l.output({{2, 5, 6}}, {{3, 7, 4}}), shape_error);
  CHECK_THROWS_AS(l.output({{2, 5, 6}}, {{2, 7, 6}}), shape_error);
}

TEST_CASE("embedding: rows of ids, repeated ids add up") {
  const Ex ex;
  const embedding<double, Ex> l(ex, 5, 3);
  reference().at("embedding.weight").read(l.weight.data());
  zero_gradients(ex, l.parameters());
  const auto ids = reference().at("embedding.ids").tensor<std::int32_t, 2>();
  const auto y = make_tensor<double>(ex, l.output(shape_of(ids)));
  l.forward(ex, ids, y);
  CHECK(distance(y, "embedding.y") == 0);
  l.backward(ex, ids, stored<3>("embedding.dy"));
  CHECK(distance(l.weight.gradient_view(), "embedding.grad.weight") <= 1e-15);
  ids(0, 0) = 5;
  ids(1, 2) = -1;
  l.forward(ex, ids, y);
  CHECK(std::isnan(y(0, 0, 0)));
  CHECK(std::isnan(y(1, 2, 2)));
  CHECK_FALSE(std::isnan(y(0, 1, 0)));
}

TEST_CASE("large scores do not overflow, and a lone token sees itself") {
  const Ex ex;
  const self_attention<float, Ex> l(ex, 8, {2, true, false}, 5);
  auto x = nn::check::detail::noise<float>(ex, shape<3>{{1, 40, 8}}, 1, 1);
  blas1::scale(ex, 1e4f, x);
  const auto y = evaluate(ex, l, x);
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(std::isfinite(y.data()[i]));
  // the first token sees itself only: out_proj(v_proj(x))
  const auto v = evaluate(ex, l.out_proj, evaluate(ex, l.v_proj, x));
  for (index_t c = 0; c < 8; ++c) CHECK(y(0, 0, c) == doctest::Approx(v(0, 0, c)).epsilon(1e-5));
}

TEST_CASE("windows at the border of odd sizes leave out what is not there") {
  const Ex ex;
  const window_options o{1, 4, 4, 0, 0, true, false};
  const window_attention<double, Ex> l(ex, 3, o, 9);
  const auto x = nn::check::detail::noise<double>(ex, shape<4>{{1, 5, 4, 3}}, 4, 1);
  const auto y = evaluate(ex, l, x);
  // the last row is a window of 1 x 4: the same as attention of four tokens
  const self_attention<double, Ex> row(ex, 3, {1, false, true}, 9);
  const auto tokens = reshape(slice(slice(x, 0), 4), shape<3>{{1, 4, 3}});
  const auto z = evaluate(ex, row, tokens);
  for (index_t i = 0; i < 4; ++i)
    for (index_t c = 0; c < 3; ++c) CHECK(y(0, 4, i, c) == doctest::Approx(z(0, i, c)));
}

TEST_CASE("errors of attention") {
  const Ex ex;
  CHECK_THROWS_WITH_AS(
      (self_attention<float, Ex>(ex, 8, {3, false, true})),
      "attention: expected a divisor of the 8 channels as number of heads, found 3", value_error);
  CHECK_THROWS_AS((window_attention<float, Ex>(ex, 8, {2, 4, 4, 4, 0, true, true})), value_error);
  CHECK_THROWS_AS((window_attention<float, Ex>(ex, 8, {2, 0, 4, 0, 0, true, true})), value_error);
  const self_attention<float, Ex> l(ex, 8, {2, false, true});
  CHECK_THROWS_WITH_AS(l.output({{1, 4, 7}}),
                       "linear: expected 8 channels, found features (1, 4, 7)", shape_error);
}
