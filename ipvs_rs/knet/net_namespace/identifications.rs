// SPDX-License-Identifier: GPL-2.0

//! The kernel's counters of identifications.

use ipvs_sys as bindings;

use super::Net;

impl Net {
    /// The first of `count` identifications in a row for packets of `protocol` from `source` to `destination`, which are nobody else's.
    pub(crate) fn reserve_identifications(
        &self,
        (source, destination): ([u8; 4], [u8; 4]),
        protocol: u8,
        count: u16,
    ) -> u16 {
        let mut header: bindings::iphdr = pin_init::zeroed();
        header.protocol = protocol;
        header.__bindgen_anon_1.__bindgen_anon_1.saddr = u32::from_ne_bytes(source);
        header.__bindgen_anon_1.__bindgen_anon_1.daddr = u32::from_ne_bytes(destination);
        // SAFETY: The namespace is valid, and the header is initialised.
        unsafe { bindings::__ip_select_ident(self.as_ptr(), &mut header, i32::from(count)) };
        u16::from_be(header.id)
    }
}
