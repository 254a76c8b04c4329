// SPDX-License-Identifier: GPL-2.0

//! Generic UDP encapsulation, version 0 (draft-ietf-intarea-gue, section 3), and its remote
//! checksum offload (draft-herbert-remotecsumoffload).

use super::ip_protocol;
use crate::addr::Family;
use crate::wire::gue::Header;

/// The length of the private flags and the option of remote checksum offload, in bytes.
pub const GUE_REMOTE: u32 = 8;

/// In the flags: private flags follow.
const PRIVATE: u16 = 1;
/// In the private flags: the option of remote checksum offload follows.
const PRIVATE_REMOTE: u32 = 1 << 31;

/// The checksum of the inner packet that the server is to compute. Both are offsets in bytes from the
/// start of the inner packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteChecksum {
    /// Where the bytes that the checksum covers begin.
    pub start: u16,
    /// Where the checksum is.
    pub field: u16,
}

/// Writes the GUE header of a data packet that carries a packet of the family `inner`. The UDP header
/// is not written.
///
/// Returns [`None`] if `bytes` does not have exactly the length of the header.
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
