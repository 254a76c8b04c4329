// SPDX-License-Identifier: GPL-2.0
/*
 * Ways that packets have taken through this host, and that others like them may take again: see knet/passage.rs.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/addrconf.h>
#include <net/arp.h>
#include <net/dsfield.h>
#include <net/dst.h>
#include <net/gso.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/lwtunnel.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "../helpers.h"

/* They change whenever the routing tables do, and rules, addresses and devices with them. */
static __always_inline u32 stamp_v4(const struct net *net)
{
	return rt_genid_ipv4(net);
}

static __always_inline u32 stamp_v6(const struct net *net)
{
	return (u32)atomic_read(&net->ipv6.fib6_sernum);
}

/* What routing looks at of the class of service: not the bits of congestion notification. */
static __always_inline u8 dscp(const struct sk_buff *skb, u8 family)
{
	if (family == NFPROTO_IPV4)
		return ip_hdr(skb)->tos & INET_DSCP_MASK;
	return ipv6_get_dsfield(ipv6_hdr(skb)) & INET_DSCP_MASK;
}

/* Are packets on this route just handed to its device, by a neighbour? */
static bool is_plain_route(const struct dst_entry *dst)
{
	if (dst->lwtstate || dst_xfrm(dst) || dst->error || READ_ONCE(dst->dev)->flags & IFF_LOOPBACK)
		return false;
	if (dst->ops->family == AF_INET)
		return dst->output == ip_output && dst_rtable(dst)->rt_type == RTN_UNICAST;
	return dst->output == ip6_output && !(dst_rt6_info(dst)->rt6i_flags & (RTF_LOCAL | RTF_REJECT));
}

/*
 * Fills @terms in with what packets that may follow @skb, which is of @family, have to have in common with it; @dst is the route
 * that it leaves by, and has an output device in this read-side section. False: no other packet may follow it.
 */
bool ipvs_helper_passage_terms(struct net *net, const struct sk_buff *skb, const struct dst_entry *dst, u8 family,
			       struct ipvs_passage_terms *terms)
{
	const struct net_device *in = skb->dev;

	if (!in || in->flags & IFF_LOOPBACK || netif_is_l3_slave(in) || netif_is_l3_master(in) || !is_plain_route(dst))
		return false;
	terms->until = jiffies + HZ;
	terms->mtu = dst_mtu(dst);
	terms->stamp_v4 = stamp_v4(net);
	terms->stamp_v6 = stamp_v6(net);
	terms->device = in->ifindex;
	terms->mark = skb->mark;
	terms->dscp = dscp(skb, family);
	terms->family = family;
	return true;
}

/*
 * Would a lookup give another route than @dst, or bring the packet elsewhere? The stamps tell of whatever was added to the tables.
 * IPv6 takes a route out of its tables without a new stamp, but off the entry that it was made of.
 */
static __always_inline bool is_outdated(const struct net *net, const struct dst_entry *dst,
					const struct ipvs_passage_terms *terms)
{
	const struct fib6_info *from;

	if (READ_ONCE(dst->obsolete) > 0)
		return true;
	if (dst->ops->family == AF_INET)
		return stamp_v4(net) != terms->stamp_v4 ||
		       (terms->family != NFPROTO_IPV4 && stamp_v6(net) != terms->stamp_v6);
	if (stamp_v6(net) != terms->stamp_v6 ||
	    (terms->family != NFPROTO_IPV6 && stamp_v4(net) != terms->stamp_v4))
		return true;
	from = rcu_dereference(dst_rt6_info(dst)->from);
	return !from || !rcu_access_pointer(from->fib6_node);
}

bool ipvs_helper_passage_is_over(const struct net *net, const struct dst_entry *dst,
				 const struct ipvs_passage_terms *terms)
{
	return time_after(jiffies, terms->until) || is_outdated(net, dst, terms);
}

/* Is @skb, of the family of @terms, like the packet for which they were made, and has nothing changed since? */
static __always_inline int follows(const struct net *net, const struct sk_buff *skb, const struct dst_entry *dst,
				   const struct ipvs_passage_terms *terms)
{
	u8 family = terms->family;

	if (time_after(jiffies, terms->until) || is_outdated(net, dst, terms))
		return IPVS_PASSAGE_OVER;
	if (!skb->dev || skb->dev->ifindex != terms->device || skb->mark != terms->mark ||
	    dscp(skb, family) != terms->dscp)
		return IPVS_PASSAGE_DIFFERENT;
	return IPVS_PASSAGE_OPEN;
}

int ipvs_helper_passage_follows(const struct net *net, const struct sk_buff *skb, const struct dst_entry *dst,
				const struct ipvs_passage_terms *terms)
{
	return follows(net, skb, dst, terms);
}

/*
 * Would nobody but the owner of the hooks with @priv miss the packets that pass by the points between PRE_ROUTING and
 * POST_ROUTING? At LOCAL_IN those behind the owner do not see the packets that it takes, anyway.
 */
static __always_inline bool hooks_are_of(const struct net *net, u8 family, const void *priv)
{
	struct nf_hook_entries __rcu *const *points = family == NFPROTO_IPV4 ? net->nf.hooks_ipv4 : net->nf.hooks_ipv6;
	const struct nf_hook_entries *in = rcu_dereference(points[NF_INET_LOCAL_IN]);
	const struct nf_hook_entries *forward = rcu_dereference(points[NF_INET_FORWARD]);
	const struct nf_hook_entries *out = rcu_dereference(points[NF_INET_LOCAL_OUT]);
	const struct nf_hook_entries *before;

	if (!in || in->hooks[0].priv != priv)
		return false;
	if (!forward || forward->num_hook_entries != 1 || forward->hooks[0].priv != priv)
		return false;
	if (!out || out->num_hook_entries > 2)
		return false;
	if (out->num_hook_entries == 1)
		return out->hooks[0].priv == priv;
	/*
	 * The function that puts fragments together has seen the packet already. It knows nothing but the packet: chains and tables, which
	 * share functions among points as well, are what they have as priv.
	 */
	before = rcu_dereference(points[NF_INET_PRE_ROUTING]);
	return out->hooks[1].priv == priv && !out->hooks[0].priv && before &&
	       out->hooks[0].hook == before->hooks[0].hook;
}

bool ipvs_helper_hooks_are_of(const struct net *net, u8 family, const void *priv)
{
	return hooks_are_of(net, family, priv);
}

/* Do IPsec, a bridge or others know more of the packet? */
static __always_inline bool has_extensions(const struct sk_buff *skb)
{
#ifdef CONFIG_SKB_EXTENSIONS
	return skb->active_extensions;
#else
	return false;
#endif
}

/* Has the device forwarded the packet already, so that it is shown to this host only? */
static __always_inline bool is_forwarded_by_hardware(const struct sk_buff *skb)
{
#ifdef CONFIG_NET_SWITCHDEV
	return skb->offload_fwd_mark || skb->offload_l3_fwd_mark;
#else
	return false;
#endif
}

/*
 * The same at PRE_ROUTING, for a packet that is to go straight to the device of @dst and gets @headers bytes more: none of the
 * functions in between is to see it. With an @owner, nobody else may have hooks there, either.
 */
int ipvs_helper_passage_admits(const struct net *net, const struct sk_buff *skb, const struct dst_entry *dst,
			       const struct ipvs_passage_terms *terms, unsigned int headers, const void *owner)
{
	int outcome = follows(net, skb, dst, terms);
	unsigned int mtu = terms->mtu;

	if (unlikely(outcome != IPVS_PASSAGE_OPEN))
		return outcome;
	/* IPv4 may learn of a smaller path MTU without another route. */
	if (dst->ops->family == AF_INET && unlikely(dst_rtable(dst)->rt_pmtu && dst_rtable(dst)->rt_pmtu < mtu))
		mtu = dst_rtable(dst)->rt_pmtu;
	if (owner && unlikely(!hooks_are_of(net, terms->family, owner)))
		return IPVS_PASSAGE_HOOKS;
	if (unlikely(skb->sk || has_extensions(skb) || skb_warn_if_lro(skb) || is_forwarded_by_hardware(skb)))
		return IPVS_PASSAGE_SPECIAL;
	if (unlikely(terms->family == NFPROTO_IPV4 ? IPCB(skb)->frag_max_size : IP6CB(skb)->frag_max_size))
		return IPVS_PASSAGE_SIZE;
	/* A new MTU of the device or of the path outdates routes of IPv4, but not all of IPv6. */
	if (unlikely(mtu < headers || mtu > READ_ONCE(READ_ONCE(dst->dev)->mtu)))
		return IPVS_PASSAGE_SIZE;
	if (likely(skb->len + headers <= mtu) || (skb_is_gso(skb) && skb_gso_validate_network_len(skb, mtu - headers)))
		return IPVS_PASSAGE_OPEN;
	return IPVS_PASSAGE_SIZE;
}

/* Room for the header of the link, as the stack makes it before it asks the neighbour. Frees @skb and is NULL without memory. */
static __always_inline struct sk_buff *with_headroom(struct sk_buff *skb, const struct net_device *dev)
{
	unsigned int length = LL_RESERVED_SPACE(dev);

	if (unlikely(skb_headroom(skb) < length && dev->header_ops))
		return skb_expand_head(skb, length);
	return skb;
}

/* Sends a packet of IPv4, which POST_ROUTING has passed, to its neighbour. In a read-side section. */
static __always_inline int to_neighbour_v4(struct net *net, struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct net_device *dev = skb->dev;
	struct neighbour *neigh;
	bool is_v6gw = false;

	IP_UPD_PO_STATS(net, IPSTATS_MIB_OUT, skb->len);
	skb = with_headroom(skb, dev);
	if (!skb)
		return -ENOMEM;
	neigh = ip_neigh_for_gw(dst_rtable(dst), skb, &is_v6gw);
	if (IS_ERR(neigh)) {
		kfree_skb_reason(skb, SKB_DROP_REASON_NEIGH_CREATEFAIL);
		return PTR_ERR(neigh);
	}
	return neigh_output(neigh, skb, is_v6gw);
}

/* The same of a packet of IPv6. */
static __always_inline int to_neighbour_v6(struct net *net, struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct net_device *dev = skb->dev;
	struct neighbour *neigh;

	skb = with_headroom(skb, dev);
	if (!skb)
		return -ENOMEM;
	IP6_UPD_PO_STATS(net, ip6_dst_idev(dst), IPSTATS_MIB_OUT, skb->len);
	neigh = ip_neigh_gw6(dev, rt6_nexthop(dst_rt6_info(dst), &ipv6_hdr(skb)->daddr));
	if (IS_ERR(neigh)) {
		IP6_INC_STATS(net, ip6_dst_idev(dst), IPSTATS_MIB_OUTNOROUTES);
		kfree_skb_reason(skb, SKB_DROP_REASON_NEIGH_CREATEFAIL);
		return PTR_ERR(neigh);
	}
	return neigh_output(neigh, skb, false);
}

/* What becomes of a packet that a hook at POST_ROUTING has kept, and gives back. */
static int resume_v4(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	int err;

	rcu_read_lock();
	err = to_neighbour_v4(net, skb);
	rcu_read_unlock();
	return err;
}

static int resume_v6(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	int err;

	rcu_read_lock();
	err = to_neighbour_v6(net, skb);
	rcu_read_unlock();
	return err;
}

/* Do the hooks at POST_ROUTING let @skb pass? If not, it is theirs. In a read-side section. */
static __always_inline bool passes(struct net *net, struct sk_buff *skb, struct net_device *in, u8 family,
				   int (*resume)(struct net *, struct sock *, struct sk_buff *))
{
	struct nf_hook_entries __rcu *const *points = family == NFPROTO_IPV4 ? net->nf.hooks_ipv4 : net->nf.hooks_ipv6;
	const struct nf_hook_entries *hooks = rcu_dereference(points[NF_INET_POST_ROUTING]);
	struct nf_hook_state state;

	if (!hooks)
		return true;
	nf_hook_state_init(&state, NF_INET_POST_ROUTING, family, in, skb->dev, NULL, net, resume);
	return nf_hook_slow(skb, &state, hooks, 0) == 1;
}

/*
 * Makes @skb one that leaves by @dst, which the read-side section keeps, and that connection tracking is not to look at. Returns the
 * device that it came in by.
 */
static __always_inline struct net_device *turn_round(struct sk_buff *skb, struct dst_entry *dst)
{
	struct net_device *in = skb->dev;

	skb_dst_drop(skb);
	skb_dst_set_noref(skb, dst);
	if (skb_nfct(skb)) {
		nf_reset_ct(skb);
		nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
	}
	skb->ipvs_property = 1;
	skb_forward_csum(skb);
	skb_clear_tstamp(skb);
	skb->dev = READ_ONCE(dst->dev);
	return in;
}

/*
 * Sends @skb, whose network header is that of IPv4, by @dst and through the hooks at POST_ROUTING. @is_forwarded: it would have
 * been forwarded by routing, which ranks packets by their class of service, and counts them.
 */
void ipvs_helper_passage_send_v4(struct net *net, struct sk_buff *skb, struct dst_entry *dst, bool is_forwarded)
{
	struct net_device *in = turn_round(skb, dst);

	if (is_forwarded) {
		if (READ_ONCE(net->ipv4.sysctl_ip_fwd_update_priority))
			skb->priority = rt_tos2priority(ip_hdr(skb)->tos);
		__IP_INC_STATS(net, IPSTATS_MIB_OUTFORWDATAGRAMS);
	}
	if (passes(net, skb, in, NFPROTO_IPV4, resume_v4))
		to_neighbour_v4(net, skb);
}

/* The same for IPv6, where routing does not rank packets. */
void ipvs_helper_passage_send_v6(struct net *net, struct sk_buff *skb, struct dst_entry *dst, bool is_forwarded)
{
	struct net_device *in = turn_round(skb, dst);

	if (is_forwarded)
		__IP6_INC_STATS(net, ip6_dst_idev(dst), IPSTATS_MIB_OUTFORWDATAGRAMS);
	if (passes(net, skb, in, NFPROTO_IPV6, resume_v6))
		to_neighbour_v6(net, skb);
}
