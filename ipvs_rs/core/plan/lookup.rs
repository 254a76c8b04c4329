// SPDX-License-Identifier: GPL-2.0

//! The services that a packet may belong to, besides that of its own address and port.

use crate::proto;

/// The port of FTP control connections. A service of this port gets FTP data connections too.
pub const FTP: u16 = 21;
/// The port from which FTP servers open data connections.
pub const FTP_DATA: u16 = 20;

/// Whether a packet to `port` may belong to a data connection of FTP.
///
/// `first_unprivileged` is the lowest port that programs without privileges may use. Ports are in
/// host order.
#[inline]
pub const fn may_be_ftp_data(protocol: u8, port: u16, first_unprivileged: u16) -> bool {
    protocol == proto::TCP && (port == FTP_DATA || port >= first_unprivileged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_connections_of_ftp_use_these_ports() {
        for (protocol, port, first_unprivileged, expected) in [
            (proto::TCP, 20, 1024, true),
            (proto::TCP, 21, 1024, false),
            (proto::TCP, 1023, 1024, false),
            (proto::TCP, 1024, 1024, true),
            (proto::TCP, 65535, 1024, true),
            (proto::TCP, 1024, 2000, false),
            (proto::TCP, 1, 0, true),
            (proto::UDP, 20, 1024, false),
            (proto::UDP, 1024, 0, false),
        ] {
            let found = may_be_ftp_data(protocol, port, first_unprivileged);
            assert_eq!(found, expected, "{protocol} {port} {first_unprivileged}");
        }
    }
}
