// SPDX-License-Identifier: Apache-2.0
/// \file
/// Every format through the program: there and back with the same values, the published
/// conventions, and real files of other programs.

#include <doctest/doctest.h>

#include <cmath>
#include <complex>

#include "cardiomm/io/hdf5.hpp"
#include "cardiomm/io/mat.hpp"
#include "cardiomm/io/nifti.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/io/npz.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm_tests::workplace;
using value = std::complex<float>;

namespace {

std::vector<cardiomm::complex<float>> values_of(const io::stored_array& a) {
  std::vector<cardiomm::complex<float>> v(static_cast<std::size_t>(a.size()));
  a.read(v.data());
  return v;
}
bool same(const std::vector<cardiomm::complex<float>>& a,
          const std::vector<cardiomm::complex<float>>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(cardiomm::complex<float>)) == 0;
}

}  // namespace

TEST_CASE("k-space goes through every format and comes back with the same values") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  REQUIRE(w.run("phantom --coils 3 --frames 2 --shape 20,27 --out p").code == 0);
  const auto original = io::open_npy(w / "p/kspace.npy");
  CHECK(original.shape() == io::extents{2, 1, 3, 20, 27});
  for (const std::string name : {"k.npz", "k.mat", "k.h5", "k.cfl"}) {
    CAPTURE(name);
    const auto there = w.run("convert p/kspace.npy " + name + " --as kspace");
    CHECK(there.err == "");
    REQUIRE(there.code == 0);
    const auto back = w.run("convert " + name + " back.npy --as kspace");
    CHECK(back.err == "");
    REQUIRE(back.code == 0);
    CHECK(same(values_of(io::open_npy(w / "back.npy")), values_of(original)));
    // and the reconstruction of it is the same
    REQUIRE(w.run("recon --method rss --kspace p/kspace.npy --out a.npy").code == 0);
    REQUIRE(w.run("recon --method rss --kspace " + name + " --out b.npy").code == 0);
    CHECK(same(values_of(io::open_npy(w / "a.npy")), values_of(io::open_npy(w / "b.npy"))));
  }
  // MATLAB sees [nx, ny, nc, nz, nt]: the reverse of what lies in the file
  CHECK(io::mat_file(w / "k.mat").at("kspace_full").shape() == io::extents{2, 1, 3, 20, 27});
  CHECK(io::npz_file(w / "k.npz").names() == std::vector<std::string>{"kspace_full"});
}

TEST_CASE("a mask in MATLAB's and NumPy's files is the same mask") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  REQUIRE(w.run("phantom --coils 3 --frames 2 --shape 24,32 --out p").code == 0);
  REQUIRE(w.run("mask --pattern kt-uniform --shape 2,24,32 --acceleration 4 --acs 6 "
                "--out m.npy")
              .code == 0);
  for (const std::string name : {"m.npz", "m.mat", "m.h5"}) {
    CAPTURE(name);
    REQUIRE(w.run("convert m.npy " + name + " --as mask").code == 0);
    const auto a = w.run("recon --method rss --kspace p/kspace.npy --mask m.npy --out a.npy");
    const auto b =
        w.run("recon --method rss --kspace p/kspace.npy --mask " + name + " --out b.npy");
    CHECK(a.err + b.err == "");
    CHECK(same(values_of(io::open_npy(w / "a.npy")), values_of(io::open_npy(w / "b.npy"))));
  }
}

TEST_CASE("results follow the published conventions") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  REQUIRE(w.run("phantom --coils 3 --frames 4 --shape 20,28 --out p").code == 0);
  REQUIRE(w.run("recon --method sense --kspace p/kspace.npy --out x.npy").code == 0);
  REQUIRE(w.run("recon --method sense --kspace p/kspace.npy --out x.mat").code == 0);
  REQUIRE(w.run("recon --method sense --kspace p/kspace.npy --out x.nii.gz").code == 0);
  const auto complex_image = values_of(io::open_npy(w / "x.npy"));
  std::vector<float> magnitude;
  for (const auto& v : complex_image) magnitude.push_back(std::hypot(v.real(), v.imag()));

  // reconimage: magnitudes, float32, always [nx, ny, nz, nt]
  const io::mat_file mat(w / "x.mat");
  CHECK(mat.names() == std::vector<std::string>{"reconimage"});
  const auto image = mat.at("reconimage");
  CHECK(image.shape() == io::extents{4, 1, 20, 28});
  CHECK(image.type() == io::dtype::f32);
  std::vector<float> read(static_cast<std::size_t>(image.size()));
  image.read(read.data());
  CHECK(read == magnitude);

  // NIfTI: over the 99.5th percentile of the slice over x, y and time; not clipped
  const auto nifti = io::open_nifti(w / "x.nii.gz");
  CHECK(nifti.values.shape() == io::extents{4, 1, 20, 28});
  nifti.values.read(read.data());
  std::vector<float> sorted = magnitude;
  std::sort(sorted.begin(), sorted.end());
  const double at = 0.995 * double(sorted.size() - 1);
  const auto k = static_cast<std::size_t>(at);
  const double white = sorted[k] + (at - double(k)) * (double(sorted[k + 1]) - sorted[k]);
  double worst = 0;
  for (std::size_t i = 0; i < read.size(); ++i)
    worst = std::max(worst, std::abs(double(read[i]) - magnitude[i] / white));
  CHECK(worst < 1e-6);
  CHECK(*std::max_element(read.begin(), read.end()) > 1);

  // convert keeps values; the voxel is what was said
  REQUIRE(w.run("convert x.npy y.nii --spacing 8,1.5,1.25 --frame-time 40").code == 0);
  const auto plain = io::open_nifti(w / "y.nii");
  CHECK(same(values_of(plain.values), complex_image));
  CHECK(plain.spacing[0] == doctest::Approx(1.25));
  CHECK(plain.spacing[2] == doctest::Approx(8));
  CHECK(plain.dt == doctest::Approx(0.04));
  CHECK(w.json("info y.nii")[0]["spacing (x, y, z) in mm"] == "1.25, 1.5, 8");
}

TEST_CASE("voxels of MATLAB k-space come from the table beside it") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  REQUIRE(w.run("phantom --coils 2 --frames 2 --shape 20,28 --out p").code == 0);
  const std::string folder = "Siemens_30T_Vida/P001";
  REQUIRE(w.shell("mkdir -p " + folder).code == 0);
  REQUIRE(w.run("convert p/kspace.npy " + folder + "/cine_sax.mat --as kspace").code == 0);
  cardiomm_tests::spit(w / (folder + "/cine_sax_info.csv"),
                       "Parameter,Value\nFOVx (mm),350\nFOVy (mm),280\nReconMatrix_X,250\n"
                       "ReconMatrix_Y,200\nSliceThickness (mm),6\nTR (ms),45\n");
  REQUIRE(w.run("recon --method rss --kspace " + folder + "/cine_sax.mat --out x.nii.gz").code ==
          0);
  const auto image = io::open_nifti(w / "x.nii.gz");
  CHECK(image.spacing[0] == doctest::Approx(1.4));
  CHECK(image.spacing[1] == doctest::Approx(1.4));
  CHECK(image.spacing[2] == doctest::Approx(6));
  CHECK(image.dt == doctest::Approx(0.045));
}

TEST_CASE("members of a file are chosen by name, or by what they are needed for") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  REQUIRE(w.run("phantom --coils 3 --frames 2 --shape 20,28 --out p").code == 0);
  io::npz_output out(w / "all.npz");
  out.add("a_mask", io::read_npy(w / "p/kspace.npy"));
  out.add("kspace", io::read_npy(w / "p/kspace.npy"));
  out.add("maps", io::read_npy(w / "p/maps.npy"));
  out.complete().commit();
  const auto o = w.run("recon --method sense --kspace all.npz --maps all.npz --out x.npy");
  CHECK(o.err == "");
  REQUIRE(
      w.run("recon --method sense --kspace p/kspace.npy --maps all.npz:maps --out y.npy").code ==
      0);
  CHECK(same(values_of(io::open_npy(w / "x.npy")), values_of(io::open_npy(w / "y.npy"))));
  const auto missing = w.run("recon --method rss --kspace all.npz:other --out z.npy");
  CHECK(missing.code == 2);
  CHECK(missing.err.find("other") != std::string::npos);
  CHECK(w.json("info all.npz")[0]["arrays"].size() == 3);
}

TEST_CASE("published files are read as they are") {
  BUILT_PROGRAM_OR_SKIP();
  SHARED_OR_SKIP(kspace, "data/cmrxrecon2024_cine_frame_1ch/cine_sax.mat");
  SHARED_OR_SKIP(mask, "data/cmrxrecon2024_cine_frame_1ch/cine_sax_mask_Uniform8.mat");
  SHARED_OR_SKIP(plain, "data/cmrxrecon2024_cine_frame_1ch/kspace_full.npy");
  const workplace w;
  const std::string k = kspace, m = mask;
  const auto o = w.run("recon --method rss --kspace " + k + " --mask " + m + " --out x.npy");
  CHECK(o.err == "");
  REQUIRE(o.code == 0);
  REQUIRE(w.run("convert " + m + " m.npy --as mask").code == 0);
  // the same k-space as NumPy has it, [kx, ky]
  const auto n = w.run("recon --method rss --kspace " + plain +
                       " --axes kspace:x,y --mask m.npy --axes mask:y,x --out y.npy");
  CHECK(n.err == "");
  CHECK(same(values_of(io::open_npy(w / "x.npy")), values_of(io::open_npy(w / "y.npy"))));
}
