// SPDX-License-Identifier: GPL-2.0

//! The kernel's C interface as this project uses it: what bindgen makes of `bindings.h`, and nothing else.
//!
//! Debian's kernel has no Rust bindings of its own for networking, so this crate makes them, from the headers of the
//! kernel that the modules are built for. Only `knet` may use it.
//!
//! bindgen checks with clang's layout of every structure that Rust agrees; at load time `knet::layout` checks that
//! gcc, which compiled the kernel, agrees as well.

#![allow(
    clippy::all,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    rustdoc::all,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]
#![cfg_attr(CONFIG_RUSTC_HAS_UNNECESSARY_TRANSMUTES, allow(unnecessary_transmutes))]

use kernel::ffi;
use pin_init::{MaybeZeroable, Zeroable};

// The kernel's bindgen parameters leave these to be written by hand.
type __kernel_size_t = usize;
type __kernel_ssize_t = isize;
type __kernel_ptrdiff_t = isize;

// bindgen does not derive the trait for types of its own.
//
// SAFETY: `__BindgenBitfieldUnit<Storage>` is a newtype around `Storage`.
unsafe impl<Storage: Zeroable> Zeroable for __BindgenBitfieldUnit<Storage> {}
// SAFETY: `__IncompleteArrayField` has no bytes.
unsafe impl<T> Zeroable for __IncompleteArrayField<T> {}
// SAFETY: `__BindgenUnionField` has no bytes.
unsafe impl<T> Zeroable for __BindgenUnionField<T> {}

include!(concat!(env!("IPVS_SYS_OBJ"), "/bindings_generated.rs"));
