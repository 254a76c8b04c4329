// SPDX-License-Identifier: GPL-2.0

//! What attributes must look like.

use ipvs_sys as bindings;

/// What one attribute of a request must look like. The C core checks it before a command runs, and
/// tells the sender what is wrong and where.
///
/// A list of them is indexed by the number of the attribute; its first element is not used.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Policy(bindings::nla_policy);

impl Policy {
    /// Anything at all, for a family that is liberal; nothing for one that is strict.
    pub const ANY: Self = Self::of_kind(bindings::NLA_UNSPEC);
    /// Nobody may send it.
    pub const REJECTED: Self = Self::of_kind(bindings::NLA_REJECT);
    /// A byte.
    pub const U8: Self = Self::of_kind(bindings::NLA_U8);
    /// Two bytes, an integer of any order.
    pub const U16: Self = Self::of_kind(bindings::NLA_U16);
    /// Four bytes, an integer.
    pub const U32: Self = Self::of_kind(bindings::NLA_U32);
    /// Attributes inside the attribute.
    pub const NESTED: Self = Self::of_kind(bindings::NLA_NESTED);

    const fn of_kind(kind: u32) -> Self {
        Self(bindings::nla_policy {
            // CAST: There are fewer than 256 kinds.
            type_: kind as u8,
            ..pin_init::zeroed()
        })
    }

    /// This, and a number from `min` to `max`; of [`Policy::bytes`] it is the length.
    const fn range(mut self, min: i16, max: i16) -> Self {
        // CAST: There are fewer than 256 ways to validate.
        self.0.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_RANGE as u8;
        self.0.__bindgen_anon_1 = bindings::nla_policy__bindgen_ty_1 {
            __bindgen_anon_1: bindings::nla_policy__bindgen_ty_1__bindgen_ty_1 { min, max },
        };
        self
    }

    /// A byte from `min` to `max`.
    pub const fn u8_in(min: i16, max: i16) -> Self {
        Self::U8.range(min, max)
    }

    /// Two bytes, an integer from `min` to `max` in host order.
    pub const fn u16_in(min: i16, max: i16) -> Self {
        Self::U16.range(min, max)
    }

    /// Four bytes, an integer from `min` to `max`.
    pub const fn u32_in(min: i16, max: i16) -> Self {
        Self::U32.range(min, max)
    }

    /// From `min` to `max` bytes.
    pub const fn bytes(min: i16, max: i16) -> Self {
        Self::of_kind(bindings::NLA_BINARY).range(min, max)
    }

    /// A string of at most so many bytes, and a NUL.
    pub const fn string(most: u16) -> Self {
        let mut policy = Self::of_kind(bindings::NLA_NUL_STRING);
        policy.0.len = most;
        policy
    }

    /// Attributes of any number inside the attribute, in each of which there are attributes, which must look so.
    // Inlined, so that what the compiler does with it does not remain as a function.
    #[inline]
    pub const fn array(inside: &'static [Self]) -> Self {
        let mut policy = Self::nest(inside);
        // CAST: There are fewer than 256 kinds.
        policy.0.type_ = bindings::NLA_NESTED_ARRAY as u8;
        policy
    }

    /// Attributes inside the attribute, which must look so.
    // Inlined, so that what the compiler does with it does not remain as a function.
    #[inline]
    pub const fn nest(inside: &'static [Self]) -> Self {
        assert!(!inside.is_empty());
        let mut policy = Self::NESTED;
        // CAST: Few attributes; `Policy` is transparent and the C core only reads it.
        policy.0.len = inside.len() as u16 - 1;
        policy.0.__bindgen_anon_1 = bindings::nla_policy__bindgen_ty_1 {
            nested_policy: inside.as_ptr().cast(),
        };
        policy
    }
}
