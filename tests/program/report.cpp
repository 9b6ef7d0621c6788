// SPDX-License-Identifier: Apache-2.0
/// \file
/// The report of `cardiomm eval` in a real browser: every picture and chart is drawn, tables sort,
/// nothing is asked from a network, nothing is wider than the window, and it prints.

#include <doctest/doctest.h>

#include "cardiomm/io/image.hpp"
#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;

namespace {

/// The first browser of the Chromium family that is installed; empty where there is none.
std::string browser() {
  for (const char* name : {"chromium", "chromium-headless-shell", "chromium-browser"})
    if (cardiomm_tests::have_program(name)) return name;
  return {};
}

/// Results of two methods on a phantom: its images with noise that grows with the acceleration.
void make_results(const workplace& w) {
  REQUIRE(w.run("phantom --coils 2 --frames 6 --shape 64,80 --out p").code == 0);
  const auto file = io::open_npy(w / "p/image.npy");
  std::vector<float> image(static_cast<std::size_t>(file.size()));
  if (io::is_complex_type(file.type())) {
    std::vector<cardiomm::complex<float>> z(image.size());
    file.read(z.data());
    for (std::size_t i = 0; i < z.size(); ++i) image[i] = std::hypot(z[i].real(), z[i].imag());
  } else
    file.read(image.data());
  const auto put = [&](const std::string& name, const std::vector<float>& v) {
    std::filesystem::create_directories(std::filesystem::path(w / name).parent_path());
    io::atomic_file out(w / name);
    io::put_npy(out, io::dtype::f32, file.shape(), v.data());
    out.commit();
  };
  const float top = *std::max_element(image.begin(), image.end());
  std::uint32_t seed = 1;
  for (const std::string patient : {"P001", "P002"}) {
    put("ref/" + patient + "/cine_<sax>.npy", image);
    for (const std::string method : {"sense", "zero & filled"})
      for (const std::string pattern : {"Uniform", "ktGaussian"})
        for (const int r : {4, 16}) {
          auto noisy = image;
          for (float& v : noisy) {
            seed = seed * 1664525 + 1013904223;
            const float u = float(seed >> 8) / float(1 << 24) - 0.5f;
            v = std::abs(v + u * top * 0.01f * float(r) * (method == "sense" ? 1.f : 2.f));
          }
          put("out/" + method + "/" + patient + "/cine_<sax>_mask_" + pattern + std::to_string(r) +
                  ".npy",
              noisy);
        }
  }
}

/// Runs in the page and leaves what it saw in the title.
const char* const probe = R"(<script>
window.addEventListener("load",function(){
function n(q){return document.querySelectorAll(q).length}
var images=Array.from(document.images),bad=images.filter(function(i){return !i.complete||i.naturalWidth===0}).length;
var thin=images.filter(function(i){return i.clientWidth<60}).length;
var wide=document.documentElement.scrollWidth-window.innerWidth;
var files=document.querySelector("#files table"),names=function(){return Array.from(files.tBodies[0].rows).map(function(r){return parseFloat(r.cells[3].dataset.v)})};
var rows=files.tBodies[0].rows.length;
files.tHead.rows[0].cells[3].click();
var up=names().every(function(v,i,a){return i===0||a[i-1]<=v});
files.tHead.rows[0].cells[3].click();
var down=names().every(function(v,i,a){return i===0||a[i-1]>=v});
var empty=Array.from(document.querySelectorAll("svg.cm-chart")).filter(function(s){var b=s.getBBox();return !(b.width>100&&b.height>100)}).length;
var out=0;
document.querySelectorAll("svg.cm-chart").forEach(function(s){var f=s.getBoundingClientRect();
s.querySelectorAll("text").forEach(function(t){var r=t.getBoundingClientRect();if(r.left<f.left-1||r.right>f.right+1||r.top<f.top-1||r.bottom>f.bottom+1)out++})});
var dead=Array.from(document.querySelectorAll("a[href^='#']")).filter(function(a){return !document.getElementById(a.getAttribute("href").slice(1))}).length;
document.title="PROBE images="+images.length+" bad="+bad+" thin="+thin+" wide="+(wide>0?wide:0)+" charts="+n("svg.cm-chart")+" empty="+empty+" outside="+out+" rows="+rows+" up="+up+" down="+down+" dead="+dead+" requests="+performance.getEntriesByType("resource").filter(function(e){return !e.name.startsWith("data:")}).length+" END";
});
</script></body>)";

int number(const std::string& seen, const std::string& name) {
  const auto at = seen.find(" " + name + "=");
  return at == std::string::npos ? -1 : std::atoi(seen.c_str() + at + name.size() + 2);
}

}  // namespace

TEST_CASE("report: in a browser") {
  BUILT_PROGRAM_OR_SKIP();
  const std::string chromium = browser();
  if (chromium.empty()) {
    cardiomm_tests::report_skip("program chromium");
    return;
  }
  const workplace w;
  make_results(w);
  const auto o = w.run(
      "eval --reference ref --image out/sense --image 'out/zero & filled' --convention all "
      "--title 'A <b>title</b>' --report report.html");
  INFO(o.err);
  REQUIRE(o.code == 0);
  std::string page = slurp(w / "report.html");
  const auto end = page.rfind("</body>");
  REQUIRE(end != std::string::npos);
  spit(w / "probe.html", page.substr(0, end) + probe + page.substr(end + 7));
  const std::string start = chromium +
                            " --headless --no-sandbox --disable-gpu --hide-scrollbars "
                            "--user-data-dir=profile --enable-logging=stderr ";
  for (const char* size : {"1240,900", "520,900"}) {
    CAPTURE(size);
    const auto d = w.shell(start + "--window-size=" + size + " --dump-dom probe.html");
    REQUIRE(d.code == 0);
    CHECK(d.err.find("CONSOLE") == std::string::npos);  // no message of the page
    const auto at = d.out.find("<title>PROBE");
    REQUIRE(at != std::string::npos);
    const std::string seen = d.out.substr(at, d.out.find("END", at) - at);
    CAPTURE(seen);
    CHECK(number(seen, "images") == 8 * 6);  // 8 groups of reference, 2 images, 2 errors, cine
    CHECK(number(seen, "bad") == 0);
    CHECK(number(seen, "thin") == 0);
    CHECK(number(seen, "wide") == 0);
    CHECK(number(seen, "charts") == 3 + 3 + 2);
    CHECK(number(seen, "empty") == 0);
    CHECK(number(seen, "outside") == 0);
    CHECK(number(seen, "rows") == 16);
    CHECK(seen.find("up=true down=true") != std::string::npos);
    CHECK(number(seen, "dead") == 0);
    CHECK(number(seen, "requests") == 0);
    CHECK(d.out.find("A &lt;b&gt;title&lt;/b&gt;") != std::string::npos);
  }
  REQUIRE(w.shell(start + "--window-size=1240,2400 --screenshot=shot.png report.html").code == 0);
  const io::picture shot = io::read_png(w / "shot.png");
  CHECK(shot.width == 1240);
  std::size_t dark = 0, busy = 0;
  for (int y = 0; y < shot.height; ++y) {
    std::size_t here = 0;
    for (int x = 0; x < shot.width; ++x) here += shot.row(y)[x] < 128;
    dark += here;
    busy += here > 0;
  }
  CHECK(dark > 10000);
  CHECK(busy > std::size_t(shot.height) / 3);
  REQUIRE(w.shell(start + "--print-to-pdf=report.pdf report.html").code == 0);
  CHECK(slurp(w / "report.pdf").substr(0, 5) == "%PDF-");
  CHECK(slurp(w / "report.pdf").size() > 50000);
}
