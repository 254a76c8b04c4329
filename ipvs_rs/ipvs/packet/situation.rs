// SPDX-License-Identifier: GPL-2.0

//! The facts that a decision of [`ipvs_core::plan`] asks for.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    conn::ConnFlags,
    flow::Flow,
    plan::{opening::Sloppy, reuse::Rules, Server, Situation, StoredConn},
};
use knet::{netfilter::HookState, skbuff::Skb};

use super::{begin, headers::Headers, refuse};
use crate::model::{conn::Conn, engine, Ipvs};

/// A packet and its network namespace.
pub(super) struct PacketSituation<'a> {
    ipvs: &'a Ipvs,
    headers: Headers<'a>,
    flow: &'a Flow,
    context: &'a HookState<'a>,
}

impl<'a> PacketSituation<'a> {
    #[inline]
    pub(super) fn new(
        ipvs: &'a Ipvs,
        skb: &'a Skb,
        flow: &'a Flow,
        context: &'a HookState<'a>,
    ) -> Self {
        Self {
            ipvs,
            headers: Headers(skb),
            flow,
            context,
        }
    }
}

impl<'a> Situation for PacketSituation<'a> {
    type Packet = Headers<'a>;

    #[inline]
    fn packet(&self) -> &Headers<'a> {
        &self.headers
    }

    #[inline]
    fn rules(&self) -> Rules {
        let settings = &self.ipvs.settings;
        Rules {
            reuse: settings.conn_reuse_mode.load(Relaxed),
            expire_nodest: settings.expire_nodest_conn.load(Relaxed) != 0,
        }
    }

    #[inline]
    fn sloppy(&self) -> Sloppy {
        self.ipvs.settings.sloppy()
    }

    #[inline]
    fn is_backup_only(&self) -> bool {
        self.ipvs.is_backup_only.load(Relaxed)
    }

    #[inline]
    fn may_begin(&self) -> bool {
        engine::serve_begun() && begin::is_of_server(self.ipvs, self.flow, self.context)
    }

    #[inline]
    fn is_unasked(&self) -> bool {
        refuse::refuses(self.ipvs, self.headers.0, self.flow, self.context)
    }
}

impl StoredConn for Conn {
    #[inline]
    fn server(&self) -> Server {
        match self.dest.is_available() {
            true => Server::Available,
            false if self.dest.is_nobody() => Server::Absent,
            false if self.dest.is_unbound() => Server::Unknown,
            false => Server::Deleted,
        }
    }

    #[inline]
    fn is_quiesced(&self) -> bool {
        self.dest.is_quiesced()
    }

    #[inline]
    fn is_controlled(&self) -> bool {
        Conn::is_controlled(self)
    }

    #[inline]
    fn condition(&self) -> (u8, ConnFlags) {
        let condition = Conn::condition(self);
        (condition.state(), condition.flags())
    }
}
