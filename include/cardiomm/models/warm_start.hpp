// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_WARM_START_HPP
#define CARDIOMM_MODELS_WARM_START_HPP
/// \file
/// A first image for the cascades: a regularised SENSE reconstruction with the network's own maps,
/// (A^H A + lambda) x = A^H y by Chebyshev's iteration. Its steps do not depend on the data, unlike
/// those of conjugate gradients, so that images of a batch do not know of each other. The published
/// network starts from the zero-filled image; a small one that starts here need not spend its
/// cascades on what linear algebra does. Source: Golub and Varga, Numer. Math. 3 (1961).

#include <sstream>
#include <string>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/core/error.hpp"
#include "cardiomm/core/workspace.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

/// How the cascades are started.
struct warm_start {
  index_t iterations = 0;  ///< 0: from the zero-filled image, as published
  double lambda = 0.02;    ///< relative to the largest eigenvalue of A^H A for unit maps, 1
};

/// "12 0.02", how it is kept beside weights as `cardiomm.warm_start`.
inline std::string to_string(const warm_start& w) {
  std::ostringstream text;
  text << w.iterations << ' ' << w.lambda;
  return text.str();
}
/// Reads that. Throws value_error for other texts.
inline warm_start warm_start_of(const std::string& text) {
  warm_start w;
  std::istringstream words(text);
  require(bool(words >> w.iterations >> w.lambda) && w.iterations >= 0 && w.iterations <= 1000 &&
              w.lambda >= 0 && w.lambda <= 1,
          "cardiomm.warm_start: expected iterations and lambda, as '12 0.02', found '", text, "'");
  return w;
}

/// x (item, slice, y, x) after the iterations, of b = A^H y, which is used up. `residual(x, r)`
/// writes b - A^H A x.
template <class T, ExecutionSpace Ex, class F>
void solve_warm_start(const Ex& ex, const warm_start& o, const view<complex<T>, 4, Ex>& b,
                      const view<complex<T>, 4, Ex>& x, F&& residual) {
  using C = complex<T>;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto p = scratch.template tensor<C>(shape_of(x));
  const double middle = 0.5 + o.lambda, half = 0.5;  // of the spectrum, lambda to 1 + lambda
  double alpha = 1 / middle;
  Kokkos::deep_copy(ex, x, C(0));
  for (index_t k = 0; k < o.iterations; ++k) {
    if (k == 0) {
      Kokkos::deep_copy(ex, p, b);
    } else {
      residual(x, b);
      blas1::axpby(ex, C(T(-o.lambda)), x, C(1), b);
      const double beta = (k == 1 ? 0.5 : 0.25) * half * half * alpha * alpha;
      alpha = 1 / (middle - beta / alpha);
      blas1::axpby(ex, C(1), b, C(T(beta)), p);
    }
    blas1::axpby(ex, C(T(alpha)), p, C(1), x);
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
