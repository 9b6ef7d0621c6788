// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/masked.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "cardiomm/train/prefetch.hpp"

using namespace cardiomm;

namespace {

/// Noise for frames: five of them, three neighbours, two coils.
class noise_frames : public train::source<train::full_frame> {
 public:
  index_t size() const override { return 5; }
  train::full_frame get(std::uint64_t, index_t i) const override {
    train::full_frame f;
    f.kspace = make_tensor<complex<float>>(host_space{}, shape<4>{{3, 2, 30, 26}});
    for (std::size_t k = 0; k < f.kspace.size(); ++k) {
      const auto z = random::normal(77, k, std::uint64_t(i));
      f.kspace.data()[k] = complex<float>(float(z.real()), float(z.imag()));
    }
    f.kspace(0, 0, 0, 0) = complex<float>(-0.f, 1);
    f.target = train::root_sum_of_squares(train::images_of(f.kspace));
    f.data_range = 9;
    f.acquisition.vendor = i % 2 ? "GE" : "Siemens";
    f.acquisition.field = "1.5T";
    f.subject = "subject " + std::to_string(i / 2);
    f.name = "frame " + std::to_string(i);
    return f;
  }
  train::groups groups_of(index_t i) const override {
    return {{"vendor", i % 2 ? "GE" : "Siemens"}, {"centre", "7"}};
  }
  std::string description() const override { return "noise"; }
};

train::mask_mixture masks(index_t acs = 6) {
  train::mask_mixture_options o;
  o.families["gaussian"] = 1;
  o.acs = {{acs, 1}};
  return train::mask_mixture(o, 3);
}

bool same_bits(const train::sample& a, const train::sample& b) {
  return a.kspace.size() == b.kspace.size() &&
         std::memcmp(a.kspace.data(), b.kspace.data(), a.kspace.size() * 8) == 0 &&
         std::memcmp(a.mask.data(), b.mask.data(), a.mask.size()) == 0 &&
         std::memcmp(a.target.data(), b.target.data(), a.target.size() * 4) == 0 &&
         a.data_range == b.data_range && a.groups == b.groups && a.name == b.name;
}

}  // namespace

TEST_CASE("masked: values where the mask is 1, plain zeros elsewhere, everything else passed on") {
  const auto frames = std::make_shared<noise_frames>();
  const train::masked source(frames, masks());
  CHECK(source.size() == 5);
  bool zero_sampled = false;
  for (std::uint64_t epoch = 0; epoch < 6; ++epoch)
    for (index_t i = 0; i < 5; ++i) {
      const auto s = source.get(epoch, i);
      const auto f = frames->get(epoch, i);
      const auto m = masks().draw(epoch, i, 30, 26);
      REQUIRE(shape_of(s.kspace) == shape_of(f.kspace));
      index_t wrong = 0;
      const auto is = [](float found, float expected) {
        return found == expected && !(found == 0 && std::signbit(found));
      };
      for (index_t p = 0; p < 6; ++p)
        for (index_t k = 0; k < 30 * 26; ++k) {
          const auto v = s.kspace.data()[p * 30 * 26 + k];
          const auto w = f.kspace.data()[p * 30 * 26 + k];
          const bool on = m.mask.data()[k] != 0;
          wrong += s.mask.data()[k] != m.mask.data()[k] || !is(v.real(), on ? w.real() : 0) ||
                   !is(v.imag(), on ? w.imag() : 0);
        }
      CHECK(wrong == 0);
      zero_sampled = zero_sampled || s.mask(0, 0);
      CHECK(s.target.data()[5] == f.target.data()[5]);
      CHECK(s.data_range == 9);
      CHECK(s.acs == 6);
      CHECK(s.subject == f.subject);
      CHECK(s.name == f.name);
      CHECK(s.acquisition.vendor == f.acquisition.vendor);
      CHECK(s.sampling.acceleration == m.acceleration);
      CHECK(s.sampling.family == (m.family == "gaussian" ? "random" : m.family));
      CHECK(s.groups.at("family") == m.family);
      CHECK(s.groups.at("acceleration") == std::to_string(m.acceleration));
      CHECK(s.groups.at("vendor") == f.acquisition.vendor);
      CHECK(s.groups.at("field") == "1.5T");
      CHECK(s.groups.at("centre") == "7");
    }
  CHECK(zero_sampled);
  CHECK(source.groups_of(1).at("vendor") == "GE");
}

TEST_CASE("masked: the same sample for the same arguments, ahead by threads too") {
  train::augmentation_options a;
  a.flip_x = a.flip_y = a.conjugate = a.coil_phase = 0.5;
  a.intensity = 0.2;
  a.noise = 0.01;
  const train::masked source(std::make_shared<noise_frames>(), masks(), train::augmentation(a, 3));
  train::prefetch<train::sample> ahead(source, 2, {4, 2, 0, 1, 3, 2, 4, 0}, 3, 3);
  for (const index_t i : {4, 2, 0, 1, 3, 2, 4, 0})
    CHECK(same_bits(*ahead.next(), source.get(2, i)));
  CHECK(!same_bits(source.get(2, 0), source.get(3, 0)));
  CHECK(source.description().find("noise; augmentation flip_y:0.5") == 0);
  CHECK(source.description().find("; masks ") != std::string::npos);
  CHECK(source.description() !=
        train::masked(std::make_shared<noise_frames>(), masks()).description());
}

TEST_CASE("masked: wrong input is refused") {
  CHECK_THROWS_AS(train::masked(nullptr), value_error);
  const train::masked wide(std::make_shared<noise_frames>(), masks(40));
  CHECK_THROWS_AS(wide.get(0, 0), value_error);
  train::drawn_mask m{make_tensor<std::uint8_t>(host_space{}, shape<2>{{3, 3}}), 4, "uniform", 2};
  CHECK_THROWS_AS(train::undersampled(noise_frames().get(0, 0), m), shape_error);
}
