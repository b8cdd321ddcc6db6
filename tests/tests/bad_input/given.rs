//! What is there before bad input comes, and the sending of it.

use std::net::{Ipv4Addr, SocketAddr};

use hyper::Method;
use lens_protocol::conference::ParticipantOffer;
use lens_protocol::media::ClientProtocol;
use lens_tests::http::{Http, Reply};
use lens_tests::peer::{Manner, Offering, Peer};
use lens_tests::product::Product;
use lens_tests::room::Room;
use serde_json::json;

use crate::spoil::spoil;
use crate::table::Row;
use crate::{counted, socket, stun};

/// The surroundings of one row.
pub(crate) struct Given {
    row: Row,
    sender: Http,
    customer: Http,
    conference: String,
    /// The offer, when the row has one.
    pub(crate) offer: Option<ParticipantOffer>,
    /// Where a client's connection is, when one came by WHIP.
    client: String,
    /// A client token for WHIP, in a conference that takes such clients.
    client_token: String,
    /// The peer that answered it, and how.
    answered: Option<(Peer, String)>,
    session: String,
    pin: String,
}

impl Given {
    /// Makes what the row asks for.
    pub(crate) async fn make(row: &Row, product: &Product) -> Self {
        let mut given = Self {
            row: row.clone(),
            sender: product.http(),
            customer: product.http(),
            conference: String::new(),
            offer: None,
            client: String::new(),
            client_token: String::new(),
            answered: None,
            session: String::new(),
            pin: String::new(),
        };
        let has_session = row.given.contains("session") || row.given.contains("redeemed");
        let mut technician = product.http();
        if has_session || row.sender == "technician" {
            technician = product.signed_in().await;
        }
        let rooms = ["offer", "answered", "renewed", "left", "ended", "full"];
        if ["clients", "client"].contains(&&*row.given) {
            given.clients(product).await;
        } else if rooms.contains(&&*row.given) || row.sender == "key" {
            given.room(product).await;
        }
        if has_session {
            given.session(&mut technician).await;
        }
        given.sender = given.who_sends(product, technician).await;
        given
    }

    async fn who_sends(&self, product: &Product, technician: Http) -> Http {
        let token = self
            .offer
            .as_ref()
            .and_then(|offer| offer.media_token.as_ref());
        let token = token
            .map(|token| token.expose().to_owned())
            .unwrap_or_default();
        match self.row.sender.as_str() {
            "" | "nobody" => product.http(),
            "key" => self.sender.clone(),
            "reader" => product.with_key("reader", &["conferences:read"]),
            "stranger" => product.integrator("stranger"),
            "forger" => product
                .http()
                .with_bearer("lens_0199d1f2_AAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            "token" => product.http().with_bearer(&token),
            "spoilt-token" => product.http().with_bearer(&spoilt(&token)),
            "client-token" => product.http().with_bearer(&self.client_token),
            "other-token" => product.http().with_bearer(&other_token(product).await),
            "technician" => technician,
            "customer" => self.customer.clone(),
            other => panic!("nobody is called {other:?}"),
        }
    }

    async fn room(&mut self, product: &Product) {
        let settings = if self.row.given == "full" {
            json!({ "max_participants": 2, "media": { "whep": true } })
        } else {
            json!({})
        };
        let mut room = Room::open(product.integrator("owner"), settings).await;
        let offer = room.join("camera", "Margit").await;
        match self.row.given.as_str() {
            "full" => drop(room.join("viewer", "Anna").await),
            "answered" => {
                self.answered = Some(room.connect_and_tell(&offer, Manner::default()).await);
            }
            "renewed" => drop(room.renew(&offer).await),
            "left" => {
                let path = room.path(&offer);
                assert!(room.api.delete(&path).await.status < 300);
            }
            "ended" => {
                let path = format!("/v1/conferences/{}", room.id);
                assert!(room.api.delete(&path).await.status < 300);
            }
            _ => {}
        }
        self.sender = room.api.clone();
        self.conference = room.id;
        self.offer = Some(offer);
    }

    /// A conference that clients with offers of their own may come to.
    async fn clients(&mut self, product: &Product) {
        let settings = json!({ "max_participants": 2, "media": { "whip": true, "whep": true } });
        let mut room = Room::open(product.integrator("owner"), settings).await;
        let path = format!("/v1/conferences/{}", room.id);
        let wanted = json!({ "protocol": "whip", "display_name": "Helmet" });
        let tokens = format!("{path}/client-tokens");
        let given = room.api.post(&tokens, wanted).await.success();
        self.client_token = given["token"].as_str().expect("a token").to_owned();
        if self.row.given == "client" {
            let sdp = Offering::new(ClientProtocol::Whip).sdp;
            let headers = [("content-type", "application/sdp")];
            let path = format!("{path}/whip");
            let sent = room
                .api
                .exchange(Method::POST, &path, &headers, sdp.into_bytes());
            let reply = sent.await.expect("the door answers");
            assert_eq!(reply.status, 201, "{}", reply.text);
            self.client = reply.headers["location"].clone();
        }
        self.sender = room.api.clone();
        self.conference = room.id;
    }

    async fn session(&mut self, technician: &mut Http) {
        let made = technician.post("/api/sessions", json!({})).await.success();
        self.session = made["session"]["id"].as_str().expect("an id").to_owned();
        self.pin = made["invitation"]["pin"]
            .as_str()
            .expect("a PIN")
            .to_owned();
        if self.row.given.contains("redeemed") {
            let body = json!({ "pin": self.pin });
            self.customer
                .post("/api/invitations/redeem", body)
                .await
                .success();
        }
        let end = |step, body| (format!("/api/sessions/{}/{step}", self.session), body);
        let end = match self.row.given.as_str() {
            "closed session" | "redeemed, then closed" => {
                Some(end("close", json!({ "reason": "solved" })))
            }
            "session put out" => Some(end("put-out", json!({}))),
            _ => None,
        };
        if let Some((path, body)) = end {
            technician.post(&path, body).await.success();
        }
    }

    /// The customer's browser.
    pub(crate) fn customer(&self) -> &Http {
        &self.customer
    }

    /// Sends the peer's own check again, as somebody would who has recorded it. Nothing but answers
    /// to checks comes back.
    pub(crate) fn replay_check(&self, to: SocketAddr) {
        let offer = self.offer.as_ref().expect("a row with an offer");
        let (_, answer) = self.answered.as_ref().expect("a row with an answer");
        stun::replay(&stun::check(&offer.sdp, answer), to);
    }

    /// A console that never reads, until the row's counter has risen.
    pub(crate) async fn put_to_sleep(&self, product: &Product) {
        let before = counted(&self.row, product).await;
        let done = async || counted(&self.row, product).await > before;
        socket::never_reads(product, &self.session, done).await;
    }

    /// Sends the row's input; returns the last answer.
    pub(crate) async fn send(mut self, product: &Product) -> Reply {
        let row = self.row.clone();
        let (method, path) = row.send.split_once(' ').expect("a method and a path");
        let method: hyper::Method = method.parse().expect("a method");
        let path = self.fill_in(path);
        let mut headers: Vec<(&str, &str)> = vec![];
        if !row.headers.contains_key("content-type") {
            headers.push(("content-type", "application/json"));
        }
        headers.extend(
            row.headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        if let Some(first) = &row.before {
            let body = first.to_string().into_bytes();
            let reply = self
                .sender
                .exchange(method.clone(), &path, &headers, body)
                .await;
            assert!(
                reply.is_some_and(|reply| reply.status < 300),
                "the first request is good"
            );
        }
        let body = self.body();
        let exchange = async |mut sender: Http| {
            sender
                .exchange(method.clone(), &path, &headers, body.clone())
                .await
        };
        let crowd = (1..=row.addresses).map(|last| {
            let sender = product
                .http()
                .from_address(Ipv4Addr::new(127, 0, 66, last).into());
            let exchange = &exchange;
            async move {
                for _ in 0..row.times {
                    exchange(sender.clone()).await;
                }
            }
        });
        futures_util::future::join_all(crowd).await;
        let times = if row.addresses > 0 { 1 } else { row.times };
        let mut last = None;
        for _ in 0..times {
            last = exchange(self.sender.clone()).await;
        }
        last.expect("an answer, and no closed connection")
    }

    fn body(&self) -> Vec<u8> {
        let row = &self.row;
        if row.text.is_some() || row.fill > 0 {
            let text = match (row.text.as_deref(), &row.sdp) {
                (Some("{offer}"), None) => Offering::new(ClientProtocol::Whip).sdp,
                (Some("{offer}"), Some(how)) => {
                    spoil(&Offering::new(ClientProtocol::Whip).sdp, how)
                }
                (text, _) => text.unwrap_or_default().to_owned(),
            };
            return (text + &"[".repeat(row.fill)).into_bytes();
        }
        let Some(mut json) = row.json.clone() else {
            return vec![];
        };
        if json["sdp"].is_string() {
            let offer = self
                .offer
                .as_ref()
                .expect("a row with an answer has an offer");
            json["generation"] = json!(offer.generation);
            json["negotiation_id"] = json!(offer.negotiation_id);
            if json["sdp"] == "{answer}" {
                let (_peer, answer) = Peer::answer(offer, Manner::default());
                json["sdp"] = match &row.sdp {
                    Some(how) => spoil(&answer, how).into(),
                    None => answer.into(),
                };
            }
        }
        self.fill_in(&json.to_string()).into_bytes()
    }

    fn fill_in(&self, text: &str) -> String {
        let participant = self
            .offer
            .as_ref()
            .map(|offer| offer.participant.to_string());
        text.replace("{conference}", &self.conference)
            .replace("{participant}", &participant.unwrap_or_default())
            .replace("{client}", &self.client)
            .replace(
                "{client-id}",
                self.client.rsplit('/').next().unwrap_or_default(),
            )
            .replace("{session}", &self.session)
            .replace("{pin}", &self.pin)
            .replace("{long}", &"Q7".repeat(5_120))
    }
}

fn spoilt(token: &str) -> String {
    let at = token.len() - 4;
    let other = if &token[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}

async fn other_token(product: &Product) -> String {
    let mut room = Room::open(product.integrator("owner of another"), json!({})).await;
    let offer = room.join("camera", "Somebody").await;
    offer
        .media_token
        .expect("a join gives a token")
        .expose()
        .to_owned()
}
