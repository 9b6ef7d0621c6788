// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: this operator lacks `apply_adjoint\(ex, y, x, acc\) const`; add it
#include "cardiomm/linop/chain.hpp"

using namespace cardiomm;

struct half : linop::linear_operator<half, float, 4, 4, host_space> {
  using base = linop::linear_operator<half, float, 4, 4, host_space>;
  static constexpr const char* name = "half";
  void unify(shape<4>& d, shape<4>& r) const { linop::merge(d, r, name); }
  void apply(const host_space&, linop::domain_in<base>, linop::range_out<base>,
             linop::acc_of<base>) const {}
  const void* id() const { return this; }
};

int main() {
  auto a = adjoint(half{});
  (void)a;
}
