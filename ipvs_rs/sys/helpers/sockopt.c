// SPDX-License-Identifier: GPL-2.0
#include <linux/sockptr.h>
#include <net/sock.h>

#include "../helpers.h"

struct net *ipvs_helper_sock_net(const struct sock *sk)
{
	return sock_net(sk);
}

int ipvs_helper_copy_from_sockptr(void *to, sockptr_t from, size_t length)
{
	return copy_from_sockptr(to, from, length);
}
