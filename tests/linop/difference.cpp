// SPDX-License-Identifier: Apache-2.0
// Finite differences against SigPy, and by hand where ends are free.
#include "cardiomm/linop/difference.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/linop/check.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;
using linop::axis;
using linop::ends;

namespace {
template <int R>
tensor<C, R, Ex> reference(const std::string& name) {
  const auto file = io::open_npy(own_path("difference/" + name + ".npy"));
  REQUIRE(static_cast<int>(file.shape().size()) == R);
  shape<R> s{};
  for (int i = 0; i < R; ++i) s[i] = file.shape()[static_cast<std::size_t>(i)];
  auto t = make_tensor<C>(host_space(), s);
  file.read(t.data());
  return to_space(Ex(), t);
}
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}
}  // namespace

TEST_CASE("periodic differences equal SigPy's") {
  const auto x = reference<4>("image");
  const auto all = reference<5>("frame_y_x");
  const linop::gradient<float, Ex> d({axis::frame, axis::y, axis::x});
  CHECK(linop::check::detail::distance(Ex(), d * x, all) < 1e-7);
  CHECK(linop::check::detail::distance(Ex(), linop::gram(d) * x, reference<4>("normal")) < 1e-6);
  const axis axes[] = {axis::frame, axis::y, axis::x};
  for (index_t i = 0; i < 3; ++i) {
    const linop::difference<float, Ex> one(axes[i]);
    CHECK(linop::check::detail::distance(Ex(), one * x, clone(Ex(), slice(all, i))) < 1e-7);
  }
}

TEST_CASE("free ends have no difference at the first sample") {
  auto x = make_tensor<C>(host_space(), shape<4>{{1, 1, 2, 4}});
  const float values[] = {1, 3, 6, 10, 20, 25, 27, 28};
  for (int i = 0; i < 8; ++i) x.data()[i] = C(values[i], -values[i]);
  const linop::gradient<float, Ex> d({axis::x, axis::y}, ends::free);
  const auto y = to_host(d * to_space(Ex(), x));
  const float expected[] = {0, 2, 3, 4, 0, 5, 2, 1, 0, 0, 0, 0, 19, 22, 21, 18};
  for (int i = 0; i < 16; ++i) CHECK(y.data()[i] == C(expected[i], -expected[i]));
  // A constant image is in the kernel whatever the ends; along an axis of one sample all are.
  auto c = make_tensor<C>(Ex(), shape<4>{{1, 2, 3, 4}});
  Kokkos::deep_copy(c, C(2, 1));
  for (const ends e : {ends::free, ends::periodic})
    for (const axis a : {axis::frame, axis::slice, axis::y, axis::x}) {
      const auto z = to_host(linop::difference<float, Ex>(a, e) * c);
      for (std::size_t i = 0; i < z.size(); ++i) CHECK(z.data()[i] == C(0));
    }
}

TEST_CASE("grams of differences are one operator") {
  const linop::gradient<float, Ex> d({axis::y, axis::x});
  static_assert(std::is_same_v<decltype(linop::gram(d)), linop::difference_gram<float, Ex>>);
  const linop::difference<float, Ex, 5> of_sets(axis::frame);
  auto x = make_tensor<C>(Ex(), shape<5>{{2, 3, 1, 4, 5}});
  random::fill_normal(Ex(), x, 1);
  auto y = to_host(of_sets * x);
  auto h = to_host(x);
  CHECK(y(1, 2, 0, 3, 4) == h(1, 2, 0, 3, 4) - h(1, 1, 0, 3, 4));
  CHECK(y(1, 0, 0, 3, 4) == h(1, 0, 0, 3, 4) - h(1, 2, 0, 3, 4));
}

TEST_CASE("differences of bad arguments") {
  using G = linop::gradient<float, Ex>;
  CHECK(message_of([] { G(std::vector<axis>{}); }) ==
        "gradient: expected at least one axis, found none");
  CHECK(message_of([] {
          G({axis::y, axis::y});
        }) == "gradient: expected different axes, found one twice");
  auto x = make_tensor<C>(Ex(), shape<4>{{1, 1, 2, 4}});
  auto y = make_tensor<C>(Ex(), shape<5>{{3, 1, 1, 2, 4}});
  CHECK_THROWS_AS(linop::apply(Ex(), G({axis::y, axis::x}), x, y), shape_error);
}
