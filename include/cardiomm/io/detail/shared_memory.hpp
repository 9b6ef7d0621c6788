// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DETAIL_SHARED_MEMORY_HPP
#define CARDIOMM_IO_DETAIL_SHARED_MEMORY_HPP
/// \file
/// Memory that this process and a sandbox started afterwards share: large answers lie there.

#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "cardiomm/io/detail/packet.hpp"
#include "cardiomm/io/sandbox.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io::detail {

class shared_memory {
 public:
  static constexpr std::size_t bytes = std::size_t(32) << 20;
  shared_memory() {
    void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require<io_error>(p != MAP_FAILED, "memory for reading: ", reason(errno));
    data_ = static_cast<char*>(p);
  }
  ~shared_memory() { ::munmap(data_, bytes); }
  shared_memory(const shared_memory&) = delete;
  shared_memory& operator=(const shared_memory&) = delete;
  char* data() const { return data_; }

 private:
  char* data_;
};

/// A child that answers "r" requests (an array's number, first byte, count) by filling the shared
/// memory. The memory must exist before the child.
struct value_server {
  std::shared_ptr<const shared_memory> memory;
  std::shared_ptr<const sandbox> child;
  std::mutex one;
};

/// The values of one array, row-major, that a child unpacks.
class served_values : public byte_source {
 public:
  served_values(std::shared_ptr<value_server> server, std::string name, std::uint64_t id,
                std::uint64_t bytes)
      : server_(std::move(server)), name_(std::move(name)), id_(id), bytes_(bytes) {}
  const std::string& path() const override { return name_; }
  std::uint64_t size() const override { return bytes_; }
  void read(std::uint64_t offset, void* out, std::size_t n) const override {
    require_inside(offset, n);
    const std::lock_guard<std::mutex> lock(server_->one);
    for (std::size_t done = 0; done < n;) {
      const std::uint64_t at = offset + done;
      const std::size_t m = std::min(n - done, shared_memory::bytes);
      (void)server_->child->ask("r" + packet().put(id_).put(at).put(m).take());
      std::memcpy(static_cast<char*>(out) + done, server_->memory->data(), m);
      done += m;
    }
  }

 private:
  std::shared_ptr<value_server> server_;
  std::string name_;
  std::uint64_t id_, bytes_;
};

/// Fills the shared memory with n bytes from an offset of an array by `fill(first, last, out)`,
/// which works on whole values. In the child.
template <class Fill>
void serve_values(const shared_memory& memory, std::size_t item, std::uint64_t offset,
                  std::uint64_t n, const Fill& fill) {
  require<io_error>(n <= shared_memory::bytes, "expected at most ", shared_memory::bytes, " bytes");
  const std::uint64_t first = offset / item, last = (offset + n + item - 1) / item;
  if (offset % item == 0 && n % item == 0) return fill(first, last, memory.data());
  std::string whole(static_cast<std::size_t>(last - first) * item, '\0');
  fill(first, last, whole.data());
  std::memcpy(memory.data(), whole.data() + (offset - first * item), static_cast<std::size_t>(n));
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io::detail

#endif
