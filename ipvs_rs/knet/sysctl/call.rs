// SPDX-License-Identifier: GPL-2.0

//! One read or write of the file of a setting: between text and values.

use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use crate::cpu_list::CpuList;

/// Room for the text of a list of CPUs.
pub(super) const LONGEST_LIST: usize = 4096;

/// What the C core hands to the function behind a file.
///
/// # Invariants
///
/// As the C core hands them to a `proc_handler`, which is being called.
pub(super) struct Call {
    pub(super) name: &'static CStr,
    pub(super) write: c_int,
    pub(super) buffer: *mut c_void,
    pub(super) length: *mut usize,
    pub(super) position: *mut bindings::loff_t,
}

/// A function of the C core that converts between text and a value.
type Convert = unsafe extern "C" fn(
    *const bindings::ctl_table,
    c_int,
    *mut c_void,
    *mut usize,
    *mut bindings::loff_t,
) -> c_int;

impl Call {
    /// Whether somebody writes.
    pub(super) fn writes(&self) -> bool {
        self.write != 0
    }

    /// Lets `convert` work on `data`.
    ///
    /// # Safety
    ///
    /// `data` must be valid for writes of `length` bytes as `convert` wants them, and `range` be
    /// null or point to the two limits that `convert` wants.
    unsafe fn convert(
        &mut self,
        convert: Convert,
        data: *mut c_void,
        length: usize,
        range: *const [i32; 2],
    ) -> Result {
        let limit = range.cast::<i32>().cast_mut();
        let table = bindings::ctl_table {
            procname: self.name.as_char_ptr(),
            data,
            // CAST: A page at most.
            maxlen: length as c_int,
            extra1: limit.cast(),
            extra2: match limit.is_null() {
                true => limit.cast(),
                false => limit.wrapping_add(1).cast(),
            },
            ..pin_init::zeroed()
        };
        // SAFETY: `data` and the limits are as the contract says, and the rest is as the C core has
        // handed it to the `proc_handler` that is running.
        to_result(unsafe {
            convert(
                &raw const table,
                self.write,
                self.buffer,
                self.length,
                self.position,
            )
        })
    }

    /// Shows numbers, or replaces them by those that are written; tells whether it is so.
    pub(super) fn numbers<const N: usize>(
        &mut self,
        values: &mut [i32; N],
        range: &[i32; 2],
    ) -> Result<bool> {
        let data = values.as_mut_ptr().cast();
        let length = size_of::<[i32; N]>();
        // SAFETY: Numbers, and the two limits of each.
        unsafe { self.convert(bindings::proc_dointvec_minmax, data, length, range)? };
        Ok(self.writes())
    }

    /// The same for a large number.
    pub(super) fn large(&mut self, value: &mut usize) -> Result<bool> {
        let data = core::ptr::from_mut(value).cast();
        let (length, none) = (size_of::<usize>(), core::ptr::null());
        // SAFETY: A number without limits.
        unsafe { self.convert(bindings::proc_doulongvec_minmax, data, length, none)? };
        Ok(self.writes())
    }

    /// Shows the text that `read` writes into `text`, or returns the list that is written.
    ///
    /// Only from the beginning of the file on.
    pub(super) fn cpus(
        &mut self,
        text: &mut [u8],
        read: impl FnOnce(&mut [u8]) -> Result<usize>,
    ) -> Result<Option<CpuList>> {
        // SAFETY: The C core hands a place for the length to a `proc_handler`, and one is running.
        if self.writes() && unsafe { *self.length } == 0 {
            return Ok(None);
        }
        if !self.writes() {
            // The last byte stays zero.
            if let Some((_, room)) = text.split_last_mut() {
                read(room)?;
            }
        }
        let (data, length) = (text.as_mut_ptr().cast(), text.len());
        // SAFETY: A text with an end, and room for as much.
        unsafe { self.convert(bindings::proc_dostring, data, length, core::ptr::null())? };
        if !self.writes() {
            return Ok(None);
        }
        let text = CStr::from_bytes_until_nul(text).map_err(|_| EINVAL)?;
        CpuList::parse(text).map(Some)
    }
}
