// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PYTHON_PROX_HPP
#define CARDIOMM_PYTHON_PROX_HPP
/// \file
/// Proximal operators that are chosen at run time, on images (set, frame, slice, y, x).

#include <functional>
#include <memory>

#include "binding.hpp"
#include "cardiomm/prox/concept.hpp"

namespace binding {

class prox_node : private holder_token {
 public:
  virtual ~prox_node() = default;
  virtual double value(const space& ex, cardiomm::view<const C, 5> x) const = 0;
  virtual void prox(const space& ex, cardiomm::view<const C, 5> x, double sigma,
                    cardiomm::view<C, 5> out) const = 0;
};

template <class P>
class prox_leaf final : public prox_node {
 public:
  explicit prox_leaf(P p) : p_(std::move(p)) {}
  double value(const space& ex, cardiomm::view<const C, 5> x) const override {
    return cardiomm::prox::value(ex, p_, x);
  }
  void prox(const space& ex, cardiomm::view<const C, 5> x, double sigma,
            cardiomm::view<C, 5> out) const override {
    cardiomm::prox::apply(ex, p_, x, sigma, out);
  }

 private:
  P p_;
};

/// A function with its weight, made for a shape when that is known; `inner` as in a solver, whose
/// calls go on where the last one ended.
struct prox_handle {
  using maker = std::function<std::shared_ptr<const prox_node>(const shape<5>&, bool inner)>;
  std::string name;
  maker make;
};

/// What solvers take, so that they are compiled once.
class any_prox : public cardiomm::prox::proximal_operator<any_prox, float, 5, space> {
 public:
  static constexpr const char* name = "prox";
  explicit any_prox(std::shared_ptr<const prox_node> p) : p_(std::move(p)) {}
  double value(const space& ex, cardiomm::view<const C, 5> x) const { return p_->value(ex, x); }
  void prox(const space& ex, cardiomm::view<const C, 5> x, double sigma,
            cardiomm::view<C, 5> out) const {
    p_->prox(ex, x, sigma, out);
  }

 private:
  std::shared_ptr<const prox_node> p_;
};

}  // namespace binding

#endif
