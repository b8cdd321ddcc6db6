//! A browser's `User-Agent` in words a technician can use: `iPhone, Safari`.
//!
//! Words for people, never a ground for decisions: anybody can send any header.

/// Longest header looked at, in bytes; what stands further right says nothing new.
const LOOKED_AT: usize = 512;

/// The device and browser in words; `Unknown device` when nothing is recognised.
pub fn describe(user_agent: &str) -> String {
    let end = (0..=LOOKED_AT.min(user_agent.len()))
        .rev()
        .find(|at| user_agent.is_char_boundary(*at));
    let text = &user_agent[..end.unwrap_or(0)];
    match (device(text), browser(text)) {
        (Some(device), Some(browser)) => format!("{device}, {browser}"),
        (Some(device), None) => device.to_owned(),
        (None, Some(browser)) => browser.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

fn first<'a>(text: &str, table: &[(&str, &'a str)]) -> Option<&'a str> {
    table
        .iter()
        .find(|(mark, _)| text.contains(mark))
        .map(|(_, word)| *word)
}

/// Order matters: Android phones say Linux, iPads on a desktop site say Macintosh.
fn device(text: &str) -> Option<&'static str> {
    if text.contains("Android") {
        return Some(if text.contains("Mobile") {
            "Android phone"
        } else {
            "Android tablet"
        });
    }
    first(
        text,
        &[
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows computer"),
            ("CrOS", "Chromebook"),
            ("Macintosh", "Mac"),
            ("Linux", "Linux computer"),
        ],
    )
}

/// Order matters: Edge, Opera and Samsung's say Chrome too, and Chrome says Safari.
fn browser(text: &str) -> Option<&'static str> {
    first(
        text,
        &[
            ("FBAN", "Facebook"),
            ("FBAV", "Facebook"),
            ("Instagram", "Instagram"),
            ("Edg", "Edge"),
            ("OPR/", "Opera"),
            ("SamsungBrowser", "Samsung Internet"),
            ("FxiOS", "Firefox"),
            ("Firefox", "Firefox"),
            ("CriOS", "Chrome"),
            ("Chrome", "Chrome"),
            ("Safari", "Safari"),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_are_named_in_words() {
        let table = [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                "iPhone, Safari",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1",
                "iPhone, Chrome",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "Android phone, Chrome",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Safari/537.36",
                "Android tablet, Samsung Internet",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Linux computer, Firefox",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Windows computer, Edge",
            ),
            ("curl/8.0", "Unknown device"),
            ("", "Unknown device"),
        ];
        for (header, words) in table {
            assert_eq!(describe(header), words);
        }
    }

    #[test]
    fn a_long_header_is_cut_without_splitting_a_character() {
        let header = format!("{}iPhone", "ü".repeat(400));
        assert_eq!(describe(&header), "Unknown device");
    }
}
