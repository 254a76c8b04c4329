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

void ipvs_helper_nlmsg_free(struct sk_buff *skb)
{
	nlmsg_free(skb);
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
