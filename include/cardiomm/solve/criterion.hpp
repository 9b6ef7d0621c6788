// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_CRITERION_HPP
#define CARDIOMM_SOLVE_CRITERION_HPP
/// \file
/// When a solver stops: rules joined by && and ||.
///
///     options.stop = relative_residual(1e-6) || (iterations(50) && plateau(1e-4)) || seconds(10);
///
/// A solver looks every `check_every` iterations and works out only what the rules ask for. The
/// largest number of iterations that the rules allow replaces `options.iterations`; where they
/// allow any number, `options.iterations` remains the limit.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>

#include "cardiomm/core/error.hpp"
#include "cardiomm/solve/monitor.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

/// What a rule says: go on, stop because a budget is spent, or stop because the result is good.
enum class verdict { go_on, spent, converged };

/// A stopping rule, or several of them; empty: never stops.
class criterion {
 public:
  /// Numbers that cost something to know.
  enum : unsigned { needs_nothing = 0, needs_residual = 1, needs_change = 2, needs_objective = 4 };
  static constexpr int unlimited = std::numeric_limits<int>::max();
  using rule = std::function<verdict(const progress&)>;

  criterion() = default;
  /// From a function that makes a fresh rule for a run, what the rule looks at, and after how many
  /// iterations it stops at the latest.
  criterion(std::function<rule()> make, unsigned needs, int limit = unlimited)
      : make_(std::move(make)), needs_(needs), limit_(limit) {}

  explicit operator bool() const { return static_cast<bool>(make_); }
  unsigned needs() const { return needs_; }
  /// Iterations after which the rules stop whatever else happens.
  int limit() const { return limit_; }
  /// The rule of one run; rules that look back begin anew.
  rule start() const {
    return make_ ? make_() : [](const progress&) { return verdict::go_on; };
  }

  /// Stops when both do; good only if both say so.
  friend criterion operator&&(const criterion& a, const criterion& b) {
    if (!a || !b) return a ? a : b;
    return {[a, b]() -> rule {
              return [a = a.start(), b = b.start()](const progress& p) {
                const verdict u = a(p), v = b(p);  // both: each may look back
                if (u == verdict::go_on || v == verdict::go_on) return verdict::go_on;
                return u == verdict::converged || v == verdict::converged ? verdict::converged
                                                                          : verdict::spent;
              };
            },
            a.needs_ | b.needs_, std::max(a.limit_, b.limit_)};
  }
  /// Stops when one of them does.
  friend criterion operator||(const criterion& a, const criterion& b) {
    if (!a || !b) return a ? a : b;
    return {[a, b]() -> rule {
              return [a = a.start(), b = b.start()](const progress& p) {
                return std::max(a(p), b(p), [](verdict u, verdict v) { return int(u) < int(v); });
              };
            },
            a.needs_ | b.needs_, std::min(a.limit_, b.limit_)};
  }

 private:
  std::function<rule()> make_{};
  unsigned needs_ = needs_nothing;
  int limit_ = unlimited;
};

namespace detail {
/// Converged when f(progress) says so.
template <class F>
criterion converged_if(F f, unsigned needs) {
  return {[f]() -> criterion::rule {
            return [f](const progress& p) { return f(p) ? verdict::converged : verdict::go_on; };
          },
          needs};
}
}  // namespace detail

/// After n iterations.
inline criterion iterations(int n) {
  require(n >= 0, "criterion: iterations: expected at least 0, found ", n);
  return {[n]() -> criterion::rule {
            return [n](const progress& p) {
              return p.iteration >= n ? verdict::spent : verdict::go_on;
            };
          },
          criterion::needs_nothing, n};
}
/// When every system's residual is at most `tolerance`; each solver says what its residual is.
inline criterion relative_residual(double tolerance) {
  require(tolerance >= 0, "criterion: residual: expected at least 0, found ", tolerance);
  return detail::converged_if([tolerance](const progress& p) { return p.residual <= tolerance; },
                              criterion::needs_residual);
}
/// When the last iteration moved every system by at most `tolerance` of its size.
inline criterion relative_change(double tolerance) {
  require(tolerance >= 0, "criterion: change: expected at least 0, found ", tolerance);
  return detail::converged_if([tolerance](const progress& p) { return p.change <= tolerance; },
                              criterion::needs_change);
}
/// After t seconds of wall clock.
inline criterion seconds(double t) {
  require(t >= 0, "criterion: seconds: expected at least 0, found ", t);
  return {[t]() -> criterion::rule {
            return
                [t](const progress& p) { return p.seconds >= t ? verdict::spent : verdict::go_on; };
          },
          criterion::needs_nothing};
}
/// When the objective has changed by at most `tolerance` of its size over the last `looks` looks.
inline criterion plateau(double tolerance, int looks = 2) {
  require(tolerance >= 0, "criterion: plateau: expected a tolerance of at least 0, found ",
          tolerance);
  require(looks > 0, "criterion: plateau: expected at least one look, found ", looks);
  return {[=]() -> criterion::rule {
            return [=, seen = std::deque<double>()](const progress& p) mutable {
              seen.push_back(p.objective);
              if (static_cast<int>(seen.size()) <= looks) return verdict::go_on;
              const double before = seen.front();
              seen.pop_front();
              return std::abs(before - p.objective) <= tolerance * std::abs(p.objective)
                         ? verdict::converged
                         : verdict::go_on;
            };
          },
          criterion::needs_objective};
}

namespace detail {
/// What all solvers do about rules, monitors and limits.
class watch {
 public:
  /// `tolerance` is the rule that belongs to options.tolerance, empty if that is 0.
  template <class Options>
  watch(const char* who, const Options& o, const criterion& tolerance)
      : every_(o.check_every), monitor_(o.monitor) {
    require(o.iterations >= 0, who, ": iterations: expected at least 0, found ", o.iterations);
    require(o.tolerance >= 0, who, ": tolerance: expected at least 0, found ", o.tolerance);
    require(o.check_every > 0, who, ": check_every: expected a positive number, found ",
            o.check_every);
    limit_ = o.stop.limit() == criterion::unlimited ? o.iterations : o.stop.limit();
    const criterion all = o.stop || tolerance;
    rule_ = all.start();
    needs_ = all.needs();
    listens_ = static_cast<bool>(all) || static_cast<bool>(monitor_);
  }
  int limit() const { return limit_; }
  bool needs(unsigned what) const { return (needs_ & what) != 0; }
  bool listens() const { return listens_; }
  /// True if somebody wants to hear of the state after so many iterations.
  bool due(int iteration) const {
    return listens_ && (iteration % every_ == 0 || iteration == limit_);
  }
  /// Tells; true if the solver stops.
  bool stops(report& end, progress p) {
    p.iterations = limit_;
    p.seconds = elapsed();
    const verdict v = rule_(p);
    end.converged = v == verdict::converged;
    if (monitor_ && p.iteration > 0 && !monitor_(p)) end.interrupted = true;
    return v != verdict::go_on || end.interrupted;
  }
  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

 private:
  int every_, limit_ = 0;
  unsigned needs_ = 0;
  bool listens_ = false;
  criterion::rule rule_;
  solve::monitor monitor_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};
}  // namespace detail

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
