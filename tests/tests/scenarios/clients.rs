//! Clients that make their own offers: WHIP (RFC 9725) and WHEP.

use hyper::Method;
use lens_protocol::media::ClientProtocol;
use lens_tests::http::{Http, Reply};
use lens_tests::peer::{Offering, Peer};
use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, assert_complete, more_numbers};
use lens_tests::wait;
use serde_json::json;

/// A client and where its connection can be ended.
struct Client {
    peer: Peer,
    location: String,
}

async fn send(api: &mut Http, room: &str, protocol: ClientProtocol, sdp: &str) -> Reply {
    let path = format!("/v1/conferences/{room}/{}", protocol.as_str());
    let headers = [("content-type", "application/sdp")];
    let body = sdp.as_bytes().to_vec();
    let sent = api.exchange(Method::POST, &path, &headers, body);
    sent.await.expect("the door answers")
}

async fn come(api: &mut Http, room: &str, protocol: ClientProtocol) -> Client {
    let offering = Offering::new(protocol);
    let reply = send(api, room, protocol, &offering.sdp).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let peer = Peer::answered(offering, &reply.text);
    wait::until_true("the client is connected", || peer.facts().connected).await;
    Client {
        peer,
        location: reply.headers["location"].clone(),
    }
}

/// A camera that came by WHIP is seen by a viewer of ours and by one that came by WHEP, heard by
/// both, and gone when it hangs up.
pub(crate) async fn pass(mode: Mode) {
    let product = Product::start(mode);
    let allowed = json!({"media": {"whip": true, "whep": true}});
    let mut room = Room::open(product.integrator("crm"), allowed).await;
    let (mut api, id) = (room.api.clone(), room.id.clone());
    let (_, ours) = room.enter("viewer", "Anna").await;
    let screen = come(&mut api, &id, ClientProtocol::Whep).await;
    let camera = come(&mut api, &id, ClientProtocol::Whip).await;
    for viewer in [&ours, &screen.peer] {
        assert_complete(&more_numbers(viewer, 60).await);
        wait::until_true("the camera is heard", || !viewer.facts().audio.is_empty()).await;
    }
    screen.peer.request_keyframe();
    wait::until_true("the camera is asked for a keyframe", || {
        camera.peer.facts().keyframe_requests > 0
    })
    .await;

    let gone = api.exchange(Method::DELETE, &camera.location, &[], Vec::new());
    assert_eq!(gone.await.expect("the door answers").status, 200);
    wait::until_true("the camera is told goodbye", || camera.peer.facts().ended).await;
    let names = |room: &lens_protocol::conference::Conference| {
        let people = room.participants.iter();
        people
            .map(|one| one.display_name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&room.conference().await), ["Anna", "WHEP"]);
    // A second camera finds the place free, and both viewers still there.
    let again = come(&mut api, &id, ClientProtocol::Whip).await;
    for viewer in [&ours, &screen.peer] {
        more_numbers(viewer, 30).await;
    }
    drop(again);
}

/// Where the policy does not say so, nobody comes in this way.
pub(crate) async fn denied(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (mut api, id) = (room.api.clone(), room.id.clone());
    for protocol in [ClientProtocol::Whip, ClientProtocol::Whep] {
        let sdp = Offering::new(protocol).sdp;
        let refused = send(&mut api, &id, protocol, &sdp).await;
        let said = (refused.status, refused.code());
        assert_eq!(said, (403, "protocol_not_allowed".to_owned()));
    }
    assert!(room.conference().await.participants.is_empty());
}
