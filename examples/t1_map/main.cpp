// SPDX-License-Identifier: Apache-2.0
// A T1 map: a MOLLI series (8 inversion times) of tissues whose T1 is known, with noise, fitted in
// every pixel. Usage: t1_map [T1.npy]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "cardiomm/analysis/mapping.hpp"
#include "cardiomm/core/random.hpp"
#include "cardiomm/core/runtime.hpp"
#include "cardiomm/io/npy.hpp"

using namespace cardiomm;

struct tissue {
  const char* name;
  double t1, t1_star;  // ms; T1* is the apparent one, shortened by the readouts
};
const std::vector<tissue> tissues = {{"fat", 350, 310},
                                     {"myocardium with contrast", 480, 420},
                                     {"myocardium", 1030, 860},
                                     {"blood", 1600, 1310}};
const std::vector<double> times = {120, 200, 1120, 1200, 2120, 2200, 3120, 4120};  // ms

// Magnitudes (inversion time, slice, y, x): each tissue is a band of `rows` rows.
host_tensor<float, 4> series(index_t rows, index_t nx, float noise) {
  const index_t ny = rows * index_t(tissues.size());
  const auto images =
      make_tensor<float>(host_space(), shape{index_t(times.size()), index_t(1), ny, nx});
  const auto n = make_tensor<complex<float>>(host_space(), shape_of(images));
  random::fill_normal(host_space(), n, 1);
  for (index_t k = 0; k < index_t(times.size()); ++k)
    for (index_t y = 0; y < ny; ++y) {
      const tissue& t = tissues[std::size_t(y / rows)];
      // A - B exp(-t / T1*) with T1 = T1* (B / A - 1)
      const double a = 100, b = a * (t.t1 / t.t1_star + 1);
      const float signal = float(a - b * std::exp(-times[std::size_t(k)] / t.t1_star));
      for (index_t x = 0; x < nx; ++x) {
        const auto v = n(k, 0, y, x);
        images(k, 0, y, x) = std::hypot(signal + noise * v.real(), noise * v.imag());
      }
    }
  return images;
}

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  const default_space ex;
  const index_t rows = 32, nx = 64;
  const auto images = to_space(ex, series(rows, nx, 1.0f));

  const auto mask = analysis::signal_mask(ex, images);  // where there is signal
  const auto t1 = analysis::fit_t1_molli(ex, images, times, mask);

  const auto value = to_host(t1.value), sd = to_host(t1.sd);  // (slice, y, x), ms
  const auto median = [&](const host_tensor<float, 3>& map, index_t band) {
    const float* first = map.data() + band * rows * nx;
    std::vector<float> v(first, first + rows * nx);
    std::nth_element(v.begin(), v.begin() + rows * nx / 2, v.end());
    return double(v[std::size_t(rows * nx / 2)]);
  };
  std::printf("%-25s %8s %8s %8s\n", "", "known", "found", "sd");
  double worst = 0;
  for (std::size_t i = 0; i < tissues.size(); ++i) {
    const double found = median(value, index_t(i));
    std::printf("%-25s %8.0f %8.0f %8.0f\n", tissues[i].name, tissues[i].t1, found,
                median(sd, index_t(i)));
    worst = std::max(worst, std::abs(found - tissues[i].t1) / tissues[i].t1);
  }
  if (argc > 1) io::write_npy(argv[1], t1.value);
  return worst < 0.01 ? 0 : 1;
}
