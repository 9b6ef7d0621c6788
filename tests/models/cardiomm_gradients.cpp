// SPDX-License-Identifier: Apache-2.0
// Every stored gradient of the tiny fixtures: all parameters, both embeddings, measured k-space.
#include "cardiomm/models/cardiomm_pass.hpp"
#include "cardiomm/nn/loss.hpp"
#include "models/fixture.hpp"

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
