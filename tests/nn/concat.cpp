// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/concat.hpp"

#include "support/layer_reference.hpp"

using namespace cardiomm;
using Ex = default_space;

namespace {
template <class V>
void check_concat(index_t na, index_t nb) {
  const Ex ex;
  const auto a = nn::check::detail::noise<V>(ex, shape{2, 3, 5, na}, 1, 1);
  const auto b = nn::check::detail::noise<V>(ex, shape{2, 3, 5, nb}, 1, 2);
  const auto y = make_tensor<V>(ex, shape{2, 3, 5, na + nb});
  nn::concat(ex, a, b, y);
  const auto ha = to_host(a), hb = to_host(b), hy = to_host(y);
  bool equal = true;
  for (index_t p = 0; p < 30; ++p)
    for (index_t c = 0; c < na + nb; ++c)
      equal = equal && hy.data()[p * (na + nb) + c] ==
                           (c < na ? ha.data()[p * na + c] : hb.data()[p * nb + c - na]);
  CHECK(equal);
  const auto back = make_tensor<V>(ex, shape_of(a)), rest = make_tensor<V>(ex, shape_of(b));
  nn::split(ex, y, back, rest);
  CHECK(nn::check::detail::distance(ex, back, a) == 0);
  CHECK(nn::check::detail::distance(ex, rest, b) == 0);
  // One part only.
  Kokkos::deep_copy(rest, V(0));
  nn::split(ex, y, borrow(ex, static_cast<V*>(nullptr), shape_of(a)), rest);
  CHECK(nn::check::detail::distance(ex, rest, b) == 0);
}
}  // namespace

TEST_CASE("channels side by side and apart again") {
  check_concat<float>(120, 72);
  check_concat<float>(3, 29);
  check_concat<double>(7, 1);
  check_concat<complex<float>>(5, 13);
}

TEST_CASE("features that do not fit give one clear error") {
  const Ex ex;
  const auto a = zeros<float>(ex, shape{1, 4, 4, 2}), b = zeros<float>(ex, shape{1, 4, 5, 2});
  CHECK_THROWS_WITH_AS(nn::concat(ex, a, b, a),
                       "concat: expected features that differ in channels only, found (1, 4, 4, 2) "
                       "and (1, 4, 5, 2)",
                       shape_error);
  CHECK_THROWS_WITH_AS(nn::concat(ex, a, a, b),
                       "concat: expected a result of (1, 4, 4, 4), found (1, 4, 5, 2)",
                       shape_error);
}
