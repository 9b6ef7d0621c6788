// SPDX-License-Identifier: Apache-2.0
// Single blocks of the network against the stored ones of the tiny fixtures.
#include "cardiomm/models/acs.hpp"
#include "cardiomm/models/conditioning.hpp"
#include "cardiomm/models/consistency.hpp"
#include "cardiomm/models/normalised.hpp"
#include "cardiomm/models/prompt.hpp"
#include "cardiomm/models/sizes.hpp"
#include "cardiomm/models/text_gate.hpp"
#include "cardiomm/models/unet.hpp"
#include "cardiomm/nn/block.hpp"
#include "models/fixture.hpp"

using namespace cardiomm_tests;

namespace {

using Ex = cm::host_space;

template <class T>
void check_blocks(const std::string& folder, double tolerance) {
  const fixture<T> f(folder);
  const auto net = f.load();
  const auto meta = f.acquisition(), us = f.sampling();
  const auto& unet = net.cascades()[0].net.net;
  const auto report = [&](const char* name, double e) {
    CHECK_MESSAGE(e <= tolerance, name << ": " << e);
  };
  const auto out = [&](const std::string& name) { return f.features_of("block." + name); };
  const auto like = [&](const auto& v) { return cm::make_tensor<T>(f.ex, cm::shape_of(v)); };
  {
    const auto x = out("cab.in"), want = out("cab.out");
    const auto y = like(want);
    const auto& cab = unet.levels()[1].encoder.blocks[1];
    cab.forward(f.ex, x, y);
    report("cab", distance(y, want));
    const auto a = out("ca.in"), b = out("ca.out");
    const auto c = like(b);
    cab.attention.forward(f.ex, a, c);
    report("ca", distance(c, b));
  }
  {
    const auto& level = unet.levels()[1];
    const auto x = out("down.in"), want = out("down.out"), skip = out("down.out_skip");
    const auto e = like(skip), y = like(want);
    level.encoder.forward(f.ex, x, e);
    level.down.forward(f.ex, e, y);
    report("down, skip", distance(e, skip));
    report("down", distance(y, want));
  }
  {
    const auto x = out("textcond.in"), want = out("textcond.out");
    const auto y = like(want);
    unet.levels()[1].gate.forward(f.ex, x, meta, {}, y);
    report("textcond", distance(y, want));
    Kokkos::deep_copy(y, x);
    unet.levels()[1].gate.forward(f.ex, y, meta, {}, y);
    report("textcond in place", distance(y, want));
  }
  for (const auto& [name, level] :
       {std::pair<const char*, std::size_t>{"usprompt_up", 0}, {"usprompt_l3", 2}}) {
    const auto want = out(std::string(name) + ".out");
    const auto y = like(want);
    unet.levels()[level].prompt.forward(f.ex, us, y);
    report(name, distance(y, want));
  }
  const auto& sens = net.sensitivity().net;
  {
    const auto x = out("sens_textcond.in"), want = out("sens_textcond.out");
    const auto y = like(want);
    sens.levels()[0].gate.forward(f.ex, x, meta, {1, index_t(x.extent(0)), 0, false}, y);
    report("sens_textcond", distance(y, want));
    const auto all = out("sens_usprompt.out");  // the same for every coil
    auto one = cm::make_tensor<T>(f.ex, cm::shape{index_t(1), index_t(all.extent(1)),
                                                  index_t(all.extent(2)), index_t(all.extent(3))});
    sens.levels()[1].prompt.forward(f.ex, us, one);
    const index_t n = index_t(one.size());
    for (index_t c = 0; c < index_t(all.extent(0)); ++c)
      report("sens_usprompt", error_of(one.data(), all.data() + c * n, std::size_t(n)));
  }
  const auto whole = [&](const char* name, const auto& wrapped) {
    const auto x = fixture<T>::complex_of(f.io, std::string("block.") + name + ".in");
    const auto want = fixture<T>::complex_of(f.io, std::string("block.") + name + ".out");
    const cm::shape<4> s = cm::shape_of(x), p = wrapped.padded(s);
    const auto y = cm::make_tensor<cm::complex<T>>(f.ex, s);
    const cm::models::sample_items one{1, s[0], 0, false};
    wrapped.forward(f.ex, x, meta, wrapped.net.prompts(f.ex, us, p[1], p[2]), {one, one}, y);
    report(name, distance(y, want));
  };
  whole("norm_unet", net.cascades()[1].net);
  whole("sens_norm_unet", net.sensitivity());
}

}  // namespace

TEST_CASE("cardiomm: single blocks are those of the reference") {
  SHARED_OR_SKIP(line, "fixtures/cardiomm_tiny_1d");
  SHARED_OR_SKIP(radial, "fixtures/cardiomm_tiny_2d");
  check_blocks<float>(line, 1e-5);
  check_blocks<float>(radial, 1e-5);
  check_blocks<double>(line, 1e-5);  // what is stored is float
}

TEST_CASE("cardiomm: the published calibration regions") {
  SHARED_OR_SKIP(line, "fixtures/cardiomm_tiny_1d");
  SHARED_OR_SKIP(radial, "fixtures/cardiomm_tiny_2d");
  const auto check = [](const std::string& folder, index_t acs, const std::string& prefix) {
    const fixture<float> f(folder);
    const auto net = f.load();
    const auto k = f.kspace();
    const auto want = fixture<float>::image_of(f.io, prefix + "image");
    const auto image = cm::make_tensor<float>(f.ex, cm::shape_of(want));
    cm::models::cardiomm_options o;
    o.acs = acs < 0 ? f.acs() : acs;
    cm::models::cardiomm_observer<float, Ex> seen;
    seen.on_maps = [&](auto maps) {
      CHECK(distance(maps, fixture<float>::complex_of(f.io, prefix + "sens_maps")) <= 1e-5);
    };
    const auto meta = f.acquisition(), us = f.sampling();
    net.reconstruct(f.ex, k, f.mask(), meta, us, image, o, seen);
    CHECK(distance(image, want) <= 1e-5);
  };
  check(line, 0, "out.auto_acs.");
  check(radial, -1, "out.acs1d.");
  // counted at the centre, one side at a time; a side without a gap counts as none
  using cm::models::detail::lines_of_mask;
  const std::uint8_t a[] = {0, 1, 1, 1, 1, 1, 0, 0}, b[] = {1, 1, 1, 1},
                     c[] = {1, 1, 0, 1, 1, 1, 0};
  CHECK(lines_of_mask(a, 8, 1) == 4);
  CHECK(lines_of_mask(b, 4, 1) == 1);
  CHECK(lines_of_mask(c, 7, 1) == 1);
  const auto mask = cm::make_tensor<std::uint8_t>(cm::host_space(),
                                                  cm::shape{index_t(1), index_t(9), index_t(8)});
  Kokkos::deep_copy(mask, std::uint8_t(1));
  using cm::models::acs_rule;
  using region = cm::models::acs_region<Ex>;
  const Ex ex;
  CHECK_THROWS_AS(region(ex, mask, 1, 10, acs_rule::lines), cm::value_error);
  CHECK_THROWS_AS(region(ex, mask, 1, 9, acs_rule::square), cm::value_error);
  CHECK_THROWS_AS(region(ex, mask, 1, 0, acs_rule::square), cm::value_error);
  const auto k = cm::make_tensor<cm::complex<float>>(
      ex, cm::shape{index_t(1), index_t(1), index_t(9), index_t(8)});
  const auto kept = cm::clone(ex, k);
  Kokkos::deep_copy(k, cm::complex<float>(1));
  region(ex, mask, 1, 4, acs_rule::lines).apply<float>(ex, k, kept);  // odd rest: one line later
  for (index_t y = 0; y < 9; ++y) CHECK(kept(0, 0, y, 0).real() == (y >= 3 && y < 7 ? 1 : 0));
}
