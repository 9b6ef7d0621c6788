# SPDX-License-Identifier: Apache-2.0
#
# The library is header-only; its transforms take ten seconds of compile time for each precision and
# number of axes. Our own programs, of which there are many, share one compiled copy: units that
# link `cardiomm_instances` see `extern template` instead (CARDIOMM_EXTERN_INSTANCES in the headers).
set(_units)
foreach(_space IN LISTS CARDIOMM_KOKKOS_BACKENDS)
  foreach(_real float double)
    foreach(_axes 1 2)
      set(_unit "${CMAKE_CURRENT_BINARY_DIR}/instances/plan_${_space}_${_real}_${_axes}.cpp")
      file(GENERATE OUTPUT "${_unit}" CONTENT "#include \"cardiomm/fft/plan.hpp\"

template class cardiomm::fft::plan<${_real}, ${_axes}, Kokkos::${_space}>;
")
      list(APPEND _units "${_unit}")
    endforeach()
    set(_unit "${CMAKE_CURRENT_BINARY_DIR}/instances/normal_${_space}_${_real}.cpp")
    file(GENERATE OUTPUT "${_unit}" CONTENT "#include \"cardiomm/linop/sensitivity.hpp\"

template class cardiomm::linop::sense_line_normal<${_real}, Kokkos::${_space}>;
template class cardiomm::linop::sense_line_normal<${_real}, Kokkos::${_space}, 5>;
")
    list(APPEND _units "${_unit}")
    set(_unit "${CMAKE_CURRENT_BINARY_DIR}/instances/encode_${_space}_${_real}.cpp")
    file(GENERATE OUTPUT "${_unit}" CONTENT "#include \"cardiomm/linop/sensitivity.hpp\"

template class cardiomm::linop::detail::encode_pair<${_real}, Kokkos::${_space}, 4>;
template class cardiomm::linop::detail::encode_pair<${_real}, Kokkos::${_space}, 5>;
")
    list(APPEND _units "${_unit}")
  endforeach()
endforeach()
add_library(cardiomm_instances STATIC EXCLUDE_FROM_ALL ${_units})
target_link_libraries(cardiomm_instances PUBLIC cardiomm_strict)
target_compile_definitions(cardiomm_instances INTERFACE CARDIOMM_EXTERN_INSTANCES=1)
