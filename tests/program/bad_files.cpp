// SPDX-License-Identifier: Apache-2.0
/// \file
/// Bad files of every format given to every subcommand that reads them: exit code 2, one line on
/// standard error that names the file and says what is wrong, and no output. (errors.cpp has the
/// table for .npy and .cfl files and for the command line.)

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cmath>
#include <set>

#include "cardiomm/io/hdf5_output.hpp"
#include "cardiomm/io/mat_output.hpp"
#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;
using value = cardiomm::complex<float>;

namespace {

template <class T>
io::array filled(io::dtype type, const io::extents& shape, T v) {
  io::array a{type, shape, {}};
  const auto n = static_cast<std::size_t>(io::count_of(shape, sizeof(T), "test"));
  a.bytes.resize(n * sizeof(T));
  for (std::size_t i = 0; i < n; ++i) std::memcpy(a.bytes.data() + i * sizeof(T), &v, sizeof(T));
  return a;
}
io::array kspace_of(const io::extents& shape, value v = value(1, 1)) {
  return filled(io::dtype::c64, shape, v);
}
io::array image_of(const io::extents& shape, float v = 1) {
  return filled(io::dtype::f32, shape, v);
}
template <class T>
io::array with(io::array a, std::size_t i, T v) {
  std::memcpy(a.bytes.data() + i * sizeof(T), &v, sizeof(T));
  return a;
}
void put_mat(const workplace& w, const std::string& name, const char* variable, const io::array& a,
             io::mat_version version = io::mat_version::v5) {
  io::write_mat(w / name, {{variable, a}}, io::existing::replace, version);
}
void put_h5(const workplace& w, const std::string& name, const char* set, const io::array& a) {
  io::hdf5_output out(w / name);
  out.write(set, a);
  out.commit();
}
std::string changed(std::string bytes, std::size_t at, const std::string& with) {
  return bytes.replace(at, with.size(), with);
}

/// Files that the table below refers to.
void prepare(const workplace& w) {
  REQUIRE(w.run("phantom --coils 3 --frames 2 --shape 24,32 --out p").code == 0);
  for (const char* to : {"k.mat", "k.h5", "k.npz"})
    REQUIRE(w.run(std::string("convert p/kspace.npy ") + to + " --as kspace").code == 0);
  for (const char* to : {"i.nii", "i.nii.gz", "i.mat", "i.h5", "i.npz"})
    REQUIRE(w.run(std::string("convert p/image.npy ") + to).code == 0);
  for (const char* own : {"types.h5", "chunked.h5", "elsewhere.h5", "v5.mat", "v7.mat", "v4.mat",
                          "v73.mat", "fastmri.h5"})
    spit(w / own, slurp(own_path(std::string("formats/") + own)));
  const std::string words = "some words, but no array\n";
  const std::string page = "<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n";
  const std::string gzip("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03 cut", 14);
  const std::string npy = slurp(w / "p/image.npy");
  for (const char* end :
       {".mat", ".h5", ".npz", ".nii", ".nii.gz", ".safetensors", ".mrd", ".csv"}) {
    const std::string e = end;
    spit(w / ("text" + e), words);
    spit(w / ("page" + e), page);
    spit(w / ("empty" + e), "");
    spit(w / ("zeros" + e), std::string(4096, '\0'));
    spit(w / ("gz" + e), gzip);
    spit(w / ("npy" + e), npy);
    std::filesystem::create_directory(w / ("folder" + e));
    REQUIRE(::mkfifo((w / ("pipe" + e)).c_str(), 0600) == 0);
  }

  // MATLAB
  const std::string v5 = slurp(w / "v5.mat"), v7 = slurp(w / "v7.mat"), v73 = slurp(w / "v73.mat");
  spit(w / "cut5.mat", v5.substr(0, v5.size() / 2));
  spit(w / "cut7.mat", v7.substr(0, v7.size() - 9));
  spit(w / "cut73.mat", v73.substr(0, v73.size() / 2));
  spit(w / "head5.mat", v5.substr(0, 128));
  spit(w / "less5.mat", v5.substr(0, 90));
  spit(w / "head73.mat", v73.substr(0, 512));
  spit(w / "dead73.mat", v73.substr(0, 700) + std::string(v73.size() - 700, '\xff'));
  spit(w / "tag.mat", changed(v5, 128, std::string("\x09\0\0\0", 4)));
  spit(w / "packed.mat", changed(v7, 160, "\xff\xff\xff\xff\xff\xff\xff\xff"));
  spit(w / "dims.mat", changed(v5, 160, std::string("\xff\xff\xff\x7f\xff\xff\xff\x7f", 8)));
  spit(w / "huge4.mat",
       std::string("\0\0\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f\0\0\0\0\2\0\0\0a", 21) +
           std::string(1, '\0'));
  put_mat(w, "real.mat", "kspace", image_of({2, 3, 24, 32}));
  put_mat(w, "nocoil.mat", "kspace", kspace_of({2, 0, 24, 32}));
  put_mat(w, "six.mat", "kspace", kspace_of({2, 1, 1, 3, 24, 32}));
  put_mat(w, "black.mat", "kspace", kspace_of({3, 24, 32}, value(0, 0)));
  put_mat(w, "nan.mat", "kspace", with(kspace_of({3, 24, 32}), 40, value(NAN, 0)));
  put_mat(w, "inf73.mat", "kspace", with(kspace_of({3, 24, 32}), 40, value(0, INFINITY)),
          io::mat_version::v73);
  put_mat(w, "mask0.mat", "mask", image_of({24, 32}, 0));
  put_mat(w, "mask_turned.mat", "mask", image_of({32, 24}));
  put_mat(w, "mask_frames.mat", "mask", image_of({5, 24, 32}));
  put_mat(w, "mask_complex.mat", "mask", kspace_of({24, 32}));
  put_mat(w, "mask_nan.mat", "mask", image_of({24, 32}, NAN), io::mat_version::v73);
  put_mat(w, "maps2.mat", "maps", kspace_of({2, 24, 32}));
  put_mat(w, "maps_turned.mat", "maps", kspace_of({3, 32, 24}));
  put_mat(w, "image_small.mat", "reconimage", image_of({2, 1, 24, 30}));
  put_mat(w, "image_black.mat", "reconimage", image_of({2, 1, 24, 32}, 0));
  put_mat(w, "image_nan.mat", "reconimage", with(image_of({2, 1, 24, 32}), 7, NAN));
  put_mat(w, "labels.mat", "labels", filled(io::dtype::u8, {1, 24, 32}, std::uint8_t(1)));
  REQUIRE(w.run("convert labels.mat lab.nii").code == 0);
  put_mat(w, "noise2.mat", "noise", kspace_of({2, 500}));
  // HDF5
  const std::string h5 = slurp(w / "k.h5");
  spit(w / "cut.h5", h5.substr(0, h5.size() - 100));
  spit(w / "dead.h5", h5.substr(0, 200) + std::string(h5.size() - 200, '\xff'));
  spit(w / "turned.h5", changed(h5, 8, "\xff\xff"));
  put_h5(w, "real.h5", "kspace", image_of({2, 3, 24, 32}));
  put_h5(w, "nocoil.h5", "kspace", kspace_of({2, 0, 24, 32}));
  put_h5(w, "nan.h5", "kspace", with(kspace_of({2, 3, 24, 32}), 100, value(0, NAN)));
  put_h5(w, "line.h5", "kspace", kspace_of({32}));
  put_h5(w, "mask_short.h5", "mask", image_of({23}));
  {
    io::hdf5_output out(w / "none.h5");
    out.group("nothing/here");
    out.commit();
  }
  // zip archives
  const std::string npz = slurp(w / "k.npz");
  spit(w / "cut.npz", npz.substr(0, npz.size() - 30));
  spit(w / "crc.npz", changed(npz, npz.size() / 2, "damage"));
  spit(w / "start.npz", npz.substr(0, 10));
  // NIfTI
  const std::string nii = slurp(w / "i.nii"), packed = slurp(w / "i.nii.gz");
  const auto dims = [](std::initializer_list<int> n) {
    std::string d;
    for (const int v : n) d += {static_cast<char>(v & 255), static_cast<char>(v >> 8 & 255)};
    return d;
  };
  spit(w / "cut.nii", nii.substr(0, nii.size() - 1));
  spit(w / "head.nii", nii.substr(0, 348));
  spit(w / "less.nii", nii.substr(0, 200));
  spit(w / "cut.nii.gz", packed.substr(0, packed.size() / 2));
  spit(w / "crc.nii.gz", changed(packed, packed.size() - 8, "1234"));
  spit(w / "dims.nii", changed(nii, 40, dims({9})));
  spit(w / "negative.nii", changed(nii, 42, dims({-32})));
  spit(w / "huge.nii", changed(nii, 40, dims({7, 32767, 32767, 32767, 32767, 32767, 1, 1})));
  spit(w / "colour.nii", changed(nii, 70, dims({128, 24})));
  spit(w / "bits.nii", changed(nii, 70, dims({999})));
  spit(w / "magic.nii", changed(nii, 344, "xyz"));
  spit(w / "alone.hdr", changed(nii.substr(0, 348), 344, "ni1"));
  // safetensors
  const auto safe = [&](const std::string& name, const std::string& json, std::size_t bytes) {
    std::string s;
    for (int i = 0; i < 8; ++i) s += static_cast<char>(json.size() >> (8 * i) & 255);
    spit(w / name, s + json + std::string(bytes, '\0'));
  };
  safe("json.safetensors", "{\"a\": [", 8);
  safe("dtype.safetensors", R"({"a":{"dtype":"Q9","shape":[2],"data_offsets":[0,8]}})", 8);
  safe("short.safetensors", R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", 8);
  safe("sizes.safetensors", R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,8]}})", 8);
  safe("huge.safetensors",
       R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]}})", 8);
  spit(w / "long.safetensors", std::string(8, '\x7f') + "{}");
  // tables
  spit(w / "good.csv", "Case,Value\na,1\nb,2\nc,3\n");
  spit(w / "head.csv", "Case,Value\n");
  spit(w / "ragged.csv", "Case,Value\na,1\nb\nc,3,4\n");
  spit(w / "open.csv", "Case,Value\na,\"1\nb,2\n");
  spit(w / "words.csv", "Case,Value\na,one\nb,two\n");
  spit(w / "other.csv", "Name,Number\nx,1\ny,2\n");
  spit(w / "binary.csv", std::string("Case,Value\na,\0\1\2\n", 17));
  std::filesystem::create_directory(w / "hollow");
}

struct bad {
  const char* arguments;
  const char* expected;  // part of the message
};

const bad table[] = {
    // MATLAB
    {"recon --kspace text.mat --out x.npy",
     "text.mat: expected a MATLAB file (version 4 to 7.3), found text"},
    {"recon --kspace page.mat --out x.npy",
     "page.mat: expected a MATLAB file (version 4 to 7.3), found an HTML page"},
    {"recon --kspace empty.mat --out x.npy",
     "empty.mat: expected a MATLAB file (version 4 to 7.3), found an empty file"},
    {"recon --kspace zeros.mat --out x.npy", "found zeros"},
    {"recon --kspace gz.mat --out x.npy", "found gzip data"},
    {"recon --kspace npy.mat --out x.npy", "found a .npy file"},
    {"recon --kspace folder.mat --out x.npy", "folder.mat: expected a file, found a directory"},
    {"recon --kspace pipe.mat --out x.npy", "pipe.mat: expected a regular file, found a pipe"},
    {"recon --kspace none.mat --out x.npy", "none.mat: cannot be opened"},
    {"recon --kspace cut5.mat --out x.npy", "cut5.mat: variable"},
    {"recon --kspace cut7.mat --out x.npy", "the file is truncated"},
    {"recon --kspace cut73.mat --out x.npy", "cut73.mat: HDF5: the file is truncated"},
    {"recon --kspace head5.mat --out x.npy", "head5.mat: expected an array"},
    {"recon --kspace less5.mat --out x.npy", "less5.mat: expected a MATLAB file"},
    {"recon --kspace head73.mat --out x.npy", "without its HDF5 part"},
    {"recon --kspace dead73.mat --out x.npy", "dead73.mat: HDF5"},
    {"recon --kspace tag.mat --out x.npy", "expected an element of type 14 or 15"},
    {"info packed.mat", "packed.mat: matio"},
    {"recon --kspace dims.mat --out x.npy", "dims.mat"},
    {"recon --kspace huge4.mat --out x.npy", "huge4.mat: variable 1: expected"},
    {"recon --kspace v5.mat:word --out x.npy", "expected an array of numbers, found char"},
    {"recon --kspace v7.mat:cells --out x.npy", "expected an array of numbers, found cell"},
    {"recon --kspace v73.mat:sparse --out x.npy", "expected an array of numbers, found sparse"},
    {"recon --kspace v73.mat:nested --out x.npy", "expected an array of numbers, found struct"},
    {"recon --kspace v5.mat:nope --out x.npy", "v5.mat:nope: no such variable in the file; it has"},
    {"recon --kspace 'v73.mat:scans(3).data' --out x.npy",
     "expected an element of 1 to 2, found 3"},
    {"recon --kspace v5.mat:none --out x.npy", "none"},
    {"recon --kspace real.mat --out x.npy",
     "real.mat:kspace: kspace: expected complex64 or complex128, found float32"},
    {"recon --kspace nocoil.mat --out x.npy", "expected at least one coil"},
    {"recon --kspace six.mat --out x.npy", "six.mat:kspace: kspace: expected"},
    {"recon --kspace black.mat --out x.npy", "zeros only"},
    {"recon --kspace nan.mat --out x.npy",
     "nan.mat:kspace: expected finite values, found NaN or infinity at"},
    {"recon --kspace inf73.mat --out x.npy", "inf73.mat:kspace: expected finite values"},
    {"recon --method rss --kspace nan.mat --out x.npy", "nan.mat"},
    {"maps --kspace nan.mat --out x.npy", "nan.mat"},
    {"maps --kspace text.mat --out x.npy", "text.mat: expected a MATLAB file"},
    {"maps --kspace black.mat --out x.npy", "zeros only"},
    {"maps --kspace k.mat --out none/x.mat", "none/x.mat: cannot be written"},
    {"snr --kspace text.h5 --noise k.npz --out x.npy", "text.h5"},
    // masks, maps and noise that do not fit
    {"recon --kspace k.mat --mask mask0.mat --out x.npy",
     "expected at least one sample, found none"},
    {"recon --kspace k.mat --mask mask_turned.mat --out x.npy", "mask_turned.mat"},
    {"recon --kspace k.mat --mask mask_frames.mat --out x.npy", "mask_frames.mat"},
    {"recon --kspace k.mat --mask mask_complex.mat --out x.npy",
     "expected a real or boolean type, found complex64"},
    {"recon --kspace k.mat --mask mask_nan.mat --out x.npy", "expected finite values, found NaN"},
    {"recon --kspace k.mat --mask text.mat --out x.npy", "text.mat: expected a MATLAB file"},
    {"recon --kspace k.mat --mask mask_short.h5 --out x.npy", "mask_short.h5"},
    {"recon --kspace k.mat --mask i.nii --out x.npy", "i.nii"},
    {"recon --kspace k.mat --maps maps2.mat --out x.npy", "maps2.mat"},
    {"recon --kspace k.mat --maps maps_turned.mat --out x.npy", "maps_turned.mat"},
    {"recon --kspace k.mat --maps cut.npz --out x.npy", "cut.npz"},
    {"recon --kspace k.mat --noise noise2.mat --out x.npy", "noise2.mat"},
    {"recon --kspace k.mat --noise text.mrd --out x.npy", "text.mrd"},
    // HDF5
    {"recon --kspace text.h5 --out x.npy", "text.h5: expected an HDF5 file, found text"},
    {"recon --kspace page.h5 --out x.npy", "page.h5: expected an HDF5 file, found an HTML page"},
    {"recon --kspace empty.h5 --out x.npy", "empty.h5: expected an HDF5 file, found an empty file"},
    {"recon --kspace zeros.h5 --out x.npy", "zeros.h5: expected an HDF5 file, found zeros"},
    {"recon --kspace gz.h5 --out x.npy", "gz.h5: expected an HDF5 file, found gzip data"},
    {"recon --kspace npy.h5 --out x.npy", "npy.h5: expected an HDF5 file, found a .npy file"},
    {"recon --kspace folder.h5 --out x.npy", "folder.h5: expected a file, found a directory"},
    {"recon --kspace pipe.h5 --out x.npy", "pipe.h5: expected a regular file, found a pipe"},
    {"recon --kspace none2.h5 --out x.npy", "none2.h5: cannot be opened"},
    {"recon --kspace cut.h5 --out x.npy", "cut.h5: HDF5: the file is truncated"},
    {"recon --kspace dead.h5 --out x.npy", "dead.h5"},
    {"recon --kspace turned.h5 --out x.npy", "turned.h5: HDF5: cannot be opened"},
    {"recon --kspace none.h5 --out x.npy", "none.h5: expected an array"},
    {"recon --kspace none.h5:nothing --out x.npy", "expected a data set, found a group"},
    {"recon --kspace types.h5:text --out x.npy", "expected numbers, found string"},
    {"recon --kspace types.h5:pair --out x.npy", "expected numbers, found compound of 2 members"},
    {"recon --kspace types.h5:nothing --out x.npy", "a data set without values"},
    {"recon --kspace types.h5:elsewhere --out x.npy",
     "a link to another file, which is not followed"},
    {"recon --kspace types.h5:dangling --out x.npy", "no such data set in the file"},
    {"recon --kspace elsewhere.h5:raw --out x.npy", "external storage"},
    {"recon --kspace elsewhere.h5:virtual --out x.npy", "virtual data set"},
    {"recon --kspace chunked.h5:d --out x.npy", "filter 32000 (lzf), which this HDF5 lacks"},
    {"recon --kspace chunked.h5:promise --out x.npy",
     "promises 2305843009213693952 bytes, but the whole file has"},
    {"recon --kspace chunked.h5:promise2 --out x.npy",
     "the values were never written, or it is damaged"},
    {"recon --kspace real.h5 --out x.npy",
     "real.h5:kspace: kspace: expected complex64 or complex128"},
    {"recon --kspace nocoil.h5 --out x.npy", "expected at least one coil"},
    {"recon --kspace nan.h5 --out x.npy", "nan.h5:kspace: expected finite values"},
    {"recon --kspace line.h5 --out x.npy", "line.h5:kspace: kspace: expected"},
    // zip archives of NumPy
    {"recon --kspace text.npz --out x.npy", "text.npz"},
    {"recon --kspace page.npz --out x.npy", "page.npz"},
    {"recon --kspace empty.npz --out x.npy", "empty.npz"},
    {"recon --kspace gz.npz --out x.npy", "gz.npz"},
    {"recon --kspace npy.npz --out x.npy", "npy.npz"},
    {"recon --kspace folder.npz --out x.npy", "folder.npz: expected a file, found a directory"},
    {"recon --kspace pipe.npz --out x.npy", "pipe.npz: expected a regular file, found a pipe"},
    {"recon --kspace cut.npz --out x.npy", "cut.npz"},
    {"recon --kspace crc.npz --out x.npy", "crc.npz"},
    {"recon --kspace start.npz --out x.npy", "start.npz"},
    {"recon --kspace k.npz:nope --out x.npy", "nope"},
    // raw data
    {"recon --kspace text.mrd --out x.npy", "text.mrd"},
    {"recon --kspace empty.mrd --out x.npy", "empty.mrd"},
    {"recon --kspace page.mrd --out x.npy", "page.mrd"},
    {"recon --kspace folder.mrd --out x.npy", "folder.mrd"},
    {"recon --kspace pipe.mrd --out x.npy", "pipe.mrd"},
    {"recon --kspace none.mrd --out x.npy", "none.mrd"},
    // NIfTI
    {"convert text.nii x.npy", "text.nii"},
    {"convert page.nii x.npy", "page.nii"},
    {"convert empty.nii x.npy", "empty.nii"},
    {"convert zeros.nii x.npy", "zeros.nii"},
    {"convert npy.nii x.npy", "npy.nii"},
    {"convert folder.nii x.npy", "folder.nii: expected a file, found a directory"},
    {"convert pipe.nii x.npy", "pipe.nii: expected a regular file, found a pipe"},
    {"convert none.nii x.npy", "none.nii: cannot be opened"},
    {"convert cut.nii x.npy", "cut.nii"},
    {"convert head.nii x.npy", "head.nii"},
    {"convert less.nii x.npy", "less.nii"},
    {"convert dims.nii x.npy", "dims.nii"},
    {"convert negative.nii x.npy", "negative.nii"},
    {"convert huge.nii x.npy", "huge.nii"},
    {"convert colour.nii x.npy", "colour.nii"},
    {"convert bits.nii x.npy", "bits.nii"},
    {"convert magic.nii x.npy", "magic.nii"},
    {"convert alone.hdr x.npy", "alone"},
    {"convert text.nii.gz x.npy", "text.nii.gz"},
    {"convert empty.nii.gz x.npy", "empty.nii.gz"},
    {"convert gz.nii.gz x.npy", "gz.nii.gz"},
    {"convert cut.nii.gz x.npy", "cut.nii.gz"},
    {"convert crc.nii.gz x.npy", "crc.nii.gz"},
    {"convert folder.nii.gz x.npy", "folder.nii.gz"},
    // safetensors
    {"convert text.safetensors x.npy", "text.safetensors"},
    {"convert empty.safetensors x.npy", "empty.safetensors"},
    {"convert long.safetensors x.npy", "long.safetensors"},
    {"convert json.safetensors x.npy", "json.safetensors"},
    {"convert dtype.safetensors x.npy", "dtype.safetensors"},
    {"convert short.safetensors x.npy", "short.safetensors"},
    {"convert sizes.safetensors x.npy", "sizes.safetensors"},
    {"convert huge.safetensors x.npy", "huge.safetensors"},
    {"convert folder.safetensors x.npy", "folder.safetensors"},
    // results that cannot be written
    {"convert i.nii:b x.npy", "expected one array, found ':b'"},
    {"convert i.mat none/x.mat", "none/x.mat: cannot be written"},
    {"convert i.mat none/x.h5", "none/x.h5: cannot be written"},
    {"convert i.mat none/x.nii.gz", "none/x.nii.gz: cannot be written"},
    {"convert i.mat none/x.npz", "none/x.npz: cannot be written"},
    {"convert p/image.npy folder.mat",
     "folder.mat: cannot be written: expected a file, found a directory"},
    {"convert p/image.npy pipe.mat", "pipe.mat: cannot be written: expected a regular file"},
    {"convert p/image.npy folder.h5",
     "folder.h5: cannot be written: expected a file, found a directory"},
    {"convert p/image.npy x.mat --variable 1x", "'1x'"},
    {"convert i.mat x.nii --spacing 1,1", "--spacing"},
    {"convert i.mat x.nii --spacing 1,1,-1", "--spacing"},
    {"convert i.mat x.nii --spacing 1,nan,1", "--spacing"},
    {"convert i.mat x.nii --frame-time -4", "--frame-time"},
    {"convert cut5.mat x.png", "cut5.mat"},
    {"convert text.h5 x.mat", "text.h5"},
    // the other commands
    {"info text.mat", "text.mat"},
    {"info cut.h5", "cut.h5"},
    {"info cut.npz", "cut.npz"},
    {"info less.nii", "less.nii"},
    {"info json.safetensors", "json.safetensors"},
    {"info text.mrd", "text.mrd"},
    {"eval --reference i.mat --image image_small.mat", "image_small.mat"},
    {"eval --reference image_black.mat --image i.mat", "zeros only"},
    {"eval --reference i.mat --image image_nan.mat", "image_nan.mat"},
    {"eval --reference i.nii.gz --image cut.nii.gz", "cut.nii.gz"},
    {"eval --reference text.mat --image i.mat", "text.mat"},
    {"eval --reference k.mat --image i.mat", "k.mat"},
    {"dicom text.nii --out x", "text.nii"},
    {"dicom cut5.mat --out x", "cut5.mat"},
    {"dicom image_nan.mat --out x", "image_nan.mat"},
    {"scores --reference lab.nii --segmentation text.nii --labels lv=1", "text.nii"},
    {"scores --reference none.nii --segmentation lab.nii --labels lv=1", "none.nii"},
    {"scores --reference lab.nii --segmentation image_small.mat --labels lv=1", "image_small.mat"},
    // tables
    {"scores --classes text.csv", "text.csv"},
    {"scores --classes empty.csv", "empty.csv"},
    {"scores --classes none.csv", "none.csv"},
    {"scores --classes folder.csv", "folder.csv"},
    {"phenotype --ed text.nii --es lab.nii --labels lv=1,myo=2,rv=3", "text.nii"},
    {"phenotype --ed lab.nii --es cut.nii.gz --labels lv=1,myo=2,rv=3", "cut.nii.gz"},
    {"phenotype --ed none.nii --es lab.nii --labels lv=1,myo=2,rv=3", "none.nii"},
    {"agreement --a none.csv --b good.csv", "none.csv"},
    {"agreement --a text.csv --b good.csv", "text.csv"},
    {"agreement --a empty.csv --b good.csv", "empty.csv"},
    {"agreement --a head.csv --b good.csv", "head.csv"},
    {"agreement --a ragged.csv --b good.csv", "ragged.csv"},
    {"agreement --a open.csv --b good.csv", "open.csv"},
    {"agreement --a words.csv --b good.csv", "words.csv"},
    {"agreement --a other.csv --b good.csv", "other.csv"},
    {"agreement --a binary.csv --b good.csv", "binary.csv"},
    {"agreement --a folder.csv --b good.csv", "folder.csv"},
    {"agreement --a pipe.csv --b good.csv", "pipe.csv"},
    {"agreement --a good.csv --b page.csv", "page.csv"},
    // folders
    {"dataset scan none", "none"},
    {"dataset check none", "none"},
    {"dataset scan text.mat", "text.mat"},
    {"dataset export none --out y", "none"},
    {"run none --method sense --out y", "none: cannot be read: expected a folder"},
    {"run hollow --method sense --out y", "hollow: expected k-space"},
    {"run hollow --method magic --out y", "found 'magic'"},
    {"scores --reference i.nii --segmentation lab.nii --labels lv=1",
     "expected whole numbers, found complex64"},
    {"run text.mat --method sense --out y", "text.mat"},
};

}  // namespace

TEST_CASE("bad files of every format: one clear line, exit code 2, no output") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  const auto before = w.contents();
  const bool show = std::getenv("CARDIOMM_SHOW") != nullptr;
  for (const bad& b : table) {
    const std::string arguments = b.arguments;
    CAPTURE(arguments);
    const auto o = w.run(b.arguments);
    CAPTURE(o.err);
    if (show) std::printf("%s\n  %d %s", b.arguments, o.code, o.err.c_str());
    CHECK(o.code == 2);
    CHECK(o.err.rfind("cardiomm: error: ", 0) == 0);
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
    CHECK(o.err.find(b.expected) != std::string::npos);
    CHECK(w.contents() == before);
  }
  CHECK(std::size(table) >= 100);
}
