//! SDP as verbatim lines, grouped into sections (RFC 8866 §5).
//!
//! An editor, not a parser: what no rule touches is written back byte for byte, line endings
//! included. Meaning is checked elsewhere ([`super::validate`]).

use std::fmt;

use lens_protocol::limits::{SDP_BYTES, SDP_MEDIA_SECTIONS};

use super::SdpFault;

/// One line with the ending it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    text: String,
    ending: &'static str,
}

impl Line {
    /// The line without its ending.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value when this is an `{kind}=` line.
    pub fn value_of(&self, kind: char) -> Option<&str> {
        let rest = self.text.strip_prefix(kind)?;
        rest.strip_prefix('=')
    }

    /// The value when this is an `a={name}:` line.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let rest = self.value_of('a')?.strip_prefix(name)?;
        rest.strip_prefix(':')
    }

    /// Whether this is `a={name}`, with or without a value.
    pub fn is_attribute(&self, name: &str) -> bool {
        self.value_of('a')
            .and_then(|value| value.strip_prefix(name))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }

    /// Replaces the text and keeps the ending.
    pub fn set_text(&mut self, text: String) {
        self.text = text;
    }
}

/// The session part, or one `m=` line with what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    lines: Vec<Line>,
}

impl Section {
    /// Its lines in order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Its lines in order, to be changed one by one.
    pub fn lines_mut(&mut self) -> impl Iterator<Item = &mut Line> {
        self.lines.iter_mut()
    }

    /// Keeps the lines `keep` says yes to.
    pub fn retain(&mut self, keep: impl FnMut(&Line) -> bool) {
        self.lines.retain(keep);
    }

    /// Inserts `texts` before the line at `at`, or at the end; they take the ending of the
    /// section's first line.
    pub fn insert(&mut self, at: usize, texts: impl IntoIterator<Item = String>) {
        let at = at.min(self.lines.len());
        let ending = match self.lines.first().map(|line| line.ending) {
            None | Some("") => "\r\n",
            Some(ending) => ending,
        };
        // The last line of a text may have no ending; a line behind it would run into it.
        if let Some(before) = at
            .checked_sub(1)
            .and_then(|index| self.lines.get_mut(index))
            && before.ending.is_empty()
        {
            before.ending = ending;
        }
        let lines = texts.into_iter().map(|text| Line { text, ending });
        self.lines.splice(at..at, lines);
    }

    /// The values of all `a={name}:` lines.
    pub fn attributes<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.lines
            .iter()
            .filter_map(move |line| line.attribute(name))
    }

    /// The value of the first `a={name}:` line.
    pub fn attribute<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.attributes(name).next()
    }

    /// Whether there is an `a={name}` line, with or without a value.
    pub fn has_attribute(&self, name: &str) -> bool {
        self.lines.iter().any(|line| line.is_attribute(name))
    }

    /// The fields of the `m=` line: media, port, protocol, formats. Empty in the session part.
    pub fn media_fields(&self) -> Vec<&str> {
        self.lines
            .first()
            .and_then(|line| line.value_of('m'))
            .map(|value| value.split(' ').collect())
            .unwrap_or_default()
    }

    /// The media of the `m=` line: `audio`, `video`, `application` …
    pub fn media(&self) -> &str {
        self.media_fields().first().copied().unwrap_or("")
    }

    /// Whether the port of the `m=` line is 0 (RFC 3264 §6: rejected).
    pub fn is_rejected(&self) -> bool {
        self.media_fields().get(1) == Some(&"0")
    }
}

/// A session description as lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What comes before the first `m=`.
    pub session: Section,
    /// One for each `m=`.
    pub media: Vec<Section>,
}

impl Document {
    /// Splits `text` into lines and sections.
    ///
    /// Takes any text of at most 64 KiB and 64 `m=` sections: writing it back gives the same
    /// bytes.
    pub fn parse(text: &str) -> Result<Self, SdpFault> {
        if text.len() > SDP_BYTES {
            return Err(SdpFault::TooLarge);
        }
        let mut document = Self {
            session: Section::default(),
            media: Vec::new(),
        };
        for raw in text.split_inclusive('\n') {
            let line = split_ending(raw);
            if line.value_of('m').is_some() {
                if document.media.len() == SDP_MEDIA_SECTIONS {
                    return Err(SdpFault::TooManySections);
                }
                document.media.push(Section::default());
            }
            let section = document.media.last_mut().unwrap_or(&mut document.session);
            section.lines.push(line);
        }
        Ok(document)
    }

    /// The session part and every media section, in order.
    pub fn sections_mut(&mut self) -> impl Iterator<Item = &mut Section> {
        std::iter::once(&mut self.session).chain(&mut self.media)
    }

    /// The session part and every media section, in order.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        std::iter::once(&self.session).chain(&self.media)
    }

    /// The `a=mid` of each media section, in order; empty where there is none.
    pub fn mids(&self) -> Vec<String> {
        let mids = self.media.iter();
        mids.map(|section| section.attribute("mid").unwrap_or("").to_owned())
            .collect()
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.sections().flat_map(Section::lines) {
            f.write_str(&line.text)?;
            f.write_str(line.ending)?;
        }
        Ok(())
    }
}

fn split_ending(raw: &str) -> Line {
    let (text, ending) = if let Some(text) = raw.strip_suffix("\r\n") {
        (text, "\r\n")
    } else if let Some(text) = raw.strip_suffix('\n') {
        (text, "\n")
    } else {
        (raw, "")
    };
    Line {
        text: text.to_owned(),
        ending,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=x-flag\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n";

    #[test]
    fn lines_fall_into_the_sections_of_their_m_lines() {
        let document = Document::parse(SMALL).expect("small");
        assert_eq!(document.session.lines().len(), 4);
        assert_eq!(document.mids(), ["0", "1"]);
        assert!(document.media[0].has_attribute("x-flag"));
        assert!(!document.media[0].has_attribute("x-fla"));
        assert!(document.media[1].is_rejected() && !document.media[0].is_rejected());
    }

    #[test]
    fn an_inserted_line_takes_the_ending_of_its_section() {
        let mut document = Document::parse("v=0\nm=audio 9 X 1\na=mid:0").expect("small");
        document.media[0].insert(usize::MAX, ["a=new".to_owned()]);
        assert_eq!(document.to_string(), "v=0\nm=audio 9 X 1\na=mid:0\na=new\n");
    }

    #[test]
    fn a_text_over_the_caps_is_refused() {
        let large = "a=x\r\n".repeat(SDP_BYTES / 5 + 1);
        assert_eq!(Document::parse(&large).err(), Some(SdpFault::TooLarge));
        let sections = "m=audio 9 X 0\r\n".repeat(SDP_MEDIA_SECTIONS + 1);
        assert_eq!(
            Document::parse(&sections).err(),
            Some(SdpFault::TooManySections)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_written_back_byte_for_byte(text in "[ma=v:0-9 \r\n\u{0}\u{7f}é]{0,200}") {
            let document = Document::parse(&text).expect("small");
            prop_assert_eq!(document.to_string(), text);
        }
    }
}
