// SPDX-License-Identifier: GPL-2.0
#include <linux/icmpv6.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/ip6_checksum.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>

#include "../helpers.h"

/* Is there an IPv6 stack, or was it disabled when the machine booted? */
bool ipvs_helper_ipv6_mod_enabled(void)
{
	return ipv6_mod_enabled();
}

/* What the check() operation of an IPv6 route has to be told for it to be valid. */
u32 ipvs_helper_rt6_cookie(const struct dst_entry *dst)
{
	return rt6_get_cookie(dst_rt6_info(dst));
}

/*
 * Answers @skb with an ICMPv6 error. A packet that this host made has no device yet, but the error needs one for its
 * namespace.
 */
void ipvs_helper_icmp6_error(struct net *net, struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	if (!skb->dev)
		skb->dev = net->loopback_dev;
	icmpv6_send(skb, type, code, info);
}

/* udp_v4_checksum() for IPv6. */
void ipvs_helper_udp_v6_checksum(struct sk_buff *skb, int transport)
{
	struct udphdr *uh = (struct udphdr *)(skb->data + transport);
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	int length = skb->len - transport;

	uh->check = 0;
	uh->check = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, length, IPPROTO_UDP,
				    skb_checksum(skb, transport, length, 0)) ?: CSUM_MANGLED_0;
}
