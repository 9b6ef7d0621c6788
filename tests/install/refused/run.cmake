# SPDX-License-Identifier: Apache-2.0
#
# What cannot work is refused, with the reason and what to do.
install_to("${work}/prefix")
set(try "${CMAKE_COMMAND}" -S "${projects}/refused" -B "${work}/build" ${options}
        -D "CMAKE_PREFIX_PATH=${work}/prefix" -D HOW=REQUIRED)
set(package "${work}/prefix/share/cmake/cardiomm")
file(STRINGS "${package}/cardiomm-config-version.cmake" version REGEX "^set\\(PACKAGE_VERSION ")
string(REGEX MATCH "([0-9]+)\\.([0-9]+)\\.([0-9]+)" version "${version}")
math(EXPR next "${CMAKE_MATCH_2} + 1")
set(same "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")

# versions: the same major and minor number, at least this patch
foreach(wanted ${CMAKE_MATCH_1}.${next} ${same}.999 9.0)
  run_fails("compatible with requested version \"${wanted}\".*version: ${version}" ${try} -D WANTED=${wanted})
endforeach()
foreach(wanted ${same} ${version} "${same}...<${CMAKE_MATCH_1}.${next}")
  run(${try} -D "WANTED=${wanted}")
endforeach()

# The installation is independent of the machine: other pointers are no reason to refuse it.
file(WRITE "${work}/arch.cmake" "cmake_minimum_required(VERSION 3.22)\nset(CMAKE_SIZEOF_VOID_P 2)\nset(PACKAGE_FIND_VERSION ${same})
set(PACKAGE_FIND_VERSION_MAJOR ${CMAKE_MATCH_1})\nset(PACKAGE_FIND_VERSION_MINOR ${CMAKE_MATCH_2})
include(\"${package}/cardiomm-config-version.cmake\")
if(PACKAGE_VERSION_UNSUITABLE OR NOT PACKAGE_VERSION_COMPATIBLE)\n  message(FATAL_ERROR refused)\nendif()\n")
run("${CMAKE_COMMAND}" -P "${work}/arch.cmake")

# components
set(try ${try} -D WANTED=${same})
run_fails("no component 'gpu' .mpi, formats." ${try} -D COMPONENTS=gpu)
file(REMOVE "${package}/cardiomm-mpi-targets.cmake")
run_fails("installed without mpi" ${try} -D COMPONENTS=mpi)

# Kokkos and other libraries that are missing; a project for which cardiomm is optional goes on
file(REMOVE_RECURSE "${work}/build")
list(FILTER try EXCLUDE REGEX "^Kokkos_DIR=")
list(REMOVE_ITEM try -D)
list(TRANSFORM try PREPEND -D REGEX "^(CMAKE_|HOW|WANTED)[A-Z_]*=")
set(no_kokkos -D CARDIOMM_KOKKOS_SOURCES=user -D CMAKE_DISABLE_FIND_PACKAGE_Kokkos=ON)
set(next_steps "needs Kokkos [0-9.]+ or newer, and none was found.*Install libkokkos-dev.*-DKokkos_ROOT=")
run_fails("Reason given by package: cardiomm ${next_steps}" ${try} ${no_kokkos})
run(${try} -D HOW= ${no_kokkos})
if(NOT output MATCHES "goes on without cardiomm")
  message(FATAL_ERROR "an optional cardiomm stopped the project:\n${output}")
endif()
run_fails("${next_steps}" "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${work}/source" -G "${GENERATOR}"
          -D "CMAKE_CXX_COMPILER=${COMPILER}" -D CARDIOMM_TESTS=OFF -D CARDIOMM_EXAMPLES=OFF ${no_kokkos})
