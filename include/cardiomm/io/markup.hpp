// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_MARKUP_HPP
#define CARDIOMM_IO_MARKUP_HPP
/// \file
/// Text for HTML and SVG: escaped characters, numbers that do not depend on the locale, base64
/// (RFC 4648).

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "cardiomm/core/config.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Text as content or attribute of an element. Control characters become spaces, bytes that are no
/// UTF-8 become U+FFFD, so that any file name can be shown.
inline std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) {
      return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u;
    };
    const unsigned c = byte(0);
    const std::size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : (c >> 4) == 14 ? 2 : 3;
    bool good = c < 0x80 || (c >= 0xc2 && c < 0xf5);
    for (std::size_t k = 1; k <= more; ++k) good = good && (byte(k) >> 6) == 2;
    if (c == 0xe0) good = good && byte(1) >= 0xa0;  // longer than needed
    if (c == 0xed) good = good && byte(1) < 0xa0;   // halves of UTF-16
    if (c == 0xf0) good = good && byte(1) >= 0x90;
    if (c == 0xf4) good = good && byte(1) < 0x90;
    if (!good) {
      out += "\xef\xbf\xbd";
      ++i;
      continue;
    }
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (c < ' ' || c == 127)
          out += c == '\n' ? '\n' : ' ';
        else
          out.append(text, i, more + 1);
    }
    i += more + 1;
  }
  return out;
}

/// A number with a given count of decimals; "inf" and "nan" for what is none.
inline std::string fixed(double value, int decimals) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[400];
  const auto end =
      std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed, decimals).ptr;
  std::string out(text, end);
  if (out.find_first_not_of("-0.") == std::string::npos && out[0] == '-') out.erase(0, 1);
  return out;
}

/// A number with at most so many significant digits and no trailing zeros.
inline std::string significant(double value, int digits) {
  if (!std::isfinite(value)) return fixed(value, 0);
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof(text), value, std::chars_format::general, digits).ptr;
  return {text, end};
}

/// The standard alphabet, padded.
inline std::string base64(const void* data, std::size_t n) {
  static constexpr char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto* p = static_cast<const unsigned char*>(data);
  std::string out;
  out.reserve((n + 2) / 3 * 4);
  for (std::size_t i = 0; i < n; i += 3) {
    const std::uint32_t v = std::uint32_t(p[i]) << 16 |
                            (i + 1 < n ? std::uint32_t(p[i + 1]) << 8 : 0u) |
                            (i + 2 < n ? std::uint32_t(p[i + 2]) : 0u);
    out += letters[v >> 18];
    out += letters[v >> 12 & 63];
    out += i + 1 < n ? letters[v >> 6 & 63] : '=';
    out += i + 2 < n ? letters[v & 63] : '=';
  }
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
