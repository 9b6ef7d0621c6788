// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/augment.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <set>

using namespace cardiomm;
using train::augmentation_options;

namespace {

constexpr double pi = 3.14159265358979323846;

/// Smooth coil images of a few blobs, so that resampling has something to keep.
train::full_frame blobs(index_t ny, index_t nx, index_t coils = 4, index_t neighbours = 1) {
  const auto images = make_tensor<complex<float>>(host_space{}, shape{neighbours, coils, ny, nx});
  for (index_t f = 0; f < neighbours; ++f)
    for (index_t c = 0; c < coils; ++c)
      for (index_t y = 0; y < ny; ++y)
        for (index_t x = 0; x < nx; ++x) {
          const double v = double(y - ny / 2) / double(ny), u = double(x - nx / 2) / double(nx);
          double m = std::exp(-40 * ((v - .1) * (v - .1) + (u + .05) * (u + .05))) +
                     .6 * std::exp(-90 * ((v + .15) * (v + .15) + (u - .1) * (u - .1)));
          m *= 1 + .1 * double(f);
          const double s =
              1 / (1 + 3 * std::hypot(v - .5 * std::cos(double(c)), u - .5 * std::sin(double(c))));
          const double a = double(c) + 2 * v - u;
          images(f, c, y, x) =
              complex<float>(float(m * s * std::cos(a)), float(m * s * std::sin(a)));
        }
  train::full_frame f;
  f.target = train::root_sum_of_squares(images);
  f.kspace = train::kspace_of(images);
  f.data_range = *std::max_element(f.target.data(), f.target.data() + f.target.size());
  return f;
}
template <class A, class B>
bool same_bits(const A& a, const B& b) {
  return shape_of(a) == shape_of(b) &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(*a.data())) == 0;
}
template <class A, class B>
double distance(const A& a, const B& b) {
  REQUIRE(shape_of(a) == shape_of(b));
  double d = 0, n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    d += double(abs2(a.data()[i] - b.data()[i]));
    n += double(abs2(b.data()[i]));
  }
  return std::sqrt(d / n);
}
double target_error(const train::full_frame& f) {
  return distance(train::root_sum_of_squares(train::images_of(f.kspace)), f.target);
}
float largest(const host_tensor<float, 2>& t) {
  return *std::max_element(t.data(), t.data() + t.size());
}
train::full_frame changed(const augmentation_options& o, const train::full_frame& f, index_t i = 0,
                          std::uint64_t seed = 5) {
  return train::augmentation(o, seed)(f, 0, i);
}
train::coil_images copy_of(const train::coil_images& c) { return clone(host_space{}, c); }

}  // namespace

TEST_CASE("what only moves numbers can be taken back to the bit, and commutes with the target") {
  const auto f = blobs(20, 14, 3, 3);
  const auto images = train::images_of(f.kspace);
  const auto rss = train::root_sum_of_squares(images);
  auto c = copy_of(images);
  train::flip_y(c);
  CHECK(c(2, 1, 0, 5) == images(2, 1, 19, 5));
  const auto flipped = train::root_sum_of_squares(c);
  for (index_t y = 0; y < 20; ++y)
    for (index_t x = 0; x < 14; ++x) CHECK(flipped(y, x) == rss(19 - y, x));
  train::flip_y(c);
  CHECK(same_bits(c, images));
  train::flip_x(c);
  CHECK(c(0, 2, 7, 0) == images(0, 2, 7, 13));
  train::flip_x(c);
  CHECK(same_bits(c, images));
  const auto turned = train::swapped(images);
  CHECK(turned(1, 2, 3, 9) == images(1, 2, 9, 3));
  CHECK(same_bits(train::swapped(turned), images));
  const auto moved = train::shifted(images, 3, -5);
  CHECK(moved(1, 0, 3, 0) == images(1, 0, 0, 5));
  CHECK(moved(0, 0, 0, 13) == images(0, 0, 17, 4));
  CHECK(same_bits(train::shifted(moved, -3, 5), images));
  CHECK(same_bits(train::shifted(images, 20, -28), images));
  const auto part = train::window(images, 2, 3, 10, 8);
  CHECK(part(2, 2, 9, 7) == images(2, 2, 11, 10));
  CHECK_THROWS_AS(train::window(images, 12, 0, 10, 8), shape_error);
  const auto coils = train::chosen_coils(images, {2, 0});
  CHECK(coils(1, 0, 4, 4) == images(1, 2, 4, 4));
  CHECK(coils(1, 1, 4, 4) == images(1, 0, 4, 4));
}

TEST_CASE("flips in k-space: reversed, with the phase of the pixel that an even length lacks") {
  augmentation_options o;
  o.flip_x = 1;
  const auto f = blobs(12, 16, 2);
  const auto g = changed(o, f);
  for (index_t k = 1; k < 16;
       ++k) {  // frequency k - 8 becomes -(k - 8), times exp(2 pi i (k-8)/16)
    const double a = 2 * pi * double(k - 8) / 16;
    const auto v = f.kspace(0, 1, 5, 16 - k);
    const complex<float> w(float(std::cos(a)), float(std::sin(a)));
    const auto expected = v * w, found = g.kspace(0, 1, 5, k);
    CHECK(abs2(expected - found) < 1e-10);
  }
  CHECK(distance(changed(o, g).kspace, f.kspace) < 1e-6);
}

TEST_CASE("every change leaves k-space and target consistent, and is reproducible") {
  const auto square = blobs(24, 24, 4, 3), wide = blobs(24, 18, 4, 1);
  std::vector<std::pair<const char*, augmentation_options>> all;
  const auto with = [&](const char* name, auto member, auto value) {
    augmentation_options o;
    o.*member = value;
    all.push_back({name, o});
  };
  with("flip_y", &augmentation_options::flip_y, 1.0);
  with("flip_x", &augmentation_options::flip_x, 1.0);
  with("quarter_turns", &augmentation_options::quarter_turns, 1.0);
  with("swap_axes", &augmentation_options::swap_axes, 1.0);
  with("shift", &augmentation_options::shift, index_t(5));
  with("rotation", &augmentation_options::rotation, 20.0);
  with("zoom", &augmentation_options::zoom, 0.3);
  with("crop_y", &augmentation_options::crop_y, index_t(15));
  with("crop_x", &augmentation_options::crop_x, index_t(16));
  with("conjugate", &augmentation_options::conjugate, 1.0);
  with("phase", &augmentation_options::phase, 1.0);
  with("coil_phase", &augmentation_options::coil_phase, 1.0);
  with("permute_coils", &augmentation_options::permute_coils, 1.0);
  with("drop_coils", &augmentation_options::drop_coils, 0.5);
  with("intensity", &augmentation_options::intensity, 0.7);
  augmentation_options everything;
  everything.flip_y = everything.quarter_turns = everything.conjugate = 0.5;
  everything.shift = 3;
  everything.rotation = 10;
  everything.coil_phase = everything.permute_coils = everything.drop_coils = 0.5;
  everything.intensity = 0.3;
  everything.noise = 0.05;
  everything.noisy_target = true;
  all.push_back({"everything", everything});
  for (const auto& one : all)
    for (const auto* f : {&square, &wide}) {
      const std::string name = one.first;
      const augmentation_options& o = one.second;
      CAPTURE(name);
      const auto kept = copy_of(f->kspace);
      bool differs = false;
      for (index_t i = 0; i < 6; ++i) {
        const auto g = changed(o, *f, i), again = changed(o, *f, i);
        CHECK(same_bits(g.kspace, again.kspace));
        CHECK(same_bits(g.target, again.target));
        CHECK(g.data_range == again.data_range);
        CHECK(target_error(g) < 1e-5);
        CHECK(shape_of(g.target) ==
              shape{index_t(g.kspace.extent(2)), index_t(g.kspace.extent(3))});
        differs = differs || g.kspace.size() != f->kspace.size() || !same_bits(g.kspace, f->kspace);
      }
      CHECK((differs || (name == "swap_axes" && f == &wide)));
      CHECK(same_bits(kept, f->kspace));  // the source's frame is as it was
    }
}

TEST_CASE("what each change means") {
  const auto f = blobs(24, 24, 8);
  augmentation_options o;
  CHECK(train::augmentation(o).empty());
  CHECK(train::augmentation(o).description().empty());
  CHECK(train::augmentation(o)(f, 0, 0).kspace.data() == f.kspace.data());
  SUBCASE("phases and order change no target") {
    o.phase = o.coil_phase = o.permute_coils = 1;
    const auto g = changed(o, f);
    CHECK(same_bits(g.target, f.target));
    CHECK(distance(g.kspace, f.kspace) > 0.1);
    CHECK(target_error(g) < 1e-5);
  }
  SUBCASE("a conjugate image has k-space conjugate and reversed") {
    o.conjugate = 1;
    const auto g = changed(o, f);
    for (index_t k = 1; k < 24; ++k) {
      const auto a = g.kspace(0, 3, k, 24 - k), b = f.kspace(0, 3, 24 - k, k);
      CHECK(abs2(a - complex<float>(b.real(), -b.imag())) < 1e-10);
    }
    CHECK(distance(g.target, f.target) < 1e-6);
  }
  SUBCASE("intensity: everything grows alike") {
    o.intensity = 1;
    const auto g = changed(o, f);
    const double gain = double(g.data_range) / double(f.data_range);
    CHECK(std::abs(std::log(gain)) > 1e-3);
    CHECK(std::abs(std::log(gain)) <= 1);
    CHECK(double(g.target(12, 12)) == doctest::Approx(gain * double(f.target(12, 12))));
    CHECK(double(g.kspace(0, 0, 12, 12).real()) ==
          doctest::Approx(gain * double(f.kspace(0, 0, 12, 12).real())));
  }
  SUBCASE("coils: at least half of them stay, the range follows the target") {
    o.drop_coils = 0.9;
    std::set<index_t> counts;
    for (index_t i = 0; i < 30; ++i) {
      const auto g = changed(o, f, i);
      counts.insert(index_t(g.kspace.extent(1)));
      CHECK(g.data_range == doctest::Approx(largest(g.target)));
    }
    CHECK(*counts.begin() == 4);
    o.drop_coils = 0.2;
    counts.clear();
    for (index_t i = 0; i < 30; ++i) counts.insert(index_t(changed(o, f, i).kspace.extent(1)));
    CHECK(counts.size() >= 3);
  }
  SUBCASE("noise: its size, with and without the target") {
    o.noise = 0.1;
    double total = 0;
    for (index_t i = 0; i < 40; ++i) {
      const auto g = changed(o, f, i);
      CHECK(same_bits(g.target, f.target));
      double square = 0;
      for (std::size_t k = 0; k < f.kspace.size(); ++k)
        square += double(abs2(g.kspace.data()[k] - f.kspace.data()[k]));
      const double sigma = std::sqrt(square / double(2 * f.kspace.size()));
      CHECK(sigma < 0.1 * double(f.data_range) * 1.05);
      total += sigma / double(f.data_range) / 40;
    }
    CHECK(total == doctest::Approx(0.05).epsilon(0.3));
    o.noisy_target = true;
    CHECK(!same_bits(changed(o, f).target, f.target));
  }
  SUBCASE("quarter turns: four make a whole one") {
    auto c = copy_of(train::images_of(f.kspace));
    const auto before = copy_of(c);
    for (int k = 0; k < 4; ++k) {
      c = train::swapped(c);
      train::flip_y(c);
    }
    CHECK(same_bits(c, before));
  }
  SUBCASE("resampling: nothing by 0, exact where it falls on pixels, close where it does not") {
    const auto c = train::images_of(f.kspace);
    CHECK(distance(train::resampled(c, 0, 1), c) < 1e-7);
    const auto quarter = train::resampled(c, pi / 2, 1);
    auto turned = train::swapped(c);
    train::flip_x(turned);
    turned =
        train::shifted(turned, 0, 1);  // about pixel 12 of 24 the mirrored one is a pixel further
    double worst = 0;
    for (index_t y = 2; y < 22; ++y)
      for (index_t x = 2; x < 22; ++x)
        worst = std::max(worst, double(abs2(quarter(0, 2, y, x) - turned(0, 2, y, x))));
    CHECK(worst < 1e-9);
    const auto back = train::resampled(train::resampled(c, 0.3, 1.2), -0.3, 1 / 1.2);
    CHECK(distance(back, c) < 0.03);
  }
}

TEST_CASE("steps of one's own, and options that cannot be") {
  train::augmentation a;
  a.add({"halve", false,
         [](train::draws&, const shape<4>&) -> std::function<void(train::augmented&)> {
           return [](train::augmented& x) {
             x.gain *= 0.5;
             for (std::size_t k = 0; k < x.coils.size(); ++k) x.coils.data()[k] *= 0.5f;
           };
         }});
  const auto f = blobs(12, 12);
  const auto g = a(f, 0, 0);
  CHECK(g.target(6, 6) == f.target(6, 6) / 2);
  CHECK(g.data_range == f.data_range / 2);
  CHECK(a.description() == "augmentation halve seed 0");
  augmentation_options o;
  o.flip_x = 1.5;
  CHECK_THROWS_WITH_AS(train::augmentation{o},
                       "augmentation.flip_x: expected a probability, found 1.5", value_error);
  o = {};
  o.noise = -1;
  CHECK_THROWS_AS(train::augmentation{o}, value_error);
  o = {};
  o.flip_y = 0.25;
  o.shift = 4;
  CHECK(train::augmentation(o, 9).description() == "augmentation flip_y:0.25 shift:4 seed 9");
}
