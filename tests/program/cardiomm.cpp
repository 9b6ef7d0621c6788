// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm recon --method cardiomm`: the reference's images from every layout of k-space and
/// mask, runs that go on after they were killed, text and embeddings, and what bad input is told.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm::index_t;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;

namespace {

constexpr index_t coils = 4, rows = 44, columns = 36;  // readout (our x), phase encode (our y)

template <class T>
io::array array_of(const io::extents& shape, const std::vector<T>& values) {
  io::array a;
  a.type = io::dtype_of<T>();
  a.shape = shape;
  a.bytes.resize(values.size() * sizeof(T));
  std::memcpy(a.bytes.data(), values.data(), a.bytes.size());
  return a;
}

/// One of the tiny cases of the reference, in our order of axes.
struct tiny : workplace {
  io::safetensors_file io_file;
  std::string weights;
  std::vector<complex<float>> kspace;  ///< (coil, y, x)
  std::vector<std::uint8_t> mask;      ///< (y, x)

  explicit tiny(const std::string& folder)
      : io_file(folder + "/io.safetensors"), weights(folder + "/weights.safetensors") {
    const auto k = read("in.masked_kspace"), m = read("in.mask");
    const bool lines = m.size() == columns;
    for (index_t c = 0; c < coils; ++c)
      for (index_t y = 0; y < columns; ++y)
        for (index_t x = 0; x < rows; ++x) {
          const auto at = static_cast<std::size_t>(2 * ((c * rows + x) * columns + y));
          kspace.emplace_back(k[at], k[at + 1]);
          if (c == 0) mask.push_back(m[static_cast<std::size_t>(lines ? y : x * columns + y)] != 0);
        }
    io::write_npy(*this / "k.npy", array_of({coils, columns, rows}, kspace));
    io::write_npy(*this / "m.npy", array_of({columns, rows}, mask));
    embed("e.safetensors", 16);
  }
  std::vector<float> read(const std::string& name) const {
    std::vector<float> v(static_cast<std::size_t>(io_file.at(name).size()));
    io_file.at(name).read(v.data());
    return v;
  }
  /// An embedding file of `n` numbers a vector.
  void embed(const std::string& name, std::size_t n, const char* second = "lm_embd_adapt2") const {
    const auto cut = [&](std::vector<float> v) {
      v.resize(n);
      return array_of({1, 1, static_cast<index_t>(n)}, v);
    };
    io::write_safetensors(*this / name, {{"lm_embd_adapt", cut(read("in.lm_embd_adapt"))},
                                         {second, cut(read("in.lm_embd_adapt2"))}});
  }
  /// A series of images that differ: frame f is f + 1 times the case, without its line f.
  void series(const std::string& name, index_t frames) const {
    std::vector<complex<float>> all;
    for (index_t f = 0; f < frames; ++f)
      for (std::size_t i = 0; i < kspace.size(); ++i)
        all.push_back(
            static_cast<index_t>(i) / rows % columns == f
                ? complex<float>(0)
                : complex<float>(float(f + 1) * kspace[i].real(), float(f + 1) * kspace[i].imag()));
    io::write_npy(*this / name, array_of({frames, coils, columns, rows}, all));
  }
  std::string command(const std::string& more) const {
    return "recon --method cardiomm --weights '" + weights + "' " + more;
  }
  std::string usual(const std::string& more = "") const {
    return command("--kspace k.npy --mask m.npy --embedding e.safetensors --out x.npy " + more);
  }
  /// max |x - expected| / max |expected| of a file (..., y, x)
  double error(const std::string& file, const std::string& expected, index_t plane = 0) const {
    const auto a = io::read_npy(*this / file);
    CHECK(a.type == io::dtype::f32);
    const auto x = a.values<float>(), e = read(expected);
    double worst = 0, top = 0;
    for (index_t y = 0; y < columns; ++y)
      for (index_t i = 0; i < rows; ++i) {
        const double truth = e[static_cast<std::size_t>(i * columns + y)];
        worst = std::max(
            worst, std::abs(x[static_cast<std::size_t>((plane * columns + y) * rows + i)] - truth));
        top = std::max(top, truth);
      }
    return worst / top;
  }
  double run_error(const std::string& options, const std::string& expected) const {
    const auto o = run(options);
    CAPTURE(options);
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    CHECK(!std::filesystem::exists(*this / "x.npy.partial"));
    return error("x.npy", expected);
  }
};

#define TINY_OR_SKIP(name, which)                                    \
  BUILT_PROGRAM_OR_SKIP();                                           \
  SHARED_OR_SKIP(folder_of_##name, "fixtures/cardiomm_tiny_" which); \
  const tiny name(folder_of_##name)

constexpr double bound = 3e-5;

}  // namespace

TEST_CASE("the reference's image, lines") {
  TINY_OR_SKIP(w, "1d");
  CHECK(w.run_error(w.usual("--acs 8"), "out.image") < bound);
  const auto a = io::read_npy(w / "x.npy");
  CHECK(a.shape == io::extents{columns, rows});
  CHECK(w.run_error(w.usual("--acs 0"), "out.auto_acs.image") < bound);
  CHECK(w.run_error(w.usual("--acs 8 --precision double"), "out.image") < 3e-6);
  CHECK(w.run_error(w.usual("--acs 8 --tiled --batch 3"), "out.image") < bound);
  // the sampled lines found from the zeros of the data
  CHECK(w.run_error(w.command("--kspace k.npy --embedding e.safetensors --acs 8 --out x.npy"),
                    "out.image") < bound);
}

TEST_CASE("the reference's image, radial") {
  TINY_OR_SKIP(w, "2d");
  CHECK(w.run_error(w.usual("--acs 10 --acs-shape 2d"), "out.image") < bound);
  CHECK(w.run_error(w.usual("--acs 10"), "out.acs1d.image") < bound);
  CHECK(w.run_error(w.usual("--acs 10 --acs-shape 1d"), "out.acs1d.image") < bound);
}

TEST_CASE("layouts of k-space and mask") {
  TINY_OR_SKIP(w, "1d");
  const std::string rest = " --embedding e.safetensors --acs 8 --out x.npy";
  const auto expect = [&](const std::string& files, const io::extents& shape, index_t planes) {
    CAPTURE(files);
    const auto o = w.run(w.command(files + rest));
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    CHECK(io::read_npy(w / "x.npy").shape == shape);
    for (index_t p = 0; p < planes; ++p) CHECK(w.error("x.npy", "out.image", p) < bound);
  };
  const auto repeated = [&](index_t n) {
    std::vector<complex<float>> all;
    for (index_t i = 0; i < n; ++i) all.insert(all.end(), w.kspace.begin(), w.kspace.end());
    return all;
  };
  io::write_npy(w / "frames.npy", array_of({2, coils, columns, rows}, repeated(2)));
  io::write_npy(w / "slices.npy", array_of({2, 3, coils, columns, rows}, repeated(6)));
  std::vector<std::uint8_t> lines, two;
  for (index_t y = 0; y < columns; ++y) lines.push_back(w.mask[std::size_t(y * rows)]);
  for (int i = 0; i < 2; ++i) two.insert(two.end(), w.mask.begin(), w.mask.end());
  io::write_npy(w / "lines.npy", array_of({columns}, lines));
  io::write_npy(w / "two.npy", array_of({2, columns, rows}, two));
  expect("--kspace k.npy --mask lines.npy", {columns, rows}, 1);
  expect("--kspace frames.npy --mask m.npy", {2, columns, rows}, 2);
  expect("--kspace frames.npy --mask two.npy --batch 2", {2, columns, rows}, 2);
  expect("--kspace slices.npy --mask two.npy --batch 4", {2, 3, columns, rows}, 6);
  REQUIRE(w.run("convert frames.npy f.cfl --axes frame,coil,y,x").code == 0);
  expect("--kspace f.cfl --mask m.npy", {2, columns, rows}, 2);
  REQUIRE(w.run(w.command("--kspace f.cfl --mask m.npy --embedding e.safetensors --acs 8 --out "
                          "x.cfl"))
              .code == 0);
  REQUIRE(w.run("convert x.cfl x.npy").code == 0);
  CHECK(io::read_npy(w / "x.npy").shape == io::extents{2, columns, rows});
  // unsampled positions do not count, whatever the file holds there
  auto dirty = w.kspace;
  for (std::size_t i = 0; i < dirty.size(); ++i)
    if (!w.mask[i % w.mask.size()]) dirty[i] = complex<float>(7, -3);
  io::write_npy(w / "dirty.npy", array_of({coils, columns, rows}, dirty));
  expect("--kspace dirty.npy --mask m.npy", {columns, rows}, 1);
}

TEST_CASE("a run that was killed goes on, to the same bytes") {
  TINY_OR_SKIP(w, "1d");
  w.series("s.npy", 24);
  const std::string rest =
      w.command("--kspace s.npy --mask m.npy --embedding e.safetensors --acs 8 --threads 1");
  REQUIRE(w.run(rest + " --out whole.npy").code == 0);
  const std::string whole = slurp(w / "whole.npy");

  const auto ended_by = [&](const char* signal) {
    return w.shell(
        "CARDIOMM " + rest +
        " --out x.npy > log & p=$!; while kill -0 $p && ! [ -s x.npy.partial ]; do sleep "
        "0.005; done; kill -" +
        signal + " $p; wait $p");
  };
  for (const char* signal : {"KILL", "INT", "TERM"}) {
    CAPTURE(signal);
    const auto o = ended_by(signal);
    if (o.code == 0) continue;  // it was too fast for us
    CHECK(!std::filesystem::exists(w / "x.npy"));
    REQUIRE(std::filesystem::exists(w / "x.npy.partial"));
    if (std::string(signal) != "KILL") {
      CHECK(o.code == 130);
      CHECK(o.err.find("the same command goes on") != std::string::npos);
    } else {  // as if the machine had failed in the middle of an image
      const std::string kept = slurp(w / "x.npy.partial");
      if (kept.size() > 2 * columns * rows * 4)
        spit(w / "x.npy.partial", kept.substr(0, kept.size() - 11));
    }
    const auto found = w.json(rest + " --out x.npy");
    CHECK(found["images"] == 24);
    CHECK(found["resumed"].get<int>() < 24);
    CHECK(slurp(w / "x.npy") == whole);
    CHECK(!std::filesystem::exists(w / "x.npy.partial"));
    std::filesystem::remove(w / "x.npy");
  }

  // what belongs to other options is not mixed in
  if (ended_by("KILL").code != 0) {
    std::string changed = rest;
    changed.replace(changed.find("--acs 8"), 7, "--acs 6");
    const auto other = w.json(changed + " --out x.npy");
    CHECK(other["resumed"] == 0);
    CHECK(slurp(w / "x.npy") != whole);
  }
}

TEST_CASE("several processes write the file of one") {
  TINY_OR_SKIP(w, "1d");
  const char* launcher = std::getenv("CARDIOMM_MPIRUN");
  if (launcher == nullptr) return cardiomm_tests::report_skip("MPI launcher");
  w.series("s.npy", 5);
  const std::string rest =
      w.command("--kspace s.npy --mask m.npy --embedding e.safetensors --acs 8 --threads 1");
  REQUIRE(w.run(rest + " --out one.npy").code == 0);
  const auto o = w.shell(std::string(launcher) + " -n 2 CARDIOMM " + rest + " --out two.npy");
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  CHECK(slurp(w / "one.npy") == slurp(w / "two.npy"));
  CHECK(!std::filesystem::exists(w / "two.npy.partial"));
  CHECK(!std::filesystem::exists(w / "two.npy.partial.1"));
}

TEST_CASE("a whole training checkpoint in one file") {
  TINY_OR_SKIP(w, "1d");
  SHARED_OR_SKIP(tower, "fixtures/clip_text_tiny/weights.safetensors");
  SHARED_OR_SKIP(merges, "data/clip/bpe_simple_vocab_16e6.txt.gz");
  std::map<std::string, io::array> all;
  const auto add = [&](const std::string& path, const auto& name_of) {
    const io::safetensors_file file(path);
    for (const auto& name : file.names()) {
      std::vector<float> v(static_cast<std::size_t>(file.at(name).size()));
      file.at(name).read(v.data());
      all[name_of(name)] = array_of(file.at(name).shape(), v);
    }
  };
  add(w.weights, [](const std::string& n) { return "metausunetlight." + n; });
  add(tower, [](const std::string& n) {
    return n.rfind("lm_head", 0) == 0 ? n : "language_model_no.model." + n;
  });
  all["loss.w"] = array_of<float>({1, 1, 7, 7}, std::vector<float>(49, 1 / 49.0f));
  all["language_model_no.model.logit_scale"] = array_of<float>({1}, {4.6f});
  io::write_safetensors(w / "all.safetensors", all);
  const std::string text = " --kspace k.npy --mask m.npy --acs 8 --text-heads 4 --merges '" +
                           merges +
                           "' --metadata 'field=3.0T, vendor=Siemens, scanner=Vida, "
                           "modality=cine, view=sax, sampling=uniform, acceleration=8' ";
  REQUIRE(w.run(w.command(text + "--text-weights '" + tower + "' --out a.npy")).code == 0);
  const auto o = w.run(
      "recon --method cardiomm --weights all.safetensors --text-weights "
      "all.safetensors --out b.npy" +
      text);
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  CHECK(o.err == "");
  CHECK(slurp(w / "a.npy") == slurp(w / "b.npy"));
}

TEST_CASE("images of a batch have texts of their own") {
  TINY_OR_SKIP(w, "1d");
  w.series("s.npy", 2);
  std::vector<float> meta = w.read("in.lm_embd_adapt"), sampling = w.read("in.lm_embd_adapt2");
  auto both = meta, turned = meta;
  for (float& v : turned) v = -v;
  both.insert(both.end(), turned.begin(), turned.end());
  const auto once = array_of({1, 1, 16}, sampling);
  io::write_safetensors(w / "two.safetensors",
                        {{"lm_embd_adapt", array_of({2, 1, 16}, both)}, {"lm_embd_adapt2", once}});
  io::write_safetensors(w / "turned.safetensors", {{"lm_embd_adapt", array_of({1, 1, 16}, turned)},
                                                   {"lm_embd_adapt2", once}});
  const auto images = [&](const std::string& options) {
    const auto o = w.run(w.command("--kspace s.npy --mask m.npy --acs 8 --out x.npy " + options));
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    return io::read_npy(w / "x.npy").values<float>();
  };
  const auto first = images("--embedding e.safetensors"),
             second = images("--embedding turned.safetensors"),
             mixed = images("--embedding two.safetensors --batch 2"),
             tiled = images("--embedding two.safetensors --batch 2 --tiled");
  const std::size_t n = first.size() / 2;
  double apart = 0, top = 0, text = 0, tiles = 0;
  for (std::size_t i = 0; i < n; ++i) {
    apart = std::max<double>(apart, std::abs(mixed[i] - first[i]));
    apart = std::max<double>(apart, std::abs(mixed[n + i] - second[n + i]));
    text = std::max<double>(text, std::abs(mixed[n + i] - first[n + i]));
    tiles = std::max<double>(tiles, std::abs(mixed[i] - tiled[i]));
    top = std::max<double>(top, std::abs(first[n + i]));
  }
  CHECK(apart < 1e-5 * top);
  CHECK(text > 1e-3 * top);
  CHECK(tiles > 1e-4 * top);
}

TEST_CASE("a coil without signal is left out") {
  TINY_OR_SKIP(w, "1d");
  auto five = w.kspace;
  five.insert(five.begin() + 2 * columns * rows, columns * rows, complex<float>(0));
  io::write_npy(w / "k.npy", array_of({coils + 1, columns, rows}, five));
  const auto o = w.run(w.usual("--acs 8"));
  REQUIRE(o.code == 0);
  CHECK(o.err.find("coil 2 has no signal") != std::string::npos);
  CHECK(w.error("x.npy", "out.image") < bound);
}

TEST_CASE("text instead of vectors") {
  TINY_OR_SKIP(w, "1d");
  SHARED_OR_SKIP(tower, "fixtures/clip_text_tiny/weights.safetensors");
  SHARED_OR_SKIP(stored, "fixtures/clip_text_tiny/io.safetensors");
  SHARED_OR_SKIP(merges, "data/clip/bpe_simple_vocab_16e6.txt.gz");
  const std::string metadata =
      "Adult cardiac MRI reconstruction.Vendor: 3.0T, Siemens, Vida. Modality: cine, short-axis.";
  const std::string text =
      "--kspace k.npy --mask m.npy --acs 8 --out x.npy --text-heads 4 "
      "--text-weights '" +
      tower + "' --merges '" + merges + "' ";
  const auto found =
      w.json(w.command(text + "--metadata '" + metadata + "' --undersampling '8x uniform'"));
  CHECK(found["metadata"] == metadata);
  CHECK(found["undersampling"] == "Undersampling: 8x uniform.");
  const std::string by_text = slurp(w / "x.npy");
  // the same by the stored vectors: sentences 0 and 3
  const io::safetensors_file s(stored);
  std::vector<float> meta(6 * 16), us(6 * 16);
  s.at("lm_head_meta.embd_3d").read(meta.data());
  s.at("lm_head_us.embd_3d").read(us.data());
  io::write_safetensors(
      w / "t.safetensors",
      {{"lm_embd_adapt", array_of({1, 1, 16}, std::vector<float>(meta.begin(), meta.begin() + 16))},
       {"lm_embd_adapt2",
        array_of({1, 1, 16}, std::vector<float>(us.begin() + 48, us.begin() + 64))}});
  REQUIRE(w.run(w.command("--kspace k.npy --mask m.npy --acs 8 --embedding t.safetensors --out "
                          "x.npy"))
              .code == 0);
  CHECK(slurp(w / "x.npy") == by_text);
  // a scanner that nobody knows is told, and works
  const auto odd = w.run(w.command(
      text + "--metadata 'field=7.0T, vendor=Acme, scanner=Nova, modality=cine, view=sax'"));
  CHECK(odd.code == 0);
  CHECK(odd.err.find("warning") != std::string::npos);
  // a sampling that nobody told comes from the name of the mask
  std::filesystem::copy(w / "m.npy", w / "cine_mask_Uniform8.npy");
  auto named = text;
  named.replace(named.find("m.npy"), 5, "cine_mask_Uniform8.npy");
  CHECK(w.json(w.command(named + "--metadata '" + metadata + "'"))["undersampling"] ==
        "Undersampling: 8x uniform.");
}

TEST_CASE("what bad input is told") {
  TINY_OR_SKIP(w, "1d");
  SHARED_OR_SKIP(tower, "fixtures/clip_text_tiny/weights.safetensors");
  w.embed("short.safetensors", 12);
  w.embed("half.safetensors", 16, "something_else");
  auto bad = w.kspace;
  bad[100] = complex<float>(NAN, 0);
  io::write_npy(w / "nan.npy", array_of({coils, columns, rows}, bad));
  std::fill(bad.begin(), bad.end(), complex<float>(0));
  io::write_npy(w / "zero.npy", array_of({coils, columns, rows}, bad));
  // weights that lack a tensor, hold one too many and one of another shape
  {
    const io::safetensors_file file(w.weights);
    std::map<std::string, io::array> all;
    for (const auto& name : file.names()) {
      std::vector<float> v(static_cast<std::size_t>(file.at(name).size()));
      file.at(name).read(v.data());
      all[name] = array_of(file.at(name).shape(), v);
    }
    all.erase("cascades.0.dc_weight");
    all["surplus"] = array_of<float>({1}, {1});
    all["sens_net.norm_unet.unet.enc_level1.down.bias"] = array_of<float>({2}, {1, 2});
    io::write_safetensors(w / "broken.safetensors", all);
    spit(w / "cut.safetensors", slurp(w.weights).substr(0, 5000));
  }
  struct request {
    std::string arguments;
    const char* expected;
  };
  const std::string k = "--kspace k.npy --mask m.npy --out x.npy ",
                    e = "--embedding e.safetensors ";
  const std::string own = "recon --method cardiomm --kspace k.npy --out x.npy " + e;
  const std::string text = "--text-weights '" + tower + "' ";
  const auto merges = shared_path("data/clip/bpe_simple_vocab_16e6.txt.gz");
  const std::string words = merges ? "--merges '" + *merges + "' " : "";
  const request table[] = {
      {own, "e.safetensors: lm_embd_adapt: expected shape (1, 1, 32)"},  // those of the program
      {own + "--weights none.safetensors", "none.safetensors"},
      {own + "--weights k.npy", "k.npy: "},
      {own + "--weights cut.safetensors", "cut.safetensors: "},
      {own + "--weights e.safetensors", "expected tensors of a CardioMM network"},
      {own + "--weights broken.safetensors", "cascades.0.dc_weight"},
      {own + "--weights broken.safetensors", "surplus"},
      {own + "--weights broken.safetensors", "enc_level1.down.bias"},
      {w.command(k), "found neither"},
      {w.command(k + e + text), "found both"},
      {w.command(k + e + "--metadata cine"), "found both"},
      {w.command(k + text), "--metadata: expected"},
      {w.command(k + "--metadata cine"), "--text-weights: expected"},
      {w.command(k + e + "--undersampling '8x uniform'"), "--undersampling: expected --text"},
      {w.command(k + e + "--merges m.gz"), "--merges: expected --text"},
      {w.command(k + text + "--metadata 'modality=cine' --undersampling fast"),
       "--undersampling: expected '8x uniform'"},
      {w.command(k + text + "--metadata 'modality=cine' --merges none.gz"), "none.gz"},
      {w.command(k + words + "--text-weights e.safetensors --metadata 'modality=cine'"),
       words.empty() ? "--merges: expected" : "e.safetensors: "},
      {w.command(k + "--embedding none.safetensors"), "none.safetensors"},
      {w.command(k + "--embedding short.safetensors"), "expected shape (1, 1, 16)"},
      {w.command(k + "--embedding half.safetensors"), "lm_embd_adapt2"},
      {w.command(k + e + "--acs 37"), "--acs: expected at most 36 lines"},
      {w.command(k + e + "--acs -1"), "--acs: expected at least 0"},
      {w.command(k + e + "--acs 0 --acs-shape 2d"), "--acs 0"},
      {w.command(k + e + "--acs 8 --acs-shape 3d"), "found '3d'"},
      {w.command(k + e + "--batch 0"), "--batch"},
      {w.command(k + e + "--maps k.npy"), "--maps"},
      {w.command(k + e + "--scale"), "found --scale"},
      {w.command(k + e + "--iterations 5"), "found --iterations"},
      {w.command(e + "--kspace nan.npy --out x.npy"), "nan.npy: expected finite values"},
      {w.command(e + "--kspace zero.npy --mask m.npy --out x.npy"), "calibration region"},
      {w.command(e + "--kspace k.npy --mask m.npy --out none/x.npy"), "none/x.npy"},
      {"recon --kspace k.npy --mask m.npy --out x.npy --weights w", "--weights: expected --method"},
      {"recon --kspace k.npy --mask m.npy --out x.npy --acs 20", "--acs: expected --method"},
  };
  const int before = w.count();
  for (const auto& [arguments, expected] : table) {
    const auto o = w.run(arguments);
    CAPTURE(arguments);
    CAPTURE(o.err);
    CHECK(o.code == 2);
    CHECK(o.err.find(expected) != std::string::npos);
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
    CHECK(w.count() == before);
  }
}

TEST_CASE("a dry run tells memory and time, and does nothing") {
  TINY_OR_SKIP(w, "1d");
  const int before = w.count();
  const auto found = w.json(w.usual("--acs 8 --dry-run"));
  CHECK(found["bytes"]["weights"].get<double>() > 1.7e6);
  CHECK(found["bytes"]["peak"].get<double>() > found["bytes"]["weights"].get<double>());
  CHECK(found["seconds"]["solve"].get<double>() > 0);
  CHECK(w.count() == before);
}
