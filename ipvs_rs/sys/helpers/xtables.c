// SPDX-License-Identifier: GPL-2.0
/*
 * What matches of iptables ask about a packet.
 */
#include <linux/skbuff.h>
#include <net/netfilter/nf_conntrack.h>

#include "../helpers.h"

/* The direction of @skb in its entry: 0 original, 1 reply, negative without an entry. */
int ipvs_helper_ct_direction(const struct sk_buff *skb)
{
	enum ip_conntrack_info info;

	return nf_ct_get(skb, &info) ? (int)CTINFO2DIR(info) : -1;
}
