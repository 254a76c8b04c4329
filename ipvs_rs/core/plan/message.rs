// SPDX-License-Identifier: GPL-2.0

//! The plan for an ICMP message.

use crate::drops::Reason;
use crate::flow::FlowDirection;
use crate::icmp::NoReport;

/// What happens to an ICMP error. `C` is the connection of the packet that the error quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorPlan<C> {
    /// The error continues as on a host without a load balancer.
    Pass,
    /// The error goes to the server of the connection.
    ToServer(C),
    /// The error goes to the client of the connection.
    ToClient(C),
    /// The error opens the connection of the packets that it answers, if there is a service for them.
    Open,
}

/// The plan for an ICMP error, where the connection table has `found` the connection of the packet that the error
/// quotes. `schedule_icmp` is the sysctl of that name; a director that `is_backup_only` leaves errors to servers alone.
pub fn error<C>(
    found: Option<(C, FlowDirection)>,
    schedule_icmp: bool,
    is_backup_only: bool,
) -> ErrorPlan<C> {
    match found {
        Some((_, FlowDirection::Request)) | None if is_backup_only => ErrorPlan::Pass,
        Some((conn, FlowDirection::Request)) => ErrorPlan::ToServer(conn),
        Some((conn, FlowDirection::Reply)) => ErrorPlan::ToClient(conn),
        None if schedule_icmp => ErrorPlan::Open,
        None => ErrorPlan::Pass,
    }
}

/// The reason to drop an ICMP packet that is no error about a balanced packet. [`None`] if the packet passes.
pub const fn without_report(reason: NoReport, schedule_icmp: bool) -> Option<Reason> {
    match reason {
        NoReport::Truncated => Some(Reason::Truncated),
        NoReport::NoPorts if schedule_icmp => Some(Reason::Truncated),
        NoReport::Fragment | NoReport::NoPorts | NoReport::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_follow_the_connection_of_the_quoted_packet() {
        for (found, schedule_icmp, expected) in [
            (
                Some((7, FlowDirection::Request)),
                false,
                ErrorPlan::ToServer(7),
            ),
            (
                Some((7, FlowDirection::Request)),
                true,
                ErrorPlan::ToServer(7),
            ),
            (
                Some((7, FlowDirection::Reply)),
                false,
                ErrorPlan::ToClient(7),
            ),
            (
                Some((7, FlowDirection::Reply)),
                true,
                ErrorPlan::ToClient(7),
            ),
            (None, false, ErrorPlan::Pass),
            (None, true, ErrorPlan::Open),
        ] {
            assert_eq!(error(found, schedule_icmp, false), expected);
            let expected = match expected {
                ErrorPlan::ToClient(conn) => ErrorPlan::ToClient(conn),
                _ => ErrorPlan::Pass,
            };
            assert_eq!(error(found, schedule_icmp, true), expected);
        }
    }

    #[test]
    fn packets_that_are_no_errors_pass_unless_they_are_cut_short() {
        for (reason, schedule_icmp, expected) in [
            (NoReport::Truncated, false, Some(Reason::Truncated)),
            (NoReport::Truncated, true, Some(Reason::Truncated)),
            (NoReport::NoPorts, false, None),
            (NoReport::NoPorts, true, Some(Reason::Truncated)),
            (NoReport::Other, true, None),
            (NoReport::Fragment, true, None),
        ] {
            assert_eq!(
                without_report(reason, schedule_icmp),
                expected,
                "{reason:?}"
            );
        }
    }
}
