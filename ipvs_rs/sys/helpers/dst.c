// SPDX-License-Identifier: GPL-2.0
#include <net/dst.h>

#include "../helpers.h"

u32 ipvs_helper_dst_mtu(const struct dst_entry *dst)
{
	return dst_mtu(dst);
}

void ipvs_helper_dst_link_failure(struct sk_buff *skb)
{
	dst_link_failure(skb);
}
