// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_PROGRAM_RUN_HPP
#define CARDIOMM_TESTS_PROGRAM_RUN_HPP
/// \file
/// Runs the built program (environment variable CARDIOMM_PROGRAM) in a folder of its own.

#include <sys/wait.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "io/mutate.hpp"
#include "support/shared.hpp"

namespace cardiomm_tests {

struct outcome {
  int code;
  std::string out, err;
};

/// A temporary folder in which the program runs.
class workplace : public scratch {
 public:
  static const char* program() { return std::getenv("CARDIOMM_PROGRAM"); }

  /// A shell command; CARDIOMM in it stands for the program.
  outcome shell(std::string command) const {
    const std::string word = "CARDIOMM";
    for (std::size_t at = 0; (at = command.find(word, at)) != std::string::npos;) {
      const std::string name = std::string("'") + program() + "'";
      command.replace(at, word.size(), name);
      at += name.size();
    }
    const std::string streams = streams_ / "";
    const int status = std::system(("cd '" + path().string() + "' && { " + command + " ; } >'" +
                                    streams + "out' 2>'" + streams + "err'")
                                       .c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            slurp(streams + "out"), slurp(streams + "err")};
  }
  /// The program with these arguments.
  outcome run(const std::string& arguments) const { return shell("CARDIOMM " + arguments); }
  /// The same, with --json.
  nlohmann::json json(const std::string& arguments) const {
    const outcome o = run(arguments + " --json");
    if (o.code != 0) throw std::runtime_error(arguments + ": " + o.err);
    return nlohmann::json::parse(o.out);
  }
  /// Every file below it.
  std::set<std::string> contents() const {
    std::set<std::string> names;
    for (const auto& e : std::filesystem::recursive_directory_iterator(path()))
      names.insert(e.path().string());
    return names;
  }

 private:
  scratch streams_;
};

}  // namespace cardiomm_tests

/// Skips the test case where nobody says which program to run.
#define BUILT_PROGRAM_OR_SKIP()                                       \
  if (cardiomm_tests::workplace::program() == nullptr) {              \
    cardiomm_tests::report_skip("program named by CARDIOMM_PROGRAM"); \
    return;                                                           \
  }

#endif
