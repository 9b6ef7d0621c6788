// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/conv.hpp"

#include "cardiomm/nn/column_sum.hpp"
#include "cardiomm/nn/conv_engine.hpp"
#include "cardiomm/nn/conv_options.hpp"
#include "cardiomm/nn/conv_portable.hpp"
#include "cardiomm/nn/conv_tile.hpp"
#include "cardiomm/nn/sequential.hpp"
#include "support/layer_reference.hpp"

using namespace cardiomm;
using Ex = default_space;
template <class T, int D>
using conv = nn::conv<T, D, Ex>;

namespace {
const io::safetensors_file& cases() {
  static const io::safetensors_file file(cardiomm_tests::own_path("conv.safetensors"));
  return file;
}
template <int D>
void check(const std::string& name, index_t in, index_t out, const nn::conv_options<D>& o) {
  const Ex ex;
  cardiomm_tests::check_reference(conv<double, D>(ex, in, out, o), name, 1e-12, cases());
  cardiomm_tests::check_reference(conv<float, D>(ex, in, out, o), name, 2e-6, cases());
}
}  // namespace

TEST_CASE("convolutions along one axis are PyTorch's") {
  check<1>("1d", 3, 5, {.kernel = {5}, .stride = {2}, .padding = {1}, .dilation = {2}});
  check<1>("1d.groups", 6, 9, {.kernel = {2}, .padding = {3}, .groups = 3, .bias = false});
}

TEST_CASE("convolutions along two axes are PyTorch's") {
  check<2>("2d", 3, 20, nn::conv_options<2>::same(3));
  check<2>("2d.one", 18, 3, {.kernel = {1, 1}});
  check<2>("2d.wide", 2, 5, {.kernel = {5, 3}, .padding = {2, 1}, .bias = false});
  check<2>("2d.stride", 4, 6, {.stride = {2, 2}, .padding = {1, 1}});
  check<2>("2d.mixed", 4, 6,
           {.kernel = {2, 4}, .stride = {3, 2}, .padding = {0, 3}, .dilation = {2, 1}});
  check<2>("2d.beyond", 2, 3, {.kernel = {2, 2}, .stride = {2, 2}, .padding = {1, 0}});
  check<2>("2d.groups", 8, 12, {.stride = {1, 2}, .padding = {1, 1}, .groups = 4});
  check<2>("2d.depthwise", 19, 19, {.padding = {1, 1}, .groups = 19});
  check<2>("2d.multiplier", 5, 15, {.padding = {2, 2}, .dilation = {2, 2}, .groups = 5});
  check<2>("2d.pixel", 6, 4, nn::conv_options<2>::same(3));
}

TEST_CASE("convolutions along three axes are PyTorch's") {
  check<3>("3d", 2, 4, {.kernel = {3, 3, 2}, .stride = {1, 2, 1}, .padding = {1, 1, 0}});
  check<3>("3d.groups", 4, 4,
           {.padding = {2, 2, 2}, .dilation = {1, 2, 1}, .groups = 2, .bias = false});
  check<3>("3d.flat", 3, 4, {.kernel = {1, 3, 3}, .padding = {0, 1, 1}});
}

// Tiles are for devices, but run everywhere: both forms of the portable kernels agree, also where a
// product is larger than a tile, ends within one, and has groups.
TEST_CASE("tiles and rows of the portable kernels give the same") {
  const Ex ex;
  struct size {
    index_t in, out, groups, y, x, stride;
  };
  for (const size n :
       {size{3, 5, 1, 6, 5, 1}, size{40, 70, 1, 9, 13, 2}, size{32, 64, 2, 5, 6, 1}}) {
    nn::conv_options<2> o = nn::conv_options<2>::same(3);
    o.groups = n.groups;
    o.stride = {n.stride, n.stride};
    const conv<double, 2> l(ex, n.in, n.out, o, 5);
    const shape<4> in{{2, n.y, n.x, n.in}};
    const auto out = l.output(in);
    const auto s = nn::detail::sizes_of(o, in, out);
    const auto x = nn::check::detail::noise<double>(ex, in, 1, 1);
    const auto dy = nn::check::detail::noise<double>(ex, out, 1, 2);
    tensor<double, 4, Ex> y[2], dx[2];
    tensor<double, 1, Ex> dw[2];
    for (int tiles = 0; tiles < 2; ++tiles) {
      y[tiles] = make_tensor<double>(ex, out);
      dx[tiles] = make_tensor<double>(ex, in);
      dw[tiles] = zeros<double>(ex, shape<1>{{s.weights()}});
      const double *w = l.weight().data(), *b = l.bias().data();
      nn::conv_portable::forward(ex, s, x.data(), w, b, y[tiles].data(),
                                 nn::detail::relu_function{}, tiles == 1);
      nn::conv_portable::adjoint(ex, s, dy.data(), w, static_cast<const double*>(nullptr),
                                 dx[tiles].data(), nn::same_value{}, tiles == 1);
      nn::conv_portable::add_weight_gradient(ex, s, x.data(), dy.data(), dw[tiles].data(),
                                             tiles == 1);
    }
    CHECK(cardiomm_tests::worst(y[1], y[0]) <= 1e-14);
    CHECK(cardiomm_tests::worst(dx[1], dx[0]) <= 1e-13);
    CHECK(cardiomm_tests::worst(dw[1], dw[0]) <= 1e-13);
    // ... and the same as the layer, whatever code it chose.
    const auto chosen = nn::evaluate(ex, l | nn::relu<double, 4, Ex>(), x);
    CHECK(cardiomm_tests::worst(chosen, y[0]) <= 1e-13);
  }
}

TEST_CASE("kernels longer than what is kept of an axis") {
  const Ex ex;
  const nn::conv_options<2> o{
      .kernel = {3, 11}, .stride = {1, 2}, .padding = {1, 5}, .dilation = {2, 1}};
  const conv<double, 2> l(ex, 5, 21, o, 5);
  const shape<4> in{{2, 9, 17, 5}};
  CHECK(nn::check::gradient_error(ex, l, in, 3) <= 1e-6);
  const auto x = nn::check::detail::noise<double>(ex, in, 1, 1);
  const auto y = nn::evaluate(ex, l, x);
  const auto tiles = make_tensor<double>(ex, shape_of(y));
  const double *w = l.weight().data(), *b = l.bias().data();
  nn::conv_portable::forward(ex, nn::detail::sizes_of(o, in, shape_of(y)), x.data(), w, b,
                             tiles.data(), nn::same_value{}, true);
  CHECK(cardiomm_tests::worst(y, tiles) <= 1e-13);
}

TEST_CASE("a function after a convolution is applied before its results are stored") {
  const Ex ex;
  static_assert(nn::FusesPointwise<conv<float, 2>, nn::prelu<float, 4, Ex>>);
  for (const index_t channels : {3, 16, 37}) {
    const conv<double, 2> a(ex, 5, channels);
    const nn::prelu<double, 4, Ex> slopes(ex, channels);
    nn::init::uniform(ex, slopes.weight, 1, 3);
    const shape<4> in{{2, 6, 7, 5}};
    const auto x = nn::check::detail::noise<double>(ex, in, 1, 1);
    const auto y = nn::evaluate(ex, a, x);
    slopes.forward(ex, y, y);
    CHECK(cardiomm_tests::worst(nn::evaluate(ex, a | slopes, x), y) <= 1e-14);
  }
}

TEST_CASE("a function after a convolution takes no memory of its own") {
  const Ex ex;
  const nn::conv<float, 2, Ex> a(ex, 4, 24, {.kernel = {1, 1}});
  const auto both = a | nn::relu<float, 4, Ex>();
  const auto x = zeros<float>(ex, shape{1, 256, 256, 4});
  const auto y = make_tensor<float>(ex, a.output(shape_of(x)));
  a.forward(ex, x, y);
  const std::size_t before = workspace<Ex>::of(ex).capacity();
  REQUIRE(before < y.size() * sizeof(float));
  both.forward(ex, x, y);
  CHECK(workspace<Ex>::of(ex).capacity() == before);
}

TEST_CASE("no items are no error") {
  const Ex ex;
  const nn::conv<float, 2, Ex> plane(ex, 4, 6), grouped(ex, 4, 6, {.padding = {1, 1}, .groups = 2});
  for (const auto& l : {plane, grouped}) {
    zero_gradients(ex, l.parameters());
    nn::recording<nn::conv<float, 2, Ex>> pass(ex, l, shape{0, 5, 5, 4});
    const auto x = make_tensor<float>(ex, shape{0, 5, 5, 4});
    pass.forward(x);
    pass.backward(make_tensor<float>(ex, l.output(shape_of(x))), x);
    CHECK(blas1::norm(ex, l.weight().gradient_view()) == 0);
    CHECK(blas1::norm(ex, l.bias().gradient_view()) == 0);
  }
}

TEST_CASE("given parameters are shared, and say what the kernel is") {
  const Ex ex;
  const nn::parameter<float, Ex> w(ex, {6, 2, 5, 3}), b(ex, {6});
  const conv<float, 2> l(w, b, {.padding = {2, 1}, .groups = 2});
  CHECK(l.in_channels() == 4);
  CHECK(l.out_channels() == 6);
  CHECK(l.output(shape{1, 7, 8, 4}) == shape{1, 7, 8, 6});
  CHECK(l.weight().same_as(w));
  CHECK(l.parameters().size() == 2);
  CHECK(conv<float, 2>(w, {}, {.padding = {2, 1}, .groups = 2}).parameters().size() == 1);
}

TEST_CASE("first values belong to the seed and lie within 1 / sqrt(fan in)") {
  const Ex ex;
  const conv<float, 2> a(ex, 8, 16, {}, 1), b(ex, 8, 16, {}, 1), c(ex, 8, 16, {}, 2);
  const auto w = to_host(clone(ex, a.weight().value()));
  float most = 0;
  for (std::size_t i = 0; i < w.size(); ++i) most = std::max(most, std::abs(w(i)));
  CHECK(most <= 1 / std::sqrt(72.f));
  CHECK(most > 0.99f / std::sqrt(72.f));
  CHECK(cardiomm_tests::worst(a.weight().value(), b.weight().value()) == 0);
  CHECK(cardiomm_tests::worst(a.weight().value(), c.weight().value()) > 0.1);
}

TEST_CASE("convolutions that cannot be give one clear error") {
  const Ex ex;
  using C = conv<float, 2>;
  CHECK_THROWS_WITH_AS(C(ex, 4, 6, {.groups = 3}),
                       "conv: groups: expected a divisor of 4 in and 6 out channels, found 3",
                       shape_error);
  CHECK_THROWS_WITH_AS(C(ex, 0, 6), "conv: expected at least one channel, found 0 in and 6 out",
                       shape_error);
  CHECK_THROWS_WITH_AS(C(ex, 4, 6, {.stride = {1, 0}}),
                       "conv: stride: expected positive numbers, found 0 along axis 1",
                       value_error);
  CHECK_THROWS_WITH_AS(C(ex, 4, 6, {.output_padding = {1, 0}}),
                       "conv: output_padding: expected 0, it belongs to transposed convolutions, "
                       "found 1",
                       value_error);
  CHECK_THROWS_WITH_AS(nn::conv_options<2>::same(4), "conv: same: expected an odd kernel, found 4",
                       value_error);
  CHECK_THROWS_WITH_AS(C(ex, 4, 6).output(shape{1, 8, 8, 5}),
                       "conv: expected 4 channels, found features (1, 8, 8, 5)", shape_error);
  CHECK_THROWS_WITH_AS(C(ex, 4, 6, {.kernel = {3, 5}, .padding = {0, 1}}).output(shape{1, 8, 2, 4}),
                       "conv: expected at least 5 pixels, padding included, along axis 1, found "
                       "features (1, 8, 2, 4) and a padding of 1",
                       shape_error);
  const nn::parameter<float, Ex> w(ex, {6, 4, 3, 3}), flat(ex, {6, 4, 3}), b(ex, {5});
  CHECK_THROWS_WITH_AS(C(flat, {}), "conv: weight: expected 4 extents, found 3", shape_error);
  CHECK_THROWS_WITH_AS(C(w, b), "conv: bias: expected 6 values, found 5", shape_error);
}
