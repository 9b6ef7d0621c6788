// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm map`: maps of files with known truth, tables of times of all kinds, bad input.

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "cardiomm/io/image.hpp"
#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;
using C = complex<float>;

namespace {

constexpr int ny = 12, nx = 20, pixels = ny * nx;
constexpr double pi = 3.14159265358979323846;
const std::vector<double> ti = {100, 1100, 2100, 180, 1180, 260, 3100, 4100};

template <class T>
void put(const workplace& w, const std::string& name, const io::extents& shape,
         const std::vector<T>& values) {
  io::atomic_file out(w / name);
  io::put_npy(out, io::dtype_of<T>(), shape, values.data());
  out.commit();
}
std::vector<double> read(const workplace& w, const std::string& name) {
  return io::read_npy(w / name).values<double>();
}
template <class F>
auto series(std::size_t frames, F&& f) {
  std::vector<decltype(f(0, 0))> v;
  for (std::size_t k = 0; k < frames; ++k)
    for (int i = 0; i < pixels; ++i) v.push_back(f(static_cast<int>(k), i));
  return v;
}
double true_t1(int i) { return 500 + 4.0 * i; }
double recovery(int k, int i) {
  return 200 * (1 - 1.9 * std::exp(-ti[static_cast<std::size_t>(k)] / true_t1(i)));
}
std::string column(const std::vector<double>& v, const std::string& head = "") {
  std::string text = head;
  for (const double t : v) text += std::to_string(t) + "\n";
  return text;
}

/// The files that the tests read.
void prepare(const workplace& w) {
  const auto magnitude = [](int k, int i) { return float(std::abs(recovery(k, i))); };
  put(w, "mag.npy", {8, ny, nx}, series(8, magnitude));
  put(w, "signed.npy", {8, ny, nx}, series(8, [](int k, int i) { return float(recovery(k, i)); }));
  put(w, "complex.npy", {8, 1, ny, nx}, series(8, [](int k, int i) {
        const double phase = 0.05 * i;
        return C(float(recovery(k, i) * std::cos(phase)), float(recovery(k, i) * std::sin(phase)));
      }));
  put(w, "t2.npy", {3, ny, nx}, series(3, [](int k, int i) {
        const double te[] = {0, 25, 55};
        return float(100 * std::exp(-te[k] / (30 + 0.2 * i)));
      }));
  std::vector<double> te = {0, 25, 55};
  spit(w / "ti.csv", column(ti));
  spit(w / "te.csv", column(te, "TE (ms)\n"));
  put(w, "ti.npy", {8}, ti);
  spit(w / "row.csv", "100,1100,2100,180,1180,260,3100,4100\n");
  std::string table = ",slice1\r\n", words = "name;T\n";
  for (std::size_t k = 0; k < ti.size(); ++k) {
    table += std::to_string(k + 1) + "," + std::to_string(ti[k]) + "\r\n";
    words += "TI" + std::to_string(k) + "; " + std::to_string(ti[k]) + "\n";
  }
  spit(w / "table.csv", table);
  spit(w / "words.csv", words);
  spit(w / "letters.csv", "TI\n1\n2\nx\n4\n5\n6\n7\n8\n");
  spit(w / "short.csv", "1\n2\n3\n");
  spit(w / "ragged.csv", "1,2\n3\n4,5\n6,7\n8,9\n1,2\n3,4\n5,6\n");
  spit(w / "negative.csv", "-1\n2\n3\n4\n5\n6\n7\n8\n");
  spit(w / "same.csv", "1\n1\n1\n1\n2\n2\n2\n2\n");
  spit(w / "none.csv", "# nothing\n\n");
  std::vector<std::uint8_t> mask(pixels, 0);
  for (int i = 0; i < pixels; i += 2) mask[static_cast<std::size_t>(i)] = 1;
  put(w, "mask.npy", {ny, nx}, mask);
  put(w, "mask0.npy", {ny, nx}, std::vector<std::uint8_t>(pixels, 0));
  put(w, "mask_small.npy", {ny, nx - 1}, std::vector<std::uint8_t>(ny * (nx - 1), 1));
  put(w, "flat.npy", {ny, nx}, std::vector<float>(pixels, 1.0f));
  auto nan = series(8, magnitude);
  nan[7] = NAN;
  put(w, "nan.npy", {8, ny, nx}, nan);
  const auto flow = [](int k, int i) {
    const double phase = 0.02 * i + (k == 1 ? pi * (i % 5 - 2) / 4 : 0);
    return C(float(50 * std::cos(phase)), float(50 * std::sin(phase)));
  };
  put(w, "flow.npy", {1, ny, nx}, series(1, [&](int, int i) { return flow(1, i); }));
  put(w, "still.npy", {1, ny, nx}, series(1, [&](int, int i) { return flow(0, i); }));
  put(w, "still2.npy", {2, ny, nx}, series(2, [&](int, int i) { return flow(0, i); }));
}

void check_t1(const workplace& w, const std::string& folder, double factor, double tolerance) {
  const auto t1 = read(w, folder + "/t1.npy");
  REQUIRE(t1.size() == pixels);
  for (int i = 0; i < pixels; ++i)
    CHECK(t1[static_cast<std::size_t>(i)] ==
          doctest::Approx(factor * true_t1(i)).epsilon(tolerance));
}

}  // namespace

TEST_CASE("T1 maps by both methods, of magnitudes, signed and complex images") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  const auto j = w.json("map --method molli --images mag.npy --times ti.csv --out a/molli");
  check_t1(w, "a/molli", 0.9, 1e-4);
  CHECK(j["pixels"]["fitted"] == pixels);
  CHECK(j["pixels"]["failed"] == 0);
  CHECK(j["unit"] == "ms");
  CHECK(j["median"].get<double>() == doctest::Approx(0.9 * true_t1(pixels / 2)).epsilon(0.01));
  for (const char* name : {"t1", "sd", "r2", "residual", "t1star"}) {
    const auto a = io::read_npy(w / ("a/molli/" + std::string(name) + ".npy"));
    CHECK(a.type == io::dtype::f32);
    CHECK(a.shape == io::extents{ny, nx});
  }
  CHECK(io::read_npy(w / "a/molli/status.npy").type == io::dtype::u8);
  CHECK(io::read_png(w / "a/molli/t1.png").width > nx);
  CHECK(io::read_png(w / "a/molli/sd.png").width > nx);
  CHECK(j["files"].size() == 8);
  const auto r2 = read(w, "a/molli/r2.npy");
  CHECK(r2[0] == doctest::Approx(1));

  CHECK(w.json("map --method ir --images signed.npy --times ti.csv --out b")["samples"] ==
        "signed");
  check_t1(w, "b", 1, 1e-4);
  REQUIRE(w.run("map --method ir --images complex.npy --times ti.csv --out c --polarity phase "
                "--precision double")
              .code == 0);
  check_t1(w, "c", 1, 1e-4);
  CHECK(io::read_npy(w / "c/t1.npy").shape == io::extents{1, ny, nx});
  REQUIRE(w.run("map --method ir --images complex.npy --times ti.csv --out d").code == 0);
  check_t1(w, "d", 1, 1e-4);
}

TEST_CASE("tables of times of all kinds say the same") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  for (const char* times : {"ti.npy", "row.csv", "table.csv", "words.csv"}) {
    CAPTURE(times);
    const auto j =
        w.json(std::string("map --method molli --images mag.npy --out m --times ") + times);
    CHECK(j["times_ms"].get<std::vector<double>>() == ti);
  }
  // a column for each slice: the two halves of the image as slices
  std::vector<float> values;
  const double te[2][3] = {{0, 25, 55}, {10, 20, 40}};
  for (int k = 0; k < 3; ++k)
    for (int s = 0; s < 2; ++s)
      for (int i = 0; i < pixels; ++i)
        values.push_back(float(100 * std::exp(-te[s][k] / (40 + 0.1 * i))));
  put(w, "slices.npy", {3, 2, ny, nx}, values);
  spit(w / "slices.csv", "index,slice1,slice2\n0,0,10\n1,25,20\n2,55,40\n");
  REQUIRE(w.run("map --method t2 --images slices.npy --times slices.csv --out s").code == 0);
  const auto t2 = io::read_npy(w / "s/t2.npy");
  CHECK(t2.shape == io::extents{2, ny, nx});
  const auto v = t2.values<double>();
  for (int i = 0; i < 2 * pixels; ++i)
    CHECK(v[static_cast<std::size_t>(i)] == doctest::Approx(40 + 0.1 * (i % pixels)).epsilon(1e-4));
}

TEST_CASE("T2, T2* and what the released scripts do; masks") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  for (const std::string method : {"t2", "t2star"})
    for (const std::string more : {"", " --offset --precision double"}) {
      REQUIRE(w.run("map --images t2.npy --times te.csv --mask mask.npy --method " + method +
                    " --out o" + more)
                  .code == 0);
      const auto t2 = read(w, "o/" + method + ".npy"), status = read(w, "o/status.npy");
      for (int i = 0; i < pixels; ++i) {
        const auto at = static_cast<std::size_t>(i);
        CHECK(status[at] == (i % 2 == 0 ? 1 : 0));
        // three parameters of three samples: what noise-free means is their rounding
        const double expected = i % 2 == 0 ? 30 + 0.2 * i : 0;
        CHECK(t2[at] == doctest::Approx(expected).epsilon(1e-3));
      }
    }
  REQUIRE(w.run("map --method t2 --compat released --images t2.npy --times te.csv --out r").code ==
          0);
  CHECK(read(w, "r/t2.npy")[10] == doctest::Approx(32).epsilon(1e-5));
}

TEST_CASE("velocity and phase-sensitive images") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  const auto j =
      w.json("map --method velocity --images flow.npy --reference still.npy --venc 120 --out v");
  CHECK(j["unit"] == "cm/s");
  const auto v = read(w, "v/velocity.npy");
  for (int i = 0; i < pixels; ++i)
    CHECK(std::abs(v[static_cast<std::size_t>(i)] - 30.0 * (i % 5 - 2)) < 1e-2);
  CHECK(io::read_png(w / "v/velocity.png").width > nx);
  // phase-sensitive: the first image of a recovery, along the phase of the last
  const auto all = io::read_npy(w / "complex.npy").values<C>();
  put(w, "first.npy", {ny, nx}, std::vector<C>(all.begin(), all.begin() + pixels));
  put(w, "last.npy", {ny, nx}, std::vector<C>(all.end() - pixels, all.end()));
  REQUIRE(
      w.run("map --method psir --images first.npy --reference last.npy --sigma 0 --out p").code ==
      0);
  const auto p = read(w, "p/psir.npy");
  for (int i = 0; i < pixels; ++i)
    CHECK(p[static_cast<std::size_t>(i)] == doctest::Approx(recovery(0, i)).epsilon(1e-4));
}

TEST_CASE("bad input of map: one clear line, exit code 2, no output") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  const auto before = w.contents();
  const std::string molli = "--method molli --images mag.npy --out x ";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"--images mag.npy --times ti.csv --out x", "--method"},
      {"--method t3 --images mag.npy --times ti.csv --out x", "found 't3'"},
      {molli, "--times: expected a file of times for molli"},
      {molli + "--times none.csv", "none.csv: times: expected numbers, found none"},
      {molli + "--times missing.csv", "missing.csv: cannot be opened"},
      {molli + "--times letters.csv", "line 4, field 1: expected a number, found 'x'"},
      {molli + "--times short.csv", "expected one for each of 8 frames, found 3"},
      {molli + "--times ragged.csv", "line 2: expected 2 fields as in line 1, found 1"},
      {molli + "--times negative.csv", "at least 0 ms, found -1"},
      {molli + "--times same.csv", "expected at least 3 different times, found 2"},
      {molli + "--times ti.csv --mask mask0.npy", "expected at least one pixel"},
      {molli + "--times ti.csv --mask mask_small.npy", "to fit the images"},
      {molli + "--times ti.csv --threshold -1", "--threshold"},
      {molli + "--times ti.csv --range 9", "--range"},
      {molli + "--times ti.csv --range 9,3", "found '9,3'"},
      {molli + "--times ti.csv --flips 99", "--flips"},
      {molli + "--times ti.csv --polarity up", "found 'up'"},
      {molli + "--times ti.csv --polarity phase", "expected complex64 or complex128"},
      {molli + "--times ti.csv --offset", "--offset"},
      {molli + "--times ti.csv --compat other", "found 'other'"},
      {molli + "--times ti.csv --reference still.npy", "--reference: expected none"},
      {"--method molli --images nan.npy --times ti.csv --out x", "nan.npy: expected finite values"},
      {"--method molli --images flat.npy --times ti.csv --out x", "each of 1 frames"},
      {"--method molli --images mag.npy --times ti.csv --out mag.npy", "expected a folder"},
      {"--method molli --images no.npy --times ti.csv --out x", "no.npy: cannot be opened"},
      {"--method t2 --polarity signed --images mag.npy --times ti.csv --out x", "--polarity"},
      {"--method velocity --images flow.npy --out x", "--venc: expected a finite number above 0"},
      {"--method velocity --venc 100 --images mag.npy --out x", "expected complex64"},
      {"--method velocity --venc 100 --times ti.csv --images flow.npy --out x", "--times"},
      {"--method velocity --venc 100 --background 7 --images flow.npy --out x", "--background"},
      {"--method velocity --venc 100 --reference still2.npy --images flow.npy --out x",
       "still2.npy: reference: expected"},
      {"--method psir --images flow.npy --out x", "--reference"},
      {"--method psir --images flow.npy --reference still.npy --sigma -1 --out x", "--sigma"},
  };
  for (const auto& [arguments, expected] : table) {
    CAPTURE(arguments);
    const auto o = w.run("map " + arguments);
    CHECK(o.code == 2);
    CAPTURE(o.err);
    CHECK(o.err.rfind("cardiomm: error: ", 0) == 0);
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
    CHECK(o.err.find(expected) != std::string::npos);
    CHECK(w.contents() == before);
  }
  REQUIRE(w.run("map --method t2 --images t2.npy --times te.csv --out once").code == 0);
  const auto kept = w.run("map --method t2 --images t2.npy --times te.csv --out once --no-clobber");
  CHECK(kept.code == 2);
  CHECK(kept.err.find("exists already") != std::string::npos);
}
