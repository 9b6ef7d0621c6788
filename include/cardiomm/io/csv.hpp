// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_CSV_HPP
#define CARDIOMM_IO_CSV_HPP
/// \file
/// Tables as text: comma, semicolon or tab separated values. Read: quotes, line ends of every
/// system, the byte order mark; a row with another number of fields is an error. Written: quotes
/// where they are needed, numbers that read back as they were. Source: RFC 4180.

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "cardiomm/io/text.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// The number that a whole text is, with spaces around it; nothing if it is none. Never depends on
/// the language of the system.
inline std::optional<double> to_number(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The shortest text that reads back as this number.
inline std::string to_text(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

/// Named columns and rows of as many fields.
struct table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::string path;  ///< for messages
  std::vector<std::size_t>
      lines;  ///< where in the file each row starts, 1-based; empty if not read

  bool contains(const std::string& name) const { return find(name) < columns.size(); }
  /// Place of a column. Throws io_error if there is none of that name.
  std::size_t column(const std::string& name) const {
    const std::size_t i = find(name);
    if (i < columns.size()) return i;
    std::string all;
    for (const auto& c : columns) all += (all.empty() ? "" : ", ") + c;
    throw io_error(path + ": expected a column '" + name + "', found " + all);
  }
  const std::string& at(std::size_t row, const std::string& name) const {
    return rows.at(row)[column(name)];
  }
  /// A number of a column. Throws io_error if the field is none.
  double number(std::size_t row, const std::string& name) const {
    const std::string& field = at(row, name);
    const auto value = to_number(field);
    require<io_error>(value.has_value(), path, ": ", row < lines.size() ? "line " : "row ",
                      row < lines.size() ? lines[row] : row + 1, ", column '", name,
                      "': expected a number, found '", field.substr(0, 40), "'");
    return *value;
  }

 private:
  std::size_t find(const std::string& name) const {
    return static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) -
                                    columns.begin());
  }
};

/// How a table is read. Separator 0: a tab, semicolon or comma, the first of them that the first
/// line has outside quotes.
struct csv_options {
  char separator = 0;
  std::size_t most_bytes = std::size_t(1) << 28;
  std::size_t most_columns = 1 << 16;
  bool fill = false;  ///< rows with fewer fields get empty ones instead of an error
};

namespace detail {
class csv_parser {
 public:
  csv_parser(std::string_view text, const std::string& path, const csv_options& options)
      : text_(text), path_(path), options_(options) {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = 3;
    require<io_error>(text_.substr(0, 2) != "\xff\xfe" && text_.substr(0, 2) != "\xfe\xff", path_,
                      ": expected a table in UTF-8, found UTF-16");
    const auto zero = text_.find('\0');
    require<io_error>(zero == std::string_view::npos, path_,
                      ": expected a table as text, found a zero byte at ", zero);
    separator_ = options_.separator ? options_.separator : guess();
  }

  table parse() {
    table t;
    t.path = path_;
    std::vector<std::string> fields;
    while (row(fields)) {
      if (t.columns.empty()) {
        t.columns = std::move(fields);
        continue;
      }
      if (options_.fill && fields.size() < t.columns.size()) fields.resize(t.columns.size());
      require<io_error>(fields.size() == t.columns.size(), path_, ": line ", first_, ": expected ",
                        t.columns.size(), " fields as in the first line, found ", fields.size());
      t.rows.push_back(std::move(fields));
      t.lines.push_back(first_);
    }
    require<io_error>(!t.columns.empty(), path_, ": expected a table with a line of names, found ",
                      text_.empty() ? "an empty file" : "no line with text");
    return t;
  }

 private:
  char guess() const {
    bool quoted = false;
    for (std::size_t i = at_; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if ((c == '\n' || c == '\r') && i > at_) break;
      if (c == '\t' || c == ';' || c == ',') return c;
    }
    return ',';
  }
  bool line_end(char c) const { return c == '\n' || c == '\r'; }
  /// The next row that is not an empty line; false at the end.
  bool row(std::vector<std::string>& fields) {
    while (at_ < text_.size() && line_end(text_[at_])) end_line();
    if (at_ >= text_.size()) return false;
    fields.clear();
    first_ = line_;
    while (true) {
      fields.push_back(field());
      require<io_error>(fields.size() <= options_.most_columns, path_, ": line ", first_,
                        ": expected at most ", options_.most_columns, " fields, found more");
      if (at_ >= text_.size()) return true;
      if (line_end(text_[at_])) {
        end_line();
        return true;
      }
      ++at_;  // the separator
    }
  }
  void end_line() {
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }
  std::string field() {
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const std::size_t first = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && !line_end(text_[at_])) ++at_;
    return std::string(text_.substr(first, at_ - first));
  }
  std::string quoted() {
    std::string value;
    const std::size_t begun = line_;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
          ++at_;
        } else {
          ++at_;
          require<io_error>(at_ >= text_.size() || text_[at_] == separator_ || line_end(text_[at_]),
                            path_, ": line ", line_,
                            ": expected a separator after a quoted field, found text");
          return value;
        }
      } else if (c == '\n' || (c == '\r' && text_.substr(at_ + 1, 1) != "\n")) {
        ++line_;
      }
      value += c;
    }
    throw io_error(path_ + ": line " + std::to_string(begun) +
                   ": expected a quoted field with an end, found none");
  }

  std::string_view text_;
  const std::string& path_;
  csv_options options_;
  char separator_ = ',';
  std::size_t at_ = 0, line_ = 1, first_ = 1;
};
}  // namespace detail

/// Reads a table whose first line names the columns; `path` is for messages. Throws io_error with
/// the number of the line.
inline table parse_csv(std::string_view text, const std::string& path = "table",
                       const csv_options& options = {}) {
  return detail::csv_parser(text, path, options).parse();
}

inline table read_csv(const std::shared_ptr<const byte_source>& file,
                      const csv_options& options = {}) {
  return parse_csv(read_text(file, options.most_bytes), file->path(), options);
}

/// Reads a file, which may be packed by gzip.
inline table read_csv(const std::string& path, const csv_options& options = {}) {
  return read_csv(std::make_shared<const input_file>(path), options);
}

/// One line of a table, with its end.
inline std::string csv_line(const std::vector<std::string>& fields, char separator = ',') {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += separator;
    const std::string& f = fields[i];
    const bool plain = f.find_first_of(std::string("\"\r\n,;\t") + separator) == std::string::npos;
    // an empty field alone would be an empty line
    if (plain && !(f.empty() && fields.size() == 1)) {
      line += f;
      continue;
    }
    line += '"';
    for (const char c : f) line.append(c == '"' ? 2 : 1, c);
    line += '"';
  }
  return line + "\n";
}

/// The text of a table, the names first.
inline std::string csv_text(const table& t, char separator = ',') {
  std::string text = csv_line(t.columns, separator);
  for (const auto& row : t.rows) {
    require<io_error>(row.size() == t.columns.size(), t.path, ": expected rows of ",
                      t.columns.size(), " fields, found ", row.size());
    text += csv_line(row, separator);
  }
  return text;
}

/// Writes a table; a name that ends in .tsv has tabs.
inline void write_csv(const std::string& path, const table& t,
                      existing policy = existing::replace) {
  const bool tabs = path.size() > 4 && path.compare(path.size() - 4, 4, ".tsv") == 0;
  const std::string text = csv_text(t, tabs ? '\t' : ',');
  atomic_file out(path, policy);
  out.write(text);
  out.commit();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
