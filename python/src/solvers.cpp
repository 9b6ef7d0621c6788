// SPDX-License-Identifier: Apache-2.0
/// \file
/// Solvers on operators that were put together in Python.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include "cardiomm/solve/cg.hpp"
#include "cardiomm/solve/fista.hpp"
#include "node.hpp"
#include "prox.hpp"

namespace binding {

namespace {

/// A self-adjoint node as an operator of five axes, (system, 1, 1, 1, number) or an image's.
class square_operator
    : public cardiomm::linop::linear_operator<square_operator, float, 5, 5, space> {
  using base = cardiomm::linop::linear_operator<square_operator, float, 5, 5, space>;

 public:
  static constexpr const char* name = "operator";
  static constexpr bool self_adjoint = true;
  square_operator(node_ptr op, dims real, const shape<5>& s)
      : op_(std::move(op)), real_(std::move(real)), shape_(s) {}
  void unify(shape<5>& d, shape<5>& r) const {
    auto own = shape_;
    cardiomm::linop::merge(own, d, name);
    cardiomm::linop::merge(d, r, name);
  }
  void apply(const space& ex, cardiomm::linop::domain_in<base> x,
             cardiomm::linop::range_out<base> y, cardiomm::linop::acc_of<base> acc) const {
    op_->apply(ex, x.data(), real_, y.data(), real_, acc.alpha, acc.add);
  }
  void apply_adjoint(const space& ex, cardiomm::linop::range_in<base> y,
                     cardiomm::linop::domain_out<base> x, cardiomm::linop::acc_of<base> acc) const {
    apply(ex, y, x, acc);
  }
  const void* id() const { return op_.get(); }

 private:
  node_ptr op_;
  dims real_;
  shape<5> shape_;
};

/// Throws shape_error unless op maps arrays of shape s to such.
void check_square(const char* who, const node& op, const dims& s) {
  some_dims d = s, r = s;
  op.unify(d, r);
  cardiomm::require<cardiomm::shape_error>(d == some_dims(s) && r == some_dims(s), who,
                                           ": expected an operator from shape ", text_of(s),
                                           " to itself, found ", op.name());
}

}  // namespace

void bind_solvers(nb::module_& m) {
  m.def(
      "cg",
      [](const operator_handle& a, const any_in& b, const any_out& x, int iterations,
         double tolerance, int systems, bool zero_start, nb::object callback) {
        const dims s = dims_of(b);
        check_square("cg", *a.op, s);
        index_t batch = 1;
        for (int i = 0; i < systems; ++i) batch *= s[std::size_t(i)];
        const shape<5> five{{batch, 1, 1, 1, size_of(s) / batch}};
        cardiomm::solve::cg_options o;
        o.iterations = iterations;
        o.tolerance = tolerance;
        o.batch_axes = 1;
        o.zero_start = zero_start;
        o.monitor = monitor_of(callback);
        const auto report = computed([&] {
          const space ex;
          const auto end = cardiomm::solve::cg(
              ex, square_operator(a.op, s, five), cardiomm::borrow(ex, data_of(b.data()), five),
              cardiomm::borrow(ex, reinterpret_cast<C*>(x.data()), five), o);
          ex.fence();
          return end;
        });
        return to_tuple(report);
      },
      "a"_a, nb::arg("b").noconvert(), nb::arg("x").noconvert(), "iterations"_a, "tolerance"_a,
      "systems"_a, "zero_start"_a, "callback"_a.none(), "Solves a x = b in place of x.");
  m.def(
      "fista",
      [](const operator_handle& a, const prox_handle& p, const complex_in<5>& b, const any_out& x,
         const dims& real, int iterations, double tolerance, double step, bool accelerate,
         nb::object callback) {
        check_square("fista", *a.op, real);
        const auto right = view_of(b);
        const shape<5> five = cardiomm::shape_of(right);
        cardiomm::solve::fista_options o;
        o.iterations = iterations;
        o.tolerance = tolerance;
        o.step = step;
        o.accelerate = accelerate;
        o.monitor = monitor_of(callback);
        const auto report = computed([&] {
          const space ex;
          const auto end = cardiomm::solve::fista(
              ex, square_operator(a.op, real, five), any_prox(p.make(five, true)), right,
              cardiomm::borrow(ex, reinterpret_cast<C*>(x.data()), five), o);
          ex.fence();
          return end;
        });
        return to_tuple(report);
      },
      "a"_a, "prox"_a, nb::arg("b").noconvert(), nb::arg("x").noconvert(), "shape"_a,
      "iterations"_a, "tolerance"_a, "step"_a, "accelerate"_a, "callback"_a.none(),
      "Minimises 1/2 <x, a x> - Re <b, x> + P(x) in place of x.");
  m.def(
      "largest_eigenvalue",
      [](const operator_handle& a, const dims& s, int iterations, double tolerance) {
        check_square("largest_eigenvalue", *a.op, s);
        const shape<5> five{{1, 1, 1, 1, size_of(s)}};
        const computing now;
        return cardiomm::linop::largest_eigenvalue(space(), square_operator(a.op, s, five), five,
                                                   {iterations, 1, tolerance});
      },
      "a"_a, "shape"_a, "iterations"_a, "tolerance"_a);
}

}  // namespace binding
