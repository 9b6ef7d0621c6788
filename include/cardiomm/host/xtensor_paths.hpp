// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_HOST_XTENSOR_PATHS_HPP
#define CARDIOMM_HOST_XTENSOR_PATHS_HPP
/// \file
/// Where xtensor's headers lie: in subfolders from version 0.26 on. Nothing here decides whether
/// xtensor uses xsimd; that is the consumer's choice and has to be the same in a whole program.

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/core/xeval.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xeval.hpp>
#include <xtensor/xtensor.hpp>
#endif

#endif
