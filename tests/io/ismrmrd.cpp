// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/ismrmrd.hpp"
#include "cardiomm/io/mrd_header.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cardiomm::mrd_flag;

TEST_CASE("files of others: lines, flags and header") {
  SHARED_OR_SKIP(folder, "data/ismrmrd_samples");
  const auto count = [](const io::ismrmrd_file& f, auto&& test) {
    const auto heads = f.heads();
    return std::count_if(heads.begin(), heads.end(), test);
  };
  const io::ismrmrd_file a(folder + "/grappa2_1rep.h5");
  REQUIRE(a.size() == 143);
  CHECK(count(a, [](const auto& h) { return h.has(mrd_flag::noise); }) == 1);
  CHECK(count(a, [](const auto& h) { return h.has(mrd_flag::calibration); }) == 14);
  CHECK(count(a, [](const auto& h) { return h.has(mrd_flag::calibration_and_imaging); }) == 14);
  CHECK(a.header().vendor == "ISMRMRD Labs");
  CHECK(a.header().encodings.at(0).acceleration_1 == 2);
  CHECK(a.header().encodings.at(0).calibration == "embedded");
  CHECK(a.header().encodings.at(0).step_1.centre == 128);
  CHECK(a.header().h1_frequency_hz == 128000000);

  const io::ismrmrd_file b(folder + "/siemens_phantom_r3_14ch.h5");
  REQUIRE(b.size() == 69);
  CHECK(count(b, [](const auto& h) { return h.has(mrd_flag::calibration); }) == 32);
  CHECK(count(b, [](const auto& h) { return h.has(mrd_flag::calibration_and_imaging); }) == 16);
  const auto& e = b.header().encodings.at(0);
  CHECK(e.encoded.matrix == std::array<int, 3>{384, 144, 1});
  CHECK(e.recon.fov_mm == std::array<double, 3>{280, 210, 8});
  CHECK(e.step_1.centre == 54);
  CHECK(b.header().field_strength_t == doctest::Approx(2.89362));
  CHECK(b.header().noise_bandwidth == doctest::Approx(0.793));
  CHECK(b.header().te_ms.at(0) == doctest::Approx(1.62));
  CHECK(b.header().coil_names.size() == 14);
  const auto heads = b.heads();
  CHECK(heads[68].idx.kspace_encode_step_1 == 105);
  CHECK(heads[68].has(mrd_flag::last_in_measurement));
  CHECK(heads[68].acquisition_time_stamp == 32510435);
  CHECK(heads[68].physiology_time_stamp[0] == 56934);
  CHECK(heads[68].center_sample == 192);
  CHECK(heads[0].sample_time_us == 20.f);
  CHECK(heads[5].position[1] == 66.5700454711914f);
  CHECK(io::describe(b).find("32 calibration lines") != std::string::npos);

  const io::ismrmrd_file c(folder + "/koma_epi_brain_sim.mrd");
  REQUIRE(c.size() == 101);
  CHECK(c.header().vendor == "KomaMRI.jl");
  CHECK(c.header().encodings.at(0).encoded.matrix == std::array<int, 3>{101, 101, 1});
  const auto lines = c.read(1, 2);
  CHECK(lines[0].trajectory[0] == 0.5f);
  CHECK(lines[0].trajectory[1] == -0.49f);
  CHECK(lines[0].head.acquisition_time_stamp == 1703);
  CHECK(lines[1].data.size() == 101);
}

TEST_CASE("what is no raw file is one message") {
  const cardiomm_tests::scratch s;
  CHECK_THROWS_WITH_AS(io::ismrmrd_file(s / "none.h5"), doctest::Contains("cannot be opened"),
                       cardiomm::io_error);
  cardiomm_tests::spit(s / "text.h5", "not HDF5");
  CHECK_THROWS_WITH_AS(io::ismrmrd_file(s / "text.h5"), doctest::Contains("expected an HDF5 file"),
                       cardiomm::io_error);
  CHECK_FALSE(io::is_ismrmrd(s / "text.h5"));
  CHECK_THROWS_WITH_AS(io::parse_mrd_header("<a>", "stream"),
                       doctest::Contains("stream: header: expected the XML"), cardiomm::io_error);
}

TEST_CASE("files of Python's ismrmrd: any group, blocks, recorded signals") {
  const io::ismrmrd_file cine(own_path("mrd/cine.h5"));
  CHECK(cine.group() == "measurement");
  REQUIRE(cine.size() == 64);
  CHECK(cine.header().encodings.size() == 2);
  CHECK(cine.header().te_ms == std::vector<double>{double(1.6f)});
  std::string prefixed = cine.xml();
  for (const char* begin : {"</", "<"})
    for (std::size_t at = 0; (at = prefixed.find(begin, at)) != std::string::npos; ++at)
      if (std::isalpha(static_cast<unsigned char>(prefixed[at + std::string(begin).size()])))
        prefixed.insert(at + std::string(begin).size(), "ns0:");
  REQUIRE(prefixed.find("<ns0:ismrmrdHeader") != std::string::npos);
  REQUIRE(prefixed.find("</ns0:encoding>") != std::string::npos);
  CHECK(io::parse_mrd_header(prefixed, "stream").protocol == "cine sax");
  const auto heads = cine.heads();
  std::size_t seen = 0;
  cine.for_each([&](std::size_t i, const cardiomm::mrd_acquisition& a) {
    REQUIRE(i == seen);
    ++seen;
    CHECK(a.head.flags == heads[i].flags);
    CHECK(a.head.scan_counter == heads[i].scan_counter);
    CHECK(a.data.size() == std::size_t(a.head.number_of_samples) * a.head.active_channels);
  });
  CHECK(seen == 64);
  const auto line = cine.read(1, 1).at(0);
  CHECK(line.data[12] == cardiomm::complex<float>(99, 0));
  CHECK_THROWS_WITH_AS((void)cine.read(60, 9), doctest::Contains("expected lines below 64"),
                       cardiomm::io_error);
  CHECK_THROWS_WITH_AS(io::ismrmrd_file(own_path("mrd/cine.h5"), "dataset"),
                       doctest::Contains("found no such in dataset"), cardiomm::io_error);
  const io::ismrmrd_file gated(own_path("mrd/gated.h5"));
  CHECK(gated.header().waveforms.at(0).kind == "ecg");
  const auto waves = gated.waveforms();
  REQUIRE(waves.size() == 1);
  CHECK(waves[0].head.number_of_samples == 700);
  CHECK(waves[0].head.sample_time_us == 10000.f);
  CHECK(waves[0].head.time_stamp == 360);
  CHECK(waves[0].data[700 + 10] == 16384);
}

TEST_CASE("damaged files: lines or one error, whatever HDF5 does") {
  const cardiomm_tests::scratch s;
  const std::string bytes = cardiomm_tests::slurp(own_path("mrd/cine.h5"));
  ::setenv("CARDIOMM_READ_SECONDS", "3", 1);
  std::mt19937 random(5);
  int good = 0, bad = 0;
  for (int i = 0; i < 150; ++i) {
    cardiomm_tests::spit(s / "m.h5", cardiomm_tests::mutate(bytes, random, i % 3 ? 8192 : 1 << 20));
    try {
      const io::ismrmrd_file file(s / "m.h5");
      file.for_each([](std::size_t, const cardiomm::mrd_acquisition&) {});
      ++good;
    } catch (const cardiomm::error& e) {
      ++bad;
      REQUIRE(std::string(e.what()).rfind(s / "m.h5", 0) == 0);
    }
  }
  ::unsetenv("CARDIOMM_READ_SECONDS");
  MESSAGE("read: ", good, ", refused: ", bad);
  CHECK(good + bad == 150);
  CHECK(bad > 20);
}
