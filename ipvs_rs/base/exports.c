// SPDX-License-Identifier: GPL-2.0
/* What the Rust macros cannot say yet: the symbols that balancers and schedulers link against. */
#include "../exports.h"
#include "exports_generated.h"

MODULE_VERSION("0.1.0");
