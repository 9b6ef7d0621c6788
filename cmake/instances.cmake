# SPDX-License-Identifier: Apache-2.0
#
# cardiomm_add_instances(NAME [TARGET...])
#
# The library is header-only; its transforms, fused encodings and convolutions take ten seconds of
# compile time for each precision and number of axes. A project of several units shares one compiled copy of them: a
# static library NAME, which links cardiomm::cardiomm, or the TARGETs given, which link it. Units
# that link NAME see `extern template` instead (CARDIOMM_EXTERN_INSTANCES in the headers).
function(cardiomm_add_instances name)
  set(_units)
  set(_sensitivity "#include \"cardiomm/linop/sensitivity.hpp\"\n")
  foreach(_space IN LISTS CARDIOMM_KOKKOS_BACKENDS)
    foreach(_real float double)
      set(_to "${CMAKE_CURRENT_BINARY_DIR}/${name}")
      set(_of "<${_real}, Kokkos::${_space}")
      foreach(_axes 1 2)
        set(_unit "${_to}/plan_${_space}_${_real}_${_axes}.cpp")
        file(GENERATE OUTPUT "${_unit}" CONTENT "#include \"cardiomm/fft/plan.hpp\"

template class cardiomm::fft::plan<${_real}, ${_axes}, Kokkos::${_space}>;
")
        list(APPEND _units "${_unit}")
      endforeach()
      set(_unit "${_to}/normal_${_space}_${_real}.cpp")
      file(GENERATE OUTPUT "${_unit}" CONTENT "${_sensitivity}
template class cardiomm::linop::sense_line_normal${_of}>;
template class cardiomm::linop::sense_line_normal${_of}, 5>;
")
      list(APPEND _units "${_unit}")
      set(_unit "${_to}/encode_${_space}_${_real}.cpp")
      file(GENERATE OUTPUT "${_unit}" CONTENT "${_sensitivity}
template class cardiomm::linop::detail::encode_pair${_of}, 4>;
template class cardiomm::linop::detail::encode_pair${_of}, 5>;
")
      list(APPEND _units "${_unit}")
      set(_unit "${_to}/conv_${_space}_${_real}.cpp")
      file(GENERATE OUTPUT "${_unit}" CONTENT "#include \"cardiomm/nn/conv_engine.hpp\"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_engine {
CARDIOMM_CONV_INSTANCES(template, ${_real}, Kokkos::${_space})
}
")
      list(APPEND _units "${_unit}")
    endforeach()
  endforeach()
  add_library(${name} STATIC EXCLUDE_FROM_ALL ${_units})
  if(ARGN)
    target_link_libraries(${name} PUBLIC ${ARGN})
  else()
    target_link_libraries(${name} PUBLIC cardiomm::cardiomm)
  endif()
  target_compile_definitions(${name} INTERFACE CARDIOMM_EXTERN_INSTANCES=1)
endfunction()
