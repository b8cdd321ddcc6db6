//! Stable names and integers for what can go wrong in the library itself.
//!
//! Codes of the server stand in [`ErrorCode`] (negative integers); these are the library's own
//! (positive). Names and integers are the same in every face and are never reused.

use std::fmt;

use lens_protocol::ErrorCode;

macro_rules! code_table {
    ($($variant:ident, $name:literal, $number:literal, $sentence:literal;)+) => {
        /// What went wrong in the library or its host.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum SdkCode {
            $(#[doc = $sentence] $variant,)+
        }

        impl SdkCode {
            /// Every code, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name, as Java and JavaScript have it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The C ABI's integer for it; 0 is success.
            pub const fn c_status(self) -> i32 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// One sentence for people.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

code_table! {
    InvalidArgument, "invalid_argument", 1, "An argument is outside its range, or has another form than the call takes.";
    InvalidHandle, "invalid_handle", 2, "The handle is stale, or of another kind.";
    InvalidState, "invalid_state", 3, "This cannot be done in the present state.";
    Closed, "closed", 4, "The participant or engine is closed.";
    WouldBlock, "would_block", 5, "The queue is full; try again when what waits has gone.";
    BufferTooSmall, "buffer_too_small", 6, "The buffer is too small; the size needed was written.";
    Unsupported, "unsupported", 7, "This build or peer cannot do that.";
    PermissionDenied, "permission_denied", 8, "The customer or the system does not allow it.";
    Timeout, "timeout", 9, "It was not done in time.";
    SignallingFailed, "signalling_failed", 10, "The network of the host could not carry a signal, and trying again is of no use.";
    SdpRejected, "sdp_rejected", 11, "The offer cannot be answered.";
    IceFailed, "ice_failed", 12, "No path to the media server was found.";
    DtlsFailed, "dtls_failed", 13, "The handshake with the media server failed.";
    CodecFailed, "codec_failed", 14, "A codec refused a frame.";
    CryptoFailed, "crypto_failed", 15, "A key or a cipher failed.";
    Io, "io", 16, "The system refused a socket, thread or file.";
    NoMemory, "no_memory", 17, "There is no memory left.";
    HostTooSlow, "host_too_slow", 18, "The host takes its messages so slowly that some would be lost.";
    Internal, "internal", 98, "The library broke one of its own rules; only this participant is lost.";
    HostPanicked, "host_panicked", 99, "A callback of the host panicked or threw.";
}

/// A code of either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Of this library.
    Sdk(SdkCode),
    /// Of the server, as signalling or the HTTP API told it.
    Server(ErrorCode),
}

impl Code {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sdk(code) => code.as_str(),
            Self::Server(code) => code.as_str(),
        }
    }

    /// The C ABI's integer: positive for the library's own, negative for the server's.
    pub const fn c_status(self) -> i32 {
        match self {
            Self::Sdk(code) => code.c_status(),
            Self::Server(code) => code.c_status(),
        }
    }

    /// One sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Sdk(code) => code.sentence(),
            Self::Server(code) => code.sentence(),
        }
    }
}

impl From<SdkCode> for Code {
    fn from(code: SdkCode) -> Self {
        Self::Sdk(code)
    }
}

impl From<ErrorCode> for Code {
    fn from(code: ErrorCode) -> Self {
        Self::Server(code)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_integer_is_used_once_and_positive() {
        let integers: HashSet<_> = SdkCode::ALL.iter().map(|code| code.c_status()).collect();
        assert_eq!(integers.len(), SdkCode::ALL.len());
        assert!(integers.iter().all(|integer| *integer > 0));
        assert!(ErrorCode::ALL.iter().all(|code| code.c_status() < 0));
    }
}
