//! The HTTPS door over real sockets: what each kind of client gets, and that none can hold up
//! another.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use lens_runtime::door::{Behind, Door, DoorMetrics, DoorSettings};
use lens_runtime::metrics;
use lens_runtime::shutdown::Shutdown;
use lens_runtime::tls::{TlsIdentity, TlsSettings};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const GENEROUS: Duration = Duration::from_secs(20);
const CHROMIUM_CHECK: [u8; 10] = [0x00, 0x60, 0x00, 0x01, 0x00, 0x4c, 0x21, 0x12, 0xa4, 0x42];

struct House {
    address: SocketAddr,
    dir: PathBuf,
    media: mpsc::UnboundedReceiver<TcpStream>,
    metrics: DoorMetrics,
    shutdown: Shutdown,
}

impl House {
    fn open(name: &str, settings: DoorSettings) -> Self {
        let dir = std::env::temp_dir().join(format!("lens-door-{name}-{}", std::process::id()));
        let now = lens_runtime::tls::now();
        let tls = TlsIdentity::load(&TlsSettings::default(), &dir, &[], now).expect("made");
        let door = Door::bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let (hand_over, media) = mpsc::unbounded_channel();
        let metrics = DoorMetrics::default();
        let shutdown = Shutdown::new();
        let address = door.address();
        let behind = Behind {
            tls: tls.server_config(),
            router: Router::new()
                .route("/", get(|| async { "hello" }))
                .route("/panic", get(broken)),
            media: Some(Arc::new(move |stream| {
                let _ = hand_over.send(stream);
            })),
            settings,
            metrics: metrics.clone(),
        };
        door.open(behind, &shutdown);
        Self {
            address,
            dir,
            media,
            metrics,
            shutdown,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address)
            .await
            .expect("the door is open")
    }

    async fn connect_tls(&self) -> TlsStream<TcpStream> {
        let file = self.dir.join("tls/certificate.pem");
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(file).expect("PEM"))
            .expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("has versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        connector
            .connect(name, self.connect().await)
            .await
            .expect("a handshake")
    }

    async fn get(&self, path: &str) -> String {
        let mut stream = self.connect_tls().await;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        // The close that follows may come without a TLS goodbye.
        let _ = timeout(GENEROUS, stream.read_to_end(&mut answer))
            .await
            .expect("an answer");
        String::from_utf8(answer).expect("text")
    }

    fn counted(&self) -> String {
        let mut registry = metrics::registry();
        self.metrics.register(&mut registry);
        metrics::text(&registry)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.request();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[expect(clippy::panic, reason = "the fault under test")]
async fn broken() -> &'static str {
    panic!("a handler that breaks")
}

#[tokio::test]
async fn https_is_tls_1_3_with_aes_256() {
    let house = House::open("suite", DoorSettings::default());
    let stream = house.connect_tls().await;
    let suite = stream
        .get_ref()
        .1
        .negotiated_cipher_suite()
        .expect("agreed")
        .suite();
    assert_eq!(format!("{suite:?}"), "TLS13_AES_256_GCM_SHA384");
    assert!(house.get("/").await.ends_with("hello"));
}

#[tokio::test]
async fn clients_that_stall_hold_up_nobody_and_are_put_out() {
    let settings = DoorSettings {
        patience_s: 1,
        ..DoorSettings::default()
    };
    let house = House::open("stall", settings);
    let mut silent = house.connect().await;
    let mut half = house.connect().await;
    half.write_all(&[0x16, 0x03, 0x01]).await.expect("sent");
    assert!(
        house.get("/").await.ends_with("hello"),
        "others are served meanwhile"
    );
    for stream in [&mut silent, &mut half] {
        let end = timeout(GENEROUS, stream.read(&mut [0; 16]))
            .await
            .expect("put out in time");
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
}

#[tokio::test]
async fn a_stun_frame_goes_to_the_media_server_untouched() {
    let mut house = House::open("stun", DoorSettings::default());
    let mut peer = house.connect().await;
    // In two pieces, as a slow network may bring it.
    peer.write_all(&CHROMIUM_CHECK[..3]).await.expect("sent");
    peer.flush().await.expect("sent");
    peer.write_all(&CHROMIUM_CHECK[3..]).await.expect("sent");
    let mut handed = timeout(GENEROUS, house.media.recv())
        .await
        .expect("in time")
        .expect("open");
    let mut read = [0; 10];
    handed
        .read_exact(&mut read)
        .await
        .expect("all bytes are still there");
    assert_eq!(read, CHROMIUM_CHECK);
}

#[tokio::test]
async fn plain_http_is_sent_to_https_and_noise_is_closed() {
    let house = House::open("noise", DoorSettings::default());
    let mut plain = house.connect().await;
    plain
        .write_all(b"GET /console HTTP/1.1\r\nHost: lens.test\r\n\r\n")
        .await
        .expect("sent");
    let mut answer = String::new();
    timeout(GENEROUS, plain.read_to_string(&mut answer))
        .await
        .expect("in time")
        .expect("text");
    assert!(
        answer.contains("Location: https://lens.test/console\r\n"),
        "{answer}"
    );
    let mut noise = house.connect().await;
    noise.write_all(&[0xff; 64]).await.expect("sent");
    let end = timeout(GENEROUS, noise.read(&mut [0; 16]))
        .await
        .expect("closed in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    let counted = house.counted();
    assert!(
        counted.contains("lens_door_connections_total{outcome=\"plain_http\"} 1"),
        "{counted}"
    );
}

#[tokio::test]
async fn one_address_has_a_share_and_no_more() {
    let settings = DoorSettings {
        max_connections_per_address: 2,
        ..DoorSettings::default()
    };
    let house = House::open("share", settings);
    let (_first, _second) = (house.connect_tls().await, house.connect_tls().await);
    let mut third = house.connect().await;
    let end = timeout(GENEROUS, third.read(&mut [0; 16]))
        .await
        .expect("closed in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn a_handler_that_panics_costs_its_own_request_alone() {
    let house = House::open("panic", DoorSettings::default());
    let answer = house.get("/panic").await;
    assert!(
        answer.starts_with("HTTP/1.1 500 ") && answer.contains("\"internal\""),
        "{answer}"
    );
    assert!(house.get("/").await.ends_with("hello"));
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_frees_the_port() {
    let house = House::open("drain", DoorSettings::default());
    let mut idle = house.connect_tls().await;
    house.shutdown.request();
    assert!(house.shutdown.finished(GENEROUS).await, "everything ended");
    let end = timeout(GENEROUS, idle.read(&mut [0; 16]))
        .await
        .expect("closed in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    assert!(
        TcpStream::connect(house.address).await.is_err(),
        "nobody listens any more"
    );
}
