// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/image.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"

namespace io = cardiomm::io;
using cardiomm_tests::scratch;
using cardiomm_tests::slurp;

namespace {
io::picture ramp(int height, int width, int offset) {
  io::picture p(height, width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) p.row(y)[x] = static_cast<std::uint8_t>(7 * y + 3 * x + offset);
  return p;
}
struct chunk {
  std::string name, body;
};
// All chunks of a PNG; checks length and checksum of each.
std::vector<chunk> chunks_of(const std::string& file) {
  std::vector<chunk> all;
  const auto* p = reinterpret_cast<const unsigned char*>(file.data());
  REQUIRE(file.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  std::size_t at = 8;
  while (at < file.size()) {
    REQUIRE(at + 12 <= file.size());
    const std::size_t size = io::detail::get_u32(p + at);
    REQUIRE(at + 12 + size <= file.size());
    all.push_back({file.substr(at + 4, 4), file.substr(at + 8, size)});
    CHECK(crc32(0, p + at + 4, static_cast<uInt>(size + 4)) ==
          io::detail::get_u32(p + at + 8 + size));
    at += 12 + size;
  }
  return all;
}
}  // namespace

TEST_CASE("windows clip, and map their ends to black and white") {
  const float v[6] = {-1, 0, 0.5f, 1, 2, NAN};
  const auto p = io::render(v, 2, 3, {0, 1});
  CHECK(p.pixels == std::vector<std::uint8_t>{0, 0, 128, 255, 255, 0});
  CHECK(io::render(v, 1, 2, {1, 1}).pixels == std::vector<std::uint8_t>{0, 0});
  const float a[2] = {1, 4}, b[2] = {3, 3};
  CHECK(io::error_map(a, b, 2) == std::vector<float>{2, 1});
}

TEST_CASE("a mosaic puts every tile where it belongs") {
  std::vector<io::picture> tiles;
  for (int i = 0; i < 5; ++i) tiles.push_back(ramp(4, 6, 40 * i));
  const auto all = io::mosaic(tiles, 3);
  CHECK(all.height == 9);
  CHECK(all.width == 20);
  CHECK(all.row(2)[3] == tiles[0].row(2)[3]);
  CHECK(all.row(1)[14 + 5] == tiles[2].row(1)[5]);
  CHECK(all.row(5 + 3)[7 + 2] == tiles[4].row(3)[2]);
  CHECK(all.row(4)[0] == 64);
  CHECK(all.row(6)[15] == 64);           // no sixth tile
  CHECK(io::mosaic(tiles).width == 13);  // three rows of two: 14 x 13
  CHECK_THROWS_AS(io::mosaic({}), cardiomm::value_error);
  CHECK_THROWS_AS(io::mosaic({ramp(4, 6, 0), ramp(6, 4, 0)}), cardiomm::shape_error);
}

TEST_CASE("a PNG decodes to the same pixels") {
  scratch folder;
  const auto p = ramp(23, 17, 5);
  io::write_png(folder / "a.png", p);
  const auto back = io::read_png(folder / "a.png");
  CHECK(back.height == 23);
  CHECK(back.width == 17);
  CHECK(back.pixels == p.pixels);
  CHECK_THROWS_AS(io::write_png(folder / "a.png", p, io::existing::refuse), cardiomm::io_error);
  CHECK_THROWS_AS(io::write_png(folder / "b.png", io::picture()), cardiomm::value_error);
  CHECK(folder.count() == 1);
  cardiomm_tests::spit(folder / "c.png", "no picture");
  CHECK_THROWS_AS(io::read_png(folder / "c.png"), cardiomm::io_error);
}

TEST_CASE("an animation has valid chunks and every frame decodes") {
  scratch folder;
  std::vector<io::picture> frames;
  for (int i = 0; i < 4; ++i) frames.push_back(ramp(31, 45, 50 * i));
  const std::string path = folder / "cine.png";
  io::write_apng(path, frames, 40);
  CHECK(io::read_png(path).pixels == frames[0].pixels);  // what a plain decoder shows

  const auto chunks = chunks_of(slurp(path));
  REQUIRE(chunks.size() > 3);
  CHECK(chunks[0].name == "IHDR");
  CHECK(chunks[1].name == "acTL");
  CHECK(chunks[1].body == std::string("\0\0\0\4\0\0\0\0", 8));
  CHECK(chunks.back().name == "IEND");
  std::uint32_t sequence = 0;
  std::vector<std::string> data;
  for (const auto& c : chunks) {
    const auto* body = reinterpret_cast<const unsigned char*>(c.body.data());
    if (c.name == "fcTL" || c.name == "fdAT") CHECK(io::detail::get_u32(body) == sequence++);
    if (c.name == "fcTL") {
      data.emplace_back();
      CHECK(io::detail::get_u32(body + 4) == 45);
      CHECK(io::detail::get_u32(body + 8) == 31);
      CHECK((body[20] << 8 | body[21]) * 1000 == 40 * (body[22] << 8 | body[23]));
    }
    if (c.name == "IDAT") data.back() += c.body;
    if (c.name == "fdAT") data.back() += c.body.substr(4);
  }
  REQUIRE(data.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {  // each frame again as a file of its own
    io::detail::png_bytes png;
    for (const char c : slurp(path).substr(0, 8)) png.push_back(static_cast<unsigned char>(c));
    const auto add = [&](const char* name, const std::string& body) {
      io::detail::put_chunk(png, name, io::detail::png_bytes(body.begin(), body.end()));
    };
    add("IHDR", chunks[0].body);
    add("IDAT", data[i]);
    add("IEND", "");
    cardiomm_tests::spit(folder / "frame.png", std::string(png.begin(), png.end()));
    CHECK(io::read_png(folder / "frame.png").pixels == frames[i].pixels);
  }
  CHECK_THROWS_AS(io::write_apng(folder / "x.png", {}, 40), cardiomm::value_error);
  CHECK_THROWS_AS(io::write_apng(folder / "x.png", frames, 0), cardiomm::value_error);
  CHECK_THROWS_AS(io::write_apng(folder / "x.png", {ramp(2, 2, 0), ramp(2, 3, 0)}, 40),
                  cardiomm::shape_error);
  CHECK(!std::filesystem::exists(folder / "x.png"));
}
