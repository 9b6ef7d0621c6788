// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DETAIL_PACKET_HPP
#define CARDIOMM_IO_DETAIL_PACKET_HPP
/// \file
/// Numbers and texts as a string, for the questions and answers of a sandbox. The other side read a
/// damaged file, so that nothing it says is believed without a check.

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io::detail {

class packet {
 public:
  packet& put(std::uint64_t n) {
    bytes_.append(reinterpret_cast<const char*>(&n), 8);
    return *this;
  }
  packet& put(const std::string& text) {
    put(std::uint64_t(text.size()));
    bytes_ += text;
    return *this;
  }
  template <class T>
  packet& put(const std::vector<T>& values) {
    put(std::uint64_t(values.size()));
    for (const T& v : values) {
      if constexpr (std::is_integral_v<T>)
        put(static_cast<std::uint64_t>(v));
      else
        put(v);
    }
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class packet_reader {
 public:
  /// `who` names the file in the error.
  packet_reader(std::string bytes, std::string who)
      : bytes_(std::move(bytes)), who_(std::move(who)) {}
  std::uint64_t number() {
    std::uint64_t n = 0;
    std::memcpy(&n, need(8), 8);
    return n;
  }
  /// A number that is a count of things of some bytes each that follow.
  std::size_t count(std::size_t each) {
    const std::uint64_t n = number();
    require<io_error>(n <= (bytes_.size() - at_) / each, who_, ": the file is damaged");
    return static_cast<std::size_t>(n);
  }
  std::string text() {
    const std::size_t n = count(1);
    const char* p = need(n);
    return std::string(p, n);
  }
  template <class T>
  std::vector<T> numbers() {
    std::vector<T> v(count(8));
    for (T& x : v) x = static_cast<T>(number());
    return v;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> v(count(8));
    for (std::string& x : v) x = text();
    return v;
  }

 private:
  const char* need(std::size_t n) {
    require<io_error>(n <= bytes_.size() - at_, who_, ": the file is damaged");
    const char* p = bytes_.data() + at_;
    at_ += n;
    return p;
  }
  std::string bytes_, who_;
  std::size_t at_ = 0;
};

/// A name out of a file as it may stand in a message of one line.
inline std::string printable(const std::string& name) {
  std::string text = name.substr(0, 200);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  return text + (name.size() > 200 ? "..." : "");
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io::detail

#endif
