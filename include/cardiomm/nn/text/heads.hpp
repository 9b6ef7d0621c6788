// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_TEXT_HEADS_HPP
#define CARDIOMM_NN_TEXT_HEADS_HPP
/// \file
/// The two heads between text features and the network: e = normalise(W1 t + b1), and logits
/// W2 e + b2 that only training looks at. Computed in double: what the published networks take is
/// the sign of every number, which may not depend on rounding.

#include <cmath>

#include "cardiomm/nn/tensor_source.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::text {

enum class head_norm {
  /// Every number divided by its own magnitude, as the published training and inference do it: -1,
  /// 0 or 1.
  sign,
  /// The vector divided by its length.
  unit
};

/// "lm_head_meta" (texts of metadata) or "lm_head_us" (texts of undersampling).
class language_head {
 public:
  /// Reads `[...]NAME.fc1.weight` (embedding, features), `.fc1.bias` and, where they are there,
  /// `.fc2.weight`, `.fc2.bias`. Throws value_error, in one message for all tensors, if some are
  /// missing, unknown or misshapen.
  language_head(const tensor_source& source, const std::string& name) {
    const std::string first = name + ".fc1.weight";
    const std::string prefix = prefix_of(source, name);
    require(!prefix.empty(), "language head: expected a tensor named '[...]", first,
            "', found none among ", source.shapes.size(), " tensors");
    const auto& shape = source.shapes.at(prefix + "fc1.weight");
    require(shape.size() == 2, "language head: ", prefix,
            "fc1.weight: expected two axes (embedding, features), found ", shape.size());
    size_ = shape[0];
    features_ = shape[1];
    tensor_list wanted{{prefix + "fc1.weight", shape}, {prefix + "fc1.bias", {size_}}};
    const auto logits = source.shapes.find(prefix + "fc2.weight");
    if (logits != source.shapes.end()) {
      logits_ = logits->second.empty() ? 0 : logits->second[0];
      wanted.emplace_back(prefix + "fc2.weight", std::vector<index_t>{logits_, size_});
      wanted.emplace_back(prefix + "fc2.bias", std::vector<index_t>{logits_});
    }
    tensor_source mine;
    for (const auto& entry : source.shapes)
      if (entry.first.compare(0, prefix.size(), prefix) == 0) mine.shapes.insert(entry);
    check_tensors(mine, wanted, "language head");
    const auto values = [&](const std::string& n) {
      index_t count = 1;
      for (const index_t e : mine.shapes.at(prefix + n)) count *= e;
      std::vector<double> v(static_cast<std::size_t>(count));
      source.read(prefix + n, v.data());
      return v;
    };
    weight_ = values("fc1.weight");
    bias_ = values("fc1.bias");
    if (logits_ == 0) return;
    logits_weight_ = values("fc2.weight");
    logits_bias_ = values("fc2.bias");
  }
  /// True where the source has the head.
  static bool in(const tensor_source& source, const std::string& name) {
    return !prefix_of(source, name).empty();
  }

  index_t features() const { return features_; }
  index_t size() const { return size_; }

  /// The embedding of text features. Throws shape_error for another number of them.
  std::vector<double> embed(const std::vector<double>& t, head_norm norm = head_norm::sign) const {
    require<shape_error>(index_t(t.size()) == features_, "language head: expected ", features_,
                         " text features, found ", t.size());
    constexpr double smallest = 1e-12;
    auto e = affine(weight_, bias_, t);
    double squares = 0;
    for (const double v : e) squares += v * v;
    const double length = std::max(std::sqrt(squares), smallest);
    for (double& v : e) v /= norm == head_norm::unit ? length : std::max(std::abs(v), smallest);
    return e;
  }
  /// The logits of an embedding; empty where the file has none.
  std::vector<double> logits(const std::vector<double>& embedding) const {
    require<shape_error>(index_t(embedding.size()) == size_, "language head: expected ", size_,
                         " numbers, found ", embedding.size());
    return affine(logits_weight_, logits_bias_, embedding);
  }

 private:
  /// What stands before "fc1.weight"; empty where there is no such tensor.
  static std::string prefix_of(const tensor_source& source, const std::string& name) {
    const std::string first = name + ".fc1.weight";
    for (const auto& entry : source.shapes) {
      const std::string& n = entry.first;
      if (n == first || (n.size() > first.size() && n.compare(n.size() - first.size() - 1,
                                                              std::string::npos, "." + first) == 0))
        return n.substr(0, n.size() - std::string("fc1.weight").size());
    }
    return "";
  }
  static std::vector<double> affine(const std::vector<double>& weight,
                                    const std::vector<double>& bias, const std::vector<double>& x) {
    std::vector<double> y = bias;
    for (std::size_t i = 0; i < y.size(); ++i)
      for (std::size_t j = 0; j < x.size(); ++j) y[i] += weight[i * x.size() + j] * x[j];
    return y;
  }

  index_t features_ = 0, size_ = 0, logits_ = 0;
  std::vector<double> weight_, bias_, logits_weight_, logits_bias_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::text

#endif
