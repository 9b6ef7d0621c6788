// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/synthetic.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <set>
#include <thread>

#include "cardiomm/fft/transform.hpp"

using namespace cardiomm;
using train::full_frame;
using train::synthetic_frames;
using train::synthetic_options;

namespace {

synthetic_options small() {
  synthetic_options o;
  o.subjects = 12;
  o.smallest = 64, o.largest = 96, o.step = 16;
  o.max_coils = 4;
  return o;
}

template <class V>
bool same(const V& a, const V& b) {
  return shape_of(a) == shape_of(b) &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(*a.data())) == 0;
}
double energy(const complex<float>* x, index_t n) {
  double sum = 0;
  for (index_t i = 0; i < n; ++i) sum += double(abs2(x[i]));
  return sum;
}

}  // namespace

TEST_CASE("a synthetic sample is the same from any thread, and another in another epoch") {
  auto o = small();
  o.neighbours = 3;
  o.frames_per_subject = 4;
  const synthetic_frames frames(o);
  REQUIRE(frames.size() == 48);
  full_frame from[2];
  std::thread one([&] { from[0] = frames.get(3, 5); });
  std::thread two([&] { from[1] = frames.get(3, 5); });
  one.join();
  two.join();
  const full_frame here = synthetic_frames(o).get(3, 5), later = frames.get(4, 5);
  for (const auto& f : from) {
    CHECK(same(f.kspace, here.kspace));
    CHECK(same(f.target, here.target));
    CHECK(f.name == here.name);
  }
  CHECK(!same(later.kspace, here.kspace));  // the noise
  CHECK(later.subject == here.subject);
  CHECK(here.kspace.extent(0) == 3);

  // the outer neighbours are the middles of the samples beside
  const full_frame next = frames.get(3, 6);
  const index_t part = static_cast<index_t>(here.kspace.size()) / 3;
  CHECK(std::memcmp(here.kspace.data() + 2 * part, next.kspace.data() + part,
                    static_cast<std::size_t>(part) * sizeof(complex<float>)) == 0);
}

TEST_CASE("subjects are numbered, so that disjoint ranges hold different ones") {
  auto o = small();
  const synthetic_frames all(o);
  o.first_subject = 6;
  o.subjects = 6;
  const synthetic_frames second(o);
  CHECK(same(all.get(0, 12).kspace, second.get(0, 0).kspace));
  CHECK(all.get(0, 12).subject == second.get(0, 0).subject);
  std::set<std::string> subjects;
  std::set<double> sums;
  for (index_t i = 0; i < all.size(); i += 2) {
    const auto f = all.get(0, i);
    subjects.insert(f.subject);
    sums.insert(energy(f.kspace.data(), static_cast<index_t>(f.kspace.size())));
    const auto g = all.groups_of(i);
    CHECK(g.at("vendor") == f.acquisition.vendor);
    CHECK(g.at("field") == f.acquisition.field);
    CHECK(g.at("modality") == f.acquisition.modality);
  }
  CHECK(subjects.size() == 12);
  CHECK(sums.size() == 12);
}

TEST_CASE("the target is the root sum of squares of the centred orthonormal inverse transform") {
  const host_space ex;
  for (const bool clean : {false, true}) {
    auto o = small();
    o.clean_target = clean;
    o.padded = clean ? 0 : 1;
    o.snr = {20, 20};
    const synthetic_frames frames(o);
    for (const index_t i : {0, 2, 4, 6, 8}) {
      const auto f = frames.get(0, i);
      const auto images = fft::ifft(ex, f.kspace);
      ex.fence();
      const index_t coils = static_cast<index_t>(f.kspace.extent(1));
      const index_t pixels = static_cast<index_t>(f.target.size());
      double wrong = 0, total = 0, most = 0;
      for (index_t p = 0; p < pixels; ++p) {
        double sum = 0;
        for (index_t c = 0; c < coils; ++c) sum += double(abs2(images.data()[c * pixels + p]));
        const double t = double(f.target.data()[p]);
        wrong += (std::sqrt(sum) - t) * (std::sqrt(sum) - t);
        total += t * t;
        most = std::max(most, t);
      }
      if (clean)
        CHECK(wrong / total > 1e-5);
      else
        CHECK(std::sqrt(wrong / total) < 1e-5);
      CHECK(f.data_range == doctest::Approx(most));
    }
  }
}

TEST_CASE("grain belongs to the object: every coil sees it by its map, every epoch alike") {
  const host_space ex;
  auto o = small();
  o.padded = 0;
  o.subjects = 6;
  o.min_coils = 2;
  o.snr = {1e9, 1e9};
  const synthetic_frames smooth(o);
  o.grain = 1;
  o.grain_snr = {10, 10};
  const synthetic_frames grainy(o);
  CHECK(grainy.description() != smooth.description());
  for (index_t i = 0; i < grainy.size(); i += 2) {
    const auto a = smooth.get(0, i), b = grainy.get(0, i), again = grainy.get(3, i);
    const auto was = fft::ifft(ex, a.kspace), is = fft::ifft(ex, b.kspace),
               later = fft::ifft(ex, again.kspace);
    ex.fence();
    const index_t pixels = static_cast<index_t>(a.target.size());
    double apart = 0, total = 0, change = 0, body = 0, share = 0;
    for (index_t p = 0; p < pixels; ++p) {
      const auto w = was.data()[p], w1 = was.data()[pixels + p];
      const auto d = is.data()[p] - w, d1 = is.data()[pixels + p] - w1;
      apart += double(abs2(d * w1 - d1 * w)), total += double(abs2(d * w1));
      change += double(abs2(later.data()[p] - is.data()[p]));
      if (a.target.data()[p] < .1f * a.data_range) continue;
      double power = 0;
      for (index_t c = 0; c < static_cast<index_t>(a.kspace.extent(1)); ++c)
        power += double(abs2(is.data()[c * pixels + p] - was.data()[c * pixels + p]));
      share += power;
      body += double(a.target.data()[p] * a.target.data()[p]);
    }
    CAPTURE(i);
    CHECK(apart / total < 0.25);  // 2 for independent noise; the cut in k-space leaves a little
    CHECK(change / body < 1e-12);
    CHECK(std::sqrt(share / body) > 0.04);
    CHECK(std::sqrt(share / body) < 0.12);
  }
}

TEST_CASE("the noise is what the options say") {
  auto o = small();
  o.padded = 0;
  o.subjects = 6;
  o.min_coils = 2;
  o.snr = {20, 20};
  const synthetic_frames noisy(o);
  o.snr = {1e9, 1e9};
  const synthetic_frames silent(o);
  for (index_t i = 0; i < noisy.size(); i += 2) {
    const auto a = noisy.get(0, i), b = silent.get(0, i), c = noisy.get(1, i);
    const index_t n = static_cast<index_t>(a.kspace.size());
    double power = 0, cross = 0, fourth = 0;
    std::vector<complex<float>> d(static_cast<std::size_t>(n));
    for (index_t k = 0; k < n; ++k) {
      const complex<float> x = a.kspace.data()[k] - b.kspace.data()[k];
      const complex<float> y = c.kspace.data()[k] - b.kspace.data()[k];
      power += double(abs2(x));
      cross += double(conj_mul(x, y).real());
      fourth += double(x.real()) * x.real() * x.real() * x.real();
    }
    const double variance = power / static_cast<double>(n);
    CHECK(std::fabs(cross) / power < .03);  // epochs are independent
    CHECK(fourth / static_cast<double>(n) / (variance * variance / 4) ==
          doctest::Approx(3).epsilon(.06));
    // the body's mean as documented, of the noise-free target
    const auto& t = b.target;
    double sum = 0;
    index_t count = 0;
    for (std::size_t p = 0; p < t.size(); ++p)
      if (t.data()[p] > .1f * b.data_range) sum += double(t.data()[p]), ++count;
    const double mean = sum / static_cast<double>(count);
    CHECK(mean / std::sqrt(variance) == doctest::Approx(20).epsilon(.05));
  }
}

TEST_CASE("frames show a beat, neighbours in time are alike, the anatomy stays") {
  auto o = small();
  o.torso = 1, o.head = o.scene = 0;
  o.frames_per_subject = 8;
  o.subjects = 4;
  o.snr = {1e9, 1e9};
  o.padded = 0;
  const synthetic_frames frames(o);
  const auto away = [](const full_frame& a, const full_frame& b) {
    double d = 0, n = 0;
    for (std::size_t i = 0; i < a.target.size(); ++i) {
      const double e = double(a.target.data()[i] - b.target.data()[i]);
      d += e * e, n += double(a.target.data()[i]) * a.target.data()[i];
    }
    return d / n;
  };
  for (index_t s = 0; s < 4; ++s) {
    const auto ed = frames.get(0, 8 * s), es = frames.get(0, 8 * s + 3);
    const auto later = frames.get(0, 8 * s + 4);
    const auto other = frames.get(0, 8 * ((s + 1) % 4));
    CHECK(away(ed, es) > 1e-4);
    CHECK(away(ed, es) < .5);
    CHECK(away(es, later) < away(ed, es));
    if (shape_of(other.target) == shape_of(ed.target)) CHECK(away(ed, other) > away(ed, es));
    o.motion = 0;
    CHECK(away(synthetic_frames(o).get(0, 8 * s), synthetic_frames(o).get(0, 8 * s + 3)) < 1e-12);
    o.motion = 1;
  }
}

TEST_CASE("k-space is centred, and its spectrum falls as that of natural images") {
  auto o = small();
  o.subjects = 24;
  o.frames_per_subject = 1;
  o.smallest = o.largest = 96;
  o.snr = {1e9, 1e9};
  o.padded = 0;
  const synthetic_frames frames(o);
  std::vector<double> slopes;
  for (index_t i = 0; i < 24; ++i) {
    const auto f = frames.get(0, i);
    const index_t n = 96, coils = static_cast<index_t>(f.kspace.extent(1));
    double total = 0, middle = 0, low = 0, high = 0;
    index_t n_low = 0, n_high = 0;
    for (index_t c = 0; c < coils; ++c)
      for (index_t y = 0; y < n; ++y)
        for (index_t x = 0; x < n; ++x) {
          const double p = double(abs2(f.kspace(0, c, y, x)));
          const double r = std::hypot(double(y - n / 2), double(x - n / 2));
          total += p;
          if (r < 8) middle += p;
          if (r > 6 && r < 10) low += p, ++n_low;
          if (r > 30 && r < 40) high += p, ++n_high;
        }
    CHECK(middle / total > .6);
    slopes.push_back(std::log(high / double(n_high) / (low / double(n_low))) / std::log(35.0 / 8));
  }
  std::sort(slopes.begin(), slopes.end());
  CHECK(slopes[12] < -1.8);  // power of natural images: about f^-2 to f^-3
  CHECK(slopes[12] > -3.4);
}

TEST_CASE("texts are words of the vocabulary and agree with each other; extents are in range") {
  auto o = small();
  o.subjects = 300;
  const synthetic_frames frames(o);
  std::map<std::string, std::set<std::string>> seen;
  for (index_t i = 0; i < frames.size(); i += 2) {
    for (const auto& [key, word] : frames.groups_of(i)) {
      seen[key].insert(word);
      if (key == "family") continue;
      const auto known = nn::text::detail::known_text(key, word);
      REQUIRE(known.has_value());
      CHECK(*known == word);
    }
  }
  CHECK(seen["vendor"].size() >= 4);
  CHECK(seen["field"].size() == 4);
  CHECK(seen["modality"].size() >= 8);
  CHECK(seen["family"].size() == 3);
  std::set<std::pair<index_t, index_t>> extents;
  for (index_t i = 0; i < 24; i += 2) {
    const auto f = frames.get(0, i);
    const auto s = shape_of(f.kspace);
    CHECK((s[0] == 1 && s[1] >= 1 && s[1] <= 4));
    CHECK(
        (s[2] >= 64 && s[2] <= 96 && s[2] % 16 == 0 && s[3] >= 64 && s[3] <= 96 && s[3] % 16 == 0));
    CHECK((f.target.extent(0) == f.kspace.extent(2) && f.target.extent(1) == f.kspace.extent(3)));
    extents.insert({s[2], s[3]});
    if (f.acquisition.scanner == "Jupiter") CHECK(f.acquisition.field == "5.0T");
    for (std::size_t p = 0; p < f.target.size(); ++p) REQUIRE(std::isfinite(f.target.data()[p]));
  }
  CHECK(extents.size() > 3);
}

TEST_CASE("options out of range are one clear error each") {
  const auto message = [](auto change) {
    auto o = small();
    change(o);
    try {
      synthetic_frames frames(o);
    } catch (const value_error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  using O = synthetic_options;
  CHECK(message([](O& o) { o.subjects = 0; }) ==
        "synthetic: subjects: expected 1 to 1000000000, found 0");
  CHECK(message([](O& o) { o.neighbours = 2; }) ==
        "synthetic: neighbours: expected an odd number, found 2");
  CHECK(message([](O& o) { o.largest = 32; }).find("largest: expected 64") != std::string::npos);
  CHECK(message([](O& o) {
          o.snr = {10, 5};
        }).find("snr: expected low and high in order") != std::string::npos);
  CHECK(message([](O& o) { o.torso = o.head = o.scene = 0; }).find("share above 0") !=
        std::string::npos);
  CHECK(message([](O& o) { o.texture = std::nan(""); }).find("texture") != std::string::npos);
  CHECK(message([](O& o) { o.step = 7; }).find("even") != std::string::npos);
  CHECK(message([](O& o) { o.max_coils = 65; }).find("max_coils") != std::string::npos);
  const synthetic_frames frames(small());
  CHECK_THROWS_AS(frames.get(0, frames.size()), value_error);
  CHECK_THROWS_AS(frames.get(0, -1), value_error);
  CHECK(frames.description() != synthetic_frames(synthetic_options{}).description());
}
