# SPDX-License-Identifier: Apache-2.0
#
# cuDNN 8 or newer: target CUDNN::cudnn, CUDNN_VERSION. CUDNN_ROOT may say where it is; else it is
# looked for beside the CUDA toolkit.
find_package(CUDAToolkit QUIET)
find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
find_library(CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT}/lib)
mark_as_advanced(CUDNN_INCLUDE_DIR CUDNN_LIBRARY)

if(CUDNN_INCLUDE_DIR AND EXISTS "${CUDNN_INCLUDE_DIR}/cudnn_version.h")
  set(CUDNN_VERSION "")
  foreach(_part MAJOR MINOR PATCHLEVEL)
    file(STRINGS "${CUDNN_INCLUDE_DIR}/cudnn_version.h" _line
         REGEX "^#define[ \t]+CUDNN_${_part}[ \t]+[0-9]+" LIMIT_COUNT 1)
    string(REGEX REPLACE ".*[ \t]([0-9]+).*" "\\1" _number "${_line}")
    string(APPEND CUDNN_VERSION ".${_number}")
  endforeach()
  string(SUBSTRING "${CUDNN_VERSION}" 1 -1 CUDNN_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CUDNN REQUIRED_VARS CUDNN_LIBRARY CUDNN_INCLUDE_DIR
                                  VERSION_VAR CUDNN_VERSION)

if(CUDNN_FOUND AND NOT TARGET CUDNN::cudnn)
  add_library(CUDNN::cudnn UNKNOWN IMPORTED)
  set_target_properties(CUDNN::cudnn PROPERTIES
    IMPORTED_LOCATION "${CUDNN_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${CUDNN_INCLUDE_DIR}")
endif()
