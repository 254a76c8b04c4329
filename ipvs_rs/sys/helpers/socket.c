// SPDX-License-Identifier: GPL-2.0
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/kthread.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/sockptr.h>
#include <linux/udp.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <net/sock.h>

#include "../helpers.h"

/* Sets an option as setsockopt() does, from a value of the kernel. */
int ipvs_helper_socket_set(struct socket *sock, int level, int name, const void *value, unsigned int length)
{
	sockptr_t option = KERNEL_SOCKPTR((void *)value);

	if (level == SOL_SOCKET)
		return sock_setsockopt(sock, level, name, option, length);
	return READ_ONCE(sock->ops)->setsockopt(sock, level, name, option, length);
}

/* Binds @sock to the device of this index. */
int ipvs_helper_socket_bind_to_device(struct socket *sock, int index)
{
	return sock_bindtoindex(sock->sk, index, true);
}

/* Multicast datagrams leave by the device of this index. */
int ipvs_helper_socket_multicast_device(struct socket *sock, bool ipv6, int index)
{
	struct ip_mreqn request = { .imr_ifindex = index };

	if (ipv6)
		return ipvs_helper_socket_set(sock, SOL_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index));
	return ipvs_helper_socket_set(sock, SOL_IP, IP_MULTICAST_IF, &request, sizeof(request));
}

/* Joins or leaves @group, an address of 4 or 16 bytes, on the device of this index. */
int ipvs_helper_socket_membership(struct socket *sock, bool ipv6, bool join, const void *group, int index)
{
	struct ipv6_mreq request6 = { .ipv6mr_ifindex = index };
	struct ip_mreqn request = { .imr_ifindex = index };

	if (ipv6) {
		memcpy(&request6.ipv6mr_multiaddr, group, sizeof(request6.ipv6mr_multiaddr));
		return ipvs_helper_socket_set(sock, SOL_IPV6, join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP, &request6,
					      sizeof(request6));
	}
	memcpy(&request.imr_multiaddr, group, sizeof(request.imr_multiaddr));
	return ipvs_helper_socket_set(sock, SOL_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request, sizeof(request));
}

/* How many bytes of datagrams the buffer of a direction takes, as the kernel counts them. */
int ipvs_helper_socket_buffer_size(const struct socket *sock, bool output)
{
	return output ? READ_ONCE(sock->sk->sk_sndbuf) : READ_ONCE(sock->sk->sk_rcvbuf);
}

/* The length of the datagram that was received, which may be more than @size, or an error. */
int ipvs_helper_socket_receive(struct socket *sock, void *buffer, size_t size, void *source)
{
	struct kvec part = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = { .msg_name = source };

	return kernel_recvmsg(sock, &message, &part, 1, size, MSG_DONTWAIT | MSG_TRUNC);
}

/* Sends to the peer, or to @destination if that is not NULL. */
int ipvs_helper_socket_send(struct socket *sock, const void *data, size_t size, void *destination, int length)
{
	struct kvec part = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr message = { .msg_name = destination, .msg_namelen = length, .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };

	return kernel_sendmsg(sock, &message, &part, 1, size);
}

static bool is_ready(const struct sock *sk, bool output)
{
	if (READ_ONCE(sk->sk_err) || READ_ONCE(sk->sk_shutdown))
		return true;
	if (output)
		return sock_writeable(sk);
	return !skb_queue_empty_lockless(&sk->sk_receive_queue) || !skb_queue_empty_lockless(&udp_sk(sk)->reader_queue);
}

/*
 * Sleeps until @sock, which is one of UDP, has something to receive (@output: room to send), an error, or was shut down; or until
 * the current kernel thread is to stop, or the time is up. Returns whether the socket is the reason, or -ESHUTDOWN.
 */
int ipvs_helper_socket_wait(struct socket *sock, bool output, unsigned long ticks)
{
	struct sock *sk = sock->sk;

	wait_event_interruptible_timeout(sock->wq.wait, is_ready(sk, output) || kthread_should_stop(), ticks);
	if (READ_ONCE(sk->sk_shutdown))
		return -ESHUTDOWN;
	return is_ready(sk, output);
}
