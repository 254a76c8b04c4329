// SPDX-License-Identifier: GPL-2.0
/*
 * The layout of every structure whose size or fields Rust uses, as gcc sees it. knet::layout holds the same list as Rust sees
 * it, in the same order.
 */
#include <crypto/sha2.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/interrupt.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter/x_tables.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/sysctl.h>
#include <linux/timekeeping.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/dst.h>
#include <net/flow.h>
#include <net/genetlink.h>
#include <net/ip6_fib.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/route.h>

#include "helpers.h"

#define ENTRY(name, value) { name, sizeof(name) - 1, value }
#define SIZE(type) ENTRY(#type, sizeof(struct type))
#define PART(type, name, path) ENTRY(#type "." #name, offsetof(struct type, path))
#define FIELD(type, field) PART(type, field, field)
/* The group that bindgen has no other name for. */
#define HEADERS "sk_buff__bindgen_ty_4__bindgen_ty_1"
#define HEADER(field) ENTRY(HEADERS "." #field, offsetof(struct sk_buff, field) - offsetof(struct sk_buff, headers))

const struct layout_entry ipvs_helper_layout[] = {
	SIZE(sk_buff),
	FIELD(sk_buff, dev),
	FIELD(sk_buff, sk),
	FIELD(sk_buff, cb),
	FIELD(sk_buff, _skb_refdst),
	FIELD(sk_buff, len),
	FIELD(sk_buff, data_len),
	FIELD(sk_buff, headers),
	FIELD(sk_buff, end),
	FIELD(sk_buff, head),
	FIELD(sk_buff, data),
	ENTRY(HEADERS, sizeof_field(struct sk_buff, headers)),
	HEADER(csum_start),
	HEADER(csum_offset),
	HEADER(mark),
	HEADER(protocol),
	HEADER(network_header),
	SIZE(skb_shared_info),
	FIELD(skb_shared_info, gso_size),
	FIELD(skb_shared_info, gso_segs),
	SIZE(net_device),
	FIELD(net_device, flags),
	FIELD(net_device, mtu),
	FIELD(net_device, ifindex),
	PART(net_device, nd_net, nd_net.net),
	SIZE(notifier_block),
	FIELD(notifier_block, notifier_call),
	FIELD(notifier_block, priority),
	SIZE(netdev_notifier_info),
	FIELD(netdev_notifier_info, dev),
	SIZE(net),
	FIELD(net, net_cookie),
	FIELD(net, user_ns),
	FIELD(net, proc_net),
	FIELD(net, gen),
	SIZE(net_generic),
	SIZE(pernet_operations),
	FIELD(pernet_operations, init),
	FIELD(pernet_operations, pre_exit),
	FIELD(pernet_operations, exit),
	FIELD(pernet_operations, id),
	FIELD(pernet_operations, size),
	SIZE(nf_hook_state),
	FIELD(nf_hook_state, hook),
	FIELD(nf_hook_state, pf),
	FIELD(nf_hook_state, in),
	FIELD(nf_hook_state, out),
	FIELD(nf_hook_state, net),
	SIZE(nf_hook_ops),
	FIELD(nf_hook_ops, hook),
	FIELD(nf_hook_ops, priv),
	FIELD(nf_hook_ops, pf),
	FIELD(nf_hook_ops, hooknum),
	FIELD(nf_hook_ops, priority),
	SIZE(xt_match),
	FIELD(xt_match, name),
	FIELD(xt_match, revision),
	FIELD(xt_match, match),
	FIELD(xt_match, checkentry),
	FIELD(xt_match, me),
	FIELD(xt_match, matchsize),
	FIELD(xt_match, family),
	SIZE(xt_action_param),
	FIELD(xt_action_param, matchinfo),
	FIELD(xt_action_param, state),
	SIZE(xt_mtchk_param),
	FIELD(xt_mtchk_param, matchinfo),
	FIELD(xt_mtchk_param, family),
	SIZE(nf_sockopt_ops),
	FIELD(nf_sockopt_ops, pf),
	FIELD(nf_sockopt_ops, set_optmin),
	FIELD(nf_sockopt_ops, set_optmax),
	FIELD(nf_sockopt_ops, set),
	FIELD(nf_sockopt_ops, get_optmin),
	FIELD(nf_sockopt_ops, get_optmax),
	FIELD(nf_sockopt_ops, get),
	FIELD(nf_sockopt_ops, owner),
	SIZE(dst_entry),
	FIELD(dst_entry, dev),
	FIELD(dst_entry, ops),
	FIELD(dst_entry, obsolete),
	FIELD(dst_entry, error),
	SIZE(dst_ops),
	FIELD(dst_ops, family),
	FIELD(dst_ops, check),
	SIZE(rtable),
	FIELD(rtable, dst),
	FIELD(rtable, rt_flags),
	SIZE(flowi4),
	PART(flowi4, flags, __fl_common.flowic_flags),
	FIELD(flowi4, saddr),
	FIELD(flowi4, daddr),
	SIZE(flowi6),
	PART(flowi6, flags, __fl_common.flowic_flags),
	FIELD(flowi6, daddr),
	FIELD(flowi6, saddr),
	SIZE(flowi),
	PART(flowi, ip6, u.ip6),
	SIZE(iphdr),
	FIELD(iphdr, id),
	FIELD(iphdr, protocol),
	FIELD(iphdr, saddr),
	FIELD(iphdr, daddr),
	SIZE(ipv6hdr),
	SIZE(in6_addr),
	PART(in6_addr, u6_addr8, in6_u.u6_addr8),
	SIZE(inet6_skb_parm),
	FIELD(inet6_skb_parm, frag_max_size),
	SIZE(rt6_info),
	FIELD(rt6_info, dst),
	FIELD(rt6_info, rt6i_flags),
	SIZE(in_addr),
	FIELD(in_addr, s_addr),
	SIZE(sockaddr_in),
	FIELD(sockaddr_in, sin_family),
	FIELD(sockaddr_in, sin_port),
	FIELD(sockaddr_in, sin_addr),
	SIZE(sockaddr_in6),
	FIELD(sockaddr_in6, sin6_family),
	FIELD(sockaddr_in6, sin6_port),
	FIELD(sockaddr_in6, sin6_flowinfo),
	FIELD(sockaddr_in6, sin6_addr),
	FIELD(sockaddr_in6, sin6_scope_id),
	SIZE(__kernel_sockaddr_storage),
	SIZE(wait_queue_head),
	SIZE(rw_semaphore),
	SIZE(callback_head),
	FIELD(callback_head, next),
	FIELD(callback_head, func),
	SIZE(spinlock),
	SIZE(timer_list),
	FIELD(timer_list, expires),
	SIZE(tasklet_struct),
	SIZE(work_struct),
	SIZE(delayed_work),
	FIELD(delayed_work, work),
	SIZE(sysinfo),
	FIELD(sysinfo, freeram),
	FIELD(sysinfo, bufferram),
	SIZE(timespec64),
	FIELD(timespec64, tv_sec),
	FIELD(timespec64, tv_nsec),
	SIZE(hmac_sha256_key),
	SIZE(hmac_sha256_ctx),
	ENTRY("atomic64_t", sizeof(atomic64_t)),
	ENTRY("atomic64_t.counter", offsetof(atomic64_t, counter)),
	SIZE(nlmsghdr),
	FIELD(nlmsghdr, nlmsg_len),
	SIZE(genlmsghdr),
	SIZE(nlattr),
	SIZE(nla_policy),
	FIELD(nla_policy, type),
	FIELD(nla_policy, validation_type),
	FIELD(nla_policy, len),
	FIELD(nla_policy, nested_policy),
	FIELD(nla_policy, min),
	FIELD(nla_policy, max),
	SIZE(netlink_ext_ack),
	FIELD(netlink_ext_ack, _msg),
	FIELD(netlink_ext_ack, bad_attr),
	FIELD(netlink_ext_ack, _msg_buf),
	SIZE(netlink_callback),
	FIELD(netlink_callback, data),
	FIELD(netlink_callback, ctx),
	SIZE(genl_dumpit_info),
	FIELD(genl_dumpit_info, info),
	SIZE(genl_info),
	FIELD(genl_info, snd_seq),
	FIELD(genl_info, snd_portid),
	FIELD(genl_info, family),
	FIELD(genl_info, nlhdr),
	PART(genl_info, _net, _net.net),
	FIELD(genl_info, extack),
	SIZE(genl_ops),
	FIELD(genl_ops, doit),
	FIELD(genl_ops, start),
	FIELD(genl_ops, dumpit),
	FIELD(genl_ops, done),
	FIELD(genl_ops, policy),
	FIELD(genl_ops, maxattr),
	FIELD(genl_ops, cmd),
	FIELD(genl_ops, flags),
	FIELD(genl_ops, validate),
	SIZE(genl_multicast_group),
	FIELD(genl_multicast_group, name),
	FIELD(genl_multicast_group, flags),
	SIZE(genl_family),
	FIELD(genl_family, name),
	FIELD(genl_family, version),
	FIELD(genl_family, maxattr),
	FIELD(genl_family, n_ops),
	FIELD(genl_family, n_mcgrps),
	FIELD(genl_family, resv_start_op),
	FIELD(genl_family, policy),
	FIELD(genl_family, ops),
	FIELD(genl_family, mcgrps),
	FIELD(genl_family, module),
	SIZE(ctl_table),
	FIELD(ctl_table, procname),
	FIELD(ctl_table, data),
	FIELD(ctl_table, maxlen),
	FIELD(ctl_table, mode),
	FIELD(ctl_table, proc_handler),
	FIELD(ctl_table, extra1),
	FIELD(ctl_table, extra2),
	SIZE(ctl_table_header),
	ENTRY("sockptr_t", sizeof(sockptr_t)),
	SIZE(seq_file),
	FIELD(seq_file, private),
	SIZE(seq_operations),
	FIELD(seq_operations, start),
	FIELD(seq_operations, stop),
	FIELD(seq_operations, next),
	FIELD(seq_operations, show),
	SIZE(seq_net_private),
	SIZE(late),
	SIZE(tcp_callbacks),
	FIELD(tcp_callbacks, ready),
	FIELD(tcp_callbacks, room),
	FIELD(tcp_callbacks, changed),
	FIELD(tcp_callbacks, failed),
	SIZE(layout_entry),
	FIELD(layout_entry, name),
	FIELD(layout_entry, name_length),
	FIELD(layout_entry, value),
	SIZE(ipvs_passage_terms),
};

const size_t ipvs_helper_layout_length = ARRAY_SIZE(ipvs_helper_layout);

/* Bit fields have no offset that C could tell: Rust reads these values back. */
void ipvs_helper_layout_sample(struct sk_buff *skb, struct genl_family *family)
{
	skb->pkt_type = PACKET_OTHERHOST;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->slow_gro = 1;
	skb->ipvs_property = 1;
	skb->cloned = 1;
	family->netnsok = 1;
	family->parallel_ops = 1;
}
