// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/lines.hpp"

#include "cardiomm/train/lines_task.hpp"
#include "cardiomm/train/loop.hpp"
#include "support/layer_reference.hpp"

using namespace cardiomm;
using Ex = default_space;

namespace {

train::line_options small() {
  train::line_options o;
  o.coils = 4;
  o.lines = 6;
  o.batches = 3;
  o.lengths = {32, 47};
  return o;
}
double energy(const host_tensor<complex<float>, 3>& k) {
  double sum = 0;
  for (std::size_t i = 0; i < k.size(); ++i) sum += double(abs2(k.data()[i]));
  return sum;
}

}  // namespace

TEST_CASE("lines belong to seed, epoch and number, whoever asks and when") {
  const train::synthetic_lines a(small(), 5), b(small(), 5), other(small(), 6);
  CHECK(a.size() == 3);
  b.get(0, 1);
  const auto one = a.get(2, 1), same = b.get(2, 1);
  CHECK(shape_of(one.kspace) == shape_of(same.kspace));
  CHECK(std::equal(one.kspace.data(), one.kspace.data() + one.kspace.size(), same.kspace.data()));
  CHECK(std::equal(one.mask.data(), one.mask.data() + one.mask.size(), same.mask.data()));
  CHECK(one.name == same.name);
  for (const auto& unlike : {a.get(2, 2), a.get(1, 1), other.get(2, 1)})
    CHECK(energy(unlike.kspace) != energy(one.kspace));
  CHECK(a.description() == b.description());
  CHECK(a.description() != other.description());
}

TEST_CASE("the zero-filled image of every line has a largest root sum of squares of 1") {
  const Ex ex;
  const train::synthetic_lines source(small(), 5);
  for (index_t i = 0; i < 3; ++i) {
    const auto b = source.get(0, i);
    const auto image = clone(ex, b.kspace);
    const shape<3> s = shape_of(image);
    for (index_t l = 0; l < s[0]; ++l)
      for (index_t y = 0; y < s[1]; ++y)
        for (index_t c = 0; c < s[2]; ++c) image(l, y, c) *= b.mask(l, y);
    fft::ifft(ex, image, image, {1});
    for (index_t l = 0; l < s[0]; ++l) {
      double most = 0;
      for (index_t y = 0; y < s[1]; ++y) {
        double sum = 0;
        for (index_t c = 0; c < s[2]; ++c) sum += double(abs2(image(l, y, c)));
        most = std::max(most, sum);
      }
      CHECK(most == doctest::Approx(1).epsilon(1e-4));
      CHECK(b.scale[std::size_t(l)] > 0);
    }
  }
}

TEST_CASE("a line without extras is what was drawn") {
  // One body with sharp edges and neither phase nor noise: its image is real up to one phase a
  // coil, inside a part of the line.
  const Ex ex;
  train::line_options o = small();
  o.coils = 1;
  o.lengths = {64};
  o.least_boxes = o.most_boxes = 0;
  o.most_bumps = 0;
  o.texture = o.noise = o.phase = o.fewer_coils = o.virtual_coils = 0;
  o.least_body = 0.3;
  o.most_body = 0.5;
  o.most_edge = 0.5;
  const auto b = train::synthetic_lines(o, 1).get(0, 0);
  const auto image = clone(ex, b.kspace);
  fft::ifft(ex, image, image, {1});
  for (index_t l = 0; l < o.lines; ++l) {
    double all = 0, most = 0;
    std::vector<double> m(64);
    for (index_t y = 0; y < 64; ++y) most = std::max(most, m[std::size_t(y)] = abs(image(l, y, 0)));
    index_t inside = 0;
    for (const double v : m) inside += v > 0.2 * most, all += v;
    CHECK(inside >= 0.2 * 64);
    CHECK(inside <= 0.55 * 64);
    CHECK(all > 0);
  }
}

TEST_CASE("masks have the share of lines that was asked for, with a full centre") {
  train::line_options o = small();
  o.rates = {{0.25, 1}};
  o.least_acs = 8;
  o.most_acs = 8;
  for (const std::string family : {"gaussian", "random", "uniform"}) {
    o.families = {{family, 1}};
    train::draws d(1, 0, 0, "test");
    std::vector<double> mean(160, 0);
    for (int i = 0; i < 50; ++i) {
      const auto mask = train::draw_line_mask(d, o, 160);
      double sum = 0;
      for (std::size_t y = 0; y < mask.size(); ++y) sum += mask[y], mean[y] += mask[y] / 50;
      if (family == "uniform")
        CHECK((sum >= 46 && sum <= 48));  // 40 lines, and 8 of the centre
      else
        CHECK(sum == 40);
      for (std::size_t y = 76; y < 84; ++y) CHECK(mask[y] == 1);
    }
    double near = 0, far = 0;
    for (std::size_t y = 0; y < 160; ++y) (y >= 50 && y < 110 ? near : far) += mean[y];
    if (family == "gaussian") CHECK(near / 60 > 2 * far / 100);
    if (family == "random") CHECK(near / 60 < 1.7 * far / 100);
  }
  train::draws d(1, 0, 0, "test");
  o.rates = {{1.0, 1}};
  for (const float v : train::draw_line_mask(d, o, 33)) CHECK(v == 1);
}

TEST_CASE("options that make no lines are refused") {
  const auto refused = [](auto change) {
    train::line_options o;
    change(o);
    CHECK_THROWS_AS(train::synthetic_lines(o, 1), value_error);
  };
  refused([](auto& o) { o.coils = 0; });
  refused([](auto& o) { o.lengths = {}; });
  refused([](auto& o) { o.lengths = {4}; });
  refused([](auto& o) { o.families = {{"radial", 1}}; });
  refused([](auto& o) { o.families = {{"uniform", 0}}; });
  refused([](auto& o) { o.rates = {{1.5, 1}}; });
  refused([](auto& o) { o.texture = 2; });
  refused([](auto& o) { o.most_boxes = 1; });
  refused([](auto& o) { o.most_body = 0.1; });
}

TEST_CASE("a few steps on lines lower the loss, and unseen lines are nearer than zero-filled") {
  const Ex ex;
  models::pisf_sizes sizes{2, 4, 12, 3, 3, 2};
  sizes.residual = true;
  sizes.norm = false;
  const models::pisf<float, Ex> net(ex, sizes, 1);
  train::lines_task<float, Ex> task(ex, net);
  static_assert(train::Task<decltype(task)>);
  train::line_options o = small();
  o.lines = 16;
  o.batches = 100;
  o.rates = {{1.0 / 3, 1}};
  o.families = {{"gaussian", 1}};
  const train::synthetic_lines training(o, 1);
  o.batches = 2;
  const train::synthetic_lines unseen(o, 2);
  train::loop_options run;
  run.epochs = 4;
  run.clip = 0;
  run.optimiser.kind = train::optimiser_kind::adam;
  run.optimiser.rate = 4e-3;
  run.schedule.kind = train::schedule_kind::cosine;
  train::loop<decltype(task)> loop(task, training, &unseen, run);
  const auto fixed = unseen.get(0, 0);
  const double before = task.accumulate(fixed, 0, {}).loss;
  CHECK(loop.run() == train::loop_end::finished);
  CHECK(task.accumulate(fixed, 0, {}).loss < 0.9 * before);
  double missing = 0, all = 0, left = 0;
  for (index_t i = 0; i < 2; ++i) {
    const auto b = unseen.get(0, i);
    const shape<3> s = shape_of(b.kspace);
    for (index_t p = 0; p < s[0] * s[1]; ++p)
      for (index_t c = 0; c < s[2]; ++c) {
        const double e = abs2(b.kspace.data()[p * s[2] + c]);
        all += e;
        if (b.mask.data()[p] == 0) missing += e;
      }
    const auto found = task.evaluate(b);
    left += found.loss / 2;
    CHECK(shape_of(found.image) == shape{s[0], s[1]});
  }
  CHECK(left < 0.9 * missing / all);
}
