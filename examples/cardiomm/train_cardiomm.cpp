// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm train` of a CardioMM network: its sizes, its data, its loss.

#include "cardiomm/train/identity_start.hpp"
#include "cardiomm/train/masked.hpp"
#include "cardiomm/train/reconstruction_task.hpp"
#include "cardiomm/train/start.hpp"
#include "cardiomm/train/synthetic.hpp"
#include "cardiomm/train/training_files.hpp"
#include "train_export.hpp"
#include "train_run.hpp"

namespace program {
namespace {

namespace models = cardiomm::models;
using space = cardiomm::default_space;

models::unet_sizes read_unet(config_block b, const models::unet_sizes& published) {
  models::unet_sizes u = published;
  b.read("first", u.first, 1, 100000);
  const auto levels_of = [&](index_t models::unet_sizes::level::*member) {
    std::vector<index_t> v;
    for (const auto& l : u.levels) v.push_back(l.*member);
    return v;
  };
  if (b.has("width") && b.at("width").is_array()) {  // decides the number of levels
    const std::size_t n = b.at("width").size();
    require<value_error>(n >= 1 && n <= 8, b.where("width"), ": expected 1 to 8 levels, found ", n);
    while (u.levels.size() < n) u.levels.push_back(u.levels.back());
    u.levels.resize(n);
  }
  const std::pair<const char*, index_t models::unet_sizes::level::*> lists[] = {
      {"width", &models::unet_sizes::level::width},
      {"encoder", &models::unet_sizes::level::encoder},
      {"fuse", &models::unet_sizes::level::fuse},
      {"skip", &models::unet_sizes::level::skip},
      {"prompt", &models::unet_sizes::level::prompt},
      {"components", &models::unet_sizes::level::components},
      {"side", &models::unet_sizes::level::side}};
  for (const auto& [name, member] : lists) {
    std::vector<index_t> v = levels_of(member);
    const std::string_view blocks[] = {"encoder", "fuse", "skip"};  // may be left out
    const bool some = std::find(std::begin(blocks), std::end(blocks), name) == std::end(blocks);
    b.read_list(name, v, some ? 1 : 0);
    for (std::size_t i = 0; i < v.size(); ++i) u.levels[i].*member = v[i];
  }
  b.read("bottleneck", u.bottleneck, 0, 1000);
  b.read("reduction", u.reduction, 1, 1000);
  b.finish();
  return u;
}

models::unet_sizes published(index_t first, std::array<index_t, 3> width,
                             std::array<index_t, 3> prompt) {
  models::unet_sizes u;
  u.first = first;
  u.bottleneck = 3;
  u.reduction = 4;
  const index_t encoder[] = {2, 3, 3}, fuse[] = {2, 2, 3}, side[] = {64, 32, 16};
  for (std::size_t i = 0; i < 3; ++i)
    u.levels.push_back({width[i], encoder[i], fuse[i], 1, prompt[i], 3, side[i]});
  return u;
}

/// The network of the configuration, with its first values.
models::cardiomm<float, space> make_network(config_block b, const train_settings& s,
                                            train::reconstruction_options& options,
                                            train::facts& about) {
  const space ex;
  std::string kind = "cardiomm", rule = "lines", weights;
  b.read("kind", kind);
  b.read("weights", weights);
  b.read("acs_rule", rule, {"lines", "square"});
  options.rule = rule == "square" ? models::acs_rule::square : models::acs_rule::lines;
  options.tapes = s.recomputed ? models::tapes::recomputed : models::tapes::kept;
  config_block text = b.block("text");
  std::string text_kind = "code";
  text.read("kind", text_kind, {"code"});
  text.finish();
  about["cardiomm.network"] = "cardiomm";
  about["cardiomm.text"] = models::text_code_name;
  about["cardiomm.acs_rule"] = rule;
  b.read("warm_start", options.start.iterations, 0, 1000);
  b.read("warm_start_lambda", options.start.lambda, 0, 1);
  if (options.start.iterations > 0) about["cardiomm.warm_start"] = to_string(options.start);
  models::cardiomm_sizes sizes;
  sizes.cascades = 10;
  if (!weights.empty()) {
    for (const char* key : {"cascades", "adjacent", "image", "sensitivity", "start"})
      require<value_error>(!b.has(key), b.where(key),
                           ": expected no sizes beside network.weights, whose file has them");
    b.finish();
    const io::safetensors_file file(weights);
    return naming(weights + ": ", [&] {
      const auto net = models::load_cardiomm<float>(ex, models::source_of(file));
      require(net.sizes().embedding == models::text_code_length, "expected embeddings of ",
              models::text_code_length, " numbers (network.text.kind code), found ",
              net.sizes().embedding);
      return net;
    });
  }
  b.read("cascades", sizes.cascades, 1, 1000);
  b.read("adjacent", sizes.adjacent, 1, 99);
  require<value_error>(sizes.adjacent % 2 == 1, b.where("adjacent"),
                       ": expected an odd number, found ", sizes.adjacent);
  std::string start = "random";
  b.read("start", start, {"random", "identity"});
  sizes.image = read_unet(b.block("image"), published(48, {72, 96, 120}, {24, 48, 72}));
  sizes.sensitivity = read_unet(b.block("sensitivity"), published(24, {36, 48, 60}, {12, 24, 36}));
  b.finish();
  sizes.image.in = sizes.image.out = 2 * sizes.adjacent;
  sizes.embedding = sizes.image.embedding = sizes.sensitivity.embedding = models::text_code_length;
  return naming(b.file() + ": network: ", [&] {
    const models::cardiomm<float, space> net(ex, sizes);
    train::start_values(ex, net.parameters(), s.loop.seed);
    if (start == "identity") train::start_as_identity(ex, net);
    return net;
  });
}

train::mask_mixture_options read_masks(config_block b) {
  train::mask_mixture_options o;
  b.read_weights("families", o.families);
  b.read_weights("accelerations", o.accelerations);
  b.read_weights("acs", o.acs);
  b.read("random_offset", o.random_offset);
  b.finish();
  return o;
}

train::augmentation_options read_augmentation(config_block b) {
  train::augmentation_options o;
  for (const auto& [name, p] : {std::pair{"flip_y", &o.flip_y},
                                {"flip_x", &o.flip_x},
                                {"quarter_turns", &o.quarter_turns},
                                {"swap_axes", &o.swap_axes},
                                {"conjugate", &o.conjugate},
                                {"phase", &o.phase},
                                {"coil_phase", &o.coil_phase},
                                {"permute_coils", &o.permute_coils},
                                {"drop_coils", &o.drop_coils}})
    b.read(name, *p, 0, 1);
  for (const auto& [name, v] : {std::pair{"rotation", &o.rotation},
                                {"zoom", &o.zoom},
                                {"intensity", &o.intensity},
                                {"noise", &o.noise}})
    b.read(name, *v, 0);
  for (const auto& [name, n] :
       {std::pair{"shift", &o.shift}, {"crop_y", &o.crop_y}, {"crop_x", &o.crop_x}})
    b.read(name, *n, 0, 1000000);
  b.read("noisy_target", o.noisy_target);
  b.finish();
  return o;
}

train::reconstruction_loss read_loss(config_block b) {
  train::reconstruction_loss l;
  b.read("ssim", l.ssim, 0);
  b.read("l1", l.l1, 0);
  b.read("l2", l.l2, 0);
  b.read("charbonnier", l.charbonnier, 0);
  b.read("epsilon", l.epsilon, 0);
  b.finish();
  return l;
}

train::synthetic_options read_synthetic(config_block b, std::uint64_t seed, index_t neighbours) {
  train::synthetic_options o;
  o.seed = seed;
  o.neighbours = neighbours;
  b.read("seed", o.seed, 0);
  b.read("first_subject", o.first_subject, 0, 400000000);
  b.read("subjects", o.subjects, 1, 100000000);
  b.read("frames_per_subject", o.frames_per_subject, 1, 1000);
  for (const auto& [name, n] : {std::pair{"smallest", &o.smallest},
                                {"largest", &o.largest},
                                {"step", &o.step},
                                {"min_coils", &o.min_coils},
                                {"max_coils", &o.max_coils}})
    b.read(name, *n, 1, 100000);
  b.read("single_coil", o.single_coil, 0, 1);
  b.read_range("snr", o.snr.low, o.snr.high);
  b.read("clean_target", o.clean_target);
  b.read_range("pixel_mm", o.pixel_mm.low, o.pixel_mm.high);
  b.read_range("grain_snr", o.grain_snr.low, o.grain_snr.high);
  for (const auto& [name, v] : {std::pair{"phase", &o.phase},
                                {"texture", &o.texture},
                                {"motion", &o.motion},
                                {"noise_correlation", &o.noise_correlation},
                                {"padded", &o.padded},
                                {"grain", &o.grain},
                                {"torso", &o.torso},
                                {"head", &o.head},
                                {"scene", &o.scene}})
    b.read(name, *v, 0);
  b.finish();
  return o;
}

train::training_files_options read_files(config_block b, index_t neighbours) {
  train::training_files_options o;
  o.neighbours = neighbours;
  b.read("along_slices", o.along_slices);
  b.read("cyclic", o.cyclic);
  for (const auto& [name, n] :
       {std::pair{"crop_y", &o.crop_y}, {"crop_x", &o.crop_x}, {"coils", &o.coils}})
    b.read(name, *n, 0, 1000000);
  b.read("half_readout", o.half_readout);
  b.read_names("below", o.below);
  config_block only = b.block("only");
  for (const char* key : {"center", "vendor", "field", "scanner", "modality", "view", "lifespan"}) {
    if (!only.has(key)) continue;
    only.read_names(key, o.only[key]);
  }
  only.finish();
  b.read("validation_share", o.validation_share, 0, 1);
  b.read("split_seed", o.split_seed, 0);
  b.read("share_of_files", o.share_of_files, 0, 1);
  b.read("share_of_frames", o.share_of_frames, 0, 1);
  b.read("skip_damaged", o.skip_damaged);
  b.read("read_all", o.read_all);
  b.read("open_files", o.open_files, 1, 100000);
  b.finish();
  return o;
}

/// Full frames of the three parts; subjects of one are in no other.
struct frame_sources {
  std::shared_ptr<const train::source<train::full_frame>> training, validation, test;
};

/// Subjects of synthetic validation and test begin here, far from those of training.
constexpr index_t first_of_validation = 500000000, first_of_test = 700000000;

frame_sources read_data(config_block b, const train_settings& s, index_t neighbours) {
  frame_sources all;
  const std::string where = b.where("");
  const bool files = b.has("training");
  if (files) {
    require<value_error>(!b.has("synthetic"), b.where("synthetic"),
                         ": expected no synthetic data beside data.training");
    std::string training, validation, test;
    b.read("training", training);
    b.read("validation", validation);
    b.read("test", test);
    const train::training_files_options o = read_files(b.block("files"), neighbours);
    b.finish();
    naming(where, [&] {
      const auto make = [&](const std::string& folder, train::split_part part) {
        train::training_files_options own = o;
        own.part = part;
        return std::make_shared<train::training_files>(folder, own);
      };
      using train::split_part;
      const bool split = validation.empty() && s.validation_subjects > 0;
      all.training = make(training, split ? split_part::training : split_part::all);
      if (s.validation_subjects > 0)
        all.validation =
            make(split ? training : validation, split ? split_part::validation : split_part::all);
      if (!test.empty()) all.test = make(test, split_part::all);
    });
    return all;
  }
  const train::synthetic_options o = read_synthetic(b.block("synthetic"), s.loop.seed, neighbours);
  b.finish();
  naming(where, [&] {
    const auto make = [&](index_t first, index_t subjects) {
      train::synthetic_options part = o;
      part.first_subject = first;
      part.subjects = subjects;
      return std::make_shared<train::synthetic_frames>(part);
    };
    all.training = make(o.first_subject, o.subjects);
    if (s.validation_subjects > 0)
      all.validation = make(first_of_validation, s.validation_subjects);
    all.test = make(first_of_test, 1000000);
  });
  return all;
}

}  // namespace

void train_cardiomm(config_block& root, const train_settings& s, const train_command& c,
                    const common_options& common) {
  train::reconstruction_options options;
  train::facts about;
  const auto net = make_network(root.block("network"), s, options, about);
  const frame_sources frames = read_data(root.block("data"), s, net.sizes().adjacent);
  const train::mask_mixture_options masks = read_masks(root.block("masks"));
  const train::augmentation_options changes = read_augmentation(root.block("augmentation"));
  options.loss = read_loss(root.block("loss"));
  root.finish();
  naming(root.file() + ": ", [&] {
    const train::mask_mixture mixture(masks, s.loop.seed), held(masks, s.loop.seed + 1);
    const train::augmentation change(changes, s.loop.seed);
    const train::masked training(frames.training, mixture, change);
    std::optional<train::masked> validation;
    if (frames.validation) validation.emplace(frames.validation, held);
    if (!c.export_folder.empty()) {
      const bool training_part = c.export_part == "train";
      const auto& part = training_part                   ? frames.training
                         : c.export_part == "validation" ? frames.validation
                                                         : frames.test;
      require<value_error>(part != nullptr, "--export-part: expected data of the part ",
                           c.export_part, ", found none");
      return export_samples(
          [&](index_t i) {
            exported e;
            e.frame = part->get(0, i);
            if (training_part) e.frame = change(std::move(e.frame), 0, i);
            const auto k = cardiomm::shape_of(e.frame.kspace);
            e.sample = train::undersampled(e.frame,
                                           (training_part ? mixture : held).draw(0, i, k[2], k[3]),
                                           part->groups_of(i));
            return e;
          },
          part->size(), c, common);
    }
    train::reconstruction_task<float, space> task(space(), net, train::code_texts<float>(),
                                                  options);
    run_training(task, training, validation ? &*validation : nullptr, root, s, about, common);
  });
}

}  // namespace program
