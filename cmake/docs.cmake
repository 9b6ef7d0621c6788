# SPDX-License-Identifier: Apache-2.0
#
# What keeps the pages true: every block of C++ is part of a compiled file, names and commands exist,
# every method has a page (docs/tools/check.py); every public name has a description
# (docs/tools/api.py). The C++ itself is in tests/docs, tests/*/docs_*.cpp and examples/.

# Not for speed: a third less time to compile.
file(GLOB _snippets CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/docs/*.cpp"
                                      "${CMAKE_CURRENT_SOURCE_DIR}/*/docs_*.cpp")
set_source_files_properties(${_snippets} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O1>")

find_package(Python3 3.9 QUIET COMPONENTS Interpreter)
if(Python3_FOUND)
  set(_command "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/docs/tools/check.py"
               "${PROJECT_SOURCE_DIR}")
  if(TARGET cardiomm_program)
    list(APPEND _command $<TARGET_FILE:cardiomm_program>)
  endif()
  add_test(NAME docs/pages COMMAND ${_command})
  add_test(NAME docs/descriptions
           COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/docs/tools/api.py")
  set_tests_properties(docs/pages docs/descriptions PROPERTIES LABELS fast TIMEOUT 300)
endif()
