# SPDX-License-Identifier: Apache-2.0
#
# cmake -D PORT_DIR=... -D WORK=... -D "FEATURES=a|b" -D "OPTIONS=-G|Ninja" -P stubs.cmake
#
# Runs a portfile without vcpkg: the helpers that it calls do here what vcpkg's do as far as this port
# needs it, without toolchain, downloads and triplets. Not a proof that vcpkg builds the port; it proves that the
# portfile's calls, options and paths fit to the sources. The result is in WORK/packages.
cmake_minimum_required(VERSION 3.22)
set(PORT cardiomm)
string(REPLACE "|" ";" FEATURES "${FEATURES}")
string(REPLACE "|" ";" OPTIONS "${OPTIONS}")
set(TARGET_TRIPLET x64-linux)
set(CURRENT_PACKAGES_DIR "${WORK}/packages")
set(CURRENT_BUILDTREES_DIR "${WORK}/buildtrees")
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}" "${CURRENT_BUILDTREES_DIR}")

function(vcpkg_check_features)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUT_FEATURE_OPTIONS" "FEATURES;INVERTED_FEATURES")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_OUT_FEATURE_OPTIONS OR NOT arg_FEATURES)
    message(FATAL_ERROR "vcpkg_check_features: wrong arguments")
  endif()
  file(READ "${PORT_DIR}/vcpkg.json" manifest)
  set(result)
  while(arg_FEATURES)
    list(POP_FRONT arg_FEATURES feature variable)
    string(JSON known ERROR_VARIABLE error GET "${manifest}" features ${feature} description)
    if(error)
      message(FATAL_ERROR "vcpkg.json has no feature ${feature}")
    endif()
    if(feature IN_LIST FEATURES)
      list(APPEND result "-D${variable}=ON")
    else()
      list(APPEND result "-D${variable}=OFF")
    endif()
  endwhile()
  set(${arg_OUT_FEATURE_OPTIONS} "${result}" PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS;OPTIONS_RELEASE;OPTIONS_DEBUG")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCE_PATH)
    message(FATAL_ERROR "vcpkg_cmake_configure: wrong arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${CURRENT_BUILDTREES_DIR}"
    -D CMAKE_BUILD_TYPE=Release -D "CMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}"
    -D CMAKE_INSTALL_LIBDIR=lib
    ${arg_OPTIONS} ${OPTIONS} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
  # vcpkg warns as well of options that the sources do not know
  if(result OR output MATCHES "Manually-specified variables were not used")
    message(FATAL_ERROR "vcpkg_cmake_configure:\n${output}")
  endif()
endfunction()

function(vcpkg_cmake_install)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${CURRENT_BUILDTREES_DIR}" --target install
                  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "PACKAGE_NAME;CONFIG_PATH" "")
  set(from "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}")
  set(to "${CURRENT_PACKAGES_DIR}/share/${arg_PACKAGE_NAME}")
  if(arg_UNPARSED_ARGUMENTS OR NOT IS_DIRECTORY "${from}")
    message(FATAL_ERROR "vcpkg_cmake_config_fixup: no ${from}")
  endif()
  file(GLOB files "${from}/*")
  file(COPY ${files} DESTINATION "${to}")
  file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/cmake")
  # the folder moved one level up, and so does the prefix
  file(GLOB files "${to}/*.cmake")
  foreach(file IN LISTS files)
    file(READ "${file}" text)
    string(REPLACE "\${CMAKE_CURRENT_LIST_DIR}/../../../" "\${CMAKE_CURRENT_LIST_DIR}/../../" text "${text}")
    if(file MATCHES "-targets.cmake$")
      string(REGEX REPLACE "(get_filename_component\\(_IMPORT_PREFIX [^\n]*\n)+"
             "get_filename_component(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_DIR}/../..\" ABSOLUTE)\n"
             text "${text}")
    endif()
    file(WRITE "${file}" "${text}")
  endforeach()
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "COMMENT" "FILE_LIST")
  file(READ "${arg_FILE_LIST}" text)
  file(WRITE "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" "${text}")
endfunction()

include("${PORT_DIR}/portfile.cmake")

# What vcpkg checks after a build, as far as it concerns this port.
foreach(file share/cardiomm/copyright share/cardiomm/usage share/cardiomm/cardiomm-config.cmake
        include/cardiomm/cardiomm.hpp)
  if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/${file}")
    message(FATAL_ERROR "the port installed no ${file}")
  endif()
endforeach()
foreach(folder debug lib bin share/cmake share/doc)
  if(EXISTS "${CURRENT_PACKAGES_DIR}/${folder}")
    message(FATAL_ERROR "a header-only port installs no ${folder}")
  endif()
endforeach()
