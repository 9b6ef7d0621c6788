// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/conv_host.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "cardiomm/core/random.hpp"
#include "cardiomm/nn/conv_geometry.hpp"
#include "cardiomm/nn/conv_gradient.hpp"
#include "cardiomm/nn/direct.hpp"
#include "cardiomm/nn/gemm.hpp"
#include "cardiomm/nn/packets.hpp"
#include "cardiomm/nn/winograd.hpp"

using namespace cardiomm;
using nn::conv_geometry;
namespace host = nn::conv_host;

namespace {

using ex_t = host_space;

conv_geometry geometry(index_t items, index_t y, index_t x, index_t in, index_t out, index_t k,
                       index_t stride, index_t pad) {
  conv_geometry g;
  g.items = items, g.in_y = y, g.in_x = x, g.in_c = in, g.out_c = out;
  g.kernel_y = g.kernel_x = k, g.stride_y = g.stride_x = stride, g.pad_y = g.pad_x = pad;
  g.out_y = (y + 2 * pad - k) / stride + 1;
  g.out_x = (x + 2 * pad - k) / stride + 1;
  return g;
}
index_t count_x(const conv_geometry& g) { return g.items * g.in_y * g.in_x * g.in_c; }
index_t count_y(const conv_geometry& g) { return g.items * g.out_y * g.out_x * g.out_c; }
index_t count_w(const conv_geometry& g) { return g.out_c * g.in_c * g.kernel_y * g.kernel_x; }

template <class T>
std::vector<T> noise(index_t n, int seed) {
  const ex_t ex;
  auto t = make_tensor<T>(ex, shape<1>{{n}});
  random::fill_normal(ex, t, static_cast<std::uint64_t>(seed));
  return {t.data(), t.data() + n};
}

/// visit(y index, w index, x index) for every product of the convolution.
template <class F>
void products(const conv_geometry& g, const F& visit) {
  for (index_t n = 0; n < g.items; ++n)
    for (index_t v = 0; v < g.out_y; ++v)
      for (index_t u = 0; u < g.out_x; ++u)
        for (index_t ky = 0; ky < g.kernel_y; ++ky)
          for (index_t kx = 0; kx < g.kernel_x; ++kx) {
            const index_t y = v * g.stride_y + ky - g.pad_y, x = u * g.stride_x + kx - g.pad_x;
            if (y < 0 || y >= g.in_y || x < 0 || x >= g.in_x) continue;
            for (index_t o = 0; o < g.out_c; ++o)
              for (index_t i = 0; i < g.in_c; ++i)
                visit(((n * g.out_y + v) * g.out_x + u) * g.out_c + o,
                      ((o * g.in_c + i) * g.kernel_y + ky) * g.kernel_x + kx,
                      ((n * g.in_y + y) * g.in_x + x) * g.in_c + i);
          }
}

template <class T>
double relative(const std::vector<T>& a, const std::vector<double>& b) {
  double top = 0, worst = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    top = std::max(top, std::abs(b[i]));
    const double d = std::abs(double(a[i]) - b[i]);
    worst = d <= worst ? worst : d;
    if (std::isnan(d)) return d;
  }
  return top > 0 ? worst / top : worst;
}

struct errors {
  double value, sums, dx, dw, db, active, active_dw;
};

/// Forward with bias and sums, and all gradients, against plain loops in double.
template <class T>
errors against_loops(const conv_geometry& g) {
  const ex_t ex;
  const auto x = noise<T>(count_x(g), 1), w = noise<T>(count_w(g), 2), b = noise<T>(g.out_c, 3),
             dy = noise<T>(count_y(g), 4);
  std::vector<double> y(dy.size(), 0.0), sums(g.items * g.out_c, 0.0), dx(x.size(), 0.0),
      dw(w.size(), 0.0), db(b.size(), 0.0);
  products(g, [&](index_t i, index_t j, index_t k) {
    y[i] += double(w[j]) * double(x[k]);
    dx[k] += double(w[j]) * double(dy[i]);
    dw[j] += double(x[k]) * double(dy[i]);
  });
  const index_t pixels = g.out_y * g.out_x;
  for (index_t i = 0; i < count_y(g); ++i) {
    const index_t o = i % g.out_c;
    y[i] = std::max(y[i] + double(b[o]), 0.0);
    sums[i / g.out_c / pixels * g.out_c + o] += y[i];
    db[o] += double(dy[i]);
  }
  std::vector<T> our_y(y.size(), T(77)), our_dx(dx.size(), T(77)), our_dw(w.size(), T(1)),
      our_db(b.size(), T(1));
  std::vector<double> our_sums(sums.size(), 77.0);
  host::forward(ex, g, x.data(), w.data(), b.data(), our_y.data(), nn::detail::relu_function{},
                our_sums.data());
  host::backward_input(ex, g, dy.data(), w.data(), our_dx.data());
  host::backward_weight(ex, g, x.data(), dy.data(), our_dw.data(), our_db.data());
  for (auto& v : our_dw) v -= T(1);
  for (auto& v : our_db) v -= T(1);
  errors e{relative(our_y, y),
           relative(our_sums, sums),
           relative(our_dx, dx),
           relative(our_dw, dw),
           relative(our_db, db),
           0,
           0};
  // the same behind a PReLU that is not stored
  const T slope(-0.375);
  std::fill(y.begin(), y.end(), 0.0);
  std::fill(dw.begin(), dw.end(), 0.0);
  products(g, [&](index_t i, index_t j, index_t k) {
    const double v = double(x[k]) * (x[k] > 0 ? 1.0 : double(slope));
    y[i] += double(w[j]) * v;
    dw[j] += v * double(dy[i]);
  });
  std::fill(our_dw.begin(), our_dw.end(), T(0));
  host::backward_weight(ex, g, x.data(), dy.data(), our_dw.data(), static_cast<T*>(nullptr),
                        &slope);
  e.active_dw = relative(our_dw, dw);
  if (host::activates<T, ex_t>(g)) {
    host::forward(ex, g, x.data(), w.data(), static_cast<const T*>(nullptr), our_y.data(),
                  nn::same_value{}, our_sums.data(), &slope);
    e.active = relative(our_y, y);
  }
  return e;
}

template <class T>
void check(const conv_geometry& g, double tolerance) {
  CAPTURE(g.items);
  CAPTURE(g.in_y);
  CAPTURE(g.in_x);
  CAPTURE(g.in_c);
  CAPTURE(g.out_c);
  CAPTURE(g.kernel_y);
  CAPTURE(g.kernel_x);
  CAPTURE(g.stride_y);
  CAPTURE(g.pad_y);
  const auto e = against_loops<T>(g);
  CHECK(e.value < tolerance);
  CHECK(e.sums < tolerance);
  CHECK(e.dx < tolerance);
  CHECK(e.dw < tolerance);
  CHECK(e.db < tolerance);
  CHECK(e.active < tolerance);
  CHECK(e.active_dw < tolerance);
}

}  // namespace

TEST_CASE("nn/conv_host: every tail of channels, 3 x 3") {
  for (const index_t c : {1, 2, 4, 7, 8, 12, 15, 16, 17, 20, 24, 36, 48, 60, 72})
    for (const index_t o : {1, 2, 3, 4, 5, 8, 12, 16, 23, 36, 80}) {
      if (c > 24 && o > 12 && c != o) continue;
      check<float>(geometry(1, 8, 9, c, o, 3, 1, 1), 3e-6);
      check<double>(geometry(1, 8, 9, c, o, 3, 1, 1), 1e-13);
    }
}

TEST_CASE("nn/conv_host: sizes and pads, 3 x 3") {
  for (const auto& [y, x] :
       {std::pair<int, int>{1, 1}, {1, 70}, {3, 5}, {11, 13}, {16, 16}, {9, 33}})
    for (const index_t pad : {1, 0, 2}) {
      if (y + 2 * pad < 3) continue;
      check<float>(geometry(2, y, x, 20, 18, 3, 1, pad), 3e-6);
      check<double>(geometry(3, y, x, 9, 11, 3, 1, pad), 1e-13);
    }
}

TEST_CASE("nn/conv_host: other kernels and strides") {
  for (const index_t k : {1, 2, 3, 4, 5, 7})
    for (const index_t stride : {1, 2, 3})
      for (const auto& [c, o] : {std::pair<int, int>{2, 20}, {20, 2}, {36, 1}, {17, 16}, {5, 4}}) {
        check<float>(geometry(2, 12, 11, c, o, k, stride, k / 2), 3e-6);
        check<double>(geometry(1, 9, 14, c, o, k, stride, k / 2), 1e-13);
      }
  auto flat = geometry(2, 6, 200, 3, 19, 3, 1, 1);  // not square, several strips a row
  flat.kernel_y = 1, flat.pad_y = 0, flat.out_y = 6;
  check<float>(flat, 3e-6);
  check<float>(geometry(1, 3, 300, 19, 2, 5, 1, 2), 3e-6);
  check<float>(geometry(2, 20, 20, 40, 33, 1, 1, 0), 3e-6);
}

TEST_CASE("nn/conv_host: error of minimal filtering at 96 channels") {
  const auto e = against_loops<float>(geometry(1, 24, 24, 96, 96, 3, 1, 1));
  MESSAGE("relative to the maximum: value " << e.value << ", input gradient " << e.dx);
  CHECK(e.value < 3e-6);
  CHECK(e.dx < 3e-6);
}

TEST_CASE("nn/conv_host: slopes for each channel before the store") {
  const ex_t ex;
  for (const index_t o : {5, 23, 40})
    for (const index_t k : {1, 3}) {
      const auto g = geometry(1, 9, 10, 16, o, k, 1, k / 2);
      const auto x = noise<float>(count_x(g), 1), w = noise<float>(count_w(g), 2),
                 a = noise<float>(o, 3);
      std::vector<float> plain(count_y(g)), fused(count_y(g));
      host::forward(ex, g, x.data(), w.data(), static_cast<const float*>(nullptr), plain.data());
      host::forward(ex, g, x.data(), w.data(), static_cast<const float*>(nullptr), fused.data(),
                    nn::detail::prelu_function<float>{a.data(), true});
      for (index_t i = 0; i < count_y(g); ++i)
        REQUIRE(fused[i] == (plain[i] > 0 ? plain[i] : a[i % o] * plain[i]));
    }
}

TEST_CASE("nn/conv_host: a NaN stays in its neighbourhood") {
  const ex_t ex;
  for (const index_t o : {2, 20}) {
    const auto g = geometry(1, 20, 20, 12, o, 5, 1, 2);
    auto x = noise<float>(count_x(g), 1);
    const auto w = noise<float>(count_w(g), 2);
    x[(10 * 20 + 10) * 12 + 3] = std::nanf("");
    std::vector<float> y(count_y(g));
    host::forward(ex, g, x.data(), w.data(), static_cast<const float*>(nullptr), y.data());
    for (index_t v = 0; v < 20; ++v)
      for (index_t u = 0; u < 20; ++u)
        CHECK(std::isnan(y[(v * 20 + u) * o]) ==
              (std::abs(double(v - 10)) <= 2 && std::abs(double(u - 10)) <= 2));
  }
}

#if defined(KOKKOS_ENABLE_SERIAL) && defined(KOKKOS_ENABLE_OPENMP)
TEST_CASE("nn/conv_host: the same bits whatever the threads") {
  for (const auto& g : {geometry(2, 23, 31, 20, 24, 3, 1, 1), geometry(2, 23, 31, 20, 24, 3, 2, 1),
                        geometry(2, 23, 31, 20, 2, 5, 1, 2)}) {
    const auto x = noise<float>(count_x(g), 1), w = noise<float>(count_w(g), 2),
               dy = noise<float>(count_y(g), 4);
    const auto run = [&](const auto& ex) {
      std::vector<float> y(count_y(g)), dx(count_x(g)), dw(count_w(g), 0.0f);
      std::vector<double> sums(g.items * g.out_c);
      host::forward(ex, g, x.data(), w.data(), static_cast<const float*>(nullptr), y.data(),
                    nn::same_value{}, sums.data());
      host::backward_input(ex, g, dy.data(), w.data(), dx.data());
      host::backward_weight(ex, g, x.data(), dy.data(), dw.data());
      ex.fence();
      return std::tuple(y, dx, dw, sums);
    };
    CHECK((run(Kokkos::Serial()) == run(Kokkos::OpenMP())));
  }
}
#endif
