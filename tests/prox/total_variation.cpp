// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/prox/total_variation.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "cardiomm/core/random.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/prox/check.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<double>;
using image = tensor<C, 4, Ex>;

namespace {
/// Steps in time with noise on them.
image series(const shape<4>& s, std::uint64_t seed) {
  auto noise = make_tensor<C>(host_space(), s);
  random::fill_normal(host_space(), noise, seed);
  const index_t pixels = s.size() / s[0];
  for (index_t i = 0; i < s.size(); ++i)
    noise.data()[i] = 0.4 * noise.data()[i] + C(i / pixels > s[0] / 3 ? 2 : 0, double(i % 3));
  return to_space(Ex(), noise);
}
template <class P>
host_tensor<C, 4> prox_of(const P& p, const image& x, double sigma) {
  const auto u = make_tensor<C>(Ex(), shape_of(x));
  prox::apply(Ex(), p, x, sigma, u);
  Ex().fence();
  return to_host(u);
}
const prox::total_variation_options exact{.iterations = 20000, .tolerance = 1e-14};
}  // namespace

TEST_CASE("temporal variation with free ends meets the conditions of optimality") {
  // They are exact in one dimension: w_t = sum over i < t of (u_i - y_i) has |w_t| <= s everywhere,
  // ends at 0, and points along u_t - u_(t-1) with length s wherever u jumps.
  const shape<4> s{{23, 1, 3, 5}};
  auto options = exact;
  options.periodic = false;
  const double weight = 0.6, sigma = 1.25, size = weight * sigma;
  const auto y = series(s, 3);
  const auto u = prox_of(prox::total_variation_in_time<double, Ex>(weight, s, options), y, sigma);
  const auto data = to_host(y);
  const index_t pixels = 15;
  double worst = 0;
  index_t jumps = 0, flat = 0;
  for (index_t p = 0; p < pixels; ++p) {
    C w(0);
    for (index_t t = 0; t < s[0]; ++t) {
      const index_t at = t * pixels + p;
      if (t > 0) {
        const C d = u.data()[at] - u.data()[at - pixels];
        const double jump = std::sqrt(abs2(d));
        worst = std::max(worst, std::sqrt(abs2(w)) - size);
        if (jump > 1e-4) {
          ++jumps;
          worst = std::max(worst, std::sqrt(abs2(w - size / jump * d)) * jump);
        } else {
          ++flat;
        }
      }
      w += u.data()[at] - data.data()[at];
    }
    worst = std::max(worst, std::sqrt(abs2(w)));
  }
  CHECK(worst < 1e-6);
  CHECK(jumps > pixels);
  CHECK(flat > 5 * pixels);
}

TEST_CASE("periodic temporal variation equals free ends where first and last frame meet") {
  // A series followed by its mirror image: its ends meet, so that the periodic minimiser is the
  // free one and its mirror image.
  const shape<4> s{{9, 1, 2, 19}}, twice{{18, 1, 2, 19}};
  const auto y = to_host(series(s, 5));
  auto mirrored = make_tensor<C>(host_space(), twice);
  const index_t pixels = 38;
  for (index_t t = 0; t < 9; ++t)
    for (index_t p = 0; p < pixels; ++p)
      mirrored.data()[t * pixels + p] = mirrored.data()[(17 - t) * pixels + p] =
          y.data()[t * pixels + p];
  auto options = exact;
  const auto periodic = prox_of(prox::total_variation_in_time<double, Ex>(0.5, twice, options),
                                to_space(Ex(), mirrored), 1);
  options.periodic = false;
  const auto free =
      prox_of(prox::total_variation_in_time<double, Ex>(0.5, s, options), to_space(Ex(), y), 1);
  double worst = 0;
  for (index_t i = 0; i < s.size(); ++i)
    worst = std::max(worst, std::sqrt(abs2(periodic.data()[i] - free.data()[i])));
  CHECK(worst < 1e-6);
}

TEST_CASE("total variation agrees with scikit-image") {
  const std::string folder = own_path("tv/");
  const auto in = io::read_npy<double, 2>(folder + "image.npy");
  const shape<2> n = shape_of(in);
  auto options = exact;
  options.periodic = false;
  const auto distance = [](const auto& ours, const char* what, double phase) {
    const auto theirs = io::read_npy<double, 2>(own_path("tv/" + std::string(what) + ".npy"));
    double error = 0, all = 0;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      const C turned(theirs.data()[i] * std::cos(phase), theirs.data()[i] * std::sin(phase));
      error += abs2(ours.data()[i] - turned);
      all += abs2(turned);
    }
    return std::sqrt(error / all);
  };
  const double phase = 0.8;  // of all pixels: complex images behave as real ones
  auto plane = make_tensor<C>(host_space(), shape<4>{{1, 1, n[0], n[1]}});
  for (std::size_t i = 0; i < in.size(); ++i)
    plane.data()[i] = C(in.data()[i] * std::cos(phase), in.data()[i] * std::sin(phase));
  const auto x = to_space(Ex(), plane);
  // The reference iterates 200000 times and is not exact.
  CHECK(distance(
            prox_of(prox::total_variation_in_space<double, Ex>(0.7, shape_of(x), options), x, 0.5),
            "plane", phase) < 1e-4);
  const auto frames = clone(Ex(), reshape(x, shape<4>{{n[0], 1, 1, n[1]}}));
  CHECK(distance(prox_of(prox::total_variation_in_time<double, Ex>(0.35, shape_of(frames), options),
                         frames, 1),
                 "lines", phase) < 1e-4);
}

TEST_CASE("anisotropic variation of an image that varies along one axis is that of its lines") {
  const shape<4> s{{1, 1, 12, 7}}, frames{{12, 1, 1, 7}};
  auto options = exact;
  options.isotropic = false;
  auto y = make_tensor<C>(host_space(), s);
  const auto line = to_host(series(shape<4>{{12, 1, 1, 1}}, 9));
  for (index_t i = 0; i < s.size(); ++i) y.data()[i] = line.data()[i / 7];
  const prox::total_variation_in_space<double, Ex> space(0.3, s, options);
  const prox::total_variation_in_time<double, Ex> time(0.3, frames, options);
  const auto x = to_space(Ex(), y);
  const auto lines = clone(Ex(), reshape(x, frames));
  CHECK(prox::value(Ex(), space, x) == doctest::Approx(prox::value(Ex(), time, lines)));
  const auto a = prox_of(space, x, 1), b = prox_of(time, lines, 1);
  double worst = 0;
  for (index_t i = 0; i < s.size(); ++i)
    worst = std::max(worst, std::sqrt(abs2(a.data()[i] - b.data()[i])));
  CHECK(worst < 1e-6);
}

TEST_CASE("a warm start goes on where the last call ended") {
  const shape<4> s{{11, 2, 3, 21}};
  const auto y = series(s, 4);
  const auto check = [&](const auto& best, const auto& few) {
    const auto truth = prox_of(best, y, 1);
    const auto left = [&](const host_tensor<C, 4>& u) {
      double sum = 0;
      for (index_t i = 0; i < s.size(); ++i) sum += abs2(u.data()[i] - truth.data()[i]);
      return std::sqrt(sum);
    };
    const double first = left(prox_of(few, y, 1));
    for (int k = 0; k < 100; ++k) (void)prox_of(few, y, 1);
    CHECK(left(prox_of(few, y, 1)) < 1e-2 * first);
  };
  const prox::total_variation_options few{.iterations = 5, .warm = true};
  check(prox::total_variation_in_time<double, Ex>(0.5, s, exact),
        prox::total_variation_in_time<double, Ex>(0.5, s, few));
  check(prox::total_variation_in_space<double, Ex>(0.3, s, exact),
        prox::total_variation_in_space<double, Ex>(0.3, s, few));
}

TEST_CASE("total variation refuses bad arguments") {
  using time = prox::total_variation_in_time<double, Ex>;
  using space = prox::total_variation_in_space<double, Ex>;
  const auto any = shape<4>::all_open();
  CHECK_THROWS_AS(time(-1), value_error);
  CHECK_THROWS_AS(space(0.1, any, {.iterations = 0}), value_error);
  CHECK_THROWS_AS(time(0.1, any, {.warm = true}), value_error);
  CHECK_THROWS_AS(space(0.1, any, {.tolerance = -1}), value_error);
  const auto x = make_tensor<C>(Ex(), shape<4>{{2, 1, 3, 4}});
  CHECK_THROWS_AS(prox::apply(Ex(), time(0.1, shape<4>{{3, 1, 3, 4}}, {.warm = true}), x, 1, x),
                  shape_error);
}
