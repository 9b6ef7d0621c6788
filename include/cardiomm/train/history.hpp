// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_HISTORY_HPP
#define CARDIOMM_TRAIN_HISTORY_HPP
/// \file
/// The course of a training run: one row for some steps, and for every validation.

#include <cmath>
#include <limits>

#include "cardiomm/io/chart.hpp"
#include "cardiomm/io/csv.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// What was measured at a step; NaN where nothing was.
struct history_row {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
  double step = 0, epoch = 0;  ///< steps taken; the epoch, from 1
  double loss = none;          ///< mean over the samples since the last row
  double rate = none;
  double gradient = none;  ///< norm before clipping, mean over the steps since the last row
  double validation_loss = none, ssim = none, nmse = none, psnr = none;
  double seconds = 0;  ///< of the run so far, over all its parts
};

/// All rows of a run.
class history {
 public:
  static constexpr std::size_t columns = 10;

  void add(const history_row& r) { rows_.push_back(r); }
  const std::vector<history_row>& rows() const { return rows_; }

  /// As numbers, for a state.
  std::vector<double> numbers() const {
    std::vector<double> all;
    for (const history_row& r : rows_)
      for (const double v : {r.step, r.epoch, r.loss, r.rate, r.gradient, r.validation_loss, r.ssim,
                             r.nmse, r.psnr, r.seconds})
        all.push_back(v);
    return all;
  }
  static history from(const std::vector<double>& n) {
    require(n.size() % columns == 0, "history: expected rows of ", columns, " numbers, found ",
            n.size());
    history h;
    for (std::size_t i = 0; i < n.size(); i += columns)
      h.add({n[i], n[i + 1], n[i + 2], n[i + 3], n[i + 4], n[i + 5], n[i + 6], n[i + 7], n[i + 8],
             n[i + 9]});
    return h;
  }

  io::table table() const {
    io::table t;
    t.columns = {"step", "epoch", "loss", "rate",   "gradient_norm", "validation_loss",
                 "ssim", "nmse",  "psnr", "seconds"};
    const auto text = [](double v, const char* form) {
      char digits[40];
      std::snprintf(digits, sizeof digits, form, v);
      return std::isfinite(v) ? std::string(digits) : std::string();
    };
    for (const history_row& r : rows_)
      t.rows.push_back({text(r.step, "%.0f"), text(r.epoch, "%.0f"), text(r.loss, "%.9g"),
                        text(r.rate, "%.9g"), text(r.gradient, "%.9g"),
                        text(r.validation_loss, "%.9g"), text(r.ssim, "%.9g"), text(r.nmse, "%.9g"),
                        text(r.psnr, "%.9g"), text(r.seconds, "%.3f")});
    return t;
  }

  /// Curves of the losses over the steps.
  io::line_chart chart() const {
    io::line_chart c;
    c.title = "Training";
    c.x_label = "step";
    c.y_label = "loss";
    io::line_chart::one training{"training", {}, {}}, validation{"validation", {}, {}};
    for (const history_row& r : rows_) {
      if (std::isfinite(r.loss)) {
        training.x.push_back(r.step);
        training.y.push_back(r.loss);
      }
      if (std::isfinite(r.validation_loss)) {
        validation.x.push_back(r.step);
        validation.y.push_back(r.validation_loss);
      }
    }
    c.series = {training, validation};
    if (validation.x.empty()) c.series.pop_back();
    return c;
  }

 private:
  std::vector<history_row> rows_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
