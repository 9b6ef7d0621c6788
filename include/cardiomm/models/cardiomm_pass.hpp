// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_CARDIOMM_PASS_HPP
#define CARDIOMM_MODELS_CARDIOMM_PASS_HPP
/// \file
/// Forward and backward of CardioMM for training: gradients of a loss of the image with respect to
/// all parameters, both embeddings and the measured k-space. Everything that backward needs lies in
/// one block of memory that is planned once for a shape, and serves every mask.
///
///     models::cardiomm_pass<float, Ex> pass(ex, net, shape_of(kspace), mask, texts);
///     nn::zero_gradients(ex, net.parameters());
///     auto image = pass.forward(kspace, acquisition, sampling);
///     pass.backward(dimage);               // parameters().second.gradient() += ...
///     pass.set_mask(another, acs);         // and so on, without planning again

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

/// What a pass keeps between forward and backward: the features of all U-Nets, or only the k-space
/// between the cascades, from which backward computes the features of one U-Net after the other
/// again (gradient checkpointing: one more forward in time; the gradients are the same, bit for
/// bit).
enum class tapes { kept, recomputed };

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
                const cardiomm_options& options = {}, tapes keep = tapes::kept)
      : ex_(ex),
        net_(net),
        mask_(mask),
        k_(kspace),
        texts_(texts),
        options_(options),
        keep_(keep),
        acs_(ex, mask, kspace[0], options.acs, options.rule),
        data_(ex, mask, kspace, net.sizes().adjacent) {
    names_.push_back(net.sensitivity().net.parameters().size());
    for (const auto& c : net.cascades())
      names_.push_back(names_.back() + 1 + c.net.net.parameters().size());
    nn::memory<Ex> count;
    plan(count);
    block_ = make_tensor<char>(ex, shape<1>{{static_cast<index_t>(count.used())}},
                               "cardiomm::models::pass");
    nn::memory<Ex> hand(block_.data(), count.used());
    plan(hand);
  }

  /// Another mask of the same shape, with `acs` lines of calibration (see cardiomm_options), for
  /// the forward passes to come; allocates nothing. The mask has to stay.
  void set_mask(const host_tensor<std::uint8_t, 3>& mask, index_t acs) {
    data_.set_mask(ex_, mask);
    acs_.set(ex_, mask, acs);
    mask_ = mask;
    options_.acs = acs;
  }

  /// Shape of the k-space that it was planned for.
  const shape<4>& planned_for() const { return k_; }
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
    sensitivity_forward();
    data_.normalise(ex_, better_coils_, maps_);
    data_.set_maps(maps_);
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex_));
    const auto k = scratch.template tensor<C>(k_);
    for (std::size_t i = 0; i < m_.size(); ++i) {
      weight_[i] = detail::number_of(net_.cascades()[i].weight);
      cascade_forward(i, k);
      data_.expand(ex_, work(i).better, m_[i]);
    }
    data_.magnitude(ex_, before(m_.size(), k), last_, image_);
    return image_;
  }

  /// Adds to the gradients of the parameters; overwrites those of the inputs that are given. The
  /// image of a warm start counts as a constant.
  /// `dimage` (item, y, x). `finished(first, last)` is told as soon as the gradients of the
  /// parameters `first` to `last` - 1 in the order of the network's `parameters()` are complete:
  /// the cascades from the last to the first, then the sensitivity network with what is shared.
  void backward(const view<const T, 3, Ex>& dimage, const outC& dkspace = {},
                const out2& dacquisition = {}, const out2& dsampling = {},
                const std::function<void(std::size_t first, std::size_t last)>& finished = {}) {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex_));
    const auto clear = [&](const auto& v) {
      if (v.data()) Kokkos::deep_copy(ex_, v, typename std::decay_t<decltype(v)>::value_type(0));
    };
    const auto tell = [&](std::size_t first, std::size_t last) {
      if (!finished) return;
      ex_.fence();
      finished(first, last);
    };
    const auto dk = scratch.template tensor<C>(k_), dmaps = scratch.template tensor<C>(k_);
    clear(dkspace);
    clear(dmaps);
    clear(dacquisition);
    clear(dsampling);
    data_.magnitude_backward(ex_, last_, image_, dimage, dk);
    for (std::size_t i = m_.size(); i-- > 0;) {
      const auto& c = net_.cascades()[i];
      step& s = work(i);
      typename workspace<Ex>::frame inner(workspace<Ex>::of(ex_));
      const auto more = inner.template tensor<C>(k_);
      const auto dx = inner.template tensor<C>(image_shape());
      if (keep_ == tapes::recomputed && i + 1 < m_.size()) cascade_forward(i, more);
      const double dweight = data_.step_backward(ex_, s.better, kspace_, m_[i], weight_[i], dk,
                                                 more, dx, dkspace, dmaps);
      if (c.weight.gradient())
        launch::segments(ex_, 1, detail::add_number<T>{c.weight.gradient(), T(dweight)});
      c.net.backward(ex_, acquisition_, sampling_, image_items(), dx, dx, dacquisition, dsampling,
                     s.inner);
      if (i > 0 || !warm()) {
        data_.inverse(ex_, before(i, more), more);
        data_.map_gradient(ex_, dx, more, dmaps);
        if (i > 0 || dkspace.data()) data_.expand(ex_, dx, dk);
      } else {
        clear(dk);
      }
      tell(names_[i], names_[i + 1]);
    }
    if (dkspace.data()) nn::add(ex_, dk, dkspace);
    if (keep_ == tapes::recomputed) sensitivity_forward();
    data_.normalise_backward(ex_, better_coils_, dmaps);
    net_.sensitivity().backward(ex_, acquisition_, sampling_, coil_items(), samples(dmaps),
                                dkspace.data() ? samples(dmaps) : outC(), dacquisition, dsampling,
                                sens_);
    if (dkspace.data()) {
      data_.forward(ex_, dmaps);
      acs_.template apply<T>(ex_, dmaps, dkspace, true);
    }
    tell(0, names_[0]);
  }

  /// Maps (item, coil, y, x) of the last forward.
  inC maps() const { return maps_; }

 private:
  struct step {
    outC better;  ///< image behind the U-Net
    typename normalised_unet<T, Ex>::tape inner;
  };
  void plan(nn::memory<Ex>& m) {
    for (outC* v : {&coils_, &better_coils_, &maps_, &last_}) *v = m.template take<C>(k_);
    image_ = m.template take<T>(shape{k_[0], k_[2], k_[3]});
    m_.clear();
    steps_.clear();
    const auto& cascades = net_.cascades();
    for (std::size_t i = 0; i < cascades.size(); ++i) m_.push_back(m.template take<C>(k_));
    weight_.resize(cascades.size());
    if (keep_ == tapes::kept) {
      plan_sensitivity(m);
      for (std::size_t i = 0; i < cascades.size(); ++i) plan_cascade(m);
    } else {  // all in the same place
      nn::memory<Ex> a, b;
      plan_sensitivity(a);
      plan_cascade(b);
      steps_.clear();
      const std::size_t bytes = std::max(a.used(), b.used());
      char* const place = m.template take<char>(shape<1>{{static_cast<index_t>(bytes)}}).data();
      if (!place) return;
      a = b = nn::memory<Ex>(place, bytes);
      plan_sensitivity(a);
      plan_cascade(b);
    }
  }
  void plan_sensitivity(nn::memory<Ex>& m) {
    sens_ = net_.sensitivity().record(m, sample_shape(), texts_);
  }
  /// All cascades have the same sizes.
  void plan_cascade(nn::memory<Ex>& m) {
    if (net_.cascades().empty()) return;
    step& s = steps_.emplace_back();
    s.better = m.template take<C>(image_shape());
    s.inner = net_.cascades()[0].net.record(m, image_shape(), texts_);
  }
  shape<4> image_shape() const { return {{k_[0], net_.sizes().adjacent, k_[2], k_[3]}}; }
  step& work(std::size_t i) { return steps_[keep_ == tapes::kept ? i : 0]; }
  void sensitivity_forward() {
    net_.sensitivity().forward(ex_, samples(coils_), acquisition_, sampling_, coil_items(),
                               samples(better_coils_), sens_);
  }
  /// K-space in front of cascade i, in `k` unless it is the measured one.
  inC before(std::size_t i, const outC& k) const {
    if (i == 0) return kspace_;
    data_.soften(ex_, m_[i - 1], kspace_, weight_[i - 1], k);
    return k;
  }
  /// U-Net i; `scratch` as k-space.
  void cascade_forward(std::size_t i, const outC& scratch) {
    typename workspace<Ex>::frame inner(workspace<Ex>::of(ex_));
    const auto x = inner.template tensor<C>(image_shape());
    step& s = work(i);
    data_.combine(ex_, before(i, scratch), scratch, x);
    if (i == 0 && warm()) first_image(x, scratch);
    net_.cascades()[i].net.forward(ex_, x, acquisition_, sampling_, image_items(), s.better,
                                   s.inner);
  }
  bool warm() const { return options_.start.iterations > 0; }
  /// x from the zero-filled image to the regularised solution; `scratch` as k-space.
  void first_image(const outC& x, const outC& scratch) {
    typename workspace<Ex>::frame inner(workspace<Ex>::of(ex_));
    const auto b = inner.template tensor<C>(image_shape());
    const auto m = inner.template tensor<C>(k_);
    Kokkos::deep_copy(ex_, b, x);
    solve_warm_start<T, Ex>(ex_, options_.start, b, x, [&](const auto& at, const auto& r) {
      data_.step(ex_, at, kspace_, 0, m, scratch);
      data_.combine(ex_, scratch, m, r);
      blas1::axpby(ex_, C(-1), at, C(1), r);
    });
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
  tapes keep_;
  acs_region<Ex> acs_;
  consistency<T, Ex> data_;
  std::vector<std::size_t> names_;  // where the names of cascades begin, and the end
  tensor<char, 1, Ex> block_;
  inC kspace_;
  in2 acquisition_, sampling_;
  outC coils_, better_coils_, maps_, last_;
  view<T, 3, Ex> image_;
  typename normalised_unet<T, Ex>::tape sens_;
  std::vector<double> weight_;
  std::vector<outC> m_;  // k-space of the images behind the U-Nets
  std::vector<step> steps_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
