// SPDX-License-Identifier: Apache-2.0
// One program with three libraries that use cardiomm with different lanes.
#include <Kokkos_Core.hpp>
#include <cstdio>
#include <cstring>

#include "solve.hpp"

int main(int argc, char** argv) {
  Kokkos::ScopeGuard guard(argc, argv);
  const bool avx2 = __builtin_cpu_supports("avx2");
  if (!avx2) std::printf("cardiomm-skip: this processor has no AVX2\n");
  // the widest first: were a function shared, the others would call its packets
  const answer all[] = {avx2 ? wide() : narrow(), narrow(), portable()};
  bool good = true;
  for (const answer& a : all) {
    std::printf("%-24s lanes of %2d floats, error %.1e\n", a.abi, a.lanes, a.error);
    good = good && a.error < 1e-5;
  }
  good = good && (!avx2 || (all[0].bytes == 32 && all[0].lanes == 8)) && all[1].bytes == 16 &&
         all[1].lanes == 4 && all[2].bytes == 0 && all[2].lanes == 1;
  return good && std::strcmp(all[1].abi, all[2].abi) != 0 ? 0 : 1;
}
