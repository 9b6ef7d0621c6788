// SPDX-License-Identifier: Apache-2.0
/// \file
/// Damaged HDF5 and MATLAB files: HDF5 1.10 crashes and hangs on some, in its own process. Every
/// outcome here is a value or one error of one line. CARDIOMM_MUTATIONS says how many of each file
/// are tried (the longer run that docs/formats.md quotes), CARDIOMM_READ_SECONDS for how long.

#include <doctest/doctest.h>

#include <set>

#include "cardiomm/io/mat.hpp"
#include "io/mutate.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cardiomm_tests::scratch;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;

namespace {
struct outcomes {
  int read = 0, refused = 0, crashes = 0, hangs = 0, odd = 0;
};

/// Reads everything that a file offers, up to 32 MB of each array.
void read_all(const std::string& path, bool matlab, io::sandbox_limits limits) {
  const auto load = [](const io::stored_array& a) {
    if (a.size() * cardiomm::index_t(io::size_of(a.type())) < (32 << 20)) (void)a.load();
  };
  std::string first;
  const auto tried = [&](auto&& work) {
    try {
      work();
    } catch (const cardiomm::error& e) {
      if (first.empty()) first = e.what();
    }
  };
  if (matlab) {
    const io::mat_file f(path, limits);
    for (const std::string& n : f.names()) tried([&] { load(f.at(n)); });
  } else {
    const io::hdf5_file f(path, limits);
    for (const auto& o : f.objects()) {
      tried([&] { (void)f.attributes(o.name); });
      if (o.type) tried([&] { load(f.at(o.name)); });
      if (o.kind == "string") tried([&] { (void)f.text(o.name); });
    }
  }
  if (!first.empty()) throw cardiomm::io_error(first);
}

outcomes mutations(const std::string& good, bool matlab, int count, std::size_t head,
                   unsigned seed) {
  const scratch s;
  std::mt19937 random(seed);
  outcomes o;
  const io::sandbox_limits limits{2, std::uint64_t(1) << 30};
  for (int i = 0; i < count; ++i) {
    spit(s / "f.mat", cardiomm_tests::mutate(good, random, head));
    try {
      read_all(s / "f.mat", matlab, limits);
      ++o.read;
    } catch (const cardiomm::error& e) {
      const std::string m = e.what();
      const bool crash = m.find("crashed while reading") != std::string::npos ||
                         m.find("ended while reading") != std::string::npos;
      const bool hang = m.find("did not answer") != std::string::npos;
      ++(crash ? o.crashes : hang ? o.hangs : o.refused);
      if (m.find('\n') != std::string::npos || m.empty()) ++o.odd;
    } catch (...) {
      ++o.odd;
    }
  }
  return o;
}
}  // namespace

TEST_CASE("mutated HDF5 and MATLAB files: a value or one error, never more") {
  const char* many = std::getenv("CARDIOMM_MUTATIONS");
  const int count = many ? std::atoi(many) : 40;
  struct subject {
    std::string path;
    bool matlab;
    std::size_t head;
  };
  std::vector<subject> subjects{
      {own_path("formats/types.h5"), false, 12000}, {own_path("formats/chunked.h5"), false, 9000},
      {own_path("formats/v73.mat"), true, 12000},   {own_path("formats/v5.mat"), true, 9000},
      {own_path("formats/v7.mat"), true, 3000},     {own_path("formats/v4.mat"), true, 60}};
  for (const char* real : {"data/cmrxrecon2024_cine_frame_1ch/cine_sax_mask_Uniform8.mat",
                           "data/coil_maps_32ch/sens.mat", "data/rat_cine_8fr/dataCine8fr.mat"})
    if (const auto path = shared_path(real))
      subjects.push_back({*path, true, 6000});
    else
      cardiomm_tests::report_skip(real);
  unsigned seed = 1;
  for (const subject& f : subjects) {
    CAPTURE(f.path);
    const outcomes o = mutations(slurp(f.path), f.matlab, count, f.head, seed++);
    CHECK(o.odd == 0);
    CHECK(o.read + o.refused + o.crashes + o.hangs == count);
    CHECK(o.refused + o.crashes + o.hangs > 0);
    if (many)
      std::printf("%s: %d mutations: %d read, %d refused, %d crashes and %d hangs of the child\n",
                  f.path.substr(f.path.rfind('/') + 1).c_str(), count, o.read, o.refused, o.crashes,
                  o.hangs);
  }
}
