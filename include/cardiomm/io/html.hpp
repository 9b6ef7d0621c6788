// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_HTML_HPP
#define CARDIOMM_IO_HTML_HPP
/// \file
/// Pages of one file: text, tables that sort, pictures and charts inside the file. They open from
/// disk without a network, forbid every outside resource (Content-Security-Policy), follow the
/// reader's light or dark setting and print. The same content gives the same bytes.
///
///     io::html_page page("Scores");
///     page.section("Summary");
///     page.paragraph("Means over 12 files.");
///     page.table(t);
///     page.chart(io::svg(plot));
///     page.save("report.html");

#include <string>
#include <utility>
#include <vector>

#include "cardiomm/io/file.hpp"
#include "cardiomm/io/markup.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// A cell of a table: text, and a number to sort by where it has one.
struct html_cell {
  std::string text, link;  ///< link: id of a place in the page
  double value = 0;
  bool number = false, best = false;

  html_cell() = default;
  html_cell(std::string t) : text(std::move(t)) {}
  html_cell(const char* t) : text(t) {}
  html_cell(double v, std::string t) : text(std::move(t)), value(v), number(true) {}
};

/// A table; a click on a heading sorts by its column.
struct html_table {
  std::string caption;
  std::vector<std::string> columns;
  std::vector<std::vector<html_cell>> rows;
  std::size_t shown = 0;  ///< rows beyond these scroll in a box; 0: all are shown
};

/// A picture inside the page.
struct html_picture {
  std::string png;  ///< bytes of a PNG or animated PNG
  int width = 0, height = 0;
  std::string caption, text;  ///< text for those who cannot see it
};

/// Collects the content of a page.
class html_page {
 public:
  explicit html_page(std::string title, std::string subtitle = {})
      : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

  /// Starts a section, which is listed at the top; `id` can be linked to.
  void section(const std::string& name, const std::string& id) {
    close();
    contents_.emplace_back(id, name);
    body_ += "<section id=\"" + escaped(id) + "\"><h2>" + escaped(name) + "</h2>\n";
    open_ = true;
  }
  void heading(const std::string& text, const std::string& id = {}) {
    body_ +=
        "<h3" + (id.empty() ? "" : " id=\"" + escaped(id) + "\"") + ">" + escaped(text) + "</h3>\n";
  }
  void paragraph(const std::string& text, bool small = false) {
    body_ += std::string(small ? "<p class=\"small\">" : "<p>") + escaped(text) + "</p>\n";
  }
  /// Lines as they are typed, such as a command.
  void code(const std::string& text) { body_ += "<pre>" + escaped(text) + "</pre>\n"; }
  /// Something that stands out: what is missing or wrong.
  void notice(const std::string& text) {
    body_ += "<p class=\"notice\">" + escaped(text) + "</p>\n";
  }
  void table(const html_table& t) {
    body_ += t.shown > 0 && t.rows.size() > t.shown ? "<div class=\"wide tall\">"
                                                    : "<div class=\"wide\">";
    body_ += "<table>";
    if (!t.caption.empty()) body_ += "<caption>" + escaped(t.caption) + "</caption>";
    body_ += "<thead><tr>";
    for (std::size_t c = 0; c < t.columns.size(); ++c) {
      bool number = !t.rows.empty();
      for (const auto& row : t.rows) number = number && c < row.size() && row[c].number;
      body_ += "<th scope=\"col\"" + std::string(number ? " class=\"n\"" : "") + ">" +
               escaped(t.columns[c]) + "</th>";
    }
    body_ += "</tr></thead><tbody>\n";
    for (const auto& row : t.rows) {
      body_ += "<tr>";
      for (const auto& cell : row) {
        std::string kind = cell.number ? "n" : "";
        if (cell.best) kind += kind.empty() ? "best" : " best";
        body_ += "<td" + (kind.empty() ? "" : " class=\"" + kind + "\"") +
                 (cell.number ? " data-v=\"" + significant(cell.value, 17) + "\"" : "") + ">";
        if (!cell.link.empty()) body_ += "<a href=\"#" + escaped(cell.link) + "\">";
        body_ += escaped(cell.text) + (cell.link.empty() ? "" : "</a>") + "</td>";
      }
      body_ += "</tr>\n";
    }
    body_ += "</tbody></table></div>\n";
  }
  /// Charts side by side where the window is wide enough, two in a row or three `narrow` ones; each
  /// is what `svg` returned.
  void charts(const std::vector<std::string>& all, bool narrow = false) {
    body_ += narrow ? "<div class=\"charts narrow\">\n" : "<div class=\"charts\">\n";
    for (const auto& one : all) body_ += "<figure>" + one + "</figure>\n";
    body_ += "</div>\n";
  }
  void chart(const std::string& svg) { charts({svg}); }
  /// Pictures side by side, with their captions.
  void pictures(const std::vector<html_picture>& all) {
    body_ += "<div class=\"pictures\">\n";
    for (const auto& p : all) put(p);
    body_ += "</div>\n";
  }
  /// Columns of pictures side by side.
  void pictures(const std::vector<std::vector<html_picture>>& columns) {
    body_ += "<div class=\"pictures\">\n";
    for (const auto& column : columns) {
      body_ += "<div>";
      for (const auto& p : column) put(p);
      body_ += "</div>\n";
    }
    body_ += "</div>\n";
  }
  /// What follows until end_details is shown after a click.
  void details(const std::string& summary) {
    body_ += "<details><summary>" + escaped(summary) + "</summary>\n";
  }
  void end_details() { body_ += "</details>\n"; }
  /// A group that is not torn apart in print.
  void group(const std::string& id = {}) {
    body_ += "<article" + (id.empty() ? "" : " id=\"" + escaped(id) + "\"") + ">\n";
  }
  void end_group() { body_ += "</article>\n"; }

  /// The whole page.
  std::string text() const {
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
        escaped(title_) + "</title>\n<style>" + style() + "</style></head>\n<body>\n<header><h1>" +
        escaped(title_) + "</h1>";
    if (!subtitle_.empty()) out += "<p>" + escaped(subtitle_) + "</p>";
    if (contents_.size() > 1) {
      out += "<nav>";
      for (const auto& [id, name] : contents_)
        out += "<a href=\"#" + escaped(id) + "\">" + escaped(name) + "</a>";
      out += "</nav>";
    }
    return out + "</header>\n<main>\n" + body_ + (open_ ? "</section>\n" : "") +
           "</main>\n<script>" + script() + "</script>\n</body></html>\n";
  }
  /// Writes the page; it appears under its name when it is complete.
  void save(const std::string& path, existing policy = existing::replace) const {
    atomic_file out(path, policy);
    out.write(text());
    out.commit();
  }

 private:
  void put(const html_picture& p) {
    body_ += "<figure><img src=\"data:image/png;base64," + base64(p.png.data(), p.png.size()) +
             "\" width=\"" + std::to_string(p.width) + "\" height=\"" + std::to_string(p.height) +
             "\" alt=\"" + escaped(p.text.empty() ? p.caption : p.text) + "\"><figcaption>" +
             escaped(p.caption) + "</figcaption></figure>\n";
  }
  void close() {
    if (open_) body_ += "</section>\n";
    open_ = false;
  }
  static const char* style() {
    return R"(
:root{color-scheme:light dark;--ink:#222;--soft:#5c6570;--paper:#fff;--panel:#f5f6f8;--line:#d5d9de;--link:#0b5cad;--best:#e2f1e8;--warn:#fdf1d8}
@media screen and (prefers-color-scheme:dark){:root{--ink:#ddd;--soft:#9aa4ae;--paper:#16191d;--panel:#1f2429;--line:#3a424a;--link:#78b4f0;--best:#1d3b2b;--warn:#40351c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 "Helvetica Neue",Helvetica,Arial,"Liberation Sans",sans-serif}
header,main{max-width:1180px;margin:0 auto;padding:0 20px}
header{padding-top:26px;border-bottom:1px solid var(--line)}
h1{font-size:27px;line-height:1.2;margin:0 0 6px;overflow-wrap:anywhere}
header p{margin:0 0 12px;color:var(--soft);overflow-wrap:anywhere}
nav{display:flex;flex-wrap:wrap;gap:4px 20px;padding:2px 0 10px}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
h2{font-size:20px;margin:34px 0 10px}h3{font-size:16px;margin:22px 0 6px;overflow-wrap:anywhere}
p{margin:8px 0;max-width:82ch;overflow-wrap:anywhere}.small{font-size:13px;color:var(--soft)}
.notice{background:var(--warn);padding:8px 12px;border-radius:4px}
pre{background:var(--panel);padding:10px 12px;border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}
.wide{overflow-x:auto;margin:12px 0}.tall{max-height:460px;overflow-y:auto}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);font-size:13px;padding-bottom:4px}
th,td{padding:4px 12px 4px 0;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
th{border-bottom:2px solid var(--line);cursor:pointer;user-select:none;background:var(--paper)}
.tall th{position:sticky;top:0}
.n{text-align:right;padding:4px 12px}
th[aria-sort=ascending]::after{content:" \25B2";font-size:10px}th[aria-sort=descending]::after{content:" \25BC";font-size:10px}
td.best{background:var(--best);font-weight:600}
.charts{display:flex;flex-wrap:wrap;gap:14px;margin:12px 0}
.charts figure{margin:0;flex:1 1 460px;max-width:640px;min-width:0}
.narrow figure{flex:1 1 340px;max-width:440px}
.charts svg{display:block;width:100%;height:auto}
article{margin:0 0 22px;padding:2px 16px 12px;border:1px solid var(--line);border-radius:6px}
.pictures{display:flex;flex-wrap:wrap;gap:12px;margin:10px 0}
.pictures>div{min-width:0;max-width:100%}
.pictures figure{margin:0 0 8px;min-width:0;max-width:100%}
.pictures img{display:block;max-width:100%;height:auto;background:#000}
figcaption{font-size:13px;color:var(--soft);padding-top:3px}
summary{cursor:pointer;color:var(--link);margin:8px 0}
@media print{@page{margin:14mm}body{font-size:10.5pt}header,main{max-width:none;padding:0}nav{display:none}
h2,h3{break-after:avoid}figure,tr{break-inside:avoid}article{break-inside:avoid-page}.tall{max-height:none;overflow:visible}
.wide{overflow:visible}th{cursor:auto}.charts figure{flex-basis:46%}.narrow figure{flex-basis:30%}table{font-size:8.5pt}th,td{padding-right:6pt;white-space:normal}th.n,td.n{padding:3pt 5pt}td.n{white-space:nowrap}}
)";
  }
  /// Sorts a table by the column whose heading is clicked, or chosen by the keyboard.
  static const char* script() {
    return R"(
document.querySelectorAll("th").forEach(function(h){
h.tabIndex=0;
function sort(){
var i=h.cellIndex,up=h.getAttribute("aria-sort")!=="ascending",b=h.closest("table").tBodies[0];
h.parentNode.querySelectorAll("th").forEach(function(o){o.removeAttribute("aria-sort")});
h.setAttribute("aria-sort",up?"ascending":"descending");
Array.from(b.rows).sort(function(p,q){
var s=p.cells[i],t=q.cells[i],c;
if(s.dataset.v!==undefined&&t.dataset.v!==undefined){
var x=parseFloat(s.dataset.v.replace("inf","Infinity")),y=parseFloat(t.dataset.v.replace("inf","Infinity"));
if(x!==x)return y!==y?0:1;
if(y!==y)return -1;
c=x<y?-1:x>y?1:0;
}else c=s.textContent.localeCompare(t.textContent,"en",{numeric:true});
return up?c:-c;
}).forEach(function(r){b.appendChild(r)});
}
h.addEventListener("click",sort);
h.addEventListener("keydown",function(e){if(e.key==="Enter")sort()});
});
)";
  }

  std::string title_, subtitle_, body_;
  std::vector<std::pair<std::string, std::string>> contents_;
  bool open_ = false;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
