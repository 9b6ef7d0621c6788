// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm dataset undersample`: masks, and undersampled k-space, in the published names.

#include <set>

#include "cardiomm/io/mat_output.hpp"
#include "cardiomm/mri/mask.hpp"
#include "dataset_journal.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;
namespace mri = cardiomm::mri;

/// Names of the patterns in files, in the order of the enumeration.
constexpr std::array<const char*, 4> file_names = {"Uniform", "ktUniform", "ktGaussian",
                                                   "ktRadial"};

mri::mask_pattern pattern_of(const std::string& name) {
  for (std::size_t i = 0; i < file_names.size(); ++i)
    if (io::detail::fold(name) == io::detail::fold(file_names[i]))
      return static_cast<mri::mask_pattern>(i);
  return mri::mask_pattern_of(name);  // kt-gaussian and the like; or throws
}

struct undersample_command {
  std::string out, task = "TaskAll", compat;
  std::vector<std::string> patterns = {"Uniform", "ktGaussian", "ktRadial"};
  std::vector<int> accelerations = {8, 16, 24};
  index_t acs = 20, seed = 1;
  bool same_seed = false, kspace = false, no_mask = false;
  std::string as = "mat";
};

/// Seeds are numbers from 1 to 1000, as the published ones are; another one for every file.
std::uint64_t seed_of(const std::string& place, index_t seed, int acceleration) {
  checksum c;
  c.add(place + " " + std::to_string(seed) + " " + std::to_string(acceleration));
  return 1 + (c.value() ^ c.value() >> 32) % 1000;
}

/// Values of an array in the order of its file, with a type.
template <class T>
io::array array_of(const extents& shape, const std::vector<T>& values) {
  io::array a{io::dtype_of<T>(), shape, {}};
  a.bytes.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(a.bytes.data(), values.data(), a.bytes.size());
  return a;
}

void write_array(dataset_task& t, const std::string& name, const std::string& variable,
                 const io::array& a) {
  const std::string as = t.work.at("as");
  if (as == "npy") {
    io::atomic_file out(t.output(name + ".npy"), t.policy);
    io::put_npy(out, a.type, a.shape, a.bytes.data());
    return out.commit();
  }
  io::mat_output out(t.output(name + ".mat"), t.policy,
                     as == "mat5" ? io::mat_version::v5 : io::mat_version::v73);
  out.add(variable, a);
  out.commit();
}

/// The k-space times a mask, in the order and with the precision of its file.
template <class T>
io::array masked(const opened& file, const source& from, const host_tensor<std::uint8_t, 3>& mask) {
  using enum axis;
  io::array a{io::dtype_of<T>(), from.shape, {}};
  a.bytes.resize(static_cast<std::size_t>(io::count_of(from.shape, sizeof(T), from.path)) *
                 sizeof(T));
  T* values = reinterpret_cast<T*>(a.bytes.data());
  read_ordered(file, from, from.order, values);
  extents pitch(from.order.size(), 1);
  for (std::size_t i = pitch.size() - 1; i-- > 0;) pitch[i] = pitch[i + 1] * from.shape[i + 1];
  const auto place = [&](axis which, index_t i) {
    for (std::size_t k = 0; k < pitch.size(); ++k)
      if (from.order[k] == which) return i / pitch[k] % from.shape[k];
    return index_t(0);
  };
  const axis last = from.order.back();
  const index_t row = from.shape.back();
  for (index_t i = 0; i < static_cast<index_t>(a.bytes.size() / sizeof(T)); i += row) {
    const index_t f = place(frame, i), j = place(y, i), k = place(x, i);
    for (index_t l = 0; l < row; ++l) {
      const bool keep = last == x ? mask(f, j, l) : last == y ? mask(f, l, k) : mask(f, j, k);
      if (!keep) values[i + l] = T{};
    }
  }
  return a;
}

}  // namespace

json undersample_scan(dataset_task& t) {
  using enum axis;
  const io::dataset_scan s = scan_from(t.work.at("scan"));
  const std::string root = t.work.at("root"), task = t.work.at("task");
  const opened file = open_array(s.kspace, role::kspace);
  require_complex(file, role::kspace);
  const source from = name_kspace(file, s, t.work);
  mri::mask_options o;
  o.frames = from.extent(frame);
  o.ny = from.extent(y);
  o.nx = from.extent(x);
  o.acs = t.work.at("acs");
  o.compat_released = t.work.at("compat") == "released";
  json made = json::array();
  for (const auto& p : t.work.at("patterns")) {
    o.pattern = pattern_of(p);
    const std::string pattern = file_names[static_cast<std::size_t>(o.pattern)];
    for (const int r : t.work.at("accelerations")) {
      o.acceleration = r;
      o.seed = t.work.at("same_seed").get<bool>()
                   ? t.work.at("seed").get<std::uint64_t>()
                   : seed_of(place_of(s, root), t.work.at("seed"), r);
      const auto mask = mri::make_mask(o);
      const std::string sampling = pattern + std::to_string(r);
      const auto samples = std::count(mask.data(), mask.data() + mask.size(), std::uint8_t(1));
      json one = {{"pattern", pattern},
                  {"acceleration", r},
                  {"net_acceleration", double(mask.size()) / double(samples)}};
      if (o.pattern == mri::mask_pattern::kt_gaussian) one["seed"] = o.seed;
      const bool old = s.layout == io::dataset_layout::cmrxrecon2023 && pattern == "Uniform";
      char number[16];
      std::snprintf(number, sizeof number, "%02d", r);
      const std::string factor = std::string("AccFactor") + number;
      if (t.work.at("write_mask").get<bool>()) {
        const bool stack = o.frames > 1 && !old;  // 2023 has one mask for all frames
        const index_t n = (stack ? o.frames : 1) * o.ny * o.nx;
        const extents shape = stack ? extents{o.frames, o.ny, o.nx} : extents{o.ny, o.nx};
        const std::vector<double> values(mask.data(), mask.data() + n);
        const fs::path folder = folder_of(s, root, old ? factor : "Mask_" + task);
        write_array(t, (folder / (s.name + (old ? "_mask" : "_mask_" + sampling))).string(),
                    old ? "mask" + std::string(number) : "mask", array_of(shape, values));
        one["mask"] = t.outputs.back();
      }
      if (t.work.at("write_kspace").get<bool>()) {
        const fs::path folder = folder_of(s, root, old ? factor : "UnderSample_" + task);
        const bool wide = file.values.type() == io::dtype::c128;
        write_array(t, (folder / (old ? s.name : s.name + "_kus_" + sampling)).string(),
                    old ? "kspace_sub" + std::string(number) : "kus",
                    wide ? masked<complex<double>>(file, from, mask)
                         : masked<complex<float>>(file, from, mask));
        one["kspace"] = t.outputs.back();
      }
      made.push_back(one);
    }
  }
  return {{"shape", from.shape}, {"made", made}};
}

namespace {

void run(const dataset_command& c, const undersample_command& u, const common_options& common) {
  require<value_error>(u.as == "mat" || u.as == "mat5" || u.as == "npy",
                       "--as: expected mat, mat5 or npy, found '", u.as, "'");
  require<value_error>(u.compat.empty() || u.compat == "released",
                       "--compat: expected released, found '", u.compat, "'");
  require<value_error>(u.kspace || !u.no_mask, "--no-mask: expected --kspace beside it");
  require<value_error>(u.acs >= 0, "--acs: expected at least 0, found ", u.acs);
  require<value_error>(u.seed >= 0 && u.seed < (index_t(1) << 32),
                       "--seed: expected 0 to 4294967295, found ", u.seed);
  require<value_error>(!u.task.empty() && u.task.find('/') == std::string::npos && u.task[0] != '.',
                       "--task: expected a name such as TaskAll, found '", u.task, "'");
  std::set<std::string> names;
  for (const auto& p : u.patterns)
    names.insert(file_names[static_cast<std::size_t>(pattern_of(p))]);
  const std::vector<std::string> patterns(names.begin(), names.end());
  for (const int r : u.accelerations)
    require<value_error>(r >= 1 && r <= 300, "--acceleration: expected 1 to 300, found ", r);
  const io::dataset d = find_dataset(c);
  stopwatch watch;
  std::vector<dataset_order> orders;
  std::size_t without = 0;
  for (const auto& s : d.scans) {
    if (s.kspace.empty()) {
      ++without;
      continue;
    }
    dataset_order o;
    o.name = place_of(s, c.root);
    o.about = s.kspace;
    o.sources = {s.kspace};
    io::dataset_scan alone = s;  // what lies beside it does not matter
    alone.masks.clear();
    alone.undersampled.clear();
    alone.segmentations.clear();
    alone.derived.clear();
    alone.reference.clear();
    alone.info.clear();
    o.work = {{"do", "undersample"},
              {"scan", describe(alone)},
              {"root", c.root},
              {"patterns", patterns},
              {"accelerations", u.accelerations},
              {"acs", u.acs},
              {"seed", u.seed},
              {"same_seed", u.same_seed},
              {"compat", u.compat},
              {"task", u.task},
              {"write_mask", !u.no_mask},
              {"write_kspace", u.kspace},
              {"as", u.as},
              {"axes", c.axes}};
    orders.push_back(std::move(o));
  }
  require<value_error>(!orders.empty(), c.root,
                       ": expected full k-space to make masks for, found none");
  const auto all = do_orders(orders, c, u.out, {}, common);
  json made = json::array();
  for (const auto& o : all)
    if (o.error.empty()) made.push_back({{"file", o.about}, {"made", o.result["made"]}});
  finish_orders(all,
                {{"command", "undersample"},
                 {"out", u.out},
                 {"without_full_kspace", without},
                 {"measurements", made}},
                watch.seconds(), common);
}

}  // namespace

action add_dataset_undersample(CLI::App& app, dataset_command& c, common_options& common) {
  auto u = std::make_shared<undersample_command>();
  auto& command = add_command(
      app, "undersample", "Make masks, and undersampled k-space, in the published names",
      "  cardiomm dataset undersample DATA --set TestSet --out DATA\n"
      "  cardiomm dataset undersample DATA --pattern ktUniform --acceleration 4,8,12 --acs 16 \\\n"
      "    --task Task2 --kspace --out /scratch/under\n"
      "Writes OUT/{Modality}/{Set}/Mask_{Task}/.../{data}_mask_{Pattern}{R}.mat, with --kspace "
      "also\n"
      "UnderSample_{Task}/.../{data}_kus_{Pattern}{R}.mat; Uniform in the layout of 2023:\n"
      "AccFactor{R}/.../{data}_mask.mat and {data}.mat. The same command goes on after it was "
      "ended.",
      common);
  add_dataset_options(command, c);
  add_work_options(command, c);
  command.add_option("--out", u->out, "Root of the results; may be that of the data set")
      ->type_name("DIR")
      ->required();
  command.add_option("--pattern", u->patterns, "Uniform, ktUniform, ktGaussian, ktRadial")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--acceleration", u->accelerations, "Nominal accelerations")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--acs", u->acs, "Centre lines sampled in every frame (ktRadial: a square)")
      ->capture_default_str();
  command
      .add_option("--seed", u->seed,
                  "ktGaussian: every file and acceleration has a seed of 1 to 1000 that follows "
                  "from this one and its place in the data set")
      ->capture_default_str();
  command.add_flag("--same-seed", u->same_seed, "ktGaussian: --seed itself for all files");
  command.add_option("--task", u->task, "Name of the task in the folders")->capture_default_str();
  command.add_flag("--kspace", u->kspace, "Write the undersampled k-space too");
  command.add_flag("--no-mask", u->no_mask, "Write the undersampled k-space only");
  command.add_option("--compat", u->compat,
                     "released: ktUniform with an odd number of frames as the challenge released "
                     "it, shifted by half a frame");
  command.add_option("--as", u->as, "mat: MATLAB v7.3 as published, mat5: MATLAB v5, or npy")
      ->capture_default_str();
  return [&c, u](const common_options& options) { run(c, *u, options); };
}

}  // namespace program
