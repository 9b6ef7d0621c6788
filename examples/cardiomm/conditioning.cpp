// SPDX-License-Identifier: Apache-2.0
/// \file
/// Conditioning vectors of `recon --method cardiomm`: a file of them, or CLIP text features of two
/// sentences behind the language heads.

#include "conditioning.hpp"

#include "cardiomm/io/text.hpp"
#include "cardiomm/models/text_code.hpp"
#include "cardiomm/nn/text/embed.hpp"

namespace program {
namespace {

namespace text = cardiomm::nn::text;

/// One of the two arrays of an embedding file.
std::vector<double> read_vectors(const io::safetensors_file& file, const std::string& path,
                                 const char* name, index_t length, index_t images, index_t& items) {
  const io::stored_array& a = file.at(name);
  const extents& s = a.shape();
  const index_t n = s.empty() ? 0 : s.back(), rows = n > 0 ? a.size() / n : 0;
  require<shape_error>(n == length && (rows == 1 || rows == images), path, ": ", name,
                       ": expected shape (1, 1, ", length, "), which is what the weights take",
                       images > 1 ? ", or (" + std::to_string(images) + ", 1, " +
                                        std::to_string(length) + "), one for each image"
                                  : std::string(),
                       ", found ", io::to_string(s));
  std::vector<double> v(static_cast<std::size_t>(a.size()));
  a.read(v.data());
  for (std::size_t i = 0; i < v.size(); ++i)
    require<value_error>(std::isfinite(v[i]), path, ": ", name,
                         ": expected finite values, found NaN or infinity at ", i);
  items = rows;
  return v;
}

conditioning from_file(const recon_command& c, index_t length, index_t images) {
  const io::safetensors_file file(c.embedding);
  conditioning out;
  out.length = length;
  index_t m = 1, u = 1;
  out.meta = read_vectors(file, c.embedding, "lm_embd_adapt", length, images, m);
  out.sampling = read_vectors(file, c.embedding, "lm_embd_adapt2", length, images, u);
  out.items = std::max(m, u);
  const auto repeat = [&](std::vector<double>& v, index_t rows) {
    for (index_t i = rows; i < out.items; ++i) v.insert(v.end(), v.begin(), v.begin() + length);
  };
  repeat(out.meta, m);
  repeat(out.sampling, u);
  return out;
}

/// The file of byte-pair merges: that of --merges, or beside the text weights, in
/// $CARDIOMM_SHARED, or in a folder `shared` above the working folder or the program.
std::string merges_of(const recon_command& c) {
  namespace fs = std::filesystem;
  if (!c.merges.empty()) return c.merges;
  const fs::path name = "bpe_simple_vocab_16e6.txt.gz", inside = fs::path("data/clip") / name;
  std::error_code none;
  std::vector<fs::path> places{fs::path(c.text_weights).parent_path() / name};
  const char* shared = std::getenv("CARDIOMM_SHARED");
  if (shared && *shared) places.push_back(shared / inside);
  for (const fs::path& from : {fs::current_path(none), fs::read_symlink("/proc/self/exe", none)})
    for (fs::path above = from; above.has_relative_path(); above = above.parent_path())
      places.push_back(above.parent_path() / "shared" / inside);
  for (const fs::path& p : places)
    if (fs::exists(p, none)) return p.string();
  throw io_error("--merges: expected CLIP's byte-pair merges (" + name.string() +
                 "), found none given, none beside " + c.text_weights +
                 " and no shared/data/clip above this folder");
}

/// "8x uniform" of a mask (y, x): the acceleration is that of the lines outside the centre, the
/// nearest of 4, 8, 16 and 24, which the published weights were trained with. Lines at equal
/// distances are uniform, others random, single samples radial.
std::string sampling_of_mask(const host_tensor<std::uint8_t, 3>& mask) {
  const index_t ny = static_cast<index_t>(mask.extent(1)),
                nx = static_cast<index_t>(mask.extent(2));
  const auto lines = [&](index_t y) {
    const std::uint8_t* row = mask.data() + y * nx;
    return std::count_if(row, row + nx, [](std::uint8_t v) { return v != 0; });
  };
  index_t samples = 0;
  bool whole = true;
  std::vector<index_t> sampled;
  for (index_t y = 0; y < ny; ++y) {
    const index_t n = lines(y);
    samples += n;
    whole = whole && (n == 0 || n == nx);
    if (n > 0) sampled.push_back(y);
  }
  const auto nearest = [](double r) {
    return r < std::sqrt(4. * 8)     ? "4x "
           : r < std::sqrt(8. * 16)  ? "8x "
           : r < std::sqrt(16. * 24) ? "16x "
                                     : "24x ";
  };
  // spokes count for 0.6 R, and a spoke has about as many samples as the longer side
  if (!whole)
    return std::string(
               nearest(180.0 * double(std::max(ny, nx)) / std::max(1.0, 0.6 * double(samples)))) +
           "radial";
  index_t low = ny / 2, high = ny / 2;  // the run of lines about the centre
  while (low > 0 && lines(low - 1) > 0) --low;
  while (high < ny && lines(high) > 0) ++high;
  index_t outside = 0, step = 0, last = -1;
  for (const index_t y : sampled) {
    if (y >= low && y < high) continue;
    ++outside;
    if (last >= 0 && (y < low) == (last < low)) step = std::gcd(step, y - last);
    last = y;
  }
  if (outside == 0)
    return std::string(nearest(double(ny) / double(std::max<index_t>(1, high - low)))) + "random";
  const double rate = double(ny - (high - low)) / double(outside);
  if (step > 1 && std::abs(double(step) - rate) < 0.25 * double(step))
    return std::to_string(step) + "x uniform";
  return std::string(nearest(rate)) + "random";
}

/// "Undersampling: 8x uniform." from that or from "8x uniform".
std::string undersampling_of(std::string said, const char* where) {
  const std::string head = "Undersampling:";
  const auto at = said.find(head);
  if (at != std::string::npos) said = said.substr(at + head.size());
  const auto cut = [](const std::string& s, const char* what) {
    const auto a = s.find_first_not_of(what);
    return a == std::string::npos ? std::string() : s.substr(a, s.find_last_not_of(what) - a + 1);
  };
  const std::string wanted = cut(said, " \t\n.");
  const std::size_t digits = std::min(wanted.find_first_not_of("0123456789"), wanted.size());
  const std::string family = digits < wanted.size() ? cut(wanted.substr(digits + 1), " ") : "";
  require<value_error>(digits > 0 && digits < 4 && digits < wanted.size() &&
                           (wanted[digits] == 'x' || wanted[digits] == 'X') &&
                           (family == "uniform" || family == "random" || family == "radial"),
                       where, ": expected '8x uniform', random or radial, found '", said, "'");
  return text::undersampling_prompt(std::stol(wanted.substr(0, digits)), family);
}

/// The prompts that were given, and that of the sampling where it was not.
text::prompts prompts_of(const recon_command& c, const host_tensor<std::uint8_t, 3>& mask,
                         conditioning& out) {
  text::prompts p;
  if (c.metadata) p = naming("--", [&] { return text::parse_metadata(*c.metadata); });
  out.warnings = p.warnings;
  if (c.undersampling) {
    p.sampling = undersampling_of(*c.undersampling, "--undersampling");
  } else if (p.sampling.empty()) {
    bool named = true;
    try {
      const auto u = text::undersampling_of_path(c.mask);
      p.sampling = text::undersampling_prompt(u.acceleration, u.family);
    } catch (const value_error&) {  // a name that says nothing
      named = false;
      p.sampling = undersampling_of(sampling_of_mask(mask), "mask");
    }
    out.warnings.push_back("--undersampling: nothing was said, taken for '" + p.sampling +
                           (named ? "' by the name of the mask" : "' by the sampled positions"));
  }
  return p;
}

/// Codes of the texts (models/text_code.hpp), for networks that were trained on them.
conditioning from_code(const recon_command& c, index_t length,
                       const host_tensor<std::uint8_t, 3>& mask) {
  namespace models = cardiomm::models;
  conditioning out;
  out.length = length;
  require<shape_error>(length == models::text_code_length, network_name(c.weights),
                       ": expected a network of embeddings of ", models::text_code_length,
                       " numbers for codes of the text, found ", length);
  const text::prompts p = prompts_of(c, mask, out);
  const auto numbers = [](const host_tensor<double, 2>& v) {
    return std::vector<double>(v.data(), v.data() + v.size());
  };
  out.meta = numbers(models::acquisition_code<double>(models::metadata_of_prompt(p.acquisition)));
  out.sampling =
      numbers(models::sampling_code<double>(models::undersampling_of_prompt(p.sampling)));
  out.metadata = p.acquisition;
  out.undersampling = p.sampling;
  return out;
}

conditioning from_text(const recon_command& c, const io::safetensors_file& weights, index_t length,
                       const host_tensor<std::uint8_t, 3>& mask) {
  conditioning out;
  out.length = length;
  const text::prompts p = prompts_of(c, mask, out);
  const text::tokenizer words(io::read_text(merges_of(c)));
  const auto tower = cardiomm::nn::source_of(io::safetensors_file(c.text_weights)),
             network = cardiomm::nn::source_of(weights);
  const bool beside = text::language_head::in(network, "lm_head_meta");
  text::embed_options o;
  o.tower.heads = c.heads.value_or(0);
  const auto e = naming(c.text_weights + ": ", [&] {
    return text::embed<double>(host_space{}, tower, beside ? network : tower, words, p, o);
  });
  out.meta = e.adapt;
  out.sampling = e.adapt2;
  for (const auto* v : {&out.meta, &out.sampling})
    require<shape_error>(static_cast<index_t>(v->size()) == length, c.text_weights,
                         ": language heads: expected vectors of ", length,
                         ", which is what the weights take, found ", v->size());
  out.metadata = p.acquisition;
  out.undersampling = p.sampling;
  return out;
}

}  // namespace

void check_text_options(const recon_command& c, const io::safetensors_file& weights) {
  if (takes_text_codes(weights)) {
    const std::pair<const char*, bool> others[] = {{"--text-weights", !c.text_weights.empty()},
                                                   {"--merges", !c.merges.empty()},
                                                   {"--text-heads", c.heads.has_value()}};
    for (const auto& [name, given] : others)
      require<value_error>(!given, name, ": expected weights of a network with a language model, ",
                           "found ", network_name(c.weights), ", which takes codes of the text");
    require<value_error>(c.embedding.empty() || (!c.metadata && !c.undersampling),
                         "--method cardiomm: expected --embedding, or --metadata and "
                         "--undersampling, found both");
    return;
  }
  const bool text = !c.text_weights.empty() || c.metadata.has_value();
  require<value_error>(text || !c.embedding.empty(),
                       "--method cardiomm: expected --embedding, or --text-weights and --metadata, "
                       "found neither");
  require<value_error>(!text || c.embedding.empty(),
                       "--method cardiomm: expected --embedding, or --text-weights and --metadata, "
                       "found both");
  require<value_error>(!text || (!c.text_weights.empty() && c.metadata.has_value()),
                       c.metadata ? "--text-weights: expected the weights of the text tower for "
                                    "--metadata, found none"
                                  : "--metadata: expected a description of the acquisition for "
                                    "--text-weights, found none");
  require<value_error>(text || (!c.undersampling && c.merges.empty() && !c.heads),
                       c.undersampling ? "--undersampling"
                       : c.heads       ? "--text-heads"
                                       : "--merges",
                       ": expected --text-weights and --metadata, found --embedding");
}

conditioning read_conditioning(const recon_command& c, const io::safetensors_file& weights,
                               index_t length, index_t images,
                               const host_tensor<std::uint8_t, 3>& mask) {
  if (!c.embedding.empty()) return from_file(c, length, images);
  return takes_text_codes(weights) ? from_code(c, length, mask)
                                   : from_text(c, weights, length, mask);
}

}  // namespace program
