// SPDX-License-Identifier: Apache-2.0
/// \file
/// Bad input of every kind: exit code 2, one line on standard error that says what, where, expected
/// and found, and no output.

#include <doctest/doctest.h>

#include <set>

#include "cardiomm/io/cfl.hpp"
#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;

namespace {

template <class T>
void put(const workplace& w, const std::string& name, const io::extents& shape,
         const std::vector<T>& values) {
  io::atomic_file out(w / name);
  io::put_npy(out, io::dtype_of<T>(), shape, values.data());
  out.commit();
}

/// Files that the table below refers to.
void prepare(const workplace& w) {
  using C = complex<float>;
  REQUIRE(w.run("phantom --coils 3 --frames 2 --shape 24,32 --out p").code == 0);
  const std::string k = slurp(w / "p/kspace.npy");
  spit(w / "short.npy", k.substr(0, k.size() - 8));
  spit(w / "shorter.npy", k.substr(0, 60));
  spit(w / "long.npy", k + "12345678");
  spit(w / "text.npy", "this is no array");
  spit(w / "empty.npy", "");
  std::string typed = k;
  typed.replace(typed.find("<c8"), 3, "<f8");
  spit(w / "real.npy", typed);
  typed = k;
  typed.replace(typed.find("<c8"), 3, "|O8");
  spit(w / "object.npy", typed);
  std::string huge = k;
  huge.replace(huge.find("(2, 1, 3, 24, 32)"), 17, "(99999999, 9, 99)");
  spit(w / "huge.npy", huge);
  std::string header = k;
  header[8] = header[9] = '\xff';
  spit(w / "header.npy", header);

  std::vector<C> values(2 * 3 * 24 * 32, C(1, 1));
  put(w, "ones.npy", {2, 3, 24, 32}, values);
  put(w, "flat.npy", {24, 32}, std::vector<C>(24 * 32, C(1)));
  put(w, "nocoil.npy", {2, 0, 24, 32}, std::vector<C>());
  put(w, "zeros.npy", {2, 3, 24, 32}, std::vector<C>(values.size()));
  values[100] = C(NAN, 0);
  put(w, "nan.npy", {2, 3, 24, 32}, values);
  values[100] = C(0, INFINITY);
  put(w, "inf.npy", {2, 3, 24, 32}, values);
  put(w, "maps2.npy", {2, 24, 32}, std::vector<C>(2 * 24 * 32, C(1)));
  put(w, "maps_small.npy", {3, 24, 30}, std::vector<C>(3 * 24 * 30, C(1)));
  put(w, "mask0.npy", {24}, std::vector<std::uint8_t>(24, 0));
  put(w, "mask_long.npy", {25}, std::vector<std::uint8_t>(25, 1));
  put(w, "mask_c.npy", {24}, std::vector<C>(24, C(1)));
  put(w, "noise2.npy", {2, 500}, std::vector<C>(1000, C(1, 2)));
  put(w, "noise_same.npy", {3, 500}, std::vector<C>(1500, C(1, 2)));
  put(w, "small.npy", {2, 1, 24, 30}, std::vector<float>(2 * 24 * 30, 1.0f));
  put(w, "tiny.npy", {4, 4}, std::vector<float>(16, 1.0f));
  put(w, "black.npy", {2, 1, 24, 32}, std::vector<float>(2 * 24 * 32, 0.0f));
  std::vector<std::uint8_t> sparse(24 * 32);
  for (std::size_t i = 0; i < sparse.size(); ++i) sparse[i] = i / 32 % 4 == 0;
  put(w, "sparse.npy", {24, 32}, sparse);
  for (std::size_t i = 0; i < sparse.size(); ++i) sparse[i] = i % 3 == 0;
  put(w, "points.npy", {24, 32}, sparse);

  REQUIRE(w.run("convert ones.npy k.cfl --axes frame,coil,y,x").code == 0);
  const std::string cfl = slurp(w / "k.cfl"), hdr = slurp(w / "k.hdr");
  const auto pair = [&](const std::string& name, const std::string& h, const std::string& c) {
    spit(w / (name + ".hdr"), h);
    spit(w / (name + ".cfl"), c);
  };
  pair("cut", hdr, cfl.substr(0, cfl.size() - 1));
  pair("words", "# Dimensions\nmany many\n", cfl);
  pair("nodims", "what?\n", cfl);
  pair("big", "# Dimensions\n99999 99999 99999\n", cfl);
  pair("te", "# Dimensions\n32 24 1 1 1 6\n", cfl);
  spit(w / "alone.hdr", hdr);
  std::filesystem::create_directory(w / "folder.npy");
  std::filesystem::create_directory(w / "folder");
}

struct bad {
  const char* arguments;
  const char* expected;  // part of the message
};

const bad table[] = {
    // the command line
    {"", "subcommand"},
    {"reconn", "found 'reconn'"},
    {"recon", "--kspace"},
    {"recon --kspace ones.npy", "--out"},
    {"recon --kspace ones.npy --out x.npy --what", "--what"},
    {"recon --kspace ones.npy --out x.npy --method magic", "found 'magic'"},
    {"recon --kspace ones.npy --out x.npy --lambda -1", "--lambda"},
    {"recon --kspace ones.npy --out x.npy --lambda nan", "--lambda"},
    {"recon --kspace ones.npy --out x.npy --lambda inf", "--lambda"},
    {"recon --kspace ones.npy --out x.npy --lambda much", "much"},
    {"recon --kspace ones.npy --out x.npy --iterations 0", "--iterations"},
    {"recon --kspace ones.npy --out x.npy --iterations 2.5", "2.5"},
    {"recon --kspace ones.npy --out x.npy --tol -1", "--tol"},
    {"recon --kspace ones.npy --out x.npy --calib 0", "--calib"},
    {"recon --kspace ones.npy --out x.npy --compress 0", "--compress"},
    {"recon --kspace ones.npy --out x.npy --threads -1", "--threads"},
    {"recon --kspace ones.npy --out x.npy --precision half", "found 'half'"},
    {"recon --kspace ones.npy --out x.npy --axes coil,y", "--axes"},
    {"recon --kspace ones.npy --out x.npy --axes a,b,c,d", "found 'a'"},
    {"recon --kspace ones.npy --out x.npy --axes coil,coil,y,x", "--axes"},
    {"mask --shape 2,24 --out x.npy", "found '2,24'"},
    {"mask --shape 2,24,0 --out x.npy", "--shape"},
    {"mask --shape 2,24,-3 --out x.npy", "--shape"},
    {"mask --shape 99999999999,24,3 --out x.npy", "--shape"},
    {"mask --shape 2,24,32 --pattern spiral --out x.npy", "found spiral"},
    {"mask --shape 2,24,32 --acceleration 0.5 --out x.npy", "acceleration"},
    {"mask --shape 2,24,32 --acceleration nan --out x.npy", "acceleration"},
    {"mask --shape 2,24,32 --pattern uniform --acceleration 2.5 --out x.npy", "integer"},
    {"mask --shape 2,24,32 --acs 25 --out x.npy", "acs"},
    {"mask --shape 2,24,32 --acs -1 --out x.npy", "acs"},
    {"mask --shape 2,24,32 --acs 4 --seed -1 --out x.npy", "--seed"},
    {"mask --shape 2,24,32 --acs 4 --compat original --out x.npy", "--compat"},
    {"phantom --coils 0 --out d", "coils"},
    {"phantom --frames 0 --out d", "frames"},
    {"phantom --snr -1 --out d", "--snr"},
    {"phantom --snr nan --out d", "--snr"},
    {"phantom --shape 2,2 --out d", "shape"},
    {"phantom --shape 4 --out d", "--shape"},
    {"phantom --coils 3 --out ones.npy", "ones.npy"},
    {"maps --kspace ones.npy --sets 9 --out x.npy", "sets"},
    {"eval --reference p/image.npy --image p/image.npy --convention 2022", "2022"},
    {"convert p/image.npy x.tiff", "found '.tiff'"},
    {"convert p/image.npy x.png --frame 2", "--frame"},
    {"convert p/image.npy x.png --frame -1", "--frame"},
    {"convert p/image.npy x.png --slice 1", "--slice"},
    {"convert p/image.npy x.png --window 1,0", "--window"},
    {"convert p/image.npy x.png --percentile 101", "--percentile"},
    {"convert p/image.npy x.png --gain 0", "--gain"},
    {"convert p/image.npy x.png --columns -1", "--columns"},
    {"convert p/image.npy x.png --animate --delay 0", "--delay"},
    {"convert p/image.npy x.npy --animate", "--animate"},
    {"convert p/image.npy x.npy --as picture", "--as"},
    // files that cannot be read
    {"recon --kspace none.npy --out x.npy", "none.npy: cannot be opened"},
    {"recon --kspace none --out x.npy", "none: cannot be opened"},
    {"recon --kspace folder.npy --out x.npy", "directory"},
    {"recon --kspace p/truth.json --out x.npy", "found '.json'"},
    {"recon --kspace short.npy --out x.npy", "short.npy: shape"},
    {"recon --kspace shorter.npy --out x.npy", "shorter.npy: npy header"},
    {"recon --kspace long.npy --out x.npy", "long.npy: shape"},
    {"recon --kspace text.npy --out x.npy", "text.npy: expected a .npy file"},
    {"recon --kspace empty.npy --out x.npy", "empty file"},
    {"recon --kspace huge.npy --out x.npy", "huge.npy: shape (99999999, 9, 99)"},
    {"recon --kspace header.npy --out x.npy", "header.npy: npy header: expected 65535 bytes"},
    {"recon --kspace object.npy --out x.npy", "found '|O8'"},
    {"recon --kspace cut --out x.npy", "cut.cfl: expected"},
    {"recon --kspace cut.cfl --out x.npy", "cut.cfl: expected"},
    {"recon --kspace words --out x.npy", "words.hdr"},
    {"recon --kspace nodims --out x.npy", "# Dimensions"},
    {"recon --kspace big --out x.npy", "big.cfl"},
    {"recon --kspace te --out x.npy", "dimension 5"},
    {"recon --kspace alone --out x.npy", "alone.cfl: cannot be opened"},
    {"recon --kspace k.cfl --axes frame,coil,y,x --out x.npy",
     "--axes is for files whose axes have no names"},
    {"info none.npy", "none.npy"},
    {"info short.npy", "short.npy"},
    {"convert short.npy x.cfl", "short.npy"},
    {"convert none.npy x.png", "none.npy"},
    // what they hold
    {"recon --kspace real.npy --out x.npy", "found float64"},
    {"recon --kspace flat.npy --out x.npy", "flat.npy: kspace: expected (coil, y, x)"},
    {"recon --kspace nocoil.npy --out x.npy", "expected at least one coil"},
    {"recon --kspace nan.npy --out x.npy", "nan.npy: expected finite values"},
    {"recon --kspace inf.npy --out x.npy", "(frame 0, slice 0, coil 0, y 3, x 4)"},
    {"recon --method rss --kspace nan.npy --out x.npy", "nan.npy"},
    {"recon --kspace zeros.npy --out x.npy", "zeros only"},
    {"recon --method rss --kspace zeros.npy --out x.npy", "zeros only"},
    {"maps --kspace zeros.npy --out x.npy", "zeros only"},
    {"maps --kspace nan.npy --out x.npy", "nan.npy"},
    {"maps --kspace real.npy --out x.npy", "real.npy"},
    {"maps --kspace ones.npy --calib 33 --out x.npy", "calib"},
    {"maps --kspace ones.npy --calib 0 --out x.npy", "--calib"},
    {"recon --kspace ones.npy --calib 100 --out x.npy", "calib"},
    {"recon --kspace p/kspace.npy --mask sparse.npy --out x.npy", "calibration"},
    {"recon --kspace ones.npy --maps maps2.npy --out x.npy", "maps2.npy: maps: expected"},
    {"recon --kspace ones.npy --maps maps_small.npy --out x.npy", "maps_small.npy"},
    {"recon --kspace ones.npy --maps small.npy --out x.npy", "small.npy"},
    {"recon --kspace ones.npy --maps none.npy --out x.npy", "none.npy"},
    {"recon --kspace ones.npy --mask mask0.npy --out x.npy", "mask0.npy: mask: expected at least"},
    {"recon --kspace ones.npy --mask mask_long.npy --out x.npy", "mask_long.npy: mask: expected"},
    {"recon --kspace ones.npy --mask mask_c.npy --out x.npy", "real or boolean"},
    {"recon --kspace ones.npy --mask p/maps.npy --out x.npy", "real or boolean"},
    {"recon --kspace ones.npy --mask points.npy --crop-readout --out x.npy", "--crop-readout"},
    {"recon --kspace ones.npy --noise noise2.npy --out x.npy", "noise2.npy: noise: expected 3"},
    {"recon --kspace ones.npy --noise noise_same.npy --out x.npy", "noise_same.npy"},
    {"recon --kspace ones.npy --compress 4 --out x.npy", "--compress"},
    {"eval --reference p/image.npy --image small.npy", "small.npy: expected the shape"},
    {"eval --reference black.npy --image p/image.npy", "zeros only"},
    {"eval --reference tiny.npy --image tiny.npy", "7 x 7"},
    {"eval --reference p/image.npy --image nocoil.npy", "nocoil.npy"},
    {"convert p/image.npy x.png --reference small.npy", "small.npy"},
    {"convert nan.npy x.npy --axes frame,slice,z,x", "--axes"},
    // places that cannot be written
    {"recon --method rss --kspace ones.npy --out none/x.npy", "none/x.npy: cannot be written"},
    {"recon --method rss --kspace ones.npy --out folder.npy", "directory"},
    {"recon --method rss --kspace ones.npy --out x.jpg", "found '.jpg'"},
    {"recon --method rss --kspace ones.npy --out /dev/null", "/dev/null"},
    {"mask --shape 2,24,32 --acs 4 --out ''", "found an empty one"},
    {"recon --method rss --kspace ones.npy --out folder", "folder: expected a BART base name"},
    {"maps --kspace ones.npy --out none/x.cfl", "none/x.cfl"},
    {"convert p/image.npy none/x.png", "none/x.png"},
    {"phantom --coils 3 --frames 2 --shape 24,32 --out p/image.npy/d", "p/image.npy/d"},
};

}  // namespace

TEST_CASE("bad input: one clear line, exit code 2, no output") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  const auto before = w.contents();
  for (const bad& b : table) {
    const std::string arguments = b.arguments;
    CAPTURE(arguments);
    const auto o = w.run(b.arguments);
    CHECK(o.code == 2);
    CAPTURE(o.err);
    CHECK(o.err.rfind("cardiomm: error: ", 0) == 0);
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
    CHECK(o.err.find(b.expected) != std::string::npos);
    CHECK(w.contents() == before);
  }
}

TEST_CASE("a file that nobody may write") {
  BUILT_PROGRAM_OR_SKIP();
  if (::geteuid() == 0) return;  // root may
  const workplace w;
  std::filesystem::create_directory(w / "locked");
  std::filesystem::permissions(w / "locked", std::filesystem::perms(0500));
  const auto o = w.run("mask --shape 2,24,32 --acs 4 --out locked/m.npy");
  CHECK(o.code == 2);
  CHECK(o.err.find("locked/m.npy: cannot be written: Permission denied") != std::string::npos);
}

TEST_CASE("a full disk") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  const auto o = w.shell("CARDIOMM info --json > /dev/full");
  CHECK(o.code == 2);
  CHECK(o.err.find("standard output") != std::string::npos);
  // a limit on the size of files stands for a full disk
  const auto limited =
      w.shell("trap '' XFSZ; ulimit -f 1; CARDIOMM mask --shape 9,64,64 --acs 4 --out m.npy");
  CHECK(limited.code == 2);
  CHECK(limited.err.find("m.npy: cannot be written: File too large") != std::string::npos);
  CHECK(w.count() == 0);
}
