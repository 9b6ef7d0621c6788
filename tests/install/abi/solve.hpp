// SPDX-License-Identifier: Apache-2.0
#ifndef CONSUMER_SOLVE_HPP
#define CONSUMER_SOLVE_HPP
/// \file
/// What each of the three libraries offers.

struct answer {
  int lanes, bytes;  // floats of a packet; bytes of a packet
  const char* abi;   // name of the library's inline namespace
  double error;      // largest error of the solution
};
answer narrow();    // no vector flags
answer wide();      // -march=x86-64-v3: AVX2
answer portable();  // another installation, without xsimd and all other options

#endif
