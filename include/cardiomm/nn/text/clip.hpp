// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_TEXT_CLIP_HPP
#define CARDIOMM_NN_TEXT_CLIP_HPP
/// \file
/// The text tower of CLIP: token and position embeddings, blocks of causal attention, a last
/// normalisation; the features of a text are the row of its end token times a projection. Source:
/// Radford et al., "Learning transferable visual models from natural language supervision", 2021;
/// names of tensors as in the transformers library.

#include <algorithm>

#include "cardiomm/nn/tensor_source.hpp"
#include "cardiomm/nn/transformer.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::text {

struct clip_options {
  index_t heads = 0;  ///< of the attention; 0 takes heads of 64 channels, as all published towers
  double epsilon = 1e-5;
};

/// Sizes of a tower, read from the shapes of its tensors, and where its tensors are.
struct clip_layout {
  std::string prefix;  ///< of the tower, e.g. "language_model_no.model.text_model."
  std::string outer;   ///< of "text_projection.weight"
  index_t vocabulary = 0, longest = 0, width = 0, hidden = 0, layers = 0, features = 0, heads = 0;
  double epsilon = 1e-5;

  std::string token_table() const { return prefix + "embeddings.token_embedding.weight"; }
  std::string position_table() const { return prefix + "embeddings.position_embedding.weight"; }
  std::string layer(index_t i) const {
    return prefix + "encoder.layers." + std::to_string(i) + ".";
  }
  std::string final_norm() const { return prefix + "final_layer_norm."; }
  std::string projection() const { return outer + "text_projection.weight"; }

  /// Looks through the names of a file; any prefix is found. Throws value_error, in one message for
  /// all tensors, if tensors of the tower are missing, unknown or misshapen.
  static clip_layout of(const tensor_source& source, const clip_options& options = {}) {
    clip_layout l;
    const std::string last = "embeddings.token_embedding.weight";
    std::vector<std::string> found;
    for (const auto& t : source.shapes)
      if (t.first.size() >= last.size() &&
          t.first.compare(t.first.size() - last.size(), last.size(), last) == 0)
        found.push_back(t.first);
    require(!found.empty(), "text tower: expected a tensor named '[...]text_model.", last,
            "', found none among ", source.shapes.size(), " tensors");
    require(found.size() == 1, "text tower: expected one tower, found ", found.size(), ": ",
            found[0], " and ", found.back());
    l.prefix = found[0].substr(0, found[0].size() - last.size());
    const std::string model = "text_model.";
    const bool named = l.prefix.size() >= model.size() &&
                       l.prefix.compare(l.prefix.size() - model.size(), model.size(), model) == 0;
    l.outer = named ? l.prefix.substr(0, l.prefix.size() - model.size()) : l.prefix;
    l.read_sizes(source);
    l.heads = options.heads > 0 ? options.heads : l.width / 64;
    l.epsilon = options.epsilon;
    check_tensors(l.tower_of(source), l.tensors(), "text tower");
    require(l.heads > 0 && l.width % l.heads == 0,
            "text tower: number of heads: expected a divisor of the width ", l.width, ", found ",
            l.heads);
    return l;
  }
  /// Names and shapes of all tensors.
  tensor_list tensors() const {
    tensor_list all{{token_table(), {vocabulary, width}}, {position_table(), {longest, width}}};
    const std::vector<index_t> w{width};
    for (index_t i = 0; i < layers; ++i)
      for (const std::string& name : transformer_names()) {
        const bool matrix =
            name.find("weight") != std::string::npos && name.find("norm") == std::string::npos;
        std::vector<index_t> s{name.find("fc1") != std::string::npos ? hidden : width};
        if (matrix) s.push_back(name.find("fc2") != std::string::npos ? hidden : width);
        all.emplace_back(layer(i) + name, s);
      }
    all.emplace_back(final_norm() + "weight", w);
    all.emplace_back(final_norm() + "bias", w);
    all.emplace_back(projection(), std::vector<index_t>{features, width});
    return all;
  }

 private:
  void read_sizes(const tensor_source& source) {
    const auto axis = [&](const std::string& name, std::size_t i, index_t otherwise) {
      const auto at = source.shapes.find(name);
      return at != source.shapes.end() && at->second.size() == 2 ? at->second[i] : otherwise;
    };
    vocabulary = axis(token_table(), 0, 0);
    width = axis(token_table(), 1, 0);
    require(vocabulary > 0 && width > 0, "text tower: ", token_table(),
            ": expected two axes (vocabulary, width)");
    longest = axis(position_table(), 0, 77);
    layers = count_numbered(source, prefix + "encoder.layers.");
    hidden = axis(layer(0) + "mlp.fc1.weight", 0, 4 * width);
    features = axis(projection(), 0, width);
  }
  /// The tensors below the prefix and the projection, without a table of numbers 0, 1, ... that old
  /// files hold.
  tensor_source tower_of(const tensor_source& source) const {
    tensor_source t;
    for (const auto& entry : source.shapes) {
      const bool below = entry.first.compare(0, prefix.size(), prefix) == 0 &&
                         (!prefix.empty() || entry.first.compare(0, 11, "embeddings.") == 0 ||
                          entry.first.compare(0, 8, "encoder.") == 0 ||
                          entry.first.compare(0, 17, "final_layer_norm.") == 0);
      if ((below && !(prefix == outer && outside(entry.first)) &&
           entry.first != prefix + "embeddings.position_ids") ||
          entry.first == projection())
        t.shapes.insert(entry);
    }
    return t;
  }
  /// Other parts of CLIP beside a tower whose name was taken off.
  bool outside(const std::string& name) const {
    const std::string rest = name.substr(prefix.size());
    return rest == "logit_scale" || rest == "visual_projection.weight" ||
           rest.compare(0, 13, "vision_model.") == 0;
  }
};

/// Where a text ends: the first place of the largest id, as CLIP has it.
inline index_t end_of_text(const std::vector<std::int32_t>& ids) {
  return static_cast<index_t>(std::max_element(ids.begin(), ids.end()) - ids.begin());
}

namespace detail {

/// A parameter of some extents with the values of a tensor.
template <class T, ExecutionSpace Ex>
parameter<T, Ex> load(const Ex& ex, const tensor_source& source, const std::string& name,
                      std::vector<index_t> extents) {
  parameter<T, Ex> p(ex, std::move(extents), false);
  std::vector<T> values(static_cast<std::size_t>(p.size()));
  source.read(name, values.data());
  copy(p.value(), view<const T, 1, host_space>(values.data(), values.size()));
  return p;
}

/// All of a tower but its tokens and its blocks.
template <class T, ExecutionSpace Ex>
struct clip_frame {
  using block_type = transformer_block_type<T, Ex>;
  using tokens_of_texts = std::vector<std::vector<std::int32_t>>;
  clip_layout layout;
  positions<T, Ex> places;
  layer_norm<T, 3, Ex> norm;
  linear<T, 2, Ex> projection;

  clip_frame(const Ex& ex, const tensor_source& source, const clip_layout& l)
      : layout(l),
        places(load<T>(ex, source, l.position_table(), {l.longest, l.width})),
        norm(ex, l.width, l.epsilon),
        projection(load<T>(ex, source, l.projection(), {l.features, l.width})) {
    norm.weight = load<T>(ex, source, l.final_norm() + "weight", {l.width});
    norm.bias = load<T>(ex, source, l.final_norm() + "bias", {l.width});
  }
  block_type new_block(const Ex& ex) const {
    block_type block = transformer_block<T>(
        ex, layout.width, {{layout.heads, true, true}, layout.hidden, layout.epsilon});
    for (const auto& p : block.parameters()) p.second.set_trainable(false);
    return block;
  }
  void load_block(const tensor_source& source, index_t i, const block_type& block) const {
    const auto parameters = block.parameters();
    const auto names = transformer_names();
    std::vector<T> values;
    for (std::size_t k = 0; k < names.size(); ++k) {
      const auto& p = parameters[k].second;
      values.resize(static_cast<std::size_t>(p.size()));
      source.read(layout.layer(i) + names[k], values.data());
      copy(p.value(), view<const T, 1, host_space>(values.data(), values.size()));
    }
  }
  /// `block(i)` gives the blocks in turn.
  template <class Blocks>
  void hidden(const Ex& ex, const embedding<T, Ex>& table,
              const view<const std::int32_t, 2, Ex>& ids, const view<T, 3, Ex>& y,
              const Blocks& block) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto s = table.output(shape_of(ids));
    places.output(s);
    auto from = scratch.template tensor<T>(s), to = scratch.template tensor<T>(s);
    table.forward(ex, ids, from);
    places.forward(ex, from, from);
    for (index_t i = 0; i < layout.layers; ++i) {
      block(i).forward(ex, from, to);
      std::swap(from, to);
    }
    norm.forward(ex, from, y);
  }
  template <class Blocks>
  std::vector<std::vector<T>> features(const Ex& ex, const embedding<T, Ex>& table,
                                       const tokens_of_texts& texts, const Blocks& block) const {
    if (texts.empty()) return {};
    std::size_t longest = 0;
    for (const auto& t : texts) longest = std::max(longest, t.size());
    const auto n = static_cast<index_t>(texts.size()), length = static_cast<index_t>(longest);
    const auto host_ids = make_tensor<std::int32_t>(host_space(), shape<2>{{n, length}});
    for (index_t i = 0; i < n; ++i) {
      const auto& t = texts[static_cast<std::size_t>(i)];
      for (std::size_t k = 0; k < longest; ++k) host_ids(i, k) = k < t.size() ? t[k] : t.back();
    }
    const auto ids = make_tensor<std::int32_t>(ex, shape_of(host_ids));
    copy(ids, host_ids);
    const auto y = make_tensor<T>(ex, table.output(shape_of(ids)));
    hidden(ex, table, ids, y, block);
    const auto ends = make_tensor<T>(ex, shape<2>{{n, layout.width}});
    for (index_t i = 0; i < n; ++i)
      Kokkos::deep_copy(ex, slice(ends, i),
                        slice(slice(y, i), end_of_text(texts[static_cast<std::size_t>(i)])));
    const auto out = make_tensor<T>(ex, projection.output(shape_of(ends)));
    projection.forward(ex, ends, out);
    ex.fence();
    const auto host = to_host(out);
    std::vector<std::vector<T>> all;
    for (index_t i = 0; i < n; ++i)
      all.emplace_back(host.data() + i * layout.features, host.data() + (i + 1) * layout.features);
    return all;
  }
  void check(const tokens_of_texts& texts) const {
    for (const auto& t : texts) {
      require<shape_error>(!t.empty() && index_t(t.size()) <= layout.longest,
                           "text tower: expected texts of 1 to ", layout.longest, " tokens, found ",
                           t.size());
      for (const auto id : t)
        require(id >= 0 && id < layout.vocabulary, "text tower: expected ids of 0 to ",
                layout.vocabulary - 1, ", found ", id, ": is the table of merges another one's?");
    }
  }
};

}  // namespace detail

/// The tower in memory. Its parameters are frozen until they are made trainable.
template <class T, ExecutionSpace Ex = default_space>
class clip_text {
 public:
  /// Reads all tensors. Throws value_error as clip_layout::of.
  clip_text(const Ex& ex, const tensor_source& source, const clip_options& options = {})
      : frame_(ex, source, clip_layout::of(source, options)),
        tokens_(detail::load<T>(ex, source, layout().token_table(),
                                {layout().vocabulary, layout().width})) {
    for (index_t i = 0; i < layout().layers; ++i) {
      blocks_.push_back(frame_.new_block(ex));
      frame_.load_block(source, i, blocks_.back());
    }
  }
  const clip_layout& layout() const { return frame_.layout; }

  /// ids (item, token) to features (item, token, width) behind the last normalisation. Throws
  /// shape_error for texts that are longer than the table of positions; ids outside the vocabulary
  /// give NaN.
  void hidden(const Ex& ex, const view<const std::int32_t, 2, Ex>& ids,
              const view<T, 3, Ex>& y) const {
    frame_.hidden(ex, tokens_, ids, y, blocks());
  }
  /// The features of texts, a vector each. They are padded to one length behind their end, which
  /// causal attention never sees. Throws value_error for ids outside the vocabulary.
  std::vector<std::vector<T>> features(const Ex& ex,
                                       const std::vector<std::vector<std::int32_t>>& texts) const {
    frame_.check(texts);
    return frame_.features(ex, tokens_, texts, blocks());
  }
  /// Under the names of files, without what may stand before "text_model.".
  named_parameters<T, Ex> parameters() const {
    named_parameters<T, Ex> all;
    append(all, "text_model.embeddings.token_embedding.", tokens_.parameters());
    append(all, "text_model.embeddings.position_embedding.", frame_.places.parameters());
    const auto names = transformer_names();
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const auto p = blocks_[i].parameters();
      for (std::size_t k = 0; k < names.size(); ++k)
        all.emplace_back("text_model.encoder.layers." + std::to_string(i) + "." + names[k],
                         p[k].second);
    }
    append(all, "text_model.final_layer_norm.", frame_.norm.parameters());
    append(all, "text_projection.", frame_.projection.parameters());
    return all;
  }

 private:
  auto blocks() const {
    return [this](index_t i) -> const auto& { return blocks_[static_cast<std::size_t>(i)]; };
  }
  detail::clip_frame<T, Ex> frame_;
  embedding<T, Ex> tokens_;
  std::vector<transformer_block_type<T, Ex>> blocks_;
};

/// clip_text(ex, source, options).features(ex, texts) with the memory of one block: blocks are read
/// when their turn comes, and of the table of tokens only the rows that the texts use.
template <class T, ExecutionSpace Ex>
std::vector<std::vector<T>> clip_features(const Ex& ex, const tensor_source& source,
                                          const std::vector<std::vector<std::int32_t>>& texts,
                                          const clip_options& options = {}) {
  const detail::clip_frame<T, Ex> frame(ex, source, clip_layout::of(source, options));
  frame.check(texts);
  // Rows in the order of ids, so that the end stays the largest.
  std::map<std::int32_t, std::int32_t> row_of;
  for (const auto& t : texts)
    for (const auto id : t) row_of.emplace(id, 0);
  const auto width = static_cast<std::size_t>(frame.layout.width);
  std::vector<T> values(row_of.size() * width);
  std::int32_t rows = 0;
  for (auto& [id, row] : row_of) {
    row = rows++;
    source.read_rows(frame.layout.token_table(), id, 1,
                     values.data() + static_cast<std::size_t>(row) * width);
  }
  const embedding<T, Ex> table(parameter<T, Ex>(ex, {rows, frame.layout.width}, false));
  copy(table.weight.value(), view<const T, 1, host_space>(values.data(), values.size()));
  auto mapped = texts;
  for (auto& t : mapped)
    for (auto& id : t) id = row_of.at(id);
  const auto block = frame.new_block(ex);
  return frame.features(ex, table, mapped, [&](index_t i) {
    ex.fence();  // the block may still be in use
    frame.load_block(source, i, block);
    return block;
  });
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::text

#endif
