//! The peer made of webrtc-rs: starts its program and turns what it reports into facts.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::Instant;

use lens_independent_peer::{Event, Habits, Order, Start};
use lens_protocol::conference::ParticipantOffer;
use lens_protocol::media::SlotKind;
use serde::Serialize;

use super::{Facts, Manner, SharedFacts, mids};
use crate::product;

pub(super) fn start(
    offer: &ParticipantOffer,
    manner: Manner,
    habits: Habits,
    facts: SharedFacts,
    orders: Receiver<Order>,
) -> (String, JoinHandle<()>) {
    let mut child = Command::new(binary())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the independent peer starts");
    let mut input = child.stdin.take().expect("its input was asked for");
    let output = child.stdout.take().expect("its output was asked for");
    let own = |kind| mids(&offer.slots, kind).next().map(str::to_owned);
    let start = Start {
        sdp: offer.sdp.clone(),
        from: manner.from,
        video_up: own(SlotKind::VideoUp),
        audio_up: own(SlotKind::AudioUp),
        silent: manner.silent,
        first_sequence: (manner.first_sequence % (1 << 16)) as u16,
        habits,
    };
    let mut lines = BufReader::new(output).lines();
    assert!(tell(&mut input, &start), "the independent peer is gone");
    let answer = match hear(&mut lines) {
        Some(Event::Answer(answer)) => answer,
        other => panic!("the independent peer cannot answer (its reason is above): {other:?}"),
    };
    let writer = std::thread::spawn(move || {
        // Ends with the orders, and closes the peer's input with that.
        let _ = orders.iter().all(|order| tell(&mut input, &order));
    });
    let thread = std::thread::spawn(move || read(child, lines, writer, &facts));
    (answer, thread)
}

fn read(
    mut child: Child,
    mut lines: Lines<BufReader<ChildStdout>>,
    writer: JoinHandle<()>,
    facts: &SharedFacts,
) {
    while let Some(event) = hear(&mut lines) {
        let now = Instant::now();
        facts.note(|facts| apply(facts, event, now));
    }
    facts.note(|facts| facts.ended = true);
    let _ = child.wait();
    let _ = writer.join();
}

fn apply(facts: &mut Facts, event: Event, now: Instant) {
    match event {
        Event::Answer(_) => {}
        Event::Connected => facts.connected = true,
        Event::Ended => facts.ended = true,
        Event::Packet {
            mid,
            video,
            number,
            payload_type,
        } => {
            if video {
                facts.video_types.insert(payload_type);
            }
            let kind = if video {
                &mut facts.video
            } else {
                &mut facts.audio
            };
            kind.entry(mid).or_default().push((now, number));
        }
        Event::VideoSent(payload_type) => {
            facts.video_sent += 1;
            facts.video_sent_types.insert(payload_type);
        }
        Event::KeyframeRequested => facts.keyframe_requests += 1,
        Event::ChannelOpen => facts.channel_open = true,
        Event::Text(text) => facts.texts.push(text),
        Event::Lost => facts.lost += 1,
    }
}

fn tell(input: &mut ChildStdin, line: &impl Serialize) -> bool {
    let mut text = serde_json::to_string(line).expect("plain data");
    text.push('\n');
    input.write_all(text.as_bytes()).is_ok()
}

fn hear(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<Event> {
    let line = lines.next()?.ok()?;
    Some(serde_json::from_str(&line).expect("a line of the independent peer"))
}

/// The program: `INDEPENDENT_PEER` (`LENS_…` would set a parameter of the product), or the one of this workspace, built if need be.
fn binary() -> &'static Path {
    const NAME: &str = "lens-independent-peer";
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("INDEPENDENT_PEER") {
        Some(path) => path.into(),
        None => product::built(&["-p", NAME, "--features", "webrtc"], NAME),
    })
}
