// SPDX-License-Identifier: Apache-2.0
// Buffers of Eigen, without a copy: the library reads one matrix and writes into another.
#include <Eigen/Dense>
#include <cmath>
#include <cstdio>

#include "cardiomm/core/runtime.hpp"
#include "cardiomm/linop/fourier.hpp"

using namespace cardiomm;
// Row-major as images are: rows are y, columns are x.
using matrix = Eigen::Matrix<std::complex<float>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// A matrix as (frame, slice, y, x), the same memory. std::complex and the library's complex numbers
// have the same bytes.
view<complex<float>, 4, host_space> as_image(matrix& m) {
  return borrow(host_space(), reinterpret_cast<complex<float>*>(m.data()),
                shape<4>{{1, 1, m.rows(), m.cols()}});
}

// The centred, orthonormal transform of n points as a matrix, in Eigen alone.
matrix transform(int n) {
  matrix f(n, n);
  for (int k = 0; k < n; ++k)
    for (int x = 0; x < n; ++x)
      f(k, x) = std::polar(float(1 / std::sqrt(n)),
                           float(-2 * M_PI * ((k - n / 2) * (x - n / 2) % n) / n));
  return f;
}

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  std::srand(1);
  matrix image = matrix::Random(24, 36), kspace(24, 36);
  const auto* const before = kspace.data();

  linop::apply(host_space(), linop::fourier_op<float, 4, host_space>(), as_image(image),
               as_image(kspace));

  // `kspace` is an Eigen matrix all the while: Eigen computes with what was written into it.
  const matrix expected = transform(24) * image * transform(36).transpose();
  const double error = (kspace - expected).norm() / expected.norm();
  // The other way round: a tensor of the library as an Eigen matrix.
  const auto t = zeros<complex<float>>(host_space(), shape<4>{{1, 1, 24, 36}});
  const Eigen::Map<matrix> mapped(reinterpret_cast<std::complex<float>*>(t.data()), 24, 36);
  t(0, 0, 3, 5) = complex<float>(1, 2);

  const bool same = as_image(kspace).data() == (const void*)before && kspace.data() == before &&
                    mapped(3, 5) == std::complex<float>(1, 2);
  std::printf("same memory: %s\n", same ? "yes" : "no");
  std::printf("Fourier transform as by Eigen's matrices: %s\n", error < 1e-5 ? "yes" : "no");
  return same && error < 1e-5 ? 0 : 1;
}
