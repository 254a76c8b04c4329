// SPDX-License-Identifier: GPL-2.0
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/dst.h>

#include "../helpers.h"

/*
 * What every packet needs before it may leave again with another route than it came with. The socket that early demux
 * found belongs to the way in; a locally generated packet keeps its own, for accounting.
 */
static void prepare(struct sk_buff *skb)
{
	skb->ipvs_property = 1;
	skb->ignore_df = 1;
	if (skb->dev)
		skb_orphan(skb);
	skb_forward_csum(skb);
	skb_clear_tstamp(skb);
	ipvs_helper_skb_untrack(skb);
}

/* Sends @skb by the route that is attached to it, through the LOCAL_OUT hooks. */
void ipvs_helper_forward_v4(struct net *net, struct sk_buff *skb)
{
	prepare(skb);
	NF_HOOK(NFPROTO_IPV4, NF_INET_LOCAL_OUT, net, NULL, skb, NULL, skb_dst(skb)->dev, dst_output);
}

void ipvs_helper_forward_v6(struct net *net, struct sk_buff *skb)
{
	prepare(skb);
	NF_HOOK(NFPROTO_IPV6, NF_INET_LOCAL_OUT, net, NULL, skb, NULL, skb_dst(skb)->dev, dst_output);
}
