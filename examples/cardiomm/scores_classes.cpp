// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm scores --classes`: lists of predicted classes against true ones.

#include "scores.hpp"

#include <set>

#include "cardiomm/analysis/kappa.hpp"
#include "cardiomm/io/csv.hpp"

namespace program {
namespace {

namespace analysis = cardiomm::analysis;

/// Names of columns that usually hold the truth and the prediction.
std::size_t find_column(const io::table& t, std::initializer_list<const char*> names,
                        std::size_t otherwise) {
  for (const char* n : names)
    for (std::size_t i = 0; i < t.columns.size(); ++i) {
      std::string c = t.columns[i];
      std::transform(c.begin(), c.end(), c.begin(),
                     [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
      if (c == n) return i;
    }
  return otherwise;
}

}  // namespace

void score_classes(const scores_command& c, const common_options& common) {
  io::table t = io::read_csv(c.classes);
  std::size_t truth = 0, predicted = 1;
  if (!c.columns.empty()) {
    const auto comma = c.columns.find(',');
    require<value_error>(comma != std::string::npos, "--columns: expected TRUE,PREDICTED, found '",
                         c.columns, "'");
    truth = t.column(c.columns.substr(0, comma));
    predicted = t.column(c.columns.substr(comma + 1));
  } else {
    require<value_error>(t.columns.size() >= 2, c.classes,
                         ": expected two columns, true and predicted, found ", t.columns.size());
    // a table without a line of names: its first line is a case
    if (t.columns.size() == 2 && io::to_number(t.columns[0]) && io::to_number(t.columns[1]))
      t.rows.insert(t.rows.begin(), t.columns);
    const std::size_t none = t.columns.size();
    truth = find_column(t, {"true", "truth", "y_true", "reference", "label", "target"}, none);
    predicted =
        find_column(t, {"predicted", "prediction", "pred", "y_pred", "class", "output"}, none);
    if (truth == none || predicted == none) {
      require<value_error>(t.columns.size() == 2, c.classes,
                           ": expected columns named true and predicted, or two columns, found ",
                           t.columns.size(), " others; name them by --columns TRUE,PREDICTED");
      truth = 0;
      predicted = 1;
    }
  }
  // numbers in their order, words by the alphabet
  bool whole = true;
  std::set<std::string> words;
  for (const auto& row : t.rows)
    for (const std::size_t i : {truth, predicted}) {
      const auto v = io::to_number(row[i]);
      whole = whole && v && *v == std::floor(*v) && std::abs(*v) < 1e9;
      words.insert(row[i]);
      require<value_error>(!row[i].empty(), c.classes, ": expected a class in every row, found '",
                           io::csv_line(row).substr(0, 40), "' without");
    }
  const std::vector<std::string> names(words.begin(), words.end());
  const auto class_of = [&](const std::string& text) {
    if (whole) return static_cast<int>(*io::to_number(text));
    return static_cast<int>(std::lower_bound(names.begin(), names.end(), text) - names.begin());
  };
  std::vector<int> a, b;
  for (const auto& row : t.rows) {
    a.push_back(class_of(row[truth]));
    b.push_back(class_of(row[predicted]));
  }
  const auto m = naming(c.classes + ": ", [&] { return analysis::confusion(a, b); });
  const auto name_of_class = [&](std::size_t k) {
    return whole ? std::to_string(m.classes()[k]) : names[static_cast<std::size_t>(m.classes()[k])];
  };
  const std::pair<const char*, analysis::kappa_weights> kinds[] = {
      {"unweighted", analysis::kappa_weights::none},
      {"linear", analysis::kappa_weights::linear},
      {"quadratic", analysis::kappa_weights::quadratic}};
  const std::size_t n = m.classes().size();
  if (common.as_json) {
    json classes = json::array(), matrix = json::array(), kappa;
    for (std::size_t i = 0; i < n; ++i) {
      classes.push_back({{"class", name_of_class(i)},
                         {"in_truth", m.in_truth(i)},
                         {"in_prediction", m.in_prediction(i)},
                         {"precision", number(m.precision(i))},
                         {"recall", number(m.recall(i))},
                         {"f1", number(m.f1(i))}});
      json row = json::array();
      for (std::size_t j = 0; j < n; ++j) row.push_back(m(i, j));
      matrix.push_back(row);
    }
    for (const auto& [text, w] : kinds)
      kappa[text] = {{"kappa", number(m.kappa(w))}, {"standard_error", number(m.kappa_error(w))}};
    std::cout << dump({{"cases", m.total()},
                       {"accuracy", number(m.accuracy())},
                       {"balanced_accuracy", number(m.balanced_accuracy())},
                       {"cohen_kappa", kappa},
                       {"classes", classes},
                       {"confusion", matrix}})
              << "\n";
    return;
  }
  std::printf("%lld cases, %zu classes: accuracy %.4f, balanced accuracy %.4f\n",
              static_cast<long long>(m.total()), n, m.accuracy(), m.balanced_accuracy());
  for (const auto& [text, w] : kinds)
    std::printf("Cohen's kappa, %-10s %.6f  (standard error %.4f)\n", text, m.kappa(w),
                m.kappa_error(w));
  for (std::size_t i = 0; i < n; ++i) {
    std::printf("class %s: F1 %.4f, precision %.4f, recall %.4f; called", name_of_class(i).c_str(),
                m.f1(i), m.precision(i), m.recall(i));
    for (std::size_t j = 0; j < n; ++j)
      std::printf(" %s %lld%s", name_of_class(j).c_str(), static_cast<long long>(m(i, j)),
                  j + 1 < n ? "," : "\n");
  }
}

}  // namespace program
