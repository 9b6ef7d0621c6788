// SPDX-License-Identifier: Apache-2.0
// Real-time cine: frames of a quarter of the lines arrive one after another, and each is an image
// before the next one comes. It starts from the image before it and is kept close to it:
//     minimise 1/2 |A x - y|^2 + lambda/2 |x - previous|^2.
// From the second window on nothing is allocated, which is counted.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "allocations.hpp"
#include "cardiomm/core/runtime.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/mri/calibrate.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/solve/cg.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  const default_space stream;  // on a GPU also: Kokkos::Cuda stream(cuda_stream)
  const index_t coils = 8, beat = 20, ny = 96, nx = 112, speed = 4;
  const double lambda = 0.1;

  // The scanner: the lines of frame f are f, f + 4, f + 8, ...
  const auto heart = mri::simulate({.coils = coils, .frames = beat, .ny = ny, .nx = nx});
  const auto sent = to_space(stream, heart.kspace);
  std::vector<line_mask<float>> masks;
  for (index_t p = 0; p < speed; ++p) {
    const auto lines = zeros<std::uint8_t>(host_space(), shape{ny});
    for (index_t line = p; line < ny; line += speed) lines(line) = 1;
    masks.emplace_back(lines);
  }
  const shape<5> frame{{1, 1, coils, ny, nx}};
  const auto arrives = [&](index_t f) {
    return borrow(stream, sent.data() + f % beat * frame.size(), frame);
  };
  const auto window = zeros<complex<float>>(stream, frame);
  const auto slide = [&](index_t f) {  // the window holds the newest lines
    const auto& mask = masks[std::size_t(f % speed)];
    linop::apply(stream, mask, window, window, {complex<float>(-1), true});
    linop::apply(stream, mask, arrives(f), window, {complex<float>(1), true});
  };

  // The first window has all lines and calibrates the coils.
  for (index_t f = 0; f < speed; ++f) slide(f);
  const auto maps = mri::espirit(stream, window);
  const auto whole = fourier * sensitivity(maps);
  std::vector<decltype(masks[0] * whole)> A;
  std::vector<decltype(gram(masks[0] * whole) + lambda * identity)> N;
  for (const auto& mask : masks) {
    A.push_back(mask * whole);
    N.push_back(gram(mask * whole) + lambda * identity);
  }
  const auto x = zeros<complex<float>>(stream, shape<4>{{1, 1, ny, nx}});
  const auto b = clone(stream, x), shared = clone(stream, x);
  apply_adjoint(stream, whole, window, x);

  const auto error = [&](const auto& image, index_t f) {  // of magnitudes, in the heart
    const auto found = to_host(image);
    const std::size_t first = std::size_t(f % beat) * found.size();
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (heart.labels.data()[first + i] == 0) continue;
      const double t = std::sqrt(abs2(heart.image.data()[first + i]));
      difference += std::pow(std::sqrt(abs2(found.data()[i])) - t, 2);
      size += t * t;
    }
    return std::sqrt(difference / size);
  };
  count_allocations_of_kokkos();
  long during = 0;
  double most = 0, sum = 0, lag = 0, still = 0;
  for (index_t f = speed; f < 2 * beat; ++f) {
    const auto p = std::size_t(f % speed);
    const long before = allocations;
    const auto start = std::chrono::steady_clock::now();
    apply_adjoint(stream, A[p], arrives(f), b);  // reads the lines of the mask only
    blas1::axpby(stream, complex<float>(float(lambda)), x, complex<float>(1), b);
    solve::cg_in_place(stream, N[p], b, x, {.iterations = 5, .quiet = true});
    stream.fence();  // x is the image of now
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    slide(f);
    if (f < 2 * speed) continue;  // plans and scratch were made
    during += allocations - before;
    most = std::max(most, took.count());
    sum += took.count();
    apply_adjoint(stream, whole, window, shared);  // for comparison
    still += error(x, f);
    lag += error(shared, f);
  }
  const double n = double(2 * beat - 2 * speed);
  std::printf("time: %.2f ms a frame, at most %.2f ms\n", sum / n, most);
  std::printf("allocations in %.0f frames: %ld\n", n, during);
  std::printf("error in the heart: sliding window %.3f, warm start %.3f\n", lag / n, still / n);
  return during == 0 && still < lag ? 0 : 1;
}
