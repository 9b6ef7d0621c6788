# SPDX-License-Identifier: Apache-2.0
#
# Builds and runs one project of tests/install, outside of the source tree: each KIND is a way to use
# the library, and tests/install/KIND/run.cmake says what happens. A way that cannot be tried here
# prints a line `cardiomm-skip: ...`, which ctest and ./dev count.
cmake_minimum_required(VERSION 3.22)
set(work "${BUILD}/install_test/${KIND}")
file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}")
set(projects "${SOURCE}/tests/install")

# run(COMMAND...): has to succeed; `output` is what it printed.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE errors WORKING_DIRECTORY "${work}")
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " text)
    message(FATAL_ERROR "${text}\n${output}\n${errors}")
  endif()
  message("${output}${errors}")
  set(output "${output}" PARENT_SCOPE)
endfunction()

# run_fails(REGEX COMMAND...): has to fail, and to say this; line breaks count as blanks.
function(run_fails regex)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output WORKING_DIRECTORY "${work}")
  string(REGEX REPLACE "[ \n]+" " " flat "${output}")
  list(JOIN ARGN " " text)
  if(result EQUAL 0)
    message(FATAL_ERROR "${text}\nsucceeds, and must not\n${output}")
  elseif(NOT flat MATCHES "${regex}")
    message(FATAL_ERROR "${text}\nexpected: ${regex}\nfound: ${output}")
  endif()
  message("refused as it should be: ${regex}")
endfunction()

# For the run.cmake of a way that has no tools here: skip("what") and then return().
function(skip what)
  message("cardiomm-skip: ${what}")
endfunction()

# What a user says who points at the Kokkos of this build. The compiler's cache serves all folders.
set(options -G "${GENERATOR}" -D "CMAKE_CXX_COMPILER=${COMPILER}" -D CMAKE_BUILD_TYPE=Release
    -D "CMAKE_CXX_FLAGS_RELEASE=-O1")
if(KOKKOS_DIR)
  list(APPEND options -D "Kokkos_DIR=${KOKKOS_DIR}")
endif()
find_program(CCACHE ccache)
if(CCACHE)
  list(APPEND options -D "CMAKE_CXX_COMPILER_LAUNCHER=${CCACHE}")
  set(ENV{CCACHE_BASEDIR} "${work}")
  set(ENV{CCACHE_NOHASHDIR} 1)
  set(ENV{CCACHE_SLOPPINESS} include_file_mtime,include_file_ctime,time_macros)
endif()

# install_to(FOLDER): headers, CMake and pkg-config files of this build, and then moved, so that nothing
# can depend on where it was installed. The path has a blank.
function(install_to folder)
  set(only --component development)
  if(KOKKOS_FETCHED)
    set(only)  # a Kokkos that is part of this build is installed too
  endif()
  run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${work}/first" ${only})
  file(RENAME "${work}/first" "${folder}")
  file(GLOB_RECURSE files "${folder}/share/*" "${folder}/lib*/*.pc")
  foreach(file IN LISTS files)
    file(READ "${file}" text)
    foreach(place "${SOURCE}/" "${BUILD}/" "${work}")
      string(FIND "${text}" "${place}" at)
      if(NOT at EQUAL -1)
        message(FATAL_ERROR "${file} names ${place}")
      endif()
    endforeach()
  endforeach()
endfunction()

# use(PROJECT OPTIONS...): configures, builds and runs a project of tests/install.
function(use project)
  run("${CMAKE_COMMAND}" -S "${projects}/${project}" -B "${work}/build" ${options} ${ARGN})
  run("${CMAKE_COMMAND}" --build "${work}/build")
  run("${work}/build/consumer")
endfunction()

include("${projects}/${KIND}/run.cmake")
