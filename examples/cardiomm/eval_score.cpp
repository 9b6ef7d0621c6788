// SPDX-License-Identifier: Apache-2.0
/// \file
/// Scoring of pairs of files, several at a time.

#include <atomic>
#include <limits>
#include <mutex>
#include <thread>

#include "magnitude.hpp"
#include "report.hpp"

namespace program {
namespace {

namespace mri = cardiomm::mri;

/// Reads a file as (frame, slice, y, x). Nothing here starts Kokkos' threads: several files are
/// read at once.
magnitude_stack load_stack(const std::string& path, const axes_option& given, bool strict) {
  using enum axis;
  const axes wanted = {frame, slice, y, x};
  const opened file = open_array(path, role::image);
  const source from = name_axes(file, role::image, given.of(role::image));
  magnitude_stack s{from.extent(frame), from.extent(slice), from.extent(y), from.extent(x), {}};
  s.values = read_magnitudes<double>(file, from, wanted);
  if (!strict) return s;
  for (std::size_t i = 0; i < s.values.size(); ++i) {
    if (std::isfinite(s.values[i])) continue;
    auto at = static_cast<index_t>(i);
    extents place(4);
    for (std::size_t d = 4; d-- > 0;) {
      const index_t n = from.extent(wanted[d]);
      place[d] = at % n;
      at /= n;
    }
    throw value_error(path + ": expected finite values, found NaN or infinity at " +
                      to_string(wanted, place));
  }
  return s;
}

std::string describe(const magnitude_stack& s) {
  using enum axis;
  return to_string({frame, slice, y, x}, {s.frames, s.slices, s.ny, s.nx});
}

/// round(n / d) as MATLAB rounds: halves away from zero.
index_t rounded(index_t n, index_t d) { return (2 * n + d) / (2 * d); }

/// First index, from 0, of the centre block of length s in length n.
index_t centre_start(index_t n, index_t s) { return n / 2 - s / 2; }

/// The ranking block of the challenges of 2023 and 2024: a third of the readout, half of the phase
/// encodes, the two slices before the middle, the first three frames (all weightings of mapping).
magnitude_stack ranking_block(const magnitude_stack& s, const score_identity& who,
                              index_t frames_asked) {
  const bool mapping = who.modality == "Mapping";
  index_t frames = frames_asked > 0 ? frames_asked : frames_asked == 0 || mapping ? s.frames : 3;
  frames = std::min(frames, s.frames);
  const index_t nx = std::max<index_t>(rounded(s.nx, 3), 1),
                ny = std::max<index_t>(rounded(s.ny, 2), 1);
  const index_t first = s.slices < 3 ? 0 : rounded(s.slices, 2) - 2;
  const index_t slices = s.slices < 3 ? s.slices : 2;
  const index_t x0 = centre_start(s.nx, nx), y0 = centre_start(s.ny, ny);
  magnitude_stack out{frames, slices, ny, nx, {}};
  out.values.reserve(static_cast<std::size_t>(frames * slices * ny * nx));
  for (index_t f = 0; f < frames; ++f)
    for (index_t z = first; z < first + slices; ++z)
      for (index_t y = y0; y < y0 + ny; ++y) {
        const double* row = s.at(f, z) + y * s.nx + x0;
        out.values.insert(out.values.end(), row, row + nx);
      }
  return out;
}

bool same_shape(const magnitude_stack& a, const magnitude_stack& b) {
  return a.frames == b.frames && a.slices == b.slices && a.ny == b.ny && a.nx == b.nx;
}

/// A stack whose singleton axis is the other one of frame and slice takes the axes of its
/// reference.
void take_axes(const magnitude_stack& reference, magnitude_stack& image) {
  const bool lines = (reference.frames == 1 || reference.slices == 1) &&
                     (image.frames == 1 || image.slices == 1) &&
                     reference.frames * reference.slices == image.frames * image.slices;
  if (!lines) return;
  image.frames = reference.frames;
  image.slices = reference.slices;
}

scored_file score(const image_pair& pair, const eval_options& o) {
  scored_file result;
  result.files = pair;
  const auto [reference, image] = load_pair(pair, o);
  result.frames = reference.frames;
  result.slices = reference.slices;
  result.ny = reference.ny;
  result.nx = reference.nx;
  const std::size_t pixels = static_cast<std::size_t>(result.ny * result.nx);
  using plane = cardiomm::host_view<const double, 2>;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const int year : o.conventions) {
    convention_score s;
    s.year = year;
    const auto how = mri::normalisation_of_year(year);
    index_t empty = 0, without = 0;
    double counts[3] = {}, sums[3] = {};
    for (index_t f = 0; f < result.frames; ++f)
      for (index_t z = 0; z < result.slices; ++z) {
        const double *r = reference.at(f, z), *i = image.at(f, z);
        if (std::all_of(r, r + pixels, [](double v) { return v == 0; })) {
          ++empty;
          continue;
        }
        mri::image_quality q{nan, nan, nan};
        try {
          q = mri::compare_image(plane(r, result.ny, result.nx), plane(i, result.ny, result.nx),
                                 how);
        } catch (const value_error& e) {
          if (o.strict) throw;
          if (without++ == 0 && result.why.empty())
            result.why = "frame " + std::to_string(f) + " slice " + std::to_string(z) + ": " +
                         one_line(e.what());
        }
        s.images.push_back({f, z, q});
        const double values[3] = {q.psnr, q.ssim, q.nmse};
        for (int k = 0; k < 3; ++k)
          if (!std::isnan(values[k])) {
            sums[k] += values[k];
            counts[k] += 1;
          }
      }
    require<value_error>(!s.images.empty(), pair.reference,
                         ": expected a signal in at least one of ", empty,
                         " images, found zeros only");
    require<value_error>(counts[0] > 0, pair.image, ": no image has a score: ", result.why);
    s.mean = {sums[0] / counts[0], sums[1] / counts[1], sums[2] / counts[2]};
    result.empty_references = empty;
    result.without_score = std::max(result.without_score, without);
    result.scores.push_back(std::move(s));
  }
  return result;
}

}  // namespace

std::pair<magnitude_stack, magnitude_stack> load_pair(const image_pair& pair,
                                                      const eval_options& o) {
  auto reference = load_stack(pair.reference, o.axes, o.strict);
  auto image = load_stack(pair.image, o.axes, o.strict);
  const std::string whole = describe(reference);
  take_axes(reference, image);
  if (o.crop_centre) {
    auto block = ranking_block(reference, pair.who, o.crop_frames);
    take_axes(block, image);
    if (!same_shape(block, image) && same_shape(reference, image))
      image = ranking_block(image, pair.who, o.crop_frames);  // it may be cut out already
    reference = std::move(block);
  }
  require<shape_error>(same_shape(reference, image), pair.image, ": expected the shape ",
                       o.crop_centre ? describe(reference) + " or " : std::string(), whole, " of ",
                       pair.reference, ", found ", describe(image));
  return {std::move(reference), std::move(image)};
}

evaluation evaluate(const std::vector<image_pair>& pairs, const eval_options& o) {
  std::vector<std::optional<scored_file>> scored(pairs.size());
  std::vector<std::string> reasons(pairs.size());
  std::exception_ptr first_error;
  std::mutex one;
  std::atomic<std::size_t> next{0}, done{0};
  std::atomic<bool> stop{false};
  const auto work = [&] {
    for (std::size_t i = 0; !stop && !interrupt_requested && (i = next++) < pairs.size();) {
      try {
        scored[i] = score(pairs[i], o);
      } catch (const cardiomm::error& e) {
        reasons[i] = one_line(e.what());
        const std::string prefix = pairs[i].image + ": ";  // it is named beside the reason
        if (reasons[i].compare(0, prefix.size(), prefix) == 0) reasons[i].erase(0, prefix.size());
        if (o.strict) {
          const std::lock_guard<std::mutex> hold(one);
          if (!first_error) first_error = std::current_exception();
          stop = true;
        }
      } catch (...) {  // out of memory and the like: not the fault of the file
        const std::lock_guard<std::mutex> hold(one);
        if (!first_error) first_error = std::current_exception();
        stop = true;
      }
      const std::size_t n = ++done;
      if (o.on_file) {
        const std::lock_guard<std::mutex> hold(one);
        o.on_file(n, pairs.size());
      }
    }
  };
  const auto most =
      static_cast<std::size_t>(std::max(1, o.threads > 0 ? o.threads : host_space{}.concurrency()));
  std::vector<std::thread> helpers;
  for (std::size_t t = 1; t < std::min(most, pairs.size()); ++t) helpers.emplace_back(work);
  work();
  for (auto& h : helpers) h.join();
  if (first_error) std::rethrow_exception(first_error);
  stop_if_interrupted();
  evaluation result;
  result.options = o;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (scored[i])
      result.files.push_back(std::move(*scored[i]));
    else
      result.left_out.push_back({pairs[i].image, reasons[i]});
  return result;
}

spread spread_of(const std::vector<double>& values) {
  spread s;
  std::vector<double> v;
  for (const double x : values)
    if (std::isfinite(x))
      v.push_back(x);
    else if (std::isinf(x))
      ++s.infinite;
  s.n = v.size();
  if (v.empty()) return s;
  std::sort(v.begin(), v.end());
  for (const double x : v) s.mean += x / static_cast<double>(v.size());
  double squares = 0;
  for (const double x : v) squares += (x - s.mean) * (x - s.mean);
  if (v.size() > 1) s.deviation = std::sqrt(squares / static_cast<double>(v.size() - 1));
  s.median = (v[(v.size() - 1) / 2] + v[v.size() / 2]) / 2;
  return s;
}

}  // namespace program
