//! Answers a browser that speaks plain HTTP to the TLS port: the same address, with https.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest head read; enough for a request line and Host.
const HEAD_BYTES: usize = 4096;

/// Reads one request head and answers. The caller sets the time limit.
pub(super) async fn redirect(mut stream: TcpStream) -> io::Result<()> {
    let mut head = Vec::with_capacity(512);
    let mut chunk = [0; 512];
    while head.len() < HEAD_BYTES && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            break;
        }
        head.extend_from_slice(&chunk[..read]);
    }
    let answer = answer(&String::from_utf8_lossy(&head));
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn answer(head: &str) -> String {
    const TAIL: &str = "Content-Length: 0\r\nConnection: close\r\n\r\n";
    match target(head) {
        Some(target) => {
            format!("HTTP/1.1 308 Permanent Redirect\r\nLocation: https://{target}\r\n{TAIL}")
        }
        None => format!("HTTP/1.1 400 Bad Request\r\n{TAIL}"),
    }
}

/// Host and path of a GET or HEAD, when both are harmless in a header.
fn target(head: &str) -> Option<String> {
    let mut lines = head.split("\r\n");
    let mut request = lines.next()?.split(' ');
    if !matches!(request.next()?, "GET" | "HEAD") {
        return None;
    }
    let path = request.next().filter(|path| path.starts_with('/'))?;
    request
        .next()
        .filter(|version| version.starts_with("HTTP/1."))?;
    let host = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then_some(value.trim())
    })?;
    let name = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    let printable = path.bytes().all(|b| b.is_ascii_graphic());
    (!host.is_empty() && host.bytes().all(name) && printable).then(|| format!("{host}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_sent_to_https_and_others_are_refused() {
        let redirected = answer("GET /s HTTP/1.1\r\nAccept: */*\r\nhost: lens.test:8443\r\n\r\n");
        assert!(
            redirected.contains("\r\nLocation: https://lens.test:8443/s\r\n"),
            "{redirected}"
        );
        for bad in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET http://x/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
            "NONSENSE",
        ] {
            assert!(answer(bad).starts_with("HTTP/1.1 400 "), "{bad:?}");
        }
    }
}
