// SPDX-License-Identifier: GPL-2.0
/*
 * What the Rust macros cannot say yet: the symbols that the scheduler modules link against, and module information
 * that module! has no key for.
 */
#include <linux/module.h>

/* The Rust functions are known by their mangled names; their types do not matter here. */
#define EXPORT_SYMBOL_RUST_GPL(name) extern int name; EXPORT_SYMBOL_GPL(name)
#include "exports_generated.h"

MODULE_VERSION("0.1.0");
/* Tells this module from the one in the kernel tree, which has the same name. */
MODULE_INFO(implementation, "ipvs_rs, in Rust");
