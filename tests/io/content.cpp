// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/content.hpp"

#include <doctest/doctest.h>

namespace io = cardiomm::io;

namespace {
std::string of(const std::string& bytes) { return io::content_of(io::memory_source("f", bytes)); }
}  // namespace

TEST_CASE("what a file is instead of what was expected is told by its first bytes") {
  CHECK(of("") == "an empty file");
  CHECK(of("\x89HDF\r\n\x1a\n rest") == "an HDF5 file");
  CHECK(of("\x93NUMPY\x01") == "a .npy file");
  CHECK(of("\x1f\x8b\x08") == "gzip data");
  CHECK(of("PK\x03\x04") == "a zip archive (.npz or .zip)");
  CHECK(of(std::string(128, '\0') + "DICM") == "a DICOM file");
  CHECK(of("\n <!DOCTYPE html><title>404</title>") == "an HTML page (a failed download?)");
  CHECK(of("version https://git-lfs.github.com/spec/v1\n") == "a pointer of Git LFS");
  CHECK(of("x,y\n1,2\n") == "text");
  CHECK(of(std::string(600, '\0')) == "zeros");
  CHECK(of("\x01\x02\x03") == "something else");
}

TEST_CASE("HDF5 may start at 0 and at powers of two from 512") {
  const std::string signature("\x89HDF\r\n\x1a\n", 8);
  const auto is = [&](std::size_t at, std::size_t more) {
    return io::is_hdf5(
        io::memory_source("f", std::string(at, ' ') + signature + std::string(more, ' ')));
  };
  CHECK(is(0, 0));
  CHECK(is(512, 0));
  CHECK(is(2048, 5));
  CHECK_FALSE(is(256, 4096));
  CHECK_FALSE(is(1536, 4096));
  CHECK_FALSE(io::is_hdf5(io::memory_source("f", signature.substr(0, 7))));
}
