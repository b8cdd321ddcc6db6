//! Offer rewriting: what the streaming server offers, as a peer may see it.
//!
//! Edits are made on verbatim lines; with no rule the output is byte-identical. The typed reader
//! (`sdp`) judges the text before and after.
//!
//! | rule | what it does |
//! |---|---|
//! | [`candidates`] | exactly the node's advertised addresses, UDP and passive TCP, nothing else |
//! | [`codecs`] | order and pruning of video codecs, a payload type with all its lines and its RTX |
//! | [`layers`] | layers of a picture that are for pruned codecs alone go with them |
//! | `bandwidth` (in [`rules`]) | exactly one `b=TIAS` in the sections the policy limits |
//! | `origin` (in [`rules`]) | no software version or address in `o=`, `s=`, `a=tool` |
//!
//! [`answer`] checks what peers send back; answers are not rewritten. [`client`] checks the offers
//! of clients that make their own; the node's answers to them are rewritten as its offers are.

pub mod answer;
pub mod candidates;
pub mod client;
pub mod codecs;
pub mod layers;
pub mod lines;
pub mod rules;
pub mod validate;

pub use answer::check_answer;
pub use client::check_offer;
pub use rules::{Rewritten, Rules, rewrite};

/// Why an SDP cannot be used. Each names a rule, never the text that broke it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpFault {
    /// Over 64 KiB.
    #[error("the SDP is larger than 64 KiB")]
    TooLarge,
    /// Over 64 `m=` sections.
    #[error("the SDP has more than 64 m= sections")]
    TooManySections,
    /// The typed reader refused it.
    #[error("the SDP breaks the grammar of RFC 8866")]
    Grammar,
    /// Something WebRTC needs is not there.
    #[error("section {section} has no usable a={attribute}")]
    Missing {
        /// Which `m=` section, from 0.
        section: usize,
        /// Which attribute.
        attribute: &'static str,
    },
    /// The answer has another number of sections than its offer (RFC 3264 §6).
    #[error("the answer has {answered} m= sections, its offer has {offered}")]
    SectionCount {
        /// In the offer.
        offered: usize,
        /// In the answer.
        answered: usize,
    },
    /// A section answers another one (RFC 8843 §7.3).
    #[error("section {section} has another a=mid than in the offer")]
    Mid {
        /// Which `m=` section, from 0.
        section: usize,
    },
    /// The DTLS role is not one an answer may take (RFC 5763 §5).
    #[error("section {section} has an a=setup other than active or passive")]
    Setup {
        /// Which `m=` section, from 0.
        section: usize,
    },
    /// More candidates than taken.
    #[error("the SDP has more than 20 candidates")]
    TooManyCandidates,
    /// Pruning would leave a video section without a codec.
    #[error("section {section} has none of the codecs that are allowed")]
    NoCodec {
        /// Which `m=` section, from 0.
        section: usize,
    },
    /// The node advertises no address a peer could use.
    #[error("the media node advertises no usable address")]
    NoAddress,
}
