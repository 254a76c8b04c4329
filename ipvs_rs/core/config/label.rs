// SPDX-License-Identifier: GPL-2.0

//! Services in words, for the kernel log.

use core::fmt;

use super::ServiceKey;
use crate::{addr::Family, proto};

impl ServiceKey {
    /// Writes the name of the service in the log: `TCP 192.0.2.1:80`, `UDP [2001:db8::1]:53` or
    /// `FWM 5 0x00000005`.
    pub fn write_label(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match *self {
            Self::Mark { mark, .. } => write!(out, "FWM {mark} 0x{mark:08X}"),
            Self::Address {
                family,
                protocol,
                addr,
                port,
            } => {
                out.write_str(name(protocol))?;
                let (open, close) = match family {
                    Family::V4 => (" ", ""),
                    Family::V6 => (" [", "]"),
                };
                out.write_str(open)?;
                addr.write_text(family, out)?;
                write!(out, "{close}:{port}")
            }
        }
    }
}

/// The name of a transport protocol; `IP` for protocols that can be configured but get no packets.
fn name(protocol: u16) -> &'static str {
    match u8::try_from(protocol) {
        Ok(proto::TCP) => "TCP",
        Ok(proto::UDP) => "UDP",
        Ok(proto::SCTP) => "SCTP",
        _ => "IP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::Addr;

    fn label(key: &ServiceKey) -> String {
        let mut out = String::new();
        key.write_label(&mut out).unwrap();
        out
    }

    #[test]
    fn services_are_called_by_what_identifies_them() {
        let v6 = [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        for (family, protocol, addr, port, wanted) in [
            (
                Family::V4,
                proto::TCP,
                Addr::from_v4([192, 0, 2, 1]),
                80,
                "TCP 192.0.2.1:80",
            ),
            (
                Family::V4,
                proto::SCTP,
                Addr::from_v4([192, 0, 2, 1]),
                0,
                "SCTP 192.0.2.1:0",
            ),
            (
                Family::V6,
                proto::UDP,
                Addr::from_v6(v6),
                53,
                "UDP [2001:db8::1]:53",
            ),
        ] {
            let key = ServiceKey::Address {
                family,
                protocol: protocol.into(),
                addr,
                port,
            };
            assert_eq!(label(&key), wanted);
        }
        for (family, mark, wanted) in [
            (Family::V4, 5, "FWM 5 0x00000005"),
            (Family::V6, 4_000_000_000, "FWM 4000000000 0xEE6B2800"),
        ] {
            assert_eq!(label(&ServiceKey::Mark { family, mark }), wanted);
        }
    }
}
