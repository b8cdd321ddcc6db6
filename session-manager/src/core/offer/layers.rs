//! Layers of one picture (`a=rid`, RFC 8851; `a=simulcast`, RFC 8853) whose codecs are taken out.
//!
//! A `rid` may say which payload types it is for. One that names those taken out alone is taken out
//! with them, in `simulcast` as well; all the others stay byte for byte.

use super::lines::{Line, Section};

/// Takes the payload types in `dropped` out of a section's layers.
pub fn prune(section: &mut Section, dropped: &[String]) {
    let mut gone = Vec::new();
    for line in section.lines_mut() {
        let Some(pruned) = line
            .attribute("rid")
            .and_then(|rid| Pruned::of(rid, dropped))
        else {
            continue;
        };
        match pruned {
            Pruned::Shorter(text) => line.set_text(text),
            Pruned::Gone(name) => gone.push(name),
        }
    }
    if gone.is_empty() {
        return;
    }
    let named = |line: &Line| {
        let name = line.attribute("rid").and_then(|rid| rid.split(' ').next());
        name.is_some_and(|name| gone.iter().any(|it| it == name))
    };
    section.retain(|line| !named(line));
    for line in section.lines_mut() {
        if let Some(text) = line.attribute("simulcast").map(|it| without(it, &gone)) {
            line.set_text(text);
        }
    }
    section.retain(|line| line.attribute("simulcast") != Some(""));
}

enum Pruned {
    Shorter(String),
    /// Nothing is left of this name.
    Gone(String),
}

impl Pruned {
    /// What becomes of `{name} {direction} {restrictions}`; `None` when it stays as it is.
    fn of(rid: &str, dropped: &[String]) -> Option<Self> {
        let (name, rest) = rid.split_once(' ')?;
        let (direction, restrictions) = rest.split_once(' ')?;
        let mut kept = Vec::new();
        let mut changed = false;
        for restriction in restrictions.split(';') {
            let Some(types) = restriction.strip_prefix("pt=") else {
                kept.push(restriction.to_owned());
                continue;
            };
            let stays = |pt: &&str| !dropped.iter().any(|gone| gone == pt);
            let left: Vec<&str> = types.split(',').filter(stays).collect();
            if left.is_empty() {
                return Some(Self::Gone(name.to_owned()));
            }
            changed |= left.len() < types.split(',').count();
            kept.push(format!("pt={}", left.join(",")));
        }
        let text = || format!("a=rid:{name} {direction} {}", kept.join(";"));
        changed.then(|| Self::Shorter(text()))
    }
}

/// An `a=simulcast` line without these names; an empty value when it has none left.
fn without(simulcast: &str, gone: &[String]) -> String {
    let stays = |name: &&str| !gone.iter().any(|it| it == name.trim_start_matches('~'));
    let fields: Vec<&str> = simulcast.split(' ').collect();
    let mut kept = Vec::new();
    for pair in fields.chunks(2) {
        let [direction, streams] = pair else {
            continue;
        };
        let streams = streams.split(';').map(|stream| {
            let alternatives: Vec<&str> = stream.split(',').filter(stays).collect();
            alternatives.join(",")
        });
        let streams: Vec<String> = streams.filter(|it| !it.is_empty()).collect();
        if !streams.is_empty() {
            kept.push(format!("{direction} {}", streams.join(";")));
        }
    }
    format!("a=simulcast:{}", kept.join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lines::Document;
    use super::*;

    fn pruned(lines: &str, dropped: &[&str]) -> String {
        let text = format!("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n{lines}");
        let mut document = Document::parse(&text).expect("lines");
        let dropped: Vec<String> = dropped.iter().map(|it| (*it).to_owned()).collect();
        prune(&mut document.media[0], &dropped);
        let text = document.to_string();
        let (_, rest) = text.split_once("SAVPF 96\r\n").expect("a section");
        rest.to_owned()
    }

    #[test]
    fn layers_that_name_no_payload_types_stay_as_they_are() {
        let lines = "a=rid:h recv\r\na=rid:m recv max-width=9\r\na=simulcast:recv h;~m\r\n";
        assert_eq!(pruned(lines, &["96", "98"]), lines);
    }

    #[test]
    fn a_layer_whose_codecs_are_gone_goes_with_them() {
        let lines = "a=rid:h recv pt=98,96;max-fps=30\r\na=rid:m recv pt=98\r\na=rid:l recv\r\n\
            a=rid:s send pt=98\r\na=simulcast:recv h;~m,l send s\r\n";
        let expected = "a=rid:h recv pt=96;max-fps=30\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n";
        assert_eq!(pruned(lines, &["98"]), expected);
        let none = "a=rid:h recv pt=98\r\na=simulcast:recv h\r\n";
        assert_eq!(pruned(none, &["98"]), "");
    }

    proptest! {
        #[test]
        fn no_line_breaks_it(rid in "[ -~]{0,40}", simulcast in "[ -~]{0,40}") {
            pruned(&format!("a=rid:{rid}\r\na=simulcast:{simulcast}\r\n"), &["98"]);
        }
    }
}
