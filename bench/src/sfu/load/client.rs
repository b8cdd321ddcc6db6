//! One participant under load: ICE, DTLS and SDP by str0m, RTP by us.

use std::io;
use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Input, Output, Rtc};

use super::histogram::Histogram;
use super::srtp::{self, Cell, Keys, TAG};

const HEADER: usize = 12;
/// Payload of a full packet; the frames of 2 Mbit/s at 30 a second are seven of these and a rest.
const FULL: usize = 1_100;
const FRAME: usize = 2_000_000 / 8 / 30;
const VOICE: usize = 80;
const MAGIC: u32 = 0x4C45_4E53;
/// VP8 descriptor with a 15-bit picture id, and the byte that says keyframe.
const DESCRIPTOR: usize = 5;
/// Magic, room, number, stamp.
const MARK: usize = 4 + 4 + 8 + 8;

/// What a participant does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Camera,
    Viewer,
}

/// A stream that is sent.
struct Track {
    ssrc: u32,
    payload_type: u8,
    index: u64,
    timestamp: u32,
    picture: u16,
}

/// A stream that is received.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    ssrc: u32,
    top: u64,
    count: u64,
}

/// What a window counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Datagrams of ours that left, and that came.
    pub(crate) datagrams: u64,
    pub(crate) rtp_in: u64,
    pub(crate) expected: u64,
    pub(crate) delays: Histogram,
    /// Packets of another room, or that did not open: faults.
    pub(crate) wrong: u64,
}

/// See the module.
pub(crate) struct Client {
    rtc: Rtc,
    pub(super) socket: UdpSocket,
    local: SocketAddr,
    server: Option<SocketAddr>,
    cell: Cell,
    /// The user name of its checks: the server's fragment and its own.
    pub(super) user: String,
    keys: Option<(Keys, Keys)>,
    pub(super) room: u32,
    pub(super) part: Part,
    video: Option<Track>,
    voice: Option<Track>,
    heard: Vec<Heard>,
    /// Media packets that left since [`Self::begin`].
    pub(super) sent: u64,
    pub(super) due: Instant,
    /// Its stack has given up: the server said goodbye, or something nobody understands. It is
    /// silent from then on; who was not connected never will be.
    broken: bool,
    pub(super) next_frame: Instant,
    pub(super) next_voice: Instant,
}

impl Client {
    fn new(ip: std::net::IpAddr, room: u32, part: Part) -> Result<Self, String> {
        let words = |error: io::Error| error.to_string();
        let socket = std::net::UdpSocket::bind((ip, 0)).map_err(words)?;
        socket.set_nonblocking(true).map_err(words)?;
        let local = socket.local_addr().map_err(words)?;
        let now = Instant::now();
        let mut rtc = Rtc::builder()
            .set_crypto_provider(srtp::provider())
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_vp8(true)
            .enable_opus(true, false)
            .build(now);
        let cell = srtp::take_latest();
        let candidate = Candidate::host(local, "udp").map_err(|error| error.to_string())?;
        rtc.add_local_candidate(candidate);
        Ok(Self {
            rtc,
            socket: UdpSocket::from_std(socket),
            local,
            server: None,
            cell,
            user: String::new(),
            keys: None,
            room,
            part,
            video: None,
            voice: None,
            heard: Vec::new(),
            sent: 0,
            due: now,
            broken: false,
            next_frame: now,
            next_voice: now,
        })
    }

    /// One that answers a server's offer, and its answer.
    pub(crate) fn answering(
        ip: std::net::IpAddr,
        room: u32,
        part: Part,
        offer_text: &str,
    ) -> Result<(Self, String), String> {
        let mut client = Self::new(ip, room, part)?;
        let offer = SdpOffer::from_sdp_string(offer_text).map_err(|error| error.to_string())?;
        let answer = client.rtc.sdp_api().accept_offer(offer);
        let answer = answer.map_err(|error| error.to_string())?.to_sdp_string();
        let mids: Vec<Mid> = answer
            .lines()
            .filter_map(|line| line.strip_prefix("a=mid:"))
            .map(Mid::from)
            .collect();
        client.learn(&mids);
        client.user = format!("{}:{}", fragment(offer_text), fragment(&answer));
        Ok((client, answer))
    }

    /// A camera that makes the offer itself.
    pub(crate) fn offering(
        ip: std::net::IpAddr,
        room: u32,
    ) -> Result<(Self, String, SdpPendingOffer), String> {
        let mut client = Self::new(ip, room, Part::Camera)?;
        let mut changes = client.rtc.sdp_api();
        for kind in [MediaKind::Video, MediaKind::Audio] {
            changes.add_media(kind, Direction::SendOnly, None, None, None);
        }
        let (offer, pending) = changes.apply().ok_or("no offer was made")?;
        let offer = offer.to_sdp_string();
        fragment(&offer).clone_into(&mut client.user);
        Ok((client, offer, pending))
    }

    /// The answer to an offer of its own.
    pub(crate) fn answered(&mut self, pending: SdpPendingOffer, sdp: &str) -> Result<(), String> {
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|error| error.to_string())?;
        let taken = self.rtc.sdp_api().accept_answer(pending, answer);
        taken.map_err(|error| error.to_string())?;
        let mids: Vec<Mid> = sdp
            .lines()
            .filter_map(|line| line.strip_prefix("a=mid:"))
            .map(|mid| Mid::from(mid.trim()))
            .collect();
        self.learn(&mids);
        self.user = format!("{}:{}", fragment(sdp), self.user);
        Ok(())
    }

    /// A camera and a viewer who speak to each other with no server between them.
    pub(crate) fn pair(ip: std::net::IpAddr, room: u32) -> Result<Vec<Self>, String> {
        let (mut camera, offer, pending) = Self::offering(ip, room)?;
        let (viewer, answer) = Self::answering(ip, room, Part::Viewer, &offer)?;
        camera.answered(pending, &answer)?;
        Ok(vec![camera, viewer])
    }

    /// Finds the streams that a camera sends in.
    fn learn(&mut self, mids: &[Mid]) {
        if self.part == Part::Viewer {
            return;
        }
        for mid in mids {
            let Some(media) = self.rtc.media(*mid) else {
                continue;
            };
            if !media.direction().is_sending() {
                continue;
            }
            let (kind, pts) = (media.kind(), media.remote_pts().to_vec());
            let wanted = match kind {
                MediaKind::Video => Codec::Vp8,
                MediaKind::Audio => Codec::Opus,
            };
            let params = self.rtc.codec_config().params();
            let fits = |pt: &&Pt| {
                let mut same = params.iter().filter(|it| it.pt() == **pt);
                same.any(|it| it.spec().codec == wanted)
            };
            let Some(payload_type) = pts.iter().find(fits).map(|pt| **pt) else {
                continue;
            };
            let mut api = self.rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(*mid, None) else {
                continue;
            };
            let track = Track {
                ssrc: *stream.ssrc(),
                payload_type,
                index: 1_000,
                timestamp: 1,
                picture: 0,
            };
            let place = match kind {
                MediaKind::Video => &mut self.video,
                MediaKind::Audio => &mut self.voice,
            };
            place.get_or_insert(track);
        }
    }

    /// Where it sends to.
    pub(super) fn server(&self) -> Option<SocketAddr> {
        self.server
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.keys.is_some()
    }

    /// Takes everything that has come.
    pub(crate) fn read(&mut self, clock: &Clock, counts: &mut Counts) {
        let mut buffer = [0; 1_600];
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            counts.datagrams += 1;
            let datagram = &mut buffer[..length];
            match datagram {
                [128..=191, 192..=223, ..] => self.feed(from, datagram, counts),
                [128..=191, ..] => self.hear(datagram, clock, counts),
                _ => self.feed(from, datagram, counts),
            }
        }
    }

    fn feed(&mut self, from: SocketAddr, bytes: &[u8], counts: &mut Counts) {
        let Ok(receive) = Receive::new(Protocol::Udp, from, self.local, bytes) else {
            return;
        };
        let input = Input::Receive(Instant::now(), receive);
        if !self.broken && self.rtc.accepts(&input) {
            self.give(input, counts);
        }
    }

    /// Lets the stack's timers run.
    pub(crate) fn tick(&mut self, now: Instant, counts: &mut Counts) {
        if !self.broken {
            self.give(Input::Timeout(now), counts);
        }
    }

    fn give(&mut self, input: Input<'_>, counts: &mut Counts) {
        let given = self.rtc.handle_input(input).map_err(|it| it.to_string());
        self.broken = given.and_then(|()| self.poll(counts)).is_err();
    }

    fn poll(&mut self, counts: &mut Counts) -> Result<(), String> {
        loop {
            match self.rtc.poll_output().map_err(|error| error.to_string())? {
                Output::Timeout(due) => {
                    self.due = due;
                    break;
                }
                Output::Transmit(transmit) => {
                    self.server = Some(transmit.destination);
                    counts.datagrams += 1;
                    let _ = self
                        .socket
                        .send_to(&transmit.contents, transmit.destination);
                }
                Output::Event(_) => {}
            }
        }
        if self.keys.is_none() {
            let agreed = self
                .cell
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            self.keys = agreed.transpose()?;
        }
        Ok(())
    }

    /// Counts a packet, and looks into one in [`Clock::one_in`].
    fn hear(&mut self, packet: &mut [u8], clock: &Clock, counts: &mut Counts) {
        let (Some((_, keys)), true) = (&self.keys, packet.len() >= HEADER + TAG) else {
            return;
        };
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
        let known = self.heard.iter().position(|it| it.ssrc == ssrc);
        let place = known.unwrap_or_else(|| {
            self.heard.push(Heard {
                ssrc,
                top: u64::from(sequence),
                count: 0,
            });
            self.heard.len() - 1
        });
        let heard = &mut self.heard[place];
        let distance = sequence.wrapping_sub(heard.top as u16).cast_signed();
        let index = heard.top.saturating_add_signed(i64::from(distance));
        heard.top = heard.top.max(index);
        heard.count += 1;
        counts.rtp_in += 1;
        if !counts.rtp_in.is_multiple_of(clock.one_in) {
            return;
        }
        let Some(header) = header_length(packet) else {
            return;
        };
        let Some(payload) = keys.open(ssrc, index, header, packet) else {
            counts.wrong += 1;
            return;
        };
        match read_mark(payload) {
            Some((room, sent)) if room == self.room => {
                let now = clock.epoch.elapsed();
                counts
                    .delays
                    .note(now.saturating_sub(Duration::from_nanos(sent)));
            }
            _ => counts.wrong += 1,
        }
    }

    /// Counts anew what is sent and what comes.
    pub(crate) fn begin(&mut self) {
        self.sent = 0;
        self.heard.iter_mut().for_each(|it| it.count = 0);
    }

    /// Media packets that came since [`Self::begin`].
    pub(crate) fn came(&self) -> u64 {
        self.heard.iter().map(|it| it.count).sum()
    }

    /// Sends one frame.
    pub(crate) fn send_frame(&mut self, clock: &Clock, counts: &mut Counts) {
        let (Some(track), Some((keys, _)), Some(server)) =
            (&mut self.video, &self.keys, self.server)
        else {
            return;
        };
        let mut packet = [0_u8; HEADER + FULL + TAG];
        let mut left = FRAME;
        track.picture = track.picture.wrapping_add(1) & 0x7FFF;
        let mut first = true;
        while left > 0 {
            let size = left.clamp(DESCRIPTOR + MARK, FULL);
            left = left.saturating_sub(size);
            let payload = &mut packet[HEADER..HEADER + size];
            let [high, low] = (track.picture | 0x8000).to_be_bytes();
            let start = if first { 0x90 } else { 0x80 };
            payload[..DESCRIPTOR].copy_from_slice(&[start, 0x80, high, low, 0]);
            write_mark(&mut payload[DESCRIPTOR..], self.room, track.index, clock);
            track.send(keys, &mut packet[..HEADER + size + TAG], left == 0);
            let _ = self.socket.send_to(&packet[..HEADER + size + TAG], server);
            counts.datagrams += 1;
            self.sent += 1;
            first = false;
        }
        track.timestamp = track.timestamp.wrapping_add(3_000);
    }

    /// Sends 20 ms of voice.
    pub(crate) fn send_voice(&mut self, clock: &Clock, counts: &mut Counts) {
        let (Some(track), Some((keys, _)), Some(server)) =
            (&mut self.voice, &self.keys, self.server)
        else {
            return;
        };
        let mut packet = [0_u8; HEADER + VOICE + TAG];
        write_mark(
            &mut packet[HEADER + DESCRIPTOR..],
            self.room,
            track.index,
            clock,
        );
        track.send(keys, &mut packet, false);
        let _ = self.socket.send_to(&packet, server);
        counts.datagrams += 1;
        self.sent += 1;
        track.timestamp = track.timestamp.wrapping_add(960);
    }
}

impl Track {
    /// Writes the header and seals.
    fn send(&mut self, keys: &Keys, packet: &mut [u8], marker: bool) {
        packet[0] = 0x80;
        packet[1] = u8::from(marker) << 7 | self.payload_type;
        packet[2..4].copy_from_slice(&(self.index as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        packet[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        keys.seal(self.ssrc, self.index, HEADER, packet);
        self.index += 1;
    }
}

/// The ICE user name fragment in a description.
fn fragment(sdp: &str) -> &str {
    let found = sdp
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    found.unwrap_or_default().trim()
}

/// The generator's clock, and how many packets it looks into.
pub(crate) struct Clock {
    pub(crate) epoch: Instant,
    pub(crate) one_in: u64,
}

fn write_mark(out: &mut [u8], room: u32, number: u64, clock: &Clock) {
    let now = clock.epoch.elapsed().as_nanos() as u64;
    out[..4].copy_from_slice(&MAGIC.to_be_bytes());
    out[4..8].copy_from_slice(&room.to_be_bytes());
    out[8..16].copy_from_slice(&number.to_be_bytes());
    out[16..24].copy_from_slice(&now.to_be_bytes());
}

/// The room and the stamp, behind a descriptor's length in voice and video alike.
fn read_mark(payload: &[u8]) -> Option<(u32, u64)> {
    let mark = payload.get(DESCRIPTOR..DESCRIPTOR + MARK)?;
    let word = |at: usize| u32::from_be_bytes([mark[at], mark[at + 1], mark[at + 2], mark[at + 3]]);
    let sent = u64::from(word(16)) << 32 | u64::from(word(20));
    (word(0) == MAGIC).then(|| (word(4), sent))
}

fn header_length(packet: &[u8]) -> Option<usize> {
    let mut length = HEADER + usize::from(packet[0] & 0x0F) * 4;
    if packet[0] & 0x10 != 0 {
        let block = packet.get(length..length + 4)?;
        length += 4 + usize::from(u16::from_be_bytes([block[2], block[3]])) * 4;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_behind_any_header_and_foreign_bytes_are_none() {
        let clock = Clock {
            epoch: Instant::now(),
            one_in: 1,
        };
        let mut payload = [0; DESCRIPTOR + MARK];
        write_mark(&mut payload[DESCRIPTOR..], 7, 1, &clock);
        let (room, sent) = read_mark(&payload).expect("a mark");
        assert_eq!(room, 7);
        assert!(Duration::from_nanos(sent) <= clock.epoch.elapsed());
        payload[DESCRIPTOR] ^= 1;
        assert_eq!(read_mark(&payload), None);
        assert_eq!(read_mark(&payload[..MARK]), None);
        let mut packet = [0_u8; 24];
        packet[0] = 0x92;
        packet[20..24].copy_from_slice(&[0xBE, 0xDE, 0, 1]);
        assert_eq!(header_length(&packet), Some(12 + 8 + 4 + 4));
        assert_eq!(header_length(&packet[..22]), None);
    }
}
