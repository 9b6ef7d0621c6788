// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/channel_attention.hpp"

#include "support/layer_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::worst;
using Ex = default_space;

TEST_CASE("channel attention is PyTorch's, values and gradients") {
  const Ex ex;
  cardiomm_tests::check_reference(nn::channel_attention<double>(ex, 12), "channel_attention");
  cardiomm_tests::check_reference(nn::channel_attention<float>(ex, 12), "channel_attention", 2e-6);
}

TEST_CASE("channel attention of the reference network") {
  const Ex ex;
  const io::safetensors_file io(own_path("cardiomm_tiny_1d/io.safetensors"));
  const io::safetensors_file weights(own_path("cardiomm_tiny_1d/weights.safetensors"));
  const auto nchw = io.at("block.ca.in").tensor<float, 4>();
  const auto expected = io.at("block.ca.out").tensor<float, 4>();
  const index_t n = nchw.extent(0), c = nchw.extent(1), ny = nchw.extent(2), nx = nchw.extent(3);
  const nn::channel_attention<float> l(ex, c);
  const std::string prefix = "cascades.0.model.unet.enc_level2.encoder.1.CA.";
  for (const auto& p : l.parameters())
    copy(p.second.value(), flatten(weights.at(prefix + p.first).tensor<float, 4>()));
  const auto x = make_tensor<float>(host_space(), shape{n, ny, nx, c});
  const auto y = make_tensor<float>(host_space(), shape_of(x));
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < c; ++j)
      for (index_t a = 0; a < ny; ++a)
        for (index_t b = 0; b < nx; ++b) {
          x(i, a, b, j) = nchw(i, j, a, b);
          y(i, a, b, j) = expected(i, j, a, b);
        }
  CHECK(worst(nn::evaluate(ex, l, to_space(ex, x)), y) <= 1e-6);
}

TEST_CASE("gates from given sums and the residual in one pass, also in place") {
  const Ex ex;
  const shape s{3, 20, 31, 28};
  const auto l =
      nn::specimen<nn::channel_attention<float>>::make(ex, linop::size_class::multiple_of_four, 3);
  REQUIRE(l.channels() == 16);
  const auto x = nn::check::detail::noise<float>(ex, shape{3, 20, 31, 16}, 1, 1);
  const auto skip = nn::check::detail::noise<float>(ex, shape_of(x), 1, 2);
  const auto expected = nn::evaluate(ex, l, x);
  blas1::axpby(ex, 1.f, skip, 1.f, expected);
  const auto sums = make_tensor<double>(ex, shape{index_t(3), l.channels()});
  const auto gate = make_tensor<float>(ex, shape_of(sums));
  nn::channel_sums(ex, x, sums.data());
  l.gates(ex, 3, 20 * 31, sums.data(), gate.data());
  l.scale_add(ex, x, gate.data(), skip, skip);
  CHECK(worst(skip, expected) <= 1e-6);
  CHECK_THROWS_WITH_AS(
      l.output(s), "channel_attention: expected 16 channels, found (3, 20, 31, 28)", shape_error);
}

TEST_CASE("channel sums are those of double, for long and short images") {
  const Ex ex;
  for (const index_t pixels : {1, 15, 127, 5000}) {
    const auto x = nn::check::detail::noise<float>(ex, shape{2, pixels, 29}, 1, 1);
    const auto sums = make_tensor<double>(ex, shape{2, 29});
    const auto expected = make_tensor<double>(host_space(), shape{2, 29});
    nn::channel_sums(ex, x, sums.data());
    const auto h = to_host(x);
    Kokkos::deep_copy(expected, 0.0);
    for (index_t i = 0; i < 2; ++i)
      for (index_t p = 0; p < pixels; ++p)
        for (index_t c = 0; c < 29; ++c) expected(i, c) += double(h(i, p, c));
    CHECK(worst(sums, expected) <= 1e-6);
  }
}
