// SPDX-License-Identifier: Apache-2.0
/// \file
/// The weights that are part of the program: the bytes of CARDIOMM_SHIPPED_WEIGHTS, put into the
/// object file by the assembler.

#include "network_weights.hpp"

#include <zlib.h>

#include "cardiomm/models/text_code.hpp"

__asm__(
    ".section .rodata\n"
    ".balign 64\n"
    ".globl cardiomm_shipped_weights\n"
    "cardiomm_shipped_weights:\n"
    ".incbin \"" CARDIOMM_SHIPPED_WEIGHTS
    "\"\n"
    ".globl cardiomm_shipped_weights_end\n"
    "cardiomm_shipped_weights_end:\n"
    ".byte 0\n"
    ".previous\n");
extern "C" const unsigned char cardiomm_shipped_weights[], cardiomm_shipped_weights_end[];

namespace program {

namespace io = cardiomm::io;

namespace {
std::size_t shipped_bytes() {
  return static_cast<std::size_t>(cardiomm_shipped_weights_end - cardiomm_shipped_weights);
}
}  // namespace

std::string network_name(const std::string& path) {
  return path.empty() ? "the weights of this program" : path;
}

io::safetensors_file open_weights(const std::string& path) {
  if (!path.empty()) return io::safetensors_file(path);
  return io::safetensors_file(std::make_shared<const io::memory_source>(
      network_name(path),
      std::string(reinterpret_cast<const char*>(cardiomm_shipped_weights), shipped_bytes())));
}

bool takes_text_codes(const io::safetensors_file& weights) {
  const auto said = weights.metadata().find("cardiomm.text");
  return said != weights.metadata().end() && said->second == cardiomm::models::text_code_name;
}

cardiomm::models::warm_start warm_start_of(const io::safetensors_file& weights) {
  const auto said = weights.metadata().find("cardiomm.warm_start");
  return said == weights.metadata().end() ? cardiomm::models::warm_start{}
                                          : cardiomm::models::warm_start_of(said->second);
}

std::string shipped_weights_identity() {
  return "shipped " +
         std::to_string(crc32(0, cardiomm_shipped_weights, static_cast<unsigned>(shipped_bytes())));
}

}  // namespace program
