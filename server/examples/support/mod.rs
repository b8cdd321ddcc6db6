//! What both examples need: HTTPS with cookies, TLS for signalling, and IVF files.

// Each example uses its part.
#![allow(dead_code, unreachable_pub)]

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use lens_protocol::SecretText;
use lens_signaling::Door;
use lens_signaling::client::{ClientConfig, Dial, Stream};
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Says in words why it did not work.
pub fn told(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// An error of a file, with its name.
pub fn of<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// A Lens website, with the cookies it gave.
#[derive(Clone)]
pub struct Site {
    /// Such as `lens.example:8443`.
    pub authority: String,
    tls: TlsConnector,
    cookies: Arc<Mutex<Vec<(String, String)>>>,
}

impl Site {
    /// The website at `site` (`lens.example`, with `:port` unless that is 443, with or without
    /// `https://`), whose certificate is one of the PEM file `ca`, or was signed by it: with its
    /// own certificate, `lens-data/tls/certificate.pem`.
    pub fn new(site: &str, ca: &Path) -> Outcome<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca).map_err(of(ca))? {
            roots.add(certificate.map_err(of(ca))?).map_err(of(ca))?;
        }
        if roots.is_empty() {
            return Err(of(ca)("holds no certificate in PEM").into());
        }
        let authority = site.strip_prefix("https://").unwrap_or(site);
        let authority = authority.split('/').next().unwrap_or(authority);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            authority: authority.to_owned(),
            tls: TlsConnector::from(Arc::new(config)),
            cookies: Arc::default(),
        })
    }

    pub fn origin(&self) -> String {
        format!("https://{}", self.authority)
    }

    /// Calls the website; an answer that is no success is an error with its sentence.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Outcome<Value> {
        let stream = self.connect().await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.authority)
            // Both, or the website takes it for a request that another site's page made.
            .header("origin", self.origin())
            .header("lens-request", "1")
            .header("cookie", self.cookie_line())
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        for cookie in response.headers().get_all("set-cookie") {
            self.keep(cookie.to_str()?);
        }
        let bytes = response.into_body().collect().await?.to_bytes();
        let answer = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(answer);
        }
        // RFC 9457; another server than Lens has none.
        let word = |name: &str| answer[name].as_str().unwrap_or("?").to_owned();
        Err(match answer["title"].as_str() {
            Some(title) => format!("{title} ({}, trace {})", word("code"), word("trace_id")),
            None => format!("{}{path}: {status}", self.origin()),
        }
        .into())
    }

    /// How to connect to a signalling door.
    pub fn signalling(&self, door: Door) -> ClientConfig {
        ClientConfig {
            dial: Arc::new(self.clone()),
            host: self.authority.clone(),
            door,
            cookie: Some(SecretText::new(self.cookie_line())),
            origin: Some(self.origin()),
            tickets: None,
        }
    }

    async fn connect(&self) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let told = |error: io::Error| {
            let sentence = format!("{} cannot be reached: {error}", self.origin());
            io::Error::new(error.kind(), sentence)
        };
        let (host, port) = match self.authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (self.authority.as_str(), "443"),
        };
        let host = host.trim_matches(['[', ']']);
        let port = port.parse().map_err(io::Error::other).map_err(told)?;
        let stream = TcpStream::connect((host, port)).await.map_err(told)?;
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.tls.connect(name, stream).await.map_err(told)
    }

    fn keep(&self, cookie: &str) {
        let pair = cookie.split(';').next().unwrap_or_default();
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut cookies = self
            .cookies
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        cookies.retain(|(known, _)| known != name);
        cookies.push((name.to_owned(), value.to_owned()));
    }

    fn cookie_line(&self) -> String {
        let cookies = self
            .cookies
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        let pairs: Vec<String> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }
}

#[async_trait::async_trait]
impl Dial for Site {
    async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.connect().await?))
    }
}

/// A clip of VP8 in IVF.
pub struct Clip {
    pub frames: Vec<Vec<u8>>,
    pub frames_per_second: u32,
}

impl Clip {
    /// Reads a file whole.
    pub fn read(path: &Path) -> Outcome<Self> {
        let file = std::fs::read(path).map_err(of(path))?;
        Self::parse(&file).map_err(|error| of(path)(error).into())
    }

    fn parse(file: &[u8]) -> Outcome<Self> {
        let word = |at: usize| -> Outcome<u32> {
            let bytes = file.get(at..at + 4).ok_or("the file ends too early")?;
            Ok(u32::from_le_bytes(bytes.try_into()?))
        };
        if file.get(..4) != Some(b"DKIF") || file.get(8..12) != Some(b"VP80") {
            return Err("this is no IVF file with VP8 \
                (ffmpeg -i any.mp4 -an -c:v libvpx -b:v 1M clip.ivf makes one)"
                .into());
        }
        let frames_per_second = (word(16)? / word(20)?.max(1)).clamp(1, 60);
        let (mut frames, mut at) = (Vec::new(), 32);
        while at + 12 <= file.len() {
            let length = usize::try_from(word(at)?)?;
            frames.push(
                file.get(at + 12..at + 12 + length)
                    .ok_or("a frame is cut off")?
                    .to_vec(),
            );
            at += 12 + length;
        }
        match frames.first() {
            Some(first) if Self::is_keyframe(first) => Ok(Self {
                frames,
                frames_per_second,
            }),
            Some(_) => Err("the clip does not begin with a keyframe".into()),
            None => Err("the clip has no frames".into()),
        }
    }

    /// Whether a VP8 frame is a keyframe (RFC 6386 §9.1).
    pub fn is_keyframe(frame: &[u8]) -> bool {
        frame.first().is_some_and(|first| first & 1 == 0)
    }
}

/// Writes VP8 into an IVF file.
pub struct Writer {
    file: std::fs::File,
    frames: u32,
}

impl Writer {
    pub fn create(path: &Path) -> Outcome<Self> {
        let file = std::fs::File::create(path).map_err(of(path))?;
        Ok(Self { file, frames: 0 })
    }

    /// Adds a frame; time in microseconds.
    pub fn push(&mut self, data: &[u8], pts_us: u64) -> io::Result<()> {
        use std::io::Write as _;
        if self.frames == 0 {
            let size = data.get(6..10).unwrap_or(&[0; 4]);
            let mut header = b"DKIF\0\0\x20\0VP80".to_vec();
            header.extend(size);
            // Times are in microseconds.
            header.extend(1_000_000_u32.to_le_bytes());
            header.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            self.file.write_all(&header)?;
        }
        self.frames += 1;
        self.file
            .write_all(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes())?;
        self.file.write_all(&pts_us.to_le_bytes())?;
        self.file.write_all(data)
    }
}
