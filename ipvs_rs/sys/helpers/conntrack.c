// SPDX-License-Identifier: GPL-2.0
/*
 * Connection tracking: the entry that is attached to a packet, and the one of a connection.
 */
#include <linux/skbuff.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "../helpers.h"

/* Detaches the entry; who sees the packet next may attach another. */
void ipvs_helper_ct_reset(struct sk_buff *skb)
{
	nf_reset_ct(skb);
}

/* Has @skb an entry that was there before the packet? */
bool ipvs_helper_ct_is_confirmed(const struct sk_buff *skb)
{
	enum ip_conntrack_info info;
	const struct nf_conn *ct = nf_ct_get(skb, &info);

	return ct && nf_ct_is_confirmed(ct);
}

/* Makes the entry of @skb one that later packets find. May attach another one. */
bool ipvs_helper_ct_confirm(struct sk_buff *skb)
{
	return nf_conntrack_confirm(skb) == NF_ACCEPT;
}

/*
 * The answers to @skb, if it begins an entry, come from @addr and @port (@source) or go there. ICMP has no ports.
 */
void ipvs_helper_ct_alter_reply(struct sk_buff *skb, u8 family, bool source, const void *addr, __be16 port)
{
	struct nf_conntrack_tuple answer;
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);
	bool ports;

	if (!ct || nf_ct_is_confirmed(ct) || nf_ct_is_dying(ct) || CTINFO2DIR(info) != IP_CT_DIR_ORIGINAL ||
	    nf_ct_l3num(ct) != family)
		return;
	ports = nf_ct_protonum(ct) != IPPROTO_ICMP && nf_ct_protonum(ct) != IPPROTO_ICMPV6;
	answer = ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	if (source) {
		memcpy(&answer.src.u3, addr, sizeof(answer.src.u3));
		if (ports)
			answer.src.u.all = port;
	} else {
		memcpy(&answer.dst.u3, addr, sizeof(answer.dst.u3));
		if (ports)
			answer.dst.u.all = port;
	}
	nf_conntrack_alter_reply(ct, &answer);
}

/* Ends the entry that was begun from @source to @destination, if there is one. */
void ipvs_helper_ct_kill(struct net *net, u8 family, u8 protocol, const void *source, __be16 source_port,
			const void *destination, __be16 destination_port)
{
	struct nf_conntrack_tuple tuple = {
		.src = { .u.all = source_port, .l3num = family },
		.dst = { .u.all = destination_port, .protonum = protocol, .dir = IP_CT_DIR_ORIGINAL },
	};
	struct nf_conntrack_tuple_hash *found;
	struct nf_conn *ct;

	memcpy(&tuple.src.u3, source, sizeof(tuple.src.u3));
	memcpy(&tuple.dst.u3, destination, sizeof(tuple.dst.u3));
	found = nf_conntrack_find_get(net, &nf_ct_zone_dflt, &tuple);
	if (!found)
		return;
	ct = nf_ct_tuplehash_to_ctrack(found);
	if (NF_CT_DIRECTION(found) == IP_CT_DIR_ORIGINAL)
		nf_ct_kill(ct);
	nf_ct_put(ct);
}

/* Lets the entry that @skb began keep what is added to and taken from the payloads of its packets. */
void ipvs_helper_ct_follow_sequence(struct sk_buff *skb)
{
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);

	if (ct && !nf_ct_is_confirmed(ct) && !nf_ct_is_dying(ct) && !nfct_seqadj(ct))
		nfct_seqadj_ext_add(ct);
}

/*
 * @more bytes were added to the payload of @skb, which begins at @sequence. Is there an entry that keeps it? Then sequence
 * numbers and acknowledgements behind it are put right as packets leave.
 */
bool ipvs_helper_ct_adjust_sequence(struct sk_buff *skb, u32 sequence, s32 more)
{
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);

	return ct && nfct_seqadj(ct) && !nf_ct_seqadj_set(ct, info, htonl(sequence), more);
}

/*
 * A connection from any port of @source to @destination is related to the entry of @skb. What is expected refers to that
 * entry and to no function of ours, so it may be there longer than this module.
 */
int ipvs_helper_ct_expect(struct sk_buff *skb, u8 family, u8 protocol, const void *source, const void *destination,
			  __be16 destination_port)
{
	struct nf_conntrack_expect *expected;
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);
	int err;

	if (!ct)
		return -ENOENT;
	expected = nf_ct_expect_alloc(ct);
	if (!expected)
		return -ENOMEM;
	nf_ct_expect_init(expected, NF_CT_EXPECT_CLASS_DEFAULT, family, source, destination, protocol, NULL,
			  &destination_port);
	err = nf_ct_expect_related(expected, 0);
	nf_ct_expect_put(expected);
	return err;
}
