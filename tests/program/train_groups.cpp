// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm train` with groups: the sampling block, its state, and scores by group.

#include <doctest/doctest.h>

#include <fstream>

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "program/run.hpp"

using cardiomm_tests::slurp;
using cardiomm_tests::workplace;

namespace {

void write_config(const workplace& w) {
  std::ofstream(w / "tiny.json") << R"({
  "network": {"cascades": 1,
    "image": {"first": 4, "width": [6], "prompt": [2], "encoder": [0], "fuse": [0], "skip": [0],
              "components": [2], "side": [8], "bottleneck": 1},
    "sensitivity": {"first": 4, "width": [6], "prompt": [2], "encoder": [0], "fuse": [0],
                    "skip": [0], "components": [2], "side": [8], "bottleneck": 1}},
  "data": {"synthetic": {"subjects": 40, "smallest": 32, "largest": 32, "min_coils": 2,
                         "max_coils": 3}},
  "masks": {"accelerations": {"4": 1, "8": 1}, "acs": {"8": 1}},
  "optimiser": {"rate": 1e-3}, "clip": 0.1, "batch": 2, "epochs": 2, "samples_per_epoch": 12,
  "validation": {"subjects": 6},
  "sampling": {"balance": "vendor", "group_dro": 0.05}
})";
}

std::vector<double> group_weights(const std::string& state) {
  const cardiomm::io::safetensors_file file(state);
  const auto q = file.at("group_weights").tensor<double, 1>();
  return {q.data(), q.data() + q.size()};
}

}  // namespace

TEST_CASE("Group DRO in a run: its weights move and are in the state; scores by group") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  write_config(w);
  w.json("train --config tiny.json --set output=a");
  const auto q = group_weights(w / "a/state.safetensors");
  CHECK(q.size() >= 2);
  double sum = 0, apart = 0;
  for (const double v : q) {
    sum += v;
    apart = std::max(apart, std::abs(v - 1 / double(q.size())));
  }
  CHECK(sum == doctest::Approx(1).epsilon(1e-12));
  CHECK(apart > 1e-4);
  w.json("train --config tiny.json --set output=b");
  CHECK(slurp(w / "a/best.safetensors") == slurp(w / "b/best.safetensors"));

  const auto groups = cardiomm::io::read_csv(w / "a/groups.csv");
  double subjects = 0;
  for (std::size_t i = 0; i < groups.rows.size(); ++i)
    if (groups.at(i, "key") == "vendor" && groups.at(i, "figure") == "ssim")
      subjects += groups.number(i, "subjects");
  CHECK(subjects == 6);
  const auto fair = cardiomm::io::read_csv(w / "a/fairness.csv");
  bool found = false;
  for (std::size_t i = 0; i < fair.rows.size(); ++i)
    if (fair.at(i, "key") == "acceleration" && fair.at(i, "figure") == "nmse") {
      found = true;
      CHECK(fair.number(i, "gap") >= 0);
    }
  CHECK(found);
}

TEST_CASE("mistakes in the sampling block are told with their place") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  write_config(w);
  const auto refused = [&](const std::string& set, const std::string& expected) {
    const auto before = w.contents();
    const auto o = w.run("train --config tiny.json --set output=x --set '" + set + "'");
    CHECK(o.code != 0);
    CHECK_MESSAGE(o.err.find(expected) != std::string::npos, o.err);
    CHECK(w.contents() == before);
  };
  refused("sampling.balanced=vendor", "sampling.balanced: unknown key, expected one of balance");
  refused("sampling.balance=scanners", "scanners: expected a group that is known before sample 0");
  refused("sampling.group_dro=-1", "sampling.group_dro: expected a number of at least 0, found -1");
  refused("sampling={\"group_dro\":0.1}", "group DRO: expected a key of groups");
  refused("sampling.groups=vendor", "sampling.groups: expected a list of text, found \"vendor\"");
}
