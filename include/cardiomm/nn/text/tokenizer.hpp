// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_TEXT_TOKENIZER_HPP
#define CARDIOMM_NN_TEXT_TOKENIZER_HPP
/// \file
/// Byte-pair tokens of CLIP: white space is collapsed, text lower-cased and cut into pieces
/// (endings such as 's, runs of letters, single digits, runs of other signs); the bytes of a piece
/// are merged pair by pair, the pair that stands first in the table first. Source: Radford et al.,
/// "Learning transferable visual models from natural language supervision", 2021, and Sennrich et
/// al., ACL 2016 (byte pairs).

#include <limits>
#include <unordered_map>
#include <vector>

#include "cardiomm/core/error.hpp"
#include "cardiomm/nn/text/unicode.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::text {

/// Text without white space at its ends, runs of white space as one blank.
inline std::string collapse_space(std::string_view text) {
  std::string out;
  bool gap = false;
  while (!text.empty()) {
    const std::uint32_t c = take_code_point(text);
    if (is_space(c)) {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    put_code_point(out, c);
  }
  return out;
}

/// Numbers of the tokens of a text. Ids: the 256 byte symbols, the same at the end of a piece, the
/// merged symbols in the order of the table, start, end.
class tokenizer {
 public:
  /// Merges of the published table.
  static constexpr index_t published_merges = 48894;

  /// The unpacked text of a table: a line with "#version", then a merge (two symbols) a line. Lines
  /// behind the first `merges` are ignored; 0 takes all. Throws value_error for anything else.
  explicit tokenizer(std::string_view table, index_t merges = published_merges) {
    require(merges >= 0, "tokenizer: merges: expected a number of at least 0, found ", merges);
    for (const char* end : {"", "</w>"})
      for (const std::uint32_t c : byte_symbols()) {
        std::string symbol;
        put_code_point(symbol, c);
        add(symbol + end);
      }
    const std::string_view first = take_line(table);
    require(first.find("#version") != std::string_view::npos,
            "tokenizer: line 1 of the merges: expected a header with '#version', found '",
            first.substr(0, 40), "'");
    std::vector<std::pair<std::string, std::string>> pairs;
    while (!table.empty() && (merges == 0 || index_t(pairs.size()) < merges)) {
      const std::string_view line = take_line(table);
      if (line.empty() && table.empty()) break;
      const auto blank = line.find(' ');
      require(blank != std::string_view::npos && blank > 0 && blank + 1 < line.size() &&
                  line.find(' ', blank + 1) == std::string_view::npos,
              "tokenizer: line ", pairs.size() + 2, " of the merges: expected two symbols, found '",
              line.substr(0, 40), "'");
      pairs.emplace_back(line.substr(0, blank), line.substr(blank + 1));
    }
    require(merges == 0 || index_t(pairs.size()) == merges, "tokenizer: expected ", merges,
            " merges, found ", pairs.size());
    for (const auto& p : pairs) add(p.first + p.second);
    start_ = count_;
    end_ = count_ + 1;
    merges_.reserve(pairs.size());
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const auto a = ids_.find(pairs[i].first), b = ids_.find(pairs[i].second);
      require(a != ids_.end() && b != ids_.end(), "tokenizer: line ", i + 2,
              " of the merges: expected symbols of earlier lines or bytes, found '", pairs[i].first,
              "' and '", pairs[i].second, "'");
      merges_.emplace(key(a->second, b->second), merge{static_cast<std::int32_t>(i),
                                                       ids_.at(pairs[i].first + pairs[i].second)});
    }
  }

  std::int32_t start() const { return start_; }
  std::int32_t end() const { return end_; }
  /// Number of ids; a text tower needs as many rows.
  index_t size() const { return index_t(end_) + 1; }

  /// Start, the tokens, end. What exceeds `longest` is cut before the end. Any bytes are text.
  std::vector<std::int32_t> encode(std::string_view text, std::size_t longest = 77) const {
    require(longest >= 2, "tokenizer: expected room for at least 2 tokens, found ", longest);
    std::vector<std::uint32_t> points;
    while (!text.empty()) points.push_back(lower(take_code_point(text)));
    std::vector<std::int32_t> out{start_};
    for (std::size_t i = 0; i < points.size() && out.size() < longest;) {
      const std::size_t n = piece(points, i);
      if (n == 0) {
        ++i;
        continue;
      }
      std::string bytes;
      for (std::size_t k = 0; k < n; ++k) put_code_point(bytes, points[i + k]);
      merge_piece(bytes, out);
      i += n;
    }
    if (out.size() > longest - 1) out.resize(longest - 1);
    out.push_back(end_);
    return out;
  }

 private:
  struct merge {
    std::int32_t rank, id;
  };
  static std::uint64_t key(std::int32_t a, std::int32_t b) {
    return std::uint64_t(std::uint32_t(a)) << 32 | std::uint32_t(b);
  }
  /// Code points that stand for the bytes, in the order of their ids.
  static std::vector<std::uint32_t> byte_symbols() {
    std::vector<std::uint32_t> out;
    for (std::uint32_t b = 0; b < 256; ++b)
      if (stands_for_itself(b)) out.push_back(b);
    for (std::uint32_t next = 256; out.size() < 256; ++next) out.push_back(next);
    return out;
  }
  static bool stands_for_itself(std::uint32_t b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  }
  static std::vector<std::int32_t> byte_ids() {
    std::vector<std::int32_t> id(256);
    std::int32_t next = 0;
    for (const bool itself : {true, false})
      for (std::uint32_t b = 0; b < 256; ++b)
        if (stands_for_itself(b) == itself) id[b] = next++;
    return id;
  }
  static std::string_view take_line(std::string_view& text) {
    const auto stop = text.find('\n');
    std::string_view line = text.substr(0, stop);
    text.remove_prefix(stop == std::string_view::npos ? text.size() : stop + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }
  /// A symbol that is listed twice keeps its last id.
  void add(const std::string& symbol) { ids_[symbol] = count_++; }

  /// Length of the piece that starts at i; 0 for white space.
  static std::size_t piece(const std::vector<std::uint32_t>& p, std::size_t i) {
    static constexpr std::string_view endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (const auto e : endings) {
      std::size_t k = 0;
      while (k < e.size() && i + k < p.size() && p[i + k] == static_cast<unsigned char>(e[k])) ++k;
      if (k == e.size()) return k;
    }
    if (is_space(p[i])) return 0;
    if (is_number(p[i])) return 1;
    const bool letters = is_letter(p[i]);
    std::size_t n = 1;
    while (i + n < p.size() && !is_space(p[i + n]) && !is_number(p[i + n]) &&
           is_letter(p[i + n]) == letters)
      ++n;
    return n;
  }

  void merge_piece(const std::string& bytes, std::vector<std::int32_t>& out) const {
    static const std::vector<std::int32_t> of_byte = byte_ids();
    std::vector<std::int32_t> word;
    for (const char b : bytes) word.push_back(of_byte[static_cast<unsigned char>(b)]);
    word.back() += 256;
    while (word.size() > 1) {
      merge best{std::numeric_limits<std::int32_t>::max(), 0};
      std::uint64_t pair = 0;
      for (std::size_t i = 0; i + 1 < word.size(); ++i) {
        const auto found = merges_.find(key(word[i], word[i + 1]));
        if (found != merges_.end() && found->second.rank < best.rank) {
          best = found->second;
          pair = found->first;
        }
      }
      if (best.rank == std::numeric_limits<std::int32_t>::max()) break;
      std::size_t to = 0;
      for (std::size_t i = 0; i < word.size(); ++to)
        if (i + 1 < word.size() && key(word[i], word[i + 1]) == pair) {
          word[to] = best.id;
          i += 2;
        } else {
          word[to] = word[i++];
        }
      word.resize(to);
    }
    out.insert(out.end(), word.begin(), word.end());
  }

  std::unordered_map<std::string, std::int32_t> ids_;
  std::unordered_map<std::uint64_t, merge> merges_;
  std::int32_t count_ = 0, start_ = 0, end_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::text

#endif
