# SPDX-License-Identifier: Apache-2.0
#
# FFTW 3 in single and double precision: targets FFTW::float and FFTW::double, FFTW_VERSION.
find_path(FFTW_INCLUDE_DIR fftw3.h)
find_library(FFTW_FLOAT_LIBRARY fftw3f)
find_library(FFTW_DOUBLE_LIBRARY fftw3)
mark_as_advanced(FFTW_INCLUDE_DIR FFTW_FLOAT_LIBRARY FFTW_DOUBLE_LIBRARY)

if(FFTW_DOUBLE_LIBRARY AND NOT FFTW_VERSION)
  # The header does not name the version; the file behind the library's link does, roughly.
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(_fftw QUIET fftw3)
    set(FFTW_VERSION "${_fftw_VERSION}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(FFTW
  REQUIRED_VARS FFTW_FLOAT_LIBRARY FFTW_DOUBLE_LIBRARY FFTW_INCLUDE_DIR VERSION_VAR FFTW_VERSION)

if(FFTW_FOUND)
  foreach(precision float double)
    if(NOT TARGET FFTW::${precision})
      string(TOUPPER ${precision} upper)
      add_library(FFTW::${precision} UNKNOWN IMPORTED)
      set_target_properties(FFTW::${precision} PROPERTIES
        IMPORTED_LOCATION "${FFTW_${upper}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${FFTW_INCLUDE_DIR}")
    endif()
  endforeach()
endif()
