// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_SHARED_HPP
#define CARDIOMM_TESTS_SUPPORT_SHARED_HPP
/// \file
/// Where tests find data that are not part of the repository: the folder named by the environment
/// variable CARDIOMM_SHARED, then `../shared` beside the sources. What is missing is counted: a
/// test prints one line `cardiomm-skip: PATH` and returns, and `./dev test` adds these lines up.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace cardiomm_tests {

/// Top folder of the sources. Only main.cpp is compiled with it, so that the compiler's cache knows
/// the other files in any checkout.
std::string source_dir();

/// Full path of a file or folder of the shared data, or nothing.
inline std::optional<std::string> shared_path(const std::string& relative) {
  std::vector<std::filesystem::path> roots;
  if (const char* named = std::getenv("CARDIOMM_SHARED"); named && *named)
    roots.emplace_back(named);
  roots.emplace_back(std::filesystem::path(source_dir()) / ".." / "shared");
  for (const auto& root : roots) {
    std::error_code none;
    if (std::filesystem::exists(root / relative, none)) return (root / relative).string();
  }
  return std::nullopt;
}

/// Full path of a file of tests/data.
inline std::string own_path(const std::string& relative) {
  return source_dir() + "/tests/data/" + relative;
}

/// The line that the summary counts; `what` names the missing file or program.
inline void report_skip(const std::string& what) {
  std::printf("cardiomm-skip: %s\n", what.c_str());
  std::fflush(stdout);
}

/// True where the program can be started; tests against it are skipped, and counted, where not.
inline bool have_program(const std::string& name) {
  return std::system(("command -v '" + name + "' >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace cardiomm_tests

using cardiomm_tests::own_path;
using cardiomm_tests::shared_path;

/// Declares `const std::string var` with the path of shared data, or skips the test case.
#define SHARED_OR_SKIP(var, relative)                            \
  std::string var;                                               \
  if (const auto cardiomm_found_##var = shared_path(relative)) { \
    var = *cardiomm_found_##var;                                 \
  } else {                                                       \
    cardiomm_tests::report_skip(relative);                       \
    return;                                                      \
  }

/// Skips the test case where a program (bart, python3 ...) is missing.
#define PROGRAM_OR_SKIP(name)                                      \
  if (!cardiomm_tests::have_program(name)) {                       \
    cardiomm_tests::report_skip(std::string("program ") + (name)); \
    return;                                                        \
  }

#endif
