// SPDX-License-Identifier: Apache-2.0
// The bytes that the fuzzers keep, without a fuzzer: every parser gets those of its own corpus and
// of all others.
#include <doctest/doctest.h>

#include "fuzz/targets.hpp"
#include "io/mutate.hpp"
#include "support/shared.hpp"

TEST_CASE("every parser reads or refuses every corpus") {
  namespace fuzz = cardiomm_fuzz;
  const std::pair<const char*, void (*)(const std::string&)> targets[] = {
      {"npy", fuzz::npy},
      {"npz", fuzz::npz},
      {"cfl", fuzz::cfl},
      {"nifti", fuzz::nifti},
      {"png", fuzz::png},
      {"csv", fuzz::csv},
      {"safetensors", fuzz::safetensors},
      {"mrd_stream", fuzz::mrd_stream}};
  const std::filesystem::path corpus = own_path("../fuzz/corpus");
  int files = 0;
  for (const auto& own : targets) {
    int here = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus / own.first)) {
      const std::string bytes = cardiomm_tests::slurp(entry.path().string());
      for (const auto& target : targets) {
        CAPTURE(target.first);
        CAPTURE(entry.path().string());
        CHECK_NOTHROW(target.second(bytes));
      }
      ++here;
    }
    CHECK(here >= 4);
    files += here;
  }
  CHECK(files >= 40);
}
