// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_LOW_RANK_HPP
#define CARDIOMM_MRI_LOW_RANK_HPP
/// \file
/// Series of low rank: `llr`, in blocks (Trzasko and Manduca 2011; BART's `pics -R L`), and `lps`,
/// a low-rank series plus one that is sparse in x-f space (Otazo, Candes and Sodickson 2015).

#include "cardiomm/linop/stack.hpp"
#include "cardiomm/mri/algorithm.hpp"
#include "cardiomm/mri/detail/regularised.hpp"
#include "cardiomm/prox/frequency.hpp"
#include "cardiomm/prox/low_rank.hpp"
#include "cardiomm/prox/nuclear.hpp"
#include "cardiomm/solve/admm.hpp"
#include "cardiomm/solve/fista.hpp"
#include "cardiomm/solve/pdhg.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// How `llr` solves.
struct llr_options {
  double lambda = 0.01;  ///< weight of |X_b|_*, in units of k-space; maps of unit norm
  int iterations = 30;
  double tolerance = 0;  ///< as in the solver's options; 0 never
  index_t block = 8;     ///< pixels of a block along y and x
  bool width = false;  ///< weight lambda * prox::noise_width, as BART: lambda suits any block size
  prox::block_shift shift = prox::block_shift::none;  ///< random: BART's default
  algorithm solver = algorithm::fista;
  /// A gradient step of the data term after the last threshold, as BART 0.8; no longer the minimum.
  bool data_step = false;
  int inner_iterations = 5;  ///< of CG in ADMM
  int check_every = 4;
  solve::monitor monitor{};
};

/// The weight of the blocks' singular values that `llr` takes for series of shape (set, frame,
/// slice, y, x).
inline double llr_weight(const llr_options& o, const shape<5>& s) {
  if (!o.width) return o.lambda;
  const auto edge = [&](index_t n) { return o.block < n ? o.block : n; };
  const auto pieces = [&](index_t n) { return (n + o.block - 1) / o.block; };
  return o.lambda *
         prox::noise_width(edge(s[3]) * edge(s[4]), s[0] * s[1], pieces(s[3]) * pieces(s[4]));
}

/// Minimises 1/2 |A x - y|^2 + w sum over blocks |X_b|_* from zero; A = sampling * fourier * maps,
/// X_b the matrix (pixel, frame) of a block, slices apart, w = llr_weight. Arguments and result as
/// `sense`. Throws shape_error and value_error.
template <ExecutionSpace Ex, TensorView K, TensorView M>
auto llr(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask, const M& maps,
         const llr_options& options = {}) {
  using T = real_of<element_of<K>>;
  const profile_region region("cardiomm::mri::llr");
  const auto& o = options;
  require(o.block > 0, "llr: block: expected a positive number of pixels, found ", o.block);
  return detail::regularised(
      ex, "llr", kspace, mask, maps, o.lambda,
      [&](const auto& normal, const auto& b, const auto& x, double step) {
        const prox::low_rank<T, Ex, 5> blocks(
            llr_weight(o, shape_of(x)), {.block_y = o.block, .block_x = o.block, .shift = o.shift});
        const auto report = [&] {
          if (o.solver == algorithm::admm)
            return solve::admm(ex, normal, b, x,
                               {.iterations = o.iterations,
                                .tolerance = o.tolerance,
                                .inner = o.inner_iterations,
                                .check_every = o.check_every,
                                .monitor = o.monitor},
                               solve::term(blocks));
          if (o.solver == algorithm::pdhg)
            return solve::pdhg(ex, normal, b, x,
                               {.iterations = o.iterations,
                                .tolerance = o.tolerance,
                                .smoothness = 1 / step,
                                .norm = 1,
                                .adapt = false,  // it drifts where weights are small
                                .check_every = o.check_every,
                                .monitor = o.monitor},
                               solve::term(blocks));
          return solve::fista(ex, normal, blocks, b, x,
                              {.iterations = o.iterations,
                               .tolerance = o.tolerance,
                               .step = step,
                               .check_every = o.check_every,
                               .monitor = o.monitor});
        }();
        if (o.data_step) detail::data_step(ex, normal, b, x, step);
        return report;
      });
}

/// How `lps` solves.
struct lps_options {
  double lambda = 0.01;  ///< weight of |F_t S|_1, in units of k-space; maps of unit norm
  /// Weight of |L|_* over lambda; 0: (sqrt(pixels) + sqrt(frames)) / sqrt(log(pixels frames)), the
  /// largest singular value of noise over its largest number, so that both parts keep out as much.
  double ratio = 0;
  int iterations = 50;
  double tolerance = 0;  ///< relative change of both parts at which the solver stops; 0 never
  int check_every = 4;
  solve::monitor monitor{};
};

/// An image series and its two parts, (set, frame, slice, y, x).
template <class C, ExecutionSpace Ex>
struct lps_result {
  tensor<C, 5, Ex> image;     ///< low_rank + sparse
  tensor<C, 5, Ex> low_rank;  ///< the background
  tensor<C, 5, Ex> sparse;    ///< what changes
  solve::report report;
};

namespace detail {

/// |L|_* of every slice and |F_t S|_1 of parts [L; S] that are stacked along the first axis.
template <class T, ExecutionSpace Ex>
class low_rank_plus_sparse : public prox::proximal_operator<low_rank_plus_sparse<T, Ex>, T, 5, Ex> {
  using C = complex<T>;

 public:
  static constexpr const char* name = "low_rank_plus_sparse";

  low_rank_plus_sparse(double low, double sparse, index_t frames)
      : low_(low, false), sparse_(sparse, frames) {}

  double value(const Ex& ex, view<const C, 5, Ex> x) const {
    return low_.value(ex, background(ex, x)) + sparse_.value(ex, changes(ex, x));
  }
  void prox(const Ex& ex, view<const C, 5, Ex> x, double sigma, view<C, 5, Ex> out) const {
    low_.prox(ex, background(ex, x), sigma, background(ex, out));
    sparse_.prox(ex, changes(ex, x), sigma, changes(ex, out));
  }

 private:
  template <class V>
  static auto background(const Ex& ex, const V& x) {
    const shape<5> s = shape_of(x);
    return borrow(ex, x.data(), shape{s[0] / 2 * s[1], s[2], s[3], s[4]});
  }
  template <class V>
  static auto changes(const Ex& ex, const V& x) {
    const shape<5> s = shape_of(x);
    return borrow(ex, x.data() + x.size() / 2, shape{s[0] / 2, s[1], s[2], s[3], s[4]});
  }
  prox::casorati_nuclear<T, Ex> low_;
  prox::frequency_l1<T, Ex, 5> sparse_;
};

}  // namespace detail

/// Minimises 1/2 |A (L + S) - y|^2 + ratio lambda |L|_* + lambda |F_t S|_1 by FISTA from zero; A =
/// sampling * fourier * maps, |L|_* of the matrices (pixel, frame) of the slices, F_t the
/// orthonormal transform along the frames. Arguments as `sense`. Throws shape_error and
/// value_error.
template <ExecutionSpace Ex, TensorView K, TensorView M>
auto lps(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask, const M& maps,
         const lps_options& options = {}) {
  using C = element_of<K>;
  using T = real_of<C>;
  const profile_region region("cardiomm::mri::lps");
  const auto& o = options;
  require(std::isfinite(o.ratio) && o.ratio >= 0, "lps: ratio: expected at least 0, found ",
          o.ratio);
  lps_result<C, Ex> out;
  auto sum = detail::regularised(
      ex, "lps", kspace, mask, maps, o.lambda,
      [&](const auto& normal, const auto& b, const auto& x, double step) {
        const shape<5> s = shape_of(x);
        const double pixels = double(s[3] * s[4]), frames = double(s[0] * s[1]);
        const double balanced =
            (std::sqrt(pixels) + std::sqrt(frames)) / std::sqrt(std::log(pixels * frames + 1));
        const double ratio = o.ratio > 0 ? o.ratio : balanced;
        const detail::low_rank_plus_sparse<T, Ex> parts(ratio * o.lambda, o.lambda, s[1]);
        linop::identity_op<T, 5, Ex> part;
        part.extents = s;
        const auto add = linop::hstack(part, part);  // [L; S] -> L + S
        const shape<5> both{{2 * s[0], s[1], s[2], s[3], s[4]}};
        typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
        const auto stacked = scratch.template tensor<C>(both),
                   right = scratch.template tensor<C>(both);
        Kokkos::deep_copy(ex, stacked, C(0));
        linop::apply_adjoint(ex, add, b, right);
        const auto report = solve::fista(ex, linop::sandwich(normal, add), parts, right, stacked,
                                         {.iterations = o.iterations,
                                          .tolerance = o.tolerance,
                                          .step = step / 2,
                                          .check_every = o.check_every,
                                          .monitor = o.monitor});
        linop::apply(ex, add, stacked, x);
        out.low_rank = clone(ex, borrow(ex, stacked.data(), s));
        out.sparse = clone(ex, borrow(ex, stacked.data() + s.size(), s));
        return report;
      });
  out.image = sum.image;
  out.report = sum.report;
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
