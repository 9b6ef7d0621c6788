// SPDX-License-Identifier: Apache-2.0
// ADMM, PDHG and FISTA against `bart pics`: the same problem, objectives within one percent.
#include <doctest/doctest.h>

#include "cardiomm/mri/encoding.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "cardiomm/prox/l1.hpp"
#include "cardiomm/solve/admm.hpp"
#include "cardiomm/solve/fista.hpp"
#include "cardiomm/solve/pdhg.hpp"
#include "support/bart.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

TEST_CASE("sparse images of BART's phantom by three solvers and by bart pics -m") {
  PROGRAM_OR_SKIP("bart")
  const cardiomm_tests::bart_session bart;
  bart.run("phantom -s 8 -k -x 64 k");
  bart.run("phantom -S 8 -x 64 maps");
  auto k = bart.get("k");
  const index_t n = 64;
  for (index_t c = 0; c < 8; ++c)
    for (index_t y = 0; y < n; ++y)
      for (index_t x = 0; x < n; ++x)
        if (y % 2 != 0 && (y < 24 || y >= 40)) k(0, 0, c, y, x) = C(0);
  bart.put("under", k);
  const auto data = to_space(Ex(), k);
  const auto mask = mri::sampling_of(Ex(), data);
  const auto maps = to_space(Ex(), bart.get("maps"));  // as large as 1e5
  blas1::scale(Ex(), C(float(double(n) / blas1::norm(Ex(), maps))), maps);
  bart.put("maps", maps);
  const auto a =
      mri::encoding(linop::point_mask<float, Ex>(mask), linop::sensitivity<float, Ex>(maps));
  const shape<4> s{{1, 1, n, n}};
  auto b = make_tensor<C>(Ex(), s);
  linop::apply_adjoint(Ex(), a, data, b);
  const auto normal = linop::gram(a);
  double largest = 0;
  const auto hb = to_host(b);
  for (std::size_t i = 0; i < hb.size(); ++i)
    largest = std::max(largest, double(abs2(hb.data()[i])));
  const double lambda = 0.05 * std::sqrt(largest);
  const prox::l1<float, 4, Ex> sparse(lambda);
  const auto objective = [&](const auto& x) {
    auto y = a * x;
    blas1::axpby(Ex(), C(-1), data, C(1), y);
    const double miss = blas1::norm(Ex(), y);
    return 0.5 * miss * miss + prox::value(Ex(), sparse, x);
  };
  bart.run("pics -S -w 1 -m -i 300 -R I:0:" + std::to_string(lambda) + " under maps image");
  const auto theirs = bart.get("image");
  const double expected = objective(to_space(Ex(), clone(host_space(), reshape(theirs, s))));

  const auto close = [&](const std::string& name, const auto& x) {
    const double found = objective(x);
    MESSAGE(name, ": ", found, ", bart pics: ", expected);
    CHECK(found <= 1.01 * expected);
    CHECK(found >= 0.99 * expected);
  };
  close("fista", solve::fista(normal, sparse, b, {.iterations = 200}));
  auto x = zeros<C>(Ex(), s);
  solve::admm(Ex(), normal, b, x, {.iterations = 100}, solve::term(sparse));
  close("admm", x);
  Kokkos::deep_copy(x, C(0));
  solve::pdhg(Ex(), normal, b, x, {.iterations = 300}, solve::term(sparse));
  close("pdhg", x);
}
