// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_CHECKPOINT_HPP
#define CARDIOMM_TRAIN_CHECKPOINT_HPP
/// \file
/// Files of a training run: networks under the names of their parameters, which reconstruction
/// loads, and states from which a run goes on to the same bits. Both are .safetensors files that
/// appear only when they are complete.

#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/models/weights.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Text that a file tells beside its arrays.
using facts = std::map<std::string, std::string>;

/// All parameters, frozen and shared ones included, in the framework's order of axes.
template <class T, ExecutionSpace Ex>
std::map<std::string, io::array> network_arrays(const nn::named_parameters<T, Ex>& all) {
  std::map<std::string, io::array> arrays;
  for (const auto& [name, p] : all) {
    io::array a = io::array::from(p.value());
    a.shape.assign(p.extents().begin(), p.extents().end());
    models::exchange_rows_and_columns(p.extents(), reinterpret_cast<T*>(a.bytes.data()));
    arrays.emplace(name, std::move(a));
  }
  return arrays;
}

/// Writes the network, aside at first. Throws io_error.
template <class T, ExecutionSpace Ex>
void save_network(const std::string& path, const nn::named_parameters<T, Ex>& all,
                  const facts& metadata) {
  io::write_safetensors(path, network_arrays(all), metadata);
}

/// Vectors and facts of a state, by name. Reading asks for what was written: anything else throws
/// io_error naming it.
class state {
 public:
  state() = default;
  explicit state(const std::string& path) : path_(path) {
    const io::safetensors_file file(path);
    facts_ = file.metadata();
    for (const std::string& name : file.names()) {
      const io::stored_array& s = file.at(name);
      io::array a;
      a.type = s.type();
      a.shape = s.shape();
      a.bytes.resize(std::size_t(s.size()) * io::size_of(s.type()));
      io::detail::visit(s.type(), [&](auto e) {
        using V = typename decltype(e)::type;
        if constexpr (std::is_arithmetic_v<V> && !std::is_same_v<V, bool>)
          s.read(reinterpret_cast<V*>(a.bytes.data()));
      });
      arrays_.emplace(name, std::move(a));
    }
  }
  void save(const std::string& path) const { io::write_safetensors(path, arrays_, facts_); }

  void tell(const std::string& name, const std::string& value) { facts_[name] = value; }
  const std::string& told(const std::string& name) const {
    const auto found = facts_.find(name);
    require<io_error>(found != facts_.end(), path_, ": expected '", name, "' of a training state, ",
                      "found none");
    return found->second;
  }

  template <TensorView V>
  void put(const std::string& name, const V& values) {
    arrays_[name] = io::array::from(values);
  }
  template <class V>
  void put(const std::string& name, const std::vector<V>& values) {
    io::array a;
    a.type = io::dtype_of<V>();
    a.shape = {index_t(values.size())};
    a.bytes.resize(values.size() * sizeof(V));
    if (!values.empty()) std::memcpy(a.bytes.data(), values.data(), a.bytes.size());
    arrays_[name] = std::move(a);
  }
  /// Fills a tensor of the size that was written.
  template <TensorView V>
  void get(const std::string& name, const V& out) const {
    using T = element_of<V>;
    const io::array& a = find(name, io::dtype_of<T>());
    require<io_error>(a.size() == index_t(out.size()), path_, ": '", name, "': expected ",
                      out.size(), " numbers, found ", a.size());
    const view<const T, 1, host_space> from(reinterpret_cast<const T*>(a.bytes.data()), out.size());
    copy(view<T, 1, space_of<V>>(out.data(), out.size()), from);
  }
  template <class V>
  std::vector<V> get(const std::string& name) const {
    const io::array& a = find(name, io::dtype_of<V>());
    return a.values<V>();
  }
  bool contains(const std::string& name) const { return arrays_.count(name) > 0; }

 private:
  const io::array& find(const std::string& name, io::dtype type) const {
    const auto found = arrays_.find(name);
    require<io_error>(found != arrays_.end(), path_, ": expected '", name,
                      "' of a training state, found none");
    require<io_error>(found->second.type == type, path_, ": '", name, "': expected ",
                      io::name_of(type), ", found ", io::name_of(found->second.type));
    return found->second;
  }
  std::string path_ = "training state";
  std::map<std::string, io::array> arrays_;
  facts facts_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
