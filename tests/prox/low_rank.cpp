// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/prox/low_rank.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/linop/check.hpp"
#include "cardiomm/prox/nuclear.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using Ex = default_space;
using linop::check::detail::distance;
using linop::check::detail::noise;
using C = complex<float>;

namespace {
tensor<C, 4, Ex> load(const char* name) {
  const auto file = io::open_npy(cardiomm_tests::own_path(std::string("low_rank/") + name));
  const auto& n = file.shape();
  const auto t = make_tensor<C>(host_space(), shape<4>{{n[0], n[1], n[2], n[3]}});
  file.read(t.data());
  return to_space(Ex(), t);
}
template <class P, class X>
auto prox_of(const P& p, const X& x, double sigma) {
  const auto out = make_tensor<C>(Ex(), shape_of(x));
  prox::apply(Ex(), p, x, sigma, out);
  return out;
}
}  // namespace

TEST_CASE("locally and globally low rank thresholds equal NumPy's") {
  // made by tests/data/make_low_rank.py
  const auto image = load("image.npy");
  prox::low_rank_options o;
  o.block_y = 4;
  o.block_x = 3;
  o.shift_y = 1;
  o.shift_x = 2;
  const prox::low_rank<float, Ex> local(0.3, o);
  CHECK(distance(Ex(), prox_of(local, image, 2), load("out.npy")) < 2e-6);
  const prox::casorati_nuclear<float, Ex> global(1.5, false);
  CHECK(distance(Ex(), prox_of(global, image, 2), load("whole.npy")) < 2e-6);

  const auto file = io::open_npy(cardiomm_tests::own_path("low_rank/norms.npy"));
  double norms[3];
  file.read(norms);
  CHECK(prox::value(Ex(), local, image) == doctest::Approx(0.3 * norms[0]).epsilon(1e-7));
  CHECK(prox::value(Ex(), global, image) == doctest::Approx(1.5 * norms[2]).epsilon(1e-7));
  o.shift_y = o.shift_x = 0;
  CHECK(prox::value(Ex(), prox::low_rank<float, Ex>(1, o), image) ==
        doctest::Approx(norms[1]).epsilon(1e-7));
}

TEST_CASE("sets of maps are further columns of a block") {
  const auto x = noise<C>(Ex(), shape<5>{{2, 3, 1, 8, 8}}, 4, 1);
  const auto joint = prox_of(prox::low_rank<float, Ex, 5>(0.4), x, 3);
  const auto flat =
      prox_of(prox::low_rank<float, Ex>(0.4), clone(Ex(), reshape(x, shape<4>{{6, 1, 8, 8}})), 3);
  CHECK(distance(Ex(), clone(Ex(), flatten(joint)), clone(Ex(), flatten(flat))) == 0);
}

TEST_CASE("blocks that move from call to call") {
  const auto x = noise<C>(Ex(), shape<4>{{3, 1, 16, 12}}, 4, 1);
  prox::low_rank_options o;
  o.block_y = o.block_x = 4;
  const auto still = prox_of(prox::low_rank<float, Ex>(1, o), x, 2);
  for (const auto shift : {prox::block_shift::cycle, prox::block_shift::random}) {
    o.shift = shift;
    const prox::low_rank<float, Ex> p(1, o), q(1, o);
    int moved = 0;
    for (int i = 0; i < 10; ++i) {
      const auto now = prox_of(p, x, 2);
      moved += distance(Ex(), now, still) > 1e-3;
      CHECK(distance(Ex(), now, prox_of(q, x, 2)) == 0);  // the same order every time
    }
    CHECK(moved >= 7);
  }
  o.shift = prox::block_shift::random;
  o.seed = 2;
  const prox::low_rank<float, Ex> other(1, o);
  o.seed = 1;
  const prox::low_rank<float, Ex> first(1, o);
  int differ = 0;
  for (int i = 0; i < 4; ++i)
    differ += distance(Ex(), prox_of(other, x, 2), prox_of(first, x, 2)) > 0;
  CHECK(differ > 1);
}

TEST_CASE("noise below the width of its blocks vanishes, above it stays") {
  // the numbers of BART's GWIDTH for 64 x 25 and 832 blocks
  CHECK(prox::noise_width(64, 25, 832) == doctest::Approx(16.153).epsilon(1e-4));
  const auto x = noise<C>(Ex(), shape<4>{{10, 1, 64, 64}}, 4, 1);  // variance 2 a number
  const double width = prox::noise_width(64, 10, 64) * std::sqrt(2.);
  const prox::low_rank<float, Ex> p(1);
  CHECK(blas1::norm(Ex(), prox_of(p, x, width)) == 0);
  CHECK(blas1::norm(Ex(), prox_of(p, x, 0.6 * width)) > 0);
}

TEST_CASE("weights and blocks that make no sense are refused") {
  CHECK_THROWS_AS((prox::low_rank<float, Ex>(-1)), value_error);
  CHECK_THROWS_AS((prox::nuclear<float, Ex>(-1)), value_error);
  CHECK_THROWS_AS((prox::casorati_nuclear<float, Ex>(-1)), value_error);
  prox::low_rank_options o;
  o.block_x = 0;
  CHECK_THROWS_AS((prox::low_rank<float, Ex>(1, o)), value_error);
}
