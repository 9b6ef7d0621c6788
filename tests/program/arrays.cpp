// SPDX-License-Identifier: Apache-2.0
#include "../../examples/cardiomm/output.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"

using namespace program;
using enum axis;
using cardiomm_tests::scratch;
using value = complex<float>;

namespace {
// Element (frame, slice, coil, y, x) of a series of these sizes, so that every place is known.
constexpr index_t F = 3, S = 2, C = 4, Y = 5, X = 6;
value element(index_t f, index_t s, index_t c, index_t j, index_t i) {
  return {float(((f * S + s) * C + c) * Y + j), float(i + 1)};
}
host_tensor<value, 5> series(index_t frames = F, index_t slices = S) {
  auto t =
      cardiomm::make_tensor<value>(host_space{}, cardiomm::shape<5>{{frames, slices, C, Y, X}});
  for (index_t f = 0; f < frames; ++f)
    for (index_t s = 0; s < slices; ++s)
      for (index_t c = 0; c < C; ++c)
        for (index_t j = 0; j < Y; ++j)
          for (index_t i = 0; i < X; ++i) t(f, s, c, j, i) = element(f, s, c, j, i);
  return t;
}
bool same(const host_tensor<value, 5>& a, const host_tensor<value, 5>& b) {
  return cardiomm::shape_of(a) == cardiomm::shape_of(b) &&
         std::equal(a.data(), a.data() + a.size(), b.data());
}
host_tensor<std::uint8_t, 3> mask_of(const std::string& path, const std::string& given = "") {
  axes_option option;
  if (!given.empty()) option.add(given);
  const mask_target target{F, Y, X};
  return read_mask(open_mask(path, target, option), target);
}
template <class T>
void put(const std::string& path, const extents& shape, const std::vector<T>& values) {
  io::atomic_file out(path);
  io::put_npy(out, io::dtype_of<T>(), shape, values.data());
  out.commit();
}
}  // namespace

TEST_CASE("any order of axes and either format give the same k-space") {
  scratch folder;
  const auto t = series();
  const axes all = {frame, slice, coil, y, x};
  array_output plain(folder / "k.npy", io::existing::replace);
  plain.write(all, all, t);
  plain.commit();
  array_output bart(folder / "k.cfl", io::existing::replace);
  bart.write(all, all, t);
  bart.commit();
  CHECK(same(load_kspace<float>(folder / "k.npy", {}).values, t));
  CHECK(same(load_kspace<float>(folder / "k", {}).values, t));
  CHECK(to_string(load_kspace<float>(folder / "k.hdr", {}).from.order) ==
        "frame, slice, coil, y, x");

  // every permutation of the axes, named on reading
  std::vector<int> p = {0, 1, 2, 3, 4};
  const extents shape = {F, S, C, Y, X};
  std::vector<value> moved(t.size());
  int count = 0;
  do {
    extents s;
    std::string text;
    for (const int a : p) {
      s.push_back(shape[static_cast<std::size_t>(a)]);
      text += (text.empty() ? "" : ",") + name_of(all[static_cast<std::size_t>(a)]);
    }
    io::permute(t.data(), shape, p, moved.data());
    put(folder / "p.npy", s, moved);
    axes_option given;
    given.add(text);
    const auto k = load_kspace<float>(folder / "p.npy", given);
    CAPTURE(text);
    CHECK(same(k.values, t));
    CHECK(k.from.extent(coil) == C);
    ++count;
  } while (std::next_permutation(p.begin(), p.end()));
  CHECK(count == 120);
}

TEST_CASE("a plane of phase encodes stays one") {
  scratch folder;
  const auto t = series(1, 1);
  array_output out(folder / "k", io::existing::replace);
  out.write({frame, slice, coil, y, x}, {coil, y, x}, t, true);
  out.commit();
  const auto file = io::open_cfl(folder / "k");
  CHECK(file.dims[0] == 1);
  CHECK(file.dims[1] == X);
  CHECK(file.dims[2] == Y);
  CHECK(file.dims[3] == C);
  const auto k = load_kspace<float>(folder / "k", {});
  CHECK(k.from.phase_plane);
  CHECK(same(k.values, t));
}

TEST_CASE("types: complex k-space only, and any precision") {
  scratch folder;
  std::vector<complex<double>> values(24, complex<double>(1, 2));
  put(folder / "k.npy", {4, 2, 3}, values);
  CHECK(load_kspace<float>(folder / "k.npy", {}).values(0, 0, 3, 1, 2) == value(1, 2));
  put(folder / "r.npy", {4, 2, 3}, std::vector<float>(24, 1.0f));
  CHECK_THROWS_WITH_AS(load_kspace<float>(folder / "r.npy", {}),
                       doctest::Contains("kspace: expected complex64 or complex128, found float32"),
                       value_error);
  values[5] = complex<double>(0, NAN);
  put(folder / "n.npy", {4, 2, 3}, values);
  CHECK_THROWS_WITH_AS(load_kspace<float>(folder / "n.npy", {}),
                       doctest::Contains("at (frame 0, slice 0, coil 0, y 1, x 2)"), value_error);
  values[5] = complex<double>(1e300, 0);  // beyond single precision
  put(folder / "n.npy", {4, 2, 3}, values);
  CHECK_THROWS_AS(load_kspace<float>(folder / "n.npy", {}), value_error);
  CHECK_NOTHROW(load_kspace<double>(folder / "n.npy", {}));
  put(folder / "z.npy", {0, 2, 3}, std::vector<complex<float>>());
  CHECK_THROWS_WITH_AS(load_kspace<float>(folder / "z.npy", {}),
                       doctest::Contains("expected at least one coil"), shape_error);
}

TEST_CASE("a mask in all its forms") {
  scratch folder;
  // line y is measured in frame f where (f + y) is even
  std::vector<std::uint8_t> full, plane;
  std::vector<double> lines, one;
  for (index_t f = 0; f < F; ++f)
    for (index_t j = 0; j < Y; ++j) {
      lines.push_back((f + j) % 2 == 0 ? 0.5 : 0);
      if (f == 0) one.push_back((f + j) % 2 == 0);
      for (index_t i = 0; i < X; ++i) {
        full.push_back((f + j) % 2 == 0);
        if (f == 0) plane.push_back((f + j) % 2 == 0);
      }
    }
  put(folder / "full.npy", {F, Y, X}, full);
  put(folder / "lines.npy", {F, Y}, lines);
  put(folder / "plane.npy", {Y, X}, plane);
  put(folder / "one.npy", {Y}, one);
  put(folder / "column.npy", {F, Y, 1}, lines);
  const auto expected = [](const host_tensor<std::uint8_t, 3>& m, bool moving) {
    for (index_t f = 0; f < F; ++f)
      for (index_t j = 0; j < Y; ++j)
        for (index_t i = 0; i < X; ++i)
          if (m(f, j, i) != (((moving ? f : 0) + j) % 2 == 0)) return false;
    return true;
  };
  CHECK(expected(mask_of(folder / "full.npy"), true));
  CHECK(expected(mask_of(folder / "lines.npy"), true));
  CHECK(expected(mask_of(folder / "column.npy"), true));
  CHECK(expected(mask_of(folder / "plane.npy"), false));
  CHECK(expected(mask_of(folder / "one.npy"), false));
  std::vector<double> turned(lines.size());
  io::permute(lines.data(), {F, Y}, {1, 0}, turned.data());
  put(folder / "turned.npy", {Y, F}, turned);
  CHECK(expected(mask_of(folder / "turned.npy", "y,frame"), true));
  CHECK_THROWS_AS(mask_of(folder / "turned.npy"), shape_error);

  // BART's patterns: whole, and of one readout sample, where dimension 0 is 1
  array_output whole(folder / "w.cfl", io::existing::replace);
  whole.write({frame, y, x}, {F, Y, X}, full.data());
  whole.commit();
  CHECK(expected(mask_of(folder / "w"), true));
  array_output thin(folder / "t.cfl", io::existing::replace);
  thin.write({frame, y, x}, {F, Y, 1}, lines.data());
  thin.commit();
  CHECK(expected(mask_of(folder / "t"), true));

  put(folder / "empty.npy", {Y}, std::vector<float>(Y, 0.0f));
  CHECK_THROWS_WITH_AS(mask_of(folder / "empty.npy"), doctest::Contains("at least one sample"),
                       value_error);
  put(folder / "nan.npy", {Y}, std::vector<float>(Y, NAN));
  CHECK_THROWS_AS(mask_of(folder / "nan.npy"), value_error);
  put(folder / "complex.npy", {Y}, std::vector<value>(Y, value(1)));
  CHECK_THROWS_WITH_AS(mask_of(folder / "complex.npy"), doctest::Contains("real or boolean"),
                       value_error);
}

TEST_CASE("names tell the format") {
  scratch folder;
  CHECK(output_format("a.npy") == format::npy);
  CHECK(output_format("a.cfl") == format::cfl);
  CHECK(output_format("a.hdr") == format::cfl);
  CHECK(output_format("folder.d/a") == format::cfl);
  CHECK_THROWS_AS(output_format("a.jpg"), io_error);
  CHECK_THROWS_WITH_AS(input_format(folder / "none.jpg"), doctest::Contains("No such file"),
                       io_error);
  cardiomm_tests::spit(folder / "a.jpg", "x");
  CHECK_THROWS_WITH_AS(input_format(folder / "a.jpg"), doctest::Contains("found '.jpg'"), io_error);
}
