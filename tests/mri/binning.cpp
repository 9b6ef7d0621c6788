// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/binning.hpp"

#include <doctest/doctest.h>

#include "cardiomm/mri/acquisitions.hpp"

namespace mri = cardiomm::mri;
using cardiomm::complex;
using cardiomm::index_t;
using cardiomm::mrd_acquisition;

namespace {

constexpr int nx = 32, ny = 24;

/// k-space of a box whose width moves with the share u of the heart beat, at sample (y, x): closed
/// form, sinc times sinc.
complex<float> box(double u, int y, int x) {
  const auto sinc = [](double a) { return a == 0 ? 1 : std::sin(M_PI * a) / (M_PI * a); };
  const double width = 10 + 4 * std::cos(2 * M_PI * u);
  const double value = width * sinc(width * (x - nx / 2) / nx) * sinc(8. * (y - ny / 2) / ny);
  return complex<float>(float(value), 0);
}

struct scan {
  std::vector<mrd_acquisition> lines;
  std::vector<double> clock_ms, triggers;
};

/// Beats of different lengths; one of them far too long. All lines of a segment of 4 in every beat.
scan measure() {
  scan s;
  const std::vector<double> rr = {800, 840, 780, 820, 1500, 790, 810, 830, 800, 815, 795};
  double start = 1000;
  int segment = 0;
  for (const double r : rr) {
    s.triggers.push_back(start);
    for (double t = 2.5; t < r; t += 5) {
      mrd_acquisition a;
      a.head.number_of_samples = nx;
      a.head.center_sample = nx / 2;
      a.head.active_channels = 1;
      const int y = segment * 4 + int(t / 5) % 4;
      a.head.idx.kspace_encode_step_1 = static_cast<std::uint16_t>(y);
      a.head.acquisition_time_stamp = static_cast<std::uint32_t>((start + t) / 2.5);
      a.head.physiology_time_stamp[0] = static_cast<std::uint32_t>(t / 2.5);
      for (int x = 0; x < nx; ++x) a.data.push_back(box(t / r, y, x));
      s.lines.push_back(a);
      s.clock_ms.push_back(start + t);
    }
    start += r;
    if (r < 1200) segment = (segment + 1) % (ny / 4);  // a scanner repeats what it rejects
  }
  return s;
}

}  // namespace

TEST_CASE("retrospective gating recovers the frames of a moving phantom") {
  const scan s = measure();
  std::vector<cardiomm::mrd_head> heads;
  for (const auto& l : s.lines) heads.push_back(l.head);
  mri::binning_options o;
  o.frames = 16;
  const auto bins = mri::bin_lines(mri::times_of(heads, o), o);
  REQUIRE(bins.beats.size() == 11);
  CHECK(bins.rr_ms == doctest::Approx(807.5).epsilon(0.01));
  for (std::size_t b = 0; b < 11; ++b) CHECK(bins.beats[b].accepted == (b != 4));
  CHECK(bins.rejected >= 300);
  CHECK(bins.rejected < 310);

  cardiomm::mrd_header h;
  cardiomm::mrd_encoding e;
  e.encoded = {{nx, ny, 1}, {320, 240, 8}};
  e.recon = e.encoded;
  e.step_1 = {true, 0, ny - 1, ny / 2};
  h.encodings.push_back(e);
  mri::sort_options so;
  so.bins = bins.frame;
  so.frames = 16;
  mri::acquisition_sorter sorter(h, heads, so);
  for (std::size_t i = 0; i < s.lines.size(); ++i) sorter.add(i, s.lines[i]);
  const auto sorted = sorter.finish();
  REQUIRE(cardiomm::shape_of(sorted.kspace) == cardiomm::shape{16, 1, 1, ny, nx});
  double worst = 0, change = 0, largest = 0;
  for (int f = 0; f < 16; ++f)
    for (int y = 0; y < ny; ++y) {
      REQUIRE(sorted.mask(f, y, 3) == 1);
      for (int x = 0; x < nx; ++x) {
        const double truth = box((f + 0.5) / 16, y, x).real();
        worst = std::max(worst, std::abs(sorted.kspace(f, 0, 0, y, x).real() - truth));
        change = std::max(change, std::abs(truth - box(0.25, y, x).real()));
        largest = std::max(largest, std::abs(truth));
      }
    }
  CHECK(change > 3);            // the phantom moves
  CHECK(worst < 0.2 * change);  // half a frame of motion at most, 4 sin(2 pi / 32) = 0.78
}

TEST_CASE("triggers of a recorded ECG give the same frames as the stamps") {
  const scan s = measure();
  std::vector<cardiomm::mrd_head> heads;
  for (const auto& l : s.lines) heads.push_back(l.head);
  mri::binning_options o;
  o.frames = 8;
  const auto by_stamp = mri::bin_lines(mri::times_of(heads, o), o);
  // an ECG with R waves of 30 ms, and its marks in a last channel
  std::vector<cardiomm::mrd_waveform> waves;
  for (int piece = 0; piece < 20; ++piece) {
    cardiomm::mrd_waveform w;
    w.head.time_stamp = static_cast<std::uint32_t>((500 + piece * 500) / 2.5);
    w.head.number_of_samples = 200;
    w.head.channels = 2;
    w.head.sample_time_us = 2500;
    w.data.resize(400);
    for (int i = 0; i < 200; ++i) {
      const double t = 500 + piece * 500 + i * 2.5;
      double ecg = 2048 + 30 * std::sin(t / 150);
      for (const double r : s.triggers) {
        ecg += 900 * std::max(0., 1 - std::abs(t - r) / 15);
        if (t >= r && t < r + 2.5) w.data[std::size_t(200 + i)] = 16384;
      }
      w.data[std::size_t(i)] = static_cast<std::uint32_t>(ecg);
    }
    waves.push_back(w);
  }
  const std::vector<cardiomm::mrd_waveform_kind> kinds = {{"ECG", "ecg"}};
  const auto marked = mri::triggers_of(waves, kinds);
  REQUIRE(marked.size() == s.triggers.size());
  for (std::size_t b = 0; b < marked.size(); ++b) CHECK(std::abs(marked[b] - s.triggers[b]) <= 2.5);
  for (auto& w : waves) {
    w.head.channels = 1;
    w.data.resize(200);
  }
  const auto peaks = mri::triggers_of(waves, kinds);
  REQUIRE(peaks.size() == s.triggers.size());
  for (std::size_t b = 0; b < peaks.size(); ++b) CHECK(std::abs(peaks[b] - s.triggers[b]) <= 2.5);
  const auto by_ecg = mri::bin_lines(s.triggers, s.clock_ms, o);
  index_t different = 0;
  for (std::size_t i = 0; i < by_ecg.frame.size(); ++i)
    different += by_ecg.frame[i] != by_stamp.frame[i] ? 1 : 0;
  CHECK(different < index_t(by_ecg.frame.size()) / 50);  // stamps are rounded
}

TEST_CASE("clocks that stand still, shared views, and what cannot be binned") {
  mri::line_times t;
  for (int beat = 0; beat < 3; ++beat)
    for (int i = 0; i < 10; ++i) {
      t.clock_ms.push_back(0);
      t.delay_ms.push_back(100. * i);
    }
  mri::binning_options o;
  o.frames = 5;
  const auto bins = mri::bin_lines(t, o);
  REQUIRE(bins.beats.size() == 3);
  CHECK(bins.rr_ms == doctest::Approx(1000));
  for (int i = 0; i < 30; ++i) CHECK(bins.frame[std::size_t(i)] == i % 10 / 2);
  CHECK_THROWS_WITH_AS(mri::times_of(std::vector<cardiomm::mrd_head>(3), o),
                       doctest::Contains("physiology time stamps"), cardiomm::value_error);
  t.clock_ms = {0, 10};
  t.delay_ms = {0, 10};
  CHECK_THROWS_WITH_AS(mri::bin_lines(t, o), doctest::Contains("two triggers"),
                       cardiomm::value_error);

  cardiomm::mrd_header h;
  cardiomm::mrd_encoding e;
  e.encoded = {{2, 2, 1}, {10, 10, 1}};
  e.recon = e.encoded;
  h.encodings.push_back(e);
  mri::sort_options so;
  so.bins = {3, 1};
  so.frames = 4;
  so.share_views = true;
  std::vector<mrd_acquisition> lines(2);
  for (int i = 0; i < 2; ++i) {
    auto& l = lines[std::size_t(i)];
    l.head.number_of_samples = 2;
    l.head.active_channels = 1;
    l.head.center_sample = 1;
    l.data = {complex<float>(float(7 - 2 * i)), complex<float>(0)};
  }
  mri::acquisition_sorter sorter(h, {lines[0].head, lines[1].head}, so);
  for (std::size_t i = 0; i < 2; ++i) sorter.add(i, lines[i]);
  const auto a = sorter.finish();
  CHECK(a.counts.shared == 2);
  CHECK(a.kspace(0, 0, 0, 0, 0).real() == 7);  // round the cycle, the earlier one
  CHECK(a.kspace(2, 0, 0, 0, 0).real() == 5);
  CHECK(a.mask(0, 0, 0) == 1);
  CHECK(a.mask(0, 1, 0) == 0);
}
