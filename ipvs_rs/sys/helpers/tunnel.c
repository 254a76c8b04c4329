// SPDX-License-Identifier: GPL-2.0
/*
 * A packet becomes the payload of another: outer headers are pushed before it, from the inside out.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/unaligned.h>
#include <net/dst.h>
#include <net/gre.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip_tunnels.h>
#include <net/sock.h>
#include <net/udp.h>

#include "../helpers.h"

/*
 * Makes room, in memory that nobody shares, for @headers bytes and what the link that @dst leads over needs, and keeps the
 * places of the headers that become inner ones. Segmentation that is still to be done is to be done as @gso_type says.
 */
int ipvs_helper_tunnel_begin(struct sk_buff *skb, const struct dst_entry *dst, unsigned int headers, int gso_type)
{
	int err = skb_cow_head(skb, headers + LL_RESERVED_SPACE(READ_ONCE(dst->dev)) + dst->header_len);

	if (!err)
		err = iptunnel_handle_offloads(skb, gso_type);
	if (err)
		return err;
	skb->transport_header = skb->network_header;
	skb_set_inner_mac_header(skb, skb_inner_network_offset(skb));
	return 0;
}

/* Segmentation finds an IP packet that its tunnel calls @protocol. */
void ipvs_helper_tunnel_inner_ipproto(struct sk_buff *skb, u8 protocol)
{
	skb_set_inner_ipproto(skb, protocol);
}

/* The receiver completes the inner transport checksum; of segments, segmentation tells it how. */
void ipvs_helper_tunnel_remote_checksum(struct sk_buff *skb)
{
	if (skb_is_gso(skb))
		return;
	skb->ip_summed = CHECKSUM_NONE;
	skb->encapsulation = 0;
}

/* Pushes a UDP header, from a port that is the same for all packets of one inner flow. */
void ipvs_helper_tunnel_udp(struct net *net, struct sk_buff *skb, __be16 port, bool checksum, bool ipv6,
			    const void *source, const void *destination)
{
	__be16 flow = udp_flow_src_port(net, skb, 0, 0, false);
	struct udphdr *uh = skb_push(skb, sizeof(*uh));

	skb_reset_transport_header(skb);
	uh->source = flow;
	uh->dest = port;
	uh->len = htons(skb->len);
	if (ipv6)
		udp6_set_csum(!checksum, skb, source, destination, skb->len);
	else
		udp_set_csum(!checksum, skb, get_unaligned((const __be32 *)source),
			     get_unaligned((const __be32 *)destination), skb->len);
}

/* Pushes a GRE header. */
void ipvs_helper_tunnel_gre(struct sk_buff *skb, bool checksum, __be16 protocol)
{
	IP_TUNNEL_DECLARE_FLAGS(flags) = { };

	if (checksum)
		__set_bit(IP_TUNNEL_CSUM_BIT, flags);
	gre_build_header(skb, gre_calc_hlen(flags), flags, protocol, 0, 0);
}

/*
 * Pushes @length bytes, for the network header of a packet of @protocol. What the network layer noted of the inner packet
 * is not true of this one: of IPv4 the options; of the other family everything, as it notes other things.
 */
void *ipvs_helper_tunnel_push_ip(struct sk_buff *skb, __be16 protocol, unsigned int length)
{
	void *header = skb_push(skb, length);

	skb_reset_network_header(skb);
	if (skb->protocol != protocol)
		memset(skb->cb, 0, max(sizeof(struct inet_skb_parm), sizeof(struct inet6_skb_parm)));
	else if (protocol == htons(ETH_P_IP))
		memset(&IPCB(skb)->opt, 0, sizeof(IPCB(skb)->opt));
	skb->protocol = protocol;
	return header;
}

/* Tells the socket on this host that sent @skb how large packets may be. */
void ipvs_helper_dst_update_sender_pmtu(struct sk_buff *skb, u32 mtu)
{
	struct dst_entry *dst = skb_dst(skb);
	struct sock *sk = skb->sk;

	if (sk && sk_fullsock(sk) && dst->ops->update_pmtu)
		dst->ops->update_pmtu(dst, sk, NULL, mtu, true);
}
