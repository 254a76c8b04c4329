// SPDX-License-Identifier: GPL-2.0
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "../helpers.h"

/* The least port that a process without privileges may bind to (net.ipv4.ip_unprivileged_port_start). */
u16 ipvs_helper_first_unprivileged_port(struct net *net)
{
	return READ_ONCE(net->ipv4.sysctl_ip_prot_sock);
}

/*
 * Another reference to @net, unless the last one is gone, or it is still being set up: then NULL. Should that fail, C frees it
 * whatever the count says; it is listed when nothing can fail any more.
 */
struct net *ipvs_helper_maybe_get_net(struct net *net)
{
	if (!READ_ONCE(net->list.next))
		return NULL;
	return maybe_get_net(net);
}

void ipvs_helper_put_net(struct net *net)
{
	put_net(net);
}

/* Counts a packet of IPv4 that this host makes (OutRequests). */
void ipvs_helper_count_request_v4(struct net *net)
{
	IP_INC_STATS(net, IPSTATS_MIB_OUTREQUESTS);
}

/* Counts a packet of IPv4 whose time to live is over (InHdrErrors). */
void ipvs_helper_count_expired_v4(struct net *net)
{
	IP_INC_STATS(net, IPSTATS_MIB_INHDRERRORS);
}

/* The same of IPv6; @skb has a route of IPv6, at whose device it is counted, too. */
void ipvs_helper_count_expired_v6(struct net *net, const struct sk_buff *skb)
{
	IP6_INC_STATS(net, ip6_dst_idev(skb_dst(skb)), IPSTATS_MIB_INHDRERRORS);
}
