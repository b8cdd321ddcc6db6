//! The typed reader as a judge: is this text a session description at all?

use std::io::Cursor;

use lens_protocol::limits::SDP_BYTES;
use sdp::SessionDescription;

use super::SdpFault;
use super::lines::Document;

/// Reads `text` with the typed reader and with the line editor; both have to take it, within the
/// caps.
pub fn read(text: &str) -> Result<Document, SdpFault> {
    if text.len() > SDP_BYTES {
        return Err(SdpFault::TooLarge);
    }
    // The typed reader is lenient about bytes it skips; a control character never is of use.
    if text
        .bytes()
        .any(|byte| byte < 0x20 && !b"\r\n\t".contains(&byte))
    {
        return Err(SdpFault::Grammar);
    }
    let document = Document::parse(text)?;
    let description = SessionDescription::unmarshal(&mut Cursor::new(text.as_bytes()))
        .map_err(|_| SdpFault::Grammar)?;
    // Two readers that see different sections would mean that a line hides from one of them.
    if description.media_descriptions.len() != document.media.len() {
        return Err(SdpFault::Grammar);
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn garbage_is_refused_by_its_grammar() {
        for text in [
            "",
            "hello",
            "v=0\r\n",
            "v=0\r\no=-\r\n",
            "m=audio 9 X 0\r\n",
        ] {
            assert_eq!(
                read(text).err(),
                Some(SdpFault::Grammar),
                "{text:?} was taken"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "([vostmabc]=[ -~é]{0,40}\r?\n){0,30}") {
            let _ = read(&text);
        }

        #[test]
        fn no_byte_soup_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&String::from_utf8_lossy(&bytes));
        }
    }
}
