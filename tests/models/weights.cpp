// SPDX-License-Identifier: Apache-2.0
// What files of weights may look like, and batches.
#include "cardiomm/models/weights.hpp"
#include "cardiomm/models/sizes.hpp"
#include "cardiomm/nn/tensor_source.hpp"
#include "models/fixture.hpp"

using namespace cardiomm_tests;

namespace {

using Ex = cm::host_space;

/// A source in memory, to spoil at will.
struct spoiled {
  std::map<std::string, std::vector<float>> values;
  cm::models::tensor_source source;
  explicit spoiled(const cm::io::safetensors_file& file) {
    source = cm::models::source_of(file);
    const auto original = source;
    for (const auto& entry : source.shapes) {
      auto& v = values[entry.first];
      v.resize(std::size_t(file.at(entry.first).size()));
      original.read(entry.first, v.data());
    }
    source.read_float = [this](const std::string& name, float* out) {
      const auto& v = values.at(name);
      std::copy(v.begin(), v.end(), out);
    };
  }
};

std::string error_of_loading(const cm::models::tensor_source& source) {
  try {
    (void)cm::models::load_cardiomm<float>(Ex(), source);
  } catch (const cm::value_error& e) {
    return e.what();
  }
  return "no error";
}
bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("cardiomm: sizes are read from the tensors") {
  SHARED_OR_SKIP(folder, "fixtures/cardiomm_tiny_1d");
  const fixture<float> f(folder);
  const auto sizes = cm::models::read_sizes(cm::models::source_of(f.weights));
  CHECK(sizes.cascades == 2);
  CHECK(sizes.embedding == 16);
  CHECK(sizes.image.first == 8);
  REQUIRE(sizes.image.levels.size() == 3);
  CHECK(sizes.image.levels[2].width == 20);
  CHECK(sizes.image.levels[0].encoder == 2);
  CHECK(sizes.image.levels[2].fuse == 3);
  CHECK(sizes.image.levels[1].prompt == 8);
  CHECK(sizes.image.levels[1].side == 8);
  CHECK(sizes.image.reduction == 4);
  CHECK(sizes.sensitivity.first == 4);
  CHECK(sizes.sensitivity.levels[1].prompt == 4);
  // the original names, each once, and one slope under 69 of them
  const auto net = f.load();
  std::set<std::string> names;
  std::map<const float*, int> uses;
  index_t distinct = 0;
  for (const auto& [name, p] : net.parameters()) {
    names.insert(name);
    if (uses[p.data()]++ == 0) distinct += p.size();
  }
  const auto stored = f.weights.names();
  CHECK(names == std::set<std::string>(stored.begin(), stored.end()));
  CHECK(distinct == 447558);
  int most = 0;
  for (const auto& u : uses) most = std::max(most, u.second);
  CHECK(most == 69);
}

TEST_CASE("cardiomm: one message lists everything that does not fit") {
  SHARED_OR_SKIP(folder, "fixtures/cardiomm_tiny_1d");
  const fixture<float> f(folder);
  auto source = cm::models::source_of(f.weights);
  source.shapes.erase("cascades.1.model.unet.feat_extract.weight");
  source.shapes.erase("sens_net.norm_unet.unet.dec_level2.fuse.0.body.2.weight");
  source.shapes["cascades.0.dc_weight"] = {2};
  source.shapes["cascades.0.model.unet.enc_level2.down.weight"][0] += 1;
  source.shapes["something.else"] = {3, 4};
  const std::string text = error_of_loading(source);
  CHECK(says(text, "missing: cascades.1.model.unet.feat_extract.weight [8, 2, 3, 3]"));
  CHECK(says(text, "missing: sens_net.norm_unet.unet.dec_level2.fuse.0.body.2.weight"));
  CHECK(says(text, "misshapen: cascades.0.dc_weight: expected [1], found [2]"));
  CHECK(says(text, "misshapen: cascades.0.model.unet.enc_level2.down.weight"));
  CHECK(says(text, "unknown: something.else [3, 4]"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 5);
  CHECK(says(error_of_loading({}), "expected tensors of a CardioMM network"));
}

TEST_CASE("cardiomm: training checkpoints, and slopes that differ") {
  SHARED_OR_SKIP(folder, "fixtures/cardiomm_tiny_1d");
  const fixture<float> f(folder);
  // the prefix, and tensors beside the network
  const auto plain = cm::models::source_of(f.weights);
  cm::models::tensor_source checkpoint;
  for (const auto& [name, shape] : plain.shapes)
    checkpoint.shapes["metausunetlight." + name] = shape;
  for (const char* other : {"loss.w", "lm_head_meta.fc1.weight", "language_model_no.model.x"})
    checkpoint.shapes[other] = {1};
  checkpoint.read_float = [&](const std::string& name, float* out) {
    plain.read(name.substr(std::string("metausunetlight.").size()), out);
  };
  std::vector<std::string> warnings;
  const auto net = cm::models::load_cardiomm<float>(Ex(), checkpoint, &warnings);
  CHECK(warnings.empty());
  const auto a = net.parameters(), b = f.load().parameters();
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    CHECK(std::equal(a[i].second.data(), a[i].second.data() + a[i].second.size(),
                     b[i].second.data()));

  spoiled s(f.weights);
  const std::string slope = "cascades.1.model.unet.dec_level1.ca.body.1.weight";
  s.values.at(slope)[0] = 0.75f;
  const auto odd = cm::models::load_cardiomm<float>(Ex(), s.source, &warnings);
  REQUIRE(warnings.size() == 1);
  CHECK(says(warnings[0], slope));
  CHECK(odd.cascades()[0].net.net.bottleneck().blocks[0].activation.weight.value()(0) == 0.75f);
}

TEST_CASE("cardiomm: items of a batch do not know of each other, texts may be tiled") {
  SHARED_OR_SKIP(folder, "fixtures/cardiomm_tiny_1d");
  const fixture<float> f(folder);
  const auto net = f.load();
  const auto k = f.kspace();
  const auto mask = f.mask();
  const auto meta = f.acquisition(), us = f.sampling();
  // odd sizes: a part of the samples, 35 x 41, three coils
  const index_t coils = 3, ny = 35, nx = 41, d = 16;
  const auto both = cm::make_tensor<cm::complex<float>>(f.ex, cm::shape{index_t(2), coils, ny, nx});
  const auto masks = cm::make_tensor<std::uint8_t>(cm::host_space(), cm::shape{index_t(2), ny, nx});
  const auto metas = cm::make_tensor<float>(f.ex, cm::shape{index_t(2), d}),
             uss = cm::clone(f.ex, metas);
  for (index_t i = 0; i < 2; ++i) {
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        masks(i, y, x) = mask(0, y, x) && !(i == 1 && y % 7 == 3);
        for (index_t c = 0; c < coils; ++c)
          both(i, c, y, x) = masks(i, y, x) ? k(0, c + i, y, x) : cm::complex<float>(0);
      }
    for (index_t j = 0; j < d; ++j) {
      metas(i, j) = i ? us(0, j) : meta(0, j);
      uss(i, j) = i ? meta(0, d - 1 - j) : us(0, j);
    }
  }
  const auto image = cm::make_tensor<float>(f.ex, cm::shape{index_t(2), ny, nx});
  const auto tiled = cm::clone(f.ex, image),
             one = cm::make_tensor<float>(f.ex, cm::shape{index_t(1), ny, nx});
  cm::models::cardiomm_options o;
  o.acs = 8;
  net.reconstruct(f.ex, both, masks, metas, uss, image, o);
  o.tiled = true;
  net.reconstruct(f.ex, both, masks, metas, uss, tiled, o);
  o.tiled = false;
  CHECK(distance(tiled, image) > 1e-4);
  for (index_t i = 0; i < 2; ++i) {
    const auto own_mask =
        cm::make_tensor<std::uint8_t>(cm::host_space(), cm::shape{index_t(1), ny, nx});
    std::copy_n(masks.data() + i * ny * nx, ny * nx, own_mask.data());
    using cm::borrow;
    net.reconstruct(
        f.ex, borrow(f.ex, both.data() + i * coils * ny * nx, cm::shape{index_t(1), coils, ny, nx}),
        own_mask, borrow(f.ex, metas.data() + i * d, cm::shape{index_t(1), d}),
        borrow(f.ex, uss.data() + i * d, cm::shape{index_t(1), d}), one, o);
    CHECK(distance(borrow(f.ex, image.data() + i * ny * nx, cm::shape{index_t(1), ny, nx}), one) <=
          2e-6);
  }
  // one text for all items is the same as that text twice; equal texts do not care about tiling
  const auto first = [&](const auto& e) {
    return cm::borrow(f.ex, e.data(), cm::shape{index_t(1), d});
  };
  net.reconstruct(f.ex, both, masks, first(metas), first(uss), image, o);
  for (index_t j = 0; j < d; ++j) metas(1, j) = metas(0, j), uss(1, j) = uss(0, j);
  o.tiled = true;
  net.reconstruct(f.ex, both, masks, metas, uss, tiled, o);
  CHECK(distance(tiled, image) <= 1e-6);

  const auto wrong = cm::make_tensor<float>(f.ex, cm::shape{index_t(1), index_t(17)});
  CHECK_THROWS_AS(net.reconstruct(f.ex, both, masks, wrong, uss, image, o), cm::shape_error);
  CHECK_THROWS_AS(net.reconstruct(f.ex, both, mask, metas, uss, image, o), cm::shape_error);
  CHECK_THROWS_AS(net.reconstruct(f.ex, both, masks, metas, uss, one, o), cm::shape_error);
}
