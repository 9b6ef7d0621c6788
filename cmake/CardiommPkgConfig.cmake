# SPDX-License-Identifier: Apache-2.0
#
# cardiomm_pkg_config(NAME DESCRIPTION TARGET [REQUIRES modules...]) writes and installs NAME.pc for
# an interface target of this build.
#
# Kokkos, MPI and most formats have no .pc of their own, so their flags are read from the targets that
# the build found: a walk over the interface properties. A dependency that is listed in
# CARDIOMM_PKGCONFIG_MODULES (target=module) and known to pkg-config becomes a requirement instead.
set(CARDIOMM_PKGCONFIG_MODULES
    xsimd=xsimd xtensor=xtensor FFTW::float=fftw3f FFTW::double=fftw3 ZLIB::ZLIB=zlib PNG::PNG=libpng)

# The module of a target, if pkg-config has it; else empty.
function(_cardiomm_pc_module target out)
  set(${out} "" PARENT_SCOPE)
  foreach(pair IN LISTS CARDIOMM_PKGCONFIG_MODULES)
    string(REGEX MATCH "^(.*)=(.*)$" pair "${pair}")
    if(target STREQUAL CMAKE_MATCH_1 AND PKG_CONFIG_FOUND)
      set(module "${CMAKE_MATCH_2}")
      execute_process(COMMAND "${PKG_CONFIG_EXECUTABLE}" --exists ${module} RESULT_VARIABLE result
                      OUTPUT_QUIET ERROR_QUIET)
      if(result EQUAL 0)
        set(${out} ${module} PARENT_SCOPE)
      endif()
      return()
    endif()
  endforeach()
endfunction()

# What the linker is told about one file of a library.
function(_cardiomm_pc_library path out)
  get_filename_component(folder "${path}" DIRECTORY)
  get_filename_component(file "${path}" NAME)
  if(folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES AND file MATCHES "^lib(.+)\\.(so|a)$")
    set(${out} "-l${CMAKE_MATCH_1}" PARENT_SCOPE)
  elseif(file MATCHES "\\.so")
    set(${out} "${path};-Wl$<COMMA>-rpath$<COMMA>${folder}" PARENT_SCOPE)
  else()
    set(${out} "${path}" PARENT_SCOPE)
  endif()
endfunction()

# The file of a target that is a library, as the linker is told; else empty.
function(_cardiomm_pc_location target out)
  set(${out} "" PARENT_SCOPE)
  get_target_property(kind ${target} TYPE)
  if(kind STREQUAL "INTERFACE_LIBRARY")
    return()
  endif()
  get_target_property(imported ${target} IMPORTED)
  if(NOT imported)  # part of this build, and installed with it
    get_target_property(name ${target} OUTPUT_NAME)
    if(NOT name)
      set(name ${target})
    endif()
    set(${out} "-L\${libdir};-l${name}" PARENT_SCOPE)
    return()
  endif()
  set(names IMPORTED_LOCATION IMPORTED_LOCATION_RELEASE)
  get_target_property(configurations ${target} IMPORTED_CONFIGURATIONS)
  foreach(configuration IN LISTS configurations)
    list(APPEND names IMPORTED_LOCATION_${configuration})
  endforeach()
  foreach(name IN LISTS names)
    get_target_property(path ${target} ${name})
    if(path)
      _cardiomm_pc_library("${path}" flags)
      set(${out} "${flags}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# Sets out_cflags, out_libs and out_requires for a list of targets, files and flags.
function(_cardiomm_pc_walk out)
  set(queue ${ARGN})
  set(cflags)
  set(libs)
  set(requires)
  set(steps 0)
  while(queue AND steps LESS 500)  # a cycle of static libraries would not end
    math(EXPR steps "${steps} + 1")
    list(POP_FRONT queue item)
    while(item MATCHES "^\\$<(LINK_ONLY|BUILD_INTERFACE):(.*)>$")
      set(item "${CMAKE_MATCH_2}")
    endwhile()
    if(item MATCHES "^(cardiomm|\\$<INSTALL_INTERFACE:.*|::@.*)$" OR item STREQUAL "")
      continue()
    elseif(NOT TARGET "${item}")
      if(item MATCHES "^/")
        _cardiomm_pc_library("${item}" item)
      elseif(item MATCHES "^[A-Za-z0-9_.+]+$")
        set(item "-l${item}")
      endif()
      list(APPEND libs ${item})
      continue()
    endif()
    _cardiomm_pc_module(${item} module)
    if(module)
      list(APPEND requires ${module})
      continue()
    endif()
    get_target_property(folders ${item} INTERFACE_INCLUDE_DIRECTORIES)
    get_target_property(imported ${item} IMPORTED)
    foreach(folder IN LISTS folders)  # those of a part of this build are installed to includedir
      if(imported AND folder MATCHES "^/" AND NOT folder IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
        list(APPEND cflags "-isystem" "${folder}")
      endif()
    endforeach()
    get_target_property(options ${item} INTERFACE_COMPILE_OPTIONS)
    if(options)
      list(APPEND cflags "${options}")
    endif()
    get_target_property(definitions ${item} INTERFACE_COMPILE_DEFINITIONS)
    foreach(definition IN LISTS definitions)
      if(definition)
        list(APPEND cflags "-D${definition}")
      endif()
    endforeach()
    _cardiomm_pc_location(${item} location)
    list(APPEND libs ${location})
    get_target_property(options ${item} INTERFACE_LINK_OPTIONS)
    if(options)
      list(APPEND libs "${options}")
    endif()
    get_target_property(children ${item} INTERFACE_LINK_LIBRARIES)
    if(children)
      list(PREPEND queue ${children})
    endif()
  endwhile()
  # A library comes after all that use it: the last mention counts.
  list(REVERSE libs)
  list(REMOVE_DUPLICATES libs)
  list(REVERSE libs)
  string(REPLACE "-isystem;" "-isystem " cflags "${cflags}")
  list(REMOVE_DUPLICATES cflags)
  list(REMOVE_DUPLICATES requires)
  foreach(list cflags libs)
    # These two have no meaning outside of a target.
    string(REGEX REPLACE "\\$<(COMPILE|LINK)_LANGUAGE:[^>]*CXX[^>]*>" "1" ${list} "${${list}}")
    string(REGEX REPLACE "\\$<(COMPILE|LINK)_LANGUAGE:[^>]*>" "0" ${list} "${${list}}")
    set(${out}_${list} "${${list}}" PARENT_SCOPE)
  endforeach()
  set(${out}_requires "${requires}" PARENT_SCOPE)
endfunction()

function(cardiomm_pkg_config name description target)
  cmake_parse_arguments(arg "" "" "REQUIRES" ${ARGN})
  find_package(PkgConfig QUIET)
  get_target_property(links ${target} INTERFACE_LINK_LIBRARIES)
  _cardiomm_pc_walk(found ${links})
  get_target_property(definitions ${target} INTERFACE_COMPILE_DEFINITIONS)
  set(defines)
  foreach(definition IN LISTS definitions)
    if(definition)
      list(APPEND defines "-D${definition}")
    endif()
  endforeach()
  set(requires ${arg_REQUIRES} ${found_requires})
  list(JOIN requires ", " requires)
  file(RELATIVE_PATH up "/${CARDIOMM_PKGCONFIG_DIR}" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(flags "$<JOIN:$<FILTER:${defines};${found_cflags},EXCLUDE,^$>, >")
  set(libraries "$<JOIN:$<FILTER:${found_libs},EXCLUDE,^$>, >")
  file(GENERATE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" CONTENT
"# Needs -std=c++20 or newer. Flags of Kokkos are those of ${CARDIOMM_KOKKOS_ORIGIN}.
prefix=\${pcfiledir}/${up}
includedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}
libdir=\${prefix}/${CMAKE_INSTALL_LIBDIR}

Name: ${name}
Description: ${description}
Version: ${PROJECT_VERSION}
Requires: ${requires}
Cflags: -I\${includedir} ${flags}
Libs: ${libraries}
")
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" DESTINATION "${CARDIOMM_PKGCONFIG_DIR}"
          COMPONENT development)
endfunction()
