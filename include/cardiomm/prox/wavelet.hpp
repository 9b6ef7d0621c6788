// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_WAVELET_HPP
#define CARDIOMM_PROX_WAVELET_HPP
/// \file
/// weight * |W x|_1 for an orthogonal wavelet transform W of every plane (y, x): soft thresholding
/// of the coefficients, forward and back in one launch. A plane stays in the second cache: one read
/// and one write of the image.

#include <memory>

#include "cardiomm/linop/wavelet.hpp"
#include "cardiomm/prox/l1.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

struct wavelet_l1_options {
  std::string wavelet = "dau2";
  int levels = 3;  ///< 0: as many as extents of 16 allow, as BART
  /// periodic: orthogonal, so that this is a proximal operator. symmetric: as BART thresholds,
  /// which is close to one.
  linop::wavelet_boundary boundary = linop::wavelet_boundary::periodic;
  /// Shifts the grid of the transform anew in every call (Coifman and Donoho 1995; BART's default).
  /// Less blocky images, but no longer one function that is minimised.
  bool random_shift = false;
  std::uint64_t seed = 0;  ///< of the shifts
};

/// weight * |W x|_1 over images (..., y, x) of rank R. `value` is that of the unshifted transform.
template <class T, int R, ExecutionSpace Ex = default_space>
class wavelet_l1 : public proximal_operator<wavelet_l1<T, R, Ex>, T, R, Ex> {
  using base = proximal_operator<wavelet_l1, T, R, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "wavelet_l1";

  /// Planes of ny x nx pixels. Throws value_error for a negative weight or an unknown wavelet.
  wavelet_l1(double weight, index_t ny, index_t nx, const wavelet_l1_options& options = {})
      : weight_(weight),
        plan_(
            ny, nx,
            {options.wavelet, options.levels, options.levels == 0 ? index_t(16) : index_t(2), 0, 0},
            options.boundary),
        seed_(options.seed) {
    require(weight >= 0, name, ": weight: expected at least 0, found ", weight);
    if (options.random_shift) calls_ = std::make_shared<std::uint64_t>(0);
  }

  shape<R> domain() const {
    auto s = shape<R>::all_open();
    s[R - 2] = plan_.ny;
    s[R - 1] = plan_.nx;
    return s;
  }
  double weight() const { return weight_; }
  const linop::wavelet_plan<T>& plan() const { return plan_; }

  double value(const Ex& ex, in_of<base> x) const {
    const index_t planes = static_cast<index_t>(x.size()) / (plan_.ny * plan_.nx);
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    C* coefficients = scratch.template take<C>(plan_.coefficients);
    double sum = 0;
    for (index_t p = 0; p < planes; ++p) {
      launch::tiles<T>(ex, index_t(1), linop::wavelet_scratch<Ex>(plan_),
                       linop::detail::wavelet_forward_kernel<T>{
                           plan_, x.data() + p * plan_.ny * plan_.nx, coefficients});
      sum += detail::total(ex, plan_.coefficients, detail::magnitudes<T>{coefficients});
    }
    return weight_ * sum;
  }
  void prox(const Ex& ex, in_of<base> x, double sigma, out_of<base> out) const {
    auto plan = plan_;
    if (calls_) {
      const auto by = linop::random_shift(plan, seed_, (*calls_)++);
      plan.shift(by.y, by.x);
    }
    linop::wavelet_threshold(ex, plan, x, out, T(sigma * weight_));
  }

 private:
  double weight_;
  linop::wavelet_plan<T> plan_;
  std::uint64_t seed_;
  std::shared_ptr<std::uint64_t> calls_;
};

template <class T, ExecutionSpace Ex>
struct specimen<wavelet_l1<T, 4, Ex>> {
  static auto make(const Ex&, size_class s, std::uint64_t) {
    const shape<4> d = domain(s);
    return wavelet_l1<T, 4, Ex>(0.6, d[2], d[3],
                                {.wavelet = s == size_class::odd ? "haar" : "dau2", .levels = 2});
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using wavelet_specimens = type_list<wavelet_l1<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
