// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/acquisitions.hpp"
#include "cardiomm/core/mrd.hpp"

#include <doctest/doctest.h>

namespace mri = cardiomm::mri;
using cardiomm::complex;
using cardiomm::host_space;
using cardiomm::index_t;
using cardiomm::mrd_acquisition;
using cardiomm::mrd_flag;
using cardiomm::mrd_header;

namespace {

mrd_header header_of(int nx, int ny, double fov_x = 320, double recon_x = 320) {
  mrd_header h;
  cardiomm::mrd_encoding e;
  e.encoded = {{nx, ny, 1}, {fov_x, 240, 8}};
  e.recon = {{nx, ny, 1}, {recon_x, 240, 8}};
  e.step_1 = {true, 0, ny - 1, ny / 2};
  h.encodings.push_back(e);
  return h;
}

/// A value that tells where it belongs.
complex<float> value(int frame, int slice, int coil, int y, int x) {
  return complex<float>(float(x + 100 * y), float(coil + 10 * slice + 100 * frame + 1));
}

mrd_acquisition line(int n, int coils, int y) {
  mrd_acquisition a;
  a.head.number_of_samples = static_cast<std::uint16_t>(n);
  a.head.active_channels = static_cast<std::uint16_t>(coils);
  a.head.center_sample = static_cast<std::uint16_t>(n / 2);
  a.head.idx.kspace_encode_step_1 = static_cast<std::uint16_t>(y);
  a.data.resize(std::size_t(n) * std::size_t(coils));
  return a;
}
mrd_acquisition full_line(int n, int coils, int frame, int slice, int y) {
  mrd_acquisition a = line(n, coils, y);
  a.head.idx.phase = static_cast<std::uint16_t>(frame);
  a.head.idx.slice = static_cast<std::uint16_t>(slice);
  for (int c = 0; c < coils; ++c)
    for (int x = 0; x < n; ++x) a.data[std::size_t(c * n + x)] = value(frame, slice, c, y, x);
  return a;
}

mri::sorted_acquisitions sorted(const mrd_header& h, const std::vector<mrd_acquisition>& lines,
                                const mri::sort_options& o = {}) {
  std::vector<cardiomm::mrd_head> heads;
  for (const auto& l : lines) heads.push_back(l.head);
  mri::acquisition_sorter s(h, heads, o);
  for (std::size_t i = 0; i < lines.size(); ++i) s.add(i, lines[i]);
  return s.finish();
}

}  // namespace

TEST_CASE("lines of interleaved slices and phases in any order come to their place, bit for bit") {
  const int nx = 8, ny = 6, coils = 2;
  std::vector<mrd_acquisition> lines;
  for (int y = 0; y < ny; ++y)
    for (const int f : {2, 0, 1})
      for (const int z : {1, 0}) lines.push_back(full_line(nx, coils, f, z, (5 * y) % ny));
  const auto s = sorted(header_of(nx, ny), lines);
  REQUIRE(cardiomm::shape_of(s.kspace) == cardiomm::shape{3, 2, 2, 6, 8});
  for (int f = 0; f < 3; ++f)
    for (int z = 0; z < 2; ++z)
      for (int c = 0; c < coils; ++c)
        for (int y = 0; y < ny; ++y)
          for (int x = 0; x < nx; ++x) REQUIRE(s.kspace(f, z, c, y, x) == value(f, z, c, y, x));
  for (std::size_t i = 0; i < s.mask.size(); ++i) REQUIRE(s.mask.data()[i] == 1);
  CHECK(s.frames[2].phase == 2);
  CHECK(s.spacing_mm == std::array<double, 3>{8, 40, 40});
  mri::sort_options one;
  one.slice = 1;
  one.phase = 2;
  const auto part = sorted(header_of(nx, ny), lines, one);
  REQUIRE(cardiomm::shape_of(part.kspace) == cardiomm::shape{1, 1, 2, 6, 8});
  CHECK(part.kspace(0, 0, 1, 4, 3) == value(2, 1, 1, 4, 3));
}

TEST_CASE("noise, reversed lines, repeats, and lines that are no image") {
  const int nx = 8, ny = 4;
  std::vector<mrd_acquisition> lines;
  mrd_acquisition noise = line(5, 2, 0);
  noise.head.set(mrd_flag::noise);
  for (int i = 0; i < 10; ++i) noise.data[std::size_t(i)] = complex<float>(float(i), -1);
  noise.head.sample_time_us = 8;
  lines.push_back(noise);
  lines.push_back(noise);
  for (int y = 0; y < ny; ++y) {
    auto a = full_line(nx, 2, 0, 0, y);
    a.head.sample_time_us = 2;
    if (y % 2 == 1) {
      a.head.set(mrd_flag::reverse);
      for (int c = 0; c < 2; ++c)
        std::reverse(a.data.begin() + c * nx, a.data.begin() + (c + 1) * nx);
    }
    if (y == 3) a.head.center_sample = nx - 1 - nx / 2;  // told for the line as it was read out
    lines.push_back(a);
  }
  auto again = lines[3];
  for (auto& v : again.data) v += complex<float>(2, 4);
  again.head.idx.average = 1;
  lines.push_back(again);
  for (const mrd_flag f : {mrd_flag::navigation, mrd_flag::phase_correction, mrd_flag::dummy,
                           mrd_flag::feedback, mrd_flag::surface_coil}) {
    auto a = line(3, 1, 200);
    a.head.set(f);
    lines.push_back(a);
  }
  auto other = line(nx, 2, 0);
  other.head.encoding_space_ref = 1;
  lines.push_back(other);
  const auto s = sorted(header_of(nx, ny), lines);
  for (int y = 0; y < ny; ++y)
    for (int x = 0; x < nx; ++x) {
      CAPTURE(y);
      const auto want = value(0, 0, 1, y, x) + (y == 1 ? complex<float>(1, 2) : complex<float>(0));
      CHECK(s.kspace(0, 0, 1, y, x) == want);
    }
  REQUIRE(s.noise.extent(1) == 10);
  CHECK(s.noise(1, 0) == complex<float>(5, -1));
  CHECK(s.noise(0, 9) == complex<float>(4, -1));
  CHECK(s.noise_scale == doctest::Approx(2));
  CHECK(s.counts.reversed == 3);  // the repeat was reversed too
  CHECK(s.counts.repeated == 1);
  CHECK(s.counts.navigation == 1);
  CHECK(s.counts.dummy == 1);
  CHECK(s.counts.other_kinds == 1);
  CHECK(s.counts.other_encodings == 1);
  mri::sort_options refuse;
  refuse.repeats = mri::repeated_lines::refuse;
  CHECK_THROWS_WITH_AS(sorted(header_of(nx, ny), lines, refuse),
                       doctest::Contains("expected each line once"), cardiomm::value_error);
}

TEST_CASE("asymmetric echoes, discarded samples and partial Fourier lie about DC") {
  const int nx = 16, ny = 10;
  auto h = header_of(nx, ny);
  h.encodings[0].step_1 = {true, 0, 6, 2};  // 2 lines before the centre, 4 after it
  std::vector<mrd_acquisition> lines;
  for (int y = 0; y < 7; ++y) {
    auto a = line(14, 1, y);  // 1 discarded, 4 before the centre, 8 from it on, 1 discarded
    a.head.discard_pre = 1;
    a.head.discard_post = 1;
    a.head.center_sample = 5;
    for (int x = 0; x < 14; ++x) a.data[std::size_t(x)] = complex<float>(float(x), float(y));
    lines.push_back(a);
  }
  const auto s = sorted(h, lines);
  REQUIRE(cardiomm::shape_of(s.kspace) == cardiomm::shape{1, 1, 1, 10, 16});
  CHECK(s.kspace(0, 0, 0, 5, 8) == complex<float>(5, 2));  // DC at n / 2
  CHECK(s.kspace(0, 0, 0, 9, 15) == complex<float>(12, 6));
  CHECK(s.kspace(0, 0, 0, 5, 4) == complex<float>(1, 2));
  CHECK(s.kspace(0, 0, 0, 5, 3) == complex<float>(0, 0));
  CHECK(s.partial_echo);
  for (int y = 0; y < ny; ++y)
    for (int x = 0; x < nx; ++x) CHECK(bool(s.mask(0, y, x)) == (y >= 3 && x >= 4));
  lines[0].head.idx.kspace_encode_step_1 = 9;
  CHECK_THROWS_WITH_AS(sorted(h, lines), doctest::Contains("expected phase encodes -3 to 6"),
                       cardiomm::shape_error);
}

TEST_CASE("oversampling is cropped in the image, which stays what it was") {
  const int nx = 16, ny = 4;
  std::vector<mrd_acquisition> lines;
  for (int y = 0; y < ny; y += 2) lines.push_back(full_line(nx, 1, 0, 0, y));
  const auto h = header_of(nx, ny, 640, 320);
  mri::sort_options keep;
  keep.remove_oversampling = false;
  const auto whole = sorted(h, lines, keep), half = sorted(h, lines);
  REQUIRE(half.kspace.extent(4) == 8);
  CHECK(half.spacing_mm[2] == 40);
  CHECK(half.mask(0, 0, 7) == 1);
  CHECK(half.mask(0, 1, 0) == 0);
  const host_space ex;
  cardiomm::fft::ifft(ex, whole.kspace, whole.kspace, {4});
  cardiomm::fft::ifft(ex, half.kspace, half.kspace, {4});
  for (int y = 0; y < ny; ++y)
    for (int x = 0; x < 8; ++x) {
      const auto d = half.kspace(0, 0, 0, y, x) - whole.kspace(0, 0, 0, y, x + 4);
      CHECK(std::abs(d.real()) < 1e-3);
      CHECK(std::abs(d.imag()) < 1e-3);
    }
}

TEST_CASE("calibration lines: embedded ones fill k-space, separate ones stay apart") {
  const int nx = 8, ny = 8;
  std::vector<mrd_acquisition> lines;
  for (int y = 0; y < ny; y += 2) {
    lines.push_back(full_line(nx, 1, 0, 0, y));
    if (y == 4) lines.back().head.set(mrd_flag::calibration_and_imaging);
  }
  for (const int y : {3, 4, 5}) {
    lines.push_back(full_line(nx, 1, 0, 0, y));
    for (auto& v : lines.back().data) v *= -1.f;
    lines.back().head.set(mrd_flag::calibration);
  }
  auto h = header_of(nx, ny);
  h.encodings[0].calibration = "embedded";
  const auto s = sorted(h, lines);
  CHECK(s.mask(0, 3, 0) == 1);
  CHECK(s.mask(0, 1, 0) == 0);
  CHECK(s.kspace(0, 0, 0, 3, 2) == value(0, 0, 0, 3, 2) * -1.f);
  CHECK(s.kspace(0, 0, 0, 4, 2) == value(0, 0, 0, 4, 2));  // the imaging line
  CHECK(s.counts.calibration == 3);
  CHECK(s.counts.calibration_and_imaging == 1);
  h.encodings[0].calibration = "separate";
  const auto apart = sorted(h, lines);
  CHECK(apart.mask(0, 3, 0) == 0);
  REQUIRE(apart.calibration.size() > 0);
  CHECK(apart.calibration(0, 0, 4, 2) == value(0, 0, 0, 4, 2) * -1.f);
}

TEST_CASE("partitions become slices by a transform; gaps are refused") {
  const int nx = 4, ny = 3, nz = 4;
  auto h = header_of(nx, ny);
  h.encodings[0].encoded.matrix[2] = nz;
  h.encodings[0].encoded.fov_mm[2] = 20;
  h.encodings[0].recon.fov_mm[2] = 20;
  h.encodings[0].step_2 = {true, 0, nz - 1, nz / 2};
  std::vector<mrd_acquisition> lines;
  for (int z = 0; z < nz; ++z)
    for (int y = 0; y < ny; ++y) {
      auto a = line(nx, 1, y);
      a.head.idx.kspace_encode_step_2 = static_cast<std::uint16_t>(z);
      // a plane wave along z: all of it in one slice
      for (int x = 0; x < nx; ++x)
        a.data[std::size_t(x)] = complex<float>(z == 2 || z == 0 ? 1.f : -1.f, 0) * float(x + 1);
      lines.push_back(a);
    }
  const auto s = sorted(h, lines);
  REQUIRE(cardiomm::shape_of(s.kspace) == cardiomm::shape{1, 4, 1, 3, 4});
  for (int z = 0; z < nz; ++z) {
    CAPTURE(z);  // exp(2 pi i (z - 2) (slice - 2) / 4) with alternating sign is slice 0
    CHECK(s.kspace(0, z, 0, 1, 2).real() == doctest::Approx(z == 0 ? 6 : 0));
  }
  CHECK(s.spacing_mm[0] == 5);
  lines.erase(lines.begin() + 4);
  CHECK_THROWS_WITH_AS(sorted(h, lines), doctest::Contains("same partitions"),
                       cardiomm::value_error);
}

TEST_CASE(
    "trajectories: spokes in cycles per field of view, frames of consecutive ones, and grids") {
  auto h = header_of(8, 8);
  h.encodings[0].trajectory = "radial";
  std::vector<mrd_acquisition> lines;
  for (int spoke = 0; spoke < 7; ++spoke) {
    auto a = line(8, 2, 0);
    a.head.trajectory_dimensions = 2;
    a.trajectory.resize(16);
    for (int x = 0; x < 8; ++x) {
      const double r = (x - 4) / 8., phi = 1.941611 * spoke;
      a.trajectory[std::size_t(2 * x)] = float(r * std::cos(phi));
      a.trajectory[std::size_t(2 * x + 1)] = float(r * std::sin(phi));
      a.data[std::size_t(x)] = complex<float>(float(spoke), float(x));
    }
    lines.push_back(a);
  }
  mri::sort_options o;
  o.spokes = 3;
  const auto s = sorted(h, lines, o);
  REQUIRE(cardiomm::shape_of(s.kspace) == cardiomm::shape{2, 1, 2, 3, 8});
  CHECK(s.kspace(1, 0, 0, 2, 5) == complex<float>(5, 5));
  CHECK(s.trajectory(0, 0, 0, 0) == doctest::Approx(-4));
  CHECK(s.trajectory(1, 2, 7, 1) == doctest::Approx(3 * std::sin(1.941611 * 5)).epsilon(1e-5));
  CHECK(s.mask.size() == 0);
  for (auto& l : lines) l.trajectory.clear(), l.head.trajectory_dimensions = 0;
  CHECK_THROWS_WITH_AS(sorted(h, lines), doctest::Contains("lines with their trajectory"),
                       cardiomm::value_error);

  // an EPI whose lines run forth and back
  h.encodings[0].trajectory = "epi";
  lines.clear();
  for (int y = 0; y < 8; ++y) {
    auto a = full_line(8, 1, 0, 0, y);
    a.head.trajectory_dimensions = 2;
    if (y % 2) std::reverse(a.data.begin(), a.data.end());
    for (int x = 0; x < 8; ++x) {
      a.trajectory.push_back(float((y % 2 ? 7 - x : x) - 4) / 8);
      a.trajectory.push_back(float(y - 4) / 8);
    }
    lines.push_back(a);
  }
  const auto grid = sorted(h, lines);
  REQUIRE(cardiomm::shape_of(grid.kspace) == cardiomm::shape{1, 1, 1, 8, 8});
  CHECK(grid.trajectory.size() == 0);
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x) CHECK(grid.kspace(0, 0, 0, y, x) == value(0, 0, 0, y, x));
}

TEST_CASE("what does not fit is said clearly") {
  const auto h = header_of(8, 4);
  std::vector<mrd_acquisition> lines;
  CHECK_THROWS_WITH_AS(sorted(h, lines), doctest::Contains("expected imaging lines"),
                       cardiomm::value_error);
  for (int y = 0; y < 4; ++y) lines.push_back(full_line(8, 2, 0, 0, y));
  lines.push_back(full_line(8, 3, 0, 0, 1));
  CHECK_THROWS_WITH_AS(sorted(h, lines), doctest::Contains("line 4: expected 2 channels"),
                       cardiomm::shape_error);
  lines.back() = full_line(8, 2, 0, 1, 1);
  CHECK_THROWS_WITH_AS(sorted(h, lines), doctest::Contains("same lines in all 2 slices"),
                       cardiomm::value_error);
  lines.back() = line(2, 2, 1);
  lines.back().head.discard_pre = 2;
  CHECK_THROWS_WITH_AS(sorted(h, lines), doctest::Contains("are discarded"), cardiomm::shape_error);
  lines.pop_back();
  lines[2].head.center_sample = 7;
  CHECK_THROWS_WITH_AS(sorted(h, lines), doctest::Contains("expected samples within the 8"),
                       cardiomm::shape_error);
  for (auto& l : lines) l.head.encoding_space_ref = 9;
  CHECK_THROWS_WITH_AS(sorted(h, lines), doctest::Contains("expected one of the header's 1"),
                       cardiomm::value_error);
}
