// SPDX-License-Identifier: GPL-2.0
/*
 * What the Rust macros cannot say yet: the symbols that the scheduler modules link against, module information that
 * module! has no key for, and a parameter that everybody can read in /sys.
 */
#include <linux/moduleparam.h>

#include "exports.h"
#include "exports_generated.h"

MODULE_VERSION("0.1.0");
/* Tells this module from the one in the kernel tree, which has the same name. */
MODULE_INFO(implementation, "ipvs_rs, in Rust");

/* Set to what is in force when the module is loaded (knet::module::Parameter). */
static int conn_tab_bits = 27;
module_param(conn_tab_bits, int, 0444);
MODULE_PARM_DESC(conn_tab_bits, "A connection table has at most 2 to this power of buckets (8 to 27)");
