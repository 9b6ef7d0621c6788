// SPDX-License-Identifier: Apache-2.0
// EXPECT: (use of|call to) deleted function .*borrow
#include "cardiomm/host/exchange.hpp"

using namespace cardiomm;

int main() {
  const auto image = host::borrow<2>(xt::xtensor<complex<float>, 2>({8, 8}));
  (void)image;
}
