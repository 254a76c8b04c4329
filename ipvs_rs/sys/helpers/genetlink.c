// SPDX-License-Identifier: GPL-2.0
#include <net/genetlink.h>
#include <net/netlink.h>

#include "../helpers.h"

/* A message of the usual size. May sleep. */
struct sk_buff *ipvs_helper_genlmsg_new(void)
{
	return genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
}

void ipvs_helper_genlmsg_end(struct sk_buff *skb, void *header)
{
	genlmsg_end(skb, header);
}

void ipvs_helper_genlmsg_cancel(struct sk_buff *skb, void *header)
{
	genlmsg_cancel(skb, header);
}

/* The length of what follows @header. */
size_t ipvs_helper_genlmsg_length(const struct sk_buff *skb, const void *header)
{
	return skb_tail_pointer(skb) - (const unsigned char *)header;
}

/* Takes @skb in any case. */
int ipvs_helper_genlmsg_reply(struct sk_buff *skb, const struct genl_info *info)
{
	return genlmsg_unicast(genl_info_net(info), skb, info->snd_portid);
}

bool ipvs_helper_genl_has_listeners(const struct genl_family *family, struct net *net, unsigned int group)
{
	return genl_has_listeners(family, net, group);
}

/* Takes @skb in any case. Who could not be reached is told so by the socket. */
void ipvs_helper_genlmsg_multicast(const struct genl_family *family, struct net *net, struct sk_buff *skb,
				   unsigned int group)
{
	genlmsg_multicast_netns(family, net, skb, 0, group, GFP_ATOMIC);
}

void ipvs_helper_genl_set_err(const struct genl_family *family, struct net *net, unsigned int group, int error)
{
	genl_set_err(family, net, 0, group, error);
}

void ipvs_helper_nlmsg_free(struct sk_buff *skb)
{
	nlmsg_free(skb);
}

/*
 * Appends an attribute, of which the caller writes the @length bytes behind what is returned; NULL if there is no room. What
 * nla_put() does in six calls.
 */
void *ipvs_helper_nla_begin(struct sk_buff *skb, u16 kind, size_t length)
{
	struct nlattr *attribute;
	size_t total;

	if (length > U16_MAX - NLA_HDRLEN)
		return NULL;
	total = nla_total_size(length);
	if (skb_tailroom(skb) < total)
		return NULL;
	attribute = __skb_put(skb, total);
	/* The padding is at its end, and shorter than this. */
	*(u32 *)((unsigned char *)attribute + total - sizeof(u32)) = 0;
	attribute->nla_len = nla_attr_size(length);
	attribute->nla_type = kind;
	return nla_data(attribute);
}

/* The same for 8 bytes, which are aligned where the machine needs it: behind an empty attribute of kind @pad. */
void *ipvs_helper_nla_begin_64bit(struct sk_buff *skb, u16 kind, u16 pad)
{
	if (skb_tailroom(skb) < nla_total_size_64bit(sizeof(u64)) || nla_align_64bit(skb, pad))
		return NULL;
	return ipvs_helper_nla_begin(skb, kind, sizeof(u64));
}

struct nlattr *ipvs_helper_nla_nest_start_noflag(struct sk_buff *skb, int kind)
{
	return nla_nest_start_noflag(skb, kind);
}

void ipvs_helper_nla_nest_end(struct sk_buff *skb, struct nlattr *start)
{
	nla_nest_end(skb, start);
}

void ipvs_helper_nla_nest_cancel(struct sk_buff *skb, struct nlattr *start)
{
	nla_nest_cancel(skb, start);
}
