//! Offers of clients (WHIP, WHEP): whatever is in one, its answer has its sections, in its order,
//! of which no more are open than there are slots.
//!
//! Input: role and size of the conference (1 byte), then an SDP.

use std::time::Instant;

use lens_protocol::media::{MediaPolicy, Role};
use lens_runtime::entropy::SeededEntropy;

use super::shard::{IDENTITY, door};
use crate::core::demux::Names;
use crate::core::description::Description;
use crate::core::offer::Offer;
use crate::core::peer::{self, Blueprint, Credentials};
use crate::core::slots;

pub(super) fn check(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let (role, size) = match choice % 2 {
        0 => (Role::Camera, 2 + choice / 2 % 3),
        _ => (Role::Viewer, 2 + choice / 2 % 3),
    };
    let codecs = MediaPolicy::default().video_codecs;
    let Ok(offer) = Offer::parse(text, role, size, &codecs) else {
        return;
    };
    let layout = slots::layout(role, size);
    assert_eq!(offer.kinds.len(), offer.mids.len());
    for kind in &offer.kinds {
        let count = |kinds: &[_]| kinds.iter().filter(|it| *it == kind).count();
        assert!(count(&offer.kinds) <= count(&layout), "{kind:?} too often");
        assert_eq!(slots::is_up(*kind), role == Role::Camera);
    }
    let built = peer::accept(
        Blueprint {
            credentials: Credentials::new(0, &Names::for_tests(), &mut SeededEntropy::new(3)),
            identity: &IDENTITY,
            addresses: &[door()],
            layout: &layout,
            codecs: &codecs,
            simulcast: lens_protocol::media::Simulcast::Never,
            own_path: true,
            channel: true,
            now: Instant::now(),
        },
        &offer,
    );
    let Ok(built) = built else { return };
    let asked = Description::parse(text).expect("it was read");
    let answered: Vec<&str> = built
        .sdp
        .lines()
        .filter(|it| it.starts_with("m="))
        .collect();
    assert_eq!(answered.len(), asked.sections.len(), "a section is missing");
    let open = answered
        .iter()
        .filter(|it| it.split(' ').nth(1) != Some("0"));
    assert_eq!(
        open.count(),
        offer.kinds.len(),
        "one slot, one open section"
    );
    let named = built.sdp.lines().filter_map(|it| it.strip_prefix("a=mid:"));
    let mids: Vec<&str> = asked.sections.iter().map(|it| it.mid.as_str()).collect();
    assert_eq!(named.collect::<Vec<_>>(), mids, "the order is the offer's");
}
