// SPDX-License-Identifier: GPL-2.0
/* The parameters of ip_vs_ftp, which the Rust macros cannot say yet: everybody can read them in /sys (knet::module::Parameters). */
#include <linux/module.h>
#include <linux/moduleparam.h>

static unsigned short ports[8] = { 21 };
static unsigned int ports_count = 1;
module_param_array(ports, ushort, &ports_count, 0444);
MODULE_PARM_DESC(ports, "Ports of virtual services with FTP control connections (up to 8)");

static int other_hosts;
module_param(other_hosts, int, 0444);
MODULE_PARM_DESC(other_hosts, "Whether a client may name another host in PORT and EPRT (0 or 1)");
