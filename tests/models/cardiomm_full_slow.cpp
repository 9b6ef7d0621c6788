// SPDX-License-Identifier: Apache-2.0
// The full-size network of 12 cascades with the weights of shared/tools/make_cardiomm_weights.py,
// which are a pure function of names and indices and are made here from the same formulas. The
// input is made by the same tool: `input full_input.safetensors` in the folder named by
// CARDIOMM_FULL.
#include <fstream>

#include "models/fixture.hpp"

using namespace cardiomm_tests;

namespace {

std::uint64_t key_of(const std::string& name) {
  std::uint64_t state = 0xCBF29CE484222325u;
  for (const char c : name) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return state;
}
/// In [0, 1), exact in float.
double unit(std::uint64_t key, std::uint64_t i) {
  std::uint64_t z = key + (i + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z = z ^ (z >> 31);
  return double(z >> 40) * (1.0 / 16777216.0);
}

/// Names, shapes and values of the tool.
cm::models::tensor_source generated(const std::string& table) {
  struct row {
    std::string from;
    double centre, bound;
    std::size_t count;
  };
  const std::map<std::string, std::array<double, 3>> kinds{
      // centre, bound, gain (bound = gain sqrt(3 / fan_in))
      {"conv_in", {0, 0, 1}},      {"conv_body", {0, 0, 0.9}},   {"conv_gate_down", {0, 0, 2}},
      {"conv_gate_up", {0, 0, 2}}, {"conv_down", {0, 0, 0.9}},   {"conv_1x1", {0, 0, 0.7}},
      {"conv_prompt", {0, 0, 1}},  {"conv_out", {0, 0, 0.5}},    {"linear", {0, 0, 1}},
      {"bias", {0, 0.1, 0}},       {"gamma", {0.6, 0.4, 0}},     {"beta", {0, 0.3, 0}},
      {"prelu", {0.25, 0.1, 0}},   {"dc_weight", {0.5, 0.3, 0}}, {"prompt", {0.5, 0.5, 0}}};
  std::ifstream in(table);
  const auto json = nlohmann::json::parse(in);
  auto rows = std::make_shared<std::map<std::string, row>>();
  cm::models::tensor_source s;
  for (const auto& t : json.at("tensors")) {
    const std::string name = t.at("name");
    const auto shape = t.at("shape").get<std::vector<index_t>>();
    const auto& kind = kinds.at(t.at("kind").get<std::string>());
    index_t count = 1, fan = 1;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      count *= shape[i];
      if (i > 0) fan *= shape[i];
    }
    const double bound = kind[2] > 0 ? kind[2] * std::sqrt(3.0 / double(fan)) : kind[1];
    (*rows)[name] = {t.value("alias_of", name), kind[0], bound, std::size_t(count)};
    s.shapes[name] = shape;
  }
  s.read_float = [rows](const std::string& name, float* out) {
    const row& r = rows->at(name);
    const std::uint64_t key = key_of(r.from);
    for (std::size_t i = 0; i < r.count; ++i)
      out[i] = static_cast<float>(r.centre + r.bound * (2 * unit(key, i) - 1));
  };
  return s;
}

}  // namespace

TEST_CASE("cardiomm: the full-size network makes the stored image") {
  SHARED_OR_SKIP(table, "tools/cardiomm_full_shapes.json");
  SHARED_OR_SKIP(expected, "fixtures/cardiomm_full_expected.safetensors");
  const char* folder = std::getenv("CARDIOMM_FULL");
  const std::string path =
      (folder ? std::string(folder) : own_path("")) + "/full_input.safetensors";
  if (!std::filesystem::exists(path)) {
    report_skip("full_input.safetensors");
    return;
  }
  using Ex = cm::host_space;
  const Ex ex;
  const auto net = cm::models::load_cardiomm<float>(ex, generated(table));
  CHECK(net.sizes().cascades == 12);
  const cm::io::safetensors_file in(path), truth(expected);
  const auto k = fixture<float>::complex_of(in, "masked_kspace");
  const cm::shape<4> s = cm::shape_of(k);
  const auto lines = in.at("mask").tensor<std::uint8_t, 5>();
  const auto mask =
      cm::make_tensor<std::uint8_t>(cm::host_space(), cm::shape{index_t(1), s[2], s[3]});
  for (index_t y = 0; y < s[2]; ++y)
    for (index_t x = 0; x < s[3]; ++x) mask(0, y, x) = lines(0, 0, 0, y, 0);
  const auto text = [&](const char* name) {
    const auto v = cm::make_tensor<float>(ex, cm::shape{index_t(1), net.sizes().embedding});
    in.at(name).read(v.data());
    return v;
  };
  const auto meta = text("lm_embd_adapt"), us = text("lm_embd_adapt2");
  const auto image = cm::make_tensor<float>(ex, cm::shape{s[0], s[2], s[3]});
  net.reconstruct(ex, k, mask, meta, us, image);
  CHECK(distance(image, fixture<float>::image_of(truth, "image")) <= 1e-4);
}
