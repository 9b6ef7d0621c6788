// SPDX-License-Identifier: Apache-2.0
/// \file
/// `mpirun -n N cardiomm train`: the loss curve of one process, and a run that a batch system stops
/// and starts again.

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "cardiomm/io/csv.hpp"
#include "program/run.hpp"

using cardiomm_tests::slurp;
using cardiomm_tests::workplace;

namespace {

const char* launcher() { return std::getenv("CARDIOMM_MPIRUN"); }

#define LAUNCHER_OR_SKIP()                       \
  BUILT_PROGRAM_OR_SKIP();                       \
  if (launcher() == nullptr) {                   \
    cardiomm_tests::report_skip("MPI launcher"); \
    return;                                      \
  }

std::string processes(int n, const std::string& arguments) {
  return "OMP_NUM_THREADS=1 " + std::string(launcher()) + " -n " + std::to_string(n) +
         " CARDIOMM " + arguments;
}

/// A network of a few thousand parameters and frames of 32 x 32; the last batch has two samples.
void write_config(const workplace& w, int samples, int epochs) {
  std::ofstream(w / "tiny.json") << R"({
  "network": {"cascades": 2,
    "image": {"first": 4, "width": [6], "prompt": [2], "encoder": [1], "fuse": [1], "skip": [1],
              "components": [2], "side": [8], "bottleneck": 1, "reduction": 2},
    "sensitivity": {"first": 4, "width": [6], "prompt": [2], "encoder": [1], "fuse": [1],
                    "skip": [1], "components": [2], "side": [8], "bottleneck": 1, "reduction": 2}},
  "data": {"synthetic": {"subjects": 40, "smallest": 32, "largest": 32, "min_coils": 2,
                         "max_coils": 3}},
  "masks": {"accelerations": {"2": 1, "4": 1}, "acs": {"8": 1}},
  "optimiser": {"rate": 1e-3}, "clip": 0.1, "average": 0.9, "history_steps": 1, "batch": 4,
  "validation": {"subjects": 3},
  "samples_per_epoch": )" << samples
                                 << ", \"epochs\": " << epochs << "}\n";
}

struct curve {
  std::vector<double> loss, validation;
};
curve curve_of(const workplace& w, const std::string& run) {
  const auto table = cardiomm::io::read_csv(w / (run + "/history.csv"));
  const auto column = [&](const std::string& name) {
    const auto at = std::find(table.columns.begin(), table.columns.end(), name);
    REQUIRE(at != table.columns.end());
    std::vector<double> v;
    for (const auto& row : table.rows) {
      const std::string& text = row[std::size_t(at - table.columns.begin())];
      if (!text.empty()) v.push_back(std::stod(text));
    }
    return v;
  };
  return {column("loss"), column("validation_loss")};
}

double apart(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, std::abs(a[i] - b[i]) / std::abs(b[i]));
  return worst;
}

}  // namespace

TEST_CASE("two and four processes follow the loss curve of one") {
  LAUNCHER_OR_SKIP();
  const workplace w;
  write_config(w, 42, 2);
  const std::string train = "train --config tiny.json --set output=";
  const auto alone = w.run(train + "one");
  INFO(alone.err);
  REQUIRE(alone.code == 0);
  const curve one = curve_of(w, "one");
  CHECK(one.loss.size() == 22);
  CHECK(one.validation.size() == 2);
  for (const int n : {2, 4}) {
    const std::string name = "p" + std::to_string(n);
    const auto o = w.shell(processes(n, train + name + " --json"));
    INFO(o.err);
    REQUIRE(o.code == 0);
    CHECK(nlohmann::json::parse(o.out).at("processes") == n);
    const curve many = curve_of(w, name);
    const double loss = apart(many.loss, one.loss),
                 validation = apart(many.validation, one.validation);
    CHECK(loss < 1e-5);
    CHECK(validation < 1e-5);
    MESSAGE(n, " processes: largest relative difference of the loss ", loss,
            ", of the validation loss ", validation);
  }
}

TEST_CASE("SIGUSR1 ends all processes after a step, and the job script goes on to the same bits") {
  LAUNCHER_OR_SKIP();
  const workplace w;
  write_config(w, 120, 2);
  const auto whole = w.shell(processes(2, "train --config tiny.json --set output=whole"));
  INFO(whole.err);
  REQUIRE(whole.code == 0);
  const auto stopped = w.shell(processes(2, "train --config tiny.json --set output=parts") +
                               " & job=$!; until [ -e parts/config.json ]; do sleep 0.05; done; "
                               "kill -USR1 $job; wait $job");
  INFO(stopped.err);
  CHECK(stopped.code == 130);
  CHECK(stopped.err.find("the same command goes on from there") != std::string::npos);
  CHECK(std::filesystem::exists(w / "parts/state.safetensors"));
  ::setenv("CARDIOMM_LAUNCH", (std::string(launcher()) + " -n 2").c_str(), 1);
  const auto rest = w.shell("OMP_NUM_THREADS=1 bash '" + cardiomm_tests::source_dir() +
                            "/docs/slurm/train.sbatch' tiny.json --set output=parts --json");
  ::unsetenv("CARDIOMM_LAUNCH");
  INFO(rest.err);
  REQUIRE(rest.code == 0);
  const auto result = nlohmann::json::parse(rest.out);
  CHECK(result.at("resumed") > 0);
  CHECK(result.at("resumed") < result.at("steps"));
  CHECK(slurp(w / "parts/last.safetensors") == slurp(w / "whole/last.safetensors"));
  CHECK(slurp(w / "parts/best.safetensors") == slurp(w / "whole/best.safetensors"));
  for (const auto& name : w.contents()) CHECK(name.find(".tmp") == std::string::npos);
}

TEST_CASE("an error of the data ends all processes with one line") {
  LAUNCHER_OR_SKIP();
  const workplace w;
  write_config(w, 8, 1);
  const auto o =
      w.shell(processes(2, "train --config tiny.json --set output=bad --set optimiser.rate=-1"));
  CHECK(o.code == 2);
  CHECK(o.err.find("optimiser.rate") != std::string::npos);
  CHECK(!std::filesystem::exists(w / "bad/state.safetensors"));
}
