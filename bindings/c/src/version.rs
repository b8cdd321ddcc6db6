//! Which library this is.

use std::ffi::{CStr, c_char};

use lens_media_sdk::SdkCode;
use lens_protocol::ErrorCode;

use crate::abi::lens_status;
use crate::codes::LENS_STATUS_OK;

/// The version of the interface that this header describes: the major version in the upper 16
/// bits, the minor one in the lower.
pub const LENS_API_VERSION: u32 = 0x0001_0000;

/// The version of the interface that the loaded library has. Programs run with any library of the
/// same major version whose minor version is not older than their header's.
#[unsafe(no_mangle)]
pub extern "C" fn lens_api_version() -> u32 {
    LENS_API_VERSION
}

/// The library's release, for example `0.1.0`. Lives as long as the program.
#[unsafe(no_mangle)]
pub extern "C" fn lens_version_string() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The stable name of a status, for example `would_block`; `ok` for 0 and `unknown` for numbers of
/// a newer library. The same word in every face and in the server's answers. Lives as long as the
/// program.
#[unsafe(no_mangle)]
pub extern "C" fn lens_status_name(status: lens_status) -> *const c_char {
    name_of(status).as_ptr()
}

/// One sentence for people about a status, in English. Lives as long as the program.
#[unsafe(no_mangle)]
pub extern "C" fn lens_status_sentence(status: lens_status) -> *const c_char {
    sentence_of(status).as_ptr()
}

/// The status with this name: the server's (the `code` of its JSON answers, or of a signal of kind
/// `error`), for `lens_participant_signal_refused`; where the server has none, the library's own; 0
/// when there is none at all, or `name` is no UTF-8.
///
/// # Safety
/// `name` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_status_from_name(name: *const c_char, length: usize) -> lens_status {
    // SAFETY: the caller's promise.
    let Ok(name) = (unsafe { crate::abi::text(name, length, "name") }) else {
        return 0;
    };
    let server = ErrorCode::ALL
        .iter()
        .find(|code| code.as_str() == name)
        .map(|code| code.c_status());
    let own = SdkCode::ALL
        .iter()
        .find(|code| code.as_str() == name)
        .map(|code| code.c_status());
    server.or(own).unwrap_or(LENS_STATUS_OK)
}

/// The server's code with this integer.
pub(crate) fn server_code(status: lens_status) -> Option<ErrorCode> {
    ErrorCode::ALL
        .iter()
        .copied()
        .find(|code| code.c_status() == status)
}

fn sdk_code(status: lens_status) -> Option<SdkCode> {
    SdkCode::ALL
        .iter()
        .copied()
        .find(|code| code.c_status() == status)
}

fn name_of(status: lens_status) -> &'static CStr {
    if status == LENS_STATUS_OK {
        return c"ok";
    }
    match (sdk_code(status), server_code(status)) {
        (Some(code), _) => interned(code.as_str()),
        (None, Some(code)) => interned(code.as_str()),
        (None, None) => c"unknown",
    }
}

fn sentence_of(status: lens_status) -> &'static CStr {
    if status == LENS_STATUS_OK {
        return c"It was done.";
    }
    match (sdk_code(status), server_code(status)) {
        (Some(code), _) => interned(code.sentence()),
        (None, Some(code)) => interned(code.sentence()),
        (None, None) => c"A newer version of the library knows this status.",
    }
}

/// The tables' texts have no zero byte at their end; each gets one the first time it is asked for.
fn interned(text: &'static str) -> &'static CStr {
    use std::collections::HashMap;
    use std::ffi::CString;
    use std::sync::{Mutex, PoisonError};

    static TEXTS: Mutex<Option<HashMap<&'static str, &'static CStr>>> = Mutex::new(None);
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let texts = texts.get_or_insert_default();
    texts.entry(text).or_insert_with(|| {
        let owned = CString::new(text).unwrap_or_default();
        // As many as the tables have, and never more.
        Box::leak(owned.into_boxed_c_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_name_and_sentence() {
        for code in SdkCode::ALL {
            assert_eq!(name_of(code.c_status()).to_str(), Ok(code.as_str()));
            assert_eq!(sentence_of(code.c_status()).to_str(), Ok(code.sentence()));
        }
        for code in ErrorCode::ALL {
            assert_eq!(name_of(code.c_status()).to_str(), Ok(code.as_str()));
        }
        assert_eq!(name_of(0), c"ok");
        assert_eq!(name_of(12_345), c"unknown");
    }
}
