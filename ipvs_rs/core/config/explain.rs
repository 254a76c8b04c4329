// SPDX-License-Identifier: GPL-2.0

//! What is wrong with a request, in words.

use core::ffi::CStr;

use super::Error;
use crate::nla::Defect;

impl Error {
    /// What to tell who sent the request.
    pub const fn text(self) -> &'static CStr {
        match self {
            Self::Attribute(Defect::Range) => c"an attribute is too short or too long",
            Self::Attribute(Defect::Unterminated) => c"a string has no end",
            Self::Malformed => c"an attribute in a nest is not of its kind",
            Self::Missing => c"a mandatory attribute is missing",
            Self::UnsupportedFamily => c"the family is neither IPv4 nor IPv6",
            Self::MixedFamilies => c"a server of another family than its service needs a tunnel",
            Self::NegativeWeight => c"the weight is negative",
            Self::UpperThreshold => c"the upper threshold is too large",
            Self::LowerThreshold => c"the lower threshold is above the upper one",
            Self::TunnelPort => c"a GUE tunnel needs a port",
            Self::Prefix => c"the IPv6 persistence prefix is not 1 to 128",
            Self::Timeout => c"a timeout is negative or too long",
            Self::NotMulticast => c"the group is not multicast",
            Self::DaemonRole => c"the daemon is neither master nor backup",
            Self::AddressLength => c"an address has not as many bytes as its family has",
            Self::Protocol => c"the protocol is neither TCP nor UDP nor SCTP",
        }
    }
}
