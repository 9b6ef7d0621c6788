// SPDX-License-Identifier: Apache-2.0
/// \file
/// Variants of solvers on one problem, the phantom with 8 frames x 8 coils x 160 x 192, fourfold
/// k-t undersampled:
///
///     smooth     1/2 |A x - y|^2 + lambda/2 |x|^2     cg, lsqr, lsmr, fista
///     variation  1/2 |A x - y|^2 + lambda TV_t(x)     fista, admm, pdhg
///
/// Each runs for several numbers of iterations. `gap` is (f - best) / best of the objective f, with
/// the best that any of them has reached after a long run, so that time can be read against
/// accuracy; `normals` counts the products with A^H A (or pairs of A and A^H).
#include <benchmark/benchmark.h>

#include "cardiomm/linop/difference.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/prox/l1.hpp"
#include "cardiomm/prox/total_variation.hpp"
#include "cardiomm/solve/admm.hpp"
#include "cardiomm/solve/fista.hpp"
#include "cardiomm/solve/lsqr.hpp"
#include "cardiomm/solve/pdhg.hpp"
#include "support/problem.hpp"

using namespace cardiomm;
using bench::C;
using bench::Ex;

namespace {

constexpr double smooth_weight = 0.01, variation_weight = 0.005;
using time_variation = prox::total_variation_in_time<float, Ex>;

struct problem {
  bench::scan scan{{.frames = 8, .coils = 8, .ny = 160, .nx = 192}};
  tensor<C, 5, Ex> kspace;
  tensor<C, 4, Ex> b;  ///< A^H y

  problem() {
    const Ex ex;
    const auto& n = scan.n;
    const auto heart =
        mri::simulate({.coils = n.coils, .frames = n.frames, .ny = n.ny, .nx = n.nx, .snr = 30});
    scan.maps = clone(ex, reshape(to_space(ex, heart.maps), shape_of(scan.maps)));
    const auto full = to_space(ex, heart.kspace);
    kspace = make_tensor<C>(ex, scan.kspace_shape());
    linop::apply(ex, linop::point_mask<float, Ex>(scan.mask), full, kspace);
    b = make_tensor<C>(ex, scan.image_shape());
    linop::apply_adjoint(ex, scan.encoding(), kspace, b);
    ex.fence();
  }
  template <class X>
  double misfit(const X& x) const {
    const Ex ex;
    const auto left = clone(ex, kspace);
    linop::apply(ex, scan.encoding(), x, left, {C(-1), true});
    const double n = blas1::norm(ex, left);
    return n * n / 2;
  }
};

template <class X>
double smooth_objective(const problem& p, const X& x) {
  const double n = blas1::norm(Ex(), x);
  return p.misfit(x) + smooth_weight / 2 * n * n;
}
template <class X>
double variation_objective(const problem& p, const X& x) {
  return p.misfit(x) + prox::value(Ex(), time_variation(variation_weight), x);
}

// ---- the variants: each brings x from zero to what `n` iterations give
// ---------------------------
template <class X>
void run_cg(const problem& p, int n, const X& x) {
  const auto normal = linop::gram(p.scan.encoding()) + smooth_weight * linop::identity;
  solve::cg(Ex(), normal, p.b, x, {.iterations = n, .batch_axes = 2, .zero_start = true});
}
template <class X>
void run_lsqr(const problem& p, int n, const X& x) {
  solve::lsqr(
      Ex(), p.scan.encoding(), p.kspace, x,
      {.iterations = n, .damp = std::sqrt(smooth_weight), .batch_axes = 2, .zero_start = true});
}
template <class X>
void run_lsmr(const problem& p, int n, const X& x) {
  solve::lsmr(
      Ex(), p.scan.encoding(), p.kspace, x,
      {.iterations = n, .damp = std::sqrt(smooth_weight), .batch_axes = 2, .zero_start = true});
}
template <class X>
void run_smooth_fista(const problem& p, int n, const X& x) {
  solve::fista(Ex(), linop::gram(p.scan.encoding()), prox::l2_squared<float, 4, Ex>(smooth_weight),
               p.b, x, {.iterations = n, .step = 1});
}
template <class X>
void run_fista(const problem& p, int n, const X& x) {
  const time_variation tv(variation_weight, p.scan.image_shape(),
                          {.iterations = 20, .tolerance = 0, .warm = true});
  solve::fista(Ex(), linop::gram(p.scan.encoding()), tv, p.b, x, {.iterations = n, .step = 1});
}
auto variation_parts() {
  return solve::term(prox::l1<float, 4, Ex>(variation_weight),
                     linop::difference<float, Ex, 4>(linop::axis::frame));
}
constexpr int inner = 5;
template <class X>
void run_admm(const problem& p, int n, const X& x) {
  solve::admm(Ex(), linop::gram(p.scan.encoding()), p.b, x, {.iterations = n, .inner = inner},
              variation_parts());
}
template <class X>
void run_pdhg(const problem& p, int n, const X& x) {
  solve::pdhg(Ex(), linop::gram(p.scan.encoding()), p.b, x,
              {.iterations = n, .smoothness = 1, .norm = 4}, variation_parts());
}

using image = tensor<C, 4, Ex>;
using variant = void (*)(const problem&, int, const image&);
using objective = double (*)(const problem&, const image&);

/// The least that these variants have reached, once a process.
double best_of(const problem& p, objective f,
               std::initializer_list<std::pair<variant, int>> long_runs) {
  double best = std::numeric_limits<double>::infinity();
  for (const auto& [run, n] : long_runs) {
    const auto x = zeros<C>(Ex(), p.scan.image_shape(), "bench");
    run(p, n, x);
    best = std::min(best, f(p, x));
  }
  return best;
}

template <bool Smooth>
double best(const problem& p) {
  static const double found =
      Smooth ? best_of(p, smooth_objective<image>, {{run_cg<image>, 100}})
             : best_of(p, variation_objective<image>,
                       {{run_fista<image>, 300}, {run_admm<image>, 100}, {run_pdhg<image>, 300}});
  return found;
}

template <bool Smooth>
void run(benchmark::State& state, variant solver, int normals) {
  const Ex ex;
  const problem p;
  const int n = static_cast<int>(state.range(0));
  const auto x = make_tensor<C>(ex, p.scan.image_shape());
  const auto call = [&] {
    Kokkos::deep_copy(ex, x, C(0));
    solver(p, n, x);
    ex.fence();
  };
  call();
  for (auto _ : state) call();
  const double f = Smooth ? smooth_objective(p, x) : variation_objective(p, x);
  state.counters["gap"] = (f - best<Smooth>(p)) / best<Smooth>(p);
  state.counters["normals"] = double(n * normals);
}

template <bool Smooth>
void add(const char* name, variant solver, std::initializer_list<std::int64_t> iterations,
         int normals = 1) {
  auto* b = benchmark::RegisterBenchmark(
      name, [=](benchmark::State& state) { run<Smooth>(state, solver, normals); });
  b->ArgName("n")->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
  for (const auto n : iterations) b->Arg(n);
}

[[maybe_unused]] const bool added = [] {
  add<true>("smooth/cg", run_cg<image>, {5, 10, 20});
  add<true>("smooth/lsqr", run_lsqr<image>, {5, 10, 20});
  add<true>("smooth/lsmr", run_lsmr<image>, {5, 10, 20});
  add<true>("smooth/fista", run_smooth_fista<image>, {10, 20, 40});
  add<false>("variation/fista", run_fista<image>, {10, 30});
  add<false>("variation/admm", run_admm<image>, {5, 20}, inner);
  add<false>("variation/pdhg", run_pdhg<image>, {30, 100});
  return true;
}();

}  // namespace
