// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_NETWORK_RUN_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_NETWORK_RUN_HPP
/// \file
/// `recon --method cardiomm`, image by image: a frame is read, reconstructed and kept in the
/// journal, so that memory does not grow with the series and a run that was ended goes on. The
/// output is written when all images are there.

#include "cardiomm/models/cardiomm.hpp"
#include "conditioning.hpp"
#include "interrupt.hpp"
#include "journal.hpp"
#include "methods.hpp"
#include "network_facts.hpp"
#include "probe.hpp"

namespace program {

namespace detail {

/// Images of one call of the network.
template <class T>
struct image_batch {
  std::vector<index_t> images;
  std::vector<cardiomm::tensor<complex<T>, 5, space>> kspace;  ///< (1, 1, coil, y, x) each
  std::vector<host_tensor<std::uint8_t, 3>> masks;             ///< (1, y, x) each
};

}  // namespace detail

/// The run of one process.
template <class T>
class network_run {
 public:
  network_run(const recon_command& c, const recon_inputs& in, const common_options& common)
      : c_(c), in_(in), common_(common), show_(common) {}

  void operator()() {
    const dist::communicator& team = common_.team;
    const index_t images = in_.kspace.sizes[0] * in_.kspace.sizes[1];
    const io::safetensors_file weights = dist::together(team, [&] {
      array_output::check(c_.out, common_.policy());
      io::safetensors_file file = open_weights(c_.weights);
      check_text_options(c_, file);
      return file;
    });
    if (c_.dry) return tell(weights);
    show_.stage("reading " + network_name(c_.weights));
    dist::together(team, [&] {
      std::vector<std::string> warnings;
      net_.emplace(naming(network_name(c_.weights) + ": ", [&] {
        return cardiomm::models::load_cardiomm<T>(ex_, cardiomm::models::source_of(weights),
                                                  &warnings);
      }));
      say(warnings);
      check_coils();
    });
    start_ = warm_start_of(weights);
    seconds_["weights"] = lap();
    if (!c_.text_weights.empty()) show_.stage("reading " + c_.text_weights);
    const conditioning told = dist::together(team, [&] {
      return read_conditioning(c_, weights, net_->sizes().embedding, images, first_mask());
    });
    say(told.warnings);
    set_texts(told);
    seconds_["text"] = lap();

    const index_t plane = in_.matrix[0] * in_.matrix[1];
    journal kept(c_.out, detail::run_of<T>(c_, in_, told), plane, team.rank());
    before_ = kept.count();
    dist::together(team, [] {});  // nobody writes before all have read
    if (team.first() && before_ > 0)
      show_.stage(std::to_string(before_) + " of " + std::to_string(images) + " images are in " +
                  kept.path());
    else if (team.first() && kept.other())
      show_.stage(kept.path() + " is of another run, starting anew");
    if (c_.coils && before_ < images) {
      show_.stage("compressing the coils");
      scan_reader<T> reader(ex_, c_, in_, scan_);
      find_coil_compression(ex_, c_, team, reader, scan_);
    }
    try {
      dist::together(team, [&] {
        check_images(kept);
        reconstruct(kept);
        kept.close();
      });
    } catch (interrupted& e) {
      if (kept.count() > 0)
        e.kept = ": " + std::to_string(kept.count()) + " of " + std::to_string(images) +
                 " images are in " + kept.path() + ", the same command goes on from there";
      throw;
    }
    seconds_["solve"] = lap();
    write(kept, images, told);
  }

 private:
  double lap() {
    ex_.fence();
    const double s = watch_.seconds();
    watch_ = stopwatch();
    return s;
  }
  void say(const std::vector<std::string>& warnings) {
    if (!common_.team.first()) return;
    show_.clear();
    for (const std::string& w : warnings)
      std::fprintf(stderr, "cardiomm: warning: %s\n", one_line(w).c_str());
    std::fflush(stderr);
  }
  bool square() const { return c_.acs_shape.value_or("1d") == "2d"; }

  void check_coils() {
    const index_t adjacent = net_->sizes().adjacent;
    require<shape_error>(in_.whole[2] % adjacent == 0, c_.kspace, ": expected the coils of ",
                         adjacent, " neighbouring slices, as in ", network_name(c_.weights),
                         ", found ", in_.whole[2], " coils");
  }

  /// The mask of the first frame of the series.
  host_tensor<std::uint8_t, 3> first_mask() {
    if (in_.mask) return read_mask(*in_.mask, in_.target(), 0, 1);
    if (!c_.embedding.empty()) return {};
    recon_inputs one = in_;
    one.streamed = true;
    one.mine = {0, 1, 0, 1};
    acquisition<T> a;
    scan_reader<T>(ex_, c_, one, a).read();
    return a.mask;
  }

  void set_texts(const conditioning& told) {
    const auto vectors = [&](const std::vector<double>& v) {
      const auto host =
          cardiomm::make_tensor<T>(host_space{}, shape{told.items, told.length}, "cardiomm::text");
      std::transform(v.begin(), v.end(), host.data(), [](double x) { return static_cast<T>(x); });
      return cardiomm::to_space(ex_, host);
    };
    meta_ = vectors(told.meta);
    sampling_ = vectors(told.sampling);
  }

  /// Images of this process that are not there yet.
  std::vector<index_t> missing(const journal& kept) const {
    std::vector<index_t> todo;
    const dist::block& b = in_.mine;
    for (index_t f = b.frame; f < b.frame + b.frames; ++f)
      for (index_t z = b.slice; z < b.slice + b.slices; ++z)
        if (!kept.has(f * in_.kspace.sizes[1] + z)) todo.push_back(f * in_.kspace.sizes[1] + z);
    return todo;
  }

  std::string place(index_t image) const {
    const index_t slices = in_.kspace.sizes[1];
    return "(frame " + std::to_string(image / slices) + ", slice " +
           std::to_string(image % slices) + ")";
  }

  /// K-space (1, 1, coil, y, x) and mask (1, y, x) of an image, without coils that have no signal
  /// where the coil maps come from: the network would make NaN of them, and of all others.
  std::pair<cardiomm::tensor<complex<T>, 5, space>, host_tensor<std::uint8_t, 3>> read(
      index_t image) {
    recon_inputs one = in_;
    one.streamed = true;
    one.mine = {image / in_.kspace.sizes[1], 1, image % in_.kspace.sizes[1], 1};
    scan_reader<T>(ex_, c_, one, scan_).read();
    const auto mask = c_.crop ? crop_mask(scan_.mask, c_.mask) : scan_.mask;
    const auto kspace = std::exchange(scan_.kspace, {});
    std::vector<index_t> alive;
    const shape<5> s = cardiomm::shape_of(kspace);
    const auto host = cardiomm::to_host(kspace);
    for (index_t coil = 0; coil < s[2]; ++coil)
      if (has_signal(host.data() + coil * s[3] * s[4], mask)) alive.push_back(coil);
    require<value_error>(!alive.empty(), c_.kspace,
                         ": expected samples in the calibration region of every image, found "
                         "zeros only in ",
                         place(image));
    const auto n = static_cast<index_t>(alive.size());
    if (n == s[2]) return {kspace, mask};
    require<value_error>(net_->sizes().adjacent == 1, c_.kspace,
                         ": expected signal of all coils of neighbouring slices, found zeros in ",
                         place(image));
    for (index_t coil = 0, i = 0; coil < s[2]; ++coil) {
      if (i < n && alive[static_cast<std::size_t>(i)] == coil) {
        ++i;
        continue;
      }
      if (silent_.insert(coil).second && !checking_)
        show_.clear(),
            std::fprintf(stderr,
                         "cardiomm: warning: %s: coil %lld has no signal in the calibration "
                         "region of %s and is left out\n",
                         c_.kspace.c_str(), static_cast<long long>(coil), place(image).c_str());
    }
    const auto some = cardiomm::make_tensor<complex<T>>(
        host_space{}, shape{index_t(1), index_t(1), n, s[3], s[4]});
    for (index_t i = 0; i < n; ++i)
      std::copy_n(host.data() + alive[static_cast<std::size_t>(i)] * s[3] * s[4], s[3] * s[4],
                  some.data() + i * s[3] * s[4]);
    return {cardiomm::to_space(ex_, some), mask};
  }

  bool has_signal(const complex<T>* coil, const host_tensor<std::uint8_t, 3>& mask) const {
    namespace models = cardiomm::models;
    const index_t ny = in_.matrix[0], nx = in_.matrix[1];
    const index_t asked = c_.acs.value_or(20);
    const index_t n = asked > 0 ? asked : models::detail::lines_of_mask(mask.data(), ny, nx);
    const index_t y0 = models::detail::acs_start(ny, n),
                  x0 = square() ? models::detail::acs_start(nx, n) : 0, x1 = square() ? x0 + n : nx;
    for (index_t y = y0; y < y0 + n; ++y)
      for (index_t x = x0; x < x1; ++x)
        if (cardiomm::abs2(coil[y * nx + x]) > 0) return true;
    return false;
  }

  /// Bad input is found before hours were spent on the images before it.
  void check_images(const journal& kept) {
    const auto todo = missing(kept);
    if (todo.size() < 2) return;
    show_.stage("checking " + c_.kspace);
    checking_ = true;
    for (const index_t image : todo) {
      stop_if_interrupted();
      read(image);
    }
    checking_ = false;
    silent_.clear();
  }

  void reconstruct(journal& kept) {
    const auto todo = missing(kept);
    const auto most = static_cast<std::size_t>(c_.batch.value_or(1));
    detail::image_batch<T> batch;
    const auto flush = [&] {
      if (batch.images.empty()) return;
      run(batch, kept, todo.size());
      batch = {};
    };
    for (const index_t image : todo) {
      stop_if_interrupted();
      auto [kspace, mask] = read(image);
      if (!batch.images.empty() && batch.kspace.front().extent(2) != kspace.extent(2)) flush();
      batch.images.push_back(image);
      batch.kspace.push_back(kspace);
      batch.masks.push_back(mask);
      if (batch.images.size() == most) flush();
    }
    flush();
  }

  void run(const detail::image_batch<T>& batch, journal& kept, std::size_t all) {
    const auto n = static_cast<index_t>(batch.images.size());
    const shape<5> s = cardiomm::shape_of(batch.kspace.front());
    const index_t plane = s[3] * s[4], each = s[2] * plane;
    cardiomm::tensor<complex<T>, 4, space> joined;
    cardiomm::view<const complex<T>, 4, space> kspace =
        cardiomm::borrow(ex_, batch.kspace.front().data(), shape{n, s[2], s[3], s[4]});
    auto mask = batch.masks.front();
    if (n > 1) {
      joined = cardiomm::make_tensor<complex<T>>(ex_, shape{n, s[2], s[3], s[4]});
      mask = cardiomm::make_tensor<std::uint8_t>(host_space{}, shape{n, s[3], s[4]});
      for (index_t i = 0; i < n; ++i) {
        const auto at = static_cast<std::size_t>(i);
        Kokkos::deep_copy(ex_, cardiomm::borrow(ex_, joined.data() + i * each, shape{each}),
                          cardiomm::borrow(ex_, batch.kspace[at].data(), shape{each}));
        std::copy_n(batch.masks[at].data(), plane, mask.data() + i * plane);
      }
      kspace = joined;
    }
    cardiomm::models::cardiomm_options o;
    o.acs = c_.acs.value_or(20);
    o.start = start_;
    o.rule = square() ? cardiomm::models::acs_rule::square : cardiomm::models::acs_rule::lines;
    o.tiled = c_.tiled;
    const stopwatch began;
    o.progress = [&](index_t done, index_t steps) {
      stop_if_interrupted();
      const double share = double(done) / double(steps) * double(n);
      const double so_far = spent_ + began.seconds(), images = double(finished_) + share;
      const auto number = std::to_string(finished_ + static_cast<std::size_t>(n));
      show_.part("image " + number + " of " + std::to_string(all) + ", step " +
                 std::to_string(done) + " of " + std::to_string(steps) + ", " +
                 detail::duration(so_far / images * (double(all) - images)) + " left");
    };
    const auto image = cardiomm::make_tensor<T>(ex_, shape{n, s[3], s[4]}, "cardiomm::image");
    if (finished_ == 0) seconds_["start"] = started_.seconds();
    net_->reconstruct(ex_, kspace, mask, texts(meta_, batch), texts(sampling_, batch), image, o);
    ex_.fence();
    const auto host = cardiomm::to_host(image);
    std::vector<float> values(static_cast<std::size_t>(plane));
    for (index_t i = 0; i < n; ++i) {
      std::transform(host.data() + i * plane, host.data() + (i + 1) * plane, values.begin(),
                     [](T v) { return static_cast<float>(v); });
      const index_t which = batch.images[static_cast<std::size_t>(i)];
      require<value_error>(
          std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }),
          c_.kspace, ": the network made NaN or infinity of ", place(which),
          "; the weights or the scale of the data do not fit");
      kept.add(which, values.data());
    }
    spent_ += began.seconds();
    finished_ += static_cast<std::size_t>(n);
    if (finished_ == all) return;
    char text[96];
    std::snprintf(text, sizeof text, "image %zu of %zu, %.2f s, %s left", finished_, all,
                  began.seconds() / double(n),
                  detail::duration(spent_ / double(finished_) * double(all - finished_)).c_str());
    show_.stage(text);
  }

  /// The vectors of a batch: those of the run, or of each image.
  cardiomm::view<const T, 2, space> texts(const cardiomm::tensor<T, 2, space>& all,
                                          const detail::image_batch<T>& batch) {
    if (all.extent(0) == 1) return all;
    const auto d = static_cast<index_t>(all.extent(1)),
               n = static_cast<index_t>(batch.images.size());
    auto& some = &all == &meta_ ? some_meta_ : some_sampling_;
    some = cardiomm::make_tensor<T>(ex_, shape{n, d}, "cardiomm::texts");
    for (index_t i = 0; i < n; ++i)
      Kokkos::deep_copy(
          ex_, cardiomm::borrow(ex_, some.data() + i * d, shape{d}),
          cardiomm::borrow(ex_, all.data() + batch.images[static_cast<std::size_t>(i)] * d,
                           shape{d}));
    return some;
  }

  /// All images, from the journals of all processes to the output.
  void write(journal& kept, index_t images, const conditioning& told) {
    using enum axis;
    const dist::communicator& team = common_.team;
    const shape<5>& n = in_.whole;
    std::string described;
    extents found;
    dist::together(team, [&] {
      if (!team.first()) return;
      show_.stage("writing " + c_.out);
      if (team.size() > 1) kept.find();
      array_output out(c_.out, common_.policy());
      out.describe({in_.kspace.file.voxel, {}, true});
      out.begin({set, frame, slice, y, x}, {1, n[0], n[1], in_.matrix[0], in_.matrix[1]},
                without_coil(in_.kspace.from.order), io::dtype::f32, in_.kspace.from.phase_plane);
      std::vector<float> plane(static_cast<std::size_t>(in_.matrix[0] * in_.matrix[1]));
      for (index_t i = 0; i < images; ++i) {
        kept.read(i, plane.data());
        out.put_plane({0, i / n[1], i % n[1]}, plane.data());
      }
      stop_if_interrupted();
      out.commit();
      described = out.describe();
      found = out.shape();
      kept.remove();
    });
    show_.clear();
    if (!team.first()) return;
    seconds_["write"] = lap();
    seconds_["total"] = started_.seconds();
    json result = {{"out", c_.out},
                   {"method", c_.method},
                   {"cascades", net_->sizes().cascades},
                   {"images", images},
                   {"resumed", before_}};
    if (!told.metadata.empty()) result["metadata"] = told.metadata;
    if (!told.undersampling.empty()) result["undersampling"] = told.undersampling;
    result["shape"] = found;
    result["type"] = "float32";
    if (output_format(c_.out) == format::cfl) result["type"] = "complex64";
    if (team.size() > 1) result["processes"] = team.size();
    result["seconds"] = seconds_;
    if (common_.as_json)
      std::cout << dump(result) << "\n";
    else
      std::printf("%s, %.2f s\n", described.c_str(), seconds_["total"].template get<double>());
  }

  /// The dry run: everything is checked that names, shapes and options can tell.
  void tell(const io::safetensors_file& weights) {
    dist::together(common_.team, [&] {
      if (!common_.team.first()) return;
      const shape<5>& w = in_.whole;
      namespace models = cardiomm::models;
      const auto sizes = naming(network_name(c_.weights) + ": ", [&] {
        return models::read_sizes(models::cardiomm_tensors(models::source_of(weights)));
      });
      say(read_conditioning(c_, weights, sizes.embedding, in_.kspace.sizes[0] * in_.kspace.sizes[1],
                            first_mask())
              .warnings);
      const double n = double(c_.batch.value_or(1)), pixels = double(in_.matrix[0] * in_.matrix[1]);
      const auto work = detail::work_of(weights, w[2], pixels);
      forecast f;
      f.program = resident_bytes();
      f.available = available_bytes();
      f.here = common_.team.here();
      f.kspace = (n + 1) * double(w[2]) * pixels * sizeof(complex<T>);
      for (const std::string& name : weights.names())
        f.weights += double(weights.at(name).size()) * sizeof(T);
      f.images = n * pixels * sizeof(T);
      f.workspace = model::started + model::network_prompts * f.weights +
                    model::network_features * n * work.channels * pixels * sizeof(T);
      durations t;
      const double rate = detail::seconds_per_byte(),
                   images = double(in_.mine.frames * in_.mine.slices);
      t.read = f.weights * rate + images * double(w[2]) * pixels * sizeof(complex<float>) * rate;
      t.solve = images * 2 * work.operations /
                (model::network_rate * double(cardiomm::compat::concurrency(space{})));
      t.write = images * pixels * sizeof(float) * rate;
      warn(f);
      print(f, t, c_, in_, common_);
    });
  }

  const recon_command& c_;
  const recon_inputs& in_;
  const common_options& common_;
  space ex_;
  progress show_;
  stopwatch started_, watch_;
  json seconds_;
  std::optional<cardiomm::models::cardiomm<T, space>> net_;
  cardiomm::models::warm_start start_;
  cardiomm::tensor<T, 2, space> meta_, sampling_, some_meta_, some_sampling_;
  acquisition<T> scan_;
  std::set<index_t> silent_;
  bool checking_ = false;
  std::size_t finished_ = 0;
  double spent_ = 0;
  index_t before_ = 0;
};

template <class T>
void run_network(const recon_command& c, const recon_inputs& in, const common_options& common) {
  network_run<T>(c, in, common)();
}

}  // namespace program

#endif
