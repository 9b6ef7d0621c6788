// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/models/pisf.hpp"
#include "cardiomm/models/line_chain.hpp"
#include "cardiomm/models/pisf_pass.hpp"

#include "support/layer_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::stored;
using cardiomm_tests::worst;
using Ex = default_space;

namespace {

const io::safetensors_file& cases() {
  static const io::safetensors_file file(own_path("pisf/network.safetensors"));
  return file;
}
template <class T>
tensor<complex<T>, 3, Ex> lines(const Ex& ex, const std::string& name) {
  const auto v = stored<T, 3>(ex, cases(), name);
  const auto out = make_tensor<complex<T>>(
      ex, shape{index_t(v.extent(0)), index_t(v.extent(1)), index_t(v.extent(2)) / 2});
  std::copy_n(v.data(), v.size(), reinterpret_cast<T*>(out.data()));
  return out;
}
/// The real numbers of lines.
template <class V>
auto reals(const V& v) {
  using T = real_of<element_of<V>>;
  return borrow(Ex(), reinterpret_cast<const T*>(v.data()),
                shape{index_t(v.extent(0)), index_t(v.extent(1)), 2 * index_t(v.extent(2))});
}
models::pisf_sizes small(const std::string& name) {
  models::pisf_sizes s{2, 2, 4, 3, 3, 2};
  s.norm = name != "last";
  s.residual = name == "residual";
  s.threshold_last = name == "last";
  s.factor = name == "last" ? 1 : 2;
  return s;
}
}  // namespace

TEST_CASE("the network, its loss and all gradients are PyTorch's") {
  const Ex ex;
  for (const std::string name : {"plain", "residual", "last"}) {
    CAPTURE(name);
    const models::pisf<double, Ex> net(ex, small(name));
    for (const auto& [p, v] : net.parameters())
      if (p != "options") cases().at(name + ".param." + p).read(v.data());
    const auto z = lines<double>(ex, name + ".z"), ref = lines<double>(ex, name + ".reference");
    const auto mask = stored<double, 2>(ex, cases(), name + ".mask");
    const auto y = make_tensor<complex<double>>(ex, shape_of(z));
    net.forward(ex, z, mask, y);
    CHECK(worst(reals(y), stored<double, 3>(ex, cases(), name + ".eval")) <= 1e-12);

    net.set_training(true);
    nn::zero_gradients(ex, net.parameters());
    models::pisf_pass<double, Ex> pass(ex, net, shape_of(z));
    const auto e = pass.forward(z, mask);
    CHECK(worst(reals(e), stored<double, 3>(ex, cases(), name + ".result")) <= 1e-12);
    const auto expected = stored<double, 1>(ex, cases(), name + ".loss");
    CHECK(pass.loss(ref) == doctest::Approx(expected(0)).epsilon(1e-12));
    // In two halves: gradients are added up.
    pass.backward(0.25);
    std::size_t next = net.parameters().size() - 1;
    pass.backward(0.75, [&](std::size_t first, std::size_t last) {
      CHECK(last == next);
      next = first;
    });
    CHECK(next == 0);
    for (const auto& [p, v] : net.parameters()) {
      CAPTURE(p);
      const std::string grad = name + ".grad." + p, after = name + ".after." + p;
      const auto compare = [&](const std::string& key, const double* found) {
        std::vector<double> want(std::size_t(cases().at(key).size()));
        cases().at(key).read(want.data());
        double error = 0, scale = 1e-9;
        for (std::size_t i = 0; i < want.size(); ++i) {
          error = std::max(error, std::abs(want[i] - found[i]));
          scale = std::max(scale, std::abs(want[i]));
        }
        CHECK(error <= 1e-10 * scale);
      };
      CHECK((v.gradient() != nullptr) == cases().contains(grad));
      if (v.gradient()) compare(grad, v.gradient());
      if (cases().contains(after)) compare(after, v.data());
    }
  }
}

TEST_CASE("gradients of the loss are differences of the loss") {
  const Ex ex;
  models::pisf_sizes sizes{2, 2, 5, 3, 2, 2};
  for (const bool norm : {true, false}) {
    sizes.norm = norm;
    sizes.residual = norm;
    const models::pisf<double, Ex> net(ex, sizes, 3);
    net.set_training(true);
    std::uint64_t first = 100;
    for (const auto& [name, p] : net.parameters())  // away from the kinks of relu at zero
      if (name.find(".bias") != std::string::npos || name.find("eta1") != std::string::npos)
        nn::init::uniform(ex, p, 0.5, 1, first++);
    const shape<3> s{{4, 9, 2}};
    const auto ref = nn::check::detail::noise<complex<double>>(ex, s, 1, 1);
    const auto z = clone(ex, ref);
    const auto mask = make_tensor<double>(ex, shape<2>{{4, 9}});
    for (index_t i = 0; i < 4; ++i)
      for (index_t y = 0; y < 9; ++y) {
        mask(i, y) = (i + y) % 3 == 0;
        for (index_t c = 0; c < 2; ++c) z(i, y, c) *= mask(i, y);
      }
    models::pisf_pass<double, Ex> pass(ex, net, s);
    const auto loss = [&] {
      pass.forward(z, mask);
      return pass.loss(ref);
    };
    nn::zero_gradients(ex, net.parameters());
    loss();
    pass.backward(1.0);
    std::uint64_t stream = 1;
    for (const auto& [name, p] : net.parameters()) {
      if (!p.gradient()) continue;
      CAPTURE(name);
      const auto along = nn::check::detail::noise<double>(ex, shape<1>{{p.size()}}, 5, stream++);
      const auto kept = clone(ex, p.value());
      const auto at = [&](double step) {
        for (index_t i = 0; i < p.size(); ++i) p.data()[i] = kept(i) + step * along(i);
        const double v = loss();
        Kokkos::deep_copy(p.value(), kept);
        return v;
      };
      const double h = 1e-6, expected = (at(h) - at(-h)) / (2 * h);
      double found = 0, size = 0;
      for (index_t i = 0; i < p.size(); ++i) {
        found += p.gradient()[i] * along(i);
        size += std::abs(p.gradient()[i]);
      }
      CHECK(std::abs(found - expected) <= 2e-5 * std::max(size, 1e-2));
    }
  }
}

TEST_CASE("float agrees with double, and folded norms with the plain ones") {
  const Ex ex;
  models::pisf_sizes sizes{3, 4, 16, 3, 4, 3};
  const models::pisf<float, Ex> net(ex, sizes, 1);
  const models::pisf<double, Ex> twin(ex, sizes, 1);
  const auto a = net.parameters();
  const auto b = twin.parameters();
  for (std::size_t i = 0; i < a.size(); ++i)
    for (index_t j = 0; j < a[i].second.size(); ++j) {
      if (a[i].first.find("running") != std::string::npos)
        a[i].second.data()[j] = 0.5f + 0.1f * float(j % 5);
      b[i].second.data()[j] = a[i].second.data()[j];
    }
  const shape<3> s{{5, 33, 4}};
  const auto z = nn::check::detail::noise<complex<float>>(ex, s, 1, 1);
  const auto mask = make_tensor<float>(ex, shape<2>{{5, 33}});
  Kokkos::deep_copy(mask, 1.f);
  const auto y = make_tensor<complex<float>>(ex, s);
  net.forward(ex, z, mask, y);
  const auto zd = make_tensor<complex<double>>(ex, s), yd = make_tensor<complex<double>>(ex, s);
  const auto maskd = make_tensor<double>(ex, shape<2>{{5, 33}});
  Kokkos::deep_copy(maskd, 1.0);
  for (std::size_t i = 0; i < z.size(); ++i)
    zd.data()[i] = complex<double>(z.data()[i].real(), z.data()[i].imag());
  twin.forward(ex, zd, maskd, yd);
  CHECK(worst(reals(y), reals(yd)) <= 2e-5);
  // A pass without a change of modes is the same function.
  models::pisf_pass<float, Ex> pass(ex, net, s, 0);
  CHECK(worst(reals(pass.forward(z, mask)), reals(y)) <= 2e-5);
}

TEST_CASE("the data step is exact on samples when eta2 = 1 and r = 0") {
  const Ex ex;
  models::pisf_sizes sizes{1, 2, 4, 3, 2, 2};
  sizes.residual = true;
  const models::pisf<double, Ex> net(ex, sizes, 1);
  for (const auto& [name, p] : net.parameters()) {
    if (name.find("eta1") != std::string::npos) Kokkos::deep_copy(p.value(), 0.0);
    // Psi3 = 0: what is left of the phase is the data step.
    if (name.find("image_synthesis.1.") != std::string::npos) Kokkos::deep_copy(p.value(), 0.0);
  }
  const shape<3> s{{3, 16, 2}};
  const auto z = nn::check::detail::noise<complex<double>>(ex, s, 1, 1);
  const auto mask = make_tensor<double>(ex, shape<2>{{3, 16}});
  for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = i % 3 != 1;
  for (index_t i = 0; i < 48; ++i)
    for (index_t c = 0; c < 2; ++c) z.data()[2 * i + c] *= mask.data()[i];
  const auto y = make_tensor<complex<double>>(ex, s);
  net.forward(ex, z, mask, y);
  CHECK(worst(reals(y), reals(z)) <= 1e-14);
}

TEST_CASE("weights make the round, and files that do not fit are refused") {
  const Ex ex;
  models::pisf_sizes sizes{2, 3, 6, 5, 4, 2};
  sizes.residual = true;
  sizes.factor = 1.5;
  const models::pisf<float, Ex> net(ex, sizes, 7);
  nn::tensor_source file;
  const auto all = net.parameters();
  for (const auto& [name, p] : all) file.shapes[name] = p.extents();
  const auto read = [all](const std::string& name, auto* out) {
    for (const auto& [n, p] : all)
      if (n == name) std::copy_n(p.data(), p.size(), out);
  };
  file.read_float = read;
  file.read_double = read;
  CHECK(models::read_pisf_sizes(file) == sizes);
  const auto again = models::load_pisf<float>(ex, file);
  const auto loaded = again.parameters();
  for (std::size_t i = 0; i < all.size(); ++i)
    CHECK(std::equal(all[i].second.data(), all[i].second.data() + all[i].second.size(),
                     loaded[i].second.data()));
  auto broken = file;
  broken.shapes.erase("phases.1.eta2");
  CHECK_THROWS_WITH_AS(models::load_pisf<float>(ex, broken),
                       doctest::Contains("missing: phases.1.eta2"), value_error);
  broken.shapes.erase("options");
  CHECK_THROWS_AS(models::load_pisf<float>(ex, broken), value_error);
  broken = file;
  broken.shapes["phases.9998.eta1"] = {1};
  CHECK_THROWS_AS(models::load_pisf<float>(ex, broken), value_error);
  CHECK_THROWS_AS(models::load_pisf<float>(ex, nn::tensor_source{}), value_error);
  sizes.phases = 0;
  CHECK_THROWS_AS((models::pisf<float, Ex>(ex, sizes)), value_error);
  const auto z = zeros<complex<float>>(ex, shape<3>{{2, 8, 4}});
  const auto mask = zeros<float>(ex, shape<2>{{2, 8}});
  CHECK_THROWS_AS(net.forward(ex, z, mask, z), shape_error);
}
