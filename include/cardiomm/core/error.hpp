// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_ERROR_HPP
#define CARDIOMM_CORE_ERROR_HPP
/// \file
/// Exceptions and `require`. Messages name what, where, expected and found; the source location is
/// kept apart, so that a program can print the sentence and a developer can ask for `where()`.

#include <sstream>
#include <stdexcept>
#include <string>

#include "cardiomm/core/shape.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

/// Where a check was written. (std::source_location is missing from clang 14 with libstdc++ 12.)
class source_place {
 public:
  static constexpr source_place current(const char* file = __builtin_FILE(),
                                        const char* function = __builtin_FUNCTION(),
                                        unsigned line = __builtin_LINE()) {
    source_place p;
    p.file_ = file;
    p.function_ = function;
    p.line_ = line;
    return p;
  }
  constexpr const char* file_name() const { return file_; }
  constexpr const char* function_name() const { return function_; }
  constexpr unsigned line() const { return line_; }

 private:
  const char* file_ = "";
  const char* function_ = "";
  unsigned line_ = 0;
};

/// Base of all errors that the library throws.
class error : public std::runtime_error {
 public:
  explicit error(const std::string& message, source_place where = source_place::current())
      : std::runtime_error(message), where_(where) {}
  /// The line of the check that failed.
  const source_place& where() const noexcept { return where_; }

 private:
  source_place where_;
};

// The constructors are written out: nvcc 13.0 fails on inherited ones with this default argument.

/// Extents, ranks or axes that do not fit each other.
class shape_error : public error {
 public:
  explicit shape_error(const std::string& message, source_place where = source_place::current())
      : error(message, where) {}
};
/// A value outside its domain: negative counts, NaN, an acceleration of zero.
class value_error : public error {
 public:
  explicit value_error(const std::string& message, source_place where = source_place::current())
      : error(message, where) {}
};
/// A file that cannot be read or written, or does not hold what its header promises.
class io_error : public error {
 public:
  explicit io_error(const std::string& message, source_place where = source_place::current())
      : error(message, where) {}
};

/// A condition together with the place where it was written.
struct located_condition {
  bool value;
  source_place where;
  // NOLINTNEXTLINE(google-explicit-constructor): made from the bool at the call site
  constexpr located_condition(bool v, source_place w = source_place::current())
      : value(v), where(w) {}
};

namespace detail {
template <int R>
std::ostream& put(std::ostream& out, const shape<R>& s) {
  return out << to_string(s);
}
template <class T>
std::ostream& put(std::ostream& out, const T& part) {
  return out << part;
}
}  // namespace detail

/// Throws Error with the concatenated parts unless the condition holds. The parts are only turned
/// into text when it fails.
///
///     require(n > 0, "cg: iterations: expected a positive number, found ", n);
///     require<shape_error>(a == b, "apply: expected ", a, ", found ", b);
template <class Error = value_error, class... Parts>
void require(located_condition condition, const Parts&... parts) {
  if (condition.value) return;
  std::ostringstream message;
  (detail::put(message, parts), ...);
  throw Error(message.str(), condition.where);
}

}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
