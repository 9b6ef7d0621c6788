// SPDX-License-Identifier: Apache-2.0
// The C++ of docs/recipes/raw.md, word for word (docs/tools/check.py compares).
#include <doctest/doctest.h>

#include "cardiomm/io/ismrmrd.hpp"
#include "cardiomm/mri/acquisitions.hpp"

using namespace cardiomm;

TEST_CASE("docs: raw data") {
  const auto example = [] {
    // clang-format off
    const io::ismrmrd_file raw("scan.h5");
    mri::acquisition_sorter sorter(raw.header(), raw.heads());
    raw.for_each([&](std::size_t i, const mrd_acquisition& line) { sorter.add(i, line); });
    const mri::sorted_acquisitions sorted = sorter.finish();
    // clang-format on
    CHECK(sorted.kspace.size() > 0);
  };
  CHECK_THROWS_AS(example(), io_error);  // there is no scan.h5 here
}
