// SPDX-License-Identifier: GPL-2.0

//! Which error number tells which defect of a request to user space.

use ipvs_core::{config, nla::Defect};
use kernel::prelude::*;
use knet::errno::eafnosupport;

/// The error number for a request that is wrong.
pub(crate) fn of_request(error: config::Error) -> Error {
    use config::Error as E;
    match error {
        E::Attribute(Defect::Range) => ERANGE,
        E::Attribute(Defect::Unterminated) => EINVAL,
        E::Malformed | E::Missing => EINVAL,
        E::UnsupportedFamily => eafnosupport(),
        E::MixedFamilies => EINVAL,
        E::NegativeWeight | E::LowerThreshold => ERANGE,
        E::UpperThreshold | E::TunnelPort | E::Prefix | E::Timeout => EINVAL,
        E::NotMulticast | E::DaemonRole | E::AddressLength => EINVAL,
        E::Protocol => EFAULT,
        E::UnknownProtocol | E::Ambiguous | E::UnknownFlags => EINVAL,
        E::Keys | E::NoKey | E::ManyPeers | E::PeerFamilies | E::NotUnicast => EINVAL,
    }
}
