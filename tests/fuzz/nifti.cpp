// SPDX-License-Identifier: Apache-2.0
#include "fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t n) {
  cardiomm_fuzz::nifti(std::string(reinterpret_cast<const char*>(data), n));
  return 0;
}
