// SPDX-License-Identifier: Apache-2.0
// Fails when the flags and libraries of cardiomm::mpi and cardiomm::formats did not arrive.
#include <cstdio>
#include <fstream>
#include <string>

#include "cardiomm/dist/communicator.hpp"
#include "cardiomm/io/hdf5_output.hpp"

using namespace cardiomm;

int main() {
  const dist::environment processes;
  const int size = processes.world().size();
  std::printf("MPI %d, processes %d, HDF5 %d\n", int(dist::has_mpi), size, CARDIOMM_HAS_HDF5);
  std::string found = "nothing";
  try {
    io::hdf5_output out("consumer.h5");
    out.close();
    out.file().commit();
    std::ifstream in("consumer.h5", std::ios::binary);
    found.assign(8, ' ');
    in.read(found.data(), 8);
    found = found.substr(1, 3);
  } catch (const std::exception& e) {
    found = e.what();
  }
  std::printf("%s\n", found.c_str());
  // a build without HDF5 says so, and one with it writes a file with its signature
  return size == 1 && (CARDIOMM_HAS_HDF5 ? found == "HDF" : found.find("HDF5") != std::string::npos)
             ? 0
             : 1;
}
