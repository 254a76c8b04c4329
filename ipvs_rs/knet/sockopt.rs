// SPDX-License-Identifier: GPL-2.0

//! Options of IPv4 sockets that a module handles.
//!
//! [`Options`] handles each `setsockopt` and `getsockopt` at level `IPPROTO_IP` whose number is in its
//! ranges, for any type of socket.
//!
//! C header: [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h)

use core::marker::PhantomData;
use ipvs_sys as bindings;
use kernel::{
    error::{from_result, to_result},
    prelude::*,
    types::Opaque,
    uaccess::{UserPtr, UserSlice},
};

use crate::{module, net_namespace::Net};

/// The options of a module, and the functions that set and get them.
pub trait Options: 'static {
    /// The number of the first option.
    const BASE: u32;
    /// The number of options that can be set.
    const SET: u32;
    /// The number of options that can be read.
    const GET: u32;

    /// Sets option number `option`, counted from [`BASE`](Self::BASE). May sleep.
    ///
    /// `net` is the namespace of the socket.
    ///
    /// # Errors
    ///
    /// `setsockopt` returns the error to the program.
    fn set(net: &Net, option: u32, value: &Value) -> Result;

    /// Gets option number `option`, counted from [`BASE`](Self::BASE). May sleep.
    ///
    /// # Errors
    ///
    /// `getsockopt` returns the error to the program.
    fn get(net: &Net, option: u32, buffer: &mut Buffer) -> Result;
}

/// The value that a program sets, in the memory of the program.
pub struct Value {
    from: bindings::sockptr_t,
    length: usize,
}

impl Value {
    /// The length in bytes, as the program gave it.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Reads the whole value into the beginning of `to`. May sleep.
    ///
    /// # Errors
    ///
    /// `EFAULT` if the memory cannot be read, `EINVAL` if the value is longer than `to`.
    pub fn read<'b>(&self, to: &'b mut [u8]) -> Result<&'b [u8]> {
        let to = to.get_mut(..self.length).ok_or(EINVAL)?;
        let room = to.as_mut_ptr().cast();
        // SAFETY: There is room, and C checks where the value is.
        match unsafe { bindings::copy_from_sockptr(room, self.from, to.len()) } {
            0 => Ok(to),
            // C returns the number of bytes that could not be read.
            _ => Err(EFAULT),
        }
    }
}

/// The memory of a program for the value of an option. It may hold the parameters of the request.
pub struct Buffer {
    at: UserPtr,
    length: usize,
}

impl Buffer {
    /// The length in bytes. The program gets this length back.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Sets the length that the program gets back.
    pub fn set_length(&mut self, length: usize) {
        self.length = length;
    }

    /// Reads the first `N` bytes. May sleep.
    ///
    /// # Errors
    ///
    /// `EFAULT`.
    pub fn read<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        let slice = UserSlice::new(self.at, N);
        slice.reader().read_slice(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes `bytes` at `offset`. May sleep.
    ///
    /// # Errors
    ///
    /// `EFAULT`.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result {
        let at = self.at.wrapping_byte_add(offset);
        UserSlice::new(at, bytes.len()).writer().write_slice(bytes)
    }
}

/// The registration of the options `O`. Programs can use the options while this value exists.
///
/// # Last reader
///
/// C holds a reference to the owner of the operations, this module, while it calls them and reads them.
/// The exit of a module begins only when it has no references, and it gets none after that. So the last
/// reader is gone when the exit begins. If this value is dropped earlier, a reader may still exist. A
/// module that is being loaded registers its options last, so nothing can fail after that and drop them.
///
/// # Invariants
///
/// `operations` are registered.
pub struct Registration<O: Options> {
    operations: KBox<Opaque<bindings::nf_sockopt_ops>>,
    _options: PhantomData<fn(O)>,
}

// SAFETY: `operations` are used only to take them back, which any thread may do.
unsafe impl<O: Options> Send for Registration<O> {}
// SAFETY: There is nothing to do with `&Registration`.
unsafe impl<O: Options> Sync for Registration<O> {}

impl<O: Options> Registration<O> {
    /// Registers the options `O` of this module, which stays loaded while a program uses them. May sleep.
    ///
    /// The caller does this as the last step of loading the module: programs may use the options at once,
    /// and no function waits for the end of such calls.
    ///
    /// # Errors
    ///
    /// `EBUSY` if another module has registered one of the numbers, `ENOMEM`.
    pub fn new() -> Result<Self> {
        // CAST: Numbers of options are small.
        let (base, set, get) = (O::BASE as c_int, O::SET as c_int, O::GET as c_int);
        let operations = KBox::new(
            Opaque::new(bindings::nf_sockopt_ops {
                // CAST: A small number.
                pf: bindings::PF_INET as u8,
                set_optmin: base,
                set_optmax: base.wrapping_add(set),
                set: Some(set_callback::<O>),
                get_optmin: base,
                get_optmax: base.wrapping_add(get),
                get: Some(get_callback::<O>),
                owner: module::own().as_ptr().cast(),
                ..pin_init::zeroed()
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The structure is complete, and stays where it is until the last reader is gone.
        to_result(unsafe { bindings::nf_register_sockopt(operations.get()) })?;
        // INVARIANT: Just registered.
        Ok(Self {
            operations,
            _options: PhantomData,
        })
    }
}

impl<O: Options> Drop for Registration<O> {
    fn drop(&mut self) {
        // SAFETY: `new` has registered the operations, and nobody has taken them back. C reads them
        // no more when this returns, as the last reader was gone before.
        unsafe { bindings::nf_unregister_sockopt(self.operations.get()) };
    }
}

/// The number of an option, counted from the base.
fn relative<O: Options>(option: c_int) -> u32 {
    // CAST: C calls with numbers from the base on.
    (option as u32).wrapping_sub(O::BASE)
}

/// # Safety
///
/// To be called by the C core, as the `set` of a [`Registration<O>`].
unsafe extern "C" fn set_callback<O: Options>(
    sk: *mut bindings::sock,
    option: c_int,
    from: bindings::sockptr_t,
    length: c_uint,
) -> c_int {
    // SAFETY: By the contract the socket is valid.
    let net = unsafe { bindings::sock_net(sk) };
    // SAFETY: The socket keeps its namespace for the time of this call.
    let net = unsafe { Net::from_raw(net) };
    // CAST: A usize has room for it.
    let length = length as usize;
    from_result(|| {
        O::set(net, relative::<O>(option), &Value { from, length })?;
        Ok(0)
    })
}

/// # Safety
///
/// To be called by the C core, as the `get` of a [`Registration<O>`].
unsafe extern "C" fn get_callback<O: Options>(
    sk: *mut bindings::sock,
    option: c_int,
    user: *mut c_void,
    length: *mut c_int,
) -> c_int {
    // SAFETY: By the contract the socket is valid.
    let net = unsafe { bindings::sock_net(sk) };
    // SAFETY: The socket keeps its namespace for the time of this call.
    let net = unsafe { Net::from_raw(net) };
    // SAFETY: By the contract it is a number of the caller's.
    let length = unsafe { &mut *length };
    from_result(|| {
        let mut buffer = Buffer {
            at: UserPtr::from_ptr(user),
            length: usize::try_from(*length).map_err(|_| EINVAL)?,
        };
        O::get(net, relative::<O>(option), &mut buffer)?;
        // CAST: It was a number of that type, or is that of a smaller structure.
        *length = buffer.length as c_int;
        Ok(0)
    })
}
