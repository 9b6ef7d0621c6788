// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_INTERRUPT_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_INTERRUPT_HPP
/// \file
/// Signals. A process alone is told to stop and cleans up (`interrupt_requested`). One of several
/// may be waiting for another that is gone, so its handler removes the temporary files itself and
/// ends it. Work in steps that leaves a state behind is told as well, also as one of several.

#include <unistd.h>

#include <csignal>
#include <cstring>
#include <string>

#include "common.hpp"

namespace program {

namespace detail {
inline constexpr int most_files = 2, most_bytes = 4096;
inline char doomed[most_files][most_bytes];
inline volatile std::sig_atomic_t doomed_files = 0;
inline volatile std::sig_atomic_t rank = 0;
inline pid_t first_process = 0;

inline volatile std::sig_atomic_t stop_wanted = 0;
inline void ask_to_stop(int) { stop_wanted = 1; }

inline void end_process(int) {
  for (int i = 0; i < doomed_files; ++i) ::unlink(doomed[i]);
  constexpr char text[] = "cardiomm: error: interrupted, or another process ended\n";
  // the second one speaks for a first one that is gone
  if (rank == 0 || (rank == 1 && ::kill(first_process, 0) != 0))
    (void)!::write(STDERR_FILENO, text, sizeof text - 1);
  ::_exit(interrupted_code);
}
}  // namespace detail

/// One of several processes: signals end it at once.
inline void end_on_signals(const cardiomm::dist::communicator& team) {
  detail::rank = team.rank();
  detail::first_process = static_cast<pid_t>(std::stol(team.broadcast(std::to_string(::getpid()))));
  struct sigaction what {};
  what.sa_handler = detail::end_process;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &what, nullptr);
}

/// For work that all processes end together after a step, and then go on from: SIGUSR1, which batch
/// systems send ahead of the time limit, and the first SIGTERM or SIGINT only ask for the end.
inline void stop_on_signals() {
  struct sigaction what {};
  what.sa_handler = detail::ask_to_stop;
  what.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &what, nullptr);
  what.sa_flags |= SA_RESETHAND;  // a second one ends the process at once
  sigaction(SIGTERM, &what, nullptr);
  sigaction(SIGINT, &what, nullptr);
}
/// Whether a signal asked this process to stop since `stop_on_signals`.
inline bool stop_requested() { return detail::stop_wanted != 0 || interrupt_requested != 0; }

/// The error was told: what ends this process now need not be.
inline void say_no_more() { detail::rank = 2; }

/// Names a temporary file that `end_on_signals` removes.
inline void remove_on_signal(const std::string& name) {
  const int n = detail::doomed_files;
  if (n == detail::most_files || name.size() >= detail::most_bytes) return;
  std::memcpy(detail::doomed[n], name.c_str(), name.size() + 1);
  detail::doomed_files = n + 1;
}

/// Removes them now: where this process gives up and the others will not.
inline void remove_temporaries() {
  for (int i = 0; i < detail::doomed_files; ++i) ::unlink(detail::doomed[i]);
}

}  // namespace program

#endif
