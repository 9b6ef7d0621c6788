// SPDX-License-Identifier: Apache-2.0
#include "../../examples/cardiomm/axes.hpp"

#include <doctest/doctest.h>

using namespace program;
using enum axis;

TEST_CASE("ranks decide what the axes are") {
  const auto order = [](role r, const extents& shape) {
    return to_string(axes_of(r, shape, {}, "a.npy"));
  };
  CHECK(order(role::kspace, {5, 4, 3, 2, 1}) == "frame, slice, coil, y, x");
  CHECK(order(role::kspace, {4, 3, 2, 1}) == "frame, coil, y, x");
  CHECK(order(role::kspace, {3, 2, 1}) == "coil, y, x");
  CHECK(order(role::image, {4, 3, 2, 1}) == "frame, slice, y, x");
  CHECK(order(role::image, {3, 2, 1}) == "frame, y, x");
  CHECK(order(role::image, {2, 1}) == "y, x");
  CHECK(order(role::maps, {3, 2, 1}) == "coil, y, x");
  CHECK(order(role::maps, {4, 3, 2, 1}) == "slice, coil, y, x");
  CHECK(order(role::maps, {5, 4, 3, 2, 1}) == "set, slice, coil, y, x");
  CHECK_THROWS_WITH_AS(order(role::kspace, {2, 1}),
                       "a.npy: kspace: expected (coil, y, x) or (frame, coil, y, x) or (frame, "
                       "slice, coil, y, x), found shape (2, 1)",
                       shape_error);
  CHECK_THROWS_AS(order(role::kspace, {1, 1, 1, 1, 1, 1}), shape_error);
  CHECK_THROWS_AS(order(role::image, {}), shape_error);
}

TEST_CASE("--axes names them in another order") {
  axes_option option;
  option.add("x,y,coil");
  option.add("y,frame");
  option.add("maps:x,y,coil");
  CHECK(to_string(option.of(role::kspace)) == "x, y, coil");
  CHECK(to_string(option.of(role::mask)) == "y, frame");
  CHECK(to_string(option.of(role::maps)) == "x, y, coil");
  CHECK(option.of(role::noise).empty());
  CHECK(to_string(axes_of(role::kspace, {4, 3, 2}, option.of(role::kspace), "a")) == "x, y, coil");
  CHECK_THROWS_AS(axes_of(role::kspace, {4, 3}, option.of(role::kspace), "a"), shape_error);
  CHECK_THROWS_AS(axes_of(role::kspace, {4, 3, 2}, {frame, coil, x}, "a"), value_error);
  CHECK(to_string(axes_of(role::kspace, {4, 3}, {x, y}, "a")) == "x, y");  // a single coil
  CHECK_THROWS_AS(axes_of(role::kspace, {4, 3, 2, 1}, {set, coil, y, x}, "a"), value_error);
  option.add("coil,y,x");
  CHECK_THROWS_AS(option.of(role::kspace), value_error);
  for (const char* bad : {"", "x,y,x", "x,,y", "x,y,z", "coils,y,x", "x,y,", "what:x,y"})
    CHECK_THROWS_AS(axes_option().add(bad), value_error);
}

TEST_CASE("masks of every rank, and the tie") {
  const mask_target t{25, 208, 256};
  const auto order = [&](const extents& shape, const axes& given = {}) {
    return to_string(mask_axes(shape, t, given, "m.npy"));
  };
  CHECK(order({208}) == "y");
  CHECK(order({208, 256}) == "y, x");
  CHECK(order({25, 208}) == "frame, y");
  CHECK(order({1, 208}) == "frame, y");
  CHECK(order({208, 1}) == "y, x");
  CHECK(order({25, 208, 256}) == "frame, y, x");
  CHECK(order({1, 208, 256}) == "frame, y, x");
  CHECK(order({25, 208, 1}) == "frame, y, x");
  CHECK(order({256, 208}, {x, y}) == "x, y");
  CHECK(order({208, 25}, {y, frame}) == "y, frame");
  for (const extents& bad :
       {extents{256}, extents{25}, extents{256, 208}, extents{208, 25}, extents{24, 208, 256},
        extents{25, 208, 255}, extents{}, extents{1, 25, 208, 256}})
    CHECK_THROWS_AS(order(bad), shape_error);
  CHECK_THROWS_AS(order({208, 256}, {frame, y}), shape_error);
  CHECK_THROWS_AS(order({208, 256}, {coil, y}), value_error);

  const mask_target square{64, 64, 64};
  CHECK_THROWS_WITH_AS(mask_axes({64, 64}, square, {}, "m.npy"),
                       doctest::Contains("expected --axes y,x or --axes frame,y"), shape_error);
  CHECK(to_string(mask_axes({64, 64}, square, {frame, y}, "m.npy")) == "frame, y");
  CHECK(to_string(mask_axes({64, 64}, {25, 64, 64}, {}, "m.npy")) == "y, x");
}

TEST_CASE("BART's dimensions") {
  cardiomm::io::cfl_shape dims;
  dims.fill(1);
  dims[0] = 256, dims[1] = 208, dims[3] = 10, dims[10] = 25, dims[13] = 3;
  auto named = name_cfl(dims, "a");
  CHECK(!named.phase_plane);
  CHECK(to_string(compact(role::kspace, named.order, named.shape)) == "frame, slice, coil, y, x");
  dims[13] = 1;
  named = name_cfl(dims, "a");
  CHECK(to_string(compact(role::kspace, named.order, named.shape)) == "frame, coil, y, x");
  CHECK(to_string(compact(role::image, named.order, named.shape)) == "frame, coil, y, x");
  dims[10] = 1, dims[4] = 2;
  named = name_cfl(dims, "a");
  CHECK(to_string(compact(role::maps, named.order, named.shape)) == "set, slice, coil, y, x");

  dims.fill(1);
  dims[1] = 180, dims[2] = 230, dims[3] = 8;  // a plane of phase encodes
  named = name_cfl(dims, "a");
  CHECK(named.phase_plane);
  CHECK(to_string(compact(role::kspace, named.order, named.shape)) == "coil, y, x");
  for (std::size_t i = 0; i < named.order.size(); ++i) {
    if (named.order[i] == x) CHECK(named.shape[i] == 180);
    if (named.order[i] == y) CHECK(named.shape[i] == 230);
  }
  for (const bool plane : {false, true})
    CHECK((cfl_dimension(z, plane) + cfl_dimension(y, plane) + cfl_dimension(x, plane)) == 3);
  dims[5] = 4;
  CHECK_THROWS_WITH_AS(name_cfl(dims, "a"), doctest::Contains("dimension 5"), shape_error);
}

TEST_CASE("results keep the other axes") {
  CHECK(to_string(without_coil({frame, slice, coil, y, x})) == "frame, slice, y, x");
  CHECK(to_string(without_coil({coil, y, x})) == "y, x");
  CHECK(to_string(without_coil({x, y, coil, frame})) == "frame, y, x");
}
