# SPDX-License-Identifier: Apache-2.0
#
# cmake -D ROOT=source folder -P check_errors.cmake
#
# docs/errors.md and tests/compile_fail say the same: every file has its entry, whose code stands in the
# file and whose quoted line matches the file's EXPECT. That the compiler says the quoted line is what
# compile_fail.cmake tests.
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/quoted_error.cmake")

get_filename_component(ROOT "${ROOT}" ABSOLUTE)
file(GLOB files "${ROOT}/tests/compile_fail/*.cpp")
list(LENGTH files count)
if(count LESS 10)
  message(FATAL_ERROR "expected the ten commonest mistakes, found ${count} in tests/compile_fail")
endif()
foreach(file IN LISTS files)
  get_filename_component(stem "${file}" NAME_WE)
  quoted_error("${ROOT}/docs/errors.md" ${stem} code line)
  file(READ "${file}" text)
  string(REGEX MATCH "// EXPECT: ([^\n]*)" expect "${text}")
  set(expect "${CMAKE_MATCH_1}")
  if(NOT line MATCHES "^error: " OR NOT line MATCHES "${expect}")
    message(FATAL_ERROR "docs/errors.md: ${stem}: expected a line that matches: ${expect}\n  found: ${line}")
  endif()
  string(REGEX REPLACE "[ \n]+" "" have "${text}")
  string(REGEX REPLACE "[ \n]+" "" want "${code}")
  string(FIND "${have}" "${want}" at)
  if(want STREQUAL "" OR at EQUAL -1)
    message(FATAL_ERROR "docs/errors.md: ${stem}: the code is not that of ${file}")
  endif()
endforeach()
message(STATUS "${count} mistakes are in docs/errors.md as they are tested")
