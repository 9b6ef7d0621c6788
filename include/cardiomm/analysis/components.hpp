// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_COMPONENTS_HPP
#define CARDIOMM_ANALYSIS_COMPONENTS_HPP
/// \file
/// Connected components of masks in planes and volumes, and the cleaning of label maps by them.
/// Host memory, plain C++: label maps are small beside the images that they come from.

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "cardiomm/core/error.hpp"
#include "cardiomm/core/shape.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

/// Which neighbours belong together: in a plane 4 or 8 of them, in a volume 6, 18 or 26.
enum class connectivity {
  faces = 1,   ///< 4 or 6: sharing a side
  edges = 2,   ///< 8 or 18: sharing an edge
  corners = 3  ///< 8 or 26: sharing a corner
};

/// A mask (z, y, x) with values of its own; planes have one slice.
struct region {
  shape<3> extent{};
  std::vector<std::uint8_t> inside;  ///< 0 or 1, x contiguous

  region() = default;
  explicit region(const shape<3>& s) : extent(s), inside(static_cast<std::size_t>(s.size()), 0) {}
  region(index_t rows, index_t columns) : region(shape<3>{{1, rows, columns}}) {}

  index_t slices() const { return extent[0]; }
  index_t rows() const { return extent[1]; }
  index_t columns() const { return extent[2]; }
  std::uint8_t& at(index_t z, index_t y, index_t x) {
    return inside[static_cast<std::size_t>((z * extent[1] + y) * extent[2] + x)];
  }
  std::uint8_t at(index_t z, index_t y, index_t x) const {
    return inside[static_cast<std::size_t>((z * extent[1] + y) * extent[2] + x)];
  }
  std::uint8_t& at(index_t y, index_t x) { return at(0, y, x); }
  std::uint8_t at(index_t y, index_t x) const { return at(0, y, x); }
  index_t count() const {
    return static_cast<index_t>(std::count(inside.begin(), inside.end(), std::uint8_t(1)));
  }
};

/// Components, numbered from 1 in the order of their first element in memory.
struct components {
  std::vector<std::int32_t> number;  ///< of each element, 0 outside the mask
  std::vector<index_t> size;         ///< size[i] elements in component i + 1
};

/// The connected components of a mask.
inline components find_components(const region& mask, connectivity how = connectivity::faces) {
  const shape<3>& s = mask.extent;
  require<shape_error>(static_cast<std::size_t>(s.size()) == mask.inside.size(),
                       "components: expected ", s.size(), " values, found ", mask.inside.size());
  components result;
  result.number.assign(mask.inside.size(), 0);
  std::vector<std::array<index_t, 3>> steps;
  for (index_t dz = -1; dz <= 1; ++dz)
    for (index_t dy = -1; dy <= 1; ++dy)
      for (index_t dx = -1; dx <= 1; ++dx) {
        const int apart = (dz != 0) + (dy != 0) + (dx != 0);
        if (apart > 0 && apart <= static_cast<int>(how)) steps.push_back({dz, dy, dx});
      }
  std::vector<std::array<index_t, 3>> open;
  for (index_t z = 0; z < s[0]; ++z)
    for (index_t y = 0; y < s[1]; ++y)
      for (index_t x = 0; x < s[2]; ++x) {
        const auto place = [&](index_t k, index_t j, index_t i) {
          return static_cast<std::size_t>((k * s[1] + j) * s[2] + i);
        };
        if (!mask.inside[place(z, y, x)] || result.number[place(z, y, x)]) continue;
        result.size.push_back(0);
        const auto name = static_cast<std::int32_t>(result.size.size());
        result.number[place(z, y, x)] = name;
        open.push_back({z, y, x});
        while (!open.empty()) {
          const auto p = open.back();
          open.pop_back();
          ++result.size.back();
          for (const auto& d : steps) {
            const index_t k = p[0] + d[0], j = p[1] + d[1], i = p[2] + d[2];
            if (k < 0 || j < 0 || i < 0 || k >= s[0] || j >= s[1] || i >= s[2]) continue;
            if (!mask.inside[place(k, j, i)] || result.number[place(k, j, i)]) continue;
            result.number[place(k, j, i)] = name;
            open.push_back({k, j, i});
          }
        }
      }
  return result;
}

/// The largest component, the first one of equals; an empty mask stays empty.
inline region largest_component(const region& mask, connectivity how = connectivity::faces) {
  const components c = find_components(mask, how);
  region out(mask.extent);
  if (c.size.empty()) return out;
  const auto best = std::max_element(c.size.begin(), c.size.end()) - c.size.begin() + 1;
  for (std::size_t i = 0; i < out.inside.size(); ++i) out.inside[i] = c.number[i] == best;
  return out;
}

/// The mask without components of fewer than `least` elements.
inline region without_small_components(const region& mask, index_t least,
                                       connectivity how = connectivity::faces) {
  const components c = find_components(mask, how);
  region out(mask.extent);
  for (std::size_t i = 0; i < out.inside.size(); ++i)
    out.inside[i] = c.number[i] && c.size[static_cast<std::size_t>(c.number[i]) - 1] >= least;
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
