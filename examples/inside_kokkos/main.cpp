// SPDX-License-Identifier: Apache-2.0
// Inside a Kokkos program that was there before: its Kokkos::initialize, its Views, its kernels,
// its execution space instance. The library takes part as one step; nothing is copied.
#include <Kokkos_Core.hpp>
#include <cmath>
#include <cstdio>

#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/prox/total_variation.hpp"
#include "cardiomm/solve/fista.hpp"

using Space = Kokkos::DefaultExecutionSpace;
using complex = Kokkos::complex<float>;
using Image = Kokkos::View<complex**, Kokkos::LayoutRight, Space>;  // y, x: x is contiguous

// ---- what the program had before: k-space of two rectangles, and a norm
// ---------------------------
KOKKOS_INLINE_FUNCTION float line(float k, float width) {
  const float a = 3.14159265f * k * width;
  return k == 0 ? width : width * std::sin(a) / a;
}
void measure(const Space& stream, const Image& kspace, int n) {
  using range = Kokkos::MDRangePolicy<Space, Kokkos::Rank<2>>;
  Kokkos::parallel_for(
      "measure", range(stream, {0, 0}, {n, n}), KOKKOS_LAMBDA(int i, int j) {
        const float ky = float(i - n / 2), kx = float(j - n / 2);
        const float turn = -2 * 3.14159265f * (0.1f * ky + 0.05f * kx);
        const complex shift(std::cos(turn), std::sin(turn));
        kspace(i, j) = float(n) * (complex(line(ky, 0.6f) * line(kx, 0.5f)) +
                                   shift * (line(ky, 0.2f) * line(kx, 0.15f)));
      });
}
double rms(const Space& stream, const Image& a, const Image& b) {  // of magnitudes
  double sum = 0;
  const int columns = int(a.extent(1));
  Kokkos::parallel_reduce(
      "rms", Kokkos::RangePolicy<Space>(stream, 0, int(a.extent(0))),
      KOKKOS_LAMBDA(int i, double& part) {
        for (int j = 0; j < columns; ++j) {
          const double d = Kokkos::abs(a(i, j)) - Kokkos::abs(b(i, j));
          part += d * d;
        }
      },
      sum);
  return std::sqrt(sum / double(a.size()));
}

int main(int argc, char** argv) {
  Kokkos::initialize(argc, argv);  // theirs; the library initialises nothing
  int result = 0;
  {
    const int n = 128;
    const Space stream;  // theirs; on a GPU it may be one of several streams
    const Image kspace("kspace", n, n), image("image", n, n), truth("truth", n, n);
    const Kokkos::View<int*, Kokkos::HostSpace> lines("lines", n);
    for (int i = 0; i < n; ++i) lines(i) = i % 3 == 0 || (i > n / 2 - 10 && i < n / 2 + 10);
    measure(stream, kspace, n);

    // ---- the library: other names and more axes for the same memory -----------------------------
    using namespace cardiomm;
    const auto k = reshape(kspace, shape<5>{{1, 1, 1, n, n}});  // (frame, slice, coil, y, x)
    const auto x = reshape(image, shape<5>{{1, 1, 1, n, n}});
    const auto t = borrow(stream, truth.data(), shape<5>{{1, 1, 1, n, n}});  // from a bare pointer
    linop::apply_adjoint(stream, linop::fourier_op<float, 5, Space>(), k, t);

    const auto A = linop::line_mask(lines) * linop::fourier;
    const auto N = gram(A);
    const auto b = adjoint(A) * k;  // a new tensor, which is a View
    Kokkos::deep_copy(stream, x, b);
    const double before = rms(stream, image, truth);  // their kernel sees what the library wrote
    const prox::total_variation_in_space<float, Space, 5> tv(0.01, shape_of(b));
    solve::fista(stream, N, tv, b, x, {.iterations = 80, .step = 1});

    // ---- theirs again ---------------------------------------------------------------------------
    stream.fence();
    const double after = rms(stream, image, truth);
    std::printf("same memory: %s\n", x.data() == image.data() ? "yes" : "no");
    std::printf("rms error: zero-filled %.4f, total variation %.4f\n", before, after);
    result = x.data() == image.data() && after < before / 2 ? 0 : 1;
  }
  Kokkos::finalize();  // plans and scratch of the library go in a hook of this
  return result;
}
