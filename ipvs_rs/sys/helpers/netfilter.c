// SPDX-License-Identifier: GPL-2.0
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/net_namespace.h>

#include "../helpers.h"

/*
 * Sends @skb by the route that is attached to it, through the LOCAL_OUT hooks of @family, in the state that a packet must
 * have to leave by another route than it came with. The socket that early demux found belongs to the way in; a locally
 * generated packet keeps its own, for accounting.
 */
static __always_inline void forward(struct net *net, struct sk_buff *skb, u8 family)
{
	skb->ipvs_property = 1;
	skb->ignore_df = 1;
	if (skb->dev)
		skb_orphan(skb);
	skb_forward_csum(skb);
	skb_clear_tstamp(skb);
	NF_HOOK(family, NF_INET_LOCAL_OUT, net, NULL, skb, NULL, skb_dst(skb)->dev, dst_output);
}

void ipvs_helper_forward_v4(struct net *net, struct sk_buff *skb)
{
	forward(net, skb, NFPROTO_IPV4);
}

void ipvs_helper_forward_v6(struct net *net, struct sk_buff *skb)
{
	forward(net, skb, NFPROTO_IPV6);
}

/* Exported, and declared in a header of net/netfilter. */
void nf_queue_nf_hook_drop(struct net *net);

/* Drops the packets that wait for a verdict of user space, in all namespaces. */
void ipvs_helper_drop_queued_packets(void)
{
	struct net *net;

	down_read(&net_rwsem);
	for_each_net(net)
		nf_queue_nf_hook_drop(net);
	up_read(&net_rwsem);
}
