// SPDX-License-Identifier: Apache-2.0
// A network of one's own (unrolled.hpp): its gradients are checked, then it learns to reconstruct
// the beating heart. Usage: own_network [STEPS]
#include <cstdio>
#include <cstdlib>

#include "cardiomm/core/runtime.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/mri/mask.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/nn/check.hpp"
#include "cardiomm/nn/loss.hpp"
#include "cardiomm/train/optimiser.hpp"
#include "unrolled.hpp"

using namespace cardiomm;
using linop::line_mask, linop::fourier, linop::sensitivity, linop::gram;
using Ex = default_space;

// Backward against central differences, of the input and of every parameter: in double, with random
// numbers wherever there are numbers.
double gradient_error(const Ex& ex) {
  const auto m = mri::make_line_mask({.acceleration = 2, .acs = 4, .frames = 2, .ny = 12, .nx = 8});
  const auto maps = make_tensor<complex<double>>(ex, shape<5>{{1, 1, 3, 12, 8}});
  random::fill_normal(ex, maps, 1);
  blas1::scale(ex, complex<double>(0.4), maps);
  const auto b = make_tensor<complex<double>>(ex, shape<4>{{2, 1, 12, 8}});
  random::fill_normal(ex, b, 2);
  const auto net = mine::unrolled(ex, gram(line_mask<double>(m) * fourier * sensitivity(maps)), b);
  std::uint64_t seed = 3;
  for (const auto& [name, p] : net.parameters())
    if (p.size() > 1) {  // not the step sizes and slopes
      random::fill_normal(ex, p.value(), seed++);
      blas1::scale(ex, 0.1, p.value());
    }
  return nn::check::gradient_error(ex, net, {{2, 12, 8, 2}}, 9, 1e-6);
}

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  const Ex ex;
  const double wrong = gradient_error(ex);
  std::printf("gradients %s\n", wrong < 1e-6 ? "agree with central differences" : "DIFFER");
  if (!(wrong < 1e-6)) return 1;

  const index_t frames = 4, n = 64;
  const auto heart = mri::simulate({.coils = 6, .frames = frames, .ny = n, .nx = n});
  const auto m =
      mri::make_line_mask({.acceleration = 4, .acs = 8, .frames = frames, .ny = n, .nx = n});
  const auto maps = clone(ex, reshape(to_space(ex, heart.maps), shape<5>{{1, 1, 6, n, n}}));
  const auto A = line_mask(m) * fourier * sensitivity(maps);
  const auto y = line_mask(m) * to_space(ex, heart.kspace);
  const auto b = adjoint(A) * y;
  const auto truth = to_space(ex, heart.image);

  // Images as features, (frame, y, x, {re, im}): other names for the same memory.
  const shape<4> s{{frames, n, n, 2}};
  const auto target = borrow(ex, reinterpret_cast<float*>(truth.data()), s);
  const auto input = borrow(ex, reinterpret_cast<float*>(b.data()), s);

  const auto net = mine::unrolled(ex, gram(A), b);
  const train::parameter_block<float, Ex> block(ex, net.parameters());
  train::optimiser<float, Ex> adam(ex, {.kind = train::optimiser_kind::adam, .rate = 0.004}, block);
  nn::recording pass(ex, net, s);  // the memory of a forward and backward pass
  const auto dx = make_tensor<float>(ex, s);
  const double size = blas1::norm(ex, target);
  std::printf("%d cascades, %d parameters\n", 3, int(block.count()));
  const auto relative = [&](double loss) { return std::sqrt(loss * double(s.size())) / size; };
  std::printf("relative error: zero-filled %.3f\n", relative(nn::l2_loss(ex, input, target)));

  const int steps = argc > 1 ? std::atoi(argv[1]) : 40;
  double first = 0, last = 0;
  for (int step = 0; step <= steps; ++step) {
    last = relative(nn::l2_loss(ex, pass.forward(input), target, dx));
    if (step == 0) first = last;
    if (step % 20 == 0) std::printf("after %3d steps %.3f\n", step, last);
    block.zero_gradients(ex);
    pass.backward(dx);
    adam.step(ex, block, adam.options().rate);
  }
  return last < 0.8 * first ? 0 : 1;
}
