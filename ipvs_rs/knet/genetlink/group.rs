// SPDX-License-Identifier: GPL-2.0

//! Multicast groups.

use ipvs_sys as bindings;

/// A multicast group of a family.
#[repr(transparent)]
pub struct Group(bindings::genl_multicast_group);

impl Group {
    /// A group named `name`, of at most 15 bytes. A socket may join it if its user has
    /// `CAP_NET_ADMIN` in the user namespace that owns the network namespace.
    #[inline]
    pub const fn admin(name: &'static str) -> Self {
        let mut group = bindings::genl_multicast_group {
            // `GENL_MCAST_CAP_NET_ADMIN`, which is a macro that bindgen does not know.
            flags: 1,
            ..pin_init::zeroed()
        };
        let name = name.as_bytes();
        assert!(name.len() < group.name.len());
        let mut i = 0;
        while i < name.len() {
            group.name[i] = name[i];
            i += 1;
        }
        Self(group)
    }
}
