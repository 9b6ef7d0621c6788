// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_NUCLEAR_HPP
#define CARDIOMM_PROX_NUCLEAR_HPP
/// \file
/// Nuclear norms: w times the sum of the singular values of a batch of matrices, or of the Casorati
/// matrix (pixel, frame) of an image series (global low rank; Liang 2007, Otazo et al. 2015). prox
/// is the soft threshold of the singular values.
///
/// Cost: the data are read once (matrices) or twice (series) and written once; see
/// la/block_threshold.hpp and la/casorati_threshold.hpp.

#include "cardiomm/core/random.hpp"
#include "cardiomm/la/casorati_threshold.hpp"
#include "cardiomm/prox/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

/// w times the sum of the singular values of matrices (batch, row, column). Meant for small
/// matrices, whose smaller side is some tens.
template <class T, ExecutionSpace Ex = default_space>
class nuclear : public proximal_operator<nuclear<T, Ex>, T, 3, Ex> {
  using C = complex<T>;

 public:
  static constexpr const char* name = "nuclear";

  /// Throws value_error if the weight is negative.
  explicit nuclear(double weight) : weight_(weight) {
    require(weight >= 0, name, ": weight: expected at least 0, found ", weight);
  }
  double value(const Ex& ex, view<const C, 3, Ex> x) const {
    return weight_ * la::nuclear_norm_of_blocks(ex, la::matrix_blocks(shape_of(x)), x);
  }
  void prox(const Ex& ex, view<const C, 3, Ex> x, double sigma, view<C, 3, Ex> out) const {
    la::threshold_singular_values(ex, x, out, sigma * weight_);
  }
  double weight() const { return weight_; }

 private:
  double weight_;
};

/// w times the sum of the singular values of the Casorati matrix of a series (frame, slice, y, x):
/// of all pixels together, or of every slice by itself.
template <class T, ExecutionSpace Ex = default_space>
class casorati_nuclear : public proximal_operator<casorati_nuclear<T, Ex>, T, 4, Ex> {
  using C = complex<T>;

 public:
  static constexpr const char* name = "casorati_nuclear";
  /// Of `value`, a sum of roots of eigenvalues, where singular values vanish.
  static constexpr double accuracy = 3e-9;

  /// Throws value_error if the weight is negative.
  explicit casorati_nuclear(double weight, bool joint = true) : weight_(weight), joint_(joint) {
    require(weight >= 0, name, ": weight: expected at least 0, found ", weight);
  }
  double value(const Ex& ex, view<const C, 4, Ex> x) const {
    return weight_ * la::nuclear_norm_of_casorati(ex, x, joint_);
  }
  void prox(const Ex& ex, view<const C, 4, Ex> x, double sigma, view<C, 4, Ex> out) const {
    la::threshold_casorati(ex, x, out, sigma * weight_, joint_);
  }
  double weight() const { return weight_; }
  bool joint() const { return joint_; }

 private:
  double weight_;
  bool joint_;
};

template <class T, ExecutionSpace Ex>
struct specimen<nuclear<T, Ex>> {
  static nuclear<T, Ex> make(const Ex&, size_class, std::uint64_t) { return nuclear<T, Ex>(0.8); }
  static shape<3> domain(size_class s) {
    const shape<4> i = specimen_image(s);
    return {{i[0] * i[1], i[2], i[3]}};
  }
};
template <class T, ExecutionSpace Ex>
struct specimen<casorati_nuclear<T, Ex>> {
  static casorati_nuclear<T, Ex> make(const Ex&, size_class s, std::uint64_t) {
    return casorati_nuclear<T, Ex>(1.5, s != size_class::odd);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using nuclear_specimens = type_list<nuclear<T, Ex>, casorati_nuclear<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
