// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_TRAIN_RUN_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_TRAIN_RUN_HPP
/// \file
/// A run of training in its folder, whatever is trained: it goes on where it was, shows what it
/// does, and leaves
///
///     config.json            all options, with defaults
///     state.safetensors      from which it goes on to the same bits
///     best.safetensors       the network of the best validation, last.safetensors the last one
///     history.csv, curves.svg, curves.png
///     groups.csv, fairness.csv   scores of the best validation by vendor, field, acceleration ...

#include <filesystem>

#include "cardiomm/train/endless.hpp"
#include "interrupt.hpp"
#include "train.hpp"

namespace program {

namespace detail {

/// Options that do not change what comes out.
inline bool of_no_effect(const std::string& path) {
  for (const char* name : {"output", "checkpoint_seconds", "maximum_minutes", "prefetch"})
    if (path == name) return true;
  return path.compare(0, 7, "memory.") == 0;
}
inline std::string fingerprint_of(const config_block::notes& noted) {
  std::string all;
  for (const auto& [path, value] : noted)
    if (!of_no_effect(path)) all += path + ": " + value.dump() + "\n";
  return all;
}
inline json config_of(const config_block::notes& noted) {
  json all = json::object();
  for (const auto& [path, value] : noted) {
    json* at = &all;
    std::size_t first = 0;
    for (std::size_t dot; (dot = path.find('.', first)) != std::string::npos; first = dot + 1)
      at = &(*at)[path.substr(first, dot - first)];
    (*at)[path.substr(first)] = value;
  }
  return all;
}
inline void write_text(const std::string& path, const std::string& text) {
  io::atomic_file out(path);
  out.write(text);
  out.commit();
}
std::string time_left(double seconds);
/// history.csv, curves.svg and curves.png.
void write_history(const std::string& folder, const train::history& h);
/// groups.csv and fairness.csv (docs/fairness.md); all processes call it, the first one writes.
void write_groups(const std::string& folder, const train::validation_report& v,
                  const dist::communicator& team);
}  // namespace detail

/// Trains until the end, the time or the user stops it. `about` goes into the metadata of the
/// weights.
template <train::Task K>
void run_training(K& task, const train::source<typename K::sample_type>& samples,
                  const train::source<typename K::sample_type>* validation,
                  const config_block& root, train_settings s, const train::facts& about,
                  const common_options& common) {
  namespace fs = std::filesystem;
  using S = typename K::sample_type;
  const dist::communicator& team = common.team;
  stop_on_signals();
  const std::string folder = s.output + "/", state = folder + "state.safetensors";
  train::sampling plan(s.sampling, samples);
  const train::endless<S> drawn(
      samples, s.samples_per_epoch > 0 ? s.samples_per_epoch : samples.size(), s.loop.seed, &plan);
  s.loop.shuffled = false;  // the source is
  s.loop.fingerprint = detail::fingerprint_of(root.noted());
  dist::together(team, [&] {
    if (!team.first()) return;
    std::error_code failed;
    fs::create_directories(s.output, failed);
    require<io_error>(fs::is_directory(s.output), s.output, ": cannot be made: ", failed.message());
  });
  progress show(common);
  train::loop<K> loop(task, drawn, validation, s.loop, team, &plan);
  std::uint64_t before = 0;
  dist::together(team, [&] {
    if (!fs::exists(state)) return;
    loop.resume(state);
    before = loop.step();
  });
  if (before > 0) show.stage(s.output + ": goes on after step " + std::to_string(before));
  if (team.first())
    detail::write_text(folder + "config.json", dump(detail::config_of(root.noted())) + "\n");

  const auto facts_of = [&](std::uint64_t step) {
    train::facts f = about;
    f["cardiomm.training.step"] = std::to_string(step);
    f["cardiomm.training.seed"] = std::to_string(s.loop.seed);
    f["cardiomm.training.data"] = drawn.description();
    return f;
  };
  // what a killed run did not come to: the best weights of the state, its unfinished files
  if (team.first()) {
    if (loop.best_step() > 0 && before > 0)
      loop.save_best(folder + "best.safetensors", facts_of(loop.best_step()));
    for (const auto& e : fs::directory_iterator(s.output)) {
      const std::string name = e.path().filename().string();
      if (name.front() == '.' && e.path().extension() == ".part") fs::remove(e.path());
    }
  }
  stopwatch since_checkpoint, since_line, here;
  double loss = train::history_row::none, ssim = loss;
  for (const auto& row : loop.course().rows())
    if (std::isfinite(row.ssim)) ssim = row.ssim;
  const auto save_all = [&] {
    loop.save(state);
    since_checkpoint = stopwatch();
    if (!team.first()) return;
    loop.save_last(folder + "last.safetensors", facts_of(loop.step()));
    detail::write_history(s.output, loop.course());
  };
  const auto number = [](const char* form, double v) {
    char text[48];
    std::snprintf(text, sizeof text, form, v);
    return std::isfinite(v) ? std::string(text) : std::string("-");
  };
  const auto line = [&] {
    const double done = double(loop.step() - before), rate = done / std::max(here.seconds(), 1e-9);
    double left = double(loop.total_steps() - loop.step()) / std::max(rate, 1e-9);
    if (s.maximum_minutes > 0) left = std::min(left, 60 * s.maximum_minutes - loop.seconds());
    const double part = double(loop.step()) / double(loop.total_steps());
    const auto filled = static_cast<std::size_t>(20 * part);
    return "[" + std::string(filled, '#') + std::string(20 - filled, '.') + "] epoch " +
           std::to_string(std::min<std::uint64_t>(loop.epoch() + 1, std::uint64_t(s.loop.epochs))) +
           "/" + std::to_string(s.loop.epochs) + ", step " + std::to_string(loop.step()) + "/" +
           std::to_string(loop.total_steps()) + ", loss " + number("%.4f", loss) + ", SSIM " +
           number("%.4f", ssim) + ", " + number("%.2f", rate * double(s.loop.batch)) +
           " samples/s, " + detail::time_left(left) + " left";
  };
  bool out_of_time = false;
  train::loop_hooks hooks;
  hooks.on_step = [&](const train::step_report& r) {
    // about the last 50 steps
    loss = std::isfinite(loss) ? loss + (r.loss - loss) / 50 : r.loss;
    show.part(line());
    if (since_line.seconds() > 30) {
      since_line = stopwatch();
      if (::isatty(STDERR_FILENO) != 1) show.stage(line());
    }
    std::uint8_t due =
        s.checkpoint_seconds > 0 && since_checkpoint.seconds() > s.checkpoint_seconds;
    team.any(&due, 1);
    if (due) {
      loop.save(state);
      since_checkpoint = stopwatch();
    }
  };
  hooks.on_validated_sample = [&](index_t done, index_t all) {
    show.part("validation: sample " + std::to_string(done) + " of " + std::to_string(all));
  };
  hooks.on_validation = [&](const train::validation_report& v) {
    ssim = v.mean.ssim;
    save_all();
    if (v.best && team.first()) loop.save_best(folder + "best.safetensors", facts_of(v.step));
    if (v.best && validation) detail::write_groups(s.output, v, team);
    if (!validation) return;
    show.stage("epoch " + std::to_string(v.epoch) + "/" + std::to_string(s.loop.epochs) +
               ", step " + std::to_string(v.step) + ": training loss " + number("%.5f", loss) +
               ", validation loss " + number("%.5f", v.loss) + ", SSIM " +
               number("%.4f", v.mean.ssim) + ", NMSE " + number("%.5f", v.mean.nmse) + ", PSNR " +
               number("%.2f", v.mean.psnr) + " dB" + (v.best ? " (best)" : ""));
  };
  // the clocks of the processes differ
  const auto time_is_up = [&] {
    std::uint8_t up = s.maximum_minutes > 0 && loop.seconds() >= 60 * s.maximum_minutes;
    team.any(&up, 1);
    return up != 0;
  };
  hooks.stop = [&] {
    out_of_time = time_is_up();
    return out_of_time || stop_requested();
  };
  train::loop_end end = train::loop_end::stopped;
  if (time_is_up() && !loop.ended())
    out_of_time = true;
  else
    end = loop.run(hooks);
  const bool interrupted_here = end == train::loop_end::stopped && !out_of_time;
  if (end == train::loop_end::stopped && !interrupted_here && loop.step() > loop.validated_step())
    loop.validate(hooks);  // what the time was enough for is judged
  save_all();
  show.clear();
  if (interrupted_here) {
    dist::failed_together() = true;
    throw interrupted{": step " + std::to_string(loop.step()) + " of " +
                      std::to_string(loop.total_steps()) + " is in " + state +
                      ", the same command goes on from there"};
  }
  if (!team.first()) return;
  json result = {{"output", s.output},
                 {"weights", folder + "best.safetensors"},
                 {"end", end == train::loop_end::finished   ? "finished"
                         : end == train::loop_end::patience ? "patience"
                                                            : "time"},
                 {"parameters", loop.block().count()},
                 {"steps", loop.step()},
                 {"resumed", before},
                 {"epochs", loop.epoch()},
                 {"best_step", loop.best_step()},
                 {"seconds", loop.seconds()}};
  for (const auto& row : loop.course().rows()) {
    if (std::isfinite(row.loss)) result["loss"] = row.loss;
    if (std::isfinite(row.validation_loss) && row.step == double(loop.best_step()))
      result["validation"] = {{"loss", row.validation_loss},
                              {"ssim", row.ssim},
                              {"nmse", row.nmse},
                              {"psnr", row.psnr}};
  }
  if (team.size() > 1) result["processes"] = team.size();
  if (common.as_json) {
    std::cout << dump(result) << "\n";
    return;
  }
  std::printf(
      "%s: %llu parameters, %llu steps (%s), %.0f s, best at step %llu: %sbest.safetensors\n",
      s.output.c_str(), static_cast<unsigned long long>(loop.block().count()),
      static_cast<unsigned long long>(loop.step()), result["end"].get<std::string>().c_str(),
      loop.seconds(), static_cast<unsigned long long>(loop.best_step()), folder.c_str());
}

}  // namespace program

#endif
