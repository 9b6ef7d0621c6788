// SPDX-License-Identifier: Apache-2.0
/// \file
/// Image quality against scikit-image (tests/data/metrics) and closed forms.
#include "cardiomm/mri/metrics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "cardiomm/io/safetensors.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using mri::normalisation;

namespace {

constexpr std::pair<const char*, normalisation> conventions[] = {
    {"percentile", normalisation::percentile},
    {"maxval", normalisation::own_maximum},
    {"std", normalisation::z_score},
    {"none", normalisation::none}};

void check_quality(const mri::image_quality& q, double psnr, double ssim, double nmse) {
  CHECK(std::abs(q.psnr - psnr) < 1e-9);
  CHECK(std::abs(q.ssim - ssim) < 1e-11);
  CHECK(std::abs(q.nmse - nmse) < 1e-11);
}

/// The pair of golden.json: g = 1 + sin(.1 i) cos(.07 j), p = g + .05 sin(.3 i + .2 j).
std::pair<host_tensor<double, 2>, host_tensor<double, 2>> golden_pair() {
  auto g = make_tensor<double>(host_space{}, shape{index_t(64), index_t(48)});
  auto p = make_tensor<double>(host_space{}, shape_of(g));
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 48; ++j) {
      g(i, j) = 1 + std::sin(.1 * i) * std::cos(.07 * j);
      p(i, j) = g(i, j) + .05 * std::sin(.3 * i + .2 * j);
    }
  return {g, p};
}

/// [x, y, slice, frame] of the fixture as (frame, slice, y = first axis, x = second axis).
host_tensor<float, 4> as_stack(const host_tensor<float, 4>& a) {
  auto out = make_tensor<float>(host_space{}, shape{index_t(a.extent(3)), index_t(a.extent(2)),
                                                    index_t(a.extent(0)), index_t(a.extent(1))});
  for (std::size_t f = 0; f < a.extent(3); ++f)
    for (std::size_t z = 0; z < a.extent(2); ++z)
      for (std::size_t i = 0; i < a.extent(0); ++i)
        for (std::size_t j = 0; j < a.extent(1); ++j) out(f, z, i, j) = a(i, j, z, f);
  return out;
}

}  // namespace

TEST_CASE("metrics: golden pair under the conventions of three years") {
  const auto [g, p] = golden_pair();
  check_quality(mri::compare_image(g, p, mri::normalisation_of_year(2023)), 33.732869955824384,
                0.9742655292970849, 0.0013426941448361936);
  check_quality(mri::compare_image(g, p, mri::normalisation_of_year(2024)), 29.047104708503934,
                0.9150322759355254, 0.004768479008844407);
  check_quality(mri::compare_image(g, p, mri::normalisation_of_year(2025)), 33.45343105774957,
                0.9741949493234202, 0.0014319273520735306);
  check_quality(mri::compare_image(g, p, normalisation::none), 35.052453897008846,
                0.9745244633406271, 0.0009908746115578535);
  CHECK_THROWS_AS(mri::normalisation_of_year(2022), value_error);
  CHECK_THROWS_AS(mri::normalisation_of_year(2026), value_error);
}

TEST_CASE("metrics: scikit-image fixtures") {
  const io::safetensors_file images(own_path("metrics/images.safetensors"));
  std::ifstream in(own_path("metrics/expected.json"));
  const auto expected = nlohmann::json::parse(in);
  for (const std::string name : {"noise", "blur_scaled", "shift_bias"}) {
    INFO(name);
    const auto gt = images.at(name + ".gt").tensor<float, 2>();
    const auto pred = images.at(name + ".pred").tensor<float, 2>();
    for (const auto& convention : conventions) {
      const char* text = convention.first;
      INFO(text);
      const auto& e = expected.at(name).at("float64").at(text);
      check_quality(mri::compare_image(gt, pred, convention.second), e.at("psnr"), e.at("ssim"),
                    e.at("nmse"));
    }
  }
  const auto gt = as_stack(images.at("stack4d.gt").tensor<float, 4>());
  const auto pred = as_stack(images.at("stack4d.pred").tensor<float, 4>());
  const auto& stack = expected.at("stack4d").at("float64");
  for (int c = 0; c < 3; ++c) {
    const auto& e = stack.at(conventions[c].first);
    const auto q = mri::compare_stack(gt, pred, conventions[c].second);
    REQUIRE(q.images.size() == 6);
    double mean = 0;
    for (const auto& i : q.images) {
      const auto at = [&](const char* what) -> double {
        return e.at(what)[std::size_t(i.slice)][std::size_t(i.frame)];
      };
      check_quality(i.value, at("psnr"), at("ssim"), at("nmse"));
      mean += at("psnr") / 6;
    }
    CHECK(std::abs(q.mean.psnr - mean) < 1e-9);
    CHECK(q.images[1].frame == 0);
    CHECK(q.images[1].slice == 1);
  }
  const auto& whole = stack.at("none_whole_volume");
  check_quality(mri::compare_volume(gt, pred), whole.at("psnr"), whole.at("ssim"),
                whole.at("nmse"));
}

TEST_CASE("metrics: complex images count by their magnitude") {
  const auto [g, p] = golden_pair();
  auto gc = make_tensor<complex<double>>(host_space{}, shape_of(g));
  auto pc = make_tensor<complex<double>>(host_space{}, shape_of(g));
  for (std::size_t i = 0; i < g.size(); ++i) {
    const double angle = 0.01 * double(i);
    gc.data()[i] = complex<double>(g.data()[i] * std::cos(angle), g.data()[i] * std::sin(angle));
    pc.data()[i] = complex<double>(0, -p.data()[i]);
  }
  const auto q = mri::compare_image(gc, pc, normalisation::percentile);
  check_quality(q, 33.45343105774957, 0.9741949493234202, 0.0014319273520735306);
}

TEST_CASE("metrics: empty and equal images") {
  const auto [g, p] = golden_pair();
  auto reference =
      zeros<double>(host_space{}, shape{index_t(3), index_t(1), index_t(64), index_t(48)});
  auto image = zeros<double>(host_space{}, shape_of(reference));
  std::copy(g.data(), g.data() + g.size(), reference.data());
  std::copy(g.data(), g.data() + g.size(), reference.data() + 2 * g.size());
  std::copy(p.data(), p.data() + p.size(), image.data());
  std::copy(p.data(), p.data() + p.size(), image.data() + g.size());
  const auto q = mri::compare_stack(reference, image, normalisation::percentile);
  CHECK(q.empty_references == 1);
  REQUIRE(q.images.size() == 2);
  CHECK(q.images[0].value.psnr == doctest::Approx(33.45343105774957));
  CHECK(q.images[1].frame == 2);  // an all-zero image stays zero
  CHECK(q.images[1].value.nmse == doctest::Approx(1));
  CHECK(q.mean.psnr == doctest::Approx((q.images[0].value.psnr + q.images[1].value.psnr) / 2));

  const auto same = mri::compare_image(g, g, normalisation::own_maximum);
  CHECK(std::isinf(same.psnr));
  CHECK(same.ssim == doctest::Approx(1));
  CHECK(same.nmse == 0);
}

TEST_CASE("metrics: what cannot be compared") {
  const auto [g, p] = golden_pair();
  const auto sized = [](index_t ny, index_t nx, double value) {
    auto t = make_tensor<double>(host_space{}, shape{ny, nx});
    Kokkos::deep_copy(t, value);
    return t;
  };
  CHECK_THROWS_WITH_AS(mri::compare_image(g, sized(64, 47, 1), normalisation::none),
                       doctest::Contains("(64, 48) of the reference, found (64, 47)"), shape_error);
  CHECK_THROWS_WITH_AS(mri::compare_image(sized(6, 9, 1), sized(6, 9, 1), normalisation::none),
                       doctest::Contains("at least 7 x 7 pixels, found 6 x 9"), shape_error);
  CHECK_THROWS_WITH_AS(mri::compare_image(sized(9, 9, 0), sized(9, 9, 1), normalisation::none),
                       doctest::Contains("zeros only"), value_error);
  CHECK_THROWS_WITH_AS(mri::compare_image(sized(9, 9, 2), sized(9, 9, 1), normalisation::z_score),
                       doctest::Contains("z-score"), value_error);
  CHECK_THROWS_WITH_AS(
      mri::compare_image(sized(9, 9, 1), sized(9, 9, -1), normalisation::own_maximum),
      doctest::Contains("positive maximum"), value_error);
  auto spot = sized(40, 40, 0);
  spot(3, 3) = 1;
  CHECK_THROWS_WITH_AS(mri::compare_image(spot, spot, normalisation::percentile),
                       doctest::Contains("99.5th percentile"), value_error);
  auto bad = sized(64, 48, 1);
  bad(2, 5) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(mri::compare_image(g, bad, normalisation::none),
                       doctest::Contains("finite values, found nan at (y, x) = (2, 5)"),
                       value_error);
  const auto empty =
      zeros<float>(host_space{}, shape{index_t(2), index_t(1), index_t(9), index_t(9)});
  CHECK_THROWS_WITH_AS(mri::compare_stack(empty, empty, normalisation::none),
                       doctest::Contains("zeros only"), value_error);
}
