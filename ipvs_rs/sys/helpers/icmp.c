// SPDX-License-Identifier: GPL-2.0
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/sock.h>

#include "../helpers.h"

/* Lets @skb begin with the packet of @protocol that is @offset bytes behind skb->data. */
bool ipvs_helper_skb_rebase(struct sk_buff *skb, unsigned int offset, __be16 protocol)
{
	unsigned int header = protocol == htons(ETH_P_IP) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (offset > skb->len || !pskb_may_pull(skb, offset + header))
		return false;
	__skb_pull(skb, offset);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, header);
	skb->protocol = protocol;
	skb->ip_summed = CHECKSUM_NONE;
	memset(skb->cb, 0, max(sizeof(struct inet_skb_parm), sizeof(struct inet6_skb_parm)));
	if (!skb->dev)
		return true;
	if (protocol == htons(ETH_P_IP))
		IPCB(skb)->iif = skb->dev->ifindex;
	else
		IP6CB(skb)->iif = skb->dev->ifindex;
	return true;
}

/* Lets the IPv6 routes of @skb, which this host has sent, take at most @mtu bytes. */
void ipvs_helper_update_pmtu_v6(struct net *net, struct sk_buff *skb, u32 mtu)
{
	ip6_update_pmtu(skb, net, htonl(mtu), 0, skb->mark, sock_net_uid(net, NULL));
}
