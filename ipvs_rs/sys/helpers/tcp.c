// SPDX-License-Identifier: GPL-2.0
#include <linux/bvec.h>
#include <linux/fcntl.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/inet_connection_sock.h>
#include <net/ip.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "../helpers.h"

/* A socket's bytes that were not sent yet are bounded by this, besides its send buffer. */
#define UNSENT_MAX (128 * 1024)

struct sock *ipvs_helper_socket_sk(struct socket *sock)
{
	return sock->sk;
}

struct net *ipvs_helper_socket_net(const struct socket *sock)
{
	return sock_net(sock->sk);
}

/*
 * What a socket needs that is used in bottom halves: it does not sleep for memory, and has no page of the current task. May
 * sleep.
 */
static int prepare(struct socket *sock)
{
	int unsent = UNSENT_MAX;

	lock_sock(sock->sk);
	sock->sk->sk_allocation = GFP_ATOMIC;
	sock->sk->sk_use_task_frag = false;
	release_sock(sock->sk);
	tcp_sock_set_nodelay(sock->sk);
	return ipvs_helper_socket_set(sock, SOL_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

/* From now on @sock keeps its namespace, unless that has begun to end. The caller is in a call that keeps the structure of it. */
static int keep_namespace(struct socket *sock)
{
	struct net *net = maybe_get_net(sock_net(sock->sk));

	if (!net)
		return -ESHUTDOWN;
	sk_net_refcnt_upgrade(sock->sk);
	put_net(net);
	return 0;
}

/* Prepares a socket that is to listen on an address that this host may not have yet. */
int ipvs_helper_tcp_prepare_listener(struct socket *sock, bool ipv6, int defer_seconds)
{
	int one = 1, err = 0;

	sock_set_reuseaddr(sock->sk);
	ip_sock_set_freebind(sock->sk);
	if (ipv6)
		err = ipvs_helper_socket_set(sock, SOL_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (!err && defer_seconds)
		err = ipvs_helper_socket_set(sock, SOL_TCP, TCP_DEFER_ACCEPT, &defer_seconds, sizeof(defer_seconds));
	return err;
}

/*
 * Lets a socket listen. Connections inherit what it has for @quick_ack: without, the ACK of a connection's first bytes goes with
 * the answer to them, or is sent 40 ms later.
 */
int ipvs_helper_tcp_listen(struct socket *sock, int backlog, bool quick_ack)
{
	int err = kernel_listen(sock, backlog);

	/* To listen resets it. */
	if (!err && !quick_ack)
		tcp_sock_set_quickack(sock->sk, 0);
	return err;
}

/*
 * Takes a connection from @listener, whose namespace is there during the call. @ready is what the socket does with data until
 * somebody owns it: it has inherited the callback of the listener. Does not wait for a connection (-EAGAIN).
 */
int ipvs_helper_tcp_accept(struct socket *listener, void (*ready)(struct sock *sk), struct socket **accepted)
{
	struct socket *sock;
	int err = kernel_accept(listener, &sock, O_NONBLOCK);

	if (err)
		return err;
	WRITE_ONCE(sock->sk->sk_data_ready, ready);
	err = keep_namespace(sock) ?: prepare(sock);
	if (err) {
		sock_release(sock);
		return err;
	}
	*accepted = sock;
	return 0;
}

/* A socket in @net, which it keeps. */
int ipvs_helper_tcp_create(struct net *net, int family, struct socket **created)
{
	struct socket *sock;
	int err = sock_create_kern(net, family, SOCK_STREAM, IPPROTO_TCP, &sock);

	if (err)
		return err;
	err = keep_namespace(sock) ?: prepare(sock);
	if (err) {
		sock_release(sock);
		return err;
	}
	/* The ACK that ends the handshake goes with the first bytes that are sent, or in hurry(). */
	tcp_sock_set_quickack(sock->sk, 0);
	*created = sock;
	return 0;
}

/* Begins to connect, and does not wait for the outcome. */
int ipvs_helper_tcp_connect(struct socket *sock, void *address, int length)
{
	int err = kernel_connect(sock, address, length, O_NONBLOCK);

	if (err && err != -EINPROGRESS)
		return err;
	/* Nobody calls connect() once more, which would say so. */
	lock_sock(sock->sk);
	sock->state = SS_CONNECTED;
	release_sock(sock->sk);
	return 0;
}

static void swap_callbacks(struct sock *sk, struct tcp_callbacks *callbacks)
{
	swap(sk->sk_data_ready, callbacks->ready);
	if (!callbacks->room)
		return;
	swap(sk->sk_write_space, callbacks->room);
	swap(sk->sk_state_change, callbacks->changed);
	swap(sk->sk_error_report, callbacks->failed);
}

/*
 * Makes @owner, which is not NULL, the owner of the socket, and exchanges its callbacks for @callbacks; only the first one if
 * there is no second. Fails if somebody else owns it, such as a socket map. Children of a listener do not inherit the owner. May
 * sleep.
 */
int ipvs_helper_tcp_attach(struct socket *sock, void *owner, struct tcp_callbacks *callbacks)
{
	struct sock *sk = sock->sk;
	int err = -EBUSY;

	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	if (!sk->sk_user_data) {
		__rcu_assign_sk_user_data_with_flags(sk, owner, SK_USER_DATA_NOCOPY);
		swap_callbacks(sk, callbacks);
		err = 0;
	}
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
	return err;
}

/* Takes back what attach() has done. Calls that have found the owner before may still run for a grace period. May sleep. */
void ipvs_helper_tcp_detach(struct socket *sock, struct tcp_callbacks *callbacks)
{
	struct sock *sk = sock->sk;

	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_sk_user_data(sk, NULL);
	swap_callbacks(sk, callbacks);
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
}

/*
 * The owner of a socket, or NULL. In a read-side section. A socket map can own a connection that was not accepted yet, and so has
 * the callback of our listener. What it keeps in sk_user_data has a flag besides.
 */
void *ipvs_helper_tcp_owner(struct sock *sk)
{
	uintptr_t owner = (uintptr_t)rcu_dereference(__sk_user_data(sk));

	return (owner & ~SK_USER_DATA_PTRMASK) == SK_USER_DATA_NOCOPY ? (void *)(owner & SK_USER_DATA_PTRMASK) : NULL;
}

/* The same if somebody waits for room to send, and there is some now. */
void *ipvs_helper_tcp_owner_of_room(struct sock *sk)
{
	if (!sk->sk_socket || !__sk_stream_is_writeable(sk, 1) || !test_and_clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
		return NULL;
	return ipvs_helper_tcp_owner(sk);
}

/* The same if the connection was made, or has ended in a direction. */
void *ipvs_helper_tcp_owner_of_change(struct sock *sk)
{
	if (!(1 << sk->sk_state & (TCPF_ESTABLISHED | TCPF_CLOSE | TCPF_CLOSE_WAIT)))
		return NULL;
	return ipvs_helper_tcp_owner(sk);
}

/*
 * Locks one or two sockets in a bottom half. Fails if a process has one of them. The order is that of their addresses, whoever
 * calls.
 */
bool ipvs_helper_tcp_lock(struct sock *one, struct sock *other)
{
	struct sock *first = other && other < one ? other : one;
	struct sock *second = first == one ? other : one;

	bh_lock_sock(first);
	if (second)
		bh_lock_sock_nested(second);
	if (!sock_owned_by_user(first) && !(second && sock_owned_by_user(second)))
		return true;
	ipvs_helper_tcp_unlock(one, other);
	return false;
}

void ipvs_helper_tcp_unlock(struct sock *one, struct sock *other)
{
	if (other)
		bh_unlock_sock(other);
	bh_unlock_sock(one);
}

/* Whether the peer has said FIN. A reset shuts down, too, but is not an end as a FIN is one. */
static bool has_fin(const struct sock *sk)
{
	return sk->sk_shutdown & RCV_SHUTDOWN && !sk->sk_err;
}

/* What is so about the bytes that a socket receives. */
static __always_inline unsigned int incoming(struct sock *sk)
{
	unsigned int facts = has_fin(sk) ? TCP_FACT_FIN : 0;

	if (tcp_inq(sk) > 0)
		facts |= TCP_FACT_BYTES;
	else if (facts)
		facts |= TCP_FACT_END;
	return facts;
}

/*
 * What is so about a locked socket: TCP_FACT_*. A byte of urgent data is one like others from here on; to read would stop before
 * it for ever.
 */
unsigned int ipvs_helper_tcp_facts(struct sock *sk)
{
	unsigned int facts;

	tcp_sk(sk)->urg_data = 0;
	facts = incoming(sk);
	if (sk_stream_is_writeable(sk))
		facts |= TCP_FACT_ROOM;
	if (sk->sk_err)
		facts |= TCP_FACT_BROKEN;
	if (sk->sk_state == TCP_CLOSE)
		facts |= TCP_FACT_CLOSED;
	if (1 << sk->sk_state & ~(TCPF_SYN_SENT | TCPF_SYN_RECV | TCPF_CLOSE))
		facts |= TCP_FACT_CONNECTED;
	return facts;
}

/* Copies bytes from the front of the receive queue, and leaves them there. Returns their number. */
size_t ipvs_helper_tcp_peek(const struct sock *sk, void *buffer, size_t size)
{
	u32 seq = tcp_sk(sk)->copied_seq;
	struct sk_buff *skb;
	size_t copied = 0;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		u32 offset = seq - TCP_SKB_CB(skb)->seq;
		size_t length;

		if (offset >= skb->len)
			continue;
		length = min_t(size_t, skb->len - offset, size - copied);
		if (!length || skb_copy_bits(skb, offset, buffer + copied, length))
			break;
		copied += length;
		seq += length;
	}
	return copied;
}

/* Sends a message of pages. Without MSG_NOSIGNAL whoever happens to run here would get the signal of a broken pipe. */
static int send_parts(struct sock *sk, struct bio_vec *parts, int count, size_t length, int flags)
{
	struct msghdr message = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_SPLICE_PAGES | flags };

	iov_iter_bvec(&message.msg_iter, ITER_SOURCE, parts, count, length);
	return tcp_sendmsg_locked(sk, &message, length);
}

/*
 * Sends some of @skb, without waiting: its pages by reference, what lies before them, or all if it is short, as a copy in a
 * fragment of this CPU's, so that no socket gets pages of its own to send from. Returns the number of bytes, or an error.
 */
static int send_skb(struct sock *sk, struct sk_buff *skb, unsigned int offset, size_t length, size_t copy_max, int flags)
{
	struct bio_vec parts[MAX_SKB_FRAGS + 1];
	size_t copied = 0, total = 0;
	void *copy = NULL;
	int count = 0, i, sent;

	if (skb_has_frag_list(skb))
		return skb_send_sock_locked_with_flags(sk, skb, offset, length, MSG_DONTWAIT | MSG_NOSIGNAL | flags);
	if (!skb_frags_readable(skb))
		return -EFAULT;
	if (length <= copy_max)
		copied = length;
	else if (offset < skb_headlen(skb))
		copied = min_t(size_t, length, skb_headlen(skb) - offset);
	if (copied > PAGE_SIZE || (copied && copied < length && copy_max >= PAGE_SIZE))
		/* The rest is asked for again. */
		copied = length = min_t(size_t, copied, PAGE_SIZE);
	if (copied) {
		copy = netdev_alloc_frag(copied);
		if (!copy)
			return -EAGAIN;
		if (skb_copy_bits(skb, offset, copy, copied)) {
			page_frag_free(copy);
			return -EFAULT;
		}
		bvec_set_virt(&parts[count++], copy, copied);
		total = copied;
	}
	offset += copied;
	offset = offset > skb_headlen(skb) ? offset - skb_headlen(skb) : 0;
	for (i = 0; i < skb_shinfo(skb)->nr_frags && total < length; i++) {
		skb_frag_t *frag = &skb_shinfo(skb)->frags[i];
		size_t size = skb_frag_size(frag);

		if (offset >= size) {
			offset -= size;
			continue;
		}
		size = min_t(size_t, size - offset, length - total);
		bvec_set_page(&parts[count++], skb_frag_page(frag), size, skb_frag_off(frag) + offset);
		total += size;
		offset = 0;
	}
	sent = send_parts(sk, parts, count, total, flags);
	if (copy)
		page_frag_free(copy);
	return sent;
}

struct movement {
	struct sock *from, *to;
	size_t copy_max;
	/* Behind the last bytes that there are the caller says FIN, which so goes in one segment with them. */
	bool fin;
	int error;
};

static int pass_on(read_descriptor_t *desc, struct sk_buff *skb, unsigned int offset, size_t length)
{
	struct movement *movement = desc->arg.data;
	bool last = skb == skb_peek_tail(&movement->from->sk_receive_queue);
	bool more = (!last || movement->fin) && desc->count > length;
	int sent;

	length = min(length, desc->count);
	if (!length)
		return 0;
	sent = send_skb(movement->to, skb, offset, length, movement->copy_max, more ? MSG_MORE : 0);
	if (sent <= 0) {
		movement->error = sent;
		return 0;
	}
	desc->count -= sent;
	return sent;
}

/*
 * Moves at most @limit bytes from one locked socket to another. Segments of up to @copy_max bytes are copied. If @passes_fin, the
 * caller says FIN at once when all bytes have moved, fewer than @limit, and the peer of @from has said it. Returns how many have
 * moved; *@error is -EAGAIN if there is no room or no memory for more, and *@left what is so about the bytes of @from, if anything
 * is.
 */
size_t ipvs_helper_tcp_move(struct sock *from, struct sock *to, size_t limit, size_t copy_max, bool passes_fin, int *error,
			    unsigned int *left)
{
	struct movement movement = { .from = from, .to = to, .copy_max = copy_max, .fin = passes_fin && has_fin(from) };
	read_descriptor_t desc = { .arg.data = &movement, .count = min_t(size_t, limit, INT_MAX) };
	int moved;

	if (!sk_stream_memory_free(to)) {
		*error = -EAGAIN;
		return 0;
	}
	tcp_sk(from)->urg_data = 0;
	moved = tcp_read_sock(from, &desc, pass_on);
	*error = movement.error;
	*left = incoming(from);
	return max(moved, 0);
}

static int drop_bytes(read_descriptor_t *desc, struct sk_buff *skb, unsigned int offset, size_t length)
{
	length = min(length, desc->count);
	desc->count -= length;
	return length;
}

/* Takes at most @limit bytes out of the receive queue of a locked socket. Returns how many. */
size_t ipvs_helper_tcp_drop(struct sock *sk, size_t limit)
{
	read_descriptor_t desc = { .count = min_t(size_t, limit, INT_MAX) };

	tcp_sk(sk)->urg_data = 0;
	return max(tcp_read_sock(sk, &desc, drop_bytes), 0);
}

/* Sends a copy of bytes by a locked socket. Returns how many were taken, or an error. */
int ipvs_helper_tcp_send(struct sock *sk, const void *bytes, size_t length, bool more)
{
	struct bio_vec part;
	void *copy;
	int sent;

	length = min_t(size_t, length, PAGE_SIZE);
	if (!sk_stream_memory_free(sk))
		return -EAGAIN;
	copy = netdev_alloc_frag(length);
	if (!copy)
		return -EAGAIN;
	memcpy(copy, bytes, length);
	bvec_set_virt(&part, copy, length);
	sent = send_parts(sk, &part, 1, length, more ? MSG_MORE : 0);
	page_frag_free(copy);
	return sent;
}

/* The owner of a locked socket is called when there is room to send. Returns whether there is room already. */
bool ipvs_helper_tcp_want_room(struct sock *sk)
{
	if (sk->sk_socket)
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	return sk_stream_is_writeable(sk);
}

/* From now on a locked socket sends ACKs at once, as it does by itself if to listen or to create it did not say otherwise. */
void ipvs_helper_tcp_hurry(struct sock *sk)
{
	inet_csk_exit_pingpong_mode(sk);
	/* As before the first bytes came: what is sent next is not taken for an answer to what came last, as to the server's SYN. */
	inet_csk(sk)->icsk_ack.ato = 0;
	if (!inet_csk_ack_scheduled(sk))
		return;
	/* As the release of a socket does, which sends ACKs that had to wait for it. tcp_send_ack() is not exported. */
	set_bit(TCP_ACK_DEFERRED, &sk->sk_tsq_flags);
	sk->sk_prot->release_cb(sk);
}

/* Says FIN, by a locked socket. */
void ipvs_helper_tcp_close_write(struct sock *sk)
{
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | SEND_SHUTDOWN);
	sk->sk_prot->shutdown(sk, SEND_SHUTDOWN);
}

/* The release of a locked socket will reset the connection. */
void ipvs_helper_tcp_reset_on_release(struct sock *sk)
{
	WRITE_ONCE(sk->sk_lingertime, 0);
	sock_set_flag(sk, SOCK_LINGER);
}
