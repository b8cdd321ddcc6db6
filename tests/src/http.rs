//! A small HTTP client for the product's doors, one connection a call.
//!
//! It trusts the certificate it is shown: the product makes its own on first run, and whether that
//! certificate is right is not what these scenarios ask.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const LIMIT: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers by lower-case name; repeated ones joined by a line feed.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub text: String,
}

impl Reply {
    /// The body as JSON, `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The stable code of a problem answer; empty for others.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The body of an answer that must be a success.
    ///
    /// # Panics
    /// When it is a refusal.
    pub fn success(self) -> Value {
        assert!(self.status < 300, "refused: {} {}", self.status, self.text);
        self.json()
    }
}

/// A caller of one origin. Keeps the cookies it is given.
#[derive(Clone, Debug)]
pub struct Http {
    address: SocketAddr,
    from: Option<IpAddr>,
    receive_buffer: Option<u32>,
    tls: bool,
    bearer: Option<String>,
    cookies: BTreeMap<String, String>,
}

impl Http {
    /// A caller of an HTTPS door.
    pub fn secure(address: SocketAddr) -> Self {
        Self {
            address,
            from: None,
            receive_buffer: None,
            tls: true,
            bearer: None,
            cookies: BTreeMap::new(),
        }
    }

    /// A caller of a private door without TLS.
    pub fn plain(address: SocketAddr) -> Self {
        Self {
            tls: false,
            ..Self::secure(address)
        }
    }

    /// The same door with a key or token.
    #[must_use]
    pub fn with_bearer(&self, token: &str) -> Self {
        Self {
            bearer: Some(token.to_owned()),
            cookies: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// The same, calling from this address of this machine.
    #[must_use]
    pub fn from_address(mut self, from: IpAddr) -> Self {
        self.from = Some(from);
        self
    }

    /// The same with so many bytes for what has come and was not read.
    #[must_use]
    pub fn with_receive_buffer(mut self, bytes: u32) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// A TLS connection to the door, from this caller's address.
    ///
    /// # Errors
    /// When the door cannot be reached or does not speak TLS.
    pub async fn stream(&self) -> std::io::Result<TlsStream<TcpStream>> {
        encrypt(self.address, self.connect().await?).await
    }

    /// The key or token it shows.
    pub fn bearer(&self) -> Option<&str> {
        self.bearer.as_deref()
    }

    /// The values of the cookies it holds.
    pub fn cookies(&self) -> impl Iterator<Item = &str> {
        self.cookies.values().map(String::as_str)
    }

    /// The door's origin, as browsers write it.
    pub fn origin(&self) -> String {
        format!(
            "{}://{}",
            if self.tls { "https" } else { "http" },
            self.address
        )
    }

    /// The cookies it holds, as a header.
    pub fn cookie_line(&self) -> Option<String> {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// `GET path`.
    pub async fn get(&mut self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    /// `POST path` with JSON.
    pub async fn post(&mut self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, Some(body)).await
    }

    /// `PUT path` with JSON.
    pub async fn put(&mut self, path: &str, body: Value) -> Reply {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// `DELETE path`.
    pub async fn delete(&mut self, path: &str) -> Reply {
        self.call(Method::DELETE, path, None).await
    }

    /// Any call with JSON.
    pub async fn call(&mut self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let payload = body
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default();
        let kind = if payload.is_empty() {
            None
        } else {
            Some("application/json")
        };
        self.exchange(
            method,
            path,
            &kind
                .map(|k| ("content-type", k))
                .into_iter()
                .collect::<Vec<_>>(),
            payload,
        )
        .await
        .expect("the door answers")
    }

    /// Any call with any body and headers; `None` when the door closed without an answer.
    pub async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Option<Reply> {
        let work = self.answer(method, path, headers, body);
        tokio::time::timeout(LIMIT, work)
            .await
            .expect("an answer in time")
    }

    async fn answer(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Option<Reply> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string());
        let given = |name: &str| headers.iter().any(|(other, _)| *other == name);
        for (name, value) in [("origin", self.origin()), ("lens-request", "1".to_owned())] {
            if !given(name) {
                request = request.header(name, value);
            }
        }
        if let Some(token) = &self.bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(line) = self.cookie_line() {
            request = request.header("cookie", line);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .expect("a request");
        let reply = if self.tls {
            talk(TokioIo::new(self.stream().await.ok()?), request).await?
        } else {
            let stream = self.connect().await.ok()?;
            talk(TokioIo::new(stream), request).await?
        };
        self.keep_cookies(&reply);
        Some(reply)
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let socket = if self.address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(from) = self.from {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        socket.connect(self.address).await
    }

    fn keep_cookies(&mut self, reply: &Reply) {
        let lines = reply
            .headers
            .get("set-cookie")
            .map(String::as_str)
            .unwrap_or_default();
        for line in lines.lines() {
            if let Some((name, rest)) = line.split_once('=') {
                let value = rest.split(';').next().unwrap_or_default();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

async fn talk<S>(stream: S, request: Request<Full<Bytes>>) -> Option<Reply>
where
    S: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(stream).await.ok()?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in response.headers() {
        let line = headers.entry(name.to_string()).or_default();
        if !line.is_empty() {
            line.push('\n');
        }
        line.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    let body = response.into_body().collect().await.ok()?.to_bytes();
    Some(Reply {
        status,
        headers,
        text: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// A TLS connection that accepts any certificate.
///
/// # Errors
/// When the door cannot be reached or does not speak TLS.
pub async fn secure_stream(address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    Http::secure(address).stream().await
}

async fn encrypt(address: SocketAddr, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::from(address.ip());
    TlsConnector::from(Arc::new(trusting_client()))
        .connect(name, tcp)
        .await
}

/// TLS settings of a client that accepts any certificate.
///
/// # Panics
/// Never: the provider knows the default versions.
pub fn trusting_client() -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TrustAnything(provider)))
        .with_no_client_auth()
}

#[derive(Debug)]
struct TrustAnything(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnything {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
