// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/models/text_code.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace cardiomm;

namespace {
std::vector<float> numbers(const host_tensor<float, 2>& v) {
  return {v.data(), v.data() + v.size()};
}
}  // namespace

TEST_CASE("every word of the vocabulary changes the code of an acquisition in one number") {
  const auto none = numbers(models::acquisition_code({"", "unknown", "unknown", "x", "?", ""}));
  CHECK(none == std::vector<float>(32, -1.0f));
  std::set<std::vector<float>> all{none};
  const auto differs = [&](const nn::text::metadata& m, const std::string& word) {
    const auto code = numbers(models::acquisition_code(m));
    int n = 0;
    for (std::size_t i = 0; i < code.size(); ++i) n += code[i] != none[i];
    INFO(word);
    CHECK(n == 1);
    all.insert(code);
  };
  const nn::text::metadata empty{"", "", "", "", "", ""};
  std::set<std::string> modalities, views;
  for (const auto& w : nn::text::detail::modalities) {
    modalities.insert(w.text);
    for (const auto& v : w.views)
      if (v.text) views.insert(v.text);
    if (w.otherwise != std::string("unknown")) views.insert(w.otherwise);
  }
  for (const auto& w : modalities) {
    auto m = empty;
    m.modality = w;
    differs(m, w);
  }
  for (const auto& w : views) {
    auto m = empty;
    m.view = w;
    differs(m, w);
  }
  for (const char* w : nn::text::detail::vendors) {
    auto m = empty;
    m.vendor = w;
    differs(m, w);
  }
  for (const auto& w : nn::text::detail::fields) {
    auto m = empty;
    m.field = w.text;
    differs(m, w.text);
  }
  for (const char* w : nn::text::detail::lifespans) {
    auto m = empty;
    m.lifespan = w;
    differs(m, w);
  }
  CHECK(all.size() == 33);
}

TEST_CASE("codes of samplings: families apart, accelerations in order") {
  const auto at = [](index_t r, const char* family) {
    return numbers(models::sampling_code({r, family}));
  };
  CHECK(at(4, "uniform") != at(4, "random"));
  CHECK(at(4, "random") != at(4, "radial"));
  CHECK(at(7, "uniform") == at(6, "uniform"));  // between two steps
  const auto steps = [&](index_t r) {
    int n = 0;
    const auto code = at(r, "radial");
    for (std::size_t i = 3; i < 16; ++i) n += code[i] > 0;
    return n;
  };
  CHECK(steps(1) == 0);
  CHECK(steps(4) == 3);
  CHECK(steps(8) == 6);
  CHECK(steps(24) == 13);
  CHECK(steps(100) == 13);
  CHECK_THROWS_AS((void)at(0, "uniform"), value_error);
}

TEST_CASE("prompts are read back") {
  const nn::text::metadata m{"Pediatric", "1.5T", "UIH", "umr670", "T1 mapping", "long-axis"};
  const auto found = models::metadata_of_prompt(nn::text::metadata_prompt(m));
  CHECK(numbers(models::acquisition_code(found)) == numbers(models::acquisition_code(m)));
  CHECK(found.scanner == "umr670");
  CHECK(models::metadata_of_prompt("a heart").modality == "unknown");
  CHECK(models::metadata_of_prompt("").lifespan == "Adult");
  const auto u = models::undersampling_of_prompt(nn::text::undersampling_prompt(16, "radial"));
  CHECK(u.acceleration == 16);
  CHECK(u.family == "radial");
  CHECK_THROWS_AS((void)models::undersampling_of_prompt("fast"), value_error);
  CHECK_THROWS_AS((void)models::undersampling_of_prompt("8x uniform"), value_error);
}
