// SPDX-License-Identifier: Apache-2.0
/// \file
/// Operators that are put together at run time: scalings, sums, chains, adjoints, grams, Python's
/// own.

#include "node.hpp"

#include <nanobind/stl/complex.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace binding {

using cardiomm::require;
using cardiomm::shape_error;
using cardiomm::workspace;

namespace {

struct scale_kernel {
  static constexpr const char* name = "cardiomm::python::scale";
  const C* x;
  C* y;
  cardiomm::linop::accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) acc.put(y[i], x[i]);
  }
};

/// y = w x with extents of one in w repeated; w has as many axes as x.
struct multiply_kernel {
  static constexpr const char* name = "cardiomm::python::multiply";
  static constexpr int most = 8;
  const C* w;
  const C* x;
  C* y;
  index_t extent[most], step[most];
  int rank;
  bool conjugate;
  cardiomm::linop::accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    index_t rest = row, at = 0;
    for (int i = rank - 2; i >= 0; --i) {
      at += rest % extent[i] * step[i];
      rest /= extent[i];
    }
    const index_t n = extent[rank - 1], s = step[rank - 1];
    for (index_t i = first; i < last; ++i) {
      const C a = w[at + i * s], b = x[row * n + i];
      acc.put(y[row * n + i], conjugate ? cardiomm::conj_mul(a, b) : cardiomm::mul(a, b));
    }
  }
};

class identity_node final : public node {
 public:
  std::string name() const override { return "identity"; }
  bool self_adjoint() const override { return true; }
  void unify(some_dims& d, some_dims& r) const override { merge_dims(d, r, name()); }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims&, C alpha,
             bool add) const override {
    scale_into(ex, x, y, size_of(d), alpha, add);
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims&, C alpha,
               bool add) const override {
    scale_into(ex, y, x, size_of(r), alpha, add);
  }
  node_ptr gram() const override { return shared_from_this(); }
};

class multiply_node final : public node {
 public:
  explicit multiply_node(const any_in& w) : w_(w), weights_(data_of(w.data())) {
    for (std::size_t i = 0; i < w.ndim(); ++i) own_.push_back(index_t(w.shape(i)));
    require<shape_error>(!own_.empty() && own_.size() <= multiply_kernel::most,
                         "multiply: expected weights of 1 to ", multiply_kernel::most,
                         " axes, found ", own_.size());
  }
  std::string name() const override { return "multiply"; }
  void unify(some_dims& d, some_dims& r) const override {
    some_dims own = own_;
    for (index_t& n : *own)
      if (n == 1) n = cardiomm::open;
    merge_dims(own, d, name());
    merge_dims(d, r, name());
  }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims&, C alpha,
             bool add) const override {
    run(ex, x, d, y, false, alpha, add);
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims&, C alpha,
               bool add) const override {
    run(ex, y, r, x, true, alpha, add);
  }

 private:
  void run(const space& ex, const C* x, const dims& d, C* y, bool conjugate, C alpha,
           bool add) const {
    multiply_kernel k{weights_, x, y, {}, {}, int(d.size()), conjugate, {alpha, add}};
    index_t step = 1;
    for (std::size_t i = d.size(); i-- > 0;) {
      k.extent[i] = d[i];
      k.step[i] = own_[i] == 1 ? 0 : step;
      step *= own_[i];
    }
    cardiomm::launch::rows(ex, d.back() > 0 ? size_of(d) / d.back() : 0, d.back(), k);
  }
  any_in w_;  // keeps the array
  const C* weights_;
  dims own_;
};

class scaled_node final : public node {
 public:
  scaled_node(C s, node_ptr a) : s_(s), a_(std::move(a)) {}
  std::string name() const override { return a_->name(); }
  bool self_adjoint() const override { return s_.imag() == 0 && a_->self_adjoint(); }
  void unify(some_dims& d, some_dims& r) const override { a_->unify(d, r); }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims& r, C alpha,
             bool add) const override {
    a_->apply(ex, x, d, y, r, s_ * alpha, add);
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
               bool add) const override {
    a_->adjoint(ex, y, r, x, d, C(s_.real(), -s_.imag()) * alpha, add);
  }
  node_ptr gram() const override {
    return std::make_shared<scaled_node>(C(cardiomm::abs2(s_)), a_->gram());
  }

 private:
  C s_;
  node_ptr a_;
};

class sum_node final : public node {
 public:
  sum_node(node_ptr a, node_ptr b) : a_(std::move(a)), b_(std::move(b)) {}
  std::string name() const override { return a_->name() + " + " + b_->name(); }
  bool self_adjoint() const override { return a_->self_adjoint() && b_->self_adjoint(); }
  void unify(some_dims& d, some_dims& r) const override {
    for (int i = 0; i < 2; ++i) {  // what b settles may help a
      a_->unify(d, r);
      b_->unify(d, r);
    }
  }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims& r, C alpha,
             bool add) const override {
    a_->apply(ex, x, d, y, r, alpha, add);
    b_->apply(ex, x, d, y, r, alpha, true);
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
               bool add) const override {
    a_->adjoint(ex, y, r, x, d, alpha, add);
    b_->adjoint(ex, y, r, x, d, alpha, true);
  }

 private:
  node_ptr a_, b_;
};

class adjoint_node final : public node {
 public:
  explicit adjoint_node(node_ptr a) : a_(std::move(a)) {}
  std::string name() const override { return "adjoint of " + a_->name(); }
  void unify(some_dims& d, some_dims& r) const override { a_->unify(r, d); }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims& r, C alpha,
             bool add) const override {
    a_->adjoint(ex, x, d, y, r, alpha, add);
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
               bool add) const override {
    a_->apply(ex, y, r, x, d, alpha, add);
  }
  const node_ptr& of() const { return a_; }

 private:
  node_ptr a_;
};

class gram_node final : public node {
 public:
  explicit gram_node(node_ptr a) : a_(std::move(a)) {}
  std::string name() const override { return "gram of " + a_->name(); }
  bool self_adjoint() const override { return true; }
  void unify(some_dims& d, some_dims& r) const override {
    merge_dims(d, r, name());
    some_dims middle;
    a_->unify(d, middle);
    r = d;
  }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims&, C alpha,
             bool add) const override {
    some_dims from = d, middle;
    a_->unify(from, middle);
    workspace<space>::frame scratch(workspace<space>::of(ex));
    C* z = scratch.take<C>(size_of(*middle));
    a_->apply(ex, x, d, z, *middle, C(1), false);
    a_->adjoint(ex, z, *middle, y, d, alpha, add);
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
               bool add) const override {
    apply(ex, y, r, x, d, alpha, add);
  }

 private:
  node_ptr a_;
};

/// operators[0] operators[1] ... : the last one is applied first.
class chain_node final : public node {
 public:
  explicit chain_node(std::vector<node_ptr> operators) : all_(std::move(operators)) {}
  std::string name() const override {
    std::string text;
    for (const node_ptr& a : all_) text += (text.empty() ? "" : " * ") + a->name();
    return text;
  }
  const std::vector<node_ptr>& operators() const { return all_; }
  void unify(some_dims& d, some_dims& r) const override {
    std::vector<some_dims> between = shapes(d, r);
    d = between.back();
    r = between.front();
  }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims& r, C alpha,
             bool add) const override {
    const auto between = shapes(d, r);
    workspace<space>::frame scratch(workspace<space>::of(ex));
    for (std::size_t i = all_.size(); i-- > 0;) {
      const dims &from = *between[i + 1], &to = *between[i];
      C* out = i == 0 ? y : scratch.take<C>(size_of(to));
      all_[i]->apply(ex, x, from, out, to, i == 0 ? alpha : C(1), i == 0 && add);
      x = out;
    }
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
               bool add) const override {
    const auto between = shapes(d, r);
    workspace<space>::frame scratch(workspace<space>::of(ex));
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const bool last = i + 1 == all_.size();
      C* out = last ? x : scratch.take<C>(size_of(*between[i + 1]));
      all_[i]->adjoint(ex, y, *between[i], out, *between[i + 1], last ? alpha : C(1), last && add);
      y = out;
    }
  }

 private:
  /// Shapes before, between and behind the operators: [0] is the range, the last the domain.
  std::vector<some_dims> shapes(const some_dims& d, const some_dims& r) const {
    std::vector<some_dims> s(all_.size() + 1);
    s.front() = r;
    s.back() = d;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t i = all_.size(); i-- > 0;) all_[i]->unify(s[i + 1], s[i]);
      for (std::size_t i = 0; i < all_.size(); ++i) all_[i]->unify(s[i + 1], s[i]);
    }
    return s;
  }
  std::vector<node_ptr> all_;
};

/// An operator whose two directions are Python functions of arrays.
class python_node final : public node {
 public:
  python_node(std::string name, dims domain, dims range, nb::callable forward,
              nb::callable backward)
      : name_(std::move(name)),
        domain_(std::move(domain)),
        range_(std::move(range)),
        forward_(std::move(forward)),
        backward_(std::move(backward)) {}
  std::string name() const override { return name_; }
  void unify(some_dims& d, some_dims& r) const override {
    some_dims a = domain_, b = range_;
    merge_dims(a, d, name_ + ": input");
    merge_dims(b, r, name_ + ": output");
  }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims& r, C alpha,
             bool add) const override {
    call(ex, forward_, x, d, y, r, alpha, add);
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
               bool add) const override {
    call(ex, backward_, y, r, x, d, alpha, add);
  }

 private:
  void call(const space& ex, const nb::callable& f, const C* x, const dims& d, C* y, const dims& r,
            C alpha, bool add) const {
    ex.fence();
    const nb::gil_scoped_acquire lock;
    const std::vector<std::size_t> from(d.begin(), d.end());
    // A copy, since the function may keep what it is given.
    const nb::object given =
        nb::cast(nb::ndarray<nb::numpy, const std::complex<float>>(
                     reinterpret_cast<const std::complex<float>*>(x), from.size(), from.data()),
                 nb::rv_policy::copy);
    const nb::object answer = f(given);
    any_in result;
    const bool fits = nb::try_cast(answer, result, false) && result.ndim() == r.size();
    bool same = fits;
    for (std::size_t i = 0; same && i < r.size(); ++i) same = index_t(result.shape(i)) == r[i];
    if (!same)
      throw nb::type_error((name_ + ": expected the function to return a C-contiguous array of " +
                            "complex64 of shape " + text_of(r) + ", found another " +
                            nb::cast<std::string>(nb::str(answer.type().attr("__name__"))))
                               .c_str());
    scale_into(ex, data_of(result.data()), y, size_of(r), alpha, add);
    ex.fence();
  }
  std::string name_;
  dims domain_, range_;
  nb::callable forward_, backward_;
};

/// A chain without brackets, in which known patterns became one operator.
node_ptr compose(const std::vector<operator_handle>& list) {
  std::vector<node_ptr> flat;
  for (const auto& h : list) {
    if (const auto* c = dynamic_cast<const chain_node*>(h.op.get()))
      flat.insert(flat.end(), c->operators().begin(), c->operators().end());
    else
      flat.push_back(h.op);
  }
  for (std::size_t i = 0; i + 1 < flat.size(); ++i) {
    node_ptr fused;
    std::size_t count = 2;
    if (const auto* coils = dynamic_cast<const maps_node*>(flat[i + 1].get())) {
      fused = fuse_nufft(*flat[i], *coils);
    } else if (i + 2 < flat.size()) {
      const auto* mask = dynamic_cast<const mask_node*>(flat[i].get());
      const auto* transform = dynamic_cast<const fourier_node*>(flat[i + 1].get());
      const auto* maps = dynamic_cast<const maps_node*>(flat[i + 2].get());
      if (mask && transform && maps && transform->planar()) fused = fuse_encoding(*mask, *maps);
      count = 3;
    }
    if (!fused) continue;
    flat.erase(flat.begin() + std::ptrdiff_t(i), flat.begin() + std::ptrdiff_t(i + count));
    flat.insert(flat.begin() + std::ptrdiff_t(i), fused);
  }
  node_ptr made =
      flat.size() == 1 ? flat.front() : node_ptr(std::make_shared<chain_node>(std::move(flat)));
  some_dims d, r;
  made->unify(d, r);  // shapes that cannot fit are found here
  return made;
}

nb::object tuple_of(const some_dims& d) {
  if (!d) return nb::none();
  nb::list l;
  for (const index_t n : *d) {
    if (n == cardiomm::open)
      l.append(nb::none());
    else
      l.append(n);
  }
  return nb::tuple(l);
}
/// The shapes with all axes, where the operator takes several ranks but not any.
void settle_rank(const node& a, some_dims& d, some_dims& r) {
  for (int rank = 8; rank > 0; --rank) {
    some_dims from = dims(std::size_t(rank), cardiomm::open), to;
    try {
      a.unify(from, to);
    } catch (const shape_error&) {
      continue;
    }
    if (rank == 8) return;
    d = from;
    r = to;
    return;
  }
}
/// The other side's shape of an array on one side.
dims other_side(const node& a, const dims& from, bool adjoint) {
  some_dims d, r;
  (adjoint ? r : d) = from;
  a.unify(d, r);
  const some_dims& to = adjoint ? d : r;
  bool known = to.has_value();
  for (std::size_t i = 0; known && i < to->size(); ++i) known = (*to)[i] != cardiomm::open;
  require<shape_error>(known, a.name(), ": the output shape ", text_of(to), " for the input shape ",
                       text_of(from), " is not settled; give the operator its extents");
  return *to;
}

}  // namespace

node_ptr node::gram() const { return std::make_shared<gram_node>(shared_from_this()); }

void scale_into(const space& ex, const C* x, C* y, index_t n, C alpha, bool add) {
  cardiomm::launch::segments(ex, n, scale_kernel{x, y, {alpha, add}});
}

node_ptr fourier_node::gram() const { return std::make_shared<identity_node>(); }

void bind_operators(nb::module_& m) {
  nb::class_<operator_handle>(m, "Operator", "A linear operator; cardiomm.LinearOperator wraps it.")
      .def_prop_ro("name", [](const operator_handle& h) { return h.op->name(); })
      .def_prop_ro("self_adjoint", [](const operator_handle& h) { return h.op->self_adjoint(); })
      .def(
          "shapes",
          [](const operator_handle& h, std::optional<dims> d, std::optional<dims> r) {
            h.op->unify(d, r);
            if (!d && !r) settle_rank(*h.op, d, r);
            return nb::make_tuple(tuple_of(d), tuple_of(r));
          },
          "domain"_a.none() = nb::none(), "range"_a.none() = nb::none(),
          "(domain, range); None for what is open.")
      .def(
          "output_shape",
          [](const operator_handle& h, const dims& d, bool adjoint) {
            return other_side(*h.op, d, adjoint);
          },
          "shape"_a, "adjoint"_a)
      .def(
          "apply",
          [](const operator_handle& h, const any_in& x, const any_out& y, bool adjoint) {
            const dims from = dims_of(x), to = other_side(*h.op, from, adjoint);
            dims found;
            for (std::size_t i = 0; i < y.ndim(); ++i) found.push_back(index_t(y.shape(i)));
            require<shape_error>(found == to, h.op->name(), ": out: expected shape ", text_of(to),
                                 ", found ", text_of(found));
            const C *a = data_of(x.data()), *b = data_of(std::as_const(y).data());
            require(a + size_of(from) <= b || b + size_of(to) <= a, h.op->name(),
                    ": out: expected memory apart from the input, found overlapping arrays");
            const computing now;
            const space ex;
            C* out = reinterpret_cast<C*>(y.data());
            if (adjoint)
              h.op->adjoint(ex, a, from, out, to, C(1), false);
            else
              h.op->apply(ex, a, from, out, to, C(1), false);
            ex.fence();
          },
          nb::arg("x").noconvert(), nb::arg("y").noconvert(), "adjoint"_a)
      .def("gram", [](const operator_handle& h) { return operator_handle{h.op->gram()}; })
      .def("adjoint", [](const operator_handle& h) {
        if (h.op->self_adjoint()) return h;
        if (const auto* a = dynamic_cast<const adjoint_node*>(h.op.get()))
          return operator_handle{a->of()};
        return operator_handle{std::make_shared<adjoint_node>(h.op)};
      });
  m.def("op_identity", [] { return operator_handle{std::make_shared<identity_node>()}; });
  m.def(
      "op_fourier",
      [](std::vector<int> axes) {
        return operator_handle{std::make_shared<fourier_node>(std::move(axes))};
      },
      "axes"_a);
  m.def(
      "op_mask",
      [](const mask_in& mask) {
        const computing now;
        return operator_handle{std::make_shared<mask_node>(mask_of(mask))};
      },
      nb::arg("mask").noconvert());
  m.def(
      "op_multiply",
      [](const any_in& w) { return operator_handle{std::make_shared<multiply_node>(w)}; },
      nb::arg("weights").noconvert());
  m.def(
      "op_scale",
      [](std::complex<double> s, const operator_handle& a) {
        return operator_handle{
            std::make_shared<scaled_node>(C(float(s.real()), float(s.imag())), a.op)};
      },
      "factor"_a, "a"_a);
  m.def(
      "op_sum",
      [](const operator_handle& a, const operator_handle& b) {
        const auto made = std::make_shared<sum_node>(a.op, b.op);
        some_dims d, r;
        made->unify(d, r);
        return operator_handle{made};
      },
      "a"_a, "b"_a);
  m.def(
      "op_compose",
      [](const std::vector<operator_handle>& list) {
        const computing now;
        return operator_handle{compose(list)};
      },
      "operators"_a);
  m.def(
      "op_python",
      [](std::string name, dims domain, dims range, nb::callable forward, nb::callable backward) {
        return operator_handle{std::make_shared<python_node>(std::move(name), std::move(domain),
                                                             std::move(range), std::move(forward),
                                                             std::move(backward))};
      },
      "name"_a, "domain"_a, "range"_a, "forward"_a, "backward"_a);
}

}  // namespace binding
