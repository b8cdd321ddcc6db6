//! What is too much, each under the name that refusals, metrics and docs/OPERATIONS.md use.

use std::fmt;

/// A cap that was reached.
///
/// A call over a cap is refused and changes nothing; a peer over one loses what is over, or its
/// connection, and nobody else notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cap {
    /// Node: conferences, empty ones as well.
    Conferences,
    /// Node: participants.
    Participants,
    /// Node: connections that are not connected yet, from their offer to the end of DTLS.
    Connecting,
    /// Node: what is forwarded, in megabits per second.
    Bitrate,
    /// Conference: participants.
    ConferenceSize,
    /// Participant: offers a minute.
    Offers,
    /// Answer: its bytes.
    SdpBytes,
    /// Answer: its candidates.
    Candidates,
    /// Connection: bytes from the peer before DTLS is done.
    HandshakeBytes,
    /// Connection: video from the peer, by the conference's policy.
    VideoBitrate,
    /// Connection: voice from the peer.
    VoiceBitrate,
    /// Connection: inputs that the media stack refused.
    Refusals,
    /// Connection: RTP streams from the peer.
    Streams,
}

impl Cap {
    /// Its name: the setting's, where it is one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conferences => "max_conferences",
            Self::Participants => "max_participants",
            Self::Connecting => "max_connecting",
            Self::Bitrate => "max_mbps",
            Self::ConferenceSize => "conference_size",
            Self::Offers => "offers_a_minute",
            Self::SdpBytes => "sdp_bytes",
            Self::Candidates => "candidates",
            Self::HandshakeBytes => "handshake_bytes",
            Self::VideoBitrate => "video_bitrate",
            Self::VoiceBitrate => "voice_bitrate",
            Self::Refusals => "stack_refusals",
            Self::Streams => "streams",
        }
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
