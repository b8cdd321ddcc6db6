//! Our own RTP path of one peer, driven by a peer who knows the keys and says whatever it likes.
//!
//! What we send is authentic under our keys, no nonce is used twice, a packet is forwarded at most
//! once, and a forged one never.
//!
//! Input: steps, taken once with each kind of profile, each one byte and what it needs.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use lens_protocol::Timestamp;
use lens_runtime::udp::Runs;

use super::input::Input;
use crate::core::path::{Carrier, Moment, Path};
use crate::core::peer::fuzzing::{Bare, OURS, PAYLOAD_TYPES, THEIRS};
use crate::core::peer::{Outgoing, Packet, PeerEvent};
use crate::core::rtp::header;
use crate::core::rtp::index::Window;
use crate::core::rtp::ring::Ring;
use crate::core::rtp::rtcp;
use crate::core::rtp::srtp::{Opener, Profile, Sealer, split};

/// Most steps of one input.
const STEPS: usize = 200;

pub(super) fn check(bytes: &[u8]) {
    for profile in [Profile::Gcm128, Profile::Counter] {
        check_with(profile, bytes);
    }
}

fn check_with(profile: Profile, bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut call = Call::new(profile);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        call.step(&mut input);
        call.hear();
    }
}

/// Both ends of a call.
struct Call {
    now: Instant,
    passed: Duration,
    ours: Bare,
    rings: [Ring; 2],
    outbox: Runs<Path>,
    sealer: Sealer,
    opener: Opener,
    /// Bytes that protection adds to a packet.
    tag: usize,
    /// The newest index the peer has sent in each of its streams.
    sent: [u64; 3],
    /// Which packets came through, and which nonces were used towards the peer.
    taken: HashSet<(u32, u64)>,
    nonces: HashSet<(u32, u64)>,
    windows: [Window; 3],
    /// The number of our next packet, and the last packet that came.
    next: u64,
    last: Option<Packet>,
}

fn path() -> Path {
    Path {
        door: 0,
        carrier: Carrier::Udp,
        remote: ([192, 0, 2, 9], 9).into(),
    }
}

impl Call {
    fn new(profile: Profile) -> Self {
        let now = Instant::now();
        let material = vec![0x5A; profile.material()];
        let ends = [false, true].map(|client| {
            let (ours, theirs) = split(profile, &material, client).expect("its length");
            let sealer = Sealer::new(&ours).expect("a key");
            (sealer, Opener::new(&theirs).expect("a key"))
        });
        let [(sealer, opener), (their_sealer, their_opener)] = ends;
        Self {
            now,
            passed: Duration::ZERO,
            ours: Bare::new(sealer, opener, now),
            rings: Default::default(),
            outbox: Runs::default(),
            sealer: their_sealer,
            opener: their_opener,
            sent: [70_000; 3],
            taken: HashSet::new(),
            nonces: HashSet::new(),
            windows: Default::default(),
            tag: profile.tag(),
            next: 100,
            last: None,
        }
    }

    fn at(&self) -> Moment {
        Moment {
            instant: self.now + self.passed,
            wall: Timestamp::from_unix_ms(1_800_000_000_000),
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            0 | 1 => self.send(input),
            2 => self.report(input),
            3 => self.forge(input),
            4 => self.passed += Duration::from_millis(u64::from(input.word() % 2_000)),
            5 => self.write(input),
            6 => self.repair(input),
            _ => {
                self.ours.request_keyframe(usize::from(input.byte() % 3));
            }
        }
        self.ours.speak(self.at(), path(), &mut self.outbox);
    }

    /// An authentic packet of the peer.
    fn send(&mut self, input: &mut Input<'_>) {
        let stream = usize::from(input.byte() % 3);
        let step = i64::from(input.byte().cast_signed());
        let leap = if step == 127 { 30_000 } else { 1 };
        let index = self.sent[stream].saturating_add_signed(step * leap);
        self.sent[stream] = self.sent[stream].max(index);
        let [first, second] = input.array();
        let mut packet = vec![0x80 | first & 0x3F, second & 0x80 | PAYLOAD_TYPES[stream]];
        packet.extend((index as u16).to_be_bytes());
        packet.extend(input.array::<4>());
        packet.extend(THEIRS[stream].to_be_bytes());
        let length = usize::from(input.byte());
        packet.extend(input.take(length));
        let Some(header) = header::parse(&packet).map(|parsed| parsed.length) else {
            return;
        };
        let payload = packet.split_off(header);
        packet.resize(header + payload.len() + self.tag, 0);
        let sealed = self
            .sealer
            .rtp(THEIRS[stream], index, header, &payload, &mut packet);
        sealed.expect("an index below the last");
        let at = self.at().instant;
        let Some(came) = self.ours.packet(&packet, &mut self.rings, at) else {
            return;
        };
        let kept = &self.rings[came.slot].payload(&came.kept);
        let shown =
            kept.len() <= payload.len() && payload.windows(kept.len().max(1)).any(|it| it == *kept);
        assert!(shown || kept.is_empty(), "the payload is what was sent");
        let about = &came.kept.about;
        let new = self.taken.insert((about.header.ssrc, about.index));
        assert!(new, "a packet is forwarded once");
        self.last = Some(came);
    }

    /// RTCP of the peer, under its keys.
    fn report(&mut self, input: &mut Input<'_>) {
        let length = usize::from(input.byte()) + 8;
        let mut packet = input.take(length).to_vec();
        packet.resize(packet.len().max(8), 0);
        packet[0] = packet[0] & 0x3F | 0x80;
        self.sealer.rtcp(&mut packet).expect("few packets");
        let (at, mut told) = (self.at().instant, 0_usize);
        self.ours.control(&packet, at, |event| {
            let known = match event {
                PeerEvent::KeyframeWanted { slot }
                | PeerEvent::Missing { slot, .. }
                | PeerEvent::Clock { slot, .. } => slot < 2,
                PeerEvent::Counts(_) | PeerEvent::Limit(_) => true,
                _ => false,
            };
            assert!(known, "an event of no slot");
            told += 1;
        });
        assert!(told <= 1_024, "one packet causes {told} events");
    }

    /// Something of somebody who does not know the keys.
    fn forge(&mut self, input: &mut Input<'_>) {
        let length = usize::from(input.byte());
        let bytes = input.take(length);
        let at = self.at().instant;
        let came = self.ours.packet(bytes, &mut self.rings, at);
        assert!(came.is_none(), "a forged packet is taken");
        let mut heard = false;
        self.ours.control(bytes, at, |_| heard = true);
        assert!(!heard, "a forged report is heard");
    }

    fn write(&mut self, input: &mut Input<'_>) {
        self.next += u64::from(input.byte() % 4);
        self.send_out(self.next, input.byte(), false);
    }

    fn repair(&mut self, input: &mut Input<'_>) {
        let sequence = self.next.saturating_sub(u64::from(input.byte()));
        self.send_out(sequence, input.byte(), true);
    }

    fn send_out(&mut self, sequence: u64, choice: u8, again: bool) {
        let Some(packet) = self.last else { return };
        // What is offered to a repair was found in a ring; here it is the newest in any case.
        let payload = self.rings[packet.slot].payload(&packet.kept).to_vec();
        let out = Outgoing {
            slot: usize::from(choice % 3),
            payload_type: PAYLOAD_TYPES[usize::from(choice / 3 % 3)],
            sequence,
            timestamp: packet.kept.about.header.timestamp,
            arrived: self.at().instant,
            now: self.at().instant,
            packet: &packet,
            payload: &payload,
            patch: None,
            descriptor: None,
        };
        match again {
            true => self.ours.repair(&out, path(), &mut self.outbox),
            false => self.ours.write(&out, path(), &mut self.outbox),
        };
    }

    /// What the peer makes of all that was sent to it.
    fn hear(&mut self) {
        let mut datagrams = Vec::new();
        self.outbox.drain(|_, bytes, segment| {
            datagrams.extend(bytes.chunks(segment.max(1)).map(<[u8]>::to_vec));
        });
        for datagram in datagrams {
            assert!(header::is_media(&datagram), "neither RTP nor RTCP");
            match header::is_control(&datagram) {
                true => self.hear_report(&datagram),
                false => self.hear_packet(&datagram),
            }
        }
    }

    fn hear_report(&mut self, datagram: &[u8]) {
        let mut plain = Vec::new();
        let index = self.opener.rtcp(datagram, &mut plain);
        let index = index.expect("our reports are authentic");
        let sender = u32::from_be_bytes([plain[4], plain[5], plain[6], plain[7]]);
        // Apart from RTP's: the keys are others.
        let new = self.nonces.insert((sender, u64::from(index) | 1 << 63));
        assert!(new, "a nonce is used twice in RTCP");
        rtcp::read(&plain, |_| {});
    }

    fn hear_packet(&mut self, datagram: &[u8]) {
        let parsed = header::parse(datagram).expect("we write headers");
        let ssrc = parsed.header.ssrc;
        let stream = OURS.iter().position(|it| *it == ssrc).expect("our streams");
        let window = &mut self.windows[stream];
        let index = window
            .estimate(parsed.header.sequence)
            .expect("near the last");
        window.mark(index);
        let mut payload = vec![0; datagram.len() - parsed.length - self.tag];
        let opened = self
            .opener
            .rtp(ssrc, index, datagram, parsed.length, &mut payload);
        opened.expect("our packets are authentic");
        assert!(self.nonces.insert((ssrc, index)), "a nonce is used twice");
    }
}
