// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_ANY_HPP
#define CARDIOMM_LINOP_ANY_HPP
/// \file
/// Type-erased operator for pipelines that are put together at run time, and to stop the growth of
/// types. One virtual call an apply; the gram of the erased operator is built before the erasure,
/// so that fused kernels survive it.

#include <memory>

#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// Any operator with these ranks, precision and space. Copies share the operator.
template <class T, int DomainRank, int RangeRank, ExecutionSpace Ex = default_space>
class any_operator : public linear_operator<any_operator<T, DomainRank, RangeRank, Ex>, T,
                                            DomainRank, RangeRank, Ex> {
  using base = linear_operator<any_operator, T, DomainRank, RangeRank, Ex>;

 public:
  static constexpr const char* name = "any_operator";
  using gram_type = any_operator<T, DomainRank, DomainRank, Ex>;

  template <class A>
  requires OperatorLike<A> &&(!std::is_same_v<A, any_operator>)
      any_operator(A a)  // NOLINT(google-explicit-constructor): meant to convert
      : erased_(std::make_shared<holder<A>>(std::move(a))) {
    static_assert(A::domain_rank == DomainRank && A::range_rank == RangeRank,
                  "cardiomm: any_operator: the operator has other ranks");
    static_assert(
        std::is_same_v<typename A::execution_space, Ex> && std::is_same_v<typename A::real_type, T>,
        "cardiomm: any_operator: the operator has another precision or execution space");
  }

  void unify(shape<DomainRank>& d, shape<RangeRank>& r) const { erased_->unify(d, r); }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    erased_->apply(ex, x, y, acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    erased_->apply_adjoint(ex, y, x, acc);
  }
  const void* id() const { return erased_->id(); }
  /// gram of the operator inside, erased again.
  gram_type erased_gram() const { return erased_->make_gram(); }

 private:
  struct interface {
    virtual ~interface() = default;
    virtual void unify(shape<DomainRank>&, shape<RangeRank>&) const = 0;
    virtual void apply(const Ex&, domain_in<base>, range_out<base>, acc_of<base>) const = 0;
    virtual void apply_adjoint(const Ex&, range_in<base>, domain_out<base>, acc_of<base>) const = 0;
    virtual const void* id() const = 0;
    virtual gram_type make_gram() const = 0;
  };
  template <class A>
  struct holder final : interface {
    explicit holder(A a) : op(std::move(a)) {}
    void unify(shape<DomainRank>& d, shape<RangeRank>& r) const override { op.unify(d, r); }
    void apply(const Ex& ex, domain_in<base> x, range_out<base> y,
               acc_of<base> acc) const override {
      op.apply(ex, x, y, acc);
    }
    void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x,
                       acc_of<base> acc) const override {
      op.apply_adjoint(ex, y, x, acc);
    }
    const void* id() const override { return op.id(); }
    gram_type make_gram() const override {
      if constexpr (depth<A> < 2)
        return gram_type(gram(op));
      else  // grams of grams would nest types without end
        return gram_type(sandwich<identity_op<T, RangeRank, Ex>, any_operator>(
            identity_op<T, RangeRank, Ex>{}, any_operator(op)));
    }
    A op;
  };
  template <class A>
  struct nesting {
    static constexpr int value = 0;
  };
  template <class G, class A>
  struct nesting<sandwich<G, A>> {
    static constexpr int value = 1 + nesting<A>::value + nesting<G>::value;
  };
  template <class A>
  static constexpr int depth = nesting<A>::value;

  std::shared_ptr<const interface> erased_;
};

/// Any self-adjoint operator of rank R, such as gram(A). Solvers that take it are compiled once for
/// all encodings.
template <class T, int R, ExecutionSpace Ex = default_space>
class any_normal : public linear_operator<any_normal<T, R, Ex>, T, R, R, Ex> {
  using base = linear_operator<any_normal, T, R, R, Ex>;

 public:
  static constexpr const char* name = "any_normal";
  static constexpr bool self_adjoint = true;

  template <class N>
  requires OperatorLike<N> &&(!std::is_same_v<N, any_normal>)
      any_normal(N n)  // NOLINT(google-explicit-constructor): meant to convert
      : erased_(std::make_shared<holder<N>>(std::move(n))) {
    static_assert(N::self_adjoint && N::domain_rank == R,
                  "cardiomm: any_normal: expected a self-adjoint operator of this rank");
    static_assert(
        std::is_same_v<typename N::execution_space, Ex> && std::is_same_v<typename N::real_type, T>,
        "cardiomm: any_normal: the operator has another precision or execution space");
  }

  void unify(shape<R>& d, shape<R>& r) const { erased_->unify(d, r); }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    erased_->apply(ex, x, y, acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    erased_->apply(ex, y, x, acc);
  }
  const void* id() const { return erased_->id(); }

 private:
  struct interface {
    virtual ~interface() = default;
    virtual void unify(shape<R>&, shape<R>&) const = 0;
    virtual void apply(const Ex&, domain_in<base>, range_out<base>, acc_of<base>) const = 0;
    virtual const void* id() const = 0;
  };
  template <class N>
  struct holder final : interface {
    explicit holder(N n) : op(std::move(n)) {}
    void unify(shape<R>& d, shape<R>& r) const override { op.unify(d, r); }
    void apply(const Ex& ex, domain_in<base> x, range_out<base> y,
               acc_of<base> acc) const override {
      op.apply(ex, x, y, acc);
    }
    const void* id() const override { return op.id(); }
    N op;
  };

  std::shared_ptr<const interface> erased_;
};

template <class T, int DR, int RR, ExecutionSpace Ex>
struct gram_of<any_operator<T, DR, RR, Ex>> {
  static auto make(const any_operator<T, DR, RR, Ex>& a) { return a.erased_gram(); }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
