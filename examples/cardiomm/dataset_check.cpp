// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm dataset check`: opens every file and reads all values.

#include "dataset_images.hpp"

namespace program {
namespace {

using value = complex<float>;

/// What was found in the files of one measurement.
class findings {
 public:
  void problem(const std::string& path, const std::string& text) { add(problems_, path, text); }
  void warning(const std::string& path, const std::string& text) { add(warnings_, path, text); }
  /// f(); an error in it is a problem of the file.
  template <class F>
  void look(const std::string& path, F&& f) {
    try {
      f();
      ++files_;
    } catch (const cardiomm::error& e) {
      problem(path, e.what());
    }
  }
  json result() const {
    return {{"files", files_}, {"problems", problems_}, {"warnings", warnings_}};
  }

 private:
  static void add(json& list, const std::string& path, const std::string& text) {
    const bool named = text.rfind(path + ": ", 0) == 0;
    list.push_back({{"file", path}, {"error", named ? text.substr(path.size() + 2) : text}});
  }
  json problems_ = json::array(), warnings_ = json::array();
  int files_ = 0;
};

/// Energy of k-space by coil, frame and place, found frame by frame.
struct survey {
  index_t nt, nz, nc, ny, nx;
  std::vector<double> coils, images, plane;  // images: frame x slice
  bool imaginary = false;

  explicit survey(const source& from)
      : nt(from.extent(axis::frame)),
        nz(from.extent(axis::slice)),
        nc(from.extent(axis::coil)),
        ny(from.extent(axis::y)),
        nx(from.extent(axis::x)),
        coils(static_cast<std::size_t>(nc)),
        images(static_cast<std::size_t>(nt * nz)),
        plane(static_cast<std::size_t>(ny * nx)) {}
  void add(index_t f, const value* k) {
    for (index_t z = 0; z < nz; ++z)
      for (index_t c = 0; c < nc; ++c) {
        double sum = 0;
        for (index_t i = 0; i < ny * nx; ++i, ++k) {
          const double e = double(k->real()) * k->real() + double(k->imag()) * k->imag();
          sum += e;
          plane[static_cast<std::size_t>(i)] += e;
          imaginary = imaginary || k->imag() != 0;
        }
        coils[static_cast<std::size_t>(c)] += sum;
        images[static_cast<std::size_t>(f * nz + z)] += sum;
      }
  }
};

std::string numbers_of(const std::vector<index_t>& all) {
  std::string text;
  for (std::size_t i = 0; i < all.size() && i < 5; ++i)
    text += (i ? ", " : "") + std::to_string(all[i]);
  return text + (all.size() > 5 ? ", ..." : "");
}

void judge(const survey& s, const std::string& path, findings& found) {
  std::vector<index_t> empty;
  for (index_t c = 0; c < s.nc; ++c)
    if (s.coils[static_cast<std::size_t>(c)] == 0) empty.push_back(c);
  if (static_cast<index_t>(empty.size()) == s.nc)
    return found.problem(path, "expected k-space, found zeros only");
  if (!empty.empty())
    found.problem(path, "expected data of " + std::to_string(s.nc) +
                            " coils, found zeros only in " + std::to_string(empty.size()) +
                            " (coil " + numbers_of(empty) + ")");
  empty.clear();
  for (index_t i = 0; i < s.nt * s.nz; ++i)
    if (s.images[static_cast<std::size_t>(i)] == 0) empty.push_back(i / s.nz);
  if (!empty.empty())
    found.problem(path, "expected data of " + std::to_string(s.nt * s.nz) +
                            " frames and slices, found zeros only in " +
                            std::to_string(empty.size()) + " (frame " + numbers_of(empty) + ")");
  const index_t at = std::max_element(s.plane.begin(), s.plane.end()) - s.plane.begin();
  const index_t j = at / s.nx, i = at % s.nx;
  const auto off = [](index_t where, index_t n) {
    return std::abs(where - n / 2) > std::max<index_t>(2, n / 8);
  };
  if (off(j, s.ny) || off(i, s.nx)) {
    const auto corner = [&](index_t where, index_t n) {
      return std::min(where, n - where) <= std::max<index_t>(2, n / 8);
    };
    found.problem(
        path,
        "expected the centre of k-space at (y " + std::to_string(s.ny / 2) + ", x " +
            std::to_string(s.nx / 2) + "), found the largest samples at (y " + std::to_string(j) +
            ", x " + std::to_string(i) + ")" +
            (corner(j, s.ny) && corner(i, s.nx) ? ": the data are not shifted (fftshift)" : ""));
  }
  if (!s.imaginary) found.warning(path, "all imaginary parts are zero");
  if (s.nc > 128 || s.nc > s.ny)
    found.warning(path, "has " + std::to_string(s.nc) + " coils for " + std::to_string(s.ny) +
                            " phase encodes: is the order of its axes right?");
}

struct kspace_file {
  opened file;
  source from;
};
kspace_file open_kspace(const std::string& path, const io::dataset_scan& s, const json& work) {
  opened file = open_array(path, role::kspace);
  require_complex(file, role::kspace);
  source from = name_kspace(file, s, work);
  return {std::move(file), std::move(from)};
}
std::vector<value> read_frame(const kspace_file& k, index_t f) {
  using enum axis;
  const source& s = k.from;
  const cardiomm::shape<5> one{{1, s.extent(slice), s.extent(coil), s.extent(y), s.extent(x)}};
  const auto data = cardiomm::make_tensor<value>(host_space{}, one);
  read_ordered(k.file, s, {frame, slice, coil, y, x}, data.data(), {{frame, f, 1}});
  require_finite(data, s, {frame, slice, coil, y, x}, {f, 0, 0, 0, 0});
  return {data.data(), data.data() + data.size()};
}

/// Zeros outside the mask, and inside it the values of the full data.
void compare(const kspace_file& k, const host_tensor<std::uint8_t, 3>* mask,
             const kspace_file* full, const std::string& path, survey& all, findings& found) {
  const index_t plane = all.ny * all.nx;
  index_t outside = 0, wrong = 0;
  for (index_t f = 0; f < all.nt; ++f) {
    const auto data = read_frame(k, f);
    all.add(f, data.data());
    std::vector<value> whole;
    double most = 0;
    if (full) {
      whole = read_frame(*full, f);
      for (const value& v : whole)
        most = std::max(most, std::hypot(double(v.real()), double(v.imag())));
    }
    for (std::size_t i = 0; i < data.size(); ++i) {
      const bool zero = data[i].real() == 0 && data[i].imag() == 0;
      const bool keep =
          mask ? mask->data()[f * plane + static_cast<index_t>(i) % plane] != 0 : !zero;
      if (!keep)
        outside += !zero;
      else if (full)
        wrong += std::hypot(double(data[i].real()) - whole[i].real(),
                            double(data[i].imag()) - whole[i].imag()) > 1e-5 * most;
    }
  }
  if (outside)
    found.problem(path, "expected zeros where its mask is 0, found " + std::to_string(outside) +
                            " other values");
  if (wrong)
    found.problem(path, "expected the values of the full k-space, found " + std::to_string(wrong) +
                            " others");
}

void check_mask(const io::dataset_sampling& m, const mask_target& target, findings& found) {
  const opened_mask o = open_mask(m.path, target, {});
  const auto mask = read_mask(o, target);
  using enum axis;
  std::vector<double> raw(static_cast<std::size_t>(o.file.values.size()));
  if (!io::is_complex_type(o.file.values.type())) {
    io::stored_array values = o.file.values;
    read_ordered(o.file, o.from, o.from.order, raw.data());
    const auto odd =
        std::count_if(raw.begin(), raw.end(), [](double v) { return v != 0 && v != 1; });
    if (odd)
      found.problem(m.path, "expected values 0 and 1, found " + std::to_string(odd) + " others");
  }
  index_t samples = 0, centre = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) samples += mask.data()[i];
  for (index_t f = 0; f < target.frames; ++f) centre += mask(f, target.ny / 2, target.nx / 2);
  if (centre < target.frames)
    found.warning(m.path, "the centre of k-space is not sampled in " +
                              std::to_string(target.frames - centre) + " of " +
                              std::to_string(target.frames) + " frames");
  const double net = double(mask.size()) / double(samples);
  if (m.acceleration > 0 && net > 1.2 * m.acceleration)
    found.warning(m.path,
                  "has fewer samples than its name tells: net acceleration " + std::to_string(net));
}

}  // namespace

json check_scan(dataset_task& t) {
  using enum axis;
  const io::dataset_scan s = scan_from(t.work.at("scan"));
  findings found;
  std::optional<kspace_file> full;
  if (!s.kspace.empty())
    found.look(s.kspace, [&] {
      kspace_file k = open_kspace(s.kspace, s, t.work);
      survey all(k.from);
      for (index_t f = 0; f < all.nt; ++f) all.add(f, read_frame(k, f).data());
      judge(all, s.kspace, found);
      full = std::move(k);
    });
  std::optional<mask_target> target;
  const auto target_of = [](const source& from) {
    return mask_target{from.extent(frame), from.extent(y), from.extent(x)};
  };
  if (full) target = target_of(full->from);
  for (const auto& u : s.undersampled)
    found.look(u.path, [&] {
      const kspace_file k = open_kspace(u.path, s, t.work);
      if (!target) target = target_of(k.from);
      const bool same = full && full->from.describe() == k.from.describe();
      require<shape_error>(!full || same, u.path, ": expected the shape ",
                           full ? full->from.describe() : "", " of the full k-space, found ",
                           k.from.describe());
      std::optional<host_tensor<std::uint8_t, 3>> mask;
      for (const auto& m : s.masks)
        if (m.pattern == u.pattern && m.acceleration == u.acceleration && !mask) try {
            mask = read_mask(open_mask(m.path, *target, {}), *target);
          } catch (const cardiomm::error&) {
            // told where masks are looked at
          }
      survey all(k.from);
      compare(k, mask ? &*mask : nullptr, same ? &*full : nullptr, u.path, all, found);
      judge(all, u.path, found);
    });
  for (const auto& m : s.masks) {
    if (target)
      found.look(m.path, [&] { check_mask(m, *target, found); });
    else
      found.warning(m.path, "not compared: its k-space cannot be read");
  }
  if (!s.reference.empty())
    found.look(s.reference, [&] {
      const opened file = open_array(s.reference, role::image);
      std::vector<double> values(static_cast<std::size_t>(file.values.size()));
      const source from = name_axes(file, role::image, {});
      if (!io::is_complex_type(file.values.type())) {
        read_ordered(file, from, from.order, values.data());
        for (const double v : values)
          require<value_error>(std::isfinite(v), s.reference,
                               ": expected finite values, found NaN or infinity");
      }
      const bool published = file.kind == format::mat && full;
      if (published)
        for (const axis a : {frame, slice, y, x})
          require<shape_error>(from.extent(a) == full->from.extent(a) ||
                                   (a == x && from.extent(a) == full->from.extent(a) / 2),
                               s.reference, ": expected the shape of ", full->from.describe(),
                               ", found ", from.describe());
    });
  if (!s.info.empty())
    found.look(s.info, [&] {
      const scan_table table = read_scan_table(s.info);
      if (table.there && !(table.fov_x > 0 && table.fov_y > 0))
        found.warning(s.info, "tells no field of view (FOVx, FOVy)");
    });
  for (const auto& path : s.segmentations)
    found.look(path, [&] {
      const opened file = open_array(path, role::image);
      std::vector<double> values(static_cast<std::size_t>(file.values.size()));
      const source from = name_axes(file, role::image, {});
      read_ordered(file, from, from.order, values.data());
      for (const double v : values)
        require<value_error>(std::isfinite(v) && v == std::round(v), path,
                             ": expected whole numbers as labels, found ", v);
    });
  return found.result();
}

namespace {

void run(const dataset_command& c, const std::string& journal, const common_options& common) {
  const io::dataset d = find_dataset(c);
  stopwatch watch;
  std::vector<dataset_order> orders;
  for (const auto& s : d.scans) {
    dataset_order o;
    o.name = place_of(s, c.root);
    o.about = s.file();
    for (const auto& path : {s.kspace, s.info, s.reference})
      if (!path.empty()) o.sources.push_back(path);
    for (const auto& list : {s.masks, s.undersampled})
      for (const auto& m : list) o.sources.push_back(m.path);
    for (const auto& path : s.segmentations) o.sources.push_back(path);
    o.work = {{"do", "check"}, {"scan", describe(s)}, {"axes", c.axes}};
    orders.push_back(std::move(o));
  }
  const auto all = do_orders(orders, c, {}, journal, common);
  std::size_t files = 0;
  json warnings = json::array(), unplaced = json::array();
  for (const auto& o : all)
    if (o.error.empty()) {
      files += o.result.value("files", std::size_t(0));
      for (const auto& w : o.result["warnings"]) warnings.push_back(w);
    }
  for (const auto& p : d.problems) unplaced.push_back({{"path", p.path}, {"reason", p.reason}});
  if (!common.as_json)
    for (const auto& w : warnings)
      std::printf("  warning: %s: %s\n", one_line(w["file"].get<std::string>()).c_str(),
                  one_line(w["error"].get<std::string>()).c_str());
  if (!common.as_json && !d.problems.empty())
    std::printf("  %zu files or folders could not be placed; see cardiomm dataset scan\n",
                d.problems.size());
  finish_orders(all,
                {{"command", "check"},
                 {"whole_files", files},
                 {"warnings", warnings},
                 {"problems", unplaced}},
                watch.seconds(), common);
}

}  // namespace

action add_dataset_check(CLI::App& app, dataset_command& c, common_options& common) {
  auto& command = add_command(
      app, "check", "Open every file, read all values, and list what is not as it should be",
      "  cardiomm dataset check DATA --journal check.jsonl\n"
      "  cardiomm dataset check DATA --modality Cine --json\n"
      "NaN, coils or frames of zeros, k-space that is not centred, masks that do not fit or hold\n"
      "other values than 0 and 1, undersampled data that do not belong to their mask or full "
      "data,\n"
      "truncated and damaged files. Exit code 2 if there is one.",
      common);
  add_dataset_options(command, c);
  add_work_options(command, c);
  auto journal = std::make_shared<std::string>();
  command.add_option("--journal", *journal,
                     "File that remembers what was looked at: the same command goes on after it "
                     "was ended, and looks at changed files only");
  return [&c, journal](const common_options& options) { run(c, *journal, options); };
}

}  // namespace program
