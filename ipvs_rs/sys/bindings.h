/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bindgen reads: the kernel headers whose declarations the knet crate uses, one group for each knet module or so,
 * and our own helpers. Which of these declarations come out in Rust is decided by the file params.
 */

/* RCU, locks, per-CPU data, random numbers */
#include <linux/rcupdate.h>
#include <linux/srcu.h>
#include <linux/spinlock.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/cpumask.h>
#include <linux/random.h>

/* timers and work items */
#include <linux/jiffies.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <linux/interrupt.h>

/* kernel threads, and what they sleep on */
#include <linux/kthread.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/wait.h>

/* memory and modules */
#include <linux/slab.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/kmod.h>

/* the clock on the wall, and codes that prove an origin */
#include <linux/timekeeping.h>
#include <crypto/sha2.h>

/* packets, devices and namespaces */
#include <linux/skbuff.h>
#include <linux/netdevice.h>
#include <linux/inetdevice.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include <net/inet_sock.h>

/* IP, ICMP, routing, checksums */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/icmp.h>
#include <net/dst.h>
#include <net/flow.h>
#include <net/route.h>
#include <net/ip6_route.h>
#include <net/addrconf.h>
#include <net/checksum.h>
#include <net/gso.h>
#include <net/ip_tunnels.h>
#include <net/udp.h>
#include <net/xfrm.h>

/* sockets */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/net.h>
#include <linux/socket.h>

/* netfilter */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/netfilter/x_tables.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

/* netlink, sysctl, /proc */
#include <net/netlink.h>
#include <net/genetlink.h>
#include <linux/sysctl.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>

#include "helpers.h"

/* Macros whose value bindgen gets wrong or not at all. CONSTANT_NAME is NAME in Rust. */
const unsigned long CONSTANT_HZ = HZ;
const unsigned long CONSTANT_PAGE_SIZE = PAGE_SIZE;
const gfp_t CONSTANT_GFP_KERNEL_ACCOUNT = GFP_KERNEL_ACCOUNT;
const gfp_t CONSTANT___GFP_NOWARN = __GFP_NOWARN;
const gfp_t CONSTANT_GFP_ATOMIC = GFP_ATOMIC;
