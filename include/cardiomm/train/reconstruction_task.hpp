// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_RECONSTRUCTION_TASK_HPP
#define CARDIOMM_TRAIN_RECONSTRUCTION_TASK_HPP
/// \file
/// What CardioMM is trained for: an image that resembles the fully sampled one.
///
///     train::reconstruction_task<float, Ex> task(ex, net, train::code_texts<float>(), options);
///     train::outcome o = task.accumulate(sample, 1.0 / batch, {});

#include <list>

#include "cardiomm/models/cardiomm_pass.hpp"
#include "cardiomm/models/text_code.hpp"
#include "cardiomm/nn/loss.hpp"
#include "cardiomm/train/sample.hpp"
#include "cardiomm/train/task.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Weights of the parts of the loss of a magnitude image. Differences are divided by the data range
/// of the sample, so that weights have no unit.
struct reconstruction_loss {
  double ssim = 1;         ///< of 1 - structural similarity
  double l1 = 0;           ///< of mean |d|
  double l2 = 0;           ///< of mean d^2
  double charbonnier = 0;  ///< of mean sqrt(d^2 + epsilon^2) - epsilon
  double epsilon = 1e-3;
};

struct reconstruction_options {
  reconstruction_loss loss;
  models::acs_rule rule = models::acs_rule::lines;
  models::warm_start start{};  ///< of the cascades
  /// Recomputed: less memory for more time, see models/cardiomm_pass.hpp.
  models::tapes tapes = models::tapes::kept;
  /// Bytes of plans that are kept, each for one shape of samples; the one in use always is.
  std::size_t kept_bytes = std::size_t(2) << 30;
};

/// The two embeddings of a sample, each (1, length).
template <class T>
struct sample_texts {
  host_tensor<T, 2> acquisition, sampling;
};
template <class T>
using text_function =
    std::function<sample_texts<T>(const nn::text::metadata&, const nn::text::undersampling&)>;

/// Text codes (models/text_code.hpp).
template <class T>
text_function<T> code_texts() {
  return [](const nn::text::metadata& m, const nn::text::undersampling& u) {
    return sample_texts<T>{models::acquisition_code<T>(m), models::sampling_code<T>(u)};
  };
}

namespace detail {
/// dx = weight * dx + scale * d / sqrt(d^2 + epsilon^2), d = x - t; returns the mean of
/// sqrt(...) - epsilon.
template <class T>
struct charbonnier_kernel {
  static constexpr const char* name = "cardiomm::train::charbonnier";
  const T* x;
  const T* t;
  T* dx;
  double epsilon, scale;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const double d = double(x[i]) - double(t[i]);
      const double root = math::sqrt(d * d + epsilon * epsilon);
      sum += root - epsilon;
      if (dx) dx[i] = T(scale * d / root);
    }
    return sum;
  }
};
template <class T>
struct add_scaled {
  static constexpr const char* name = "cardiomm::train::add_scaled";
  const T* x;
  T* y;
  T scale;
  bool first;
  KOKKOS_INLINE_FUNCTION void operator()(index_t begin, index_t end) const {
    for (index_t i = begin; i < end; ++i) y[i] = (first ? T(0) : y[i]) + scale * x[i];
  }
};
}  // namespace detail

/// Task of a CardioMM network; samples may differ in shape. Coils without signal in the central
/// lines are left out, as in reconstruction.
template <class T, ExecutionSpace Ex>
class reconstruction_task {
 public:
  using value_type = T;
  using execution_space = Ex;
  using sample_type = sample;

  reconstruction_task(const Ex& ex, const models::cardiomm<T, Ex>& net, text_function<T> texts,
                      const reconstruction_options& o = {})
      : ex_(ex), net_(net), texts_(std::move(texts)), options_(o) {
    const reconstruction_loss& l = o.loss;
    for (const double w : {l.ssim, l.l1, l.l2, l.charbonnier})
      require(std::isfinite(w) && w >= 0, "loss: expected weights of at least 0, found ", w);
    require(l.ssim + l.l1 + l.l2 + l.charbonnier > 0,
            "loss: expected a weight above 0, found none");
    require(std::isfinite(l.epsilon) && l.epsilon > 0,
            "loss: epsilon: expected a number above 0, found ", l.epsilon);
  }

  const Ex& space() const { return ex_; }
  const models::cardiomm<T, Ex>& network() const { return net_; }
  nn::named_parameters<T, Ex> parameters() const { return net_.parameters(); }

  /// Adds `weight` times the gradient of the sample's loss to the gradients of the parameters.
  outcome accumulate(const sample& s, double weight, const finished_range& finished) {
    const input in = prepare(s);
    auto& pass = pass_of(in);
    const auto image = pass.forward(in.kspace, in.acquisition, in.sampling);
    const auto dimage = make_tensor<T>(ex_, shape_of(image), "cardiomm::train::dimage");
    outcome o;
    o.loss = loss(image, in, dimage);
    launch::segments(ex_, index_t(dimage.size()),
                     detail::add_scaled<T>{dimage.data(), dimage.data(), T(weight), true});
    pass.backward(dimage, {}, {}, {}, finished);
    ex_.fence();
    return o;
  }

  /// The loss and the image, with the parameters as they are.
  outcome evaluate(const sample& s) {
    const input in = prepare(s);
    net_.forget_prompts();
    const auto image = make_tensor<T>(
        ex_, shape<3>{{1, index_t(in.kspace.extent(2)), index_t(in.kspace.extent(3))}});
    net_.reconstruct(ex_, in.kspace, in.mask, in.acquisition, in.sampling, image,
                     network_options(s));
    net_.forget_prompts();
    outcome o;
    o.loss = loss(image, in, {});
    const auto host = to_host(image);
    o.image = make_tensor<float>(host_space(), shape_of(s.target));
    std::copy_n(host.data(), host.size(), o.image.data());
    return o;
  }

 private:
  using pass_type = models::cardiomm_pass<T, Ex>;
  struct input {
    tensor<complex<T>, 4, Ex> kspace;
    tensor<T, 2, Ex> acquisition, sampling;
    tensor<T, 3, Ex> target;
    tensor<T, 1, Ex> range;
    host_tensor<std::uint8_t, 3> mask;
    double data_range;
    models::cardiomm_options options;
  };

  models::cardiomm_options network_options(const sample& s) const {
    models::cardiomm_options o;
    o.acs = s.acs;
    o.rule = options_.rule;
    o.start = options_.start;
    return o;
  }

  template <class To, class From, int R>
  tensor<To, R, Ex> bring(const host_tensor<From, R>& v) const {
    const auto host = make_tensor<To>(host_space(), shape_of(v));
    std::transform(v.data(), v.data() + v.size(), host.data(),
                   [](const From& x) { return static_cast<To>(x); });
    return to_space(ex_, host);
  }

  input prepare(const sample& s) const {
    const shape<4> k = shape_of(s.kspace);
    const index_t adjacent = net_.sizes().adjacent;
    require<shape_error>(k[0] == adjacent, "sample ", s.name, ": k-space: expected ", adjacent,
                         " neighbours, found ", k[0]);
    const shape<2> plane{{k[2], k[3]}};
    require<shape_error>(shape_of(s.mask) == plane && shape_of(s.target) == plane, "sample ",
                         s.name, ": mask and target: expected ", plane, ", found ",
                         shape_of(s.mask), " and ", shape_of(s.target));
    require(std::isfinite(s.data_range) && s.data_range > 0, "sample ", s.name,
            ": data range: expected a number above 0, found ", s.data_range);
    const std::vector<index_t> coils = coils_with_signal(s);
    require(!coils.empty(), "sample ", s.name,
            ": expected signal in the central lines of k-space, found zeros only");
    const index_t n = static_cast<index_t>(coils.size()), pixels = k[2] * k[3];
    const auto kspace =
        make_tensor<complex<T>>(host_space(), shape{index_t(1), k[0] * n, k[2], k[3]});
    for (index_t a = 0; a < k[0]; ++a)
      for (index_t c = 0; c < n; ++c) {
        const auto* from = s.kspace.data() + (a * k[1] + coils[std::size_t(c)]) * pixels;
        auto* to = kspace.data() + (a * n + c) * pixels;
        for (index_t i = 0; i < pixels; ++i)
          to[i] = complex<T>(T(from[i].real()), T(from[i].imag()));
      }
    input in;
    in.kspace = to_space(ex_, kspace);
    in.mask = make_tensor<std::uint8_t>(host_space(), shape{index_t(1), k[2], k[3]});
    std::copy_n(s.mask.data(), pixels, in.mask.data());
    const auto target = make_tensor<T>(host_space(), shape{index_t(1), k[2], k[3]});
    std::transform(s.target.data(), s.target.data() + pixels, target.data(),
                   [](float v) { return T(v); });
    in.target = to_space(ex_, target);
    in.range = make_tensor<T>(ex_, shape<1>{{1}});
    Kokkos::deep_copy(ex_, in.range, T(s.data_range));
    const sample_texts<T> texts = texts_(s.acquisition, s.sampling);
    in.acquisition = to_space(ex_, texts.acquisition);
    in.sampling = to_space(ex_, texts.sampling);
    in.data_range = double(s.data_range);
    in.options = network_options(s);
    return in;
  }

  /// Coils with signal where the maps come from, in all neighbours: others would make NaN.
  std::vector<index_t> coils_with_signal(const sample& s) const {
    const shape<4> k = shape_of(s.kspace);
    const index_t n = s.acs > 0 ? std::min(s.acs, k[2])
                                : models::detail::lines_of_mask(s.mask.data(), k[2], k[3]);
    const bool square = options_.rule == models::acs_rule::square;
    const index_t y0 = models::detail::acs_start(k[2], n);
    const index_t m = square ? std::min(n, k[3]) : k[3];
    const index_t x0 = square ? models::detail::acs_start(k[3], m) : 0;
    std::vector<index_t> alive;
    for (index_t c = 0; c < k[1]; ++c) {
      bool all = true;
      for (index_t a = 0; a < k[0] && all; ++a) {
        const auto* v = s.kspace.data() + (a * k[1] + c) * k[2] * k[3];
        bool any = false;
        for (index_t y = y0; y < y0 + n && !any; ++y)
          for (index_t x = x0; x < x0 + m && !any; ++x) any = abs2(v[y * k[3] + x]) > 0;
        all = any;
      }
      if (all) alive.push_back(c);
    }
    return alive;
  }

  /// The loss; its gradient with respect to the image where `dimage` is given.
  double loss(const view<const T, 3, Ex>& image, const input& in, const view<T, 3, Ex>& dimage) {
    const reconstruction_loss& l = options_.loss;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex_));
    const view<T, 3, Ex> part = dimage.data()
                                    ? view<T, 3, Ex>(scratch.template tensor<T>(shape_of(image)))
                                    : view<T, 3, Ex>();
    double sum = 0;
    bool first = true;
    const auto add = [&](double weight, double value) {
      sum += weight * value;
      if (part.data())
        launch::segments(ex_, index_t(part.size()),
                         detail::add_scaled<T>{part.data(), dimage.data(), T(weight), first});
      first = false;
    };
    const double r = in.data_range;
    if (l.ssim > 0) add(l.ssim, nn::ssim_loss(ex_, image, in.target, in.range, part));
    if (l.l1 > 0) add(l.l1 / r, nn::l1_loss(ex_, image, in.target, part));
    if (l.l2 > 0) add(l.l2 / (r * r), nn::l2_loss(ex_, image, in.target, part));
    if (l.charbonnier > 0) {
      const index_t n = index_t(image.size());
      add(l.charbonnier / r, nn::detail::total(ex_, n,
                                               detail::charbonnier_kernel<T>{
                                                   image.data(), in.target.data(), part.data(),
                                                   l.epsilon * r, 1 / double(n)}) /
                                 double(n));
    }
    return sum;
  }

  /// The plan for the shape of a sample. What was used longest ago is given up for a new one, so
  /// that all together stay within the limit.
  pass_type& pass_of(const input& in) {
    const shape<4> k = shape_of(in.kspace);
    for (auto p = plans_.begin(); p != plans_.end(); ++p)
      if (p->planned_for() == k) {
        plans_.splice(plans_.begin(), plans_, p);
        plans_.front().set_mask(in.mask, in.options.acs);
        return plans_.front();
      }
    const double pixels = double(k.size());
    const auto held = [&](double more) {
      for (const pass_type& p : plans_) more += double(p.bytes());
      return more;
    };
    // the size of a plan is known when it is there; that of the last one tells about it
    const double about = plans_.empty() ? 0
                                        : double(plans_.front().bytes()) * pixels /
                                              double(plans_.front().planned_for().size());
    while (!plans_.empty() && held(about) > double(options_.kept_bytes)) plans_.pop_back();
    plans_.emplace_front(ex_, net_, k, in.mask, 1, in.options, options_.tapes);
    while (plans_.size() > 1 && held(0) > double(options_.kept_bytes)) plans_.pop_back();
    return plans_.front();
  }

  Ex ex_;
  models::cardiomm<T, Ex> net_;
  text_function<T> texts_;
  reconstruction_options options_;
  std::list<pass_type> plans_;  // the last one used first
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
