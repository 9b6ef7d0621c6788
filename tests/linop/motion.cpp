// SPDX-License-Identifier: Apache-2.0
// Motion against SciPy's ndimage.
#include "cardiomm/linop/motion.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/linop/check.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {
template <class T, int R>
host_tensor<T, R> reference(const std::string& name, shape<R> s) {
  const auto file = io::open_npy(own_path("motion/" + name + ".npy"));
  auto t = make_tensor<T>(host_space(), s);
  REQUIRE(file.size() == s.size());
  file.read(t.data());
  return t;
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
constexpr index_t ny = 19, nx = 22;
}  // namespace

TEST_CASE("rigid motion and displacement fields equal SciPy's") {
  const auto image = to_space(Ex(), reference<C>("image", shape<4>{{1, 1, ny, nx}}));
  const auto rigid = to_space(Ex(), reference<C>("rigid", shape<4>{{3, 1, ny, nx}}));
  const std::vector<linop::pose> poses{{0.0, 2.0, -3.0}, {0.35, 0.6, -1.3}, {-1.9, 4.2, 7.7}};
  const linop::motion<float, Ex> moves(linop::rigid_motion<float>(ny, nx, poses),
                                       linop::motion_of::reference);
  CHECK(linop::check::detail::distance(Ex(), moves * image, rigid) < 1e-6);
  const auto field = reference<float>("field", shape<5>{{1, 1, ny, nx, 2}});
  const auto warped = to_space(Ex(), reference<C>("warped", shape<4>{{1, 1, ny, nx}}));
  const linop::motion<float, Ex> warp(field);
  CHECK(linop::check::detail::distance(Ex(), warp * image, warped) < 1e-6);
}

TEST_CASE("one field serves all slices, and the adjoint sums over frames") {
  const index_t frames = 3, slices = 2;
  const std::vector<linop::pose> poses{{0.1, 1, 2}, {0.2, -1, 0.5}, {-0.4, 0, 0}};
  const auto field = linop::rigid_motion<float>(ny, nx, poses);
  const linop::motion<float, Ex> reference(field, linop::motion_of::reference), series(field);
  auto y = make_tensor<C>(Ex(), shape<4>{{frames, slices, ny, nx}});
  random::fill_normal(Ex(), y, 1);
  const auto one = to_host(linop::adjoint(reference) * y),
             all = to_host(linop::adjoint(series) * y);
  double wrong = 0;
  for (index_t i = 0; i < slices * ny * nx; ++i) {
    C sum(0);
    for (index_t f = 0; f < frames; ++f) sum += all.data()[f * slices * ny * nx + i];
    wrong = std::max(wrong, double(abs2(sum - one.data()[i])));
  }
  CHECK(wrong < 1e-11);
  const shape<4> d{{1, slices, ny, nx}};
  CHECK(linop::check::adjoint_error(Ex(), reference, d, 1) < 1e-6);
  // Whole pixels move numbers as they are.
  const linop::motion<float, Ex> shift(linop::rigid_motion<float>(ny, nx, {{0, 3, -2}}));
  auto x = make_tensor<C>(Ex(), shape<4>{{1, 1, ny, nx}});
  random::fill_normal(Ex(), x, 2);
  const auto moved = to_host(shift * x), h = to_host(x);
  CHECK(moved(0, 0, 10, 10) == h(0, 0, 7, 12));
  CHECK(moved(0, 0, 2, 10) == C(0));
}

TEST_CASE("motion of bad arguments") {
  CHECK(message_of([] {
          linop::motion<float, Ex>(make_tensor<float>(host_space(), shape<5>{{1, 1, 4, 4, 3}}));
        }) == "motion: expected displacements (frame, slice, y, x, 2), found (1, 1, 4, 4, 3)");
  CHECK(message_of([] {
          auto u = zeros<float>(host_space(), shape<5>{{1, 1, 4, 4, 2}});
          u(0, 0, 1, 1, 0) = std::numeric_limits<float>::infinity();
          (void)linop::motion<float, Ex>(u);
        }) == "motion: expected finite displacements, found inf");
  CHECK(message_of([] {
          linop::rigid_motion<float>(4, 4, {{std::numeric_limits<double>::infinity(), 0, 0}});
        }) == "rigid_motion: pose 0: expected finite numbers, found inf, 0, 0");
  const linop::motion<float, Ex> m(linop::rigid_motion<float>(4, 4, {{}, {}}));
  CHECK_THROWS_AS(m * make_tensor<C>(Ex(), shape<4>{{3, 1, 4, 4}}), shape_error);
}
