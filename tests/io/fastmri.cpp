// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/fastmri.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"
#include "io/ramp.hpp"
#include "support/shared.hpp"

namespace io = cardiomm::io;
using cf = cardiomm::complex<float>;
using cardiomm_tests::scratch;
using cardiomm_tests::spit;

namespace {
float ramp(std::size_t i) { return float(7 * i % 113) - 20; }
}  // namespace

TEST_CASE("a file as fastMRI has it: the readout becomes the last axis") {
  const io::fastmri_file f(own_path("formats/fastmri.h5"));
  CHECK(f.images() == 2);
  CHECK(f.slices() == 2);
  CHECK(f.frames() == 1);
  CHECK(f.coils() == 3);
  CHECK(f.nx() == 6);
  CHECK(f.ny() == 5);
  std::vector<cf> k(3 * 5 * 6);
  f.kspace(1, k.data());
  bool same = true;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t y = 0; y < 5; ++y)
      for (std::size_t x = 0; x < 6; ++x) {
        const std::size_t i = ((3 + c) * 6 + x) * 5 + y;
        same = same && k[(c * 5 + y) * 6 + x] == cf(ramp(i), 3 - float(i));
      }
  CHECK(same);
  CHECK(f.reconstruction() == std::optional<std::string>("reconstruction_rss"));
  CHECK(f.reconstruction_size() == std::pair<cardiomm::index_t, cardiomm::index_t>(3, 4));
  std::vector<float> image(12);
  f.reconstruction(1, image.data());
  CHECK(image[2 * 4 + 1] == ramp(12 + 1 * 3 + 2));
  CHECK(*f.mask() == std::vector<bool>{false, true, true, false, true});
  CHECK(f.header() == "<ismrmrdHeader/>");
  CHECK(f.text("acquisition") == "CORPD_FBK");
  CHECK(f.text("vendor") == "unknown");
  CHECK(f.numbers("max") == std::vector<double>{92});
  CHECK_THROWS_WITH_AS(io::fastmri_file(own_path("formats/types.h5")),
                       doctest::Contains("expected a data set kspace"), cardiomm::io_error);
}

TEST_CASE("a training file: written image by image, read again, equal for h5py") {
  const scratch s;
  const cardiomm::index_t nt = 2, nz = 3, nc = 2, ny = 5, nx = 6;
  std::vector<cf> k(std::size_t(nt * nz * nc * ny * nx));
  std::vector<float> rss(std::size_t(nt * nz * ny * nx));
  for (std::size_t i = 0; i < k.size(); ++i) k[i] = cf(ramp(i), 3 - float(i));
  for (std::size_t i = 0; i < rss.size(); ++i) rss[i] = ramp(i) + 20;
  for (const int deflate : {0, 4}) {
    io::fastmri_scan scan;
    scan.center = "Center001";
    scan.vendor = "Siemens";
    scan.patient_id = "Cine/TrainingSet/P001";
    io::fastmri_output out(s / "t.h5", {nt, nz, nc, ny, nx}, scan, deflate);
    for (cardiomm::index_t i = 0; i < nt * nz; ++i) {
      if (i == 5) CHECK_THROWS_AS(out.commit(), cardiomm::shape_error);
      out.add(k.data() + i * nc * ny * nx, rss.data() + i * ny * nx);
    }
    CHECK_THROWS_AS(out.add(k.data(), rss.data()), cardiomm::shape_error);
    out.commit();
    const io::fastmri_file f(s / "t.h5");
    CHECK(f.frames() == nt);
    CHECK(f.slices() == nz);
    CHECK(f.text("center") == "Center001");
    CHECK(f.text("medcon") == "unknown");
    std::vector<cf> image(std::size_t(nc * ny * nx));
    std::vector<float> reference(std::size_t(ny * nx));
    for (cardiomm::index_t i = 0; i < nt * nz; ++i) {
      f.kspace(i, image.data());
      CHECK(std::equal(image.begin(), image.end(), k.begin() + i * nc * ny * nx));
      f.reconstruction(i, reference.data());
      CHECK(std::equal(reference.begin(), reference.end(), rss.begin() + i * ny * nx));
    }
  }
  CHECK_THROWS_AS(io::fastmri_output(s / "u.h5", {4, 4}, {}), cardiomm::shape_error);
  CHECK(s.count() == 1);
  PYTHON_OR_SKIP("h5py");
  spit(s / "check.py", R"(
import h5py, numpy as np
f = h5py.File('t.h5', 'r')
i = np.arange(2 * 3 * 2 * 5 * 6)
k = ((7 * i % 113 - 20.) + 1j * (3. - i)).reshape(6, 2, 5, 6)
assert f['kspace'].dtype == 'c8' and (f['kspace'][()] == k.swapaxes(-1, -2)).all()
i = np.arange(2 * 3 * 5 * 6)
r = (7. * i % 113).reshape(6, 5, 6).swapaxes(-1, -2)
assert f['reconstruction_rss'].dtype == 'f4' and (f['reconstruction_rss'][()] == r).all()
a = dict(f.attrs)
assert a['max'] == r.max() and abs(a['norm'] / np.linalg.norm(r) - 1) < 1e-6
assert a['center'] == 'Center001' and a['medcon'] == 'unknown' and a['field'] == 'unknown'
assert a['shape'].tolist() == [2, 3, 2, 5, 6] and a['padding_left'] == 0 and a['padding_right'] == 5
assert a['encoding_size'].tolist() == [6, 5, 1] and a['recon_size'].tolist() == [6, 5, 1]
want = 'max norm center vendor field scanner modality view lifespan medcon patient_id shape'.split()
assert set(want + ['padding_left', 'padding_right', 'encoding_size', 'recon_size']) == set(a)
)");
  CHECK(std::system(("cd '" + s.path().string() + "' && python3 check.py").c_str()) == 0);
}
