// SPDX-License-Identifier: Apache-2.0
// Byte-pair tokens against ids of two independent implementations (tests/data/clip_text_tiny) and
// against a table of a few merges whose ids are worked out by hand.
#include "cardiomm/nn/text/tokenizer.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cardiomm/io/text.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using ids = std::vector<std::int32_t>;

namespace {
// Ids 512 to 517; start 518, end 519. A byte c stands at c - 33, at the end of a piece at
// 256 + c - 33.
const std::string small =
    "#version: 0.2\n"
    "t h\n"
    "th e</w>\n"
    "h e\n"
    "l l\n"
    "\xc3\x83 \xc2\xa9</w>\n"  // the bytes c3 a9 of an accented e
    "ll o</w>\n";
std::int32_t byte_id(char c) { return c - 33; }
std::int32_t last_id(char c) { return c - 33 + 256; }
}  // namespace

TEST_CASE("merges: the earliest pair of the table first, all its occurrences") {
  const nn::text::tokenizer tok(small, 0);
  CHECK(tok.start() == 518);
  CHECK(tok.end() == 519);
  CHECK(tok.size() == 520);
  CHECK(tok.encode("") == ids{518, 519});
  CHECK(tok.encode(" \t\n") == ids{518, 519});
  CHECK(tok.encode("The") == ids{518, 513, 519});
  CHECK(tok.encode("hello") == ids{518, 514, 517, 519});
  CHECK(tok.encode("thhe") == ids{518, 512, byte_id('h'), last_id('e'), 519});
  CHECK(tok.encode("12") == ids{518, last_id('1'), last_id('2'), 519});
  CHECK(tok.encode("don't") ==
        ids{518, byte_id('d'), byte_id('o'), last_id('n'), byte_id('\''), last_id('t'), 519});
  CHECK(tok.encode("a...'s") == ids{518, last_id('a'), byte_id('.'), byte_id('.'), byte_id('.'),
                                    last_id('\''), last_id('s'), 519});
  // accented letters are letters, in upper case too
  CHECK(tok.encode("\xc3\xa9") == ids{518, 516, 519});
  CHECK(tok.encode("\xc3\x89") == ids{518, 516, 519});
}

TEST_CASE("any bytes are text") {
  const nn::text::tokenizer tok(small, 0);
  std::string all;
  for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
  CHECK(tok.encode(all, 1000).size() > 100);
  // 0xff is the last of the bytes that stand for themselves but one run: 94 + 12 + 81
  CHECK(tok.encode("\xff") == ids{518, 187 + 256, 519});
  CHECK(tok.encode("\xe2\x82") == tok.encode("\xe2\x82"));
  CHECK(tok.encode("a\xc2\xa0z") == tok.encode("a z"));  // no-break space
  for (const std::int32_t id : tok.encode(all + all, 1000)) CHECK((id >= 0 && id < tok.size()));
}

TEST_CASE("long texts are cut before the end token") {
  const nn::text::tokenizer tok(small, 0);
  const std::string text(500, '7');
  const ids cut = tok.encode(text);
  CHECK(cut.size() == 77);
  CHECK(cut.front() == 518);
  CHECK(cut[75] == last_id('7'));
  CHECK(cut.back() == 519);
  CHECK(tok.encode(std::string(75, '7')).size() == 77);
  CHECK(tok.encode(text, 2) == ids{518, 519});
}

TEST_CASE("errors of tables of merges") {
  using nn::text::tokenizer;
  CHECK_THROWS_WITH_AS(tokenizer("t h\n", 0),
                       "tokenizer: line 1 of the merges: expected a header with '#version', found "
                       "'t h'",
                       value_error);
  CHECK_THROWS_WITH_AS(tokenizer{small}, "tokenizer: expected 48894 merges, found 6", value_error);
  CHECK_THROWS_WITH_AS(tokenizer("#version\nth\n", 0),
                       "tokenizer: line 2 of the merges: expected two symbols, found 'th'",
                       value_error);
  CHECK_THROWS_WITH_AS(tokenizer("#version\nt h\ntx e\n", 0),
                       "tokenizer: line 3 of the merges: expected symbols of earlier lines or "
                       "bytes, found 'tx' and 'e'",
                       value_error);
  CHECK_THROWS_AS(tokenizer("", 0), value_error);
  CHECK(tokenizer("#version\r\nt h\r\n", 0).size() == 515);
}

TEST_CASE("every sentence of the fixture has its ids") {
  SHARED_OR_SKIP(path, "data/clip/bpe_simple_vocab_16e6.txt.gz");
  const nn::text::tokenizer tok(io::read_text(path));
  CHECK(tok.start() == 49406);
  CHECK(tok.size() == 49408);
  const auto fixture = nlohmann::json::parse(io::read_text(own_path("clip_text_tiny/tokens.json")));
  std::size_t i = 0;
  for (const auto& sentence : fixture.at("sentences")) {
    CAPTURE(sentence.dump());
    CHECK(tok.encode(sentence.get<std::string>()) == fixture.at("token_ids").at(i++).get<ids>());
  }
  CHECK(i == 6);
  for (const auto& one : fixture.at("more_tokenizer_cases")) {
    CAPTURE(one.dump());
    CHECK(tok.encode(one.at("text").get<std::string>()) == one.at("ids").get<ids>());
  }
}

TEST_CASE("text files, plain and packed") {
  const std::string plain = own_path("clip_text_tiny/tokens.json");
  CHECK(io::read_text(plain).front() == '{');
  CHECK_THROWS_AS(io::read_text("/nonexistent/merges.txt.gz"), io_error);
  CHECK_THROWS_AS(io::read_text(plain, 10), io_error);
#if CARDIOMM_HAS_ZLIB
  SHARED_OR_SKIP(path, "data/clip/bpe_simple_vocab_16e6.txt.gz");
  const std::string text = io::read_text(path);
  CHECK(text.substr(1, 24) == "bpe_simple_vocab_16e6.tx");
  CHECK_THROWS_AS(io::read_text(path, 2000000), io_error);  // 3.3 MB unpacked
  std::ifstream in(path, std::ios::binary);
  std::string packed(std::istreambuf_iterator<char>(in), {});
  const std::string other = "cardiomm_text_test.gz";
  const auto fails = [&](const std::string& bytes) {
    std::ofstream(other, std::ios::binary) << bytes;
    CHECK_THROWS_AS(io::read_text(other), io_error);
  };
  fails(packed.substr(0, 100000));
  packed[50000] = static_cast<char>(packed[50000] ^ 0x55);
  fails(packed);
  std::remove(other.c_str());
#endif
}
