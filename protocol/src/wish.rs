//! What a participant asks of the streaming server itself, over a data channel of its own.
//!
//! ```text
//! participant                                  SFU
//!   opens the data channel `lens-control`
//!   {"max_height":360} ──────────────────────▶ sends no larger layer than that needs
//! ```
//!
//! Nothing is answered or relayed, and nothing is negotiated anew. Limits: [`WISH_BYTES`] a message
//! and [`WISHES_PER_S`]; what is longer, faster or cannot be read is left out and counted, and the
//! last good wish stays. A new connection begins without one.

use serde::{Deserialize, Serialize};

use crate::limits::{PICTURE_LINES, WISH_BYTES};

/// The label of the data channel. The participant opens it; `lens`, which the server opens, relays
/// messages to the others.
pub const CONTROL_CHANNEL: &str = "lens-control";

/// What a participant wishes, as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// Lines of the picture as it is shown, in pixels of the screen: from a camera that sends
    /// several sizes come no more than the smallest that has so many. 0 to 4,320; 0 for one that
    /// is hidden, which gets the smallest. Absent or null: no limit.
    pub max_height: Option<u16>,
}

impl Wish {
    /// Reads a message; `None` for one that is too long, is no wish, or is out of range.
    pub fn read(message: &[u8]) -> Option<Self> {
        let message = Some(message).filter(|it| it.len() <= WISH_BYTES)?;
        // A list would be read as well, by the order of the fields here.
        let object = message.trim_ascii_start().starts_with(b"{");
        let wish: Self = serde_json::from_slice(message).ok().filter(|_| object)?;
        let fits = wish.max_height.is_none_or(|it| it <= PICTURE_LINES);
        fits.then_some(wish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_and_what_is_none_is_not() {
        let height = |text: &str| Wish::read(text.as_bytes()).map(|wish| wish.max_height);
        assert_eq!(height(r#"{"max_height":360}"#), Some(Some(360)));
        assert_eq!(height(r#"{"max_height":0,"later":true}"#), Some(Some(0)));
        assert_eq!(height(r#"{"max_height":null}"#), Some(None));
        assert_eq!(height("{}"), Some(None));
        for nonsense in [
            "",
            "360",
            "[360]",
            "[]",
            r#"{"max_height":-1}"#,
            r#"{"max_height":4321}"#,
            r#"{"max_height":70000}"#,
            r#"{"max_height":36.5}"#,
            r#"{"max_height":"360"}"#,
        ] {
            assert_eq!(height(nonsense), None, "{nonsense}");
        }
        let long = format!(r#"{{"max_height":360,"pad":"{}"}}"#, "x".repeat(WISH_BYTES));
        assert_eq!(height(&long), None);
    }
}
