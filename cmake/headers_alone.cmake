# SPDX-License-Identifier: Apache-2.0
#
# Every public header compiles alone and may be included twice: one tiny unit per header.
file(GLOB_RECURSE _headers RELATIVE "${PROJECT_SOURCE_DIR}/include" CONFIGURE_DEPENDS
     "${PROJECT_SOURCE_DIR}/include/cardiomm/*.hpp")
set(_units)
foreach(_header IN LISTS _headers)
  if((_header MATCHES "^cardiomm/host/" AND NOT CARDIOMM_HAS_XTENSOR)
     OR (_header MATCHES "backend/fftw" AND NOT CARDIOMM_HAS_FFTW)
     OR (_header MATCHES "backend/cufft" AND NOT CARDIOMM_HAS_CUFFT)
     OR (_header MATCHES "backend/hipfft" AND NOT CARDIOMM_HAS_HIPFFT))
    continue()
  endif()
  string(REPLACE "/" "_" _unit "${_header}")
  set(_unit "${CMAKE_CURRENT_BINARY_DIR}/alone/${_unit}.cpp")
  file(GENERATE OUTPUT "${_unit}" CONTENT "#include \"${_header}\"\n#include \"${_header}\"\n")
  list(APPEND _units "${_unit}")
endforeach()
if(_units)
  add_library(headers_alone OBJECT ${_units})
  target_link_libraries(headers_alone PRIVATE cardiomm_strict)
  target_compile_options(headers_alone PRIVATE -O0 -g0)
  cardiomm_precompile(headers_alone PRIVATE <Kokkos_Core.hpp>)
endif()
