//! DTLS without cryptography: a hello, a reply, and keys that follow from a seed. The real one
//! draws keys and signatures from the operating system, and signatures vary in length.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial,
    ProtocolVersion, SrtpProfile,
};

/// First bytes of the records, as a demultiplexer tells them apart (RFC 7983).
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
const ALERT: u8 = 21;
const HELLO: u8 = 1;
const REPLY: u8 = 2;
/// A handshake record is about as long as one with a certificate.
const RECORD: usize = 700;
const RESEND: Duration = Duration::from_millis(100);
/// Two keys of AES-256 and two salts (RFC 7714 §12).
const MATERIAL: usize = 2 * (32 + 12);
const CERTIFICATE: &[u8] = b"a certificate that nobody signed";

/// See the module; keys follow from the seed.
#[derive(Debug)]
pub(super) struct SimulatedDtls(pub(super) u8);

impl DtlsProvider for SimulatedDtls {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        Some(DtlsCert {
            certificate: CERTIFICATE.to_vec(),
            private_key: Vec::new(),
        })
    }

    fn new_dtls(
        &self,
        _: &DtlsCert,
        now: Instant,
        _: DtlsVersion,
        _: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(Simulated {
            seed: self.0,
            active: false,
            now,
            resend: None,
            done: false,
            closed: false,
            out: VecDeque::new(),
        }))
    }
}

#[derive(Debug)]
struct Simulated {
    seed: u8,
    active: bool,
    now: Instant,
    /// When the hello is sent, or sent again.
    resend: Option<Instant>,
    done: bool,
    closed: bool,
    out: VecDeque<Out>,
}

#[derive(Debug)]
enum Out {
    Packet(Vec<u8>),
    Certificate,
    Keys,
    Connected,
    Data(Vec<u8>),
    Closed,
}

impl Simulated {
    fn record(&self, kind: u8, content: u8) -> Vec<u8> {
        let mut record = vec![kind, 0xFE, 0xFD, content, self.seed];
        record.resize(RECORD, 0);
        record
    }

    fn finish(&mut self) {
        if !std::mem::replace(&mut self.done, true) {
            self.resend = None;
            self.out
                .extend([Out::Certificate, Out::Keys, Out::Connected]);
        }
    }
}

impl DtlsInstance for Simulated {
    fn set_active(&mut self, active: bool) {
        self.active = active;
        self.resend = active.then_some(self.now);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        match packet {
            [HANDSHAKE, _, _, HELLO, ..] if !self.active => {
                let reply = self.record(HANDSHAKE, REPLY);
                self.out.push_back(Out::Packet(reply));
                self.finish();
            }
            [HANDSHAKE, _, _, REPLY, ..] if self.active => self.finish(),
            [DATA, _, _, data @ ..] if self.done => self.out.push_back(Out::Data(data.to_vec())),
            [ALERT, ..] => {
                self.closed = true;
                self.out.push_back(Out::Closed);
            }
            _ => {}
        }
        Ok(())
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        if let Some(due) = self.resend.filter(|due| *due <= self.now) {
            self.resend = Some(due + RESEND);
            let hello = self.record(HANDSHAKE, HELLO);
            self.out.push_back(Out::Packet(hello));
        }
        let mut copy = |bytes: &[u8]| {
            let room = &mut buf[..bytes.len()];
            room.copy_from_slice(bytes);
            bytes.len()
        };
        match self.out.pop_front() {
            Some(Out::Packet(packet)) => {
                let length = copy(&packet);
                DtlsOutput::Packet(&buf[..length])
            }
            Some(Out::Certificate) => {
                let length = copy(CERTIFICATE);
                DtlsOutput::PeerCert(&buf[..length])
            }
            Some(Out::Keys) => {
                let material: Vec<u8> = (0..MATERIAL as u8).map(|it| it ^ self.seed).collect();
                let profile = SrtpProfile::AEAD_AES_256_GCM;
                DtlsOutput::KeyingMaterial(KeyingMaterial::new(&material), profile)
            }
            Some(Out::Connected) => DtlsOutput::Connected,
            Some(Out::Data(data)) => {
                let length = copy(&data);
                DtlsOutput::ApplicationData(&buf[..length])
            }
            Some(Out::Closed) => DtlsOutput::CloseNotify,
            None => {
                let later = self.now + Duration::from_secs(3_600);
                DtlsOutput::Timeout(self.resend.unwrap_or(later))
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.now = now;
        Ok(())
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        if !self.done {
            return Ok(0);
        }
        let packet = [&[DATA, 0xFE, 0xFD], data].concat();
        self.out.push_back(Out::Packet(packet));
        Ok(data.len())
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.done.then_some(ProtocolVersion::DTLS1_2)
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.closed = true;
        let alert = vec![ALERT, 0xFE, 0xFD, 0, 0];
        self.out.push_back(Out::Packet(alert));
        Ok(())
    }
}
