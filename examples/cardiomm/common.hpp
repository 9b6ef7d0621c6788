// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_COMMON_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_COMMON_HPP
/// \file
/// What all subcommands share: common options, interruption, progress and the registration of a
/// subcommand.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cardiomm/dist/communicator.hpp"
#include "output.hpp"

namespace program {

using json = nlohmann::ordered_json;  // keys in the order in which they are written

/// Exit codes, part of the program's contract.
enum exit_code { success = 0, internal_error = 1, user_error = 2, interrupted_code = 130 };

/// Thrown between iterations or frames after an interrupt from the keyboard.
struct interrupted {
  std::string kept;  ///< what is left of the work, and how to go on
};

/// Set by the signal handler of main.cpp.
inline volatile std::sig_atomic_t interrupt_requested = 0;

inline void stop_if_interrupted() {
  if (interrupt_requested) throw interrupted{{}};
}

/// Options that every subcommand has.
struct common_options {
  int threads = 0;
  bool as_double = false;
  bool as_json = false;
  bool no_clobber = false;
  cardiomm::dist::communicator team;  // the processes that mpirun started, usually this one alone

  io::existing policy() const { return no_clobber ? io::existing::refuse : io::existing::replace; }
};

/// A subcommand's work, run after the whole command line was understood.
using action = std::function<void(const common_options&)>;

/// Seconds since its construction.
class stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Progress of the first process: one changing line of standard error on a terminal, plain lines of
/// standard output elsewhere (none with --json). So what is not a terminal finds nothing but errors
/// and warnings on standard error.
class progress {
 public:
  explicit progress(const common_options& common)
      : terminal_(::isatty(STDERR_FILENO) == 1 && common.team.first()),
        silent_(common.as_json || !common.team.first()) {}
  ~progress() { clear(); }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  /// The next step of the work, such as "reading k.npy".
  void stage(const std::string& text) {
    stop_if_interrupted();
    if (terminal_) {
      std::fprintf(stderr, "\r\033[K%s", text.c_str());
      std::fflush(stderr);
      shown_ = true;
    } else if (!silent_) {
      std::printf("%s\n", text.c_str());
      std::fflush(stdout);
    }
  }
  /// A part of a step, which is too small for a log: shown on terminals only.
  void part(const std::string& text) {
    if (terminal_) stage(text);
  }
  void clear() {
    if (shown_) std::fprintf(stderr, "\r\033[K");
    shown_ = false;
  }

 private:
  bool terminal_, silent_, shown_ = false;
};

/// Text with what could disturb a terminal replaced, on one line.
inline std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 127) c = c == '\n' ? ';' : '?';
  return text;
}

/// Like a file name, but not part of UTF-8 that JSON could not hold.
inline std::string dump(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace);
}

/// "25,208,256" as numbers. Throws value_error unless there are `count` positive integers.
inline std::vector<index_t> parse_extents(const std::string& text, std::size_t count,
                                          const std::string& option) {
  std::vector<index_t> values;
  bool good = true;
  for (std::size_t at = 0; at <= text.size() && good;) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    index_t n = 0;
    good = end > at && end - at <= 9;
    for (std::size_t i = at; i < end && good; ++i) {
      good = text[i] >= '0' && text[i] <= '9';
      n = 10 * n + (text[i] - '0');
    }
    good = good && n > 0;
    values.push_back(n);
    at = end + 1;
  }
  require<value_error>(good && values.size() == count, option, ": expected ", count,
                       " positive integers separated by commas, found '", text, "'");
  return values;
}

/// A finite number of at least `least`. Throws value_error naming the option.
inline void require_number(const std::string& option, double value, double least,
                           bool exclusive = false) {
  require<value_error>(std::isfinite(value) && (exclusive ? value > least : value >= least), option,
                       ": expected a finite number ", exclusive ? "above " : "of at least ", least,
                       ", found ", value);
}

/// Adds a subcommand; `setup` declares its options and returns its work.
CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& examples, common_options& common);
/// Adds `--axes`.
void add_axes(CLI::App& command, axes_option& option);

action add_phantom(CLI::App& app, common_options& common);
action add_mask(CLI::App& app, common_options& common);
action add_maps(CLI::App& app, common_options& common);
action add_recon(CLI::App& app, common_options& common);
action add_run(CLI::App& app, common_options& common);
action add_stream(CLI::App& app, common_options& common);
action add_sort(CLI::App& app, common_options& common);
action add_snr(CLI::App& app, common_options& common);
action add_map(CLI::App& app, common_options& common);
action add_eval(CLI::App& app, common_options& common);
action add_scores(CLI::App& app, common_options& common);
action add_agreement(CLI::App& app, common_options& common);
action add_phenotype(CLI::App& app, common_options& common);
action add_dataset(CLI::App& app, common_options& common);
action add_convert(CLI::App& app, common_options& common);
action add_dicom(CLI::App& app, common_options& common);
action add_info(CLI::App& app, common_options& common);

}  // namespace program

#endif
