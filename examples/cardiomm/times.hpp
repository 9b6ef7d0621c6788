// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_TIMES_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_TIMES_HPP
/// \file
/// Times of the images of a map, in ms, from a CSV or .npy file.

#include <charconv>

#include "arrays.hpp"

namespace program {

/// A table of text, its empty lines and comments (#) left out.
struct csv_table {
  struct row {
    index_t line;
    std::vector<std::string> fields;
  };
  std::vector<row> rows;
};

/// Splits at commas, else semicolons, else blanks; quotes and spaces around a field go.
inline csv_table read_csv(const std::string& path) {
  const io::input_file file(path);
  require<io_error>(file.size() <= (1u << 20), path,
                    ": expected a CSV file of at most 1 MiB, found ", file.size(), " bytes");
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, text.data(), text.size());
  if (text.rfind("\xef\xbb\xbf", 0) == 0) text.erase(0, 3);
  csv_table table;
  index_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\r\n", at), text.size());
    const std::string whole = text.substr(at, end - at);
    at = end + (text.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    ++line;
    const std::string blanks = " \t";
    const auto first = whole.find_first_not_of(blanks);
    if (first == std::string::npos || whole[first] == '#') continue;
    const char mark = whole.find(',') != std::string::npos   ? ','
                      : whole.find(';') != std::string::npos ? ';'
                                                             : ' ';
    csv_table::row r{line, {}};
    for (std::size_t i = 0; i <= whole.size();) {
      std::size_t stop = mark == ' ' ? whole.find_first_of(blanks, i) : whole.find(mark, i);
      stop = std::min(stop, whole.size());
      std::string field = whole.substr(i, stop - i);
      i = stop + 1;
      const auto from = field.find_first_not_of(blanks + "\"'");
      field = from == std::string::npos
                  ? std::string()
                  : field.substr(from, field.find_last_not_of(blanks + "\"'") - from + 1);
      if (mark != ' ' || !field.empty()) r.fields.push_back(field);
    }
    table.rows.push_back(r);
  }
  return table;
}

inline std::optional<double> number_of(const std::string& text) {
  const char* first = text.c_str() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  double v = 0;
  const auto [end, code] = std::from_chars(first, text.c_str() + text.size(), v);
  if (code != std::errc() || end != text.c_str() + text.size()) return std::nullopt;
  return v;
}

/// Times as (slice, frame), or (frame) where all slices have the same. A CSV file has a row for
/// each frame, or all frames in one row; a heading, a first column that counts the frames, and a
/// column for each slice are understood, as in CMRxRecon's tables. Throws value_error or
/// shape_error naming the file and line.
inline std::vector<double> read_times(const std::string& path, index_t frames, index_t slices) {
  std::vector<std::vector<double>> rows;  // (frame, column)
  if (extension_of(path) == ".npy") {
    const auto file = io::open_npy(path);
    const extents shape = file.shape();
    require<shape_error>(shape.size() == 1 || shape.size() == 2, path,
                         ": times: expected (frame) or (frame, slice), found shape ",
                         io::to_string(shape));
    const auto values = io::read_npy(path).template values<double>();
    const index_t columns = shape.size() == 2 ? shape[1] : 1;
    for (index_t i = 0; i < shape[0]; ++i)
      rows.emplace_back(values.begin() + i * columns, values.begin() + (i + 1) * columns);
  } else {
    csv_table table = read_csv(path);
    require<value_error>(!table.rows.empty(), path, ": times: expected numbers, found none");
    auto& all = table.rows;
    const auto spoken = [&](const csv_table::row& r) {
      for (const auto& f : r.fields)
        if (!number_of(f)) return true;
      return false;
    };
    const auto count = [&] { return static_cast<index_t>(all.size()); };
    if (count() > 1 && spoken(all[0]) && (count() != frames || all[0].fields.size() == 1))
      all.erase(all.begin());
    const std::size_t width = all[0].fields.size();
    for (const auto& r : all)
      require<shape_error>(r.fields.size() == width, path, ": times: line ", r.line, ": expected ",
                           width, " fields as in line ", all[0].line, ", found ", r.fields.size());
    // a first column that is no time: numbers of the frames, or words
    const auto n = static_cast<index_t>(width);
    const bool one_row = count() == 1 && frames > 1;
    const bool named = n > 1 && !number_of(all[0].fields[0]);
    const bool counted = one_row ? n == frames + 1 : n == slices + 1;
    const std::size_t skip = named || counted ? 1 : 0;
    for (const auto& r : all) {
      std::vector<double> values;
      for (std::size_t i = skip; i < width; ++i) {
        const auto v = number_of(r.fields[i]);
        require<value_error>(v.has_value(), path, ": times: line ", r.line, ", field ", i + 1,
                             ": expected a number, found '", r.fields[i], "'");
        values.push_back(*v);
      }
      rows.push_back(values);
    }
  }
  if (rows.size() == 1 && frames > 1) {
    std::vector<std::vector<double>> column;
    for (const double v : rows[0]) column.push_back({v});
    rows.swap(column);
  }
  require<shape_error>(static_cast<index_t>(rows.size()) == frames, path,
                       ": times: expected one for each of ", frames, " frames, found ",
                       rows.size());
  const auto columns = static_cast<index_t>(rows[0].size());
  require<shape_error>(
      columns == 1 || columns == slices, path, ": times: expected 1 column",
      slices > 1 ? ", or one for each of " + std::to_string(slices) + " slices" : std::string(),
      ", found ", columns);
  std::vector<double> times;
  for (index_t s = 0; s < columns; ++s)
    for (const auto& r : rows) {
      const double t = r[static_cast<std::size_t>(s)];
      require<value_error>(std::isfinite(t) && t >= 0, path,
                           ": times: expected finite numbers of at least 0 ms, found ", t);
      times.push_back(t);
    }
  return times;
}

}  // namespace program

#endif
