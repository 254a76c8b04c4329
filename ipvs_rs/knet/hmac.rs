// SPDX-License-Identifier: GPL-2.0

//! Codes by which the holders of a secret prove the origin of bytes: HMAC-SHA-256 (RFC 2104, FIPS 198-1).
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::hmac::Key;
//! let key = Key::new(b"Jefe")?;
//! // RFC 4231, test case 2. The cut between the slices does not count.
//! let code = key.code(&[b"what do ya want ", b"for nothing?"]);
//! assert_eq!(code[..4], [0x5b, 0xdc, 0xc1, 0x46]);
//! assert_eq!(code, key.code(&[b"what do ya want for nothing?"]));
//! # Ok::<(), Error>(())
//! ```
//!
//! C header: [`include/crypto/sha2.h`](srctree/include/crypto/sha2.h)

use core::mem::{size_of, MaybeUninit};
use ipvs_sys as bindings;
use kernel::{alloc::KBox, prelude::*};

/// The length of a code, in bytes.
pub const CODE_LEN: usize = 32;

/// A key that is prepared. Its memory is overwritten before it is freed.
///
/// # Invariants
///
/// The box is initialised.
pub struct Key(KBox<MaybeUninit<bindings::hmac_sha256_key>>);

impl Key {
    /// The key of a secret of any length.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(secret: &[u8]) -> Result<Self> {
        // The key is made where it stays, so that no copy is left on the stack.
        let mut key = KBox::<bindings::hmac_sha256_key>::new_uninit(GFP_KERNEL_ACCOUNT)?;
        // SAFETY: C writes a whole key to the box, and reads as many bytes of the secret as it has.
        unsafe {
            bindings::hmac_sha256_preparekey(key.as_mut_ptr(), secret.as_ptr(), secret.len())
        };
        // INVARIANT: C has just written it.
        Ok(Self(key))
    }

    /// The code of the bytes of these slices, one after the other. May use the registers of the floating point unit: for
    /// process context.
    pub fn code(&self, slices: &[&[u8]]) -> [u8; CODE_LEN] {
        let mut context = MaybeUninit::uninit();
        // SAFETY: C writes a whole context, and reads the key, which is initialised by the type invariant.
        unsafe { bindings::hmac_sha256_init(context.as_mut_ptr(), self.0.as_ptr()) };
        for slice in slices {
            // SAFETY: The context is initialised, and C reads the bytes of the slice.
            unsafe {
                bindings::hmac_sha256_update(
                    context.as_mut_ptr(),
                    slice.as_ptr().cast(),
                    slice.len(),
                )
            };
        }
        let mut code = [0; CODE_LEN];
        // SAFETY: The context is initialised, and a code has the length that C writes (`SHA256_DIGEST_SIZE`). C overwrites the
        // context with zeroes.
        unsafe { bindings::hmac_sha256_final(context.as_mut_ptr(), code.as_mut_ptr()) };
        code
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        let length = size_of::<bindings::hmac_sha256_key>();
        // SAFETY: The box has that length, and nothing reads it any more: its type has no destructor.
        unsafe { bindings::forget(self.0.as_mut_ptr().cast(), length) };
    }
}

// SAFETY: A key is plain memory, which is only read until it is dropped.
unsafe impl Send for Key {}
// SAFETY: A `&Key` only reads the memory.
unsafe impl Sync for Key {}
