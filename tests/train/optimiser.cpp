// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/optimiser.hpp"

#include <limits>

#include "cardiomm/core/random.hpp"
#include "support/optimiser_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::block_of;
using cardiomm_tests::optimiser_cases;
using cardiomm_tests::stored;
using cardiomm_tests::worst;
using Ex = default_space;

namespace {

/// PyTorch's values after each step; the gradients are given as twice what they are and halved.
template <class T>
void check_run(const std::string& name, const train::optimiser_options& options, double tolerance) {
  CAPTURE(name);
  const Ex ex;
  const auto& cases = optimiser_cases();
  const auto gradients = cases.at("gradients").tensor<T, 2>();
  const auto rates = cases.at("rates").tensor<double, 1>();
  const auto expected = cases.at("run." + name).tensor<T, 2>();
  const auto block = block_of<T>(ex, stored<T, 1>(ex, cases, "start"));
  train::optimiser<T, Ex> opt(ex, options, block);
  const index_t n = index_t(gradients.extent(1));
  for (index_t k = 0; k < index_t(gradients.extent(0)); ++k) {
    const auto g = borrow(ex, block.gradients().data(), shape<1>{{n}});
    copy(g, slice(gradients, k));
    blas1::scale(ex, T(2), g);
    opt.step(ex, block, rates(k), 0.5);
    CHECK(worst(clone(ex, borrow(ex, block.values().data(), shape<1>{{n}})), slice(expected, k)) <=
          tolerance);
  }
  CHECK(opt.steps() == gradients.extent(0));
  for (const auto& [key, values] : opt.state()) {
    const std::string theirs = key == "mean"     ? "exp_avg"
                               : key == "square" ? "exp_avg_sq"
                                                 : "momentum_buffer";
    CAPTURE(theirs);
    CHECK(worst(clone(ex, borrow(ex, values.data(), shape<1>{{n}})),
                stored<T, 1>(ex, cases, "run." + name + "." + theirs)) <= tolerance);
  }
}

}  // namespace

TEST_CASE("optimisers take PyTorch's steps") {
  using train::optimiser_kind;
  const auto both = [](const std::string& name, const train::optimiser_options& o) {
    check_run<double>(name, o, 1e-12);
    check_run<float>(name, o, 1e-6);
  };
  train::optimiser_options o;
  o.kind = optimiser_kind::sgd;
  both("sgd", o);
  o.weight_decay = 0.1;
  both("sgd_decay", o);
  o.momentum = 0.9;
  o.weight_decay = 0.05;
  both("sgd_momentum", o);
  o.nesterov = true;
  both("sgd_nesterov", o);
  o = {};
  o.kind = optimiser_kind::sgd;
  o.momentum = 0.8;
  o.dampening = 0.3;
  both("sgd_dampening", o);
  o = {};
  both("adamw", o);
  o.kind = optimiser_kind::adam;
  both("adam", o);
  o.weight_decay = 0.1;
  o.beta1 = 0.7;
  o.beta2 = 0.95;
  o.eps = 1e-6;
  both("adam_decay", o);
  o.kind = optimiser_kind::adamw;
  o.weight_decay = 0.3;
  o.beta1 = 0.8;
  o.beta2 = 0.9;
  o.eps = 1e-4;
  both("adamw_decay", o);
}

TEST_CASE("a restored optimiser goes on with the same bits") {
  const Ex ex;
  for (const char* kind : {"sgd", "adam", "adamw"}) {
    train::optimiser_options o;
    o.kind = train::optimiser_kind_of(kind);
    CHECK(std::string(name_of(o.kind)) == kind);
    o.momentum = 0.9;
    const auto start = make_tensor<float>(ex, shape<1>{{20000}});  // more than one chunk
    random::fill_normal(ex, start, 1);
    const auto a = block_of<float>(ex, start), b = block_of<float>(ex, start);
    train::optimiser<float, Ex> first(ex, o, a), second(ex, o, b);
    for (int k = 0; k < 6; ++k) {
      if (k == 3) {  // all that a checkpoint has
        Kokkos::deep_copy(ex, b.values(), a.values());
        const auto from = first.state(), to = second.state();
        REQUIRE(from.size() == to.size());
        for (std::size_t i = 0; i < from.size(); ++i)
          Kokkos::deep_copy(ex, to[i].second, from[i].second);
        second.set_steps(first.steps());
      }
      random::fill_normal(ex, a.gradients(), 7, std::uint64_t(k));
      first.step(ex, a, 1e-3);
      if (k < 3) continue;
      random::fill_normal(ex, b.gradients(), 7, std::uint64_t(k));
      second.step(ex, b, 1e-3);
    }
    CHECK(worst(clone(ex, a.values()), clone(ex, b.values())) == 0);
  }
}

TEST_CASE("complex parameters are pairs of numbers") {
  const Ex ex;
  using C = complex<double>;
  const auto z = make_tensor<C>(ex, shape<1>{{12}});
  random::fill_normal(ex, z, 3);
  const auto x = clone(ex, borrow(ex, reinterpret_cast<double*>(z.data()), shape<1>{{24}}));
  const auto a = block_of<C>(ex, z);
  const auto b = block_of<double>(ex, x);
  REQUIRE(2 * a.size() == b.size());
  for (const char* kind : {"sgd", "adamw"}) {
    train::optimiser_options o;
    o.kind = train::optimiser_kind_of(kind);
    train::optimiser<C, Ex> on_pairs(ex, o, a);
    train::optimiser<double, Ex> on_numbers(ex, o, b);
    for (int k = 0; k < 3; ++k) {
      random::fill_normal(ex, a.gradients(), 5, std::uint64_t(k));
      copy(b.gradients(),
           borrow(ex, reinterpret_cast<double*>(a.gradients().data()), shape<1>{{b.size()}}));
      on_pairs.step(ex, a, 0.1);
      on_numbers.step(ex, b, 0.1);
    }
    CHECK(worst(clone(ex, borrow(ex, reinterpret_cast<double*>(a.values().data()),
                                 shape<1>{{b.size()}})),
                clone(ex, b.values())) == 0);
  }
}

TEST_CASE("optimisers name what does not fit") {
  const Ex ex;
  const auto block = block_of<float>(ex, zeros<float>(ex, shape<1>{{3}}));
  const auto larger = block_of<float>(ex, zeros<float>(ex, shape<1>{{99}}));
  const auto refuses = [&](const char* message, const auto& change) {
    train::optimiser_options o;
    change(o);
    CHECK_THROWS_WITH_AS((train::optimiser<float, Ex>(ex, o, block)), message, value_error);
  };
  refuses("optimiser: rate: expected a number of at least 0, found -1",
          [](auto& o) { o.rate = -1; });
  refuses("optimiser: rate: expected a number of at least 0, found nan",
          [](auto& o) { o.rate = std::numeric_limits<double>::quiet_NaN(); });
  refuses("optimiser: betas: expected numbers of 0 to below 1, found 1",
          [](auto& o) { o.beta2 = 1; });
  refuses("optimiser: weight decay: expected a number of at least 0, found -0.1",
          [](auto& o) { o.weight_decay = -0.1; });
  refuses("optimiser: nesterov: expected a momentum above 0 and no dampening, found 0 and 0",
          [](auto& o) { o.nesterov = true; });
  CHECK_THROWS_WITH_AS(train::optimiser_kind_of("lion"),
                       "optimiser: kind: expected sgd, adam or adamw, found \"lion\"", value_error);
  train::optimiser<float, Ex> opt(ex, {}, block);
  CHECK_THROWS_AS(opt.step(ex, larger, 1e-3), shape_error);
}
