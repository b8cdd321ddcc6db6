//! Another payload type for VP8 in the sections in which a peer receives.
//!
//! An answer may give a codec another number than the offer did, for what its sender wants to
//! receive (RFC 3264 §6.1). webrtc-rs has no setting for it and answers with the numbers it was
//! offered; so it is shown an offer with other ones, and the streaming server the answer to that.

/// The numbers of VP8 and of its retransmissions that no offer of ours uses.
const OTHER: (u8, u8) = (102, 103);

/// The offer with VP8 under another payload type.
pub(crate) fn vp8(offer: &str) -> String {
    let mut sections = offer
        .split_inclusive("\r\n")
        .fold(Vec::new(), |mut all, line| {
            if line.starts_with("m=") || all.is_empty() {
                all.push(String::new());
            }
            if let Some(last) = all.last_mut() {
                last.push_str(line);
            }
            all
        });
    for section in &mut sections {
        if section.starts_with("m=video") && section.contains("\r\na=sendonly\r\n") {
            *section = renumber(section);
        }
    }
    sections.concat()
}

fn renumber(section: &str) -> String {
    let number_before = |mark: &str, prefix: &str| {
        let line = section.lines().find(|line| line.ends_with(mark))?;
        let (number, _) = line.strip_prefix(prefix)?.split_once(' ')?;
        Some(number.to_owned())
    };
    let Some(vp8) = number_before(" VP8/90000", "a=rtpmap:") else {
        return section.to_owned();
    };
    let rtx = number_before(&format!(" apt={vp8}"), "a=fmtp:").unwrap_or_default();
    let swap = |number: &str| match number {
        number if number == vp8 => OTHER.0.to_string(),
        number if number == rtx => OTHER.1.to_string(),
        number => number.to_owned(),
    };
    section
        .split_inclusive("\r\n")
        .map(|line| renumber_line(line, &swap))
        .collect()
}

fn renumber_line(line: &str, swap: &dyn Fn(&str) -> String) -> String {
    let (line, end) = line.split_at(line.trim_end().len());
    if line.starts_with("m=") {
        let words: Vec<String> = line.split(' ').map(swap).collect();
        return words.join(" ") + end;
    }
    for prefix in ["a=rtpmap:", "a=rtcp-fb:", "a=fmtp:"] {
        let Some((number, rest)) = line
            .strip_prefix(prefix)
            .and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        let rest = rest.strip_prefix("apt=").map_or_else(
            || rest.to_owned(),
            |original| format!("apt={}", swap(original)),
        );
        return format!("{prefix}{} {rest}{end}", swap(number));
    }
    format!("{line}{end}")
}
