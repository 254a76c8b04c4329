// SPDX-License-Identifier: GPL-2.0
#include <linux/bottom_half.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>
#include <net/inet_sock.h>
#include <net/gso.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/sock.h>

#include "../helpers.h"

/* Detaches the conntrack entry, if there is one; conntrack does not look at the packet again then. */
void ipvs_helper_skb_untrack(struct sk_buff *skb)
{
	if (!skb_nfct(skb))
		return;
	nf_reset_ct(skb);
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
}

/*
 * Computes the checksum of an IPv4 UDP datagram; @transport is the offset of the UDP header from skb->data, which is in memory
 * that nobody shares.
 */
void ipvs_helper_udp_v4_checksum(struct sk_buff *skb, int transport)
{
	struct udphdr *uh = (struct udphdr *)(skb->data + transport);
	const struct iphdr *iph = ip_hdr(skb);
	int length = skb->len - transport;
	__wsum sum;

	uh->check = 0;
	sum = skb_is_nonlinear(skb) ? skb_checksum(skb, transport, length, 0) : csum_partial(uh, length, 0);
	uh->check = csum_tcpudp_magic(iph->saddr, iph->daddr, length, IPPROTO_UDP, sum) ?: CSUM_MANGLED_0;
}

/* Zero: @skb is whole. Otherwise it was taken: kept until its other parts come, or freed. */
int ipvs_helper_ip_defrag(struct net *net, struct sk_buff *skb, u32 user)
{
	int err;

	local_bh_disable();
	err = ip_defrag(net, skb, user);
	local_bh_enable();
	return err;
}

/* Did the local sender ask (IP_NODEFRAG) that its fragments be left alone? */
bool ipvs_helper_sk_nodefrag(const struct sk_buff *skb)
{
	const struct sock *sk = skb_to_full_sk(skb);

	return sk && sk->sk_family == AF_INET && inet_test_bit(NODEFRAG, sk);
}

/* Is there an option at @at, or none at all? Adds its length to @sum. */
static bool option_fits(const u8 *header, unsigned int length, unsigned int at, unsigned int *sum)
{
	if (!at)
		return true;
	if (at + 3 > length || header[at + 1] > length - at)
		return false;
	*sum += header[at + 1];
	return true;
}

/*
 * Are the options of an IPv4 packet where IPv4 noted them, and as long as they were in all? What echoes them believes its
 * notes, and the lengths in the packet.
 */
bool ipvs_helper_options_fit(const struct sk_buff *skb)
{
	const struct ip_options *opt = &IPCB(skb)->opt;
	unsigned int length = sizeof(struct iphdr) + opt->optlen;
	const u8 *header = skb_network_header(skb);
	unsigned int sum = 0;

	if (!opt->optlen)
		return true;
	return length <= skb_headlen(skb) && option_fits(header, length, opt->rr, &sum) &&
	       option_fits(header, length, opt->ts, &sum) && option_fits(header, length, opt->srr, &sum) &&
	       option_fits(header, length, opt->cipso, &sum) && sum <= opt->optlen;
}

/*
 * Replaces @removed bytes at @start by the @length bytes at @with, and puts the length in the IP header right. Offsets are
 * those from skb->data, and lie in the packet. The new packet is not too long for its lengths. If there is no memory, the
 * packet's bytes stay as they were.
 */
static int splice(struct sk_buff *skb, unsigned int start, unsigned int removed, const void *with, unsigned int length)
{
	unsigned int behind = skb->len - start - removed;
	int more = (int)(length - removed), room, err;
	struct iphdr *iph;
	__be16 total;

	err = skb_linearize(skb);
	if (err)
		return err;
	room = more - skb_tailroom(skb);
	if (skb_cloned(skb) || room > 0) {
		err = pskb_expand_head(skb, 0, max(room, 0), GFP_ATOMIC | __GFP_NOWARN);
		if (err)
			return err;
	}
	if (more > 0)
		skb_put(skb, more);
	memmove(skb->data + start + length, skb->data + start + removed, behind);
	memcpy(skb->data + start, with, length);
	if (more < 0)
		skb_trim(skb, skb->len + more);

	if (skb->protocol == htons(ETH_P_IPV6)) {
		ipv6_hdr(skb)->payload_len = htons(skb->len - skb_network_offset(skb) - sizeof(struct ipv6hdr));
		return 0;
	}
	iph = ip_hdr(skb);
	total = htons(skb->len - skb_network_offset(skb));
	csum_replace2(&iph->check, iph->tot_len, total);
	iph->tot_len = total;
	return 0;
}

/* See splice(). The length in the UDP header at @transport follows, too; its checksum is left as it was. */
int ipvs_helper_udp_splice(struct sk_buff *skb, unsigned int transport, unsigned int start, unsigned int removed,
			   const void *with, unsigned int length)
{
	int err = splice(skb, start, removed, with, length);

	if (!err)
		((struct udphdr *)(skb->data + transport))->len = htons(skb->len - transport);
	return err;
}

/*
 * See splice(). The checksum in the TCP header at @transport is right afterwards, or is left to the device as it was before.
 * A packet that stands for several does so still, unless it is as short as one of them now.
 */
int ipvs_helper_tcp_splice(struct sk_buff *skb, unsigned int transport, unsigned int start, unsigned int removed,
			   const void *with, unsigned int length)
{
	int err = splice(skb, start, removed, with, length);
	unsigned int all = skb->len - transport, payload;
	bool partial = skb->ip_summed == CHECKSUM_PARTIAL;
	struct tcphdr *th;
	__wsum data;
	__sum16 sum;

	if (err)
		return err;
	th = (struct tcphdr *)(skb->data + transport);
	payload = all - th->doff * 4;
	if (skb_is_gso(skb) && payload <= skb_shinfo(skb)->gso_size)
		skb_gso_reset(skb);
	else if (skb_is_gso(skb))
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(payload, skb_shinfo(skb)->gso_size);
	th->check = 0;
	data = partial ? 0 : skb_checksum(skb, transport, all, 0);
	if (skb->protocol == htons(ETH_P_IPV6))
		sum = csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, all, IPPROTO_TCP, data);
	else
		sum = csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, all, IPPROTO_TCP, data);
	th->check = partial ? ~sum : sum;
	if (!partial)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	return 0;
}
