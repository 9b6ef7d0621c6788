// SPDX-License-Identifier: Apache-2.0
/// \file
/// Training steps by several processes. ctest runs this file alone and by mpirun with 2 and 4
/// processes; what is checked holds for any number.

#include "cardiomm/train/data_parallel.hpp"

#include <doctest/doctest.h>

#include "cardiomm/nn/conv.hpp"
#include "cardiomm/nn/loss.hpp"
#include "cardiomm/train/optimiser.hpp"
#include "support/processes.hpp"

using namespace cardiomm;
using cardiomm_tests::world;
using Ex = default_space;

namespace {

constexpr shape<4> plane{{1, 12, 12, 1}}, wide{{1, 12, 12, 6}};

/// Four convolutions with one slope between them, told layer by layer: a small relative of an
/// unrolled network, where one slope serves all cascades.
class tiny_task {
 public:
  explicit tiny_task(const Ex& ex, std::uint64_t seed)
      : ex_(ex),
        slope_(ex),
        conv_{make(1, 6, seed), make(6, 6, seed + 1), make(6, 6, seed + 2), make(6, 1, seed + 3)},
        x_(make_tensor<float>(ex, plane)),
        y_(make_tensor<float>(ex, plane)),
        dy_(make_tensor<float>(ex, plane)) {
    for (int i = 0; i < 4; ++i) {
      blocks_.emplace_back(ex, conv_[i], i == 0 ? plane : wide);
      if (i < 3) slopes_.emplace_back(ex, nn::prelu<float, 4, Ex>(slope_.weight), wide);
      d_.push_back(make_tensor<float>(ex, wide));
      e_.push_back(make_tensor<float>(ex, wide));
    }
  }
  nn::named_parameters<float, Ex> parameters() const {
    nn::named_parameters<float, Ex> all;
    for (int i = 0; i < 4; ++i) {
      nn::append(all, std::to_string(i) + ".", conv_[i].parameters());
      if (i < 3) all.emplace_back(std::to_string(i) + ".slope", slope_.weight);
    }
    return all;
  }
  /// Learns to blur: the target is the input shifted by one pixel along x.
  double accumulate(std::uint64_t step, index_t i, double weight,
                    const train::finished_range& finished) {
    random::fill_normal(ex_, x_, 5, 1000 * step + std::uint64_t(i));
    const auto x = to_host(x_), t = make_tensor<float>(host_space(), plane);
    for (index_t y = 0; y < 12; ++y)
      for (index_t c = 0; c < 12; ++c) t(0, y, c, 0) = 0.7f * x(0, y, (c + 1) % 12, 0);
    view<const float, 4, Ex> v = x_;
    for (std::size_t l = 0; l < 4; ++l) {
      v = blocks_[l].forward(v);
      if (l < 3) v = slopes_[l].forward(v);
    }
    const double loss = nn::l2_loss(ex_, v, to_space(ex_, t), dy_);
    blas1::scale(ex_, float(weight), dy_);
    view<const float, 4, Ex> dv = dy_;
    for (std::size_t l = 4; l-- > 0;) {
      if (l < 3) {
        slopes_[l].backward(dv, d_[l]);
        dv = d_[l];
      }
      blocks_[l].backward(dv, l > 0 ? view<float, 4, Ex>(e_[l]) : view<float, 4, Ex>());
      dv = e_[l];
      if (finished) finished(3 * l, l < 3 ? 3 * l + 3 : 3 * l + 2);
    }
    return loss;
  }

 private:
  using layer = nn::conv<float, 2, Ex>;
  layer make(index_t in, index_t out, std::uint64_t seed) const {
    return layer(ex_, in, out, nn::conv_options<2>::same(3), seed);
  }
  Ex ex_;
  nn::prelu<float, 4, Ex> slope_;
  layer conv_[4];
  std::vector<nn::recording<layer>> blocks_;
  std::vector<nn::recording<nn::prelu<float, 4, Ex>>> slopes_;
  tensor<float, 4, Ex> x_, y_, dy_;
  std::vector<tensor<float, 4, Ex>> d_, e_;
};

struct curve {
  std::vector<double> loss;
  host_tensor<float, 1> values;
};

/// Losses of the whole batch over the steps.
curve train_with(const dist::communicator& all, index_t batch, train::optimiser_kind kind,
                 const train::data_parallel_options& options, int steps = 24) {
  const Ex ex;
  // every process starts from values of its own, those of process 0 win
  tiny_task task(ex, 11 + 100 * std::uint64_t(all.rank()));
  const train::parameter_block<float, Ex> block(ex, task.parameters());
  train::data_parallel<float, Ex> parallel(ex, all, block, task.parameters(), options);
  train::optimiser_options o;
  o.kind = kind;
  o.momentum = 0.9;
  train::optimiser<float, Ex> optimiser(ex, o, block);
  curve c;
  for (int s = 0; s < steps; ++s) {
    block.zero_gradients(ex);
    double numbers[2] = {0, 1};
    parallel.step(
        batch,
        [&](index_t i, const train::finished_range& finished) {
          numbers[0] +=
              task.accumulate(std::uint64_t(s), i, 1.0 / double(batch), finished) / double(batch);
        },
        numbers);
    CHECK(numbers[1] == all.size());
    c.loss.push_back(numbers[0]);
    optimiser.step(ex, block, kind == train::optimiser_kind::sgd ? 0.05 : 3e-3);
  }
  parallel.check_equal();
  c.values = to_host(block.values());
  if (all.size() > 1 && options.bucket_bytes > 0 && options.bucket_bytes < 1000)
    CHECK(parallel.buckets() > 3);
  if (all.size() > 1) CHECK(parallel.waited() > 0);
  return c;
}

void compare(index_t batch, train::optimiser_kind kind,
             const train::data_parallel_options& options) {
  const curve one = train_with({}, batch, kind, {});
  const curve many = train_with(world(), batch, kind, options);
  REQUIRE(many.loss.size() == one.loss.size());
  double worst = 0, apart = 0;
  for (std::size_t i = 0; i < one.loss.size(); ++i)
    worst = std::max(worst, std::abs(many.loss[i] - one.loss[i]) / one.loss[i]);
  for (std::size_t i = 0; i < one.values.size(); ++i)
    apart = std::max(apart, double(std::abs(many.values(i) - one.values(i))));
  CHECK(worst < 1e-5);
  CHECK(apart < 1e-3);
  CHECK(one.loss.back() < 0.8 * one.loss.front());  // it does learn
  if (world().size() == 1) CHECK(worst == 0);
  if (world().first())
    MESSAGE(world().size(), " processes, batch ", batch, ", ", std::string(train::name_of(kind)),
            ": largest relative difference of the loss ", worst, ", of a parameter ", apart);
}

}  // namespace

TEST_CASE("parts of a batch") {
  for (const index_t batch : {0, 1, 3, 8, 10})
    for (const int n : {1, 2, 4, 7}) {
      index_t next = 0, longest = 0, shortest = batch;
      for (int r = 0; r < n; ++r) {
        const train::batch_share s = train::share_of(batch, r, n);
        CHECK(s.first == next);
        CHECK(s.last >= s.first);
        next = s.last;
        longest = std::max(longest, s.last - s.first);
        shortest = std::min(shortest, s.last - s.first);
      }
      CHECK(next == batch);
      CHECK(longest - shortest <= 1);
    }
}

TEST_CASE("the loss curve is that of one process with the summed batch") {
  compare(8, train::optimiser_kind::sgd, {});
  compare(8, train::optimiser_kind::adamw, {.bucket_bytes = 256});
}

TEST_CASE("batches that the processes cannot share evenly, or not at all") {
  compare(6, train::optimiser_kind::sgd, {.bucket_bytes = 256});
  compare(2, train::optimiser_kind::adamw, {.bucket_bytes = 256, .sums = {.thread = false}});
  compare(1, train::optimiser_kind::sgd, {.bucket_bytes = 1, .sums = {.staged = true}});
}

TEST_CASE("an error of one process is thrown by all, and the next step works") {
  const auto& all = world();
  const Ex ex;
  tiny_task task(ex, 1);
  const train::parameter_block<float, Ex> block(ex, task.parameters());
  train::data_parallel<float, Ex> parallel(ex, all, block, task.parameters(),
                                           {.bucket_bytes = 256});
  const index_t batch = 8;
  const index_t culprit = batch - 1;  // the last sample of the last process
  const auto attempt = [&](int kind) {
    parallel.step(batch, [&](index_t i, const train::finished_range& finished) {
      if (i == culprit && kind == 1) throw io_error("sample 7: is gone");
      task.accumulate(0, i, 1, [&](std::size_t first, std::size_t last) {
        if (i == culprit && kind == 2 && first == 3) throw value_error("sample 7: NaN");
        if (finished) finished(first, last);
      });
    });
  };
  CHECK_THROWS_WITH_AS(attempt(1), "sample 7: is gone", io_error);
  CHECK_THROWS_WITH_AS(attempt(2), "sample 7: NaN", value_error);
  CHECK(dist::failed_together() == (all.size() > 1));
  dist::failed_together() = false;
  block.zero_gradients(ex);
  attempt(0);
  const auto sum = to_host(block.gradients());
  block.zero_gradients(ex);
  for (index_t i = 0; i < batch; ++i) task.accumulate(0, i, 1, {});
  const auto expected = to_host(block.gradients());
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    worst = std::max(worst, double(std::abs(sum(i) - expected(i))));
    largest = std::max(largest, double(std::abs(expected(i))));
  }
  CHECK(worst < 1e-5 * largest);
}

TEST_CASE("a shared parameter is summed when the last of its names is told") {
  const auto& all = world();
  const Ex ex;
  const nn::parameter<float, Ex> first(ex, {20}), slope(ex, {1}), second(ex, {300}),
      frozen(ex, {9}, false);
  const nn::named_parameters<float, Ex> names{
      {"0", first}, {"0.slope", slope}, {"1", second}, {"1.slope", slope}, {"f", frozen}};
  const train::parameter_block<float, Ex> block(ex, names);
  train::data_parallel<float, Ex> parallel(ex, all, block, names, {.bucket_bytes = 4});
  const auto g = block.gradients();
  const auto set = [&](index_t i, float value) {
    Kokkos::deep_copy(ex, Kokkos::subview(g, Kokkos::make_pair(i, i + 1)), value);
  };
  const auto number = [&](index_t i) { return to_host(g)(i); };
  const index_t place = block.offset(1), n = all.size();
  for (int round = 0; round < 2; ++round) {
    block.zero_gradients(ex);
    parallel.step(n, [&](index_t i, const train::finished_range& finished) {
      CHECK(i == all.rank());
      set(block.offset(2), 2);
      if (finished) finished(2, 3);
      set(0, 1);
      if (finished) finished(0, 2);
      set(place, float(3 + i));  // used by the second layer as well, which comes last here
      if (finished) finished(3, 5);
    });
    CHECK(number(0) == float(n));
    CHECK(number(block.offset(2)) == float(2 * n));
    CHECK(number(place) == float(3 * n + n * (n - 1) / 2));
  }
  if (n > 1) {
    const auto tell = [&](std::size_t a, std::size_t b) {
      parallel.step(n, [&](index_t, const train::finished_range& finished) {
        finished(2, 3);
        finished(a, b);
      });
    };
    CHECK_THROWS_WITH_AS(
        tell(1, 4), "data_parallel: gradients: expected each name once in a step, found 2 again",
        value_error);
    CHECK_THROWS_WITH_AS(tell(4, 6),
                         "data_parallel: gradients: expected a range within 0 to 5, found 4 to 6",
                         value_error);
    parallel.check_equal();
    if (all.rank() == 1)
      Kokkos::deep_copy(ex, Kokkos::subview(block.values(), Kokkos::make_pair(3, 4)), 1e-30f);
    CHECK_THROWS_AS(parallel.check_equal(), value_error);
    dist::failed_together() = false;
  }
  const nn::named_parameters<float, Ex> fewer(names.begin() + 2, names.end());
  if (n > 1) CHECK_THROWS_AS((train::data_parallel<float, Ex>(ex, all, block, fewer)), value_error);
}
