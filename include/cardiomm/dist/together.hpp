// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_DIST_TOGETHER_HPP
#define CARDIOMM_DIST_TOGETHER_HPP
/// \file
/// Steps that all processes pass together or not at all.

#include <exception>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "cardiomm/dist/communicator.hpp"

namespace cardiomm::inline CARDIOMM_ABI::dist {

namespace detail {
/// An error as text: its kind, then its message.
inline std::string describe(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const shape_error& e) {
    return std::string("s") + e.what();
  } catch (const value_error& e) {
    return std::string("v") + e.what();
  } catch (const io_error& e) {
    return std::string("i") + e.what();
  } catch (const error& e) {
    return std::string("e") + e.what();
  } catch (const std::bad_alloc&) {
    return "m";
  } catch (const std::exception& e) {
    return std::string("x") + e.what();
  } catch (...) {
    return "xunknown error";
  }
}
[[noreturn]] inline void raise(const std::string& text) {
  const std::string message = text.substr(1);
  switch (text[0]) {
    case 's':
      throw shape_error(message);
    case 'v':
      throw value_error(message);
    case 'i':
      throw io_error(message);
    case 'e':
      throw error(message);
    case 'm':
      throw std::bad_alloc();
    default:
      throw std::runtime_error(message);
  }
}
}  // namespace detail

/// Errors that every process throws are told from those of one process by this flag: only after the
/// former may a process wait for the others.
inline bool& failed_together() {
  static bool flag = false;
  return flag;
}

/// f() on every process; f does not communicate. Where it throws on one of them, all throw the
/// error of the first that failed. So nobody waits for a process that is gone.
template <class F>
auto together(const communicator& all, F&& f) -> std::invoke_result_t<F> {
  using R = std::invoke_result_t<F>;
  if (all.size() == 1) return f();
  std::exception_ptr failure;
  std::conditional_t<std::is_void_v<R>, char, std::optional<R>> result{};
  try {
    if constexpr (std::is_void_v<R>)
      f();
    else
      result.emplace(f());
  } catch (...) {
    failure = std::current_exception();
  }
  double first = failure ? -all.rank() : -all.size();
  all.max(&first, 1);
  const int culprit = static_cast<int>(-first);
  if (culprit < all.size()) {
    const std::string text =
        all.broadcast(culprit == all.rank() ? detail::describe(failure) : std::string(), culprit);
    failed_together() = true;
    detail::raise(text);
  }
  if constexpr (!std::is_void_v<R>) return std::move(*result);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::dist

#endif
