// SPDX-License-Identifier: Apache-2.0
// A network of one's own: unrolled gradient steps x <- x - s_k (A^H A x - b) - R_k(x) with learned
// step sizes s_k and small convolutional networks R_k, trained on the beating-heart phantom.
#include <cmath>
#include <cstdio>
#include <map>

#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/gram.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/mri/mask.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/nn/conv.hpp"
#include "cardiomm/nn/sequential.hpp"

using namespace cardiomm;
using Ex = default_space;
using image = tensor<complex<float>, 4, Ex>;  // (frame, slice, y, x)

// A complex image as features (frame, y, x, {re, im}): the same memory.
view<float, 4, Ex> features(const image& x) {
  const auto s = shape_of(x);
  return borrow(Ex(), reinterpret_cast<float*>(x.data()),
                shape{s[0] * s[1], s[2], s[3], index_t(2)});
}
// y += a x
void add(float a, const image& x, const image& y) {
  blas1::axpby(Ex(), complex<float>(a), x, complex<float>(1), y);
}

// [network]
// The regulariser of a step; it starts as zero. Try another one: what follows is made from its
// type.
auto regulariser(const Ex& ex, std::uint64_t seed) {
  const auto same = nn::conv_options<2>::same(3);
  const nn::conv<float> last(ex, 16, 2, same);
  for (const auto& p : last.parameters()) nn::init::constant(ex, p.second, 0);
  return nn::conv<float>(ex, 2, 16, same, seed) | nn::prelu<float>(ex) |
         nn::conv<float>(ex, 16, 16, same, seed + 1) | nn::prelu<float>(ex) | last;
}
using block = decltype(regulariser(Ex(), 0));

template <class Normal>
struct unrolled {
  Ex ex;
  Normal normal;  // A^H A, an expression
  image b;        // A^H y
  nn::parameter<float, Ex> step;
  nn::named_parameters<float, Ex> parameters;
  std::vector<nn::recording<block>> passes;  // R_k with the memory of its pass
  std::vector<image> x, gradient;            // of every step

  unrolled(const Ex& e, const Normal& n, const image& right, index_t steps)
      : ex(e), normal(n), b(right), step(e, {steps}), parameters{{"step", step}}, x(1, right) {
    nn::init::constant(ex, step, 1);
    for (index_t k = 0; k < steps; ++k) {
      const block r = regulariser(ex, 10 * static_cast<std::uint64_t>(k));
      nn::append(parameters, "r" + std::to_string(k) + ".", r.parameters());
      passes.emplace_back(ex, r, shape_of(features(b)));
      x.push_back(clone(ex, b));
      gradient.push_back(clone(ex, b));
    }
  }
  const image& forward() {
    const auto s = to_host(step.value());
    for (std::size_t k = 0; k < passes.size(); ++k) {
      linop::apply(ex, normal, x[k], gradient[k]);
      add(-1, b, gradient[k]);
      Kokkos::deep_copy(ex, x[k + 1], x[k]);
      add(-s(k), gradient[k], x[k + 1]);
      blas1::axpby(ex, -1.0f, passes[k].forward(features(x[k])), 1.0f, features(x[k + 1]));
    }
    return x.back();
  }
  // dx: derivative of the loss by the image; it is used up. Gradients of parameters are added.
  void backward(const image& dx) {
    const auto s = to_host(step.value()), ds = to_host(step.gradient_view());
    const image before = clone(ex, dx);
    for (std::size_t k = passes.size(); k-- > 0;) {
      ds(k) -= float(blas1::dot(ex, dx, gradient[k]).real());
      blas1::scale(ex, complex<float>(-1), dx);  // of -dx: R_k and the gradient are subtracted
      passes[k].backward(features(dx), features(before));
      add(-1, dx, before);
      linop::apply(ex, normal, dx, before, {complex<float>(s(k)), true});  // A^H A is symmetric
      Kokkos::deep_copy(ex, dx, before);
    }
    copy(step.gradient_view(), ds);
  }
};
// [network]

// Adam (Kingma and Ba, ICLR 2015), in the memory of the host.
struct optimiser {
  float rate = 0.006f;
  std::map<std::string, std::vector<float>> mean, square;
  void step(const nn::named_parameters<float, Ex>& all, int t) {
    for (const auto& [name, p] : all) {
      const auto value = to_host(p.value()), g = to_host(p.gradient_view());
      auto &m = mean[name], &v = square[name];
      m.resize(g.size());
      v.resize(g.size());
      for (std::size_t i = 0; i < g.size(); ++i) {
        m[i] = 0.9f * m[i] + 0.1f * g(i);
        v[i] = 0.999f * v[i] + 0.001f * g(i) * g(i);
        const float a = m[i] / (1 - std::pow(0.9f, float(t))),
                    b = v[i] / (1 - std::pow(0.999f, float(t)));
        value(i) -= rate * a / (std::sqrt(b) + 1e-8f);
      }
      copy(p.value(), value);
    }
  }
};

int main(int argc, char** argv) {
  Kokkos::ScopeGuard guard(argc, argv);
  const Ex ex;
  const int epochs = argc > 1 ? std::atoi(argv[1]) : 40;
  const index_t frames = 4, ny = 64, nx = 64;
  const auto heart = mri::simulate({.coils = 6, .frames = frames, .ny = ny, .nx = nx});
  const auto m =
      mri::make_line_mask({.acceleration = 4, .acs = 8, .frames = frames, .ny = ny, .nx = nx});
  const auto maps = clone(ex, reshape(to_space(ex, heart.maps), shape<5>{{1, 1, 6, ny, nx}}));
  const auto A = linop::line_mask(m) * linop::fourier * linop::sensitivity(maps);
  const auto y = linop::line_mask(m) * to_space(ex, heart.kspace);
  const image truth = to_space(ex, heart.image);
  const double size = blas1::norm(ex, truth);

  unrolled net(ex, linop::gram(A), adjoint(A) * y, 5);
  const auto loss = [&](const image& found, const image& dx) {  // 1/2 |x - truth|^2 / |truth|^2
    Kokkos::deep_copy(ex, dx, found);
    blas1::axpby(ex, complex<float>(-1), truth, complex<float>(1), dx);
    const double apart = blas1::norm(ex, dx) / size;
    blas1::scale(ex, complex<float>(float(1 / (size * size))), dx);
    return apart * apart / 2;
  };
  const image dx = clone(ex, truth);
  optimiser adam;
  std::printf("zero-filled     %.5f\n", loss(net.b, dx));
  double first = 0, last = 0;
  for (int epoch = 0; epoch <= epochs; ++epoch) {
    last = loss(net.forward(), dx);
    if (epoch == 0) first = last;
    if (epoch % 10 == 0) std::printf("after %3d steps %.5f\n", epoch, last);
    nn::zero_gradients(ex, net.parameters);
    net.backward(dx);
    adam.step(net.parameters, epoch + 1);
  }
  const auto s = to_host(net.step.value());
  std::printf("step sizes     ");
  for (std::size_t k = 0; k < s.size(); ++k) std::printf(" %.3f", s(k));
  std::printf("\n");
  return last < first / 2 ? 0 : 1;
}
