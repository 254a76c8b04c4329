// SPDX-License-Identifier: GPL-2.0
/* The parameter of ip_vs_rtsp, which the Rust macros cannot say yet: everybody can read it in /sys (knet::module::Parameters). */
#include <linux/module.h>
#include <linux/moduleparam.h>

static unsigned short ports[8] = { 554 };
static unsigned int ports_count = 1;
module_param_array(ports, ushort, &ports_count, 0444);
MODULE_PARM_DESC(ports, "Ports of virtual services with RTSP control connections (up to 8)");
