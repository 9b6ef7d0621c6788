// SPDX-License-Identifier: Apache-2.0
// The heads against the fixture, and the way from prompts to the vectors of the network.
#include "cardiomm/nn/text/embed.hpp"
#include "cardiomm/nn/text/heads.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/io/text.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using namespace cardiomm::nn;

namespace {
tensor_source weights() {
  return source_of(io::safetensors_file(own_path("clip_text_tiny/weights.safetensors")));
}
std::vector<double> row(const io::safetensors_file& f, const std::string& name, index_t i,
                        index_t n) {
  std::vector<double> all(static_cast<std::size_t>(f.at(name).size()));
  f.at(name).read(all.data());
  return {all.begin() + i * n, all.begin() + (i + 1) * n};
}
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0, size = 0;
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < b.size(); ++i) {
    most = std::max(most, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(b[i]));
  }
  return most / size;
}
}  // namespace

TEST_CASE("embeddings and logits of both heads, both normalisations") {
  const io::safetensors_file expected(own_path("clip_text_tiny/io.safetensors"));
  for (const std::string name : {"lm_head_meta", "lm_head_us"}) {
    const text::language_head head(weights(), name);
    CHECK(head.features() == 24);
    CHECK(head.size() == 16);
    for (index_t i = 0; i < 6; ++i) {
      const auto in = row(expected, name + ".in", i, 24);
      const auto sign = head.embed(in);
      CHECK(sign == row(expected, name + ".embd_3d", i, 16));
      CHECK(distance(head.logits(sign), row(expected, name + ".logits_3d", i, 3)) <= 1e-6);
      const auto unit = head.embed(in, text::head_norm::unit);
      CHECK(distance(unit, row(expected, name + ".embd_2d", i, 16)) <= 1e-6);
      CHECK(distance(head.logits(unit), row(expected, name + ".logits_2d", i, 3)) <= 1e-6);
    }
    CHECK_THROWS_AS(head.embed(std::vector<double>(23)), shape_error);
  }
}

TEST_CASE("heads of files: names, zeros, errors") {
  auto s = weights();
  CHECK(text::language_head::in(s, "lm_head_us"));
  CHECK_FALSE(text::language_head::in(s, "lm_head"));
  CHECK_THROWS_WITH_AS(text::language_head(tensor_source{}, "lm_head_us"),
                       "language head: expected a tensor named '[...]lm_head_us.fc1.weight', found "
                       "none among 0 tensors",
                       value_error);
  s.shapes["lm_head_us.fc1.bias"] = {15};
  s.shapes["lm_head_us.fc3.bias"] = {15};
  s.shapes.erase("lm_head_us.fc2.bias");
  CHECK_THROWS_WITH_AS(text::language_head(s, "lm_head_us"),
                       "language head: the tensors do not fit"
                       "\n  missing: lm_head_us.fc2.bias [3]"
                       "\n  unknown: lm_head_us.fc3.bias [15]"
                       "\n  misshapen: lm_head_us.fc1.bias: expected [16], found [15]",
                       value_error);
  // a head without logits; a zero stays zero
  tensor_source small;
  small.shapes = {{"model.lm_head_us.fc1.weight", {2, 1}}, {"model.lm_head_us.fc1.bias", {2}}};
  small.read_double = [](const std::string& n, double* out) {
    out[0] = n.find("weight") != std::string::npos ? -2 : 0;
    out[1] = 0;
  };
  const text::language_head head(small, "lm_head_us");
  CHECK(head.embed({3.0}) == std::vector<double>{-1, 0});
  CHECK(head.embed({3.0}, text::head_norm::unit) == std::vector<double>{-1, 0});
  CHECK(head.logits({1, 1}).empty());
}

TEST_CASE("prompts to the vectors of the network") {
  SHARED_OR_SKIP(merges, "data/clip/bpe_simple_vocab_16e6.txt.gz");
  const text::tokenizer tokens(io::read_text(merges));
  const io::safetensors_file expected(own_path("clip_text_tiny/io.safetensors"));
  text::embed_options options;
  options.tower.heads = 4;
  // sentence 0 and sentence 3 of the fixture
  const auto p = text::parse_metadata(
      "field=3.0T, vendor=Siemens, scanner=Vida, modality=cine, view=sax, sampling=Uniform, "
      "acceleration=8");
  CHECK(p.warnings.empty());
  const host_space ex;
  const auto e = text::embed<double>(ex, weights(), weights(), tokens, p, options);
  CHECK(e.adapt == row(expected, "lm_head_meta.embd_3d", 0, 16));
  CHECK(e.adapt2 == row(expected, "lm_head_us.embd_3d", 3, 16));
  options.norm = text::head_norm::unit;
  const auto f = text::embed<float>(ex, weights(), weights(), tokens, p, options);
  CHECK(distance(f.adapt, row(expected, "lm_head_meta.embd_2d", 0, 16)) <= 1e-5);
  CHECK(distance(f.adapt2, row(expected, "lm_head_us.embd_2d", 3, 16)) <= 1e-5);
  // a scanner that nobody knows
  auto q = text::parse_metadata(
      "vendor=Acme, scanner=\xce\xa9 9000, modality=cine, view=sax, "
      "field=7.0T");
  CHECK(q.warnings.size() == 3);
  CHECK_THROWS_AS(text::embed<float>(ex, weights(), weights(), tokens, q, options), value_error);
  q.sampling = text::undersampling_prompt(12, "radial");
  const auto g = text::embed<float>(ex, weights(), weights(), tokens, q, options);
  CHECK(g.adapt.size() == 16);
}
