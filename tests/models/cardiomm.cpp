// SPDX-License-Identifier: Apache-2.0
// The network against every stored intermediate of the tiny fixtures (see shared/fixtures).
#include "cardiomm/models/cardiomm.hpp"

#include "models/fixture.hpp"

using namespace cardiomm_tests;

namespace {

template <class T>
void check_network(const std::string& folder, bool square, const char* prefix, double tolerance) {
  const fixture<T> f(folder);
  const auto net = f.load();
  const cm::io::safetensors_file f64(folder + "/f64.safetensors");
  const auto& truth = std::is_same_v<T, double> ? f64 : f.io;
  const std::string out = prefix;
  const auto k = f.kspace();
  const cm::shape<4> s = cm::shape_of(k);
  auto image = cm::make_tensor<T>(f.ex, cm::shape{s[0], s[2], s[3]});
  cm::models::cardiomm_options o;
  o.acs = f.acs();
  o.rule = square ? cm::models::acs_rule::square : cm::models::acs_rule::lines;
  std::vector<index_t> steps;
  o.progress = [&](index_t done, index_t total) {
    CHECK(total == 3);
    steps.push_back(done);
  };
  cm::models::cardiomm_observer<T, cm::host_space> seen;
  const auto report = [&](const std::string& name, double e) {
    CHECK_MESSAGE(e <= tolerance, name << ": " << e);
  };
  seen.on_maps = [&](auto maps) {
    report("sens_maps", distance(maps, fixture<T>::complex_of(truth, out + "sens_maps")));
  };
  seen.on_kspace = [&](index_t i, auto kspace) {
    const std::string name = out + "kspace_cascade" + std::to_string(i);
    report(name, distance(kspace, fixture<T>::complex_of(truth, name)));
  };
  const auto meta = f.acquisition(), us = f.sampling();
  const auto expected = fixture<T>::image_of(truth, out + "image");
  net.reconstruct(f.ex, k, f.mask(), meta, us, image, o, seen);
  report("image", distance(image, expected));
  CHECK(steps == std::vector<index_t>{1, 2, 3});
  // the short way, and one coil at a time
  o.coils_at_once = 1;
  net.reconstruct(f.ex, k, f.mask(), meta, us, image, o);
  report("image, short way", distance(image, expected));
}

}  // namespace

TEST_CASE("cardiomm: the network in double is the reference in double") {
  SHARED_OR_SKIP(line, "fixtures/cardiomm_tiny_1d");
  SHARED_OR_SKIP(radial, "fixtures/cardiomm_tiny_2d");
  check_network<double>(line, false, "out64.", 1e-10);
  check_network<double>(radial, true, "out64.", 1e-10);
}
TEST_CASE("cardiomm: the network in float is the reference in float") {
  SHARED_OR_SKIP(line, "fixtures/cardiomm_tiny_1d");
  SHARED_OR_SKIP(radial, "fixtures/cardiomm_tiny_2d");
  check_network<float>(line, false, "out.", 3e-5);
  check_network<float>(radial, true, "out.", 3e-5);
}
