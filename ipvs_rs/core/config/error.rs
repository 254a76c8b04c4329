// SPDX-License-Identifier: GPL-2.0

//! Why a request is rejected.

use crate::nla::Defect;

/// Why a request was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An attribute at the top level has a payload that its type does not allow; `ERANGE` or
    /// `EINVAL`, as the [`Defect`] says.
    Attribute(Defect),
    /// An attribute in a nest has a payload that its type does not allow; `EINVAL`.
    Malformed,
    /// A mandatory attribute or nest is missing; `EINVAL`.
    Missing,
    /// The address family is neither IPv4 nor IPv6; `EAFNOSUPPORT`.
    UnsupportedFamily,
    /// A real server has another address family than its service, and is not reached by a tunnel or
    /// a synchronisation daemon runs; `EINVAL`.
    MixedFamilies,
    /// The weight is negative; `ERANGE`.
    NegativeWeight,
    /// The upper threshold of connections is above `i32::MAX`; `EINVAL`.
    UpperThreshold,
    /// The lower threshold of connections is above the upper one; `ERANGE`.
    LowerThreshold,
    /// A GUE tunnel has no UDP port; `EINVAL`.
    TunnelPort,
    /// The persistence prefix of an IPv6 service is not 1 to 128 bits; `EINVAL`.
    Prefix,
    /// A timeout is negative or too long; `EINVAL`.
    Timeout,
    /// The group address of a synchronisation daemon is not a multicast address; `EINVAL`.
    NotMulticast,
    /// The role of a synchronisation daemon is neither master nor backup; `EINVAL`.
    DaemonRole,
    /// An address has neither 4 nor 16 bytes, or not as many as its family has; `EINVAL`.
    AddressLength,
    /// The protocol of a service is neither TCP nor UDP nor SCTP, in a socket option; `EFAULT`.
    Protocol,
    /// The protocol of a service is neither TCP nor UDP nor SCTP. Only `APPLY` checks this;
    /// `EINVAL`.
    UnknownProtocol,
    /// A service has a firewall mark and an address, or the mark 0. Only `APPLY` checks this;
    /// `EINVAL`.
    Ambiguous,
    /// A service has flags without a meaning. Only `APPLY` checks this; `EINVAL`.
    UnknownFlags,
    /// There are more than two keys, or two of one number; `EINVAL`.
    Keys,
    /// A code is asked for, and there is no key; `EINVAL`.
    NoKey,
    /// There are more than eight peers; `EINVAL`.
    ManyPeers,
    /// The peers are not of one family; `EINVAL`.
    PeerFamilies,
    /// The address of a peer is not that of a host; `EINVAL`.
    NotUnicast,
}

impl Error {
    /// The sentence that the client is sent with the error number.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Attribute(Defect::Range) => "an attribute is too short or too long",
            Self::Attribute(Defect::Unterminated) => "a string has no end",
            Self::Malformed => "an attribute in a nest is not of its kind",
            Self::Missing => "a mandatory attribute is missing",
            Self::UnsupportedFamily => "the family is neither IPv4 nor IPv6",
            Self::MixedFamilies => "a server of another family than its service needs a tunnel",
            Self::NegativeWeight => "the weight is negative",
            Self::UpperThreshold => "the upper threshold is too large",
            Self::LowerThreshold => "the lower threshold is above the upper one",
            Self::TunnelPort => "a GUE tunnel needs a port",
            Self::Prefix => "the IPv6 persistence prefix is not 1 to 128",
            Self::Timeout => "a timeout is negative or too long",
            Self::NotMulticast => "the group is not multicast",
            Self::DaemonRole => "the daemon is neither master nor backup",
            Self::Protocol | Self::UnknownProtocol => {
                "the protocol is neither TCP nor UDP nor SCTP"
            }
            Self::Ambiguous => "a service has a mark that is not 0, or an address",
            Self::UnknownFlags => "a flag of the service means nothing",
            Self::Keys => "there are more than two keys, or two of one number",
            Self::NoKey => "authentication needs a key",
            Self::ManyPeers => "there are more than eight peers",
            Self::PeerFamilies => "the peers are not of one family",
            Self::NotUnicast => "the address of a peer is not that of a host",
            Self::AddressLength => "an address has not as many bytes as its family has",
        }
    }
}
