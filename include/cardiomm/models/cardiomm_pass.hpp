// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_CARDIOMM_PASS_HPP
#define CARDIOMM_MODELS_CARDIOMM_PASS_HPP
/// \file
/// Forward and backward of CardioMM for training: gradients of a loss of the image with respect to
/// all parameters, both embeddings and the measured k-space. Everything that backward needs lies in
/// one block of memory that is planned once for a shape.
///
///     models::cardiomm_pass<float, Ex> pass(ex, net, shape_of(kspace), mask, texts);
///     nn::zero_gradients(ex, net.parameters());
///     auto image = pass.forward(kspace, acquisition, sampling);
///     pass.backward(dimage);               // parameters().second.gradient() += ...

#include "cardiomm/models/cardiomm.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

namespace detail {
template <class T>
struct add_number {
  static constexpr const char* name = "cardiomm::models::add_number";
  T* at;
  T value;
  KOKKOS_INLINE_FUNCTION void operator()(index_t, index_t) const { *at += value; }
};
}  // namespace detail

template <class T, ExecutionSpace Ex = default_space>
class cardiomm_pass {
  using C = complex<T>;
  using model = models::cardiomm<T, Ex>;
  using in2 = view<const T, 2, Ex>;
  using out2 = view<T, 2, Ex>;
  using inC = view<const C, 4, Ex>;
  using outC = view<C, 4, Ex>;

 public:
  /// For k-space (item, coil, y, x) and a mask (item or 1, y, x); `texts` is the number of
  /// embeddings, 1 or that of items. Prompt banks are frozen; `set_trainable(true)` on them before
  /// nn::zero_gradients gives them gradients.
  cardiomm_pass(const Ex& ex, const model& net, const shape<4>& kspace,
                const host_tensor<std::uint8_t, 3>& mask, index_t texts = 1,
                const cardiomm_options& options = {})
      : ex_(ex),
        net_(net),
        mask_(mask),
        k_(kspace),
        texts_(texts),
        options_(options),
        acs_(ex, mask, kspace[0], options.acs, options.rule),
        data_(ex, mask, kspace, net.sizes().adjacent) {
    nn::memory<Ex> count;
    plan(count);
    block_ = make_tensor<char>(ex, shape<1>{{static_cast<index_t>(count.used())}},
                               "cardiomm::models::pass");
    nn::memory<Ex> hand(block_.data(), count.used());
    plan(hand);
  }

  /// Bytes of the plan.
  std::size_t bytes() const { return block_.extent(0); }

  /// Masked k-space and embeddings (text, length), which have to stay as they are until `backward`
  /// -> image (item, y, x).
  view<const T, 3, Ex> forward(const inC& kspace, const in2& acquisition, const in2& sampling) {
    require<shape_error>(shape_of(kspace) == k_, "cardiomm: k-space: expected ", k_, ", found ",
                         shape_of(kspace));
    net_.check(k_, mask_, acquisition, sampling);
    require<shape_error>(
        index_t(acquisition.extent(0)) == texts_ && index_t(sampling.extent(0)) == texts_,
        "cardiomm: embeddings: expected ", texts_, " of each, found ", acquisition.extent(0),
        " and ", sampling.extent(0));
    net_.forget_prompts();
    kspace_ = kspace;
    acquisition_ = acquisition;
    sampling_ = sampling;
    acs_.template apply<T>(ex_, kspace, coils_);
    data_.inverse(ex_, coils_, coils_);
    net_.sensitivity().forward(ex_, samples(coils_), acquisition, sampling, coil_items(),
                               samples(better_coils_), sens_);
    data_.normalise(ex_, better_coils_, maps_);
    data_.set_maps(maps_);
    inC k = kspace;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      step& s = steps_[i];
      const auto& c = net_.cascades()[i];
      data_.combine(ex_, k, s.z, s.x);
      c.net.forward(ex_, s.x, acquisition, sampling, image_items(), s.better, s.inner);
      s.weight = detail::number_of(c.weight);
      data_.step(ex_, s.better, kspace, s.weight, s.m, s.next);
      k = s.next;
    }
    data_.magnitude(ex_, k, last_, image_);
    return image_;
  }

  /// Adds to the gradients of the parameters; overwrites those of the inputs that are given.
  /// `dimage` (item, y, x).
  void backward(const view<const T, 3, Ex>& dimage, const outC& dkspace = {},
                const out2& dacquisition = {}, const out2& dsampling = {}) {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex_));
    const auto clear = [&](const auto& v) {
      if (v.data()) Kokkos::deep_copy(ex_, v, typename std::decay_t<decltype(v)>::value_type(0));
    };
    const outC dk0 = dkspace.data() ? dkspace : outC(scratch.template tensor<C>(k_));
    const auto dk = scratch.template tensor<C>(k_), dmaps = scratch.template tensor<C>(k_);
    clear(dk0);
    clear(dmaps);
    clear(dacquisition);
    clear(dsampling);
    data_.magnitude_backward(ex_, last_, image_, dimage, dk);
    for (std::size_t i = steps_.size(); i-- > 0;) {
      step& s = steps_[i];
      const auto& c = net_.cascades()[i];
      typename workspace<Ex>::frame inner(workspace<Ex>::of(ex_));
      const auto more = inner.template tensor<C>(k_);
      const auto dx = inner.template tensor<C>(shape_of(s.x));
      const double dweight =
          data_.step_backward(ex_, s.better, kspace_, s.m, s.weight, dk, more, dx, dk0, dmaps);
      if (c.weight.gradient())
        launch::segments(ex_, 1, detail::add_number<T>{c.weight.gradient(), T(dweight)});
      c.net.backward(ex_, acquisition_, sampling_, image_items(), dx, dx, dacquisition, dsampling,
                     s.inner);
      data_.combine_backward(ex_, s.z, dx, dk, dmaps);
    }
    nn::add(ex_, dk, dk0);
    data_.normalise_backward(ex_, better_coils_, dmaps);
    net_.sensitivity().backward(ex_, acquisition_, sampling_, coil_items(), samples(dmaps),
                                samples(dmaps), dacquisition, dsampling, sens_);
    data_.forward(ex_, dmaps);
    acs_.template apply<T>(ex_, dmaps, dk0, true);
  }

  /// Maps (item, coil, y, x) of the last forward.
  inC maps() const { return maps_; }
  /// K-space behind a cascade.
  inC kspace_after(index_t cascade) const { return steps_[std::size_t(cascade)].next; }

 private:
  struct step {
    outC z, x, better, m, next;
    typename normalised_unet<T, Ex>::tape inner;
    double weight = 1;
  };
  void plan(nn::memory<Ex>& m) {
    const shape<4> x{{k_[0], net_.sizes().adjacent, k_[2], k_[3]}};
    for (outC* v : {&coils_, &better_coils_, &maps_, &last_}) *v = m.template take<C>(k_);
    image_ = m.template take<T>(shape{k_[0], k_[2], k_[3]});
    sens_ = net_.sensitivity().record(m, sample_shape(), texts_);
    steps_.clear();
    for (const auto& c : net_.cascades()) {
      step& s = steps_.emplace_back();
      for (outC* v : {&s.z, &s.m, &s.next}) *v = m.template take<C>(k_);
      for (outC* v : {&s.x, &s.better}) *v = m.template take<C>(x);
      s.inner = c.net.record(m, x, texts_);
    }
  }
  shape<4> sample_shape() const { return {{k_[0] * k_[1], 1, k_[2], k_[3]}}; }
  outC samples(const outC& k) const { return borrow(ex_, k.data(), sample_shape()); }
  text_items coil_items() const {
    return net_.coil_items(acquisition_, sampling_, k_, options_.tiled);
  }
  text_items image_items() const { return net_.image_items(acquisition_, sampling_, k_); }

  Ex ex_;
  model net_;
  host_tensor<std::uint8_t, 3> mask_;
  shape<4> k_;
  index_t texts_;
  cardiomm_options options_;
  acs_region<Ex> acs_;
  consistency<T, Ex> data_;
  tensor<char, 1, Ex> block_;
  inC kspace_;
  in2 acquisition_, sampling_;
  outC coils_, better_coils_, maps_, last_;
  view<T, 3, Ex> image_;
  typename normalised_unet<T, Ex>::tape sens_;
  std::vector<step> steps_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
