//! What is there before bad input comes, and the sending of it.

use lens_protocol::conference::ParticipantOffer;
use lens_tests::http::Http;
use lens_tests::peer::{Manner, Peer};
use lens_tests::product::Product;
use lens_tests::room::Room;
use serde_json::json;

use crate::spoil::spoil;
use crate::table::Row;

/// The surroundings of one row.
pub(crate) struct Given {
    sender: Http,
    conference: String,
    /// The offer, when the row has one.
    pub(crate) offer: Option<ParticipantOffer>,
    session: String,
    pin: String,
}

impl Given {
    /// Makes what the row asks for.
    pub(crate) async fn make(row: &Row, product: &Product) -> Self {
        let mut given = Self {
            sender: product.http(),
            conference: String::new(),
            offer: None,
            session: String::new(),
            pin: String::new(),
        };
        let mut customer = product.http();
        let mut technician = product.http();
        if row.given.contains("session") || row.given == "redeemed" || row.sender == "technician" {
            technician = product.signed_in().await;
        }
        let needs_room = ["offer", "answered", "renewed", "ended", "full"].contains(&&*row.given);
        if needs_room || row.sender == "key" {
            given.room(row, product).await;
        }
        if row.given.contains("session") || row.given == "redeemed" {
            given.session(row, &mut technician, &mut customer).await;
        }
        let token = given
            .offer
            .as_ref()
            .and_then(|offer| offer.media_token.as_ref());
        let token = token
            .map(|token| token.expose().to_owned())
            .unwrap_or_default();
        given.sender = match row.sender.as_str() {
            "" | "nobody" => product.http(),
            "key" => given.sender.clone(),
            "reader" => product.with_key("reader", &["conferences:read"]),
            "stranger" => product.integrator("stranger"),
            "forger" => product
                .http()
                .with_bearer("lens_0199d1f2_AAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            "token" => product.http().with_bearer(&token),
            "spoilt-token" => product.http().with_bearer(&spoilt(&token)),
            "other-token" => product.http().with_bearer(&other_token(product).await),
            "technician" => technician,
            "customer" => customer,
            other => panic!("nobody is called {other:?}"),
        };
        given
    }

    async fn room(&mut self, row: &Row, product: &Product) {
        let settings = if row.given == "full" {
            json!({ "max_participants": 2 })
        } else {
            json!({})
        };
        let mut room = Room::open(product.integrator("owner"), settings).await;
        let offer = room.join("camera", "Margit").await;
        match row.given.as_str() {
            "full" => drop(room.join("viewer", "Anna").await),
            "answered" => drop(room.connect(&offer, Manner::default()).await),
            "renewed" => drop(room.renew(&offer).await),
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

    async fn session(&mut self, row: &Row, technician: &mut Http, customer: &mut Http) {
        let made = technician.post("/api/sessions", json!({})).await.success();
        self.session = made["session"]["id"].as_str().expect("an id").to_owned();
        self.pin = made["invitation"]["pin"]
            .as_str()
            .expect("a PIN")
            .to_owned();
        if row.given == "redeemed" {
            let body = json!({ "pin": self.pin });
            customer
                .post("/api/invitations/redeem", body)
                .await
                .success();
        }
        if row.given == "closed session" {
            let path = format!("/api/sessions/{}/close", self.session);
            technician
                .post(&path, json!({ "reason": "solved" }))
                .await
                .success();
        }
    }

    /// Sends the row's input; returns status, code and body of the last answer.
    pub(crate) async fn send(mut self, row: &Row) -> (u16, String, String) {
        let (method, path) = row.send.split_once(' ').expect("a method and a path");
        let method = method.parse().expect("a method");
        let path = self.fill_in(path);
        let participant = self
            .offer
            .as_ref()
            .map(|offer| offer.participant.to_string());
        let path = path.replace("{participant}", &participant.unwrap_or_default());
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
            let method = hyper::Method::clone(&method);
            let reply = self.sender.exchange(method, &path, &headers, body).await;
            assert!(
                reply.is_some_and(|reply| reply.status < 300),
                "the first request is good"
            );
        }
        let body = self.body(row);
        let mut last = None;
        for _ in 0..row.times {
            last = self
                .sender
                .exchange(method.clone(), &path, &headers, body.clone())
                .await;
        }
        let reply = last.expect("an answer, and no closed connection");
        (reply.status, reply.code(), reply.text)
    }

    fn body(&self, row: &Row) -> Vec<u8> {
        if let Some(text) = &row.text {
            return text.clone().into_bytes();
        }
        if row.fill > 0 {
            return "[".repeat(row.fill).into_bytes();
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
        text.replace("{conference}", &self.conference)
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
