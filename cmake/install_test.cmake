# SPDX-License-Identifier: Apache-2.0
#
# Builds and runs one project of tests/install against this source tree.
#   package       install to a folder, find_package
#   subdirectory  add_subdirectory
#   fetchcontent  FetchContent of an archive of the library's files, so without any network
set(work "${BUILD}/install_test/${KIND}")
file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output WORKING_DIRECTORY "${work}")
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " text)
    message(FATAL_ERROR "${text}\n${output}")
  endif()
  message("${output}")
endfunction()

# The Kokkos of this build, found the way a user would point at it.
set(options -G "${GENERATOR}" -D "CMAKE_CXX_COMPILER=${COMPILER}" -D CMAKE_BUILD_TYPE=Release)
if(KOKKOS_DIR)
  list(APPEND options -D "Kokkos_DIR=${KOKKOS_DIR}")
endif()

if(KIND STREQUAL "package")
  run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${work}/prefix")
  list(APPEND options -D "CMAKE_PREFIX_PATH=${work}/prefix")
elseif(KIND STREQUAL "subdirectory")
  list(APPEND options -D "CARDIOMM_SOURCE=${SOURCE}")
else()
  execute_process(COMMAND "${CMAKE_COMMAND}" -E tar cf "${work}/cardiomm.tar"
                          include cmake CMakeLists.txt LICENSE
                  WORKING_DIRECTORY "${SOURCE}" COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND options -D "CARDIOMM_ARCHIVE=${work}/cardiomm.tar")
endif()
run("${CMAKE_COMMAND}" -S "${SOURCE}/tests/install/${KIND}" -B "${work}/build" ${options})
run("${CMAKE_COMMAND}" --build "${work}/build")
run("${work}/build/consumer")
