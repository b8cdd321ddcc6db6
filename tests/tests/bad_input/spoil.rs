//! Ways to spoil a valid SDP answer, or a client's offer.

/// Returns the SDP, spoiled as the table says.
pub(crate) fn spoil(answer: &str, how: &str) -> String {
    match how {
        "no ufrag" => without(answer, "a=ice-ufrag:"),
        "no fingerprint" => without(answer, "a=fingerprint:"),
        "a section fewer" => {
            let at = answer.rfind("\r\nm=").expect("an answer with sections") + 2;
            answer[..at].to_owned()
        }
        "70 sections" => {
            let at = answer.rfind("\r\nm=").expect("an answer with sections") + 2;
            format!("{answer}{}", answer[at..].repeat(70))
        }
        "another mid" => answer.replacen("a=mid:", "a=mid:x", 1),
        "both roles" => answer
            .replace("a=setup:active", "a=setup:actpass")
            .replace("a=setup:passive", "a=setup:actpass"),
        "foreign codecs" => ["opus/", "VP8/", "H264/", "VP9/", "AV1/", "H265/"]
            .iter()
            .fold(answer.to_owned(), |text, name| {
                text.replace(name, "x-other/")
            }),
        "H.264 in packetisation mode 0" => ["VP8/", "VP9/", "AV1/", "opus/"]
            .iter()
            .fold(answer.to_owned(), |text, name| {
                text.replace(name, "x-other/")
            })
            .replace("packetization-mode=1", "packetization-mode=0"),
        "no bundle" => without(answer, "a=group:"),
        "no rtcp-mux" => without(answer, "a=rtcp-mux"),
        "zero bytes" => "\0".repeat(1_000),
        "10,000 candidates" => with_candidates(answer, 10_000),
        "40 candidates" => with_candidates(answer, 40),
        "too long" => format!("{answer}{}", "a=x-filling:0123456789\r\n".repeat(4_000)),
        other => panic!("nobody knows how to spoil an answer by {other:?}"),
    }
}

fn without(answer: &str, start: &str) -> String {
    answer
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with(start))
        .collect()
}

fn with_candidates(answer: &str, count: u32) -> String {
    let lines: String = (0..count)
        .map(|n| {
            format!(
                "a=candidate:{n} 1 udp 1 192.0.2.1 {} typ host\r\n",
                1_024 + n % 60_000
            )
        })
        .collect();
    format!("{answer}{lines}")
}
