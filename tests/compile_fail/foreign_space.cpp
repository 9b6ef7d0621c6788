// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: the operands belong to different execution spaces; build both for one space
#include "cardiomm/linop/chain.hpp"

using namespace cardiomm;

// A second host space stands for any foreign one, whatever back-ends are enabled.
struct elsewhere : host_space {
  using execution_space = elsewhere;
};

int main() {
  linop::identity_op<float, 4, host_space> here;
  linop::identity_op<float, 4, elsewhere> there;
  auto a = here + there;
  (void)a;
}
