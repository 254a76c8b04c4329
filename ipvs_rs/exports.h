/* SPDX-License-Identifier: GPL-2.0 */
/* For lists of symbols that Kbuild makes. */
#ifndef IPVS_RS_EXPORTS_H
#define IPVS_RS_EXPORTS_H

#include <linux/module.h>

/* The functions are known by their (mangled) names; their types do not matter here. */
#define EXPORT_SYMBOL_RUST_GPL(name) extern int name; EXPORT_SYMBOL_GPL(name)

#endif
