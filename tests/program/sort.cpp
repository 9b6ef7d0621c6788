// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "cardiomm/io/ismrmrd.hpp"
#include "cardiomm/io/mrd_stream.hpp"
#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm::index_t;
using cardiomm_tests::workplace;

namespace {

struct values {
  io::extents shape;
  std::vector<complex<float>> v;
};
values read(const std::string& path) {
  const auto a = io::open_npy(path);
  values r{a.shape(), std::vector<complex<float>>(std::size_t(a.size()))};
  a.read(r.v.data());
  return r;
}
double difference(const values& a, const values& b) {
  REQUIRE(a.shape == b.shape);
  double most = 0;
  for (std::size_t i = 0; i < a.v.size(); ++i)
    most = std::max(most, std::sqrt(double(cardiomm::abs2(a.v[i] - b.v[i]))));
  return most;
}

}  // namespace

TEST_CASE("sort: a cine of Python's making comes out as it was made") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  const auto j = w.json("sort '" + own_path("mrd/cine.h5") + "' --out s");
  CHECK(j["shape"]["frame"] == 3);
  CHECK(j["lines"]["noise"] == 1);
  CHECK(j["lines"]["dummy"] == 1);
  CHECK(j["lines"]["navigation"] == 1);
  CHECK(j["lines"]["other_encodings"] == 1);
  CHECK(j["lines"]["repeated"] == 30);
  CHECK(j["noise_scale"].get<double>() == doctest::Approx(2));
  CHECK(j["spacing_mm"]["slice"] == 10);  // from the positions
  CHECK(j["spacing_mm"]["x"] == 30);
  CHECK(j["frame_ms"].get<double>() == doctest::Approx(50));
  const auto k = read(w / "s/kspace.npy"), truth = read(own_path("mrd/cine_k.npy"));
  CHECK(difference(k, truth) == 0);
  CHECK(difference(read(w / "s/noise.npy"), read(own_path("mrd/cine_noise.npy"))) == 0);
  const auto mask = read(w / "s/mask.npy");
  REQUIRE(mask.shape == io::extents{3, 6, 16});
  for (index_t y = 0; y < 6; ++y)
    for (index_t x = 0; x < 16; ++x)
      CHECK((mask.v[std::size_t(y * 16 + x)].real() != 0) == (y >= 1 && x >= 4));
  const auto one = w.json("sort '" + own_path("mrd/cine.h5") +
                          "' --slice 1 --phase 2 --average 0 --remove-oversampling --out t");
  CHECK(one["shape"]["slice"] == 1);
  CHECK(one["shape"]["frame"] == 1);
  CHECK(one["shape"]["x"] == 8);
  CHECK(one["spacing_mm"]["x"] == 30);
}

TEST_CASE("sort: retrospective gating of a moving box, by stamps and by the ECG") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  for (const std::string option : {"", " --ecg"}) {
    const auto j =
        w.json("sort '" + own_path("mrd/gated.h5") + "' --frames 4" + option + " --out s");
    CHECK(j["heart"]["beats"] == 6);
    CHECK(j["heart"]["beats_accepted"] == 5);
    CHECK(j["heart"]["rr_ms"].get<double>() == doctest::Approx(820).epsilon(0.05));
    const auto k = read(w / "s/kspace.npy");
    REQUIRE(k.shape == io::extents{4, 1, 1, 8, 12});
    for (index_t f = 0; f < 4; ++f) {
      // the sample of DC is the mean width of the bin: 5 + 2 cos
      double mean = 0;
      for (int i = 0; i < 100; ++i) mean += 5 + 2 * std::cos(2 * M_PI * (double(f) + i / 100.) / 4);
      CAPTURE(f);
      CHECK(k.v[std::size_t((f * 8 + 4) * 12 + 6)].real() ==
            doctest::Approx(mean / 100).epsilon(0.25));
    }
  }
  CHECK(w.run("sort '" + own_path("mrd/cine.h5") + "' --frames 4 --ecg --out x")
            .err.find("expected an ECG") != std::string::npos);
  CHECK(w.run("sort '" + own_path("mrd/cine.h5") + "' --slice 9 --out x")
            .err.find("expected imaging lines") != std::string::npos);
}

TEST_CASE("sort and recon: raw files of others") {
  BUILT_PROGRAM_OR_SKIP();
  SHARED_OR_SKIP(folder, "data/ismrmrd_samples");
  const workplace w;
  const auto a = w.json("sort '" + folder + "/grappa2_1rep.h5' --out a");
  CHECK(a["lines"]["imaging"] == 128);
  CHECK(a["lines"]["calibration"] == 14);
  CHECK(read(w / "a/kspace.npy").shape == io::extents{1, 1, 4, 256, 256});
  const auto b =
      w.json("sort '" + folder + "/siemens_phantom_r3_14ch.h5' --remove-oversampling --out b");
  CHECK(read(w / "b/kspace.npy").shape == io::extents{1, 1, 14, 144, 192});
  CHECK(b["lines"]["calibration"] == 32);
  CHECK(b["spacing_mm"]["x"].get<double>() == doctest::Approx(560. / 384));
  const auto c = w.json("sort '" + folder + "/koma_epi_brain_sim.mrd' --out c");
  CHECK(read(w / "c/kspace.npy").shape == io::extents{1, 1, 1, 101, 101});
  CHECK(c["remarks"].size() == 2);
  CHECK(w.run("recon --kspace b/kspace.npy --mask b/mask.npy --noise b/noise.npy --method sense "
              "--iterations 5 --out i.npy")
            .code == 0);
}

TEST_CASE("stream: images and CLOSE for the lines of a stream, errors for other input") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  // all lines of a raw file as a stream
  SHARED_OR_SKIP(folder, "data/ismrmrd_samples");
  {
    const io::ismrmrd_file raw(folder + "/siemens_phantom_r3_14ch.h5");
    std::string bytes;
    io::mrd_writer out(
        [&](const void* data, std::size_t n) { bytes.append(static_cast<const char*>(data), n); });
    out.config_file("default");
    out.header(raw.xml());
    raw.for_each([&](std::size_t, const cardiomm::mrd_acquisition& a) { out.acquisition(a); });
    out.close();
    cardiomm_tests::spit(w / "raw.mrd", bytes);
    cardiomm_tests::spit(w / "cut.mrd", bytes.substr(0, bytes.size() / 2));
  }
  const auto o = w.shell("CARDIOMM stream --method grappa < raw.mrd > images.mrd");
  CHECK(o.err == "");
  REQUIRE(o.code == 0);
  const std::string bytes = cardiomm_tests::slurp(w / "images.mrd");
  io::mrd_reader in(io::read_string(bytes));
  const auto image = in.next();
  REQUIRE(image.has_value());
  CHECK(image->id == io::mrd_message_id::image);
  CHECK(image->image.head.matrix_size == std::array<std::uint16_t, 3>{192, 144, 1});
  CHECK(image->image.head.field_of_view[0] == doctest::Approx(280));
  CHECK(image->image.head.position[1] == doctest::Approx(66.57).epsilon(1e-3));
  const auto* v = reinterpret_cast<const float*>(image->image.pixels.data());
  CHECK(*std::max_element(v, v + 192 * 144) > 0);
  const auto end = in.next();
  REQUIRE(end.has_value());
  CHECK(end->id == io::mrd_message_id::close);
  CHECK_FALSE(in.next().has_value());
  const std::string file =
      "stream --method grappa --in '" + folder + "/siemens_phantom_r3_14ch.h5' --out images.h5";
  CHECK(w.run(file).code == 0);
  CHECK(std::filesystem::file_size(w / "images.h5") > 192 * 144 * 4);
  CHECK(w.run(file + " --no-clobber").code == 2);
  const auto cut = w.shell("CARDIOMM stream < cut.mrd > x.mrd");
  CHECK(cut.code == 2);
  CHECK(cut.err.find("the stream ended early") != std::string::npos);
  CHECK(w.shell("echo hello | CARDIOMM stream > x.mrd").code == 2);
  CHECK(w.shell("CARDIOMM stream < /dev/null > x.mrd").err.find("found nothing") !=
        std::string::npos);
}
