// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/mrd_stream.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using id = io::mrd_message_id;

namespace {

std::vector<io::mrd_message> all_of(const std::string& bytes) {
  io::mrd_reader in(io::read_string(bytes), "stream");
  std::vector<io::mrd_message> messages;
  while (auto m = in.next()) messages.push_back(std::move(*m));
  return messages;
}

std::string bytes_of(const std::vector<io::mrd_message>& messages) {
  std::string bytes;
  io::mrd_writer out(
      [&](const void* data, std::size_t n) { bytes.append(static_cast<const char*>(data), n); });
  for (const auto& m : messages) switch (m.id) {
      case id::config_file:
        out.config_file(m.text);
        break;
      case id::config_text:
        out.config_text(m.text);
        break;
      case id::header:
        out.header(m.text);
        break;
      case id::text:
        out.text(m.text);
        break;
      case id::close:
        out.close();
        break;
      case id::acquisition:
        out.acquisition(m.line);
        break;
      case id::waveform:
        out.waveform(m.waveform);
        break;
      case id::image:
        out.image(m.image);
        break;
    }
  return bytes;
}

}  // namespace

TEST_CASE("a stream of Python's ismrmrd is read, and written again byte for byte") {
  const std::string bytes = cardiomm_tests::slurp(own_path("mrd/stream.bin"));
  REQUIRE(bytes.size() > 5000);
  const auto m = all_of(bytes);
  REQUIRE(m.size() == 4 + 12 + 3);
  CHECK(m[0].id == id::config_file);
  CHECK(m[0].text == "default.xml");
  CHECK(m[1].text == "<configuration/>");
  CHECK(m[2].id == id::header);
  CHECK(m[2].text.find("cine sax") != std::string::npos);
  CHECK(m[3].text == "a text");
  CHECK(m[4].line.head.has(cardiomm::mrd_flag::noise));
  CHECK(m[4].line.head.sample_time_us == 8.f);
  const auto& line = m[5].line;
  CHECK(line.head.number_of_samples == 13);
  CHECK(line.head.active_channels == 2);
  CHECK(line.head.acquisition_time_stamp == 40000);
  CHECK(line.head.physiology_time_stamp[0] == 10);
  CHECK(line.head.idx.slice == 1);
  CHECK(line.head.position[2] == 10.f);
  CHECK(line.head.center_sample == 5);
  CHECK(line.data[12] == cardiomm::complex<float>(99, 0));  // the discarded end of a reversed line
  CHECK(m[16].waveform.data == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5});
  CHECK(m[16].waveform.head.time_stamp == 41000);
  CHECK(m[17].id == id::image);
  CHECK(m[17].image.attributes.find("<name>Name</name>") != std::string::npos);
  const float* pixels = reinterpret_cast<const float*>(m[17].image.pixels.data());
  CHECK(m[17].image.pixels.size() == 48);
  CHECK(pixels[11] == 11.f);
  CHECK(m[18].id == id::close);
  CHECK(bytes_of(m) == bytes);
}

TEST_CASE("streams that end early, and what is no stream") {
  const std::string bytes = cardiomm_tests::slurp(own_path("mrd/stream.bin"));
  for (std::size_t n = 1; n < bytes.size(); n += n < 3000 ? 7 : 97) {
    CAPTURE(n);
    try {
      const auto m = all_of(bytes.substr(0, n));
      CHECK(bytes_of(m).size() == n);  // it ended between two messages
    } catch (const cardiomm::io_error& e) {
      const std::string text = e.what();
      CHECK(text.find("the stream ended early") != std::string::npos);
      CHECK(text.rfind("stream: message ", 0) == 0);
    }
  }
  CHECK(all_of("").empty());
  CHECK_THROWS_WITH_AS(all_of("hello"),
                       doctest::Contains("message 1 at byte 2: expected a message"),
                       cardiomm::io_error);
  CHECK_THROWS_WITH_AS(all_of(std::string("\x05\x00\xff\xff\xff\xff", 6)),
                       doctest::Contains("at most 256 MiB"), cardiomm::io_error);
}

TEST_CASE("20,000 mutations of a stream: messages or one error, never a crash") {
  const std::string bytes = cardiomm_tests::slurp(own_path("mrd/stream.bin"));
  std::mt19937 random(11);
  int good = 0, bad = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string changed = cardiomm_tests::mutate(bytes, random, i % 2 ? 6000 : bytes.size());
    try {
      (void)all_of(changed);
      ++good;
    } catch (const cardiomm::error& e) {
      ++bad;
      REQUIRE(std::string(e.what()).find('\n') == std::string::npos);
    }
  }
  CHECK(good > 500);
  CHECK(bad > 500);
}

TEST_CASE("images of MRD: a file that holds them, and images that do not fit") {
  const cardiomm_tests::scratch s;
  std::vector<io::mrd_image> images;
  for (int f = 0; f < 3; ++f) {
    std::vector<float> v(12);
    for (int i = 0; i < 12; ++i) v[std::size_t(i)] = float(100 * f + i);
    images.push_back(io::make_mrd_image(v.data(), 3, 4));
    auto& h = images.back().head;
    h.field_of_view = {320, 240, 8};
    h.position = {1, 2, float(f)};
    h.slice_dir = {0, 0, 1};
    h.phase = static_cast<std::uint16_t>(f);
    h.image_index = static_cast<std::uint16_t>(f + 1);
    images.back().attributes = io::mrd_meta({{"Comment", "a < b & c"}});
  }
  io::write_mrd_images(s / "images.h5", images, "<xml/>");
  CHECK(s.count() == 1);
  if (cardiomm_tests::have_program("python3") &&
      std::system("python3 -c 'import ismrmrd' 2>/dev/null") == 0) {
    const std::string script =
        "import ismrmrd; d = ismrmrd.Dataset('" + (s / "images.h5") +
        "', 'dataset', create_if_needed=False); i = d.read_image('image_0', 2); "
        "m = ismrmrd.Meta.deserialize(i.attribute_string); "
        "assert d.number_of_images('image_0') == 3 and i.data[0, 0, 2, 3] == 211 and i.phase == 2 "
        "and i.field_of_view[1] == 240 and i.position[2] == 2 and m['Comment'] == 'a < b & c', i; "
        "assert d.read_xml_header() == b'<xml/>'";
    CHECK(std::system(("python3 -c \"" + script + "\"").c_str()) == 0);
  } else {
    cardiomm_tests::report_skip("program python3 with ismrmrd");
  }
  images[1] = io::make_mrd_image(std::vector<float>(4).data(), 2, 2);
  CHECK_THROWS_WITH_AS(io::write_mrd_images(s / "other.h5", images),
                       doctest::Contains("one size and type"), cardiomm::shape_error);
  CHECK(s.count() == 1);
  images[0].pixels.pop_back();
  images.resize(1);
  CHECK_THROWS_WITH_AS(io::write_mrd_images(s / "other.h5", images),
                       doctest::Contains("expected 48 bytes of pixels"), cardiomm::shape_error);
}
