// SPDX-License-Identifier: GPL-2.0

//! The lock-free structures of knet, from the very files that the module is built of, in a kernel that loom plays:
//! it tries all ways in which threads can take turns, and all values that a weak memory may show them. The models
//! are in `tests/models`.
//!
//! What a table, a timer or a work item is told of its object, it is told by a field; nothing that safe code could
//! overwrite is one:
//!
//! ```
//! # use knet_loom::{field, field::Field, hashtable::Node, sync::Mutex};
//! struct Object {
//!     node: Node<Object>,
//! }
//! const NODE: Field<Object, Node<Object>> = field!(Object, node);
//! ```
//! ```compile_fail,E0308
//! # use knet_loom::{field, field::Field, hashtable::Node, sync::Mutex};
//! struct Object {
//!     node: Mutex<Node<Object>>,
//! }
//! const NODE: Field<Object, Node<Object>> = field!(Object, node);
//! ```
//! ```compile_fail,E0308
//! # use knet_loom::{field, field::Field, hashtable::Node};
//! struct Object {
//!     node: Box<Node<Object>>,
//! }
//! const NODE: Field<Object, Node<Object>> = field!(Object, node);
//! ```
//!
//! What is played is what lies below: the allocator, locks, and [`rcu`] with its grace periods. What loom does
//! not know of the kernel's memory model is told in `tests/litmus`.

// The examples in the files of knet are for the kernel (`scripts/gates/examples.sh`), so rustdoc does not see these files
// when it collects tests.

// The files of knet say `core`, `kernel`, `knet` and `ipvs_sys`.
extern crate loom_core as core;
extern crate self as ipvs_sys;
extern crate self as kernel;
extern crate self as knet;

pub mod alloc;
mod clock;
#[cfg(not(doctest))]
#[path = "../deferred.rs"]
pub mod deferred;
#[path = "../hashtable"]
pub mod hashtable {
    //! The parts of knet's hash table.

    mod buckets;
    mod cursor;
    mod lengths;
    mod node;
    mod resize;
    mod stripe;
    mod table;

    pub use cursor::Cursor;
    pub use lengths::BucketLengths;
    pub use node::Node;
    pub use table::{InsertError, Table};
}
#[path = "../field.rs"]
pub mod field;
#[cfg(not(doctest))]
#[path = "../list.rs"]
pub mod list;
pub mod ffi {
    //! As `kernel::ffi`.

    pub use std::ffi::c_void;
}
#[path = "../skbuff/identification.rs"]
pub mod identification;
pub mod net_namespace;
pub mod percpu;
pub mod prelude;
pub mod rcu;
pub mod spinlock;
pub mod sync;
#[path = "../time.rs"]
pub mod time;
#[cfg(not(doctest))]
#[path = "../timer.rs"]
pub mod timer;
#[cfg(not(doctest))]
#[path = "../tree.rs"]
pub mod tree;
pub mod types;
pub mod vec {
    //! As knet's, where the memory of a pointer that loom watches cannot be zeroed.

    use crate::{
        alloc::{KVVec, GFP_KERNEL},
        prelude::{Result, ENOMEM},
    };
    use core::sync::atomic::AtomicPtr;

    /// So many null pointers.
    pub fn null_pointers<T>(count: usize) -> Result<KVVec<AtomicPtr<T>>> {
        let mut pointers = KVVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            pointers
                .push_within_capacity(AtomicPtr::default())
                .map_err(|_| ENOMEM)?;
        }
        Ok(pointers)
    }
}
pub mod watched;

pub use clock::*;
pub use new_mutex as new_spinlock;
pub use rcu::{call_rcu, callback_head};

/// As the kernel's: the object that a field is part of.
#[macro_export]
macro_rules! container_of {
    ($field:expr, $object:ty, $name:ident) => {
        $field
            .byte_sub(::std::mem::offset_of!($object, $name))
            .cast::<$object>()
    };
}

/// As the kernel's: a string with a zero byte at its end.
#[macro_export]
macro_rules! c_str {
    ($text:literal) => {
        match ::std::ffi::CStr::from_bytes_with_nul(concat!($text, "\0").as_bytes()) {
            Ok(text) => text,
            Err(_) => panic!("a zero byte inside"),
        }
    };
}
