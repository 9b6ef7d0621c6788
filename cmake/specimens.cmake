# SPDX-License-Identifier: Apache-2.0
#
# A header that defines `struct specimen<` gets one generated unit which runs all shared property
# checks on its specimens: tests/support/specimens.hpp for operators, prox_specimens.hpp for proximal
# operators, layer_specimens.hpp for layers.
if(EXISTS "${PROJECT_SOURCE_DIR}/tests/support/specimens.hpp")
  file(GLOB_RECURSE _headers RELATIVE "${PROJECT_SOURCE_DIR}/include" CONFIGURE_DEPENDS
       "${PROJECT_SOURCE_DIR}/include/cardiomm/*.hpp")
  set(_units)
  set(_stems)
  foreach(_header IN LISTS _headers)
    # `struct specimen<...` is a specialisation; the primary template has no angle bracket.
    file(STRINGS "${PROJECT_SOURCE_DIR}/include/${_header}" _found REGEX "struct specimen<")
    if(NOT _found)
      continue()
    endif()
    get_filename_component(_stem "${_header}" NAME_WE)
    set(_support specimens)
    set(_run "CARDIOMM_RUN_SPECIMENS(${_stem})")
    if(_header MATCHES "^cardiomm/prox/")
      set(_support prox_specimens)
      set(_run "CARDIOMM_RUN_PROX_SPECIMENS(${_stem})")
      string(PREPEND _stem "prox_")
    elseif(_header MATCHES "^cardiomm/nn/")
      set(_support layer_specimens)
      set(_run "CARDIOMM_RUN_LAYER_SPECIMENS(${_stem})")
      string(PREPEND _stem "nn_")
    endif()
    set(_unit "${CMAKE_CURRENT_BINARY_DIR}/specimens/${_stem}.cpp")
    file(GENERATE OUTPUT "${_unit}" CONTENT "#include \"${_header}\"

#include \"support/${_support}.hpp\"
${_run}
")
    list(APPEND _units "${_unit}")
    list(APPEND _stems "${_stem}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                 "${PROJECT_SOURCE_DIR}/include/${_header}")
  endforeach()
  if(_units)
    add_executable(specimens ${_units})
    target_link_libraries(specimens PRIVATE cardiomm_test_main)
    cardiomm_precompile(specimens REUSE_FROM cardiomm_test_pch)
    add_dependencies(cardiomm_tests specimens)
    foreach(_stem IN LISTS _stems)
      cardiomm_add_test_entry(specimens/${_stem} fast
                              specimens "--source-file=*specimens/${_stem}.cpp" --no-version)
    endforeach()
  endif()
endif()
