// SPDX-License-Identifier: GPL-2.0
/*
 * The layout of every structure whose fields Rust reads, as gcc sees it. knet::layout holds the same list as Rust sees
 * it, in the same order.
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/stddef.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <linux/netfilter.h>
#include <net/dst.h>
#include <net/flow.h>
#include <net/ip.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/route.h>

#include "helpers.h"

#define SIZE(type) { #type, sizeof(struct type) }
#define FIELD(type, field) { #type "." #field, offsetof(struct type, field) }

const struct ipvs_layout ipvs_helper_layout[] = {
	SIZE(sk_buff),
	FIELD(sk_buff, dev),
	FIELD(sk_buff, sk),
	FIELD(sk_buff, cb),
	FIELD(sk_buff, _skb_refdst),
	FIELD(sk_buff, len),
	FIELD(sk_buff, data_len),
	FIELD(sk_buff, headers),
	FIELD(sk_buff, end),
	FIELD(sk_buff, head),
	FIELD(sk_buff, data),
	SIZE(skb_shared_info),
	FIELD(skb_shared_info, gso_size),
	SIZE(net_device),
	FIELD(net_device, flags),
	SIZE(net),
	FIELD(net, gen),
	SIZE(net_generic),
	SIZE(pernet_operations),
	FIELD(pernet_operations, init),
	FIELD(pernet_operations, exit),
	FIELD(pernet_operations, id),
	FIELD(pernet_operations, size),
	SIZE(nf_hook_state),
	FIELD(nf_hook_state, hook),
	FIELD(nf_hook_state, pf),
	FIELD(nf_hook_state, in),
	FIELD(nf_hook_state, out),
	FIELD(nf_hook_state, net),
	SIZE(nf_hook_ops),
	FIELD(nf_hook_ops, hook),
	FIELD(nf_hook_ops, priv),
	FIELD(nf_hook_ops, pf),
	FIELD(nf_hook_ops, hooknum),
	FIELD(nf_hook_ops, priority),
	SIZE(dst_entry),
	FIELD(dst_entry, dev),
	FIELD(dst_entry, ops),
	FIELD(dst_entry, obsolete),
	SIZE(dst_ops),
	FIELD(dst_ops, check),
	SIZE(rtable),
	FIELD(rtable, dst),
	FIELD(rtable, rt_flags),
	SIZE(flowi4),
	FIELD(flowi4, __fl_common),
	FIELD(flowi4, saddr),
	FIELD(flowi4, daddr),
	SIZE(timer_list),
	FIELD(timer_list, expires),
	SIZE(work_struct),
	SIZE(delayed_work),
};

const size_t ipvs_helper_layout_length = ARRAY_SIZE(ipvs_helper_layout);

/* Bit fields have no offset that C could tell: Rust reads these values back. */
void ipvs_helper_layout_sample(struct sk_buff *skb)
{
	skb->pkt_type = PACKET_OTHERHOST;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->slow_gro = 1;
	skb->ipvs_property = 1;
	skb->cloned = 1;
}
