// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_SAFETENSORS_HPP
#define CARDIOMM_IO_SAFETENSORS_HPP
/// \file
/// Named arrays in one file: 8 bytes of header length, a JSON header, then the values without gaps.
/// Real types only (BOOL, I8 to I64, U8 to U64, F16, F32, F64). Source: the format description of
/// huggingface/safetensors.

#include <map>
#include <nlohmann/json.hpp>

#include "cardiomm/io/array.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

namespace detail {
struct safetensors_type {
  const char* code;
  dtype type;
};
inline constexpr safetensors_type safetensors_types[] = {
    {"BOOL", dtype::boolean}, {"I8", dtype::i8},   {"I16", dtype::i16}, {"I32", dtype::i32},
    {"I64", dtype::i64},      {"U8", dtype::u8},   {"U16", dtype::u16}, {"U32", dtype::u32},
    {"U64", dtype::u64},      {"F16", dtype::f16}, {"F32", dtype::f32}, {"F64", dtype::f64}};
}  // namespace detail

/// An opened file: the names, and for every name where its values lie.
class safetensors_file {
 public:
  /// Reads and checks the header; throws io_error. No values are read.
  explicit safetensors_file(const std::string& path)
      : safetensors_file(std::make_shared<const input_file>(path)) {}
  explicit safetensors_file(std::shared_ptr<const byte_source> file) : file_(std::move(file)) {
    const std::string& path = file_->path();
    unsigned char head[8] = {};
    require<io_error>(file_->size() >= 8, path, ": expected a safetensors file, found ",
                      file_->size(), " bytes");
    file_->read(0, head, 8);
    std::uint64_t length = 0;
    for (int i = 8; i-- > 0;) length = length << 8 | head[i];
    require<io_error>(length <= file_->size() - 8, path, ": safetensors header: expected ", length,
                      " bytes, found ", file_->size() - 8);
    require<io_error>(length <= 100'000'000, path,
                      ": safetensors header: expected at most 100000000 bytes, found ", length);
    std::string text(static_cast<std::size_t>(length), '\0');
    file_->read(8, text.data(), text.size());
    data_ = 8 + length;
    try {
      const auto header = nlohmann::json::parse(text);
      require<io_error>(header.is_object(), path, ": safetensors header: expected an object");
      for (const auto& item : header.items()) {
        if (item.key() == "__metadata__")
          metadata_ = item.value().get<std::map<std::string, std::string>>();
        else
          add(item.key(), item.value());
      }
    } catch (const nlohmann::json::exception& e) {
      throw io_error(path + ": safetensors header: " + e.what());
    }
    check_gaps();
  }

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : entries_) all.push_back(entry.first);
    return all;
  }
  bool contains(const std::string& name) const { return entries_.count(name) > 0; }
  /// Throws io_error if there is no array of that name.
  const stored_array& at(const std::string& name) const {
    const auto found = entries_.find(name);
    require<io_error>(found != entries_.end(), file_->path(), ": expected an array named '", name,
                      "', found none");
    return found->second;
  }

 private:
  void add(const std::string& name, const nlohmann::json& value) {
    const auto& path = file_->path();
    const std::string code = value.at("dtype").get<std::string>();
    stored_array::place where;
    bool known = false;
    for (const auto& t : detail::safetensors_types)
      if (code == t.code) {
        where.type = t.type;
        known = true;
      }
    require<io_error>(known, path, ": '", name,
                      "': expected a type of BOOL, I8 to I64, U8 to U64, F16 to F64, found ", code);
    for (const auto& e : value.at("shape")) where.shape.push_back(natural(e, name));
    const auto& offsets = value.at("data_offsets");
    require<io_error>(offsets.is_array() && offsets.size() == 2, path, ": '", name,
                      "': expected two data offsets");
    const index_t first = natural(offsets[0], name), last = natural(offsets[1], name);
    const index_t bytes = count_of(where.shape, size_of(where.type), path) *
                          static_cast<index_t>(size_of(where.type));
    require<io_error>(first <= last && last - first == bytes, path, ": '", name, "': shape ",
                      to_string(where.shape), " of ", code, ": expected ", bytes,
                      " bytes, found offsets ", first, " and ", last);
    require<io_error>(static_cast<std::uint64_t>(last) <= file_->size() - data_, path, ": '", name,
                      "': expected values up to byte ", last, ", found ", file_->size() - data_,
                      " bytes");
    where.offset = data_ + static_cast<std::uint64_t>(first);
    where.swapped = std::endian::native != std::endian::little;
    spans_.emplace_back(first, last);
    entries_.emplace(name, stored_array(file_, where));
  }
  index_t natural(const nlohmann::json& value, const std::string& name) const {
    require<io_error>(
        value.is_number_unsigned() && value.get<std::uint64_t>() <= (std::uint64_t(1) << 62),
        file_->path(), ": '", name, "': expected a number of at least 0, found ",
        value.is_number() ? value.dump() : std::string("something else"));
    return static_cast<index_t>(value.get<std::uint64_t>());
  }
  void check_gaps() {
    std::sort(spans_.begin(), spans_.end());
    index_t end = 0;
    for (const auto& [first, last] : spans_) {
      require<io_error>(first == end, file_->path(), ": expected values without gaps or overlap, ",
                        "found one array that ends at ", end, " and one that starts at ", first);
      end = last;
    }
    require<io_error>(static_cast<std::uint64_t>(end) == file_->size() - data_, file_->path(),
                      ": expected ", end, " bytes of values, found ", file_->size() - data_);
  }

  std::shared_ptr<const byte_source> file_;
  std::uint64_t data_ = 0;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, stored_array> entries_;
  std::vector<std::pair<index_t, index_t>> spans_;
};

/// Writes named arrays of real types; values start at a multiple of 8 bytes, in the order of size
/// of their elements so that all of them are aligned. Throws value_error for complex arrays.
inline void write_safetensors(const std::string& path, const std::map<std::string, array>& arrays,
                              const std::map<std::string, std::string>& metadata = {},
                              existing policy = existing::replace) {
  std::vector<const std::pair<const std::string, array>*> order;
  for (const auto& a : arrays) order.push_back(&a);
  std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) {
    return size_of(a->second.type) > size_of(b->second.type);
  });
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const auto* a : order) {
    const char* code = nullptr;
    for (const auto& t : detail::safetensors_types)
      if (t.type == a->second.type) code = t.code;
    require(code != nullptr, path, ": '", a->first, "': expected a real type, found ",
            name_of(a->second.type));
    header[a->first] = {{"dtype", code},
                        {"shape", a->second.shape},
                        {"data_offsets", {offset, offset + a->second.bytes.size()}}};
    offset += a->second.bytes.size();
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  unsigned char head[8];
  for (int i = 0; i < 8; ++i) head[i] = static_cast<unsigned char>(text.size() >> 8 * i & 255);
  atomic_file out(path, policy);
  out.write(head, 8);
  out.write(text);
  for (const auto* a : order) out.write(a->second.bytes.data(), a->second.bytes.size());
  out.commit();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
