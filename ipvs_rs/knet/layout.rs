// SPDX-License-Identifier: GPL-2.0

//! Do Rust and the kernel agree on where the fields of C structures are?
//!
//! bindgen computes offsets with clang; the kernel was compiled by gcc, perhaps with options that
//! clang does not know. So this module brings along the numbers that the kernel's compiler sees,
//! and [`check`] compares before anything is registered.

use core::mem::{offset_of, size_of};
use ipvs_sys as bindings;
use kernel::prelude::*;

use crate::skbuff;

// What is in none of the two lists is deprecated in the bindings (`scripts/lib/compared.awk`), so that knet does not
// compile if it uses it.

/// The sizes of structures and the offsets of their fields as Rust sees them.
///
/// `field = path` tells the path to a field of an anonymous member.
macro_rules! layout {
    ($($type:ident { $($field:ident $(= $first:ident $(.$rest:ident)*)?),* })*) => {
        &[$(
            (stringify!($type), size_of::<bindings::$type>()),
            $((
                concat!(stringify!($type), ".", stringify!($field)),
                layout!(@offset $type $field $($first $(.$rest)*)?),
            ),)*
        )*]
    };
    (@offset $type:ident $field:ident) => {
        offset_of!(bindings::$type, $field)
    };
    (@offset $type:ident $field:ident $first:ident $(.$rest:ident)*) => {
        offset_of!(bindings::$type, $first $(.$rest)*)
    };
}

/// The same list as in `ipvs_rs/sys/layout.c`, in the same order.
static LAYOUT: &[(&str, usize)] = layout! {
    sk_buff {
        dev = __bindgen_anon_1.__bindgen_anon_1.__bindgen_anon_1.dev,
        sk, cb,
        _skb_refdst = __bindgen_anon_3.__bindgen_anon_1._skb_refdst,
        len, data_len, headers = __bindgen_anon_4,
        end, head, data
    }
    sk_buff__bindgen_ty_4__bindgen_ty_1 {
        csum_start = __bindgen_anon_1.__bindgen_anon_1.csum_start,
        csum_offset = __bindgen_anon_1.__bindgen_anon_1.csum_offset,
        mark = __bindgen_anon_4.mark,
        protocol, network_header
    }
    skb_shared_info { gso_size, gso_segs }
    net_device { flags, mtu, ifindex, nd_net = nd_net.net }
    notifier_block { notifier_call, priority }
    netdev_notifier_info { dev }
    net { net_cookie, user_ns, proc_net, gen }
    net_generic {}
    pernet_operations { init, pre_exit, exit, id, size }
    nf_hook_state { hook, pf, in = in_, out, net }
    nf_hook_ops { hook, priv = priv_, pf, hooknum, priority }
    xt_match { name, revision, match = match_, checkentry, me, matchsize, family }
    xt_action_param { matchinfo = __bindgen_anon_2.matchinfo, state }
    xt_mtchk_param { matchinfo, family }
    nf_sockopt_ops { pf, set_optmin, set_optmax, set, get_optmin, get_optmax, get, owner }
    dst_entry { dev = __bindgen_anon_1.dev, ops, obsolete, error }
    dst_ops { family, check }
    rtable { dst, rt_flags }
    flowi4 { flags = __fl_common.flowic_flags, saddr, daddr }
    flowi6 { flags = __fl_common.flowic_flags, daddr, saddr }
    flowi { ip6 = u.ip6 }
    iphdr {
        id, protocol,
        saddr = __bindgen_anon_1.__bindgen_anon_1.saddr,
        daddr = __bindgen_anon_1.__bindgen_anon_1.daddr
    }
    ipv6hdr {}
    in6_addr { u6_addr8 = in6_u.u6_addr8 }
    inet6_skb_parm { frag_max_size }
    rt6_info { dst, rt6i_flags }
    in_addr { s_addr }
    sockaddr_in { sin_family, sin_port, sin_addr }
    sockaddr_in6 { sin6_family, sin6_port, sin6_flowinfo, sin6_addr, sin6_scope_id }
    __kernel_sockaddr_storage {}
    wait_queue_head {}
    rw_semaphore {}
    callback_head { next, func }
    spinlock {}
    timer_list { expires }
    tasklet_struct {}
    work_struct {}
    delayed_work { work }
    sysinfo { freeram, bufferram }
    timespec64 { tv_sec, tv_nsec }
    hmac_sha256_key {}
    hmac_sha256_ctx {}
    atomic64_t { counter }
    nlmsghdr { nlmsg_len }
    genlmsghdr {}
    nlattr {}
    nla_policy {
        type = type_, validation_type, len,
        nested_policy = __bindgen_anon_1.nested_policy,
        min = __bindgen_anon_1.__bindgen_anon_1.min,
        max = __bindgen_anon_1.__bindgen_anon_1.max
    }
    netlink_ext_ack { _msg, bad_attr, _msg_buf }
    netlink_callback { data, ctx = __bindgen_anon_1.ctx }
    genl_dumpit_info { info }
    genl_info { snd_seq, snd_portid, family, nlhdr, _net = _net.net, extack }
    genl_ops { doit, start, dumpit, done, policy, maxattr, cmd, flags, validate }
    genl_multicast_group { name, flags }
    genl_family {
        name, version, maxattr, n_ops, n_mcgrps, resv_start_op, policy, ops, mcgrps, module
    }
    ctl_table { procname, data, maxlen, mode, proc_handler, extra1, extra2 }
    ctl_table_header {}
    sockptr_t {}
    seq_file { private }
    seq_operations { start, stop, next, show }
    seq_net_private {}
    late {}
    tcp_callbacks { ready, room, changed, failed }
    layout_entry { name, name_length, value }
    ipvs_passage_terms {}
};

/// The bit fields that Rust uses, with the values that C gives them in a sample.
macro_rules! bits {
    ($($type:ident { $($bit:ident = $value:expr),* })*) => {
        /// A sample that C has made.
        trait Sample {
            /// Whether Rust reads in it what C has written.
            fn agrees(&self) -> bool;
        }

        $(impl Sample for bindings::$type {
            fn agrees(&self) -> bool {
                true $(&& u32::from(self.$bit()) == $value)*
            }
        })*
    };
}

bits! {
    sk_buff { cloned = 1 }
    sk_buff__bindgen_ty_4__bindgen_ty_1 {
        pkt_type = bindings::PACKET_OTHERHOST,
        ip_summed = bindings::CHECKSUM_PARTIAL,
        slow_gro = 1,
        ipvs_property = 1
    }
    genl_family { netnsok = 1, parallel_ops = 1 }
}

/// Compares the layouts.
///
/// # Errors
///
/// `ENOEXEC`, which module loaders report as "Invalid module format", with a message for each
/// disagreement.
pub fn check() -> Result {
    // SAFETY: Constants, compiled into this module.
    let (theirs, length) = unsafe { (&raw const bindings::layout, bindings::layout_length) };
    // SAFETY: The array has that many elements, and its strings are constants too.
    let theirs =
        unsafe { core::slice::from_raw_parts(theirs.cast::<bindings::layout_entry>(), length) };
    let mut same = theirs.len() == LAYOUT.len();
    for (&(name, ours), c) in LAYOUT.iter().zip(theirs) {
        // SAFETY: A string constant of that length.
        let c_name = unsafe { core::slice::from_raw_parts(c.name.cast::<u8>(), c.name_length) };
        if name.as_bytes() != c_name {
            pr_err!("{name} is not what the C side compares\n");
            same = false;
        } else if ours != c.value {
            pr_err!("{name}: {ours} for Rust, {} for C\n", c.value);
            same = false;
        }
    }
    if !same || !bit_fields_agree() {
        pr_err!("this module does not fit the kernel it was built for\n");
        return Err(ENOEXEC);
    }
    Ok(())
}

/// Sets some bits in C and looks for them in Rust, as the offset of a bit field can not be asked.
fn bit_fields_agree() -> bool {
    let mut skb: bindings::sk_buff = pin_init::zeroed();
    let mut family: bindings::genl_family = pin_init::zeroed();
    // SAFETY: Both are valid for writes, and C sets their bit fields only.
    unsafe { bindings::layout_sample(&mut skb, &mut family) };
    // SAFETY: The structure is valid.
    let headers = unsafe { skbuff::headers(&mut skb) };
    // SAFETY: The structure is initialised, and nobody else knows it.
    let headers = unsafe { &*headers };
    headers.agrees() && skb.agrees() && family.agrees()
}
