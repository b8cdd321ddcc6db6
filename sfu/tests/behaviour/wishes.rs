//! A viewer tells the server itself, over a data channel of its own, how large it shows the picture.

use std::time::Duration;

use lens_protocol::limits::{PICTURE_LINES, WISH_BYTES};
use lens_protocol::media::{MediaPolicy, Role, Simulcast, SlotKind};
use lens_protocol::wish::CONTROL_CHANNEL;

use crate::support::client::Seen;
use crate::support::{Party, World, eventually};

const FRAME: Duration = Duration::from_millis(10);

/// A camera that sends three sizes, of 180, 360 and 720 lines as far as anybody knows, and a viewer
/// whose channel is open.
async fn layered() -> (World, Party, Party) {
    let world = World::start();
    let policy = MediaPolicy {
        simulcast: Simulcast::Always,
        ..MediaPolicy::default()
    };
    let conference = world.conference_with(2, policy).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    let mid = camera.mid(SlotKind::VideoUp);
    camera.client.send_layers(&mid, FRAME);
    viewer.client.open_channel(CONTROL_CHANNEL).await;
    (world, camera, viewer)
}

/// Which size the newest packet is of.
fn layer(seen: &Seen, mid: &str) -> Option<u64> {
    let newest = seen.on(mid).last()?;
    let number = newest.payload[2..10].try_into().expect("eight bytes");
    Some(u64::from_be_bytes(number) / 10_000 - 1)
}

async fn sees(viewer: &Party, wanted: u64) {
    let mid = viewer.mid(SlotKind::VideoDown);
    let what = format!("layer {wanted}");
    let seen = |seen: &Seen| layer(seen, &mid) == Some(wanted);
    viewer.client.wait(&what, seen).await;
}

fn dropped(world: &World) -> u64 {
    let figures = world.figures();
    let mut lines = figures.lines();
    let line = lines.find_map(|line| line.split_once("messages_dropped_total "));
    line.expect("such a figure").1.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_wish_changes_the_layer_and_the_others_are_dropped_and_counted() {
    let (world, camera, viewer) = layered().await;
    sees(&viewer, 2).await;
    viewer
        .client
        .tell(CONTROL_CHANNEL, false, br#"{"max_height":300}"#);
    sees(&viewer, 1).await;
    assert_eq!(dropped(&world), 0);
    let long = format!(r#"{{"max_height":90,"pad":"{}"}}"#, "x".repeat(WISH_BYTES));
    let high = format!(r#"{{"max_height":{}}}"#, PICTURE_LINES + 1);
    let bad: [(bool, &[u8]); 9] = [
        (false, long.as_bytes()),
        (true, long.as_bytes()),
        (false, high.as_bytes()),
        (false, br#"{"max_height":-1}"#),
        (false, br#"{"max_height":"90"}"#),
        (false, br#"[90]"#),
        (false, b"90"),
        (false, br#"{"max_height":90"#),
        (true, &[0xFF, 0x00, 0x5A]),
    ];
    for (number, (binary, message)) in (1..).zip(bad) {
        viewer.client.tell(CONTROL_CHANNEL, binary, message);
        let counted = || dropped(&world) == number;
        eventually("the message is dropped", counted).await;
    }
    // What is dropped changes nothing, and its sender goes on to be heard.
    viewer.client.forget();
    sees(&viewer, 1).await;
    let good = br#"{"max_height":100,"later":true}"#;
    // Of those above, as many as fit into a second have been counted against it.
    while layer(&viewer.client.seen(), &viewer.mid(SlotKind::VideoDown)) != Some(0) {
        viewer.client.tell(CONTROL_CHANNEL, true, good);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let relayed = camera.client.seen().messages;
    assert!(relayed.is_empty(), "a wish is for nobody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_of_another_name_is_nobodys() {
    let (world, camera, viewer) = layered().await;
    sees(&viewer, 2).await;
    viewer.client.open_channel("lens-other").await;
    viewer
        .client
        .tell("lens-other", false, br#"{"max_height":0}"#);
    // Everything said before it has come when this has.
    viewer
        .client
        .tell(CONTROL_CHANNEL, false, br#"{"max_height":300}"#);
    sees(&viewer, 1).await;
    assert_eq!(dropped(&world), 0);
    assert!(camera.client.seen().messages.is_empty());
}
