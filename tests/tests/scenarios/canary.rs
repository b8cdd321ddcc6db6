//! What never reaches a log line of any process, with our own crates at their most talkative.

use std::net::IpAddr;

use lens_auth::link;
use lens_protocol::SecretText;
use lens_protocol::conference::ParticipantOffer;
use lens_tests::http::Http;
use lens_tests::peer::{Manner, Peer};
use lens_tests::product::{INTERNAL_TOKEN, Mode, PASSWORD, Product};
use lens_tests::room::Room;
use lens_tests::socket::Socket;
use lens_tests::wait;
use serde_json::{Value, json};

/// Where callers and peers of this scenario send from: addresses that nothing else here has.
const CALLER: &str = "127.0.77.1";
const CAMERA: &str = "127.0.77.2";
const VIEWER: &str = "127.0.77.3";
/// What a caller claims to be forwarded for.
const FORWARDED: &str = "198.51.100.99";

/// What was said in confidence, and what it is.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, text: &str) {
        assert!(!text.is_empty(), "no {what} to look for");
        self.0.push((what, text.to_owned()));
    }

    fn cookies(&mut self, of: &Http) {
        of.cookies().for_each(|value| self.add("a cookie", value));
    }

    /// The lines of an SDP that belong to this connection alone.
    fn sdp(&mut self, sdp: &str) {
        for kind in ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:"] {
            let value = sdp.lines().find_map(|line| line.strip_prefix(kind));
            self.add("a line of an SDP", value.expect("an SDP with ICE and DTLS"));
        }
    }
}

pub(crate) async fn silent(mode: Mode) {
    let mut product = Product::start_logging(mode, "trace", &[]);
    let mut secrets = Secrets::default();
    for (what, text) in [
        ("a password", PASSWORD),
        ("the internal token", INTERNAL_TOKEN),
        ("a caller's address", CALLER),
        ("a peer's address", CAMERA),
        ("a peer's address", VIEWER),
        ("a caller's address", FORWARDED),
        ("a line of an SDP", "m=video"),
        ("a line of an SDP", "a=candidate"),
    ] {
        secrets.add(what, text);
    }
    strangers(&product, &mut secrets).await;
    integrator(&product, &mut secrets).await;
    session(&product, &mut secrets).await;
    let said = said_until_the_end(&mut product).await;
    for process in product.processes.keys() {
        let own = said.iter().filter(|(name, _)| name == process);
        assert!(
            own.count() > 3,
            "{process} says nothing, so this shows nothing"
        );
    }
    let talkative = said.iter().filter(|(_, line)| line.contains(" DEBUG "));
    assert!(talkative.count() > 20, "the filter was not heeded");
    for (what, text) in &secrets.0 {
        for (process, line) in &said {
            assert!(!holds(line, text), "{process} wrote {what}, {text}: {line}");
        }
    }
}

/// Whether a line holds a secret. Digits alone must stand alone: a time of day holds six, too.
fn holds(line: &str, secret: &str) -> bool {
    if secret.bytes().all(|byte| byte.is_ascii_digit()) {
        let words = line.split_whitespace().skip(1);
        let mut words = words.flat_map(|word| word.split(|c: char| !c.is_ascii_alphanumeric()));
        return words.any(|word| word == secret);
    }
    line.contains(secret)
}

fn caller(product: &Product) -> Http {
    product.http().from_address(address(CALLER))
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Input that is refused is not quoted either.
async fn strangers(product: &Product, secrets: &mut Secrets) {
    let mut stranger = caller(product);
    let email = "canary-person@example.com";
    let login = json!({ "email": email, "password": "canary-wrong-password" });
    stranger.post("/api/login", login).await;
    stranger
        .post("/api/invitations/redeem", json!({ "pin": "271828" }))
        .await;
    stranger
        .with_bearer("lens_canary-key")
        .get("/v1/conferences")
        .await;
    let headers = [
        ("content-type", "application/json"),
        ("x-forwarded-for", FORWARDED),
    ];
    let body = b"{\"canary-json\": ".to_vec();
    let method = hyper::Method::POST;
    stranger
        .exchange(method, "/api/login", &headers, body)
        .await;
    secrets.add("an e-mail address", email);
    secrets.add("a wrong password", "canary-wrong-password");
    secrets.add("a wrong PIN", "271828");
    secrets.add("a wrong key", "canary-key");
    secrets.add("a body", "canary-json");
}

/// A program with a key, and a participant with a media token.
async fn integrator(product: &Product, secrets: &mut Secrets) {
    let api = product.integrator("owner").from_address(address(CALLER));
    let key = api.bearer().expect("a key").to_owned();
    secrets.add("an API key", &key);
    let mut room = Room::open(api, json!({})).await;
    let offer = room.join("camera", "Margit").await;
    let token = offer.media_token.as_ref().expect("a token").expose();
    secrets.add("a media token", token);
    secrets.sdp(&offer.sdp);
    let bad = json!({
        "generation": offer.generation,
        "negotiation_id": offer.negotiation_id,
        "sdp": "v=0\r\ncanary-bad-sdp\r\n",
    });
    let path = format!("{}/answer", room.path(&offer));
    assert_eq!(room.api.put(&path, bad).await.status, 422);
    secrets.add("an SDP", "canary-bad-sdp");
    let manner = Manner {
        from: Some(address(CAMERA)),
        ..Manner::default()
    };
    let peer = room.connect(&offer, manner).await;
    drop(peer);
    let conference = format!("/v1/conferences/{}", room.id);
    assert!(room.api.delete(&conference).await.status < 300);
}

/// A session from PIN to close, and one by its link.
async fn session(product: &Product, secrets: &mut Secrets) {
    let mut technician = product.signed_in().await;
    secrets.cookies(&technician);
    by_link(product, &mut technician, secrets).await;
    let made = technician.post("/api/sessions", json!({})).await.success();
    let id = text(&made["session"]["id"]);
    let pin = text(&made["invitation"]["pin"]);
    secrets.add("a PIN", &pin);
    let mut customer = caller(product);
    let view = customer
        .post("/api/invitations/redeem", json!({ "pin": pin }))
        .await
        .success();
    secrets.cookies(&customer);
    let mut page = Socket::greeted(&customer, "customer", "canary-customer-page").await;
    let mut console = console(product, &mut technician, secrets).await;
    let consent = json!({
        "capabilities": ["camera", "voice"],
        "text_version": view["consent"]["version"],
        "locale": "en",
        "text_sha256": "0".repeat(64),
        "shown_name": view["technician"]["name"],
    });
    customer
        .post("/api/customer/consent", consent)
        .await
        .success();
    let path = format!("/api/sessions/{id}");
    let start = json!({ "channel": CONSOLE });
    let started = technician
        .post(&format!("{path}/start"), start)
        .await
        .success();
    let _viewer = take_part(
        &mut console,
        Some(&id),
        started["offer"].clone(),
        VIEWER,
        secrets,
    )
    .await;
    let offer = page.hear("offer").await;
    let camera = take_part(&mut page, None, offer, CAMERA, secrets).await;
    for (socket, session, line) in [
        (&mut page, None, "canary-chat-of-the-customer"),
        (
            &mut console,
            Some(id.as_str()),
            "canary-chat-of-the-technician",
        ),
    ] {
        let chat = json!({ "kind": "chat", "client_id": line, "text": line });
        assert!(socket.say(session, chat).await, "the socket is open");
        socket.hear("chat").await;
        secrets.add("a chat line", line);
    }
    camera.say("canary-data-channel");
    secrets.add("a text of the data channel", "canary-data-channel");
    for step in ["hold", "resume"] {
        technician
            .post(&format!("{path}/{step}"), json!({}))
            .await
            .success();
    }
    let close = json!({ "reason": "solved", "note": "canary-note" });
    technician
        .post(&format!("{path}/close"), close)
        .await
        .success();
    secrets.add("a note", "canary-note");
}

const CONSOLE: &str = "canary-console-page";

/// A console that comes with a ticket instead of a cookie.
async fn console(product: &Product, technician: &mut Http, secrets: &mut Secrets) -> Socket {
    let ticket = technician.post("/api/tickets", json!({})).await.success();
    let ticket = text(&ticket["ticket"]);
    let mut console = Socket::open(&caller(product), "console").await;
    console.greet(CONSOLE, Some(&ticket)).await;
    console.hear("welcome").await;
    secrets.add("a ticket", &ticket);
    console
}

async fn by_link(product: &Product, technician: &mut Http, secrets: &mut Secrets) {
    let made = technician.post("/api/sessions", json!({})).await.success();
    let link = text(&made["invitation"]["link"]);
    let (_, secret) = link.split_once('#').expect("a link with a fragment");
    let halves = link::derive(&SecretText::new(secret)).expect("a sound link");
    let body = json!({ "lookup": halves.lookup.expose(), "auth": halves.auth.expose() });
    caller(product)
        .post("/api/invitations/redeem", body)
        .await
        .success();
    secrets.add("a link", secret);
    secrets.add("half a link", halves.lookup.expose());
    secrets.add("half a link", halves.auth.expose());
}

/// Answers the offer over signalling and connects.
async fn take_part(
    socket: &mut Socket,
    session: Option<&str>,
    offer: Value,
    from: &str,
    secrets: &mut Secrets,
) -> Peer {
    let offer: ParticipantOffer = serde_json::from_value(offer).expect("an offer");
    let manner = Manner {
        from: Some(address(from)),
        ..Manner::default()
    };
    let (peer, sdp) = Peer::answer(&offer, manner);
    secrets.sdp(&offer.sdp);
    secrets.sdp(&sdp);
    socket.answer(session, &offer, &sdp).await;
    wait::until_true("the peer is connected", || peer.facts().connected).await;
    peer
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Stops every process and returns each line with who wrote it.
async fn said_until_the_end(product: &mut Product) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    for (name, process) in &mut product.processes {
        assert_eq!(process.stop(), Some(0), "{name} does not end well");
        let last = |line: &String| line.contains("stopped");
        wait::until_true("its last line is read", || process.lines().iter().any(last)).await;
        said.extend(process.lines().into_iter().map(|line| (*name, line)));
    }
    said
}
