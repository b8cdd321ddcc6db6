//! Where a participant stands.

use std::fmt;

use crate::code::Code;

/// Where a participant stands.
///
/// ```text
/// New ──▶ Connecting ──▶ Connected ⇄ Reconnecting
///                  any ──▶ Closed | Failed(code)      never left again
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// No offer has come yet.
    #[default]
    New,
    /// The first connection is being made.
    Connecting,
    /// Media can flow.
    Connected,
    /// Media could flow; a new path or a new generation is being made.
    Reconnecting,
    /// Closed by the host, or by the server's goodbye.
    Closed,
    /// It cannot go on.
    Failed(Code),
}

impl State {
    /// Its name, the same in every face.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::Closed => "closed",
            Self::Failed(_) => "failed",
        }
    }

    /// The C ABI's integer for it.
    pub const fn c_state(self) -> i32 {
        match self {
            Self::New => 0,
            Self::Connecting => 1,
            Self::Connected => 2,
            Self::Reconnecting => 3,
            Self::Closed => 4,
            Self::Failed(_) => 5,
        }
    }

    /// Why it cannot go on, when that is so.
    pub const fn code(self) -> Option<Code> {
        match self {
            Self::Failed(code) => Some(code),
            _ => None,
        }
    }

    /// Whether nothing comes after it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Failed(_))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
