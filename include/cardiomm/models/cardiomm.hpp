// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_CARDIOMM_HPP
#define CARDIOMM_MODELS_CARDIOMM_HPP
/// \file
/// CardioMM: maps of coil sensitivities from the centre of k-space by one U-Net, then cascades of a
/// U-Net on the combined image and soft data consistency, all steered by two text embeddings.
/// Source: arXiv 2512.21652 and its public repository; weights under the names found there.
///
///     const auto net = models::load_cardiomm<float>(ex, models::source_of(file));
///     net.reconstruct(ex, kspace, mask, acquisition, sampling, image);

#include <functional>

#include "cardiomm/models/acs.hpp"
#include "cardiomm/models/consistency.hpp"
#include "cardiomm/models/normalised.hpp"
#include "cardiomm/models/sizes.hpp"
#include "cardiomm/models/warm_start.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

/// What a reconstruction is told beside the data.
struct cardiomm_options {
  index_t acs = 20;                 ///< size of the calibration region; 0: lines found in the mask
  acs_rule rule = acs_rule::lines;  ///< as published, for every kind of mask
  /// Texts repeat over the coils of a batch (0, 1, .., 0, 1, ..) as in the reference; otherwise
  /// each item has its own. The same where texts are equal, or the batch is one item.
  bool tiled = false;
  warm_start start{};         ///< as the network was trained
  index_t coils_at_once = 0;  ///< of the sensitivity network; 0: so that memory stays low
  /// After the maps (1) and every cascade (2 ...), of cascades + 1.
  std::function<void(index_t done, index_t total)> progress{};
};

/// Who wants to see what lies between: tests, and the curious. K-space after each cascade costs
/// transforms that are saved otherwise.
template <class T, ExecutionSpace Ex = default_space>
struct cardiomm_observer {
  std::function<void(view<const complex<T>, 4, Ex> maps)> on_maps{};
  std::function<void(index_t cascade, view<const complex<T>, 4, Ex> kspace)> on_kspace{};
};

namespace detail {
/// A parameter of one number, brought to the host.
template <class T, ExecutionSpace Ex>
double number_of(const nn::parameter<T, Ex>& p) {
  T value{};
  Kokkos::deep_copy(host_view<T, 1>(&value, std::size_t(1)),
                    view<const T, 1, Ex>(p.data(), std::size_t(1)));
  return double(value);
}
}  // namespace detail

/// The network. Copies share the parameters.
template <class T, ExecutionSpace Ex = default_space>
class cardiomm {
  using C = complex<T>;
  using in2 = view<const T, 2, Ex>;
  using inC = view<const C, 4, Ex>;
  using outC = view<C, 4, Ex>;

 public:
  using options = cardiomm_options;
  struct cascade {
    nn::parameter<T, Ex> weight;  ///< of the data consistency
    normalised_unet<T, Ex> net;
  };

  /// Random as the framework would start it; `random` false leaves zeros where nearly all
  /// parameters are, for someone who fills them next.
  cardiomm(const Ex& ex, const cardiomm_sizes& sizes, bool random = true)
      : sizes_(sizes),
        slope_(nn::prelu<T, 4, Ex>(ex).weight),
        sens_(ex, sizes.sensitivity, slope_, random) {
    for (index_t i = 0; i < sizes.cascades; ++i) {
      cascades_.push_back({nn::parameter<T, Ex>(ex, {1}), {ex, sizes.image, slope_, random}});
      nn::init::constant(ex, cascades_.back().weight, 1);
    }
  }

  const cardiomm_sizes& sizes() const { return sizes_; }
  const normalised_unet<T, Ex>& sensitivity() const { return sens_; }
  const std::vector<cascade>& cascades() const { return cascades_; }

  /// Under the original names. One slope has many names.
  nn::named_parameters<T, Ex> parameters() const {
    nn::named_parameters<T, Ex> all;
    nn::append(all, "sens_net.norm_unet.unet.", sens_.net.parameters());
    for (std::size_t i = 0; i < cascades_.size(); ++i) {
      const std::string name = "cascades." + std::to_string(i) + ".";
      all.emplace_back(name + "dc_weight", cascades_[i].weight);
      nn::append(all, name + "model.unet.", cascades_[i].net.net.parameters());
    }
    return all;
  }

  /// Masked k-space (item, coil, y, x), or slices times coils; mask (item or 1, y, x), 0/1;
  /// embeddings of acquisition and sampling (item or 1, length) -> magnitude (item, y, x), in the
  /// units of k-space. x is the readout. A coil of zeros makes NaN: leave such coils out. Throws
  /// shape_error or value_error.
  void reconstruct(const Ex& ex, const inC& kspace, const host_tensor<std::uint8_t, 3>& mask,
                   const in2& acquisition, const in2& sampling, const view<T, 3, Ex>& image,
                   const options& o = {}, const cardiomm_observer<T, Ex>& seen = {}) const {
    const shape<4> k = shape_of(kspace);
    check(k, mask, acquisition, sampling);
    require<shape_error>(shape_of(image) == shape{k[0], k[2], k[3]},
                         "cardiomm: image: expected (item, y, x) = ", shape{k[0], k[2], k[3]},
                         ", found ", shape_of(image));
    const index_t total = sizes_.cascades + 1;
    const auto done = [&](index_t step) {
      if (!o.progress) return;
      ex.fence();
      o.progress(step, total);
    };
    reserve(ex, k, o);
    const auto prompts = prompts_for(ex, sampling, k[2], k[3]);
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<4> x_shape{{k[0], sizes_.adjacent, k[2], k[3]}};
    const auto maps = scratch.template tensor<C>(k), z = scratch.template tensor<C>(k);
    const auto x = scratch.template tensor<C>(x_shape), b = scratch.template tensor<C>(x_shape),
               better = scratch.template tensor<C>(x_shape);
    consistency<T, Ex> data(ex, mask, k, sizes_.adjacent);
    {
      acs_region<Ex>(ex, mask, k[0], o.acs, o.rule).template apply<T>(ex, kspace, z);
      data.inverse(ex, z, z);
      const index_t samples = k[0] * k[1], some = coils_at_once(o);
      const text_items all = coil_items(acquisition, sampling, k, o.tiled);
      for (index_t i = 0; i < samples; i += some) {
        const shape<4> part{{std::min(some, samples - i), 1, k[2], k[3]}};
        const outC images = borrow(ex, z.data() + i * k[2] * k[3], part);
        sens_.forward(ex, images, acquisition, prompts->front(), all.from(i), images);
      }
      data.normalise(ex, z, maps);
      data.set_maps(maps);
      data.set_operators();
      if (seen.on_maps) seen.on_maps(maps);
      done(1);
    }
    data.adjoint(ex, kspace, b);
    if (o.start.iterations > 0) {
      Kokkos::deep_copy(ex, better, b);
      solve_warm_start<T, Ex>(ex, o.start, better, x, [&](const auto& at, const auto& r) {
        data.step_image(ex, at, b, 0, r);
        blas1::axpby(ex, C(-1), at, C(1), r);
      });
    } else {
      data.combine(ex, kspace, z, x);
    }
    const text_items items = image_items(acquisition, sampling, k);
    for (index_t i = 0; i < sizes_.cascades; ++i) {
      const cascade& c = cascades_[std::size_t(i)];
      const double weight = detail::number_of(c.weight);
      c.net.forward(ex, x, acquisition, (*prompts)[std::size_t(i) + 1], items, better);
      const bool last = i + 1 == sizes_.cascades;
      if (last || seen.on_kspace) {
        typename workspace<Ex>::frame inner(workspace<Ex>::of(ex));
        const auto next = inner.template tensor<C>(k);
        data.step(ex, better, kspace, weight, z, next);
        if (seen.on_kspace) seen.on_kspace(i, next);
        if (last)
          data.magnitude(ex, next, z, image);
        else
          data.combine(ex, next, z, x);
      } else {
        data.step_image(ex, better, b, weight, x);
      }
      done(i + 2);
    }
  }

  /// Throws shape_error where the inputs do not fit the network or each other.
  void check(const shape<4>& k, const host_tensor<std::uint8_t, 3>& mask, const in2& acquisition,
             const in2& sampling) const {
    require<shape_error>(k.size() > 0, "cardiomm: k-space: expected samples, found shape ", k);
    require(std::any_of(mask.data(), mask.data() + mask.size(), [](auto v) { return v != 0; }),
            "cardiomm: mask: expected at least one sample, found none");
    const auto text = [&](const in2& e, const char* what) {
      require<shape_error>((e.extent(0) == 1 || index_t(e.extent(0)) == k[0]) &&
                               index_t(e.extent(1)) == sizes_.embedding,
                           "cardiomm: embedding of the ", what,
                           ": expected (item or 1, length) = ", shape{k[0], sizes_.embedding},
                           ", found ", shape_of(e));
    };
    text(acquisition, "acquisition");
    text(sampling, "sampling");
  }
  /// The texts of each coil image of the sensitivity network.
  text_items coil_items(const in2& acquisition, const in2& sampling, const shape<4>& k,
                        bool tiled) const {
    const auto of = [&](const in2& e) {
      const index_t n = index_t(e.extent(0));
      return sample_items{n, n == 1 ? k[0] * k[1] : k[1], 0, tiled};
    };
    return {of(acquisition), of(sampling)};
  }
  /// The texts of each item.
  text_items image_items(const in2& acquisition, const in2& sampling, const shape<4>& k) const {
    const auto of = [&](const in2& e) {
      const index_t n = index_t(e.extent(0));
      return sample_items{n, n == 1 ? k[0] : 1, 0, false};
    };
    return {of(acquisition), of(sampling)};
  }
  /// Forgets the prompts of the last texts; after a change of parameters.
  void forget_prompts() const { kept_->all.reset(); }

 private:
  using prompt_set = std::vector<std::vector<tensor<T, 4, Ex>>>;
  /// Prompts of all U-Nets for the last sampling text and size.
  struct kept_prompts {
    std::vector<T> text;
    index_t ny = 0, nx = 0;
    std::shared_ptr<const prompt_set> all;
  };

  std::shared_ptr<const prompt_set> prompts_for(const Ex& ex, const in2& sampling, index_t ny,
                                                index_t nx) const {
    const auto host = to_host(sampling);
    const std::vector<T> text(host.data(), host.data() + host.size());
    kept_prompts& kept = *kept_;
    if (kept.all && kept.text == text && kept.ny == ny && kept.nx == nx) return kept.all;
    kept.all.reset();
    auto all = std::make_shared<prompt_set>();
    const auto add = [&](const normalised_unet<T, Ex>& n) {
      const shape<4> s = n.padded({{1, n.net.sizes().in / 2, ny, nx}});
      all->push_back(n.net.prompts(ex, sampling, s[1], s[2]));
    };
    add(sens_);
    for (const cascade& c : cascades_) add(c.net);
    kept = {text, ny, nx, all};
    return all;
  }
  /// As many coils as take about the memory of one item of a cascade.
  index_t coils_at_once(const options& o) const {
    if (o.coils_at_once > 0) return o.coils_at_once;
    return std::max<index_t>(1,
                             sizes_.image.first / std::max<index_t>(1, sizes_.sensitivity.first));
  }
  /// One block of scratch for all steps, larger than needed: pages that are not touched cost
  /// nothing, while blocks that grow step by step are of no use to each other.
  void reserve(const Ex& ex, const shape<4>& k, const options& o) const {
    if constexpr (launch::on_host<Ex>) {
      const index_t m = std::max(sizes_.image.multiple(), sizes_.sensitivity.multiple());
      const index_t pixels = (k[2] + m) * (k[3] + m);
      const index_t widest =
          std::max(k[0] * sizes_.image.first, coils_at_once(o) * sizes_.sensitivity.first);
      typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
      (void)scratch.template take<T>(10 * pixels * (widest + k[0] * k[1]) + (index_t(1) << 25));
    }
  }

  cardiomm_sizes sizes_;
  nn::parameter<T, Ex> slope_;
  normalised_unet<T, Ex> sens_;
  std::vector<cascade> cascades_;
  std::shared_ptr<kept_prompts> kept_ = std::make_shared<kept_prompts>();
};

/// The network of a file. Throws value_error with one message that lists all tensors that are
/// missing, unknown or have another shape; `warnings` gets a line where the names of one parameter
/// hold different values.
template <class T, ExecutionSpace Ex>
cardiomm<T, Ex> load_cardiomm(const Ex& ex, const tensor_source& file,
                              std::vector<std::string>* warnings = nullptr) {
  const tensor_source tensors = cardiomm_tensors(file);
  cardiomm<T, Ex> net(ex, read_sizes(tensors), false);
  read_parameters(ex, tensors, net.parameters(), warnings);
  return net;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
