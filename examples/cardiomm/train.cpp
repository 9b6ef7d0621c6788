// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm train`: the command line and the part of the configuration that all networks share.

#include "train.hpp"

#include <fstream>

namespace program {
namespace {

/// KEY.PATH=VALUE into the configuration; a value that is no JSON is text.
void set_value(json& config, const std::string& text) {
  const auto equals = text.find('=');
  require<value_error>(equals != std::string::npos && equals > 0,
                       "--set: expected key.path=value, found '", text, "'");
  json value = json::parse(text.substr(equals + 1), nullptr, false);
  if (value.is_discarded()) value = text.substr(equals + 1);
  json* at = &config;
  const std::string path = text.substr(0, equals);
  for (std::size_t first = 0; first <= path.size();) {
    const std::size_t last = std::min(path.find('.', first), path.size());
    const std::string key = path.substr(first, last - first);
    require<value_error>(!key.empty(), "--set: expected key.path=value, found '", text, "'");
    if (at->is_null()) *at = json::object();
    require<value_error>(at->is_object(), "--set: ", path.substr(0, first ? first - 1 : 0),
                         ": expected an object, found ", config_block::shown(*at));
    at = &(*at)[key];
    first = last + 1;
  }
  *at = value;
}

json read_config(const train_command& c) {
  json config = json::object();
  if (!c.config.empty()) {
    std::ifstream file(c.config);
    require<io_error>(static_cast<bool>(file), c.config, ": cannot be opened");
    try {
      config = json::parse(file, nullptr, true, true);  // with comments
    } catch (const json::exception& e) {
      throw value_error(c.config + ": expected JSON: " + one_line(e.what()));
    }
  }
  require<value_error>(config.is_object(), c.config, ": expected a JSON object, found ",
                       config_block::shown(config));
  for (const std::string& text : c.sets) set_value(config, text);
  return config;
}

void read_optimiser(config_block b, train::optimiser_options& o) {
  std::string kind = train::name_of(o.kind);
  b.read("kind", kind, {"sgd", "adam", "adamw"});
  o.kind = train::optimiser_kind_of(kind);
  b.read("rate", o.rate, 0);
  b.read("beta1", o.beta1, 0, 1);
  b.read("beta2", o.beta2, 0, 1);
  b.read("eps", o.eps, 0);
  b.read("momentum", o.momentum, 0);
  b.read("dampening", o.dampening, 0);
  b.read("nesterov", o.nesterov);
  b.read("weight_decay", o.weight_decay, 0.0);
  b.finish();
}

void read_schedule(config_block b, train::schedule_options& o) {
  std::string kind = train::name_of(o.kind);
  b.read("kind", kind, {"constant", "step", "cosine", "one_cycle"});
  o.kind = train::schedule_kind_of(kind);
  b.read("per_epoch", o.per_epoch);
  b.read("every", o.every, 1);
  b.read("gamma", o.gamma, 0);
  b.read("minimum", o.minimum, 0);
  b.read("rise", o.rise, 0, 1);
  b.read("divide", o.divide, 1);
  b.read("divide_end", o.divide_end, 1);
  b.read("warm_up", o.warm_up, 0);
  b.read("warm_up_start", o.warm_up_start, 0, 1);
  b.finish();
}

void read_sampling(config_block b, train::sampling_options& o) {
  b.read("balance", o.balance);
  b.read("replacement", o.replacement);
  b.read("importance", o.importance);
  b.read("group_dro", o.group_dro, 0);
  b.read("by", o.by);
  b.read_names("groups", o.groups);
  b.finish();
}

train_settings read_settings(config_block& b) {
  train_settings s;
  s.output = "run";
  b.read("output", s.output);
  require<value_error>(!s.output.empty(), b.where("output"), ": expected a folder, found \"\"");
  train::loop_options& o = s.loop;
  b.read("seed", o.seed, 0);
  b.read("epochs", o.epochs, 1, 1000000000);
  b.read("samples_per_epoch", s.samples_per_epoch, 0, 1000000000);
  b.read("batch", o.batch, 1, 1000000);
  b.read("clip", o.clip, 0);
  b.read("average", o.average, 0, 1);
  read_optimiser(b.block("optimiser"), o.optimiser);
  read_schedule(b.block("schedule"), o.schedule);
  read_sampling(b.block("sampling"), s.sampling);
  config_block v = b.block("validation");
  v.read("subjects", s.validation_subjects, 0, 1000000);
  v.read("every_epochs", o.validate_every, 1, 1000000000);
  v.read("patience", o.patience, 0, 1000000000);
  v.finish();
  b.read("history_steps", o.record_every, 0, 1000000000);
  b.read("checkpoint_seconds", s.checkpoint_seconds, 0);
  b.read("maximum_minutes", s.maximum_minutes, 0);
  b.read("prefetch", o.threads, 0, 256);
  o.depth = std::max(2, 2 * o.threads);
  config_block m = b.block("memory");
  m.read("checkpoint_cascades", s.recomputed);
  m.finish();
  naming(b.file() + ": ", [&] {
    o.optimiser.check();
    o.check();
    (void)train::schedule(o.schedule, o.optimiser.rate, 1, 1);
  });
  return s;
}

void run_train(const train_command& c, const common_options& common) {
  config_block root(read_config(c), c.config.empty() ? "train" : c.config);
  const train_settings s = read_settings(root);
  config_block network = root.block("network");
  std::string kind = "cardiomm";
  network.read("kind", kind, {"cardiomm", "pisf"});
  (kind == "pisf" ? train_pisf : train_cardiomm)(root, s, c, common);
}

}  // namespace

action add_train(CLI::App& app, common_options& common) {
  auto c = std::make_shared<train_command>();
  CLI::App& command = add_command(
      app, "train", "Train a network on synthetic or measured k-space",
      "  cardiomm train --config small.json\n"
      "  cardiomm train --config small.json --set optimiser.rate=1e-4 --set output=runs/slow\n"
      "  cardiomm train --config small.json --export samples --export-part test --export-count 8\n"
      "  mpirun -n 4 cardiomm train --config small.json\n"
      "  cardiomm recon --method cardiomm --weights runs/small/best.safetensors ...",
      common);
  command
      .add_option("--config", c->config,
                  "JSON file of options; a run that is in its output folder already goes on")
      ->type_name("FILE");
  command.add_option("--set", c->sets, "Change an option of the configuration; repeat")
      ->type_name("KEY.PATH=VALUE")
      ->allow_extra_args(false);
  command
      .add_option("--export", c->export_folder,
                  "Do not train, but write samples into this folder: full and undersampled "
                  "k-space, masks, targets and pictures")
      ->type_name("FOLDER");
  command
      .add_option_function<std::string>(
          "--export-part",
          [c](const std::string& text) {
            require<value_error>(text == "train" || text == "validation" || text == "test",
                                 "--export-part: expected train, validation or test, found '", text,
                                 "'");
            c->export_part = text;
          },
          "Of the subjects of train, validation (default) or test, which no training sees")
      ->type_name("NAME");
  command.add_option("--export-count", c->export_count, "Subjects to write (default 16)")
      ->type_name("N");
  return [c](const common_options& all) {
    require<value_error>(!c->config.empty() || !c->sets.empty(),
                         "train: expected --config FILE, found none");
    require<value_error>(c->export_count > 0 && c->export_count <= 1000000,
                         "--export-count: expected 1 to 1000000, found ", c->export_count);
    require<value_error>(!all.as_double, "--precision: expected float for train, found double");
    run_train(*c, all);
  };
}

}  // namespace program
