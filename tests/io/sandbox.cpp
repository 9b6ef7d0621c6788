// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/sandbox.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "cardiomm/io/source.hpp"

namespace io = cardiomm::io;

namespace {
/// A child that echoes, and does what its name says.
io::sandbox::handler misbehaving() {
  return [](const std::string& what) -> std::string {
    if (what == "crash") ::raise(SIGSEGV);
    if (what == "abort") ::abort();
    if (what == "leave") ::_exit(3);
    if (what == "loop")
      for (volatile bool go = true; go;) {
      }
    if (what == "memory") return std::string(std::size_t(1) << 40, 'x');
    if (what == "shape") throw cardiomm::shape_error("f: expected 2 axes, found 3");
    if (what == "value") throw cardiomm::value_error("f: expected 1, found 2");
    if (what == "other") throw std::runtime_error("no such thing");
    return "echo " + what;
  };
}
}  // namespace

TEST_CASE("answers come back, also large ones and straight to their place") {
  const io::sandbox box("f.h5", "HDF5", misbehaving);
  CHECK(box.ask("a") == "echo a");
  const std::string large(5'000'000, 'z');
  CHECK(box.ask(large) == "echo " + large);
  std::vector<char> text(6);
  box.ask("b", text.data(), 6);
  CHECK(std::string(text.data(), 6) == "echo b");
  CHECK_THROWS_WITH_AS(box.ask("c", text.data(), 5), doctest::Contains("expected 5 bytes"),
                       cardiomm::io_error);
}

TEST_CASE("errors of the handler are thrown here, and the child goes on") {
  const io::sandbox box("f.h5", "HDF5", misbehaving);
  CHECK_THROWS_WITH_AS(box.ask("shape"), "f: expected 2 axes, found 3", cardiomm::shape_error);
  CHECK_THROWS_WITH_AS(box.ask("value"), "f: expected 1, found 2", cardiomm::value_error);
  CHECK_THROWS_WITH_AS(box.ask("other"), "f.h5: HDF5: no such thing", cardiomm::io_error);
  CHECK(box.ask("a") == "echo a");
  CHECK_THROWS_WITH_AS(
      io::sandbox("g.h5", "HDF5",
                  []() -> io::sandbox::handler { throw cardiomm::io_error("g.h5: no HDF5 file"); }),
      "g.h5: no HDF5 file", cardiomm::io_error);
}

TEST_CASE("a crash, an exit, a loop and greed become one error each") {
  const auto message = [](const char* what, io::sandbox_limits limits) -> std::string {
    const io::sandbox box("f.h5", "HDF5", misbehaving, limits);
    try {
      (void)box.ask(what);
    } catch (const cardiomm::io_error& e) {
      return e.what();
    }
    return "no error";
  };
  const std::string crash = message("crash", {});
  CHECK(crash.find("f.h5: HDF5 crashed while reading it (signal 11") == 0);
  CHECK(message("abort", {}).find("crashed while reading it (signal 6") != std::string::npos);
  CHECK(message("leave", {}) == "f.h5: HDF5 ended while reading it: the file is damaged");
  CHECK(message("loop", {0.2, 1u << 30}).find("did not answer within") != std::string::npos);
#if !defined(__SANITIZE_ADDRESS__)
  CHECK(message("memory", {10, 1u << 28}).find("needs more memory than 256 MiB") !=
        std::string::npos);
#endif
  // after a crash the next question fails too, instead of waiting for ever
  const io::sandbox box("f.h5", "HDF5", misbehaving);
  CHECK_THROWS_AS(box.ask("crash"), cardiomm::io_error);
  CHECK_THROWS_AS(box.ask("a"), cardiomm::io_error);
}
