// SPDX-License-Identifier: Apache-2.0
/// \file
/// Shapes of operators that are put together at run time, and their leaves: masks, transforms.

#include "node.hpp"

namespace binding {

using cardiomm::require;
using cardiomm::shape_error;
using cardiomm::workspace;

std::string text_of(const some_dims& d) {
  if (!d) return "(...)";
  std::string text = "(";
  for (std::size_t i = 0; i < d->size(); ++i)
    text += (i ? ", " : "") + ((*d)[i] == cardiomm::open ? "*" : std::to_string((*d)[i]));
  return text + (d->size() == 1 ? ",)" : ")");
}
dims dims_of(const any_in& x) {
  dims d;
  for (std::size_t i = 0; i < x.ndim(); ++i) d.push_back(index_t(x.shape(i)));
  return d;
}
index_t size_of(const dims& d) {
  index_t n = 1;
  for (const index_t e : d) n *= e;
  return n;
}
void merge_dims(some_dims& a, some_dims& b, const std::string& who) {
  if (!a) a = b;
  if (!b) b = a;
  if (!a) return;
  const auto a0 = a, b0 = b;
  require<shape_error>(a->size() == b->size(), who, ": expected shape ", text_of(a0), ", found ",
                       text_of(b0));
  for (std::size_t i = 0; i < a->size(); ++i) {
    index_t &x = (*a)[i], &y = (*b)[i];
    require<shape_error>(x == cardiomm::open || y == cardiomm::open || x == y, who,
                         ": expected shape ", text_of(a0), ", found ", text_of(b0));
    if (x == cardiomm::open) x = y;
    y = x;
  }
}

mask_node::mask_node(const cardiomm::host_tensor<std::uint8_t, 3>& mask)
    : sampling_([&]() -> std::variant<line, point> {
        const shape<3> s = cardiomm::shape_of(mask);
        bool lines = true;
        const auto marks =
            cardiomm::make_tensor<std::uint8_t>(cardiomm::host_space(), shape{s[0], s[1]});
        for (index_t row = 0; row < s[0] * s[1]; ++row) {
          const std::uint8_t* m = mask.data() + row * s[2];
          marks.data()[row] = m[0];
          for (index_t x = 1; x < s[2]; ++x) lines = lines && (m[x] != 0) == (m[0] != 0);
        }
        if (lines) return line(marks);
        return point(mask);
      }()),
      inner_(std::visit(
          [](const auto& m) -> node_ptr {
            return std::make_shared<leaf<std::remove_cvref_t<decltype(m)>>>(m);
          },
          sampling_)) {}

void fourier_node::unify(some_dims& d, some_dims& r) const {
  merge_dims(d, r, name());
  if (d) axes_of(*d);
}
std::vector<int> fourier_node::axes_of(const dims& d) const {
  std::vector<int> axes = axes_;
  const int rank = int(d.size());
  for (int& a : axes) {
    require<shape_error>(-rank <= a && a < rank, "fourier: axes: expected -", rank, " to ",
                         rank - 1, " for an array of shape ", text_of(d), ", found ", a);
    if (a < 0) a += rank;
  }
  return axes;
}
void fourier_node::run(const space& ex, bool inverse, const C* x, const dims& d, C* y, const dims&,
                       C alpha, bool add) const {
  if (!add && alpha == C(1)) return transform_axes(ex, d, axes_of(d), inverse, true, true, x, y);
  workspace<space>::frame scratch(workspace<space>::of(ex));
  C* z = scratch.take<C>(size_of(d));
  transform_axes(ex, d, axes_of(d), inverse, true, true, x, z);
  scale_into(ex, z, y, size_of(d), alpha, add);
}

}  // namespace binding
