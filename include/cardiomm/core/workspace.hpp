// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_WORKSPACE_HPP
#define CARDIOMM_CORE_WORKSPACE_HPP
/// \file
/// Scratch memory for operators: one arena per execution space instance and host thread, used as a
/// stack. The first apply grows it, every later one with the same sizes allocates nothing. The
/// memory is released when Kokkos is finalised.

#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>
#include <vector>

#include "cardiomm/core/tensor.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

/// Stack of scratch memory in the memory of Space. Not shared between host threads.
template <ExecutionSpace Space>
class workspace {
 public:
  static constexpr std::size_t alignment = 128;

  /// Everything taken through a frame is given back when the frame ends.
  class frame {
   public:
    explicit frame(workspace& owner) : owner_(owner), block_(owner.block_), used_(owner.used_) {}
    ~frame() {
      owner_.block_ = block_;
      owner_.used_ = used_;
    }
    frame(const frame&) = delete;
    frame& operator=(const frame&) = delete;

    /// Memory for n numbers, aligned to 128 bytes, contents undefined.
    template <class T>
    T* take(index_t n) {
      return reinterpret_cast<T*>(owner_.bump(static_cast<std::size_t>(n) * sizeof(T)));
    }
    /// A tensor of the given shape, contents undefined.
    template <class T, int R>
    view<T, R, Space> tensor(const shape<R>& s) {
      return view<T, R, Space>(take<T>(s.size()), detail::layout_of(s));
    }

   private:
    workspace& owner_;
    std::size_t block_;
    std::size_t used_;
  };

  /// The arena of an execution space instance for the calling thread.
  static workspace& of(const Space& ex) {
    registry& all = the_registry();
    const std::lock_guard<std::mutex> lock(all.guard);
    if (!all.hooked) {
      Kokkos::push_finalize_hook([] {
        registry& r = the_registry();
        const std::lock_guard<std::mutex> l(r.guard);
        r.arenas.clear();
        r.hooked = false;
      });
      all.hooked = true;
    }
    auto& slot = all.arenas[{compat::instance_id(ex), std::this_thread::get_id()}];
    if (!slot) slot = std::make_unique<workspace>();
    return *slot;
  }

  /// Bytes held at present.
  std::size_t capacity() const {
    std::size_t n = 0;
    for (const auto& b : blocks_) n += b.extent(0);
    return n;
  }

 private:
  using block = Kokkos::View<char*, typename Space::memory_space>;
  struct registry {
    std::mutex guard;
    std::map<std::tuple<std::uint32_t, std::thread::id>, std::unique_ptr<workspace>> arenas;
    bool hooked = false;
  };
  static registry& the_registry() {
    static registry r;
    return r;
  }

  char* bump(std::size_t bytes) {
    bytes = (bytes + alignment - 1) / alignment * alignment + alignment;
    while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].extent(0)) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size()) {
      blocks_.emplace_back(Kokkos::view_alloc(Kokkos::WithoutInitializing, "cardiomm::workspace"),
                           bytes);
      if constexpr (std::is_same_v<typename Space::memory_space, Kokkos::HostSpace>)
        detail::prefer_large_pages(blocks_.back().data(), bytes);
    }
    char* p = blocks_[block_].data() + used_;
    used_ += bytes;
    const auto over = reinterpret_cast<std::uintptr_t>(p) % alignment;
    return over ? p + (alignment - over) : p;
  }

  std::vector<block> blocks_;
  std::size_t block_ = 0;
  std::size_t used_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
