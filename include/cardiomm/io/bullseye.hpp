// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_BULLSEYE_HPP
#define CARDIOMM_IO_BULLSEYE_HPP
/// \file
/// The bull's-eye plot of the left ventricle as SVG text: segments 1 to 6 are the outer ring, 7 to
/// 12 the middle one, 13 to 16 the inner one, 17 the apex; anterior is up, the septum on the left.
/// Source: Cerqueira et al., Circulation 105 (2002).

#include <array>

#include "cardiomm/io/colour.hpp"
#include "cardiomm/io/markup.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

struct bullseye {
  std::string title, unit;
  std::array<double, 18> values{};  ///< [1] to [17]; what is not finite is shown grey
  double low = 0, high = 1;         ///< ends of the scale
  int decimals = 1;
};

/// The plot as an <svg> element, which is a file of its own as well.
inline std::string svg(const bullseye& b) {
  constexpr double pi = 3.14159265358979323846, cx = 210, cy = 230, ring = 46;
  const auto text = [](double x, double y, const std::string& what, const std::string& more) {
    return "<text x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" " + more + ">" +
           escaped(what) + "</text>";
  };
  const auto colour = [&](double v) -> std::pair<std::string, std::string> {
    if (!std::isfinite(v)) return {"#bdbdbd", "#222"};
    const auto c = colour_at(colours::viridis, (v - b.low) / (b.high > b.low ? b.high - b.low : 1));
    const double bright = 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2];
    return {"rgb(" + std::to_string(c[0]) + "," + std::to_string(c[1]) + "," +
                std::to_string(c[2]) + ")",
            bright > 140 ? "#111" : "#fff"};
  };
  std::string out =
      "<svg class=\"cm-bullseye\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 520 450\" "
      "width=\"520\" height=\"450\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\">"
      "<style>.cm-bullseye{color:#222}.cm-bullseye .o{fill:currentColor}"
      "@media(prefers-color-scheme:dark){.cm-bullseye{color:#ddd}}</style><title>" +
      escaped(b.title) + "</title>\n";
  out += text(cx, 18, b.title, "class=\"o\" text-anchor=\"middle\" font-size=\"15\"") + "\n";
  const auto named = [&](double x, double y, std::size_t segment) {
    const double v = b.values[segment];
    const std::string ink = "text-anchor=\"middle\" fill=\"" + colour(v).second + "\"";
    return text(x, y + 1, std::isfinite(v) ? fixed(v, b.decimals) : "\xe2\x80\x93",
                ink + " font-weight=\"bold\"") +
           text(x, y + 13, std::to_string(segment), ink + " font-size=\"9\"") + "\n";
  };
  const auto tip = [&](std::size_t segment) {
    const double v = b.values[segment];
    return "<title>segment " + std::to_string(segment) + ": " +
           (std::isfinite(v) ? fixed(v, b.decimals + 1) + " " + escaped(b.unit) : "no value") +
           "</title>";
  };
  struct rings {
    std::size_t first, sectors;
    double inner;
  };
  for (const rings& r : {rings{1, 6, 3 * ring}, rings{7, 6, 2 * ring}, rings{13, 4, ring}}) {
    const double width = 2 * pi / static_cast<double>(r.sectors), outer = r.inner + ring;
    for (std::size_t i = 0; i < r.sectors; ++i) {
      // counter-clockwise from the top
      const double middle = pi / 2 + static_cast<double>(i) * width;
      const double from = middle - width / 2, to = middle + width / 2;
      const auto at = [&](double radius, double angle) {
        return fixed(cx + radius * std::cos(angle), 2) + " " +
               fixed(cy - radius * std::sin(angle), 2);
      };
      const std::string far = fixed(outer, 1), near = fixed(r.inner, 1);
      const std::size_t segment = r.first + i;
      out += "<path d=\"M" + at(outer, from) + "A" + far + " " + far + " 0 0 0 " + at(outer, to) +
             "L" + at(r.inner, to) + "A" + near + " " + near + " 0 0 1 " + at(r.inner, from) +
             "Z\" fill=\"" + colour(b.values[segment]).first +
             "\" stroke=\"#fff\" stroke-width=\"1.5\">" + tip(segment) + "</path>";
      const double radius = r.inner + ring / 2;
      out += named(cx + radius * std::cos(middle), cy - radius * std::sin(middle), segment);
    }
  }
  out += "<circle cx=\"" + fixed(cx, 0) + "\" cy=\"" + fixed(cy, 0) + "\" r=\"" + fixed(ring, 0) +
         "\" fill=\"" + colour(b.values[17]).first + "\" stroke=\"#fff\" stroke-width=\"1.5\">" +
         tip(17) + "</circle>" + named(cx, cy, 17);
  const double edge = 4 * ring;
  out += text(cx, cy - edge - 8, "anterior", "class=\"o\" text-anchor=\"middle\"");
  out += text(cx, cy + edge + 18, "inferior", "class=\"o\" text-anchor=\"middle\"");
  const auto turned = [&](double x, const char* what, int degrees) {
    return text(x, cy, what,
                "class=\"o\" text-anchor=\"middle\" transform=\"rotate(" + std::to_string(degrees) +
                    " " + fixed(x, 1) + " " + fixed(cy, 1) + ")\"");
  };
  out += turned(cx - edge - 8, "septal", -90) + turned(cx + edge + 8, "lateral", 90) + "\n";
  constexpr int steps = 48;
  const double top = cy - 120, height = 240.0 / steps;
  for (int i = 0; i < steps; ++i) {
    const double v = b.high - (b.high - b.low) * (i + 0.5) / steps;
    out += "<rect x=\"440\" y=\"" + fixed(top + i * height, 2) + "\" width=\"16\" height=\"" +
           fixed(height + 0.5, 2) + "\" fill=\"" + colour(v).first + "\"/>";
  }
  for (int i = 0; i <= 4; ++i)
    out += text(462, top + 4 + 60 * i, fixed(b.high - (b.high - b.low) * i / 4, b.decimals),
                "class=\"o\"");
  out += text(448, top - 10, b.unit, "class=\"o\" text-anchor=\"middle\"");
  return out + "\n</svg>\n";
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
