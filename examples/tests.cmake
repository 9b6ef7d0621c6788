# SPDX-License-Identifier: Apache-2.0
#
# Runs the examples; what the stories print is compared with docs/examples.md.
set(_compare sh "${PROJECT_SOURCE_DIR}/examples/compare_output.sh"
    "${PROJECT_SOURCE_DIR}/docs/examples.md")
cardiomm_add_test_entry(examples/one_screen fast example_one_screen)
add_dependencies(cardiomm_tests example_one_screen)
foreach(_story first_reconstruction own_regulariser own_operator own_network realtime_cine t1_map
        inside_kokkos with_eigen with_opencv with_itk)
  if(TARGET ${_story})
    cardiomm_add_test_entry(examples/${_story} fast ${_compare} ${_story}
                            $<TARGET_FILE:${_story}>)
    add_dependencies(cardiomm_tests ${_story})
  else()
    message(STATUS "examples/${_story}: left out, its library was not found")
  endif()
endforeach()
