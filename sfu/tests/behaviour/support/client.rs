//! A peer made of the media stack in its full-ICE role, on a thread and a socket of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId};
use str0m::media::{Direction, MediaKind, Mid, Pt, Rid};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::rtp::{RtpWrite, VideoOrientation};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig, RtcError};

use super::{eventually, stun};

/// How a client differs from a plain one.
#[derive(Clone, Debug)]
pub struct Options {
    /// Over ICE-TCP instead of UDP.
    pub tcp: bool,
    /// Acts as DTLS client; otherwise it waits for the server's hello.
    pub dtls_active: bool,
    /// Its nominating checks arrive; otherwise they are lost.
    pub nominates: bool,
    /// Replacements in the offer before the client reads it.
    pub offer_edits: Vec<(String, String)>,
    /// Replacements in the answer before the server reads it.
    pub answer_edits: Vec<(String, String)>,
    /// Keeps its codecs to this list: `vp8`, `h264`, `vp9`, `av1`.
    pub codecs: Vec<&'static str>,
    /// Rather than sending anything, lets the connection rest.
    pub mute_network: bool,
    /// A small receive buffer in the kernel, for TCP.
    pub small_buffers: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tcp: false,
            dtls_active: true,
            nominates: true,
            offer_edits: Vec::new(),
            answer_edits: Vec::new(),
            codecs: vec!["vp8", "h264", "vp9", "av1"],
            mute_network: false,
            small_buffers: false,
        }
    }
}

/// A received packet.
#[derive(Clone, Debug)]
pub struct Heard {
    pub mid: String,
    pub pt: u8,
    pub ssrc: u32,
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub rotated: bool,
    pub payload: Vec<u8>,
    pub at: Instant,
}

/// What a client has seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub connected: bool,
    pub closed: bool,
    pub packets: Vec<Heard>,
    pub keyframe_requests: Vec<Instant>,
    pub channel: Option<ChannelId>,
    /// Channels that it opened itself, by label.
    pub own_channels: BTreeMap<String, ChannelId>,
    pub messages: Vec<Vec<u8>>,
    pub datagrams_in: u64,
    /// Protected DTLS records it sent before its channel was open: SCTP's handshake.
    pub records_out: u64,
    /// Payload types of received media packets, known to the stack or not.
    pub wire_types: BTreeSet<u8>,
}

impl Seen {
    /// Packets received in a slot.
    pub fn on<'a>(&'a self, mid: &'a str) -> impl Iterator<Item = &'a Heard> + 'a {
        self.packets.iter().filter(move |packet| packet.mid == mid)
    }

    /// The sequence numbers received in a slot, however late they came.
    pub fn numbers(&self, mid: &str) -> BTreeSet<u64> {
        self.on(mid).map(|packet| packet.sequence).collect()
    }

    /// Whether none is missing between the first and the last of a slot.
    pub fn is_whole(&self, mid: &str) -> bool {
        let numbers = self.numbers(mid);
        let ends = numbers.first().zip(numbers.last());
        ends.is_some_and(|(first, last)| last - first + 1 == numbers.len() as u64)
    }
}

type Command = Box<dyn FnOnce(&mut Engine) + Send>;

/// A running client; it stops when dropped.
pub struct Client {
    seen: Arc<Mutex<Seen>>,
    commands: Sender<Command>,
    pub local: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

/// A client that waits for the answer to its own offer.
pub struct Offering {
    rtc: Rtc,
    pending: SdpPendingOffer,
    udp: UdpSocket,
    local: SocketAddr,
}

impl Offering {
    /// Takes the answer, and runs.
    pub fn answered(mut self, answer: &str) -> Client {
        let answer = SdpAnswer::from_sdp_string(answer).expect("a readable answer");
        let api = self.rtc.sdp_api();
        api.accept_answer(self.pending, answer)
            .expect("an acceptable answer");
        Client::run(
            self.rtc,
            Carrier::Udp(self.udp),
            self.local,
            &Options::default(),
        )
    }
}

/// What runs on the client's thread.
pub struct Engine {
    pub rtc: Rtc,
    pub carrier: Carrier,
    local: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    streams: Vec<Stream>,
    nominates: bool,
    muted: bool,
    stop: bool,
    padding: usize,
    lose_every: usize,
    media_in: usize,
}

pub enum Carrier {
    Udp(UdpSocket),
    Tcp {
        stream: Option<TcpStream>,
        unread: Vec<u8>,
    },
}

/// A stream that a client sends by itself.
struct Stream {
    mid: Mid,
    rid: Option<Rid>,
    pt: Pt,
    every: Duration,
    next: Instant,
    sequence: u64,
    timestamp: u32,
    video: Option<&'static [[u8; 2]; 2]>,
    key: bool,
}

/// First two payload bytes of a keyframe and of another frame.
pub const VP8: [[u8; 2]; 2] = [[0x10, 0x00], [0x10, 0x01]];
pub const H264: [[u8; 2]; 2] = [[0x65, 0x00], [0x41, 0x00]];
/// Start and end of a frame without picture id; the other one is inter-predicted.
pub const VP9: [[u8; 2]; 2] = [[0x0C, 0x00], [0x4C, 0x00]];
/// The aggregation header's N bit: a new coded video sequence.
pub const AV1: [[u8; 2]; 2] = [[0x18, 0x00], [0x10, 0x00]];

impl Client {
    /// A client that has answered `offer`, and its answer.
    pub fn answer(offer: &str, options: Options) -> (Self, String) {
        let mut offer = offer.to_owned();
        if options.dtls_active {
            offer = offer.replace("a=setup:actpass", "a=setup:passive");
        }
        for (from, to) in &options.offer_edits {
            assert!(offer.contains(from), "the offer has no {from}");
            offer = offer.replace(from, to);
        }
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (local, carrier) = match options.tcp {
            false => (udp.local_addr().unwrap(), Carrier::Udp(udp)),
            true => {
                let address = candidate(&offer, "tcp");
                let stream = connect(address, options.small_buffers);
                stream.set_nodelay(true).unwrap();
                let local = stream.local_addr().unwrap();
                let (stream, unread) = (Some(stream), Vec::new());
                (local, Carrier::Tcp { stream, unread })
            }
        };
        let mut rtc = configure(&options).build(Instant::now());
        rtc.add_local_candidate(own_candidate(local, options.tcp));
        let parsed = SdpOffer::from_sdp_string(&offer).expect("a readable offer");
        let answer = rtc
            .sdp_api()
            .accept_offer(parsed)
            .expect("an acceptable offer");
        let mut answer = answer.to_sdp_string();
        for (from, to) in &options.answer_edits {
            assert!(answer.contains(from), "the answer has no {from}: {answer}");
            answer = answer.replace(from, to);
        }
        (Self::run(rtc, carrier, local, &options), answer)
    }

    /// Makes an offer of its own: pictures, then voices, all sent or all received, and a data channel.
    pub fn offer(way: Direction, pictures: usize, voices: usize) -> (Offering, String) {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let local = udp.local_addr().unwrap();
        let mut rtc = configure(&Options::default()).build(Instant::now());
        rtc.add_local_candidate(own_candidate(local, false));
        let mut changes = rtc.sdp_api();
        for kind in [MediaKind::Video]
            .repeat(pictures)
            .into_iter()
            .chain([MediaKind::Audio].repeat(voices))
        {
            changes.add_media(kind, way, None, None, None);
        }
        changes.add_channel("unasked".to_owned());
        let (offer, pending) = changes.apply().expect("something to offer");
        let offering = Offering {
            rtc,
            pending,
            udp,
            local,
        };
        (offering, offer.to_sdp_string())
    }

    fn run(rtc: Rtc, carrier: Carrier, local: SocketAddr, options: &Options) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (commands, inbox) = channel();
        let engine = Engine {
            rtc,
            carrier,
            local,
            seen: Arc::clone(&seen),
            streams: Vec::new(),
            nominates: options.nominates,
            muted: options.mute_network,
            stop: false,
            padding: 0,
            lose_every: 0,
            media_in: 0,
        };
        let thread = std::thread::spawn(move || engine.run(&inbox));
        Self {
            seen,
            commands,
            local,
            thread: Some(thread),
        }
    }

    /// Runs something on the client's thread.
    pub fn command(&self, command: impl FnOnce(&mut Engine) + Send + 'static) {
        self.commands
            .send(Box::new(command))
            .expect("the client runs");
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Forgets the packets seen so far.
    pub fn forget(&self) {
        self.seen.lock().unwrap().packets.clear();
    }

    /// Waits until what it has seen satisfies `condition`.
    pub async fn wait(&self, what: &str, condition: impl Fn(&Seen) -> bool) {
        eventually(what, || condition(&self.seen.lock().unwrap())).await;
    }

    /// Sends video frames of one packet each; every request makes the next one a keyframe.
    pub fn send_video(&self, mid: &str, every: Duration) {
        self.send_frames(mid, every, 30_000, "VP8", &VP8);
    }

    /// The same with a codec and a first sequence number, below 65,536 as for any sender.
    pub fn send_frames(
        &self,
        mid: &str,
        every: Duration,
        first: u64,
        codec: &'static str,
        shape: &'static [[u8; 2]; 2],
    ) {
        let mid = Mid::from(mid);
        self.command(move |engine| {
            let pt = engine.payload_type(mid, codec);
            engine.streams.push(Stream {
                mid,
                rid: None,
                pt,
                every,
                next: Instant::now(),
                sequence: first,
                timestamp: 1,
                video: Some(shape),
                key: true,
            });
        });
    }

    /// Sends the picture in three sizes, in frames of one packet each. Their numbers begin with
    /// 10,000 (the smallest), 20,000 and 30,000, and payloads hold them.
    pub fn send_layers(&self, mid: &str, every: Duration) {
        let mid = Mid::from(mid);
        self.command(move |engine| {
            let pt = engine.payload_type(mid, "VP8");
            for (rid, sequence) in [("l", 10_000), ("m", 20_000), ("h", 30_000)] {
                engine.streams.push(Stream {
                    mid,
                    rid: Some(Rid::from(rid)),
                    pt,
                    every,
                    next: Instant::now(),
                    sequence,
                    timestamp: 1,
                    video: Some(&VP8),
                    key: true,
                });
            }
        });
    }

    /// Sends voice packets.
    pub fn send_voice(&self, mid: &str) {
        let mid = Mid::from(mid);
        self.command(move |engine| {
            let pt = engine.payload_type(mid, "Opus");
            engine.streams.push(Stream {
                mid,
                rid: None,
                pt,
                every: Duration::from_millis(10),
                next: Instant::now(),
                sequence: 7,
                timestamp: 1,
                video: None,
                key: false,
            });
        });
    }

    pub fn stop_sending(&self) {
        self.command(|engine| engine.streams.clear());
    }

    /// Asks for a keyframe of what it receives in `mid`.
    pub fn request_keyframe(&self, mid: &str) {
        let mid = Mid::from(mid);
        self.command(move |engine| {
            if let Some(stream) = engine.rtc.direct_api().stream_rx_by_mid(mid, None) {
                stream.request_keyframe(str0m::media::KeyframeRequestKind::Pli);
            }
        });
    }

    /// Sends a text over the data channel.
    pub fn say(&self, text: &str) {
        let text = text.to_owned();
        self.command(move |engine| {
            let id = engine
                .seen
                .lock()
                .unwrap()
                .channel
                .expect("the channel is open");
            let mut channel = engine.rtc.channel(id).expect("the channel is there");
            assert!(channel.write(false, text.as_bytes()).unwrap());
        });
    }

    /// Opens a data channel of its own.
    pub async fn open_channel(&self, label: &str) {
        let config = ChannelConfig {
            label: label.to_owned(),
            ..ChannelConfig::default()
        };
        self.command(move |engine| {
            engine.rtc.direct_api().create_data_channel(config);
        });
        self.wait("the channel opens", |seen| {
            seen.own_channels.contains_key(label)
        })
        .await;
    }

    /// Sends a message over a channel of its own.
    pub fn tell(&self, label: &str, binary: bool, message: &[u8]) {
        let id = self.seen().own_channels[label];
        let message = message.to_owned();
        self.command(move |engine| {
            let mut channel = engine.rtc.channel(id).expect("the channel is there");
            assert!(channel.write(binary, &message).unwrap());
        });
    }

    /// Makes each sent packet longer by so many bytes.
    pub fn pad_packets(&self, padding: usize) {
        self.command(move |engine| engine.padding = padding);
    }

    /// Loses every so-manieth incoming media packet.
    pub fn lose_every(&self, count: usize) {
        self.command(move |engine| engine.lose_every = count);
    }

    /// Moves to another source port, as a NAT does that has forgotten the old one.
    pub fn rebind(&self) {
        self.command(|engine| {
            engine.carrier = Carrier::Udp(UdpSocket::bind("127.0.0.1:0").unwrap());
        });
    }

    /// From now on its nominating checks arrive.
    pub fn nominate(&self) {
        self.command(|engine| engine.nominates = true);
    }

    /// Stops (or goes on) reading and writing, without closing anything.
    pub fn mute(&self, muted: bool) {
        self.command(move |engine| engine.muted = muted);
    }

    /// Closes the connection properly.
    pub fn close(&self) {
        self.command(|engine| engine.rtc.close().unwrap());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.commands.send(Box::new(|engine| engine.stop = true));
        if let Some(thread) = self.thread.take() {
            let result = thread.join();
            if !std::thread::panicking() {
                result.expect("the client did not panic");
            }
        }
    }
}

impl Engine {
    fn run(mut self, inbox: &Receiver<Command>) {
        let mut buffer = vec![0; 2_048];
        while !self.stop {
            let due = self.drain();
            for command in inbox.try_iter() {
                command(&mut self);
                self.drain();
            }
            self.send_due();
            let now = Instant::now();
            let streams = self.streams.iter().map(|stream| stream.next).min();
            let wait = due
                .min(streams.unwrap_or(due))
                .saturating_duration_since(now);
            match self.receive(
                &mut buffer,
                wait.clamp(Duration::from_micros(100), Duration::from_millis(3)),
            ) {
                Some((source, length)) => self.take(source, &buffer[..length]),
                None => self
                    .rtc
                    .handle_input(Input::Timeout(Instant::now()))
                    .unwrap(),
            }
        }
    }

    fn take(&mut self, source: SocketAddr, bytes: &[u8]) {
        self.seen.lock().unwrap().datagrams_in += 1;
        if matches!(bytes, [128..=191, second, ..] if !(192..=223).contains(second)) {
            self.media_in += 1;
            self.seen.lock().unwrap().wire_types.insert(bytes[1] & 0x7F);
            if self.lose_every > 0 && self.media_in.is_multiple_of(self.lose_every) {
                return;
            }
        }
        let proto = match self.carrier {
            Carrier::Udp(_) => Protocol::Udp,
            Carrier::Tcp { .. } => Protocol::Tcp,
        };
        if let Ok(receive) = Receive::new(proto, source, self.local, bytes) {
            let input = Input::Receive(Instant::now(), receive);
            if self.rtc.accepts(&input) {
                self.rtc.handle_input(input).unwrap();
            }
        }
    }

    fn drain(&mut self) -> Instant {
        loop {
            let output = match self.rtc.poll_output() {
                // The stack's way of saying that the server closed before SCTP was up.
                Err(RtcError::Sctp(_)) => {
                    self.seen.lock().unwrap().closed = true;
                    continue;
                }
                other => other.expect("the stack goes on"),
            };
            match output {
                Output::Timeout(at) => return at,
                Output::Transmit(transmit) => self.send(transmit.destination, &transmit.contents),
                Output::Event(event) => self.event(event),
            }
        }
    }

    fn event(&mut self, event: Event) {
        let mut seen = self.seen.lock().unwrap();
        match event {
            Event::Connected => seen.connected = true,
            Event::Closed => seen.closed = true,
            Event::ChannelOpen(id, label) if label.starts_with("lens-") => {
                seen.own_channels.insert(label, id);
            }
            Event::ChannelOpen(id, _) => seen.channel = Some(id),
            Event::ChannelData(message) => seen.messages.push(message.data),
            Event::KeyframeRequest(request) => {
                seen.keyframe_requests.push(Instant::now());
                let asked = self
                    .streams
                    .iter_mut()
                    .filter(|stream| (stream.mid, stream.rid) == (request.mid, request.rid));
                asked.for_each(|stream| stream.key = true);
            }
            Event::RtpPacket(packet) => {
                let ssrc = packet.header.ssrc;
                let stream = self
                    .rtc
                    .direct_api()
                    .stream_rx(&ssrc)
                    .map(|stream| stream.mid());
                let orientation = packet.header.ext_vals.video_orientation;
                seen.packets.push(Heard {
                    mid: stream.expect("a known stream").to_string(),
                    pt: *packet.header.payload_type,
                    ssrc: *ssrc,
                    sequence: *packet.seq_no,
                    timestamp: packet.header.timestamp,
                    marker: packet.header.marker,
                    rotated: orientation == Some(VideoOrientation::Deg90),
                    payload: packet.payload.to_vec(),
                    at: Instant::now(),
                });
            }
            _ => {}
        }
    }

    /// Sends one packet of each stream that is due.
    fn send_due(&mut self) {
        let now = Instant::now();
        for index in 0..self.streams.len() {
            let stream = &mut self.streams[index];
            if stream.next > now {
                continue;
            }
            stream.next += stream.every;
            let mut payload = Vec::new();
            if let Some(shape) = stream.video {
                let key = std::mem::take(&mut stream.key);
                payload.extend_from_slice(&shape[usize::from(!key)]);
            }
            payload.extend_from_slice(&stream.sequence.to_be_bytes());
            payload.resize(payload.len() + self.padding, 0);
            let extensions = str0m::rtp::ExtensionValues {
                video_orientation: stream.video.map(|_| VideoOrientation::Deg90),
                ..Default::default()
            };
            let ticks = stream.every.as_micros() as u32 * 9 / 100;
            let write = RtpWrite::new(
                stream.pt,
                stream.sequence.into(),
                stream.timestamp,
                now,
                payload,
            )
            .marker(true)
            .ext_vals(extensions)
            .nackable(stream.video.is_some());
            stream.sequence += 1;
            stream.timestamp = stream.timestamp.wrapping_add(ticks);
            let (mid, rid) = (stream.mid, stream.rid);
            let mut api = self.rtc.direct_api();
            api.stream_tx_by_mid(mid, rid)
                .expect("a stream to send on")
                .write_rtp(write);
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
            self.drain();
        }
    }

    /// The payload type of a codec in a section.
    pub fn payload_type(&self, mid: Mid, codec: &str) -> Pt {
        let negotiated = self.rtc.media(mid).expect("a section").remote_pts();
        let params = self.rtc.codec_config().params();
        let named = |pt: &&Pt| {
            let mut fitting = params.iter().filter(|p| p.pt() == **pt);
            fitting.any(|p| format!("{:?}", p.spec().codec).eq_ignore_ascii_case(codec))
        };
        *negotiated
            .iter()
            .find(named)
            .expect("the codec was negotiated")
    }

    fn send(&mut self, to: SocketAddr, bytes: &[u8]) {
        if self.muted || !self.nominates && stun::nominates(bytes) {
            return;
        }
        // RFC 6347 §4.1: application data.
        if bytes.first() == Some(&23) {
            let mut seen = self.seen.lock().unwrap();
            seen.records_out += u64::from(seen.channel.is_none());
        }
        match &mut self.carrier {
            Carrier::Udp(socket) => {
                let _ = socket.send_to(bytes, to);
            }
            Carrier::Tcp { stream, .. } => {
                let mut frame = (bytes.len() as u16).to_be_bytes().to_vec();
                frame.extend_from_slice(bytes);
                if let Some(stream) = stream {
                    let _ = stream.write_all(&frame);
                }
            }
        }
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> Option<(SocketAddr, usize)> {
        if self.muted {
            std::thread::sleep(wait);
            return None;
        }
        match &mut self.carrier {
            Carrier::Udp(socket) => {
                socket.set_read_timeout(Some(wait)).unwrap();
                socket
                    .recv_from(buffer)
                    .ok()
                    .map(|(length, source)| (source, length))
            }
            Carrier::Tcp { stream, unread } => {
                let connected = stream.as_mut()?;
                connected.set_read_timeout(Some(wait)).unwrap();
                if let Some(length) = cut_frame(unread, buffer) {
                    return Some((connected.peer_addr().unwrap(), length));
                }
                let length = connected.read(buffer).ok()?;
                unread.extend_from_slice(&buffer[..length]);
                let length = cut_frame(unread, buffer)?;
                Some((connected.peer_addr().unwrap(), length))
            }
        }
    }
}

fn connect(address: SocketAddr, small_buffers: bool) -> TcpStream {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        None,
    );
    let socket = socket.unwrap();
    if small_buffers {
        socket.set_recv_buffer_size(8 * 1024).unwrap();
    }
    socket.connect(&address.into()).unwrap();
    socket.into()
}

fn cut_frame(unread: &mut Vec<u8>, buffer: &mut [u8]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes([*unread.first()?, *unread.get(1)?]));
    let frame = unread.get(2..2 + length)?;
    buffer[..length].copy_from_slice(frame);
    unread.drain(..2 + length);
    Some(length)
}

fn configure(options: &Options) -> RtcConfig {
    let has = |codec: &str| options.codecs.contains(&codec);
    RtcConfig::new()
        .set_rtp_mode(true)
        .enable_vp8(has("vp8"))
        .enable_h264(has("h264"))
        .enable_vp9(has("vp9"))
        .enable_av1(has("av1"))
}

fn own_candidate(local: SocketAddr, tcp: bool) -> Candidate {
    if !tcp {
        return Candidate::host(local, "udp").unwrap();
    }
    let candidate = Candidate::builder()
        .tcp()
        .host(local)
        .tcptype(TcpType::Active);
    candidate.build().unwrap()
}

/// The server's address in an offer.
pub fn candidate(offer: &str, carrier: &str) -> SocketAddr {
    let mut lines = offer
        .lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"));
    let line = lines.find(|line| line.split(' ').nth(2) == Some(carrier));
    let fields: Vec<&str> = line.expect("a candidate").split(' ').collect();
    format!("{}:{}", fields[4], fields[5]).parse().unwrap()
}
