//! Layers of one picture by their names: what an offer asks for (RFC 8853), and which streams of a
//! peer they are (RFC 8852).

use lens_protocol::media::{Simulcast, SlotKind};
use str0m::media::{self, Media, Rids, SimulcastLayer};

use crate::core::layers::LAYERS;

/// Names in our offers, the largest picture first.
const NAMES: [&str; LAYERS] = ["h", "m", "l"];

/// What the offer says of a slot.
pub(super) fn asked(kind: SlotKind, policy: Simulcast) -> Option<media::Simulcast> {
    if kind != SlotKind::VideoUp || policy == Simulcast::Never {
        return None;
    }
    let mut asked = media::Simulcast::new();
    for name in NAMES {
        asked.add_recv_layer(SimulcastLayer::new(name));
    }
    Some(asked)
}

/// With [`Simulcast::Auto`] all layers but the first begin paused, which RFC 8853 §5.1 writes as
/// `~`. The stack has no word for that.
pub(super) fn pause(offer: String, policy: Simulcast) -> String {
    let [first, second, third] = NAMES;
    match policy {
        Simulcast::Never | Simulcast::Always => offer,
        Simulcast::Auto => offer.replace(
            &format!("a=simulcast:recv {first};{second};{third}\r\n"),
            &format!("a=simulcast:recv {first};~{second};~{third}\r\n"),
        ),
    }
}

/// The layers that a peer sends in a section, by name; 0 is the smallest. Empty for a peer that
/// sends one picture.
pub(super) fn agreed(media: &Media) -> Vec<(Vec<u8>, u8)> {
    let Rids::Specific(names) = media.rids_rx() else {
        return Vec::new();
    };
    let known = |name: &str| NAMES.iter().position(|known| *known == name);
    let named = names.iter().filter_map(|rid| {
        let name = rid.to_string();
        let layer = NAMES.len() - 1 - known(&name)?;
        Some((name.into_bytes(), layer as u8))
    });
    named.collect()
}
