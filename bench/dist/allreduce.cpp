// SPDX-License-Identifier: Apache-2.0
/// \file
/// What several processes cost: sums of n bytes, and how much of them is hidden behind a backward
/// pass. Prints JSON, which bench/scaling_model.py reads.
///
///     mpirun -n 2 dist_allreduce sums                       # seconds by bytes
///     mpirun -n 2 dist_allreduce step small 5               # training steps of a network
///     mpirun -n 2 dist_allreduce idle 40 0.2                # 40 MB behind a backward of 0.2 s
///
/// `step` takes turns between backward passes without sums, with sums behind them, and with sums
/// beside them, by a thread and by polling. `idle` does the same with processors that sleep instead
/// of computing, which is what a host does while its accelerator works.

#include <cstdio>
#include <cstring>
#include <ctime>

#include "cardiomm/core/runtime.hpp"
#include "cardiomm/models/cardiomm_pass.hpp"
#include "cardiomm/train/data_parallel.hpp"
#include "support/network.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {

using clock_type = std::chrono::steady_clock;
double since(clock_type::time_point t) {
  return std::chrono::duration<double>(clock_type::now() - t).count();
}

/// Median and smallest of the times of the slowest process.
struct times {
  std::vector<double> all;
  void add(const dist::communicator& team, double t) {
    team.max(&t, 1);
    all.push_back(t);
  }
  std::string json() {
    std::sort(all.begin(), all.end());
    char text[96];
    std::snprintf(text, sizeof text, "{\"median\": %.4g, \"min\": %.4g, \"max\": %.4g}",
                  all[all.size() / 2], all.front(), all.back());
    return text;
  }
};

void together_now(const dist::communicator& team) {
  double zero = 0;
  team.sum(&zero, 1);
}

void sums(const dist::communicator& team) {
  const Ex ex;
  const index_t most = index_t(1) << 24;  // floats
  const auto x = zeros<float>(ex, shape<1>{{most}});
  dist::reduction<float, Ex> polled(ex, team, x, {.thread = false});
  std::string rows;
  const auto sum = [&](index_t n, index_t piece) {
    times t;
    const int repeats = n < 65536 ? 60 : n < 4000000 ? 20 : 7;
    for (int i = -2; i < repeats; ++i) {
      together_now(team);
      const auto began = clock_type::now();
      for (index_t first = 0; first < n; first += piece)
        polled.start(first, std::min(n, first + piece));
      polled.wait();
      const double s = since(began);
      if (i >= 0) t.add(team, s);
    }
    return t.json();
  };
  constexpr index_t bucket = index_t(1) << 20;  // floats
  for (index_t n = 1; n <= most; n *= 4) {
    rows += (rows.empty() ? "\n    " : ",\n    ");
    rows += "{\"bytes\": " + std::to_string(4 * n) + ", \"seconds\": " + sum(n, n);
    if (n > bucket) rows += ", \"seconds_in_pieces\": " + sum(n, bucket);
    rows += "}";
  }
  if (team.first())
    std::printf("{\"kind\": \"sums\", \"processes\": %d, \"here\": %d, \"rows\": [%s]}\n",
                team.size(), team.here(), rows.c_str());
  else
    (void)team.here();
}

enum class mode { alone, after, thread, polled };
constexpr std::pair<mode, const char*> modes[] = {{mode::alone, "alone"},
                                                  {mode::after, "sums_after"},
                                                  {mode::thread, "overlapped_thread"},
                                                  {mode::polled, "overlapped_polled"}};

/// Steps in all modes (one process: without sums), in turns; `backward(finished)` is one forward
/// and backward pass.
template <class F>
std::string turns(const dist::communicator& team, const train::parameter_block<float, Ex>& block,
                  const nn::named_parameters<float, Ex>& names, std::size_t bucket, int repeats,
                  F&& backward) {
  const Ex ex;
  using parallel = train::data_parallel<float, Ex>;
  parallel alone(ex, {}, block, names);
  parallel threaded(ex, team, block, names, {.bucket_bytes = bucket});
  parallel polled(ex, team, block, names, {.bucket_bytes = bucket, .sums = {.thread = false}});
  times t[4], waited[4], cpu;  // processor time: what a step takes where nobody else computes
  for (int i = -1; i < repeats; ++i)
    for (const auto& [m, name] : modes) {
      if (team.size() == 1 && m != mode::alone) continue;
      block.zero_gradients(ex);
      parallel& p = m == mode::alone ? alone : m == mode::polled ? polled : threaded;
      const double before = p.waited();
      together_now(team);
      const std::clock_t ticks = std::clock();
      const auto began = clock_type::now();
      p.step(m == mode::alone ? 1 : team.size(),
             [&](index_t, const train::finished_range& finished) {
               backward(m == mode::after ? train::finished_range() : finished);
             });
      const double s = since(began);
      if (i < 0) continue;
      t[int(m)].add(team, s);
      waited[int(m)].add(team, p.waited() - before);
      if (m == mode::alone) cpu.add(team, double(std::clock() - ticks) / CLOCKS_PER_SEC);
    }
  std::string text = "\"gradient_bytes\": " + std::to_string(block.size() * 4) +
                     ", \"buckets\": " + std::to_string(threaded.buckets()) +
                     ", \"processor_seconds\": " + cpu.json();
  for (const auto& [m, name] : modes)
    if (!t[int(m)].all.empty())
      text += std::string(",\n  \"") + name + "\": {\"step\": " + t[int(m)].json() +
              ", \"waited\": " + waited[int(m)].json() + "}";
  return text;
}

/// Networks by name; shapes of published kind with narrower features.
models::cardiomm_sizes sizes_of(const std::string& name) {
  if (name == "full") return bench::published_sizes(12);
  models::cardiomm_sizes s = bench::published_sizes(name == "tiny" ? 2 : 4);
  for (models::unet_sizes* u : {&s.image, &s.sensitivity}) {
    const index_t by = 6;
    u->first /= by;
    for (auto& l : u->levels) {
      l.width /= by;
      l.prompt /= by;
    }
  }
  return s;
}

void step(const dist::communicator& team, const std::string& name, int repeats) {
  const Ex ex;
  const bool full = name == "full";
  require(full || name == "small" || name == "tiny",
          "network: expected tiny, small or full, found ", name);
  const models::cardiomm_sizes sizes = sizes_of(name);
  const models::cardiomm<float, Ex> net(ex, sizes);
  const index_t coils = full ? 10 : 4, ny = full ? 256 : name == "tiny" ? 64 : 128, nx = ny;
  const auto mask = make_tensor<std::uint8_t>(host_space(), shape{index_t(1), ny, nx});
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x)
      mask(0, y, x) = y % 4 == 0 || (y >= ny / 2 - 10 && y < ny / 2 + 10);
  const auto kspace = make_tensor<C>(ex, shape{index_t(1), coils, ny, nx});
  random::fill_normal(ex, kspace, std::uint64_t(team.rank()));
  const auto texts = make_tensor<float>(ex, shape{index_t(1), sizes.image.embedding});
  random::fill_normal(ex, texts, 2);
  const train::parameter_block<float, Ex> block(ex, net.parameters());
  models::cardiomm_pass<float, Ex> pass(ex, net, shape_of(kspace), mask, 1, {},
                                        full ? models::tapes::recomputed : models::tapes::kept);
  const auto dimage = make_tensor<float>(ex, shape{index_t(1), ny, nx});
  random::fill_normal(ex, dimage, 3);
  const auto work = [&](const train::finished_range& finished) {
    pass.forward(kspace, texts, texts);
    pass.backward(dimage, {}, {}, {}, finished);
    ex.fence();
  };
  std::string text =
      turns(team, block, net.parameters(), std::size_t(full ? 8 << 20 : 512 << 10), repeats, work);
  // when gradients are complete, in parts of the processor time of a step
  std::vector<std::pair<double, index_t>> ready;
  const std::clock_t began = std::clock();
  work([&](std::size_t first, std::size_t last) {
    ready.emplace_back(double(std::clock() - began), block.offset(last) - block.offset(first));
  });
  const double whole = double(std::clock() - began);
  text +=
      ",\n  \"gflop_forward\": " + std::to_string(1e-9 * bench::work_of(sizes, coils, ny, nx).all) +
      ", \"ready\": [";
  for (std::size_t i = 0; i < ready.size(); ++i)
    text += (i > 0 ? ", [" : "[") + std::to_string(ready[i].first / whole) + ", " +
            std::to_string(ready[i].second * 4) + "]";
  text += "]";
  if (team.first())
    std::printf(
        "{\"kind\": \"step\", \"network\": \"%s\", \"processes\": %d, \"threads\": %d,\n"
        "  \"parameters\": %lld, \"coils\": %lld, \"matrix\": %lld, %s}\n",
        name.c_str(), team.size(), compat::concurrency(ex), static_cast<long long>(block.count()),
        static_cast<long long>(coils), static_cast<long long>(ny), text.c_str());
}

void idle(const dist::communicator& team, double megabytes, double seconds) {
  const Ex ex;
  constexpr std::size_t parts = 12;  // cascades
  nn::named_parameters<float, Ex> names;
  for (std::size_t i = 0; i < parts; ++i)
    names.emplace_back(std::to_string(i), nn::parameter<float, Ex>(
                                              ex, {index_t(megabytes * 1e6 / 4 / double(parts))}));
  const train::parameter_block<float, Ex> block(ex, names);
  const std::string text = turns(
      team, block, names, std::size_t(4) << 20, 7, [&](const train::finished_range& finished) {
        for (std::size_t i = parts; i-- > 0;) {
          std::this_thread::sleep_for(std::chrono::duration<double>(seconds / double(parts)));
          if (finished) finished(i, i + 1);
        }
      });
  if (team.first())
    std::printf("{\"kind\": \"idle\", \"processes\": %d, \"backward\": %.4g, %s}\n", team.size(),
                seconds, text.c_str());
}

int run(int argc, char** argv) {
  const dist::environment processes;
  const auto& team = processes.world();
  const runtime guard(argc, argv);
  const std::string what = argc > 1 ? argv[1] : "";
  const auto argument = [&](int i, const char* otherwise) {
    return argc > i ? argv[i] : otherwise;
  };
  if (what == "sums")
    sums(team);
  else if (what == "step")
    step(team, argument(2, "small"), std::atoi(argument(3, "5")));
  else if (what == "idle")
    idle(team, std::atof(argument(2, "40")), std::atof(argument(3, "0.2")));
  else
    throw value_error(
        "expected sums, step [tiny|small|full] [REPEATS] or idle [MB] [SECONDS], "
        "found '" +
        what + "'");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "dist_allreduce: error: %s\n", e.what());
    return 1;
  }
}
