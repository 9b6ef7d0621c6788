// SPDX-License-Identifier: Apache-2.0
/// \file
/// The main function of every test executable: starts Kokkos, runs doctest, and fails when a filter
/// matched no test case, because a ctest entry without test cases would pass for ever.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "cardiomm/core/runtime.hpp"
#include "support/replace_new.hpp"
#include "support/shared.hpp"

namespace {

unsigned matched = 0;

struct counter : doctest::IReporter {
  explicit counter(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override { matched = 1; }
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& stats) override {
    matched = stats.numTestCasesPassingFilters;
  }
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
REGISTER_LISTENER("counter", 1, counter);

}  // namespace

std::string cardiomm_tests::source_dir() { return CARDIOMM_SOURCE_DIR; }

int main(int argc, char** argv) {
  cardiomm::runtime guard(argc, argv);
  doctest::Context context;
  context.applyCommandLine(argc, argv);
  const int result = context.run();
  if (result == 0 && matched == 0 && !context.shouldExit()) {
    std::fprintf(stderr, "no test case matches the command line\n");
    return 1;
  }
  return result;
}
