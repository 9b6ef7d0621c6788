// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm train`: a tiny network from configuration to image, a run that is killed again and
/// again, samples as files, and what is wrong in a configuration.

#include <doctest/doctest.h>

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/image.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;

namespace {

void configure(const workplace& w) {
  spit(w / "c.json", R"({
  "output": "run", "seed": 3,
  "network": {"cascades": 1,
    "image": {"first": 4, "width": [6], "encoder": 1, "fuse": 1, "skip": 1, "prompt": 2,
              "components": 2, "side": 4, "bottleneck": 1, "reduction": 2},
    "sensitivity": {"first": 4, "width": [6], "encoder": 1, "fuse": 1, "skip": 1, "prompt": 2,
                    "components": 2, "side": 4, "bottleneck": 1, "reduction": 2}},
  "data": {"synthetic": {"subjects": 6, "frames_per_subject": 1, "smallest": 48, "largest": 48,
                         "max_coils": 3}},
  "masks": {"families": ["uniform", "random"], "accelerations": [2, 4], "acs": 8},
  "optimiser": {"rate": 2e-3}, "schedule": {"kind": "cosine"}, "clip": 1, "batch": 2,
  "epochs": 2, "average": 0.5, "validation": {"subjects": 2}
})");
}

}  // namespace

TEST_CASE("train: a run leaves weights, history and curves, and recon loads the weights") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  configure(w);
  const auto told = w.json("train --config c.json");
  CHECK(told["end"] == "finished");
  CHECK(told["steps"] == 6);
  CHECK(told["epochs"] == 2);
  CHECK(told["validation"]["ssim"].get<double>() > 0.2);
  const io::safetensors_file best(w / "run/best.safetensors");
  CHECK(best.metadata().at("cardiomm.text") == "code-v1");
  CHECK(best.metadata().at("cardiomm.training.seed") == "3");
  CHECK(best.contains("cascades.0.dc_weight"));
  const io::table history = io::read_csv(w / "run/history.csv");
  CHECK(history.columns.size() == 10);
  CHECK(history.rows.size() == 6 + 2);
  CHECK(slurp(w / "run/curves.svg").find("<svg") != std::string::npos);
  CHECK(io::read_png(w / "run/curves.png").width > 600);
  CHECK(io::read_csv(w / "run/groups.csv").rows.size() > 3);
  // the same again does nothing; the options that were written make the same weights
  CHECK(w.json("train --config c.json")["resumed"] == 6);
  CHECK(w.run("train --config run/config.json --set output=again").code == 0);
  CHECK(slurp(w / "run/best.safetensors") == slurp(w / "again/best.safetensors"));

  CHECK(
      w.json("train --config c.json --export ex --export-part test --export-count 2")["subjects"] ==
      2);
  const auto listed = nlohmann::json::parse(slurp(w / "ex/samples.json"));
  REQUIRE(listed["samples"].size() == 2);
  const auto& s = listed["samples"][0];
  CHECK(io::read_png(w / "ex/pictures.png").width > 48);
  const auto recon = w.run(
      "recon --method cardiomm --weights run/best.safetensors --kspace ex/00000_kspace.npy --axes "
      "kspace:frame,coil,y,x --mask ex/00000_mask.npy --axes mask:frame,y,x --acs 8 --metadata '" +
      s["metadata"].get<std::string>() + "' --undersampling '" +
      s["frames"][0]["undersampling"].get<std::string>() + "' --out image.npy");
  CHECK_MESSAGE(recon.code == 0, recon.err);
  CHECK(std::filesystem::exists(w / "image.npy"));
}

TEST_CASE("train: killed at any moment and started again, the bytes are those of one run") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  configure(w);
  const std::string more = "train --config c.json --set epochs=6 --set checkpoint_seconds=0.05 ";
  CHECK(w.run(more + "--set output=whole").code == 0);
  for (const char* after : {"0.25", "0.4", "0.6", "0.35"})
    w.shell("CARDIOMM " + more + "--set output=part & p=$!; sleep " + after +
            "; kill -9 $p; wait $p");
  const auto last = w.run(more + "--set output=part");
  CHECK_MESSAGE(last.code == 0, last.err);
  for (const char* name : {"best.safetensors", "last.safetensors"})
    CHECK(slurp(w / ("whole/" + std::string(name))) == slurp(w / ("part/" + std::string(name))));

  // asked to stop: the step is finished and kept, and somebody says how to go on
  const auto stopped = w.shell(
      "CARDIOMM train --config c.json --set epochs=100000 --set output=long & p=$!; sleep 1; kill "
      "-TERM $p; wait $p");
  CHECK(stopped.code == 130);
  CHECK(stopped.err.find("goes on from there") != std::string::npos);
  CHECK(std::filesystem::exists(w / "long/state.safetensors"));
  for (const std::string& name : w.contents()) CHECK(name.find(".part") == std::string::npos);
}

TEST_CASE("train: one error with the path of the key, and nothing is left") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  configure(w);
  spit(w / "bad.json", "{\"epochs\": 3,");
  const auto before = w.contents();
  const std::pair<const char*, const char*> table[] = {
      {"train", "--config"},
      {"train --config none.json", "none.json"},
      {"train --config bad.json", "bad.json: expected JSON"},
      {"train --config c.json --set epochs=0", "c.json: epochs: expected a whole number"},
      {"train --config c.json --set epochs=1.5", "epochs"},
      {"train --config c.json --set epoch=1", "c.json: epoch: unknown key"},
      {"train --config c.json --set optimiser.rat=1", "optimiser.rat: unknown key"},
      {"train --config c.json --set optimiser.kind=lion", "optimiser.kind: expected sgd"},
      {"train --config c.json --set optimiser.rate=-1", "optimiser.rate"},
      {"train --config c.json --set optimiser.beta1=1", "beta"},
      {"train --config c.json --set schedule=3", "schedule: expected an object"},
      {"train --config c.json --set network.kind=unet", "network.kind"},
      {"train --config c.json --set network.image.width=[6,7] --set network.image.side=[4,4,4]",
       "network.image.side: expected 2 numbers"},
      {"train --config c.json --set network.weights=none.safetensors", "network.cascades"},
      {"train --config c.json --set data.synthetic.smallest=8", "smallest"},
      {"train --config c.json --set data.training=none", "data.synthetic"},
      {"train --config c.json --set masks.families=spiral", "spiral"},
      {"train --config c.json --set 'masks.accelerations={\"4\": -1}'", "masks.accelerations.4"},
      {"train --config c.json --set augmentation.flip_x=2", "augmentation.flip_x"},
      {"train --config c.json --set loss.ssim=0", "loss"},
      {"train --config c.json --set epochs", "--set"},
      {"train --config c.json --export ex --export-part all", "--export-part"},
      {"train --config c.json --precision double", "--precision"}};
  for (const auto& [arguments, text] : table) {
    const auto o = w.run(arguments);
    CHECK_MESSAGE(o.code == 2, arguments << ": " << o.code << " " << o.err);
    CHECK_MESSAGE(o.err.find(text) != std::string::npos, arguments << ": " << o.err);
    CHECK_MESSAGE(std::count(o.err.begin(), o.err.end(), '\n') == 1, arguments << ": " << o.err);
  }
  CHECK(w.contents() == before);
  CHECK(w.run("train --config c.json --set output=run").code == 0);
  const auto other = w.run("train --config c.json --set optimiser.rate=1e-3");
  CHECK(other.code == 2);
  CHECK(other.err.find("optimiser.rate: 0.001") != std::string::npos);
}
