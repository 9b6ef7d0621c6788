# SPDX-License-Identifier: Apache-2.0
#
# cardiomm_find_kokkos([SOURCES user system fetch] [QUIET] [ERROR variable]) provides the target
# Kokkos::kokkos and sets
#   CARDIOMM_KOKKOS_VERSION   "5.2.2"
#   CARDIOMM_KOKKOS_BACKENDS  "OpenMP;Serial"
#   CARDIOMM_KOKKOS_ORIGIN    where it comes from, in words
# A Kokkos that is missing or too old is a fatal error; with ERROR its text goes into the variable.
# A target Kokkos::kokkos that exists is taken as it is. Else sources are tried in the order given:
#   user    what Kokkos_ROOT, Kokkos_DIR, CMAKE_PREFIX_PATH or /usr/local hold
#   system  the distribution's package
#   fetch   a pinned release by FetchContent (network)
# The file is installed too, because a user of the installed package meets the same broken packages.
#
# Debian's two packages have a broken CMake configuration, hence they are never loaded:
#   Trilinos 13.2 names the include folder /usr/lib/include, which does not exist;
#   kokkos 5.2.2 names a library that is not in the package, which stops find_package with an error.
# An imported target made from the headers and libraries themselves works for both.

set(CARDIOMM_KOKKOS_MINIMUM 3.4)
set(CARDIOMM_KOKKOS_RELEASE 4.6.01)  # the pinned release of FetchContent

# Reads version and back-ends from KokkosCore_config.h of the first folder that has it.
function(_cardiomm_kokkos_facts folders)
  foreach(folder IN LISTS folders)
    if(folder MATCHES "^\\$<BUILD_INTERFACE:(.*)>$")
      set(folder "${CMAKE_MATCH_1}")
    endif()
    if(NOT EXISTS "${folder}/KokkosCore_config.h")
      continue()
    endif()
    file(STRINGS "${folder}/KokkosCore_config.h" lines REGEX "^[ \t]*#[ \t]*define[ \t]+KOKKOS_")
    set(backends)
    foreach(line IN LISTS lines)
      if(line MATCHES "define[ \t]+KOKKOS_VERSION[ \t]+([0-9]+)")
        math(EXPR major "${CMAKE_MATCH_1} / 10000")
        math(EXPR minor "${CMAKE_MATCH_1} / 100 % 100")
        math(EXPR patch "${CMAKE_MATCH_1} % 100")
        set(version "${major}.${minor}.${patch}")
      elseif(line MATCHES "define[ \t]+KOKKOS_ENABLE_(CUDA|HIP|SYCL|OPENMP|THREADS|HPX|SERIAL)[ \t]*$")
        list(APPEND backends ${CMAKE_MATCH_1})
      endif()
    endforeach()
    string(REPLACE "OPENMP" "OpenMP" backends "${backends}")
    string(REPLACE "SERIAL" "Serial" backends "${backends}")
    string(REPLACE "THREADS" "Threads" backends "${backends}")
    string(REPLACE "CUDA" "Cuda" backends "${backends}")
    set(CARDIOMM_KOKKOS_VERSION "${version}" PARENT_SCOPE)
    set(CARDIOMM_KOKKOS_BACKENDS "${backends}" PARENT_SCOPE)
    return()
  endforeach()
endfunction()

# Facts of an existing target Kokkos::kokkos, whose include folders may sit on the targets behind it.
macro(_cardiomm_kokkos_inspect)
  set(_folders)
  foreach(_target Kokkos::kokkos Kokkos::kokkoscore kokkoscore)
    if(TARGET ${_target})
      get_target_property(_include ${_target} INTERFACE_INCLUDE_DIRECTORIES)
      if(_include)
        list(APPEND _folders ${_include})
      endif()
    endif()
  endforeach()
  if(DEFINED Kokkos_DIR)
    get_filename_component(_prefix "${Kokkos_DIR}/../../.." ABSOLUTE)
    list(APPEND _folders "${_prefix}/include" "${_prefix}/include/kokkos")
  endif()
  if(DEFINED kokkos_BINARY_DIR)
    list(APPEND _folders "${kokkos_BINARY_DIR}")
  endif()
  _cardiomm_kokkos_facts("${_folders}")
endmacro()

# The distribution's package as an imported target.
function(_cardiomm_kokkos_distribution)
  find_path(CARDIOMM_KOKKOS_SYSTEM_INCLUDE KokkosCore_config.h
            PATHS /usr/include PATH_SUFFIXES kokkos trilinos NO_DEFAULT_PATH)
  find_library(CARDIOMM_KOKKOS_SYSTEM_CORE NAMES kokkoscore trilinos_kokkoscore
               PATHS /usr/lib PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
  find_library(CARDIOMM_KOKKOS_SYSTEM_CONTAINERS NAMES kokkoscontainers trilinos_kokkoscontainers
               PATHS /usr/lib PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
  mark_as_advanced(CARDIOMM_KOKKOS_SYSTEM_INCLUDE CARDIOMM_KOKKOS_SYSTEM_CORE
                   CARDIOMM_KOKKOS_SYSTEM_CONTAINERS)
  if(NOT CARDIOMM_KOKKOS_SYSTEM_INCLUDE OR NOT CARDIOMM_KOKKOS_SYSTEM_CORE)
    return()
  endif()
  _cardiomm_kokkos_facts("${CARDIOMM_KOKKOS_SYSTEM_INCLUDE}")
  set(libraries "${CARDIOMM_KOKKOS_SYSTEM_CORE}" ${CMAKE_DL_LIBS})
  if(CARDIOMM_KOKKOS_SYSTEM_CONTAINERS)
    list(PREPEND libraries "${CARDIOMM_KOKKOS_SYSTEM_CONTAINERS}")
  endif()
  find_package(Threads REQUIRED)
  list(APPEND libraries Threads::Threads)
  if("OpenMP" IN_LIST CARDIOMM_KOKKOS_BACKENDS)
    find_package(OpenMP REQUIRED COMPONENTS CXX)
    list(APPEND libraries OpenMP::OpenMP_CXX)
  endif()
  add_library(Kokkos::kokkos INTERFACE IMPORTED GLOBAL)
  set_target_properties(Kokkos::kokkos PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${CARDIOMM_KOKKOS_SYSTEM_INCLUDE}"
    INTERFACE_LINK_LIBRARIES "${libraries}")
  set(CARDIOMM_KOKKOS_VERSION "${CARDIOMM_KOKKOS_VERSION}" PARENT_SCOPE)
  set(CARDIOMM_KOKKOS_BACKENDS "${CARDIOMM_KOKKOS_BACKENDS}" PARENT_SCOPE)
endfunction()

macro(_cardiomm_kokkos_fetch)
  include(FetchContent)
  set(Kokkos_ENABLE_SERIAL ON CACHE BOOL "")
  set(Kokkos_ENABLE_OPENMP ON CACHE BOOL "")
  set(_system)
  if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.25)
    set(_system SYSTEM)
  endif()
  FetchContent_Declare(kokkos
    GIT_REPOSITORY https://github.com/kokkos/kokkos.git
    GIT_TAG ${CARDIOMM_KOKKOS_RELEASE}
    GIT_SHALLOW TRUE
    ${_system})
  FetchContent_MakeAvailable(kokkos)
endmacro()

macro(cardiomm_find_kokkos)
  cmake_parse_arguments(_kokkos "QUIET" "ERROR" "SOURCES" ${ARGN})
  if(NOT _kokkos_SOURCES)
    set(_kokkos_SOURCES user system)
  endif()
  set(CARDIOMM_KOKKOS_ORIGIN)
  if(TARGET Kokkos::kokkos)
    set(CARDIOMM_KOKKOS_ORIGIN "the including project")
    _cardiomm_kokkos_inspect()
  endif()
  foreach(_source IN LISTS _kokkos_SOURCES)
    if(CARDIOMM_KOKKOS_ORIGIN)
      break()
    elseif(_source STREQUAL "user")
      find_package(Kokkos QUIET CONFIG PATHS /usr/local
                   NO_CMAKE_SYSTEM_PATH NO_SYSTEM_ENVIRONMENT_PATH NO_CMAKE_PACKAGE_REGISTRY
                   NO_CMAKE_SYSTEM_PACKAGE_REGISTRY)
      if(Kokkos_FOUND)
        set(CARDIOMM_KOKKOS_ORIGIN "${Kokkos_DIR}")
        _cardiomm_kokkos_inspect()
      endif()
    elseif(_source STREQUAL "system")
      _cardiomm_kokkos_distribution()
      if(TARGET Kokkos::kokkos)
        set(CARDIOMM_KOKKOS_ORIGIN "the distribution, ${CARDIOMM_KOKKOS_SYSTEM_INCLUDE}")
      else()
        find_package(Kokkos QUIET CONFIG)
        if(Kokkos_FOUND)
          set(CARDIOMM_KOKKOS_ORIGIN "${Kokkos_DIR}")
          _cardiomm_kokkos_inspect()
        endif()
      endif()
    elseif(_source STREQUAL "fetch")
      _cardiomm_kokkos_fetch()
      set(CARDIOMM_KOKKOS_ORIGIN "release ${CARDIOMM_KOKKOS_RELEASE} by FetchContent")
      _cardiomm_kokkos_inspect()
    else()
      message(FATAL_ERROR "cardiomm: unknown source of Kokkos '${_source}' (user, system, fetch)")
    endif()
  endforeach()
  set(_kokkos_problem)
  if(NOT CARDIOMM_KOKKOS_VERSION)
    set(CARDIOMM_KOKKOS_VERSION "${Kokkos_VERSION}")
  endif()
  if(NOT CARDIOMM_KOKKOS_ORIGIN)
    string(CONCAT _kokkos_problem
      "cardiomm needs Kokkos ${CARDIOMM_KOKKOS_MINIMUM} or newer, and none was found (looked at: "
      "${_kokkos_SOURCES}). "  # no semicolon: find_package would swallow it
      "(1) Install libkokkos-dev, or libtrilinos-kokkos-dev up to Debian 12, or (2) point to a "
      "Kokkos of your own by -DKokkos_ROOT=PREFIX, or (3) let it be downloaded by "
      "-DCARDIOMM_KOKKOS_SOURCES=fetch, or (4) run ./dev build in a checkout of cardiomm.")
  elseif(CARDIOMM_KOKKOS_VERSION VERSION_LESS CARDIOMM_KOKKOS_MINIMUM)
    string(CONCAT _kokkos_problem
      "cardiomm needs Kokkos ${CARDIOMM_KOKKOS_MINIMUM} or newer, and found "
      "${CARDIOMM_KOKKOS_VERSION} (${CARDIOMM_KOKKOS_ORIGIN}). "
      "Point to a newer one by -DKokkos_ROOT=PREFIX.")
  endif()
  if(_kokkos_ERROR)
    set(${_kokkos_ERROR} "${_kokkos_problem}")
  elseif(_kokkos_problem)
    message(FATAL_ERROR "${_kokkos_problem}")
  endif()
  if(NOT _kokkos_QUIET AND NOT _kokkos_problem)
    list(JOIN CARDIOMM_KOKKOS_BACKENDS " + " _backends)
    message(STATUS
      "Kokkos ${CARDIOMM_KOKKOS_VERSION} (${_backends}) from ${CARDIOMM_KOKKOS_ORIGIN}")
  endif()
endmacro()
