// SPDX-License-Identifier: Apache-2.0
/// \file
/// Relaxation maps against SciPy's least_squares (tests/data/make_mapping.py), the values of the
/// specification, scanners' maps and closed forms.

#include "cardiomm/analysis/mapping.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cardiomm/core/random.hpp"
#include "cardiomm/io/npy.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using analysis::mapping_options;

namespace {

using host = host_space;
using maps = analysis::parameter_map<float, host>;

struct reference {
  io::extents size;
  std::vector<double> x, rows;
  index_t samples() const { return static_cast<index_t>(x.size()); }
  index_t items() const { return size[0]; }
  double at(index_t item, index_t column) const {
    return rows[static_cast<std::size_t>(item * size[1] + column)];
  }
  /// The samples as images of one row.
  host_tensor<float, 4> images() const {
    const auto t = make_tensor<float>(host{}, shape<4>{{samples(), 1, 1, items()}});
    for (index_t k = 0; k < samples(); ++k)
      for (index_t i = 0; i < items(); ++i) t(k, 0, 0, i) = static_cast<float>(at(i, k));
    return t;
  }
};
reference load(const std::string& name) {
  const auto x = io::read_npy(own_path("mapping/" + name + "_x.npy"));
  const auto rows = io::read_npy(own_path("mapping/" + name + ".npy"));
  return {rows.shape, x.values<double>(), rows.values<double>()};
}

/// Images (frame, 1, y, x) of a file.
host_tensor<float, 4> load_images(const std::string& path, index_t frames = 0) {
  const auto a = io::read_npy(path);
  const auto v = a.values<float>();
  const index_t n = frames > 0 ? frames : a.shape[0];
  const auto t = make_tensor<float>(host{}, shape<4>{{n, 1, a.shape[1], a.shape[2]}});
  std::copy_n(v.begin(), t.size(), t.data());
  return t;
}

/// A row of pixels, each with the samples f(time, pixel).
template <class F>
host_tensor<float, 4> row(const std::vector<double>& times, index_t n, F&& f) {
  const auto t =
      make_tensor<float>(host{}, shape<4>{{static_cast<index_t>(times.size()), 1, 1, n}});
  for (std::size_t k = 0; k < times.size(); ++k)
    for (index_t i = 0; i < n; ++i) t(k, 0, 0, i) = static_cast<float>(f(times[k], i));
  return t;
}

double median(std::vector<double> v) {
  REQUIRE(!v.empty());
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

/// SciPy's rows: value, sd, |r|^2 after the samples.
void compare(const maps& m, const reference& r, double tolerance) {
  const index_t n = r.samples();
  for (index_t i = 0; i < r.items(); ++i) {
    CAPTURE(i);
    CHECK(m.status(0, 0, i) == 1);
    CHECK(m.value(0, 0, i) == doctest::Approx(r.at(i, n)).epsilon(tolerance));
    CHECK(m.sd(0, 0, i) == doctest::Approx(r.at(i, n + 1)).epsilon(0.02));
    CHECK(m.residual(0, 0, i) ==
          doctest::Approx(std::sqrt(r.at(i, n + 2) / double(n))).epsilon(1e-3));
  }
}

}  // namespace

TEST_CASE("MOLLI is SciPy's best of seven polarities") {
  const auto r = load("molli");
  const auto m = analysis::fit_t1_molli(host{}, r.images(), r.x);
  compare(m, r, 1e-4);
  const index_t n = r.samples();
  for (index_t i = 0; i < r.items(); ++i) {
    CHECK(m.offset(0, 0, i) == doctest::Approx(r.at(i, n + 3)).epsilon(1e-4));
    CHECK(-m.amplitude(0, 0, i) == doctest::Approx(r.at(i, n + 4)).epsilon(1e-4));
    CHECK(m.apparent(0, 0, i) == doctest::Approx(r.at(i, n + 5)).epsilon(1e-4));
    CHECK(m.flips(0, 0, i) == r.at(i, n + 6));
    CHECK(m.r2(0, 0, i) > 0.9);
    CHECK(m.r2(0, 0, i) < 1);
  }
}

TEST_CASE("inversion recovery of magnitudes in any order of times is SciPy's") {
  const auto r = load("ir");
  compare(analysis::fit_t1_recovery(host{}, r.images(), r.x), r, 1e-4);
}

TEST_CASE("T2 with and without a constant is SciPy's") {
  const auto r = load("t2");
  compare(analysis::fit_t2(host{}, r.images(), r.x), r, 1e-4);
  const auto with = load("t2_offset");
  mapping_options o;
  o.offset = true;
  compare(analysis::fit_t2(host{}, with.images(), with.x, {}, o), with, 1e-4);
}

TEST_CASE("the specification's values") {
  const std::vector<double> ti = {100, 180, 260, 1000, 1080, 1900, 1980, 2800, 3700};
  const double s[] = {266.9494184084876,  231.02108127254286, 197.1850476072522,
                      35.87624242722519,  54.16938596174415,  190.06187196645246,
                      199.37594345014824, 268.566475211767,   308.53759800136714};
  const auto images = row(
      ti, 1, [&](double t, index_t) { return s[std::find(ti.begin(), ti.end(), t) - ti.begin()]; });
  const auto m = analysis::fit_t1_molli(host{}, images, ti);
  CHECK(m.value(0, 0, 0) == doctest::Approx(1200).epsilon(1e-5));
  CHECK(m.flips(0, 0, 0) == 3);
  CHECK(m.apparent(0, 0, 0) == doctest::Approx(1333.333).epsilon(1e-5));
  mapping_options released;
  released.released = true;  // n = 1 does not fail and gives nonsense
  const auto wrong = analysis::fit_t1_molli(host{}, images, ti, {}, released);
  CHECK(std::abs(wrong.value(0, 0, 0) - 1200) > 500);

  const std::vector<double> te = {0, 35, 55};
  const double y[] = {300, 141.04109301476615, 94.48662793865496};
  const auto echoes = row(te, 2, [&](double t, index_t i) {
    const auto k = std::find(te.begin(), te.end(), t) - te.begin();
    return i == 0 ? y[k] : y[2 - k];
  });
  const auto line = analysis::fit_t2(host{}, echoes, te, {}, released);
  CHECK(line.value(0, 0, 0) == doctest::Approx(47.46337391892566).epsilon(1e-6));
  CHECK(line.value(0, 0, 1) == 0);  // grows: no T2
  CHECK(line.status(0, 0, 1) == 2);
  const auto curve = analysis::fit_t2(host{}, echoes, te);
  CHECK(curve.value(0, 0, 0) == doctest::Approx(47.04377406).epsilon(1e-6));  // SciPy 1.17
  CHECK(curve.amplitude(0, 0, 0) == doctest::Approx(299.75672427).epsilon(1e-6));
  CHECK(curve.status(0, 0, 1) == 2);
}

TEST_CASE("without noise every polarity, size and time constant comes back") {
  const std::vector<double> ti = {120, 1120, 2120, 200, 1200, 280, 3120, 4120};
  const index_t n = 203;
  const auto truth = [](index_t i) { return 120.0 + 9.0 * double(i); };
  for (const double size : {1e-5, 1.0, 3e5}) {
    const auto images = row(ti, n, [&](double t, index_t i) {
      return size * std::abs(1 - 1.9 * std::exp(-t / truth(i)));
    });
    const auto m = analysis::fit_t1_recovery(host{}, images, ti);
    const auto l = analysis::fit_t1_molli(host{}, images, ti);
    for (index_t i = 0; i < n; ++i) {
      CAPTURE(truth(i));
      CHECK(m.value(0, 0, i) == doctest::Approx(truth(i)).epsilon(2e-5));
      CHECK(l.value(0, 0, i) == doctest::Approx(0.9 * truth(i)).epsilon(2e-5));
      CHECK(m.r2(0, 0, i) == doctest::Approx(1).epsilon(1e-6));
      CHECK(m.sd(0, 0, i) < 0.01);
    }
  }
}

TEST_CASE("the standard deviation is that of repeated noise") {
  const std::vector<double> ti = {100, 180, 260, 1000, 1080, 1900, 1980, 2800, 3700};
  const index_t n = 20000;
  const auto images = row(ti, n, [&](double t, index_t i) {
    const auto noise = random::normal(static_cast<std::uint64_t>(t), static_cast<std::uint64_t>(i));
    return 300 * (1 - 1.9 * std::exp(-t / 1100.0)) + 6 * noise.real();
  });
  mapping_options o;
  o.signed_samples = true;
  const auto m = analysis::fit_t1_molli(host{}, images, ti, {}, o);
  double mean = 0, squares = 0, told = 0;
  for (index_t i = 0; i < n; ++i) {
    mean += m.value(0, 0, i) / double(n);
    told += double(m.sd(0, 0, i)) * m.sd(0, 0, i) / double(n);
  }
  for (index_t i = 0; i < n; ++i) squares += std::pow(m.value(0, 0, i) - mean, 2) / double(n - 1);
  CHECK(mean == doctest::Approx(990).epsilon(0.005));
  CHECK(std::sqrt(told) == doctest::Approx(std::sqrt(squares)).epsilon(0.05));
}

TEST_CASE("slices have their own times, masks are kept") {
  const std::vector<double> te = {0, 20, 40, 60, /**/ 60, 5, 30, 45};
  const auto images = make_tensor<float>(host{}, shape<4>{{4, 2, 3, 50}});
  const auto mask = zeros<std::uint8_t>(host{}, shape<3>{{2, 3, 50}});
  for (index_t k = 0; k < 4; ++k)
    for (index_t s = 0; s < 2; ++s)
      for (index_t y = 0; y < 3; ++y)
        for (index_t x = 0; x < 50; ++x) {
          images(k, s, y, x) = static_cast<float>(
              100 * std::exp(-te[static_cast<std::size_t>(s * 4 + k)] / double(30 + x + 10 * y)));
          mask(s, y, x) = y != 1 && x % 7 != 0;
        }
  const auto m = analysis::fit_t2(host{}, images, te, mask);
  for (index_t s = 0; s < 2; ++s)
    for (index_t y = 0; y < 3; ++y)
      for (index_t x = 0; x < 50; ++x) {
        CHECK(m.status(s, y, x) == mask(s, y, x));
        const double expected = mask(s, y, x) ? double(30 + x + 10 * y) : 0;
        CHECK(m.value(s, y, x) == doctest::Approx(expected).epsilon(1e-5));
      }
}

TEST_CASE("the signal mask keeps what is bright in one image") {
  const auto images = zeros<float>(host{}, shape<4>{{2, 1, 1, 200}});
  for (index_t i = 0; i < 100; ++i) images(0, 0, 0, i) = 100;
  for (index_t i = 100; i < 150; ++i) images(1, 0, 0, i) = -50;
  for (index_t i = 150; i < 190; ++i) images(1, 0, 0, i) = 1;
  const auto mask = analysis::signal_mask(host{}, images, 0.05);
  for (index_t i = 0; i < 200; ++i) CHECK(mask(0, 0, i) == (i < 150 ? 1 : 0));
  const auto black = zeros<float>(host{}, shape<4>{{2, 1, 1, 20}});
  const auto none = analysis::signal_mask(host{}, black, 0);
  for (index_t i = 0; i < 20; ++i) CHECK(none(0, 0, i) == 0);
}

TEST_CASE("input that cannot be fitted is told") {
  const auto images = zeros<float>(host{}, shape<4>{{4, 2, 3, 3}});
  const auto bad = [&](const std::vector<double>& times, const char* text) {
    CHECK_THROWS_WITH(analysis::fit_t1_molli(host{}, images, times), doctest::Contains(text));
  };
  bad({1, 2, 3}, "expected 4 times (or so many for each of 2 slices), found 3");
  bad({1, 2, 3, NAN}, "expected finite times");
  bad({-1, 2, 3, 4}, "found -1");
  bad({1, 2, 2, 1}, "expected at least 3 different times, found 2");
  const auto two = zeros<float>(host{}, shape<4>{{2, 1, 3, 3}});
  CHECK_THROWS_WITH_AS(analysis::fit_t1_molli(host{}, two, {1, 2}),
                       doctest::Contains("expected 3 to 64 images, found 2"), shape_error);
  const auto mask = zeros<std::uint8_t>(host{}, shape<3>{{1, 3, 3}});
  CHECK_THROWS_AS(analysis::fit_t2(host{}, images, {1, 2, 3, 4}, mask), shape_error);
  const auto m = analysis::fit_t2(host{}, images, {1, 2, 3, 4});
  CHECK(m.status(1, 2, 2) == 2);  // black everywhere
  CHECK(m.value(1, 2, 2) == 0);
}

TEST_CASE("three subjects: the reference maps over the scanner's inversion efficiency") {
  SHARED_OR_SKIP(folder, "data/t1_molli_precontrast");
  const auto images = io::read_npy(folder + "/images.npy").values<float>();
  const auto times = io::read_npy(folder + "/ti_ms.npy").values<double>();
  const auto truth = io::read_npy(folder + "/t1_reference_ms.npy").values<double>();
  const auto part = io::read_npy(folder + "/myo_segments.npy").values<double>();
  const std::size_t plane = 128 * 128;
  for (std::size_t subject = 0; subject < 3; ++subject) {
    const auto s = make_tensor<float>(host{}, shape<4>{{8, 1, 128, 128}});
    std::copy_n(images.begin() + static_cast<std::ptrdiff_t>(subject * 8 * plane), 8 * plane,
                s.data());
    const std::vector<double> ti(times.begin() + static_cast<std::ptrdiff_t>(8 * subject),
                                 times.begin() + static_cast<std::ptrdiff_t>(8 * subject + 8));
    const auto m = analysis::fit_t1_molli(host{}, s, ti);
    std::vector<double> ratio;
    for (std::size_t i = 0; i < plane; ++i)
      if (part[subject * plane + i] > 0 && truth[subject * plane + i] > 0)
        ratio.push_back(m.value.data()[i] / truth[subject * plane + i]);
    CAPTURE(subject);
    CHECK(median(ratio) > 0.957);  // SciPy: 0.966, 0.957, 0.965 of every seventh pixel
    CHECK(median(ratio) < 0.967);
  }
}

TEST_CASE("digital phantom: true T1 and T2 to the rounding of its samples") {
  SHARED_OR_SKIP(folder, "data/t1_t2_reference_values");
  auto times = io::read_npy(folder + "/digital_T1_times_ms.npy").values<double>();
  times.resize(7);  // entry 7 repeats entry 0
  const auto t1 =
      analysis::fit_t1_recovery(host{}, load_images(folder + "/digital_T1_images.npy", 7), times);
  const auto true_t1 = io::read_npy(folder + "/digital_T1_map_ms.npy").values<double>();
  std::vector<double> off;
  for (std::size_t i = 0; i < true_t1.size(); ++i)
    if (true_t1[i] > 0) off.push_back(std::abs(t1.value.data()[i] / true_t1[i] - 1));
  CHECK(median(off) < 0.02);
  const auto t2 =
      analysis::fit_t2(host{}, load_images(folder + "/digital_T2_images.npy"),
                       io::read_npy(folder + "/digital_T2_times_ms.npy").values<double>());
  const auto true_t2 = io::read_npy(folder + "/digital_T2_map_ms.npy").values<double>();
  off.clear();
  for (std::size_t i = 0; i < true_t2.size(); ++i)
    if (true_t2[i] > 0) off.push_back(std::abs(t2.value.data()[i] / true_t2[i] - 1));
  CHECK(median(off) < 0.02);
}

TEST_CASE("phantom: the scanner's ShMOLLI map inside the vials") {
  SHARED_OR_SKIP(folder, "data/t1_shmolli_phantom");
  const auto times = io::read_npy(folder + "/ti_ms.npy").values<double>();
  const auto scanner = io::read_npy(folder + "/t1_scanner_ms.npy").values<double>();
  const auto fits = io::read_npy(folder + "/fit_A_B_T1star_Rsq4000.npy").values<double>();
  // long T1: the first inversion only, for the later two come before the recovery has ended
  const auto whole = analysis::fit_t1_molli(host{}, load_images(folder + "/magnitude.npy"), times);
  const auto first = analysis::fit_t1_molli(host{}, load_images(folder + "/magnitude.npy", 5),
                                            {times.begin(), times.begin() + 5});
  std::vector<double> shorter, longer;
  const std::size_t plane = scanner.size();
  for (std::size_t i = 0; i < plane; ++i) {
    if (fits[3 * plane + i] < 3960) continue;
    if (scanner[i] > 200 && scanner[i] < 500)
      shorter.push_back(std::abs(whole.value.data()[i] / scanner[i] - 1));
    if (scanner[i] > 700 && scanner[i] < 1600)
      longer.push_back(std::abs(first.value.data()[i] / scanner[i] - 1));
  }
  CHECK(shorter.size() > 200);
  CHECK(longer.size() > 3000);
  CHECK(median(shorter) < 0.01);
  CHECK(median(longer) < 0.01);
}

TEST_CASE("published single pixels") {
  const auto one = [](const std::vector<double>& times, const std::vector<double>& y) {
    return row(times, 1, [&](double t, index_t) {
      return y[static_cast<std::size_t>(std::find(times.begin(), times.end(), t) - times.begin())];
    });
  };
  // t1_t2_reference_values: T1_blood, T1_saturation_recovery, T2_blood (results to their digits)
  const std::vector<double> ti = {100, 180, 260, 1715, 3337, 4907, 6455};
  const auto blood = analysis::fit_t1_molli(host{}, one(ti, {55, 49, 29, 22, 51, 61, 64}), ti);
  CHECK(blood.offset(0, 0, 0) == doctest::Approx(65.8968).epsilon(1e-4));
  CHECK(-blood.amplitude(0, 0, 0) == doctest::Approx(124.079).epsilon(1e-4));
  CHECK(blood.apparent(0, 0, 0) == doctest::Approx(1571.81).epsilon(1e-4));
  const auto myo = analysis::fit_t1_molli(host{}, one(ti, {49, 40, 26, 42, 59, 62, 63}), ti);
  CHECK(myo.apparent(0, 0, 0) == doctest::Approx(919.943).epsilon(1e-4));
  const std::vector<double> sr = {83, 153, 223, 293, 363, 433, 503, 573, 643, 713, 10000};
  mapping_options o;
  o.signed_samples = true;
  const auto saturation = analysis::fit_t1_recovery(
      host{}, one(sr, {25, 48, 66, 87, 105, 123, 139, 157, 175, 190, 599}), sr, {}, o);
  CHECK(saturation.value(0, 0, 0) == doctest::Approx(1883.235).epsilon(1e-4));
  const std::vector<double> te = {0, 25, 55};
  CHECK(analysis::fit_t2(host{}, one(te, {679, 610, 536}), te).value(0, 0, 0) ==
        doctest::Approx(232.5).epsilon(1e-3));
}
