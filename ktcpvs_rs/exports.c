// SPDX-License-Identifier: GPL-2.0
/* What the Rust macros cannot say yet: the symbols that the scheduler modules link against. */
#include "../ipvs_rs/exports.h"
#include "exports_generated.h"

MODULE_VERSION("1.0.0");
