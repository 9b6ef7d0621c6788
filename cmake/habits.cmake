# SPDX-License-Identifier: Apache-2.0
#
# Tests of the sources themselves, of docs/errors.md, and of the release script.
find_package(Python3 QUIET COMPONENTS Interpreter)

add_test(NAME habits/errors COMMAND "${CMAKE_COMMAND}" -D "ROOT=${PROJECT_SOURCE_DIR}"
                                    -P "${PROJECT_SOURCE_DIR}/cmake/check_errors.cmake")
set(_habits habits/errors)
if(Python3_FOUND)
  if(EXISTS "${PROJECT_SOURCE_DIR}/.git")  # the list of sources is git's
    add_test(NAME habits/sources
             COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/cmake/check_sources.py")
    list(APPEND _habits habits/sources)
  endif()
  add_test(NAME habits/news
           COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/cmake/release.py" --check)
  add_test(NAME habits/release
           COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tests/support/release_test.py")
  list(APPEND _habits habits/news habits/release)
endif()
set_tests_properties(${_habits} PROPERTIES LABELS fast TIMEOUT 300)
