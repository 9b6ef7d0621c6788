// SPDX-License-Identifier: Apache-2.0
// Wavelets against PyWavelets and `bart wavelet`.
#include "cardiomm/linop/wavelet.hpp"
#include "cardiomm/linop/wavelet_plan.hpp"
#include "cardiomm/linop/wavelet_rows.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/linop/check.hpp"
#include "support/bart.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;
using linop::wavelet_boundary;
using image4 = tensor<C, 4, Ex>;

namespace {
image4 reference(const std::string& name) {
  const auto file = io::open_npy(own_path("wavelet/" + name + ".npy"));
  const auto& n = file.shape();
  shape<4> s{{1, 1, 1, n.back()}};
  if (n.size() == 2) s[2] = n[0];
  auto t = make_tensor<C>(host_space(), s);
  file.read(t.data());
  return to_space(Ex(), t);
}
double distance(const image4& a, const image4& b) {
  REQUIRE(shape_of(a) == shape_of(b));
  return linop::check::detail::distance(Ex(), a, b);
}
image4 noise(shape<4> s, std::uint64_t seed = 1) {
  auto t = make_tensor<C>(Ex(), s);
  random::fill_normal(Ex(), t, seed);
  return t;
}
/// out[(i + shift) mod n] = in[i]
image4 rolled(const image4& x, index_t y, index_t across) {
  const auto from = to_host(x);
  const shape<4> s = shape_of(x);
  auto to = make_tensor<C>(host_space(), s);
  for (index_t p = 0; p < s[0] * s[1]; ++p)
    for (index_t r = 0; r < s[2]; ++r)
      for (index_t c = 0; c < s[3]; ++c)
        to(p / s[1], p % s[1], (r + y) % s[2], (c + across) % s[3]) =
            from(p / s[1], p % s[1], r, c);
  return to_space(Ex(), to);
}
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}
}  // namespace

TEST_CASE("coefficients equal those of PyWavelets") {
  const image4 x = reference("image");
  const struct {
    const char *name, *file;
    int levels;
  } cases[] = {{"haar", "periodic_db1_4", 4},
               {"dau2", "periodic_db2_3", 3},
               {"db3", "periodic_db3_2", 2},
               {"dau8", "periodic_db8_2", 2}};
  for (const auto& c : cases) {
    CAPTURE(std::string(c.file));
    const linop::wavelet<float, Ex> w(21, 26, {c.name, c.levels});
    CHECK(distance(w * x, reference(c.file)) < 1e-6);
    CHECK(distance(linop::adjoint(w) * (w * x), x) < 1e-6);
  }
  const struct {
    const char *name, *file;
    int levels;
  } more[] = {{"dau1", "symmetric_db1_2", 2},
              {"dau2", "symmetric_db2_2", 2},
              {"dau5", "symmetric_db5_1", 1}};
  for (const auto& c : more) {
    CAPTURE(std::string(c.file));
    const linop::wavelet<float, Ex, wavelet_boundary::symmetric> w(21, 26, {c.name, c.levels});
    const auto y = w * x;
    CHECK(distance(y, reference(c.file)) < 1e-6);
    auto back = make_tensor<C>(Ex(), shape_of(x));
    w.inverse(Ex(), y, back);
    CHECK(distance(back, x) < 1e-6);
  }
}

TEST_CASE("coefficients, their order and the inverse equal those of bart wavelet") {
  PROGRAM_OR_SKIP("bart");
  const shape<2> extents[] = {{{208, 256}}, {{64, 128}}, {{37, 41}}, {{90, 31}}, {{16, 70}}};
  for (const auto& n : extents)
    for (const char* name : {"haar", "dau2"}) {
      CAPTURE(to_string(n));
      CAPTURE(std::string(name));
      const linop::wavelet<float, Ex, wavelet_boundary::symmetric> w(n[0], n[1],
                                                                     linop::bart_wavelet(name));
      const image4 x = noise({{1, 1, n[0], n[1]}}), y = w * x;
      const index_t count = w.plan().coefficients;
      const cardiomm_tests::bart_session bart;
      io::cfl_shape dims;
      dims.fill(1);
      dims[0] = n[1];
      dims[1] = n[0];
      io::write_cfl(bart.path("x"), dims, to_host(x).data());
      const std::string kind = std::string(name) == "haar" ? "-H" : "-D";
      bart.run("wavelet " + kind + " 3 x w");
      const auto read = [&](const char* file, shape<4> s) {
        const auto open = io::open_cfl(bart.path(file));
        auto t = make_tensor<C>(host_space(), s);
        REQUIRE(open.values.size() == s.size());
        open.values.read(t.data());
        return to_space(Ex(), t);
      };
      CHECK(distance(y, read("w", {{1, 1, 1, count}})) < 1e-6);
      // BART's -a is its inverse, of any coefficients
      const image4 c = noise({{1, 1, 1, count}}, 2);
      dims[0] = count;
      dims[1] = 1;
      io::write_cfl(bart.path("c"), dims, to_host(c).data());
      bart.run("wavelet " + kind + " -a 3 " + std::to_string(n[1]) + " " + std::to_string(n[0]) +
               " c i");
      auto image = make_tensor<C>(Ex(), shape_of(x));
      w.inverse(Ex(), c, image);
      CHECK(distance(image, read("i", shape_of(x))) < 1e-6);
    }
}

TEST_CASE("periodic coefficients are BART's where no filter reaches over an edge") {
  // An object inside zeros, with extents that divide: the non-zero coefficients are the same.
  auto h = zeros<C>(host_space(), shape<4>{{1, 1, 64, 96}});
  for (index_t y = 24; y < 44; ++y)
    for (index_t x = 40; x < 64; ++x)
      h(0, 0, y, x) = C(float(std::sin(double(y * x))), float(std::cos(double(y + 3 * x))));
  const image4 x = to_space(Ex(), h);
  const linop::wavelet<float, Ex> w(64, 96, {"dau2", 2});
  const linop::wavelet<float, Ex, wavelet_boundary::symmetric> b(64, 96, {"dau2", 2});
  const auto sorted = [](const image4& c) {
    std::vector<float> v;
    const auto there = to_host(c);
    for (std::size_t i = 0; i < there.size(); ++i)
      if (const float a = std::sqrt(abs2(there.data()[i])); a > 1e-6f) v.push_back(a);
    std::sort(v.begin(), v.end());
    return v;
  };
  const auto ours = sorted(w * x), theirs = sorted(b * x);
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) CHECK(ours[i] == doctest::Approx(theirs[i]));
}

TEST_CASE("a shifted transform is the transform of the shifted image") {
  for (const shape<2>& n : {shape<2>{{21, 26}}, shape<2>{{32, 48}}}) {
    const image4 x = noise({{2, 2, n[0], n[1]}});
    const linop::wavelet<float, Ex> w(n[0], n[1], {"dau3", 3});
    const auto turned = w.shifted({5, 7});
    CHECK(distance(turned * x, w * rolled(x, 5, 7)) < 1e-6);
    CHECK(distance(linop::adjoint(turned) * (turned * x), x) < 1e-6);
    const linop::wavelet<float, Ex> back(n[0], n[1], {"dau3", 3, 2, -1, n[1] + 2});
    CHECK(distance(back * x, w * rolled(x, n[0] - 1, 2)) < 1e-6);
    const linop::wavelet<float, Ex> none(n[0], n[1], {"dau3", 0, 1000, 3, 0});
    CHECK(none.plan().levels == 0);
    CHECK(distance(none * x, rolled(x, 3, 0)) == 0);
  }
  const linop::wavelet<float, Ex> w(64, 20, {"dau2", 3, 8});
  bool differs = false;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto a = linop::random_shift(w.plan(), 1, i), b = linop::random_shift(w.plan(), 1, i);
    CHECK((a.y == b.y && a.x == b.x));
    CHECK((a.y >= 0 && a.y < 8 && a.x >= 0 && a.x < 4));
    differs = differs || a.y != linop::random_shift(w.plan(), 1, 0).y;
  }
  CHECK(differs);
}

TEST_CASE("thresholding in one sweep is W^-1 soft(W x)") {
  const auto soft = [](const image4& c, float lambda) {
    auto h = to_host(clone(Ex(), c));
    for (std::size_t i = 0; i < h.size(); ++i) {
      const float a = std::sqrt(abs2(h.data()[i]));
      h.data()[i] = a > lambda ? h.data()[i] * (1 - lambda / a) : C(0);
    }
    return to_space(Ex(), h);
  };
  const image4 x = noise({{3, 1, 45, 54}});
  const linop::wavelet<float, Ex> w =
      linop::wavelet<float, Ex>(45, 54, {"dau2", 3}).shifted({2, 1});
  for (const float lambda : {0.f, 0.5f, 1.2f, 100.f}) {
    auto y = make_tensor<C>(Ex(), shape_of(x));
    linop::wavelet_threshold(Ex(), w.plan(), x, y, lambda);
    CHECK(distance(y, linop::adjoint(w) * soft(w * x, lambda)) < 1e-6);
    auto same = clone(Ex(), x);
    linop::wavelet_threshold(Ex(), w.plan(), same, same, lambda);
    CHECK(distance(same, y) == 0);
  }
  const linop::wavelet<float, Ex, wavelet_boundary::symmetric> b(45, 54, linop::bart_wavelet());
  auto y = make_tensor<C>(Ex(), shape_of(x)), z = make_tensor<C>(Ex(), shape_of(x));
  linop::wavelet_threshold(Ex(), b.plan(), x, y, 0.7f);
  b.inverse(Ex(), soft(b * x, 0.7f), z);
  CHECK(distance(y, z) < 1e-6);
  const auto nothing = zeros<C>(Ex(), shape_of(x));
  linop::wavelet_threshold(Ex(), w.plan(), nothing, y, 0.f);
  CHECK(distance(y, nothing) == 0);
}

TEST_CASE("row by row, as on hosts, equals number by number, as on devices") {
  using Tile = launch::packet_tile<float, host_space>;
  const auto check = [](index_t ny, index_t nx, const linop::wavelet_options& options,
                        wavelet_boundary boundary) {
    const linop::wavelet_plan<float> p(ny, nx, options, boundary);
    const host_space ex;
    auto scratch = make_tensor<float>(ex, shape{linop::wavelet_scratch<host_space>(p)});
    auto items = make_tensor<C>(ex, shape{linop::detail::wavelet_item_scratch(p)});
    auto x = make_tensor<C>(ex, shape{ny * nx}), z = make_tensor<C>(ex, shape{ny * nx});
    auto y = make_tensor<C>(ex, shape{p.coefficients}), w = make_tensor<C>(ex, shape_of(y));
    random::fill_normal(ex, x, 1);
    const Tile tile(0, scratch.data());
    const linop::wavelet_frame<float, Tile> rows(tile, p, scratch.data());
    rows.forward(x.data(), y.data());
    linop::detail::wavelet_forward_items(tile, p, x.data(), w.data(), items.data(),
                                         linop::detail::keep_coefficients{});
    CHECK(linop::check::detail::distance(ex, y, w) < 1e-6);
    rows.inverse(w.data(), z.data());
    CHECK(linop::check::detail::distance(ex, z, x) < 1e-6);
    linop::detail::wavelet_backward_items(tile, p, y.data(), z.data(), items.data(), false);
    CHECK(linop::check::detail::distance(ex, z, x) < 1e-6);
  };
  for (const wavelet_boundary b : {wavelet_boundary::periodic, wavelet_boundary::symmetric}) {
    check(40, 56, {"dau2", 3}, b);
    check(33, 47, {"dau8", 2, 2, 5, -3}, b);
    check(5, 61, {"dau3", 0, 7}, b);
    check(90, 1, {"haar", 0, 2, 1}, b);
    check(60, 9, {"dau4", 0, 10}, b);
  }
}

TEST_CASE("wavelets of bad arguments") {
  using W = linop::wavelet<float, Ex>;
  CHECK(message_of([] { W(8, 8, {"sym4"}); }) ==
        "wavelet: expected haar, dau1 ... dau8 or db1 ... db8, found 'sym4'");
  CHECK(message_of([] { W(8, 8, {"dau9"}); }) ==
        "wavelet: expected haar, dau1 ... dau8 or db1 ... db8, found 'dau9'");
  CHECK(message_of([] { W(8, 8, {"dau2", -1}); }) == "wavelet: levels: expected 0 to 12, found -1");
  CHECK(message_of([] { W(0, 8); }) ==
        "wavelet: expected extents (y, x) of at least 1, found (0, 8)");
  CHECK(message_of([] {
          W(8, 8, {"dau2", 1, 0});
        }) == "wavelet: smallest: expected a positive extent, found 0");
  const W w(8, 8);
  CHECK_THROWS_AS(w * noise({{1, 1, 8, 9}}), shape_error);
  const image4 x = noise({{1, 1, 8, 8}});
  CHECK(message_of([&] { linop::wavelet_threshold(Ex(), w.plan(), x, x, -1.f); }) ==
        "wavelet_threshold: lambda: expected a number of at least 0, found -1");
  const image4 large = noise({{1, 1, 8, 16}});
  CHECK_THROWS_AS(linop::wavelet_threshold(Ex(), w.plan(), large, large, 1.f), shape_error);
}
