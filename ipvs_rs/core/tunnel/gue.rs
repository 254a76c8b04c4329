// SPDX-License-Identifier: GPL-2.0

//! Generic UDP encapsulation, version 0 (draft-ietf-intarea-gue, section 3), and its remote
//! checksum offload (draft-herbert-remotecsumoffload).

use super::ip_protocol;
use crate::addr::Family;
use crate::wire::gue::Header;

/// The length of the private flags and of the option of remote checksum offload.
pub const GUE_REMOTE: u32 = 8;

/// In the flags: private flags follow.
const PRIVATE: u16 = 1;
/// In the private flags: the option of remote checksum offload follows.
const PRIVATE_REMOTE: u32 = 1 << 31;

/// A checksum of the inner packet that the server computes, in bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteChecksum {
    /// Where what it covers begins.
    pub start: u16,
    /// Where it is.
    pub field: u16,
}

/// Writes the GUE header of a data packet of `inner`, with the UDP header left for later.
///
/// Returns [`None`] if `bytes` has not exactly the length of the header.
pub fn gue(bytes: &mut [u8], inner: Family, remote: Option<RemoteChecksum>) -> Option<()> {
    let (options_len, flags) = match remote {
        Some(_) => (GUE_REMOTE, PRIVATE),
        None => (0, 0),
    };
    let (header, options) = bytes.split_first_chunk_mut()?;
    *header = Header::data(options_len, ip_protocol(inner), flags).to_bytes();
    match remote {
        Some(RemoteChecksum { start, field }) => {
            let options: &mut [u8; GUE_REMOTE as usize] = options.try_into().ok()?;
            let [p0, p1, p2, p3] = PRIVATE_REMOTE.to_be_bytes();
            let ([s0, s1], [c0, c1]) = (start.to_be_bytes(), field.to_be_bytes());
            *options = [p0, p1, p2, p3, s0, s1, c0, c1];
            Some(())
        }
        None => options.is_empty().then_some(()),
    }
}
