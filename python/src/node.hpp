// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PYTHON_NODE_HPP
#define CARDIOMM_PYTHON_NODE_HPP
/// \file
/// Linear operators that are put together at run time. A `node` maps arrays whose rank is known at
/// run time; `leaf` makes one of an operator of the library. Leading axes of one may be left out:
/// an image is (y, x), (frame, y, x) or (frame, slice, y, x), and k-space with its coils likewise.

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "axes_transform.hpp"
#include "binding.hpp"
#include "cardiomm/core/blas1.hpp"
#include "cardiomm/linop/sampling.hpp"

namespace binding {

/// Extents, some of them `open`, or nothing where not even the rank is known.
using some_dims = std::optional<dims>;

std::string text_of(const some_dims& d);
index_t size_of(const dims& d);
dims dims_of(const any_in& x);
/// Makes two shapes equal. Throws shape_error.
void merge_dims(some_dims& a, some_dims& b, const std::string& who);

class node;
using node_ptr = std::shared_ptr<const node>;

class node : public std::enable_shared_from_this<node> {
 public:
  virtual ~node() = default;
  virtual std::string name() const = 0;
  /// Settles what is open from both sides. Throws shape_error.
  virtual void unify(some_dims& d, some_dims& r) const = 0;
  /// y = alpha A x, or y += alpha A x.
  virtual void apply(const space& ex, const C* x, const dims& d, C* y, const dims& r, C alpha,
                     bool add) const = 0;
  virtual void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
                       bool add) const = 0;
  /// A^H A.
  virtual node_ptr gram() const;
  /// Whether A^H = A.
  virtual bool self_adjoint() const { return false; }
};

/// Extents with the leading axes that were left out, and back. `lead` is the place of the frames.
struct axis_level {
  int left_out = 0;  ///< 1: no slice, 2: neither frame nor slice
  template <int R>
  shape<R> lift(const dims& d, int lead) const {
    shape<R> s{};
    for (int i = 0, j = 0; i < R; ++i) s[i] = dropped(i, lead) ? 1 : d[std::size_t(j++)];
    return s;
  }
  template <int R>
  shape<R> unknown(int lead) const {
    auto s = shape<R>::all_open();
    for (int i = 0; i < R; ++i)
      if (dropped(i, lead)) s[i] = 1;
    return s;
  }
  template <int R>
  dims lower(const shape<R>& s, int lead) const {
    dims d;
    for (int i = 0; i < R; ++i)
      if (!dropped(i, lead)) d.push_back(s[i]);
    return d;
  }

 private:
  bool dropped(int i, int lead) const {
    return (left_out > 0 && i == lead + 1) || (left_out > 1 && i == lead);
  }
};

/// An operator of the library. `lead` counts the axes before the frames in its domain; those of
/// several sets of maps.
template <class A>
class leaf final : public node, private holder_token {
 public:
  explicit leaf(A a, int lead = 0, node_ptr normal = nullptr, std::shared_ptr<void> kept = nullptr,
                std::string name = A::name)
      : op_(std::move(a)),
        lead_(lead),
        normal_(std::move(normal)),
        kept_(std::move(kept)),
        name_(std::move(name)) {}
  std::string name() const override { return name_; }
  bool self_adjoint() const override { return A::self_adjoint; }
  const A& op() const { return op_; }

  void unify(some_dims& d, some_dims& r) const override {
    if (!d && !r) return;
    const axis_level at = level(d, r);
    auto sd = d ? at.lift<DR>(*d, lead_) : at.unknown<DR>(lead_);
    auto sr = r ? at.lift<RR>(*r, range_lead()) : at.unknown<RR>(range_lead());
    op_.unify(sd, sr);
    d = at.lower<DR>(sd, lead_);
    r = at.lower<RR>(sr, range_lead());
  }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims& r, C alpha,
             bool add) const override {
    const axis_level at = level(d, r);
    op_.apply(ex, cardiomm::borrow(ex, x, at.lift<DR>(d, lead_)),
              cardiomm::borrow(ex, y, at.lift<RR>(r, range_lead())), {alpha, add});
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
               bool add) const override {
    const axis_level at = level(d, r);
    op_.apply_adjoint(ex, cardiomm::borrow(ex, y, at.lift<RR>(r, range_lead())),
                      cardiomm::borrow(ex, x, at.lift<DR>(d, lead_)), {alpha, add});
  }
  node_ptr gram() const override { return normal_ ? normal_ : node::gram(); }

 private:
  static constexpr int DR = A::domain_rank, RR = A::range_rank;
  int range_lead() const { return DR == RR ? lead_ : 0; }
  axis_level level(const some_dims& d, const some_dims& r) const {
    const int by_d = d ? DR - int(d->size()) : RR - int(r->size());
    const int by_r = r ? RR - int(r->size()) : by_d;
    cardiomm::require<cardiomm::shape_error>(
        by_d == by_r && by_d >= 0 && by_d <= (lead_ > 0 ? 0 : 2), name_, ": expected arrays of ",
        DR, lead_ > 0 ? "" : " axes, or without slice or without frame and slice,", " and of ", RR,
        ", found shapes ", text_of(d), " and ", text_of(r));
    return {by_d};
  }
  A op_;
  int lead_;
  node_ptr normal_;
  std::shared_ptr<void> kept_;  // the NumPy array whose memory the operator reads
  std::string name_;
};

/// Nodes that compositions look for.
class mask_node final : public node, private holder_token {
 public:
  using line = cardiomm::linop::line_mask<float, space>;
  using point = cardiomm::linop::point_mask<float, space>;
  explicit mask_node(const cardiomm::host_tensor<std::uint8_t, 3>& mask);
  std::string name() const override { return "mask"; }
  bool self_adjoint() const override { return true; }
  void unify(some_dims& d, some_dims& r) const override { inner_->unify(d, r); }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims& r, C alpha,
             bool add) const override {
    inner_->apply(ex, x, d, y, r, alpha, add);
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
               bool add) const override {
    inner_->apply(ex, y, r, x, d, alpha, add);
  }
  node_ptr gram() const override { return shared_from_this(); }
  const std::variant<line, point>& sampling() const { return sampling_; }

 private:
  std::variant<line, point> sampling_;
  node_ptr inner_;
};

class fourier_node final : public node {
 public:
  explicit fourier_node(std::vector<int> axes) : axes_(std::move(axes)) {}
  std::string name() const override { return "fourier"; }
  void unify(some_dims& d, some_dims& r) const override;
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims& r, C alpha,
             bool add) const override {
    run(ex, false, x, d, y, r, alpha, add);
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
               bool add) const override {
    run(ex, true, y, r, x, d, alpha, add);
  }
  node_ptr gram() const override;
  bool planar() const { return axes_ == std::vector<int>{-2, -1}; }

 private:
  std::vector<int> axes_of(const dims& d) const;
  void run(const space& ex, bool inverse, const C* x, const dims& d, C* y, const dims& r, C alpha,
           bool add) const;
  std::vector<int> axes_;
};

/// Multiplication by coil maps (set, slice or 1, coil, y, x), which are read where they are.
class maps_node final : public node {
 public:
  maps_node(const complex_in<5>& maps);
  std::string name() const override { return "sensitivity"; }
  void unify(some_dims& d, some_dims& r) const override { inner_->unify(d, r); }
  void apply(const space& ex, const C* x, const dims& d, C* y, const dims& r, C alpha,
             bool add) const override {
    inner_->apply(ex, x, d, y, r, alpha, add);
  }
  void adjoint(const space& ex, const C* y, const dims& r, C* x, const dims& d, C alpha,
               bool add) const override {
    inner_->adjoint(ex, y, r, x, d, alpha, add);
  }
  cardiomm::view<const C, 5> maps() const { return maps_; }
  const std::shared_ptr<void>& kept() const { return kept_; }

 private:
  cardiomm::view<const C, 5> maps_;
  std::shared_ptr<void> kept_;
  node_ptr inner_;
};

/// Fused kernels of mask * fourier * maps, and of nufft * maps; null where there are none.
node_ptr fuse_encoding(const mask_node& mask, const maps_node& maps);
node_ptr fuse_nufft(const node& transform, const maps_node& maps);

/// y = alpha x, or y += alpha x, of n numbers.
void scale_into(const space& ex, const C* x, C* y, index_t n, C alpha, bool add);

/// Operators as Python objects.
struct operator_handle {
  node_ptr op;
};

}  // namespace binding

#endif
