// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_FUZZ_TARGETS_HPP
#define CARDIOMM_TESTS_FUZZ_TARGETS_HPP
/// \file
/// What the fuzzers do with bytes, one function per parser: open them as a file in memory and read
/// all values. Errors of the library are how bad bytes are refused; anything else that escapes, and
/// whatever the sanitizers see, is a finding. tests/io/fuzz_corpus.cpp replays the kept bytes.

#include <cstdint>
#include <cstdlib>

#include "cardiomm/io/cfl.hpp"
#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/image.hpp"
#include "cardiomm/io/mrd_stream.hpp"
#include "cardiomm/io/nifti.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/io/npz.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/io/scan_parameters.hpp"

namespace cardiomm_fuzz {

namespace io = cardiomm::io;

inline std::shared_ptr<const io::byte_source> source(std::string bytes) {
  return std::make_shared<io::memory_source>("fuzz", std::move(bytes));
}

/// All values with their own type, and a corner of them as complex numbers.
inline void read_all(const io::stored_array& a) {
  if (a.size() > (1 << 22)) return;  // packed bytes may become a thousand times as many
  (void)a.load();
  if (a.size() == 0) return;
  std::vector<io::stored_array::range> corner;
  for (const auto n : a.shape()) corner.push_back({n - 1, 1, 1});
  cardiomm::complex<float> last;
  a.read(corner, &last);
}

/// f(), which may throw the library's errors only.
template <class F>
void guarded(F&& f) {
  try {
    f();
  } catch (const cardiomm::error&) {
  }
}

inline void npy(const std::string& bytes) {
  guarded([&] { read_all(io::open_npy(source(bytes))); });
}

inline void npz(const std::string& bytes) {
  guarded([&] {
    const io::npz_file file(source(bytes));
    for (const auto& name : file.names())
      guarded([&] { read_all(file.at(name, std::uint64_t(1) << 26)); });
  });
}

/// Two bytes: how long the header is. Then the header and the values.
inline void cfl(const std::string& bytes) {
  if (bytes.size() < 2) return;
  const std::size_t n = static_cast<unsigned char>(bytes[0]) +
                        std::size_t(256) * static_cast<unsigned char>(bytes[1]);
  if (n > bytes.size() - 2) return;
  guarded([&] {
    read_all(io::open_cfl(*source(bytes.substr(2, n)), source(bytes.substr(2 + n))).values);
  });
}

/// One file, the same packed, and the same as a header of 348 bytes and the values of a pair.
inline void nifti(const std::string& bytes) {
  guarded([&] {
    const auto image = io::open_nifti(source(bytes));
    read_all(image.stored);
    read_all(image.values);
  });
  guarded([&] {
    const std::size_t n = std::min<std::size_t>(bytes.size(), 348);
    read_all(io::open_nifti(source(bytes.substr(0, n)), source(bytes.substr(n))).values);
  });
  std::string packed;
  io::deflater pack(
      io::packing::gzip,
      [&](const void* p, std::size_t n) { packed.append(static_cast<const char*>(p), n); }, 1);
  pack.write(bytes.data(), bytes.size());
  pack.finish();
  guarded([&] { read_all(io::open_nifti(source(packed)).values); });
}

inline void safetensors(const std::string& bytes) {
  guarded([&] {
    const io::safetensors_file file(source(bytes));
    for (const auto& name : file.names()) guarded([&] { read_all(file.at(name)); });
  });
}

/// Decoded and encoded again: the same pixels.
inline void png(const std::string& bytes) {
  guarded([&] {
    const auto p = io::read_png(*source(bytes));
    if (p.pixels.size() > (1 << 16)) return;
    const auto again = io::detail::encode_png(p);
    io::detail::for_each_chunk(again,
                               [](const std::string&, const unsigned char*, std::uint32_t) {});
    if (io::read_png(*source({again.begin(), again.end()})).pixels != p.pixels) std::abort();
  });
}

/// Read and written again: the same fields.
inline void csv(const std::string& bytes) {
  guarded([&] {
    const auto t = io::read_csv(source(bytes));
    for (std::size_t i = 0; i < t.rows.size(); ++i)
      for (const auto& name : t.columns) guarded([&] { (void)t.number(i, name); });
    guarded([&] { (void)io::to_scan_parameters(t); });
    // a name that looks like the mark of an encoding is not kept
    if (!t.columns[0].empty() && static_cast<unsigned char>(t.columns[0][0]) >= 0xef) return;
    io::csv_options comma;
    comma.separator = ',';
    const auto again = io::parse_csv(io::csv_text(t), "fuzz", comma);
    if (again.columns != t.columns || again.rows != t.rows) std::abort();
  });
}

inline void mrd_stream(const std::string& bytes) {
  guarded([&] {
    io::mrd_reader in(io::read_string(bytes));
    while (in.next()) {
    }
  });
}

}  // namespace cardiomm_fuzz

#endif
