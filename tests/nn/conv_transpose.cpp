// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/conv_transpose.hpp"

#include "cardiomm/nn/sequential.hpp"
#include "support/layer_reference.hpp"

using namespace cardiomm;
using Ex = default_space;
template <class T, int D>
using conv_transpose = nn::conv_transpose<T, D, Ex>;

namespace {
template <int D>
void check(const std::string& name, index_t in, index_t out, const nn::conv_options<D>& o) {
  static const io::safetensors_file cases(cardiomm_tests::own_path("conv.safetensors"));
  const Ex ex;
  cardiomm_tests::check_reference(conv_transpose<double, D>(ex, in, out, o), name, 1e-12, cases);
  cardiomm_tests::check_reference(conv_transpose<float, D>(ex, in, out, o), name, 2e-6, cases);
}
}  // namespace

TEST_CASE("transposed convolutions are PyTorch's") {
  check<1>("t1d", 4, 3, {.kernel = {4}, .stride = {3}, .padding = {1}, .output_padding = {2}});
  check<2>("t2d.double", 6, 5, {.kernel = {2, 2}, .stride = {2, 2}});
  check<2>("t2d.same", 3, 4, {.padding = {1, 1}, .bias = false});
  check<2>("t2d.mixed", 4, 6,
           {.kernel = {3, 4},
            .stride = {2, 1},
            .padding = {1, 2},
            .dilation = {1, 2},
            .output_padding = {1, 0}});
  check<2>("t2d.groups", 6, 9,
           {.stride = {2, 2}, .padding = {1, 1}, .groups = 3, .output_padding = {1, 1}});
  check<2>("t2d.depthwise", 18, 18,
           {.kernel = {4, 4}, .stride = {2, 2}, .padding = {1, 1}, .groups = 18, .bias = false});
  check<3>("t3d", 3, 2, {.kernel = {2, 3, 2}, .stride = {2, 1, 2}, .padding = {0, 1, 0}});
}

TEST_CASE("the transposed convolution is the adjoint of the convolution with the same weights") {
  const Ex ex;
  const nn::conv_options<2> o{.stride = {2, 1}, .padding = {1, 1}, .groups = 2};
  const nn::conv<double, 2, Ex> a(ex, 6, 8, o, 3);
  const conv_transpose<double, 2> t(a.weight(), {}, o);
  const nn::conv<double, 2, Ex> linear(a.weight(), {}, o);
  const shape<4> in{{2, 7, 5, 6}};
  const auto out = a.output(in);
  REQUIRE(t.output(out) == in);
  const auto x = nn::check::detail::noise<double>(ex, in, 1, 1);
  const auto y = nn::check::detail::noise<double>(ex, out, 1, 2);
  const double forward = blas1::dot(ex, nn::evaluate(ex, linear, x), y).real();
  const double back = blas1::dot(ex, x, nn::evaluate(ex, t, y)).real();
  CHECK(back == doctest::Approx(forward).epsilon(1e-12));
}

TEST_CASE("a function after a transposed convolution is applied before its results are stored") {
  const Ex ex;
  static_assert(nn::FusesPointwise<conv_transpose<float, 2>, nn::prelu<float, 4, Ex>>);
  const conv_transpose<double, 2> a(ex, 5, 19, {.kernel = {2, 2}, .stride = {2, 2}});
  const nn::prelu<double, 4, Ex> slope(ex);
  const auto x = nn::check::detail::noise<double>(ex, shape{2, 6, 7, 5}, 1, 1);
  const auto y = nn::evaluate(ex, a, x);
  slope.forward(ex, y, y);
  CHECK(cardiomm_tests::worst(nn::evaluate(ex, a | slope, x), y) <= 1e-14);
}

TEST_CASE("transposed convolutions that cannot be give one clear error") {
  const Ex ex;
  using C = conv_transpose<float, 2>;
  CHECK_THROWS_WITH_AS(C(ex, 4, 6, {.stride = {2, 2}, .output_padding = {0, 2}}),
                       "conv_transpose: output_padding: expected less than the stride 2 or the "
                       "dilation 1, found 2 along axis 1",
                       value_error);
  CHECK_THROWS_WITH_AS(C(ex, 4, 6, {}).output(shape{1, 8, 8, 5}),
                       "conv_transpose: expected 4 channels, found features (1, 8, 8, 5)",
                       shape_error);
  CHECK_THROWS_WITH_AS(C(ex, 4, 6, {.padding = {0, 2}}).output(shape{1, 8, 2, 4}),
                       "conv_transpose: expected more pixels than a padding of 2 takes away along "
                       "axis 1, found features (1, 8, 2, 4)",
                       shape_error);
  const nn::parameter<float, Ex> w(ex, {6, 4, 3, 3}), b(ex, {6});
  CHECK_THROWS_WITH_AS(C(w, b), "conv_transpose: bias: expected 4 values, found 6", shape_error);
}
