// SPDX-License-Identifier: GPL-2.0
#include <net/dst.h>
#include <net/xfrm.h>

#include "../helpers.h"

u32 ipvs_helper_dst_mtu(const struct dst_entry *dst)
{
	return dst_mtu(dst);
}

/* Takes a reference, unless the last one is gone. */
bool ipvs_helper_dst_hold_safe(struct dst_entry *dst)
{
	return dst_hold_safe(dst);
}

void ipvs_helper_dst_link_failure(struct sk_buff *skb)
{
	dst_link_failure(skb);
}

/* Without CONFIG_XFRM this is inline, and gives the route back. */
struct dst_entry *ipvs_helper_xfrm_lookup(struct net *net, struct dst_entry *dst, const struct flowi *flow)
{
	return xfrm_lookup(net, dst, flow, NULL, 0);
}
