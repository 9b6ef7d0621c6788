// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_LINES_TASK_HPP
#define CARDIOMM_TRAIN_LINES_TASK_HPP
/// \file
/// PISF's network as a task of training. A sample is a batch of lines, of which batch norm takes
/// its statistics; plans of memory are kept for the lengths that were seen.

#include <list>

#include "cardiomm/models/pisf_pass.hpp"
#include "cardiomm/train/lines.hpp"
#include "cardiomm/train/task.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

template <class T, ExecutionSpace Ex = default_space>
class lines_task {
 public:
  using value_type = T;
  using execution_space = Ex;
  using sample_type = line_batch;

  /// `constraint` is the weight of |G(x) - x|^2, see models/pisf_pass.hpp.
  lines_task(const Ex& ex, const models::pisf<T, Ex>& net, double constraint = 0.01)
      : ex_(ex), net_(net), constraint_(constraint) {
    require(std::isfinite(constraint) && constraint >= 0,
            "pisf: constraint: expected a number of at least 0, found ", constraint);
  }

  const Ex& space() const { return ex_; }
  const models::pisf<T, Ex>& network() const { return net_; }
  nn::named_parameters<T, Ex> parameters() const { return net_.parameters(); }

  /// Moves the running averages of batch norms, too.
  outcome accumulate(const line_batch& b, double weight, const finished_range& finished) {
    const input in = bring(b);
    auto& pass = pass_of(shape_of(in.full));
    net_.set_training(true);
    pass.forward(in.measured, in.mask);
    outcome o;
    o.loss = pass.loss(in.full);
    pass.backward(weight, [&](std::size_t first, std::size_t last) {
      if (finished) finished(first, last);
    });
    net_.set_training(false);
    return o;
  }

  /// With running averages. The loss is |e - e_ref|^2 / |e_ref|^2 of the result; the image is the
  /// root sum of squares, a row for each line.
  outcome evaluate(const line_batch& b) {
    const input in = bring(b);
    const shape<3> s = shape_of(in.full);
    const auto y = make_tensor<complex<T>>(ex_, s);
    net_.forward(ex_, in.measured, in.mask, y);
    ex_.fence();
    outcome o;
    double energy = 0;
    const auto full = to_host(in.full), found = to_host(y);
    for (std::size_t i = 0; i < full.size(); ++i) {
      o.loss += double(abs2(found.data()[i] - full.data()[i]));
      energy += double(abs2(full.data()[i]));
    }
    if (energy > 0) o.loss /= energy;
    fft::ifft(ex_, y, y, {1});
    ex_.fence();
    const auto image = to_host(y);
    o.image = make_tensor<float>(host_space(), shape{s[0], s[1]});
    for (index_t i = 0; i < s[0] * s[1]; ++i) {
      double sum = 0;
      for (index_t c = 0; c < s[2]; ++c) sum += double(abs2(image.data()[i * s[2] + c]));
      o.image.data()[i] = float(std::sqrt(sum));
    }
    return o;
  }

 private:
  struct input {
    tensor<complex<T>, 3, Ex> full, measured;
    tensor<T, 2, Ex> mask;
  };
  input bring(const line_batch& b) const {
    const shape<3> s = shape_of(b.kspace);
    require<shape_error>(shape_of(b.mask) == shape{s[0], s[1]}, b.name, ": mask: expected ",
                         shape{s[0], s[1]}, ", found ", shape_of(b.mask));
    const host_space host;
    const auto full = make_tensor<complex<T>>(host, s), measured = make_tensor<complex<T>>(host, s);
    const auto mask = make_tensor<T>(host, shape{s[0], s[1]});
    for (index_t i = 0; i < s[0] * s[1]; ++i) {
      mask.data()[i] = T(b.mask.data()[i]);
      for (index_t c = i * s[2]; c < (i + 1) * s[2]; ++c) {
        full.data()[c] = complex<T>(T(b.kspace.data()[c].real()), T(b.kspace.data()[c].imag()));
        measured.data()[c] = full.data()[c] * mask.data()[i];
      }
    }
    return {to_space(ex_, full), to_space(ex_, measured), to_space(ex_, mask)};
  }
  models::pisf_pass<T, Ex>& pass_of(const shape<3>& s) {
    for (auto& p : plans_)
      if (p.lines() == s) return p;
    return plans_.emplace_back(ex_, net_, s, constraint_);
  }

  Ex ex_;
  models::pisf<T, Ex> net_;
  double constraint_;
  std::list<models::pisf_pass<T, Ex>> plans_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
