//! A conference over the HTTP API, with peers in it.

use std::time::Duration;

use hyper::Method;
use lens_protocol::conference::{Conference, ParticipantOffer};
use serde_json::{Value, json};

use crate::http::Http;
use crate::peer::{Manner, Peer};
use crate::wait;

/// A conference and its owner's key.
#[derive(Debug)]
pub struct Room {
    /// The owner.
    pub api: Http,
    /// Its id.
    pub id: String,
}

impl Room {
    /// Opens a conference with these settings.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn open(mut api: Http, settings: Value) -> Self {
        let made = api.post("/v1/conferences", settings).await.success();
        let id = made["id"]
            .as_str()
            .expect("a conference has an id")
            .to_owned();
        Self { api, id }
    }

    /// The conference as its owner sees it.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn conference(&mut self) -> Conference {
        let found = self
            .api
            .get(&format!("/v1/conferences/{}", self.id))
            .await
            .success();
        serde_json::from_value(found).expect("a conference")
    }

    /// Joins and returns the offer.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn join(&mut self, role: &str, name: &str) -> ParticipantOffer {
        let body = json!({ "role": role, "display_name": name });
        let path = format!("/v1/conferences/{}/participants", self.id);
        serde_json::from_value(self.api.post(&path, body).await.success()).expect("an offer")
    }

    /// Joins with an `Idempotency-Key`: the same key again is the same answer.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn join_once(&mut self, key: &str, role: &str, name: &str) -> ParticipantOffer {
        let body = json!({ "role": role, "display_name": name }).to_string();
        let path = format!("/v1/conferences/{}/participants", self.id);
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        let joined = self
            .api
            .exchange(Method::POST, &path, &headers, body.into_bytes());
        let joined = joined.await.expect("the door answers").success();
        serde_json::from_value(joined).expect("an offer")
    }

    /// A new offer for a participant.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn renew(&mut self, offer: &ParticipantOffer) -> ParticipantOffer {
        let path = format!("{}/offer", self.path(offer));
        serde_json::from_value(self.api.post(&path, json!({})).await.success()).expect("an offer")
    }

    /// Answers an offer with a peer of this manner, which then connects.
    ///
    /// # Panics
    /// When the answer is refused, or the peer does not connect.
    pub async fn connect(&mut self, offer: &ParticipantOffer, manner: Manner) -> Peer {
        self.connect_and_tell(offer, manner).await.0
    }

    /// The same; the peer and the answer it gave.
    ///
    /// # Panics
    /// When the answer is refused, or the peer does not connect.
    pub async fn connect_and_tell(
        &mut self,
        offer: &ParticipantOffer,
        manner: Manner,
    ) -> (Peer, String) {
        let (peer, sdp) = Peer::answer(offer, manner);
        let body = json!({
            "generation": offer.generation,
            "negotiation_id": offer.negotiation_id,
            "sdp": &sdp,
        });
        let reply = self
            .api
            .put(&format!("{}/answer", self.path(offer)), body)
            .await;
        assert!(reply.status < 300, "the answer was refused: {}", reply.text);
        wait::until_true("the peer is connected", || peer.facts().connected).await;
        (peer, sdp)
    }

    /// Joins and connects.
    pub async fn enter(&mut self, role: &str, name: &str) -> (ParticipantOffer, Peer) {
        self.enter_as(role, name, Manner::default()).await
    }

    /// Joins and connects with a peer of this manner.
    pub async fn enter_as(
        &mut self,
        role: &str,
        name: &str,
        manner: Manner,
    ) -> (ParticipantOffer, Peer) {
        let offer = self.join(role, name).await;
        let peer = self.connect(&offer, manner).await;
        (offer, peer)
    }

    /// The timeline of a participant.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn timeline(&mut self, offer: &ParticipantOffer) -> Value {
        self.api
            .get(&format!("{}/timeline", self.path(offer)))
            .await
            .success()
    }

    /// The participant's path in the API.
    pub fn path(&self, offer: &ParticipantOffer) -> String {
        format!(
            "/v1/conferences/{}/participants/{}",
            self.id, offer.participant
        )
    }
}

/// Waits until a viewer has `count` more numbers than now, and returns these.
///
/// # Panics
/// When they do not come.
pub async fn more_numbers(viewer: &Peer, count: usize) -> Vec<u32> {
    let before = viewer.facts().numbers().len();
    wait::until_true("more video comes", || {
        viewer.facts().numbers().len() >= before + count
    })
    .await;
    viewer.facts().numbers().split_off(before)
}

/// Whether nothing more comes to a viewer for `quiet`, once what was on its way is there.
///
/// # Panics
/// When something keeps coming.
pub async fn falls_silent(viewer: &Peer, quiet: Duration) {
    let last = || {
        viewer
            .facts()
            .video
            .values()
            .flatten()
            .map(|(at, _)| *at)
            .max()
    };
    wait::until_true("the video falls silent", || {
        last().is_none_or(|at| at.elapsed() > quiet)
    })
    .await;
}

/// The numbers run without a hole or a step back.
///
/// # Panics
/// When they do not.
pub fn assert_complete(numbers: &[u32]) {
    for pair in numbers.windows(2) {
        assert_eq!(pair[1], pair[0] + 1, "after {} came {}", pair[0], pair[1]);
    }
}
