// SPDX-License-Identifier: Apache-2.0
/// \file
/// What an array is, told from its values.

#include "run_content.hpp"

namespace program {
namespace {

using value = complex<float>;

/// Values of a file, the slowest axes cut to their middle where the whole is too large.
std::vector<value> read_some(const opened& file, array_look& look, extents& part_shape) {
  constexpr index_t most = index_t(1) << 26;
  const extents& s = file.values.shape();
  std::vector<io::stored_array::range> part(s.size());
  for (std::size_t i = 0; i < s.size(); ++i) part[i] = {0, s[i], 1};
  index_t n = file.values.size();
  for (std::size_t i = 0; i < s.size() && n > most; ++i) {
    n /= std::max<index_t>(s[i], 1);
    part[i].first = s[i] / 2;
    part[i].count = 1;
    look.partial = true;
  }
  require<io_error>(n <= most, file.values.path(), ": expected at most 2^26 values in a plane");
  index_t step = 1;
  for (std::size_t i = s.size(); i-- > 0;) {
    part[i].step = step;
    step *= part[i].count;
    part_shape.insert(part_shape.begin(), part[i].count);
  }
  std::vector<value> v(static_cast<std::size_t>(n));
  if (io::is_complex_type(file.values.type())) {
    file.values.read(part, v.data());
  } else {
    std::vector<float> real(v.size());
    file.values.read(part, real.data());
    std::copy(real.begin(), real.end(), v.begin());
  }
  return v;
}

bool zero(const value& v) { return v.real() == 0 && v.imag() == 0; }

/// The figures of one axis.
void look_along(const std::vector<value>& v, const extents& s, std::size_t a, array_look& look) {
  const index_t n = s[a];
  index_t inner = 1;
  for (std::size_t i = a + 1; i < s.size(); ++i) inner *= s[i];
  const index_t outer = n > 0 ? static_cast<index_t>(v.size()) / (n * inner) : 0;
  std::vector<double> energy(static_cast<std::size_t>(n), 0.0);
  std::vector<std::uint8_t> sampled(static_cast<std::size_t>(inner));
  double zeros = 0, in_runs = 0, likeness = 0, pairs = 0;
  for (index_t i = 0; i < n; ++i) {
    double cross_re = 0, cross_im = 0, mine = 0, next = 0;
    for (index_t o = 0; o < outer; ++o) {
      const value* p = v.data() + (o * n + i) * inner;
      for (index_t j = 0; j < inner; ++j) {
        const double e = cardiomm::abs2(p[j]);
        energy[static_cast<std::size_t>(i)] += e;
        zeros += e == 0 ? 1 : 0;
        if (i + 1 == n || e == 0) continue;
        const value q = p[j + inner];
        const double f = cardiomm::abs2(q);
        if (f == 0) continue;
        cross_re += double(p[j].real()) * q.real() + double(p[j].imag()) * q.imag();
        cross_im += double(p[j].real()) * q.imag() - double(p[j].imag()) * q.real();
        mine += e;
        next += f;
      }
    }
    if (mine > 0) {
      likeness += std::hypot(cross_re, cross_im) / std::sqrt(mine * next);
      pairs += 1;
    }
  }
  for (index_t o = 0; o < outer; ++o) {
    std::fill(sampled.begin(), sampled.end(), std::uint8_t(0));
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < inner; ++j)
        if (!zero(v[static_cast<std::size_t>((o * n + i) * inner + j)]))
          sampled[static_cast<std::size_t>(j)] = 1;
    in_runs += double(n) * double(std::count(sampled.begin(), sampled.end(), std::uint8_t(0)));
  }
  double total = 0, middle = 0, ends = 0;
  const index_t w = std::max<index_t>(1, n / 16);
  for (index_t i = 0; i < n; ++i) {
    const double e = energy[static_cast<std::size_t>(i)];
    total += e;
    if (std::abs(i - n / 2) <= w) middle += e;
    if (i <= w || i >= n - w) ends += e;
  }
  look.centre.push_back(total > 0 ? middle / total : 0);
  look.corner.push_back(total > 0 ? ends / total : 0);
  look.alike.push_back(pairs > 0 ? likeness / pairs : 0);
  look.whole_runs.push_back(zeros > 0 ? in_runs / zeros : 0);
}

/// Deviation / mean of the sum of squares over the first axis with several entries, where it is
/// not zero.
double spread(const std::vector<value>& v, const extents& s) {
  std::size_t a = 0;
  while (a + 1 < s.size() && s[a] == 1) ++a;
  if (s.empty() || s[a] < 2) return 1;
  const auto plane = v.size() / static_cast<std::size_t>(s[a]);
  double n = 0, sum = 0, squares = 0;
  for (std::size_t j = 0; j < plane; ++j) {
    double e = 0;
    for (std::size_t i = j; i < v.size(); i += plane) e += cardiomm::abs2(v[i]);
    if (e == 0) continue;
    n += 1;
    sum += e;
    squares += e * e;
  }
  if (n == 0) return 1;
  const double mean = sum / n;
  return std::sqrt(std::max(0.0, squares / n - mean * mean)) / mean;
}

}  // namespace

array_look look_at(const opened& file) {
  array_look look;
  look.shape = file.values.shape();
  look.complex = io::is_complex_type(file.values.type());
  const std::string type = io::name_of(file.values.type());
  look.integer = type.rfind("int", 0) == 0 || type.rfind("uint", 0) == 0 || type == "bool";
  extents s;
  const auto v = read_some(file, look, s);
  double other = 0;
  look.binary = !v.empty();
  for (const value& x : v) {
    const double e = cardiomm::abs2(x);
    look.energy += e;
    look.most = std::max(look.most, e);
    if (e == 0) continue;
    look.count += 1;
    if (other == 0) other = e;
    look.binary = look.binary && e == other;
  }
  look.sampled = v.empty() ? 0 : look.count / double(v.size());
  look.binary = look.binary && look.count > 0 && !look.complex;
  for (std::size_t a = 0; a < s.size(); ++a) look_along(v, s, a, look);
  look.sum_of_squares_spread = spread(v, s);
  return look;
}

namespace {

std::string list(const array_look& look, const std::vector<std::size_t>& which) {
  std::string text;
  for (const std::size_t a : which)
    text += (text.empty() ? "" : " and ") + std::to_string(look.shape[a]);
  return text;
}

/// Names of the axes between or before the plane: the coils are those that differ most.
void name_rest(const array_look& look, std::vector<std::size_t> rest, bool reversed, bool matlab,
               axes& order) {
  using enum axis;
  if (reversed) std::reverse(rest.begin(), rest.end());
  if (rest.empty()) return;
  std::size_t coils = rest.size() - 1;  // the innermost by convention
  // frames of a single coil follow each other closely, coils do not
  const bool series = rest.size() == 1 && look.alike[rest[0]] > 0.97 && look.shape[rest[0]] > 1;
  if (rest.size() > 1 && look.alike[rest[coils]] > 0.97)
    for (std::size_t i = 0; i < rest.size(); ++i)
      if (look.shape[rest[i]] > 1 && look.alike[rest[i]] < 0.9) coils = i;
  std::vector<axis> names =
      matlab ? std::vector<axis>{slice, frame} : std::vector<axis>{frame, slice};
  if (series) {
    order[rest[0]] = frame;
    return;
  }
  order[rest[coils]] = coil;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(coils));
  if (rest.size() == 2) names = {frame, slice};  // as both conventions have them
  for (std::size_t i = 0; i < rest.size(); ++i) order[rest[i]] = names[i];
}

}  // namespace

axes_guess guess_kspace(const array_look& look, const opened& file, index_t ny) {
  using enum axis;
  axes_guess g;
  const std::size_t rank = look.shape.size();
  std::vector<std::size_t> plane = look.transformed();
  if (plane.size() > 2) {
    g.trouble = "the energy is in the middle of " + std::to_string(plane.size()) +
                " axes; k-space of slices or frames has two such axes";
    return g;
  }
  if (plane.size() < 2 || rank > 5 || rank < 2) {
    g.trouble = rank > 5 || rank < 2 ? "expected 2 to 5 axes"
                                     : "no two axes have the energy of k-space in the middle";
    return g;
  }
  // an axis name for each axis of the file; singletons are named last
  g.order.assign(rank, set);
  std::size_t a = plane[0], b = plane[1];
  const double runs_a = look.whole_runs[a], runs_b = look.whole_runs[b];
  bool swap = false;  // a is the readout
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < rank; ++i)
    if (i != a && i != b && look.shape[i] > 1) rest.push_back(i);
  const bool reversed = !rest.empty() && rest.front() > b;
  if (look.sampled < 0.999 && std::max(runs_a, runs_b) > 0.5 && std::abs(runs_a - runs_b) > 0.3) {
    swap = runs_a > runs_b;
    g.how = "whole lines are missing along the axis of " + std::to_string(look.shape[swap ? a : b]);
  } else if (ny > 0 && (look.shape[a] == ny) != (look.shape[b] == ny)) {
    swap = look.shape[b] == ny;
    g.how = "the mask has lines for the axis of " + std::to_string(ny);
  } else {
    swap = reversed;
    g.how = std::string("the energy is in the middle of the axes of ") + list(look, plane);
  }
  g.order[a] = swap ? x : y;
  g.order[b] = swap ? y : x;
  name_rest(look, rest, reversed, file.kind == format::mat, g.order);
  std::vector<axis> left;
  for (const axis n : {frame, slice, coil})
    if (!has(g.order, n)) left.push_back(n);
  for (std::size_t i = rank; i-- > 0;)
    if (g.order[i] == set) {
      g.order[i] = left.back();
      left.pop_back();
    }
  return g;
}

axes guess_mask(const array_look& look, const mask_target& t) {
  using enum axis;
  std::vector<std::size_t> real;
  for (std::size_t i = 0; i < look.shape.size(); ++i)
    if (look.shape[i] > 1) real.push_back(i);
  if (real.empty() || real.size() > 3) return {};
  axes names = {frame, y, x}, best;
  double score = -1;
  const auto extent = [&](axis a) { return a == frame ? t.frames : a == y ? t.ny : t.nx; };
  std::sort(names.begin(), names.end());
  do {  // the first of the names, in every order
    const axes tried(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(real.size()));
    if (!has(tried, y)) continue;
    bool fits = true;
    double points = std::is_sorted(tried.begin(), tried.end()) ? 0.5 : 0;
    for (std::size_t i = 0; i < real.size(); ++i) {
      fits = fits && look.shape[real[i]] == extent(tried[i]);
      if (tried[i] == x) points += look.whole_runs[real[i]];  // lines along the readout
    }
    if (!fits || points <= score) continue;
    score = points;
    best = tried;
  } while (std::next_permutation(names.begin(), names.end()));
  if (best.empty()) return {};
  axes order(look.shape.size(), set);
  for (std::size_t i = 0; i < real.size(); ++i) order[real[i]] = best[i];
  axes left;
  for (const axis n : {coil, slice, set, frame, x})
    if (!has(best, n)) left.push_back(n);
  std::size_t next = 0;
  for (std::size_t i = 0; i < order.size(); ++i)
    if (look.shape[i] == 1) order[i] = left[std::min(next++, left.size() - 1)];
  return order;
}

}  // namespace program
