// SPDX-License-Identifier: Apache-2.0
// Every stored gradient of the tiny fixtures: all parameters, both embeddings, measured k-space.
#include "cardiomm/models/cardiomm_pass.hpp"
#include "cardiomm/nn/loss.hpp"
#include "models/fixture.hpp"
#include "support/counters.hpp"

using namespace cardiomm_tests;

namespace {

template <class T>
void check_gradients(const std::string& folder, bool square, const std::string& loss,
                     double tolerance, double loss_tolerance) {
  constexpr bool exact = std::is_same_v<T, double>;
  using Ex = cm::host_space;
  const fixture<T> f(folder);
  const auto net = f.load();
  const cm::io::safetensors_file truth(folder +
                                       (exact ? "/f64.safetensors" : "/grads.safetensors"));
  const std::string suffix = exact ? "64." : ".", prefix = "grad" + suffix + loss + ".";
  const auto k = f.kspace();
  const auto meta = f.acquisition(), us = f.sampling();
  cm::models::cardiomm_options o;
  o.acs = f.acs();
  o.rule = square ? cm::models::acs_rule::square : cm::models::acs_rule::lines;
  const auto parameters = net.parameters();
  for (const auto& p : parameters) p.second.set_trainable(true);  // the banks too
  cm::nn::zero_gradients(f.ex, parameters);
  cm::models::cardiomm_pass<T, Ex> pass(f.ex, net, cm::shape_of(k), f.mask(), 1, o);
  const auto image = pass.forward(k, meta, us);

  auto dimage = cm::make_tensor<T>(f.ex, cm::shape_of(image));
  const auto target = fixture<T>::image_of(f.io, "in.target");
  auto most = cm::make_tensor<T>(f.ex, cm::shape{index_t(1)});
  f.io.at("in.max_value").read(most.data());
  const double value = loss == "l1" ? cm::nn::l1_loss(f.ex, image, target, dimage)
                                    : cm::nn::ssim_loss(f.ex, image, target, most, dimage);
  double expected = 0;
  truth.at("loss" + suffix + loss).read(&expected);
  CHECK(std::abs(value - expected) <= loss_tolerance * std::abs(expected));

  auto dk = cm::make_tensor<cm::complex<T>>(f.ex, cm::shape_of(k));
  auto dmeta = cm::make_tensor<T>(f.ex, cm::shape_of(meta)),
       dus = cm::make_tensor<T>(f.ex, cm::shape_of(us));
  pass.backward(dimage, dk, dmeta, dus);

  double worst = 0;
  std::string where;
  int compared = 0;
  const auto compare = [&](const std::string& name, double e) {
    ++compared;
    CHECK_MESSAGE(e <= tolerance, name << ": " << e);
    if (!(e <= worst)) {
      worst = e;
      where = name;
    }
  };
  compare("masked_kspace",
          distance(dk, fixture<T>::complex_of(truth, prefix + "input.masked_kspace")));
  std::vector<T> v(dmeta.size());
  truth.at(prefix + "input.lm_embd_adapt").read(v.data());
  compare("lm_embd_adapt", error_of(dmeta.data(), v.data(), v.size()));
  truth.at(prefix + "input.lm_embd_adapt2").read(v.data());
  compare("lm_embd_adapt2", error_of(dus.data(), v.data(), v.size()));
  for (const auto& [name, p] : parameters) {
    if (!truth.contains(prefix + name)) continue;
    std::vector<T> want(std::size_t(p.size())), found(p.gradient(), p.gradient() + p.size());
    truth.at(prefix + name).read(want.data());
    cm::models::exchange_rows_and_columns(p.extents(), found.data());
    compare(name, error_of(found.data(), want.data(), want.size()));
  }
  MESSAGE(folder.substr(folder.size() - 2)
          << " " << loss << ": " << compared << " gradients, worst " << worst << " of " << where
          << ", plan " << pass.bytes() / (1 << 20) << " MiB");
  std::size_t stored = 0;
  for (const auto& name : truth.names()) stored += name.compare(0, prefix.size(), prefix) == 0;
  CHECK(std::size_t(compared) == stored);
}

}  // namespace

TEST_CASE("cardiomm: gradients in double are those of the reference in double") {
  SHARED_OR_SKIP(line, "fixtures/cardiomm_tiny_1d");
  SHARED_OR_SKIP(radial, "fixtures/cardiomm_tiny_2d");
  for (const char* loss : {"l1", "ssim"}) {
    check_gradients<double>(line, false, loss, 1e-9, 1e-11);
    check_gradients<double>(radial, true, loss, 1e-9, 1e-11);
  }
}
TEST_CASE("cardiomm: gradients in float are those of the reference in float") {
  SHARED_OR_SKIP(line, "fixtures/cardiomm_tiny_1d");
  SHARED_OR_SKIP(radial, "fixtures/cardiomm_tiny_2d");
  for (const char* loss : {"l1", "ssim"}) {
    check_gradients<float>(line, false, loss, 2e-4, 1e-5);
    check_gradients<float>(radial, true, loss, 2e-4, 1e-5);
  }
}

namespace {

/// A small network of its own, with data; gradients of sum(image * weights).
struct small_problem {
  using Ex = cm::host_space;
  using C = cm::complex<float>;
  Ex ex;
  cm::models::cardiomm<float, Ex> net;
  cm::shape<4> s{{1, 4, 24, 18}};
  cm::tensor<C, 4, Ex> kspace;
  cm::tensor<float, 2, Ex> acquisition, sampling;
  cm::tensor<float, 3, Ex> dimage;

  small_problem() : net(ex, sizes()) {
    kspace = cm::make_tensor<C>(ex, s);
    acquisition = cm::make_tensor<float>(ex, cm::shape{index_t(1), index_t(5)});
    sampling = cm::clone(ex, acquisition);
    dimage = cm::make_tensor<float>(ex, cm::shape{index_t(1), s[2], s[3]});
    cm::random::fill_normal(ex, kspace, 1);
    cm::random::fill_normal(ex, acquisition, 2);
    cm::random::fill_normal(ex, sampling, 3);
    cm::random::fill_normal(ex, dimage, 4);
    std::uint64_t stream = 0;
    for (const auto& [name, p] : net.parameters())
      if (name.find("gamma") != std::string::npos || name.find("beta") != std::string::npos ||
          name.find("prompt_param") != std::string::npos)
        cm::random::fill_normal(ex, p.value(), 5, stream++);
  }
  static cm::models::cardiomm_sizes sizes() {
    cm::models::cardiomm_sizes c;
    c.cascades = 3;
    c.embedding = 5;
    c.image = {2, 2, 8, 1, 2, 5, {{12, 1, 1, 1, 4, 2, 5}, {16, 1, 1, 0, 4, 2, 4}}};
    c.sensitivity = {2, 2, 4, 1, 2, 5, {{6, 1, 1, 1, 2, 2, 3}}};
    return c;
  }
  cm::host_tensor<std::uint8_t, 3> mask(index_t step) const {
    const auto m = cm::make_tensor<std::uint8_t>(ex, cm::shape{index_t(1), s[2], s[3]});
    for (index_t y = 0; y < s[2]; ++y)
      for (index_t x = 0; x < s[3]; ++x)
        m(0, y, x) = y % step == 0 || std::abs(y - s[2] / 2) < step;
    return m;
  }
  using pass = cm::models::cardiomm_pass<float, Ex>;
  pass make(index_t step, index_t acs, cm::models::tapes keep) const {
    cm::models::cardiomm_options o;
    o.acs = acs;
    return {ex, net, s, mask(step), 1, o, keep};
  }
  /// Image and all gradients, one after the other.
  std::vector<float> run(pass& p,
                         const std::function<void(std::size_t, std::size_t)>& told = {}) const {
    const auto parameters = net.parameters();
    cm::nn::zero_gradients(ex, parameters);
    const auto image = p.forward(kspace, acquisition, sampling);
    std::vector<float> all(image.data(), image.data() + image.size());
    const auto dk = cm::make_tensor<C>(ex, s);
    p.backward(dimage, dk, {}, {}, told);
    const auto* reals = cm::blas1::detail::reals(dk.data());
    all.insert(all.end(), reals, reals + 2 * dk.size());
    for (const auto& [name, q] : parameters)
      if (q.gradient()) all.insert(all.end(), q.gradient(), q.gradient() + q.size());
    return all;
  }
};

}  // namespace

TEST_CASE("cardiomm_pass: features that are computed again give the same bits in less memory") {
  const small_problem p;
  auto kept = p.make(2, 6, cm::models::tapes::kept);
  auto again = p.make(2, 6, cm::models::tapes::recomputed);
  const auto a = p.run(kept), b = p.run(again);
  REQUIRE(a.size() == b.size());
  CHECK(std::count_if(a.begin(), a.end(), [](float v) { return v != 0; }) >
        std::ptrdiff_t(a.size() / 2));
  CHECK(std::equal(a.begin(), a.end(), b.begin()));
  CHECK(p.run(again) == b);
  CHECK(2 * again.bytes() < kept.bytes());
  const auto kib = [](const auto& pass) { return std::to_string(pass.bytes() / 1024) + " KiB"; };
  MESSAGE(kib(kept) << " kept, " << kib(again) << " recomputed");
}

TEST_CASE("cardiomm_pass: one plan serves all masks of a shape, and allocates nothing") {
  const small_problem p;
  for (const auto keep : {cm::models::tapes::kept, cm::models::tapes::recomputed}) {
    auto one = p.make(2, 6, keep), other = p.make(3, 4, keep);
    const auto expected = p.run(other), before = p.run(one);
    CHECK(before != expected);
    const auto mask = p.mask(3);
    one.set_mask(mask, 4);
    CHECK(p.run(one) == expected);
    const auto made = cardiomm_tests::count_events([&] {
      one.set_mask(mask, 4);
      (void)one.forward(p.kspace, p.acquisition, p.sampling);
      one.backward(p.dimage);
    });
    CHECK_MESSAGE(made.allocations == 0, made);
  }
  auto pass = p.make(2, 6, cm::models::tapes::kept);
  const auto small =
      cm::make_tensor<std::uint8_t>(p.ex, cm::shape{index_t(1), index_t(24), index_t(9)});
  CHECK_THROWS_AS(pass.set_mask(small, 6), cm::shape_error);
  CHECK_THROWS_AS(pass.set_mask(p.mask(2), 25), cm::value_error);
}

TEST_CASE("cardiomm_pass: backward tells which gradients are complete") {
  const small_problem p;
  const auto parameters = p.net.parameters();
  auto pass = p.make(2, 6, cm::models::tapes::kept);
  (void)p.run(pass);
  std::vector<std::vector<float>> complete;
  for (const auto& [name, q] : parameters)
    complete.emplace_back(q.gradient(), q.gradient() + (q.gradient() ? q.size() : 0));
  // Names of a parameter that has been there before belong to the first of them.
  const auto known_before = [&](std::size_t i) {
    for (std::size_t j = 0; j < i; ++j)
      if (parameters[j].second.same_as(parameters[i].second)) return true;
    return false;
  };
  std::vector<int> told(parameters.size(), 0);
  std::vector<std::size_t> firsts;
  (void)p.run(pass, [&](std::size_t first, std::size_t last) {
    firsts.push_back(first);
    for (std::size_t i = first; i < last; ++i) {
      ++told[i];
      const auto& q = parameters[i].second;
      if (q.gradient() && !known_before(i))
        CHECK_MESSAGE(std::equal(complete[i].begin(), complete[i].end(), q.gradient()),
                      parameters[i].first);
    }
  });
  CHECK(std::all_of(told.begin(), told.end(), [](int n) { return n == 1; }));
  CHECK(firsts.size() == 4);
  CHECK(std::is_sorted(firsts.rbegin(), firsts.rend()));
}
