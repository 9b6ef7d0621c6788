// SPDX-License-Identifier: Apache-2.0
/// \file
/// Launchers are known by what they leave in the environment.

#include "cardiomm/dist/launcher.hpp"

#include <doctest/doctest.h>

#include <map>
#include <optional>

namespace {

/// An environment without launchers; the old one comes back at the end.
class empty_environment {
 public:
  empty_environment() {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE",
                             "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"}) {
      const char* value = std::getenv(name);
      before_[name] = value ? std::optional<std::string>(value) : std::nullopt;
      ::unsetenv(name);
    }
  }
  ~empty_environment() {
    for (const auto& [name, value] : before_)
      if (value)
        ::setenv(name.c_str(), value->c_str(), 1);
      else
        ::unsetenv(name.c_str());
  }

 private:
  std::map<std::string, std::optional<std::string>> before_;
};

}  // namespace

using namespace cardiomm;

TEST_CASE("a program alone") {
  const empty_environment none;
  CHECK(!dist::launched());
  CHECK(dist::launched_processes() == 1);
  ::setenv("SLURM_STEP_NUM_TASKS", "8", 1);  // a job step that did not start us by PMIx
  CHECK(!dist::launched());
  CHECK(dist::launched_processes() == 1);
}

TEST_CASE("each launcher tells the number of processes in its own way") {
  struct launcher {
    const char *sign, *count;
  };
  for (const auto& [sign, count] :
       {launcher{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_SIZE"}, launcher{"PMI_RANK", "PMI_SIZE"},
        launcher{"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"},
        launcher{"PMIX_RANK", "SLURM_STEP_NUM_TASKS"}}) {
    CAPTURE(sign);
    const empty_environment none;
    ::setenv(sign, "3", 1);
    CHECK(dist::launched());
    ::setenv(count, "12", 1);
    CHECK(dist::launched_processes() == 12);
  }
  const empty_environment none;
  ::setenv("PMIX_RANK", "0", 1);
  CHECK(dist::launched_processes() == 0);  // it does not say
}
