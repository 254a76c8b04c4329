// SPDX-License-Identifier: GPL-2.0

//! Addresses from and to those of the standard library.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Addr, Family};

impl Family {
    /// The family of an address.
    #[inline]
    pub const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl Addr {
    /// The address, which is of this family.
    #[inline]
    pub const fn to_ip(self, family: Family) -> IpAddr {
        match family {
            Family::V4 => {
                let [a, b, c, d] = self.v4();
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            // Nothing but the order of bytes.
            Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(u128::from_be_bytes(self.octets()))),
        }
    }
}

impl From<Ipv4Addr> for Addr {
    #[inline]
    fn from(ip: Ipv4Addr) -> Self {
        Self::from_v4(ip.octets())
    }
}

impl From<Ipv6Addr> for Addr {
    #[inline]
    fn from(ip: Ipv6Addr) -> Self {
        Self::from_v6(ip.octets())
    }
}

impl From<IpAddr> for Addr {
    /// The address without its family, which is [`Family::of`] it.
    #[inline]
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => ip.into(),
            IpAddr::V6(ip) => ip.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_standard_library_come_back() {
        for text in [
            "0.0.0.0",
            "192.0.2.1",
            "::",
            "2001:db8::1",
            "::ffff:10.0.0.1",
        ] {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(
                Family::of(ip),
                if ip.is_ipv4() { Family::V4 } else { Family::V6 }
            );
            assert_eq!(Addr::from(ip).to_ip(Family::of(ip)), ip);
        }
        assert_eq!(
            Addr::from(Ipv4Addr::LOCALHOST),
            Addr::from_v4([127, 0, 0, 1])
        );
    }
}
