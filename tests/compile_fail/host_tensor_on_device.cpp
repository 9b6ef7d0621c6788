// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: the tensor lives in memory that the operator's execution space cannot reach;
#include "cardiomm/linop/chain.hpp"

using namespace cardiomm;

// Stands for a device, whatever back-ends are enabled: a space with memory of its own.
struct device_memory {
  using memory_space = device_memory;
  using execution_space = host_space;
  using device_type = Kokkos::Device<host_space, device_memory>;
  using size_type = std::size_t;
};
struct device : host_space {
  using execution_space = device;
  using memory_space = device_memory;
};

int main() {
  const linop::identity_op<float, 4, device> A;
  const auto image = zeros<complex<float>>(host_space(), shape{1, 1, 8, 8});
  linop::apply(device(), A, image, image);
}
