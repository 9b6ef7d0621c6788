// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_PISF_HPP
#define CARDIOMM_MODELS_PISF_HPP
/// \file
/// The unrolled network of one-dimensional deep learning (ODLS: Wang et al., IEEE TMI 42 (2023),
/// arXiv 2112.04721), which PISF (Wang et al., Med Image Anal 103 (2025), arXiv 2307.13220) trains
/// on synthetic lines. An inverse Fourier transform along the fully sampled readout leaves one
/// undersampled phase-encode line of J coils for every readout position. Phase k takes the line e,
/// measured samples z and their mask M to
///
///     r  = eta1 D1(e)                                      (interpolates in k-space)
///     d  = e - eta2 [M (e - z) + factor r]
///     e' = F Psi3(soft(Psi2(F^-1 d), lambda))              (sparsity in the image domain)
///
/// D1, Psi2 and Psi3 are line_chains; nothing is shared by phases. Complex numbers are neighbouring
/// channels, so that a line (y, coil) of complex numbers is a feature map (y, 2 J) as it lies.

#include "cardiomm/fft/cache.hpp"
#include "cardiomm/models/line_chain.hpp"
#include "cardiomm/models/weights.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

/// Sizes and named options. The factor and the place of the threshold are known second-hand only,
/// which is why they can be changed; `residual` is ours.
struct pisf_sizes {
  index_t phases = 10;
  index_t coils = 8;  ///< J
  index_t filters = 48;
  index_t kernel = 3;
  index_t prior_layers = 6;      ///< of D1
  index_t transform_layers = 3;  ///< of Psi2 and of Psi3
  bool norm = true;              ///< batch norm before each relu
  bool residual = false;         ///< e' = F (x + Psi3(...)), x = F^-1 d
  bool threshold_last = false;   ///< soft(Psi3(Psi2 x)) instead of Psi3(soft(Psi2 x))
  double factor = 2;

  friend bool operator==(const pisf_sizes&, const pisf_sizes&) = default;
};

namespace detail {

/// d = e - eta2 (m (e - z) + factor eta1 q); rows are points of lines, columns channels.
template <class T>
struct pisf_step {
  static constexpr const char* name = "cardiomm::models::pisf_step";
  const T *e, *z, *mask, *q, *eta1, *eta2;
  T* d;
  T factor;
  index_t channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const T a = *eta2 * mask[row], b = *eta2 * *eta1 * factor;
    const index_t at = row * channels;
    for (index_t c = at + first; c < at + last; ++c) d[c] = e[c] - a * (e[c] - z[c]) - b * q[c];
  }
};
/// y = sign(x) max(|x| - lambda, 0), plus `add` unless null; y may be x. Training may make lambda
/// negative: then y = x - lambda above lambda and x + lambda below, which weights rely on.
template <class T>
struct pisf_soft {
  static constexpr const char* name = "cardiomm::models::pisf_soft";
  const T *x, *lambda, *add;
  T* y;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    const T l = *lambda;
    for (index_t i = first; i < last; ++i) {
      const T v = x[i], low = v < -l ? v + l : T(0), s = v > l ? v - l : low;
      y[i] = add ? s + add[i] : s;
    }
  }
};
/// y += a x
template <class T>
struct pisf_add {
  static constexpr const char* name = "cardiomm::models::pisf_add";
  const T* x;
  T* y;
  T a;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) y[i] += a * x[i];
  }
};

/// F of lines (item, y, coil), or its inverse.
template <class T, ExecutionSpace Ex>
void line_transform(const Ex& ex, const shape<3>& lines, fft::direction way, const T* x, T* y) {
  const fft::spec<1> what{shape<1>{{lines[1]}}, way, fft::norm::orthonormal,
                          fft::centering::centred, lines[2]};
  fft::cached_plan<T>(ex, what)->execute(ex, lines[0], reinterpret_cast<const complex<T>*>(x),
                                         reinterpret_cast<complex<T>*>(y));
}

}  // namespace detail

/// One phase.
template <class T, ExecutionSpace Ex>
struct pisf_phase {
  line_chain<T, Ex> prior, analysis, synthesis;  ///< D1, Psi2, Psi3
  nn::parameter<T, Ex> eta1, eta2, lambda;

  pisf_phase(const Ex& ex, const pisf_sizes& s, std::uint64_t seed)
      : prior(ex, 2 * s.coils, s.filters, 2 * s.coils, s.prior_layers, s.kernel, s.norm, 1, seed),
        analysis(ex, 2 * s.coils, s.filters, s.filters, s.transform_layers, s.kernel, s.norm, 1,
                 seed + 1),
        synthesis(ex, s.filters, s.filters, 2 * s.coils, s.transform_layers, s.kernel, s.norm,
                  s.residual ? 0.1 : 1, seed + 2),
        eta1(ex, {1}),
        eta2(ex, {1}),
        lambda(ex, {1}) {
    nn::init::constant(ex, eta1, 1e-3);
    nn::init::constant(ex, eta2, 1);
    nn::init::constant(ex, lambda, 1e-3);
  }
  nn::named_parameters<T, Ex> parameters() const {
    nn::named_parameters<T, Ex> all;
    append(all, "kspace_prior.", prior.parameters());
    append(all, "image_analysis.", analysis.parameters());
    append(all, "image_synthesis.", synthesis.parameters());
    all.emplace_back("eta1", eta1);
    all.emplace_back("eta2", eta2);
    all.emplace_back("lambda", lambda);
    return all;
  }
};

/// The network. Copies share parameters.
template <class T, ExecutionSpace Ex = default_space>
class pisf {
  using C = complex<T>;

 public:
  explicit pisf(const Ex& ex, const pisf_sizes& sizes = {}, std::uint64_t seed = 0)
      : sizes_(sizes) {
    require(sizes.phases >= 1 && sizes.coils >= 1 && sizes.filters >= 1 &&
                sizes.prior_layers >= 1 && sizes.transform_layers >= 1,
            "pisf: expected at least one phase, coil, filter and layer, found ", sizes.phases, ", ",
            sizes.coils, ", ", sizes.filters, ", ", sizes.prior_layers, " and ",
            sizes.transform_layers);
    require(std::isfinite(sizes.factor), "pisf: factor: expected a number, found ", sizes.factor);
    for (index_t k = 0; k < sizes.phases; ++k)
      phases_.emplace_back(ex, sizes, seed * 0x9E3779B97F4A7C15u + 3 * std::uint64_t(k));
    options_ = nn::parameter<T, Ex>(ex, {3}, false);
    const auto host = make_tensor<T>(host_space{}, shape<1>{{3}});
    host(0) = T(sizes.factor);
    host(1) = T(sizes.residual);
    host(2) = T(sizes.threshold_last);
    Kokkos::deep_copy(options_.value(), host);
  }

  const pisf_sizes& sizes() const { return sizes_; }
  const std::vector<pisf_phase<T, Ex>>& phases() const { return phases_; }
  /// "phases.K.kspace_prior.I.weight", ..., "phases.K.image_analysis. ...",
  /// "phases.K.image_synthesis. ...", "phases.K.eta1", "phases.K.eta2", "phases.K.lambda", and
  /// "options" (factor, residual, threshold_last), which is not trained.
  nn::named_parameters<T, Ex> parameters() const {
    nn::named_parameters<T, Ex> all;
    for (std::size_t k = 0; k < phases_.size(); ++k)
      append(all, "phases." + std::to_string(k) + ".", phases_[k].parameters());
    all.emplace_back("options", options_);
    return all;
  }
  /// Batch norms use the batch (and a pass moves the running averages), or the running averages.
  void set_training(bool yes) const {
    for (const auto& p : phases_)
      for (const auto* c : {&p.prior, &p.analysis, &p.synthesis}) c->set_training(yes);
  }

  /// All phases on lines of k-space (item, y, coil), zero where the mask (item, y) of 0 and 1 is;
  /// y may be z.
  void forward(const Ex& ex, const view<const C, 3, Ex>& z, const view<const T, 2, Ex>& mask,
               const view<C, 3, Ex>& y) const {
    const shape<3> s = shape_of(z);
    check(s, shape_of(mask));
    require<shape_error>(shape_of(y) == s, "pisf: result: expected ", s, ", found ", shape_of(y));
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<3> f = features(s);
    const auto e = scratch.template tensor<T>(f), q = scratch.template tensor<T>(f),
               x = scratch.template tensor<T>(f);
    const auto u = scratch.template tensor<T>(shape<3>{{f[0], f[1], sizes_.filters}});
    const T* measured = reinterpret_cast<const T*>(z.data());
    Kokkos::deep_copy(ex, e, view<const T, 3, Ex>(measured, ::cardiomm::detail::layout_of(f)));
    const index_t n = f.size();
    for (const auto& p : phases_) {
      p.prior.forward(ex, e, q);
      launch::rows(ex, f[0] * f[1], f[2],
                   detail::pisf_step<T>{e.data(), measured, mask.data(), q.data(), p.eta1.data(),
                                        p.eta2.data(), x.data(), T(sizes_.factor), f[2]});
      detail::line_transform(ex, s, fft::direction::inverse, x.data(), x.data());
      p.analysis.forward(ex, x, u);
      if (!sizes_.threshold_last)
        launch::segments(ex, index_t(u.size()),
                         detail::pisf_soft<T>{u.data(), p.lambda.data(), nullptr, u.data()});
      p.synthesis.forward(ex, u, q);
      if (sizes_.threshold_last)
        launch::segments(ex, n, detail::pisf_soft<T>{q.data(), p.lambda.data(), nullptr, q.data()});
      if (sizes_.residual) launch::segments(ex, n, detail::pisf_add<T>{x.data(), q.data(), T(1)});
      detail::line_transform(ex, s, fft::direction::forward, q.data(), e.data());
    }
    Kokkos::deep_copy(ex, view<T, 3, Ex>(reinterpret_cast<T*>(y.data()), e.layout()), e);
  }

  /// Throws shape_error unless lines (item, y, coil) and a mask (item, y) fit.
  void check(const shape<3>& lines, const shape<2>& mask) const {
    require<shape_error>(lines.size() > 0 && lines[2] == sizes_.coils,
                         "pisf: lines: expected (item, y, ", sizes_.coils, " coils), found ",
                         lines);
    require<shape_error>(mask[0] == lines[0] && mask[1] == lines[1], "pisf: mask: expected ",
                         shape{lines[0], lines[1]}, ", found ", mask);
  }
  /// Lines as features.
  static shape<3> features(const shape<3>& lines) { return {{lines[0], lines[1], 2 * lines[2]}}; }

 private:
  pisf_sizes sizes_;
  std::vector<pisf_phase<T, Ex>> phases_;
  nn::parameter<T, Ex> options_;
};

/// Sizes of the network whose weights a file holds. Throws value_error where they are no such
/// weights.
inline pisf_sizes read_pisf_sizes(const nn::tensor_source& file) {
  const auto shape_at = [&](const std::string& name, std::size_t rank) {
    const auto found = file.shapes.find(name);
    require(found != file.shapes.end() && found->second.size() == rank,
            "pisf: weights: expected a tensor ", name, " of ", rank, " axes, found ",
            found == file.shapes.end() ? "none" : "another shape");
    return found->second;
  };
  pisf_sizes s;
  s.phases = nn::count_numbered(file, "phases.");
  s.prior_layers = nn::count_numbered(file, "phases.0.kspace_prior.");
  s.transform_layers = nn::count_numbered(file, "phases.0.image_analysis.");
  const auto first = shape_at("phases.0.image_analysis.0.weight", 3);
  const auto most = index_t(file.shapes.size());
  require(s.phases <= most && s.prior_layers <= most && s.transform_layers <= most,
          "pisf: weights: expected phases and layers without gaps, found ", most, " tensors for ",
          s.phases, " phases of ", s.prior_layers, " and ", s.transform_layers, " layers");
  require(first[0] > 0 && first[1] > 1 && first[1] % 2 == 0 && first[2] % 2 == 1,
          "pisf: weights: phases.0.image_analysis.0.weight: expected (filters, 2 coils, an odd "
          "kernel), found (",
          first[0], ", ", first[1], ", ", first[2], ")");
  s.filters = first[0];
  s.coils = first[1] / 2;
  s.kernel = first[2];
  s.norm = file.contains("phases.0.kspace_prior.0.norm.weight") ||
           file.contains("phases.0.image_analysis.0.norm.weight");
  require(shape_at("options", 1)[0] == 3, "pisf: weights: options: expected 3 numbers, found ",
          shape_at("options", 1)[0]);
  double options[3];
  file.read("options", options);
  s.factor = options[0];
  s.residual = options[1] != 0;
  s.threshold_last = options[2] != 0;
  return s;
}

/// The network of a file's weights.
template <class T, ExecutionSpace Ex>
pisf<T, Ex> load_pisf(const Ex& ex, const nn::tensor_source& file) {
  const pisf<T, Ex> net(ex, read_pisf_sizes(file));
  read_parameters(ex, file, net.parameters());
  return net;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
