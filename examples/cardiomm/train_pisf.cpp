// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm train` with "network.kind": "pisf": the unrolled network of lines, on synthetic lines
/// alone.

#include "cardiomm/train/lines_task.hpp"
#include "train_run.hpp"

namespace program {
namespace {

namespace models = cardiomm::models;
using space = cardiomm::default_space;

models::pisf<float, space> make_pisf(config_block b, std::uint64_t seed) {
  const space ex;
  std::string kind = "pisf", weights;
  b.read("kind", kind);
  b.read("weights", weights);
  models::pisf_sizes sizes;
  if (!weights.empty()) {
    for (const char* key : {"phases", "coils", "filters", "kernel", "prior_layers",
                            "transform_layers", "norm", "residual", "threshold_last", "factor"})
      require<value_error>(!b.has(key), b.where(key),
                           ": expected no sizes beside network.weights, whose file has them");
    b.finish();
    return naming(weights + ": ", [&] {
      return models::load_pisf<float>(ex, models::source_of(io::safetensors_file(weights)));
    });
  }
  b.read("phases", sizes.phases, 1, 1000);
  b.read("coils", sizes.coils, 1, 1000);
  b.read("filters", sizes.filters, 1, 100000);
  b.read("kernel", sizes.kernel, 1, 99);
  require<value_error>(sizes.kernel % 2 == 1, b.where("kernel"), ": expected an odd number, found ",
                       sizes.kernel);
  b.read("prior_layers", sizes.prior_layers, 1, 1000);
  b.read("transform_layers", sizes.transform_layers, 1, 1000);
  b.read("norm", sizes.norm);
  b.read("residual", sizes.residual);
  b.read("threshold_last", sizes.threshold_last);
  b.read("factor", sizes.factor, 0);
  b.finish();
  return models::pisf<float, space>(ex, sizes, seed);
}

/// Shares of lines: {"0.25": 2}, [0.25, 0.33] or 0.25.
void read_rates(config_block& b, std::map<double, double>& rates) {
  std::map<std::string, double> named;
  for (const auto& [rate, weight] : rates) named[json(rate).dump()] = weight;
  if (b.has("rates") && !b.at("rates").is_object()) {
    named.clear();
    const json all = b.at("rates").is_array() ? b.at("rates") : json::array({b.at("rates")});
    for (const json& v : all) named[v.dump()] = 1;
  } else {
    b.read_weights("rates", named);
  }
  rates.clear();
  for (const auto& [name, weight] : named) {
    const json v = json::parse(name, nullptr, false);
    require<value_error>(v.is_number() && v.get<double>() > 0 && v.get<double>() <= 1,
                         b.where("rates"), ": expected shares of lines up to 1, found ", name);
    rates[v.get<double>()] = weight;
  }
  b.note("rates", named);
}

train::line_options read_lines(config_block b, index_t coils, index_t batches) {
  train::line_options o;
  o.coils = coils;
  if (batches > 0) o.batches = batches;
  b.read("lines", o.lines, 1, 1000000);
  if (b.has("lengths")) {
    const json all = b.at("lengths").is_array() ? b.at("lengths") : json::array({b.at("lengths")});
    o.lengths.clear();
    for (const json& v : all) {
      require<value_error>(v.is_number_unsigned(), b.where("lengths"),
                           ": expected whole numbers, found ", config_block::shown(v));
      o.lengths.push_back(v.get<index_t>());
    }
  }
  b.note("lengths", o.lengths);
  b.read("oversampling", o.oversampling, 1, 16);
  b.read("least_boxes", o.least_boxes, 0, 1000);
  b.read("most_boxes", o.most_boxes, 0, 1000);
  b.read("most_bumps", o.most_bumps, 0, 1000);
  b.read_range("edge", o.least_edge, o.most_edge);
  b.read_range("bump", o.least_bump, o.most_bump);
  b.read_range("body", o.least_body, o.most_body);
  b.read("texture", o.texture, 0, 1);
  b.read("phase_degree", o.phase_degree, 0, 20);
  b.read("phase", o.phase, 0);
  b.read("noise", o.noise, 0);
  b.read("fewer_coils", o.fewer_coils, 0, 1);
  b.read("virtual_coils", o.virtual_coils, 0, 1);
  b.read_weights("families", o.families);
  read_rates(b, o.rates);
  b.read("least_acs", o.least_acs, 0, 100000);
  b.read("most_acs", o.most_acs, 0, 100000);
  b.finish();
  return o;
}

}  // namespace

void train_pisf(config_block& root, const train_settings& s, const train_command& c,
                const common_options& common) {
  require<value_error>(c.export_folder.empty(),
                       "--export: expected a network of images, found network.kind pisf");
  const auto net = make_pisf(root.block("network"), s.loop.seed);
  config_block data = root.block("data");
  const train::line_options lines =
      read_lines(data.block("lines"), net.sizes().coils, s.samples_per_epoch);
  data.finish();
  config_block loss = root.block("loss");
  double constraint = 0.01;
  loss.read("constraint", constraint, 0);
  loss.finish();
  root.finish();
  naming(root.file() + ": ", [&] {
    const train::synthetic_lines training(lines, s.loop.seed);
    train::line_options held = lines;
    held.batches = std::max<index_t>(1, s.validation_subjects);
    // the seed of training, moved away, so that no line is seen twice
    const train::synthetic_lines validation(held, s.loop.seed ^ 0x5EED0F1155EED0F1u);
    train::lines_task<float, space> task(space(), net, constraint);
    run_training(task, training, s.validation_subjects > 0 ? &validation : nullptr, root, s,
                 {{"cardiomm.network", "pisf"}}, common);
  });
}

}  // namespace program
