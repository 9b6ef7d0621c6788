// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/csv.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/scan_parameters.hpp"
#include "io/mutate.hpp"

namespace io = cardiomm::io;
using cardiomm::io_error;
using cardiomm_tests::scratch;
using cardiomm_tests::spit;

namespace {
std::string message(const std::string& text) {
  try {
    io::parse_csv(text, "t.csv");
    return "read";
  } catch (const io_error& e) {
    return e.what();
  }
}
}  // namespace

TEST_CASE("fields, quotes and line ends") {
  const auto t = io::parse_csv(
      "\xef\xbb\xbfname,value,\"a, b\"\r\none,1,\"say \"\"hi\"\"\"\r\n\r\n\"two\nlines\",2,\n"
      "three,3,x\rfour,4,");
  CHECK(t.columns == std::vector<std::string>{"name", "value", "a, b"});
  REQUIRE(t.rows.size() == 4);
  CHECK(t.at(0, "a, b") == "say \"hi\"");
  CHECK(t.at(1, "name") == "two\nlines");
  CHECK(t.at(1, "a, b").empty());
  CHECK(t.at(2, "a, b") == "x");
  CHECK(t.number(3, "value") == 4);
  CHECK(t.lines == std::vector<std::size_t>{2, 4, 6, 7});
  CHECK_THROWS_WITH_AS(t.number(1, "name"),
                       "table: line 4, column 'name': expected a number, found 'two\nlines'",
                       io_error);
  CHECK_THROWS_AS(t.column("other"), io_error);
}

TEST_CASE("separators are found") {
  CHECK(io::parse_csv("a\tb\n1\t2\n").number(0, "b") == 2);
  CHECK(io::parse_csv("a;b\n1;2,5\n").at(0, "b") == "2,5");
  CHECK(io::parse_csv("\"x;y\",b\n1,2\n").columns.size() == 2);
  CHECK(io::parse_csv("alone\n7\n").number(0, "alone") == 7);
  io::csv_options options;
  options.separator = '|';
  CHECK(io::parse_csv("a|b,c\n1|2\n", "t", options).columns[1] == "b,c");
}

TEST_CASE("what is no table has its message") {
  CHECK(message("").find("an empty file") != std::string::npos);
  CHECK(message("\n\r\n").find("no line with text") != std::string::npos);
  CHECK(message("a,b\n1,2\n3\n") ==
        "t.csv: line 3: expected 2 fields as in the first line, found 1");
  CHECK(message("a,b\n1,2,3\n").find("line 2") != std::string::npos);
  CHECK(message("a,b\n1,\"2\n").find("line 2: expected a quoted field with an end") !=
        std::string::npos);
  CHECK(message("a\n\"1\"2\n").find("line 2: expected a separator") != std::string::npos);
  CHECK(message(std::string("a\0b\n", 4)).find("zero byte at 1") != std::string::npos);
  CHECK(message("\xff\xfe"
                "a")
            .find("UTF-16") != std::string::npos);
}

TEST_CASE("numbers") {
  for (const double v : {0.0, -1.5, 1e-300, 0.1, 1.0 / 3, 12345678.0, 1e22})
    CHECK(*io::to_number(io::to_text(v)) == v);
  CHECK(io::to_text(0.1) == "0.1");
  CHECK(*io::to_number(" +2.5\t") == 2.5);
  for (const char* none : {"", " ", "x", "1x", "1 2", "+-1", "--1", "1,5", "0x10"})
    CHECK_FALSE(io::to_number(none).has_value());
}

TEST_CASE("what is written is read again") {
  const scratch dir;
  io::table t;
  t.columns = {"a", "with \"quotes\""};
  t.rows = {{"1,2", "x\ny"}, {"", " spaces "}, {"tab\t", "semi;colon"}};
  for (const char* name : {"t.csv", "t.tsv"}) {
    io::write_csv(dir / name, t);
    const auto back = io::read_csv(dir / name);
    CHECK(back.columns == t.columns);
    CHECK(back.rows == t.rows);
  }
  io::table one;
  one.columns = {"alone"};
  one.rows = {{""}, {"x"}};
  CHECK(io::parse_csv(io::csv_text(one)).rows == one.rows);
  one.rows[0].push_back("too many");
  CHECK_THROWS_AS(io::csv_text(one), io_error);
}

TEST_CASE("scan parameters and what the export makes of them") {
  const scratch dir;
  spit(dir / "cine_sax_info.csv",
       "Parameter,Value,Comment\nFOVx(mm),390\n FOVy (mm) ,320.5,\nReconMatrix_X,156,\n"
       "ReconMatrix_Y,160\nSliceThickness(mm),NaN,\nTR(ms),45.2\nVendor,Siemens,text\n");
  CHECK(io::scan_parameters_beside(dir / "cine_sax.mat") == dir / "cine_sax_info.csv");
  CHECK_FALSE(io::scan_parameters_beside(dir / "cine_lax.mat").has_value());
  const auto info = io::read_scan_parameters(dir / "cine_sax_info.csv");
  CHECK(info.values.at("Vendor") == "Siemens");
  CHECK(info.number("FOVy") == 320.5);
  CHECK_FALSE(info.number("Vendor").has_value());
  CHECK_FALSE(info.number("SliceThickness").has_value());

  const auto siemens = io::spacing_of(info, 78, 100, "Siemens", "Center001");
  CHECK(siemens.spacing == std::array<double, 3>{2.5, 320.5 / 160, 8});
  CHECK(siemens.dt == doctest::Approx(0.0452));
  CHECK(siemens.affine[0] == 2.5);
  CHECK(siemens.affine[10] == 8);
  for (const auto& [vendor, center] :
       {std::pair<const char*, const char*>{"UIH", "Center001"}, {"Siemens", "Center007"}}) {
    const auto saved = io::spacing_of(info, 78, 100, vendor, center);
    CHECK(saved.spacing == std::array<double, 3>{5, 3.205, 8});
  }
  const auto none = io::spacing_of({}, 78, 100, "", "");
  CHECK(none.spacing == std::array<double, 3>{2, 2, 8});
  CHECK(none.dt == 1);

  spit(dir / "other.csv", "Parameter,Value_1\nTR,50\n");
  CHECK(io::read_scan_parameters(dir / "other.csv").number("TR") == 50);
  spit(dir / "other.csv", "Name,Value\nTR,50\n");
  CHECK_THROWS_AS(io::read_scan_parameters(dir / "other.csv"), io_error);

  // numpy.percentile(v, 99.5) of 0..7 and of 10 times that, per slice over two frames
  std::vector<float> v;
  for (int t = 0; t < 2; ++t)
    for (int z = 0; z < 3; ++z)
      for (int i = 0; i < 4; ++i) v.push_back(z == 2 ? 0.f : float(4 * t + i) * (z ? 10 : 1));
  io::scale_exported_slices(v.data(), 2, 3, 4);
  CHECK(v[1] == doctest::Approx(1 / 6.965));
  CHECK(v[5] == doctest::Approx(1 / 6.965));
  CHECK(v[12 + 3] == doctest::Approx(7 / 6.965));
  CHECK(v[8] == 0);
}

TEST_CASE("changed tables are read or refused") {
  std::mt19937 random(3);
  const std::string original = "a,\"b\",c\r\n1,\"2\"\"\",3\r\n\"4\n\",5,6\r\n";
  int good = 0, bad = 0;
  for (int i = 0; i < 4000; ++i)
    message(cardiomm_tests::mutate(original, random, 64)) == "read" ? ++good : ++bad;
  CHECK(good > 300);
  CHECK(bad > 300);
}
