/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prototypes of our C helpers. A helper exists where the kernel offers only a macro or an inline function; one that
 * several fields or calls belong to does the whole step, because each call costs about two nanoseconds.
 *
 * A helper is named ipvs_helper_NAME here and NAME in Rust. A __percpu pointer travels as void *.
 */
#ifndef IPVS_RS_HELPERS_H
#define IPVS_RS_HELPERS_H

#include <linux/sockptr.h>
#include <linux/types.h>
#include <linux/workqueue_types.h>

struct cpumask;
struct delayed_work;
struct dst_entry;
struct flowi;
struct genl_family;
struct genl_info;
struct kmem_cache;
struct hmac_sha256_ctx;
struct hmac_sha256_key;
struct module;
struct net;
struct nlattr;
struct seq_file;
struct sk_buff;
struct sock;
struct socket;
struct lock_class_key;
struct spinlock;
struct tasklet_struct;
struct timer_list;
struct wait_queue_head;
struct work_struct;
struct workqueue_struct;

/* percpu.c */
void *ipvs_helper_per_cpu_ptr(void *base, unsigned int cpu);
void *ipvs_helper_this_cpu_ptr(void *base);
void ipvs_helper_this_cpu_add(void *counter, u64 amount);
void ipvs_helper_this_cpu_add_pair(void *counter, u64 first, u64 second);
unsigned int ipvs_helper_next_possible_cpu(int last);
int ipvs_helper_watch_cpus(void);
void ipvs_helper_unwatch_cpus(int state);
unsigned int ipvs_helper_next_known_cpu(int last);

/* spinlock.c */
bool ipvs_helper_spin_lock_bh(struct spinlock *lock);
bool ipvs_helper_spin_trylock_bh(struct spinlock *lock);
void ipvs_helper_spin_unlock_bh(struct spinlock *lock, bool keeps_off);

/* slab.c */
struct kmem_cache *ipvs_helper_cache_create(const char *name, unsigned int size, unsigned int align);
void *ipvs_helper_cache_alloc_atomic(struct kmem_cache *cache);

/* timer.c */
void ipvs_helper_timer_init_somewhere(struct timer_list *timer, void (*function)(struct timer_list *), const char *name,
				      struct lock_class_key *key);

/* workqueue.c */
void ipvs_helper_init_delayed_work(struct delayed_work *work, void (*function)(struct work_struct *work));
struct workqueue_struct *ipvs_helper_new_workqueue(const char *name);
bool ipvs_helper_claim_tasklet(struct tasklet_struct *tasklet);
void ipvs_helper_local_bh_disable(void);
void ipvs_helper_local_bh_enable(void);

/* module.c */
int *ipvs_helper_int_parameter(struct module *module, const char *name);
const u16 *ipvs_helper_ushort_parameters(struct module *module, const char *name, unsigned int *count);

/* hmac.c */
void ipvs_helper_hmac_sha256_init(struct hmac_sha256_ctx *context, const struct hmac_sha256_key *key);
void ipvs_helper_hmac_sha256_update(struct hmac_sha256_ctx *context, const void *data, size_t length);
void ipvs_helper_forget(void *secret, size_t length);

/* dst.c */
struct dst_entry *ipvs_helper_xfrm_lookup(struct net *net, struct dst_entry *dst, const struct flowi *flow);
u32 ipvs_helper_dst_mtu(const struct dst_entry *dst);
bool ipvs_helper_dst_hold_safe(struct dst_entry *dst);
void ipvs_helper_dst_link_failure(struct sk_buff *skb);

/* skbuff.c */
void ipvs_helper_skb_untrack(struct sk_buff *skb);
void ipvs_helper_udp_v4_checksum(struct sk_buff *skb, int transport);
int ipvs_helper_ip_defrag(struct net *net, struct sk_buff *skb, u32 user);
bool ipvs_helper_sk_nodefrag(const struct sk_buff *skb);
bool ipvs_helper_options_fit(const struct sk_buff *skb);
int ipvs_helper_udp_splice(struct sk_buff *skb, unsigned int transport, unsigned int start, unsigned int removed,
			   const void *with, unsigned int length);
int ipvs_helper_tcp_splice(struct sk_buff *skb, unsigned int transport, unsigned int start, unsigned int removed,
			   const void *with, unsigned int length);

/* ipv6.c */
bool ipvs_helper_ipv6_mod_enabled(void);
u32 ipvs_helper_rt6_cookie(const struct dst_entry *dst);
void ipvs_helper_icmp6_error(struct net *net, struct sk_buff *skb, u8 type, u8 code, u32 info);
void ipvs_helper_udp_v6_checksum(struct sk_buff *skb, int transport);

/* tunnel.c */
int ipvs_helper_tunnel_begin(struct sk_buff *skb, const struct dst_entry *dst, unsigned int headers, int gso_type);
void ipvs_helper_tunnel_inner_ipproto(struct sk_buff *skb, u8 protocol);
void ipvs_helper_tunnel_remote_checksum(struct sk_buff *skb);
void ipvs_helper_tunnel_udp(struct net *net, struct sk_buff *skb, __be16 port, bool checksum, bool ipv6,
			    const void *source, const void *destination);
void ipvs_helper_tunnel_gre(struct sk_buff *skb, bool checksum, __be16 protocol);
void *ipvs_helper_tunnel_push_ip(struct sk_buff *skb, __be16 protocol, unsigned int length);
void ipvs_helper_dst_update_sender_pmtu(struct sk_buff *skb, u32 mtu);

/* conntrack.c */
int ipvs_helper_ct_direction(const struct sk_buff *skb);
void ipvs_helper_ct_reset(struct sk_buff *skb);
bool ipvs_helper_ct_is_confirmed(const struct sk_buff *skb);
bool ipvs_helper_ct_confirm(struct sk_buff *skb);
void ipvs_helper_ct_alter_reply(struct sk_buff *skb, u8 family, bool source, const void *addr, __be16 port);
void ipvs_helper_ct_kill(struct net *net, u8 family, u8 protocol, const void *source, __be16 source_port,
			const void *destination, __be16 destination_port);
void ipvs_helper_ct_follow_sequence(struct sk_buff *skb);
bool ipvs_helper_ct_adjust_sequence(struct sk_buff *skb, u32 sequence, s32 more);
int ipvs_helper_ct_expect(struct sk_buff *skb, u8 family, u8 protocol, const void *source, const void *destination,
			  __be16 destination_port);

/* icmp.c */
bool ipvs_helper_skb_rebase(struct sk_buff *skb, unsigned int offset, __be16 protocol);
void ipvs_helper_update_pmtu_v6(struct net *net, struct sk_buff *skb, u32 mtu);

/* net.c */
u16 ipvs_helper_first_unprivileged_port(struct net *net);
struct net *ipvs_helper_maybe_get_net(struct net *net);
void ipvs_helper_put_net(struct net *net);
void ipvs_helper_count_request_v4(struct net *net);
void ipvs_helper_count_expired_v4(struct net *net);
void ipvs_helper_count_expired_v6(struct net *net, const struct sk_buff *skb);

/* netfilter.c */
void ipvs_helper_drop_queued_packets(void);
void ipvs_helper_forward_v4(struct net *net, struct sk_buff *skb);
void ipvs_helper_forward_v6(struct net *net, struct sk_buff *skb);

/* passage.c */

/* What packets that take a way have in common. Addresses and ports are their sender's business. */
struct ipvs_passage_terms {
	unsigned long until;
	unsigned int mtu;
	u32 stamp_v4;
	u32 stamp_v6;
	int device;
	u32 mark;
	u8 dscp;
	u8 family;
};

/* May a packet take a way? */
enum ipvs_passage {
	IPVS_PASSAGE_OPEN,
	IPVS_PASSAGE_OVER,
	IPVS_PASSAGE_DIFFERENT,
	IPVS_PASSAGE_SIZE,
	IPVS_PASSAGE_SPECIAL,
	IPVS_PASSAGE_HOOKS,
};

bool ipvs_helper_passage_terms(struct net *net, const struct sk_buff *skb, const struct dst_entry *dst, u8 family,
			       struct ipvs_passage_terms *terms);
bool ipvs_helper_passage_is_over(const struct net *net, const struct dst_entry *dst,
				 const struct ipvs_passage_terms *terms);
int ipvs_helper_passage_follows(const struct net *net, const struct sk_buff *skb, const struct dst_entry *dst,
				const struct ipvs_passage_terms *terms);
int ipvs_helper_passage_admits(const struct net *net, const struct sk_buff *skb, const struct dst_entry *dst,
			       const struct ipvs_passage_terms *terms, unsigned int headers, const void *owner);
void ipvs_helper_passage_send_v4(struct net *net, struct sk_buff *skb, struct dst_entry *dst, bool is_forwarded);
void ipvs_helper_passage_send_v6(struct net *net, struct sk_buff *skb, struct dst_entry *dst, bool is_forwarded);
bool ipvs_helper_hooks_are_of(const struct net *net, u8 family, const void *priv);

/* genetlink.c */
struct sk_buff *ipvs_helper_genlmsg_new(void);
void ipvs_helper_nlmsg_free(struct sk_buff *skb);
void ipvs_helper_genlmsg_end(struct sk_buff *skb, void *header);
void ipvs_helper_genlmsg_cancel(struct sk_buff *skb, void *header);
size_t ipvs_helper_genlmsg_length(const struct sk_buff *skb, const void *header);
int ipvs_helper_genlmsg_reply(struct sk_buff *skb, const struct genl_info *info);
bool ipvs_helper_genl_has_listeners(const struct genl_family *family, struct net *net, unsigned int group);
void ipvs_helper_genlmsg_multicast(const struct genl_family *family, struct net *net, struct sk_buff *skb,
				   unsigned int group);
void ipvs_helper_genl_set_err(const struct genl_family *family, struct net *net, unsigned int group, int error);
void *ipvs_helper_nla_begin(struct sk_buff *skb, u16 kind, size_t length);
void *ipvs_helper_nla_begin_64bit(struct sk_buff *skb, u16 kind, u16 pad);
struct nlattr *ipvs_helper_nla_nest_start_noflag(struct sk_buff *skb, int kind);
void ipvs_helper_nla_nest_end(struct sk_buff *skb, struct nlattr *start);
void ipvs_helper_nla_nest_cancel(struct sk_buff *skb, struct nlattr *start);

/* proc.c */
void *ipvs_helper_seq_file_data(const struct seq_file *seq);

/* cpumask.c */
size_t ipvs_helper_cpumask_size(void);
void ipvs_helper_cpumask_of_kernel_threads(struct cpumask *mask);
int ipvs_helper_cpumask_parse(const char *text, struct cpumask *mask);
int ipvs_helper_cpumask_print(char *text, size_t size, const struct cpumask *mask);
unsigned int ipvs_helper_cpumask_first_online(const struct cpumask *mask);

/* sockopt.c */
struct net *ipvs_helper_sock_net(const struct sock *sk);
int ipvs_helper_copy_from_sockptr(void *to, sockptr_t from, size_t length);

/* socket.c */
int ipvs_helper_socket_set(struct socket *sock, int level, int name, const void *value, unsigned int length);
int ipvs_helper_socket_bind_to_device(struct socket *sock, int index);
int ipvs_helper_socket_multicast_device(struct socket *sock, bool ipv6, int index);
int ipvs_helper_socket_membership(struct socket *sock, bool ipv6, bool join, const void *group, int index);
int ipvs_helper_socket_buffer_size(const struct socket *sock, bool output);
int ipvs_helper_socket_receive(struct socket *sock, void *buffer, size_t size, void *source);
int ipvs_helper_socket_send(struct socket *sock, const void *data, size_t size, void *destination, int length);
int ipvs_helper_socket_wait(struct socket *sock, bool output, unsigned long ticks);

/* tcp.c */

/* The callbacks of a socket that its owner replaces: data, room to send, another state, an error. */
struct tcp_callbacks {
	void (*ready)(struct sock *sk);
	void (*room)(struct sock *sk);
	void (*changed)(struct sock *sk);
	void (*failed)(struct sock *sk);
};

/* See tcp_facts(). */
#define TCP_FACT_BYTES 1
#define TCP_FACT_END 2
#define TCP_FACT_ROOM 4
#define TCP_FACT_BROKEN 8
#define TCP_FACT_CONNECTED 16
#define TCP_FACT_CLOSED 32
#define TCP_FACT_FIN 64

struct sock *ipvs_helper_socket_sk(struct socket *sock);
struct net *ipvs_helper_socket_net(const struct socket *sock);
int ipvs_helper_tcp_prepare_listener(struct socket *sock, bool ipv6, int defer_seconds);
int ipvs_helper_tcp_listen(struct socket *sock, int backlog, bool quick_ack);
int ipvs_helper_tcp_accept(struct socket *listener, void (*ready)(struct sock *sk), struct socket **accepted);
int ipvs_helper_tcp_create(struct net *net, int family, struct socket **created);
int ipvs_helper_tcp_connect(struct socket *sock, void *address, int length);
int ipvs_helper_tcp_attach(struct socket *sock, void *owner, struct tcp_callbacks *callbacks);
void ipvs_helper_tcp_detach(struct socket *sock, struct tcp_callbacks *callbacks);
void *ipvs_helper_tcp_owner(struct sock *sk);
void *ipvs_helper_tcp_owner_of_room(struct sock *sk);
void *ipvs_helper_tcp_owner_of_change(struct sock *sk);
bool ipvs_helper_tcp_lock(struct sock *one, struct sock *other);
void ipvs_helper_tcp_unlock(struct sock *one, struct sock *other);
unsigned int ipvs_helper_tcp_facts(struct sock *sk);
size_t ipvs_helper_tcp_peek(const struct sock *sk, void *buffer, size_t size);
size_t ipvs_helper_tcp_move(struct sock *from, struct sock *to, size_t limit, size_t copy_max, bool passes_fin, int *error,
			    unsigned int *left);
void ipvs_helper_tcp_hurry(struct sock *sk);
size_t ipvs_helper_tcp_drop(struct sock *sk, size_t limit);
int ipvs_helper_tcp_send(struct sock *sk, const void *bytes, size_t length, bool more);
bool ipvs_helper_tcp_want_room(struct sock *sk);
void ipvs_helper_tcp_close_write(struct sock *sk);
void ipvs_helper_tcp_reset_on_release(struct sock *sk);

/* late.c */

/* Waits until a thread drops what this is a part of. */
struct late {
	struct work_struct work;
	void (*drop)(struct late *late);
};

int ipvs_helper_open_late(void);
void ipvs_helper_close_late(void);
bool ipvs_helper_may_sleep(void);
void ipvs_helper_drop_late(struct late *late, void (*drop)(struct late *late));
void ipvs_helper_flush_late(void);

/* kthread.c */
void ipvs_helper_kthread_sleep(struct wait_queue_head *queue, const u32 *called, unsigned long ticks);
void ipvs_helper_wake_up(struct wait_queue_head *queue);
int ipvs_helper_current_nice(void);
void ipvs_helper_relax(void);

/* layout.c */

/* One size or offset, in bytes, as the compiler of the kernel sees it. */
struct layout_entry {
	const char *name;
	size_t name_length;
	size_t value;
};

extern const struct layout_entry ipvs_helper_layout[];
extern const size_t ipvs_helper_layout_length;
void ipvs_helper_layout_sample(struct sk_buff *skb, struct genl_family *family);

#endif
