//! What crosses the border in plain form: statuses, ids, texts, size-prefixed structs.
//!
//! A struct that the host fills begins with `struct_size`. A host that was compiled against an older
//! header gives a shorter one, and what it does not know stays at its default; one compiled against
//! a newer header gives a longer one, which is taken as long as the part unknown here is zero.

use std::ffi::c_char;
use std::mem::{MaybeUninit, align_of, size_of};
use std::ptr;

use lens_protocol::id::ParticipantId;

use crate::codes::LENS_STATUS_UNSUPPORTED;
use crate::last_error::Refusal;

/// Whether a call did what was asked: `LENS_STATUS_OK`, or why not. Positive numbers are this
/// library's own, negative ones the server's. Numbers are never reused.
pub type lens_status = i32;

/// The id of a participant: 36 characters of ASCII and a zero byte; all zero when there is none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_id {
    /// For example `0199d1f2-0000-7000-8000-000000000000`.
    pub text: [c_char; 40],
}

impl lens_id {
    pub(crate) const NONE: Self = Self { text: [0; 40] };

    pub(crate) fn new(id: ParticipantId) -> Self {
        let mut text = [0; 40];
        for (to, from) in text.iter_mut().zip(id.to_string().bytes()) {
            *to = from as c_char;
        }
        Self { text }
    }

    pub(crate) fn maybe(id: Option<ParticipantId>) -> Self {
        id.map_or(Self::NONE, Self::new)
    }

    pub(crate) fn parse(&self) -> Result<ParticipantId, Refusal> {
        let used = self.text.iter().take_while(|byte| **byte != 0);
        let text: String = used.map(|byte| char::from(*byte as u8)).collect();
        let parsed = text.parse::<ParticipantId>();
        parsed.map_err(|error| Refusal::argument(error.to_string()))
    }
}

/// A struct that begins with `uint32_t struct_size` and for which all zeros are a valid value.
///
/// # Safety
/// Both holds, and its size in version 1 of the ABI is `VERSION_1`.
pub(crate) unsafe trait Sized32: Copy {
    /// Its size in the first version: no host gives less. A field that is added at the end makes
    /// this the number that the test below has.
    const VERSION_1: usize = size_of::<Self>();
}

/// Writes a struct's defaults: as many bytes as the host knows of.
///
/// # Safety
/// `to` points to `size` writable bytes, or is NULL.
pub(crate) unsafe fn init<T: Sized32>(to: *mut T, size: u32, value: T) -> Result<(), Refusal> {
    check_pointer(to, "the struct")?;
    check_size::<T>(size)?;
    let size = size as usize;
    // SAFETY: `size` bytes are writable. The struct begins with its size.
    unsafe {
        ptr::write_bytes(to.cast::<u8>(), 0, size);
        ptr::copy_nonoverlapping(
            (&raw const value).cast::<u8>(),
            to.cast(),
            size.min(size_of::<T>()),
        );
        to.cast::<u32>().write(size as u32);
    }
    Ok(())
}

/// Reads a struct of the host's.
///
/// # Safety
/// `from` points to as many readable bytes as its `struct_size` says, or is NULL.
pub(crate) unsafe fn read<T: Sized32>(from: *const T, name: &str) -> Result<T, Refusal> {
    check_pointer(from, name)?;
    // SAFETY: every such struct begins with its size.
    let size = unsafe { from.cast::<u32>().read() };
    check_size::<T>(size)?;
    let (given, known) = (size as usize, size_of::<T>());
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: the host gave `given` bytes. All zeros are a valid `T`, and so is what it wrote over
    // them: numbers, pointers and functions that may be NULL.
    let value = unsafe {
        ptr::copy_nonoverlapping(
            from.cast::<u8>(),
            value.as_mut_ptr().cast(),
            given.min(known),
        );
        value.assume_init()
    };
    // SAFETY: as above; these are the bytes behind those known here.
    let mut tail = (known..given).map(|at| unsafe { from.cast::<u8>().add(at).read() });
    match tail.all(|byte| byte == 0) {
        true => Ok(value),
        false => Err(Refusal::new(
            LENS_STATUS_UNSUPPORTED,
            format!("{name} uses a field that this version of the library does not have"),
        )),
    }
}

/// Writes to a struct of the host's, whose `struct_size` it has set.
///
/// # Safety
/// `to` points to as many writable bytes as its `struct_size` says, or is NULL.
pub(crate) unsafe fn fill<T: Sized32>(to: *mut T, value: T, name: &str) -> Result<(), Refusal> {
    check_pointer(to, name)?;
    // SAFETY: every such struct begins with its size, and has as many bytes.
    unsafe {
        let size = to.cast::<u32>().read();
        init(to, size, value)
    }
}

fn check_size<T: Sized32>(size: u32) -> Result<(), Refusal> {
    // More than a page is no struct: a size that was never set.
    match (T::VERSION_1..=4_096).contains(&(size as usize)) {
        true => Ok(()),
        false => Err(Refusal::argument(format!(
            "struct_size is {size}; call the struct's _init function first"
        ))),
    }
}

/// Refuses NULL, and a pointer that is not aligned as its type has to be.
pub(crate) fn check_pointer<T>(pointer: *const T, name: &str) -> Result<(), Refusal> {
    if pointer.is_null() {
        return Err(Refusal::argument(format!("{name} is NULL")));
    }
    match pointer.addr().is_multiple_of(align_of::<T>()) {
        true => Ok(()),
        false => Err(Refusal::argument(format!("{name} is not aligned"))),
    }
}

/// Bytes of the host's.
///
/// # Safety
/// `data` points to `length` readable bytes that do not change while this is used, or is NULL.
pub(crate) unsafe fn bytes<'a>(
    data: *const u8,
    length: usize,
    name: &str,
) -> Result<&'a [u8], Refusal> {
    if length == 0 {
        return Ok(&[]);
    }
    check_pointer(data, name)?;
    if isize::try_from(length).is_err() {
        return Err(Refusal::argument(format!("{name} is longer than memory")));
    }
    // SAFETY: not NULL, and the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}

/// A text of the host's.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(
    data: *const c_char,
    length: usize,
    name: &str,
) -> Result<&'a str, Refusal> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(data.cast(), length, name) }?;
    std::str::from_utf8(bytes).map_err(|_| Refusal::argument(format!("{name} is not UTF-8")))
}

/// Copies a text and a zero byte, cut at a character when it does not fit; returns its length.
///
/// # Safety
/// `to` points to `capacity` writable bytes, or is NULL.
pub(crate) unsafe fn copy_text(text: &str, to: *mut c_char, capacity: usize) -> usize {
    if !to.is_null() && capacity > 0 {
        let length = text.floor_char_boundary(text.len().min(capacity - 1));
        // SAFETY: `length` and the zero byte fit into `capacity`.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), to.cast(), length);
            to.add(length).write(0);
        }
    }
    text.len()
}

/// Writes a result where the host wants it.
///
/// # Safety
/// `to` points to a writable `T`.
pub(crate) unsafe fn put<T>(to: *mut T, value: T, name: &str) -> Result<(), Refusal> {
    check_pointer(to, name)?;
    // SAFETY: not NULL, aligned, and the caller's promise.
    unsafe { to.write(value) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Newer {
        struct_size: u32,
        a: u32,
        b: u64,
    }

    // SAFETY: it begins with its size, and consists of numbers. Its first version ended behind `a`.
    unsafe impl Sized32 for Newer {
        const VERSION_1: usize = 8;
    }

    fn read_as(bytes: &[u64]) -> Result<Newer, i32> {
        // SAFETY: the slices below have as many bytes as they say.
        unsafe { read(bytes.as_ptr().cast::<Newer>(), "it") }.map_err(|refusal| refusal.status)
    }

    fn head(size: u64, a: u64) -> u64 {
        u64::from_ne_bytes(
            [(size as u32).to_ne_bytes(), (a as u32).to_ne_bytes()]
                .concat()
                .try_into()
                .expect("8"),
        )
    }

    #[test]
    fn an_older_host_gives_less_and_a_newer_one_more() {
        let older = Newer {
            struct_size: 8,
            a: 7,
            b: 0,
        };
        assert_eq!(read_as(&[head(8, 7)]), Ok(older));
        assert_eq!(read_as(&[head(16, 7), 9]).map(|it| it.b), Ok(9));
        assert_eq!(read_as(&[head(24, 7), 9, 0]).map(|it| it.b), Ok(9));
        assert_eq!(
            read_as(&[head(24, 7), 9, 1]),
            Err(7),
            "an unknown field is in use"
        );
        assert_eq!(read_as(&[head(4, 7)]), Err(1));
        assert_eq!(read_as(&[head(1 << 20, 7)]), Err(1));
    }

    #[test]
    fn a_text_is_cut_at_a_character() {
        let mut buffer = [1 as c_char; 4];
        // SAFETY: the buffer has four bytes.
        let length = unsafe { copy_text("aé€", buffer.as_mut_ptr(), 4) };
        assert_eq!(
            (length, buffer),
            (6, [b'a' as c_char, 0xC3_u8 as c_char, 0xA9_u8 as c_char, 0])
        );
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn the_first_version_of_each_struct_stays_as_it_was() {
        use crate::*;
        let sizes = [
            lens_engine_config::VERSION_1,
            lens_participant_config::VERSION_1,
            lens_network::VERSION_1,
            lens_observer::VERSION_1,
            lens_encoded_frame::VERSION_1,
            lens_command::VERSION_1,
            lens_annotation::VERSION_1,
            lens_stats::VERSION_1,
            lens_frame_transform::VERSION_1,
        ];
        assert_eq!(sizes, [32, 40, 32, 144, 40, 24, 72, 168, 32]);
        assert_eq!(size_of::<lens_id>(), 40, "embedded by value: never changes");
    }
}
