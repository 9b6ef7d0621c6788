// SPDX-License-Identifier: Apache-2.0
/// \file
/// Pages: escaped text everywhere, nothing from outside, the same bytes again.
#include "cardiomm/io/html.hpp"
#include "cardiomm/io/markup.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"

namespace io = cardiomm::io;

namespace {

io::html_page sample() {
  const std::string evil = "<script>alert(\"&'\")</script>";
  io::html_page page(evil, "a & b");
  page.section("First " + evil, "first");
  page.paragraph(evil);
  page.notice("notice " + evil);
  page.code("cardiomm eval --image '<x>'");
  io::html_table t;
  t.caption = evil;
  t.columns = {"Name", "PSNR " + evil};
  t.rows = {{evil, io::html_cell(33.5, "33.50")}, {"b", io::html_cell(std::nan(""), "nan")}};
  t.rows[0][0].link = "second";
  t.rows[0][1].best = true;
  page.table(t);
  page.section("Second", "second");
  page.group();
  page.pictures({{"PNG", 10, 20, "caption " + evil, ""}});
  page.details("more " + evil);
  page.chart("<svg></svg>");
  page.end_details();
  page.end_group();
  return page;
}

}  // namespace

TEST_CASE("html: text is escaped and nothing comes from outside") {
  const std::string text = sample().text();
  CHECK(text.find("alert(\"") == std::string::npos);
  std::size_t scripts = 0;
  for (std::size_t at = 0; (at = text.find("<script>", at)) != std::string::npos; ++at) ++scripts;
  CHECK(scripts == 1);  // its own, which sorts tables
  for (const char* outside : {"http://", "https://", "src=\"/", "@import", "url("})
    CHECK(text.find(outside) == std::string::npos);
  CHECK(text.find("default-src 'none'") != std::string::npos);
  CHECK(text.find("src=\"data:image/png;base64,UE5H\" width=\"10\" height=\"20\"") !=
        std::string::npos);
  CHECK(text.find("<td class=\"n best\" data-v=\"33.5\">33.50</td>") != std::string::npos);
  CHECK(text.find("<a href=\"#second\">&lt;script&gt;") != std::string::npos);
  CHECK(text == sample().text());
  for (const char* tag : {"section", "article", "details", "table", "figure", "div", "p"}) {
    std::size_t open = 0, closed = 0;
    for (std::size_t at = 0; (at = text.find(std::string("<") + tag, at)) != std::string::npos;
         ++at)
      open += text[at + 1 + std::string(tag).size()] == '>' ||
              text[at + 1 + std::string(tag).size()] == ' ';
    for (std::size_t at = 0;
         (at = text.find(std::string("</") + tag + ">", at)) != std::string::npos; ++at)
      ++closed;
    INFO(tag);
    CHECK(open == closed);
    CHECK(open > 0);
  }
}

TEST_CASE("html: a page is written whole") {
  const cardiomm_tests::scratch folder;
  const std::string path = folder / "page.html";
  sample().save(path);
  CHECK(cardiomm_tests::slurp(path) == sample().text());
  CHECK_THROWS_AS(sample().save(path, io::existing::refuse), cardiomm::io_error);
  CHECK_THROWS_AS(sample().save(folder / "no/page.html"), cardiomm::io_error);
}
