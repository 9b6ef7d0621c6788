// SPDX-License-Identifier: Apache-2.0
// The text tower and the heads against the fixture (transformers' CLIPTextModelWithProjection, with
// made-up weights; bounds from its README).
#include "cardiomm/nn/text/clip.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/safetensors.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using namespace cardiomm::nn;

namespace {
constexpr text::clip_options tiny{4, 1e-5};

/// max |a - b| / max |b|
template <class A>
double distance(const A* a, const std::vector<double>& b) {
  double most = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    most = std::max(most, std::abs(double(a[i]) - b[i]));
    size = std::max(size, std::abs(b[i]));
  }
  return most / size;
}
std::vector<double> values(const io::safetensors_file& f, const std::string& name) {
  std::vector<double> v(static_cast<std::size_t>(f.at(name).size()));
  f.at(name).read(v.data());
  return v;
}
std::vector<std::int32_t> ids_of(const io::safetensors_file& f, int sentence) {
  const auto& a = f.at("s" + std::to_string(sentence) + ".input_ids");
  std::vector<std::int32_t> v(static_cast<std::size_t>(a.size()));
  a.read(v.data());
  return v;
}

template <class T>
void agrees(double bound, const std::string& suffix) {
  using Ex = host_space;
  const Ex ex;
  const io::safetensors_file weights(own_path("clip_text_tiny/weights.safetensors"));
  const io::safetensors_file expected(own_path("clip_text_tiny/io.safetensors"));
  const tensor_source source = source_of(weights);
  const text::clip_text<T, Ex> tower(ex, source, tiny);
  CHECK(tower.layout().width == 32);
  CHECK(tower.layout().hidden == 96);
  CHECK(tower.layout().layers == 2);
  CHECK(tower.layout().features == 24);
  CHECK(tower.layout().longest == 77);
  CHECK(tower.layout().vocabulary == 49408);
  std::vector<std::vector<std::int32_t>> texts;
  for (int i = 0; i < 6; ++i) {
    const std::string s = "s" + std::to_string(i);
    texts.push_back(ids_of(expected, i));
    const auto n = static_cast<index_t>(texts.back().size());
    const auto ids = borrow(ex, texts.back().data(), shape<2>{{1, n}});
    const auto y = make_tensor<T>(ex, shape<3>{{1, n, 32}});
    tower.hidden(ex, ids, y);
    ex.fence();
    CHECK(distance(y.data(), values(expected, s + ".last_hidden_state" + suffix)) <= bound);
    if (suffix.empty()) CHECK(distance(&y(0, n - 1, 0), values(expected, s + ".pooled")) <= bound);
    CHECK(distance(tower.features(ex, {texts.back()})[0].data(),
                   values(expected, s + ".text_features" + suffix)) <= bound);
  }
  // All at once, and streamed: the same to the last bits.
  const auto batch = tower.features(ex, texts);
  const auto streamed = text::clip_features<T>(ex, source, texts, tiny);
  const auto all = values(expected, "batch.text_features");
  for (std::size_t i = 0; i < 6; ++i) {
    const std::string s = "s" + std::to_string(i);
    CHECK(distance(batch[i].data(), values(expected, s + ".text_features" + suffix)) <= bound);
    if (suffix.empty())
      CHECK(distance(batch[i].data(),
                     {all.begin() + long(24 * i), all.begin() + long(24 * i + 24)}) <= bound);
    CHECK(streamed[i] == batch[i]);
  }
}

tensor_source changed(const std::function<void(tensor_source&)>& change) {
  tensor_source s = source_of(io::safetensors_file(own_path("clip_text_tiny/weights.safetensors")));
  change(s);
  return s;
}
/// The same tensors under names with another beginning.
tensor_source renamed(const std::function<std::string(const std::string&)>& name) {
  const tensor_source old = changed([](tensor_source&) {});
  tensor_source s;
  std::map<std::string, std::string> back;
  for (const auto& [n, shape] : old.shapes) {
    s.shapes[name(n)] = shape;
    back[name(n)] = n;
  }
  s.read_float = [=](const std::string& n, float* out) { old.read(back.at(n), out); };
  s.rows_float = [=](const std::string& n, index_t first, index_t count, float* out) {
    old.read_rows(back.at(n), first, count, out);
  };
  return s;
}
}  // namespace

TEST_CASE("hidden states and features in double") { agrees<double>(1e-11, "_f64"); }
TEST_CASE("hidden states and features in float") { agrees<float>(1e-5, ""); }

TEST_CASE("any beginning of the names is found, and what is beside the tower does not matter") {
  const host_space ex;
  const std::vector<std::vector<std::int32_t>> texts{{49406, 7115, 49407}};
  const auto expected = text::clip_features<float>(ex, changed([](tensor_source&) {}), texts, tiny);
  const auto checkpoint = renamed([](const std::string& n) {
    return n.compare(0, 7, "lm_head") == 0 ? n : "language_model_no.model." + n;
  });
  CHECK(text::clip_features<float>(ex, checkpoint, texts, tiny) == expected);
  auto more = checkpoint;
  for (const char* n :
       {"language_model_no.model.visual_projection.weight", "language_model_no.model.logit_scale",
        "language_model_no.model.text_model.embeddings.position_ids", "loss.w",
        "metausunetlight.cascades.0.dc_weight"})
    more.shapes[n] = {1};
  CHECK(text::clip_features<float>(ex, more, texts, tiny) == expected);
  const auto bare = renamed(
      [](const std::string& n) { return n.compare(0, 11, "text_model.") == 0 ? n.substr(11) : n; });
  CHECK(text::clip_features<float>(ex, bare, texts, tiny) == expected);
}

TEST_CASE("all that is wrong with a file in one message") {
  const auto bad = changed([](tensor_source& s) {
    s.shapes.erase("text_model.encoder.layers.1.mlp.fc2.bias");
    s.shapes.erase("text_projection.weight");
    s.shapes["text_model.encoder.layers.0.mlp.fc3.bias"] = {5};
    s.shapes["text_model.final_layer_norm.bias"] = {31};
  });
  const std::string expected =
      "text tower: the tensors do not fit"
      "\n  missing: text_model.encoder.layers.1.mlp.fc2.bias [32]"
      "\n  missing: text_projection.weight [32, 32]"
      "\n  unknown: text_model.encoder.layers.0.mlp.fc3.bias [5]"
      "\n  misshapen: text_model.final_layer_norm.bias: expected [32], found [31]";
  CHECK_THROWS_WITH_AS(text::clip_layout::of(bad, tiny), expected.c_str(), value_error);
  CHECK_THROWS_WITH_AS(text::clip_layout::of(tensor_source{}),
                       "text tower: expected a tensor named "
                       "'[...]text_model.embeddings.token_embedding.weight', found none among 0 "
                       "tensors",
                       value_error);
  CHECK_THROWS_WITH_AS(text::clip_layout::of(changed([](tensor_source&) {})),
                       "text tower: number of heads: expected a divisor of the width 32, found 0",
                       value_error);
  const auto twice = changed([](tensor_source& s) {
    s.shapes["other.text_model.embeddings.token_embedding.weight"] = {3, 4};
  });
  CHECK_THROWS_AS(text::clip_layout::of(twice, tiny), value_error);
  const host_space ex;
  const auto good = changed([](tensor_source&) {});
  CHECK_THROWS_AS(text::clip_features<float>(ex, good, {{49406, 49408}}, tiny), value_error);
  CHECK_THROWS_AS(text::clip_features<float>(ex, good, {{}}, tiny), shape_error);
  CHECK_THROWS_AS(
      text::clip_features<float>(ex, good, {std::vector<std::int32_t>(78, 49406)}, tiny),
      shape_error);
}
