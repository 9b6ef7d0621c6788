// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_OPERATOR_LAYER_HPP
#define CARDIOMM_NN_OPERATOR_LAYER_HPP
/// \file
/// Any linear operator as a layer of complex tensors, whose backward is the operator's adjoint:
///
///     auto l = nn::linear_layer(linop::wavelet<float>(...)) | nn::linear_layer(linop::adjoint(W));

#include "cardiomm/linop/diagonal.hpp"
#include "cardiomm/nn/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// y = A x; dx = A^H dy (gradients are dL/dRe + i dL/dIm). Keeps a copy of A, no parameters.
template <linop::LinearOperator A>
class linear_layer : public layer<linear_layer<A>, typename A::value_type, A::domain_rank,
                                  A::range_rank, typename A::execution_space> {
 public:
  using base = layer<linear_layer, typename A::value_type, A::domain_rank, A::range_rank,
                     typename A::execution_space>;
  using Ex = typename A::execution_space;
  static constexpr const char* name = "linear_layer";
  static constexpr bool inplace_ok = A::inplace_ok;

  explicit linear_layer(A a) : operator_(std::move(a)) {}
  const A& linear_operator() const { return operator_; }

  shape<A::range_rank> output(const shape<A::domain_rank>& in) const {
    return operator_.range_for(in);
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    linop::apply(ex, operator_, x, y);
  }
  void backward(const Ex& ex, const typename base::in&, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    if (dx.data()) linop::apply_adjoint(ex, operator_, dy, dx);
  }

 private:
  A operator_;
};

/// An operator's specimen is its layer's.
template <class A>
struct specimen<linear_layer<A>> {
  static linear_layer<A> make(const typename A::execution_space& ex, linop::size_class s,
                              std::uint64_t seed) {
    return linear_layer<A>(linop::specimen<A>::make(ex, s, seed));
  }
  static auto domain(linop::size_class s) { return linop::specimen<A>::domain(s); }
};
template <class T, ExecutionSpace Ex>
using operator_layer_specimens = linop::type_list<linear_layer<linop::diagonal<complex<T>, 4, Ex>>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
