// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/file.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"

namespace io = cardiomm::io;
using cardiomm_tests::scratch;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;

TEST_CASE("an atomic file appears when it is committed and not before") {
  scratch folder;
  const std::string path = folder / "a.bin";
  spit(path, "old");
  {
    io::atomic_file out(path);
    out.write("half of");
    CHECK(slurp(path) == "old");
    CHECK(folder.count() == 2);
  }
  CHECK(slurp(path) == "old");
  CHECK(folder.count() == 1);

  io::atomic_file out(path);
  out.write("all");
  out.commit();
  CHECK(slurp(path) == "all");
  CHECK(folder.count() == 1);
}

TEST_CASE("an existing file is refused on request, even one that appears meanwhile") {
  scratch folder;
  const std::string path = folder / "a.bin";
  spit(path, "old");
  CHECK_THROWS_AS(io::atomic_file(path, io::existing::refuse), cardiomm::io_error);
  CHECK(slurp(path) == "old");
  std::filesystem::remove(path);
  {
    io::atomic_file out(path, io::existing::refuse);
    out.write("mine");
    spit(path, "theirs");
    CHECK_THROWS_AS(out.commit(), cardiomm::io_error);
  }
  CHECK(slurp(path) == "theirs");
  CHECK(folder.count() == 1);
  std::filesystem::remove(path);
  io::atomic_file out(path, io::existing::refuse);
  out.write("mine");
  out.commit();
  CHECK(slurp(path) == "mine");
  CHECK(folder.count() == 1);
}

TEST_CASE("mode, links and odd targets") {
  scratch folder;
  spit(folder / "real", "old");
  std::filesystem::permissions(folder / "real", std::filesystem::perms(0640));
  std::filesystem::create_symlink(folder / "real", folder / "link");
  io::atomic_file out(folder / "link");
  out.write("new");
  out.commit();
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(slurp(folder / "real") == "new");
  CHECK(std::filesystem::status(folder / "real").permissions() == std::filesystem::perms(0640));

  CHECK_THROWS_AS(io::atomic_file(folder.path().string()), cardiomm::io_error);
  CHECK_THROWS_AS(io::atomic_file((folder.path() / "").string()), cardiomm::io_error);
  CHECK_THROWS_AS(io::atomic_file("/dev/null"), cardiomm::io_error);
  CHECK_THROWS_AS(io::atomic_file(folder / "none/a"), cardiomm::io_error);
  CHECK_THROWS_AS(io::atomic_file(""), cardiomm::io_error);
  CHECK_THROWS_AS(io::atomic_file(folder / std::string(300, 'x')).commit(), cardiomm::io_error);
  CHECK(folder.count() == 2);
}

TEST_CASE("several files become visible together") {
  scratch folder;
  io::atomic_file a(folder / "a"), b(folder / "b");
  a.write("1");
  b.write("2");
  CHECK(slurp(folder / "a").empty());
  io::atomic_file::commit({&a, &b});
  CHECK(slurp(folder / "a") == "1");
  CHECK(slurp(folder / "b") == "2");
}

TEST_CASE("input is checked when it is opened") {
  scratch folder;
  CHECK_THROWS_WITH_AS(io::input_file(folder / "none"), doctest::Contains("cannot be opened"),
                       cardiomm::io_error);
  CHECK_THROWS_WITH_AS(io::input_file(folder.path().string()), doctest::Contains("directory"),
                       cardiomm::io_error);
  CHECK_THROWS_WITH_AS(io::input_file("/dev/null"), doctest::Contains("regular"),
                       cardiomm::io_error);
  spit(folder / "a", "abc");
  const io::input_file in(folder / "a");
  CHECK(in.size() == 3);
  char two[2];
  in.read(1, two, 2);
  CHECK(std::string(two, 2) == "bc");
  CHECK_THROWS_AS(in.read(2, two, 2), cardiomm::io_error);
  CHECK_THROWS_AS(in.read(~0ull, two, 2), cardiomm::io_error);
}
