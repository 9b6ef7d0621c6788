# SPDX-License-Identifier: Apache-2.0
#
# cmake -D SOURCE=file.cpp -D PROBE=probe.cpp -D COMMANDS=compile_commands.json -P compile_fail.cmake
#
# Compiles SOURCE with the compile command of PROBE. Passes when the compiler stops and the text of
# its first error matches the regular expression of the source's line `// EXPECT: regex`, and says the
# sentence that docs/errors.md quotes.
include("${CMAKE_CURRENT_LIST_DIR}/quoted_error.cmake")
file(STRINGS "${SOURCE}" expect REGEX "^// EXPECT: ")
if(NOT expect)
  message(FATAL_ERROR "${SOURCE}: no line '// EXPECT: regex'")
endif()
list(GET expect 0 expect)
string(REGEX REPLACE "^// EXPECT: *" "" expect "${expect}")

file(READ "${COMMANDS}" commands)
string(JSON count LENGTH "${commands}")
math(EXPR last "${count} - 1")
foreach(i RANGE ${last})
  string(JSON file GET "${commands}" ${i} file)
  if(file STREQUAL PROBE)
    string(JSON command GET "${commands}" ${i} command)
    string(JSON folder GET "${commands}" ${i} directory)
    break()
  endif()
endforeach()
if(NOT command)
  message(FATAL_ERROR "${COMMANDS} has no entry for ${PROBE}")
endif()
separate_arguments(command UNIX_COMMAND "${command}")
list(FIND command "-o" at)
if(at GREATER -1)
  list(REMOVE_AT command ${at})
  list(REMOVE_AT command ${at})
endif()
list(REMOVE_ITEM command "-c" "${PROBE}")
list(FILTER command EXCLUDE REGEX "(ccache|launch\\.sh)$")
list(APPEND command -fsyntax-only "${SOURCE}")

set(ENV{LC_ALL} C)
execute_process(COMMAND ${command} WORKING_DIRECTORY "${folder}" RESULT_VARIABLE result
                ERROR_VARIABLE output OUTPUT_QUIET)
if(result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles, and must not")
endif()
string(REGEX MATCH "error: [^\n]*" first "${output}")
if(NOT first MATCHES "${expect}")
  message(FATAL_ERROR "${SOURCE}\n  expected the first error to match: ${expect}\n"
                      "  found: ${first}\n--- compiler's output\n${output}")
endif()
get_filename_component(stem "${SOURCE}" NAME_WE)
quoted_error("${CMAKE_CURRENT_LIST_DIR}/../docs/errors.md" ${stem} code line)
string(FIND "${line}" "cardiomm: " at)
if(at GREATER -1)  # other lines are the compiler's own words, which differ between them
  string(SUBSTRING "${line}" ${at} -1 sentence)
  string(FIND "${first}" "${sentence}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "docs/errors.md quotes for ${stem}: ${line}\n  found: ${first}")
  endif()
endif()
message(STATUS "${first}")
