// SPDX-License-Identifier: GPL-2.0
/* The symbols that the two schedulers link against. */
#include "../exports.h"
#include "exports_generated.h"

MODULE_VERSION("0.1.0");
