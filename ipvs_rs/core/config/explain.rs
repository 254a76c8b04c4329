// SPDX-License-Identifier: GPL-2.0

//! What is wrong with a request, in words.

use super::Error;
use crate::nla::Defect;

impl Error {
    /// What to tell who sent the request.
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
            Self::AddressLength => "an address has not as many bytes as its family has",
        }
    }
}
