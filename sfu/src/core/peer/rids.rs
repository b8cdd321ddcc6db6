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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use lens_protocol::media::{MediaPolicy, Role};
    use lens_runtime::entropy::SeededEntropy;

    use super::*;
    use crate::core::demux::Names;
    use crate::core::peer::{self, Blueprint, Credentials, Identity};
    use crate::core::slots;

    /// The offer to a camera, the same each time but for the policy.
    fn offer(identity: &Identity, simulcast: Simulcast) -> String {
        fastrand::seed(7);
        let built = peer::build(Blueprint {
            credentials: Credentials::new(0, &Names::for_tests(), &mut SeededEntropy::new(1)),
            identity,
            addresses: &[],
            layout: &slots::layout(Role::Camera, 3),
            codecs: &MediaPolicy::default().video_codecs,
            simulcast,
            own_path: true,
            channel: true,
            now: Instant::now(),
        });
        built.expect("a peer").sdp
    }

    /// What the stack draws for SCTP, from a generator of its own.
    const HALF: &str = "a=sctp-init:";

    /// Whether a line holds what is drawn anew for each offer.
    fn is_drawn(line: &str) -> bool {
        let drawn = ["a=mid:", "a=group:", "a=ssrc:", "a=ssrc-group:", HALF];
        drawn.iter().any(|name| line.starts_with(name))
    }

    #[test]
    fn an_offer_asks_for_layers_by_policy_and_differs_in_nothing_else() {
        let identity = Identity::generate().expect("a certificate");
        let never = offer(&identity, Simulcast::Never);
        let again = offer(&identity, Simulcast::Never);
        let ours = |offer: &str| {
            offer
                .lines()
                .filter(|line| !line.starts_with(HALF))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(ours(&never), ours(&again), "the same twice");
        for (policy, wanted) in [
            (Simulcast::Always, "a=simulcast:recv h;m;l"),
            (Simulcast::Auto, "a=simulcast:recv h;~m;~l"),
        ] {
            let asking = offer(&identity, policy);
            let ours = |line: &&str| line.starts_with("a=rid:") || line.starts_with("a=simulcast:");
            let lines = asking.lines().filter(|line| !is_drawn(line));
            let (layers, rest): (Vec<&str>, Vec<&str>) = lines.partition(ours);
            assert_eq!(
                layers,
                ["a=rid:h recv", "a=rid:m recv", "a=rid:l recv", wanted]
            );
            let plain = never.lines().filter(|line| !is_drawn(line));
            assert_eq!(rest, plain.collect::<Vec<_>>(), "{policy:?}");
        }
    }
}
