// SPDX-License-Identifier: GPL-2.0

//! The plan for a packet that has no flow.

use super::Point;
use crate::drops::Reason;
use crate::flow::NotOurs;

/// What happens to a packet that has no [`Flow`](crate::flow::Flow).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowlessPlan {
    /// The packet continues as on a host without a load balancer.
    Pass,
    /// The packet is of another protocol, and continues so, unless the sysctl `ignore_tunneled` is set: then it is marked
    /// as seen, so that the packet inside it is not scheduled again.
    PassTunnel,
    /// The packet is dropped, and counted under this reason.
    Drop(Reason),
    /// The packet is read as an ICMP message: see [`error`](super::error).
    Icmp,
    /// The packet is read as one of AH or ESP: see [`ipsec`](crate::flow::ipsec).
    Ipsec,
}

/// The plan for a packet that has no flow for this `reason`.
///
/// As the C module does: a packet that ends before its ports does not reach a service, and passes where it is routed.
#[inline]
pub const fn without_flow(point: Point, reason: NotOurs) -> FlowlessPlan {
    match (reason, point) {
        (NotOurs::Icmp, _) => FlowlessPlan::Icmp,
        (NotOurs::Ipsec, _) => FlowlessPlan::Ipsec,
        (NotOurs::NoPorts { .. }, Point::Local) => FlowlessPlan::Drop(Reason::Truncated),
        (NotOurs::NoPorts { .. }, Point::Forward) => FlowlessPlan::Pass,
        (NotOurs::OtherProtocol(_), Point::Local) => FlowlessPlan::PassTunnel,
        (NotOurs::OtherProtocol(_), Point::Forward) => FlowlessPlan::Pass,
        (NotOurs::Truncated | NotOurs::BadHeader, _) => FlowlessPlan::Pass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_without_ports_are_dropped_on_this_host_only() {
        let no_ports = NotOurs::NoPorts { protocol: 6 };
        let truncated = FlowlessPlan::Drop(Reason::Truncated);
        for (reason, local, forward) in [
            (NotOurs::Icmp, FlowlessPlan::Icmp, FlowlessPlan::Icmp),
            (NotOurs::Ipsec, FlowlessPlan::Ipsec, FlowlessPlan::Ipsec),
            (no_ports, truncated, FlowlessPlan::Pass),
            (NotOurs::Truncated, FlowlessPlan::Pass, FlowlessPlan::Pass),
            (NotOurs::BadHeader, FlowlessPlan::Pass, FlowlessPlan::Pass),
            (
                NotOurs::OtherProtocol(47),
                FlowlessPlan::PassTunnel,
                FlowlessPlan::Pass,
            ),
        ] {
            assert_eq!(without_flow(Point::Local, reason), local, "{reason:?}");
            assert_eq!(without_flow(Point::Forward, reason), forward, "{reason:?}");
        }
    }
}
