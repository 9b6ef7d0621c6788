# SPDX-License-Identifier: Apache-2.0
use(subdirectory -D "CARDIOMM_SOURCE=${SOURCE}")
