//! What the way to a peer carries, and what the peer is asked not to exceed on its way here.

use std::time::{Duration, Instant};

use lens_runtime::udp::Runs;

use super::{Fast, Payload, Sealed, note, seal};
use crate::core::path::Path;
use crate::core::rtp::header::{Extensions, Header, Names};

/// Longest padding (RFC 3550 §5.1 counts it in one byte).
const PADDING: u8 = 255;
/// A limit that changes by less than one part in this many is not worth telling.
const WORTH_TELLING: u64 = 33;
/// How often a ceiling is repeated, should one get lost, and how often it is raised.
const CEILING_INTERVAL: Duration = Duration::from_millis(500);

/// The most that a peer is to send.
#[derive(Debug, Default)]
pub(super) struct Ceiling {
    bps: Option<u64>,
    told: Option<(u64, Instant)>,
}

impl Ceiling {
    fn set(&mut self, bps: u64) {
        self.bps = Some(bps);
    }

    /// When it is to be told: lower ones at once.
    pub(super) fn due(&self) -> Option<Instant> {
        let bps = self.bps?;
        let (told, at) = self.told?;
        match differs(told, bps) && bps < told {
            true => Some(at),
            false => Some(at + CEILING_INTERVAL),
        }
    }

    /// What is to be told now.
    pub(super) fn take(&mut self, now: Instant) -> Option<u64> {
        let bps = self.bps?;
        let due = self.told.is_none() || self.due().is_some_and(|due| due <= now);
        due.then(|| {
            self.told = Some((bps, now));
            bps
        })
    }
}

impl Fast {
    /// Asks the peer not to send more than so many bits per second, all its streams together.
    pub(in crate::core::peer) fn ask_at_most(&mut self, bps: u64) {
        self.ceiling.set(bps);
    }

    /// Whether the peer tells what comes, so that the way's limit is found out.
    pub(in crate::core::peer) fn is_estimated(&self) -> bool {
        self.estimate.is_some()
    }

    /// The limit of the way, when it has changed by enough to be told.
    pub(super) fn changed_limit(&mut self) -> Option<u64> {
        let limit = self.estimate.as_ref()?.limit()?;
        if self.limit.is_some_and(|told| !differs(told, limit)) {
            return None;
        }
        self.limit = Some(limit);
        Some(limit)
    }

    /// Sends what is to leave now to find out whether the way carries more: padding on a repair
    /// stream, which means nothing to a receiver.
    pub(super) fn probe(&mut self, now: Instant, to: Path, outbox: &mut Runs<Path>) {
        while self.estimate.as_mut().is_some_and(|it| it.probe(now) > 0) {
            if !self.pad(now, to, outbox) {
                // Nothing to pad: what leaves anyway is the probe.
                break;
            }
        }
    }

    fn pad(&mut self, now: Instant, to: Path, outbox: &mut Runs<Path>) -> bool {
        let mut lanes = self.lanes.iter_mut().flatten();
        let found = lanes.find_map(|lane| {
            let (payload_type, timestamp) = lane.last?;
            let repair = self.terms.repair_of(payload_type)?;
            Some((repair, timestamp, lane.sending.next_padding()?))
        });
        let Some((payload_type, timestamp, (ssrc, index))) = found else {
            return false;
        };
        let length = usize::from(PADDING) + self.sealer.tag();
        seal(
            &self.sealer,
            outbox,
            to,
            &Sealed {
                header: Header {
                    marker: false,
                    payload_type,
                    sequence: index as u16,
                    timestamp,
                    ssrc,
                },
                index,
                extensions: Extensions::default(),
                names: Names::default(),
                descriptor: &[],
                map: self.terms.map,
                original: None,
                transport: note(&mut self.estimate, length, None, now),
                payload: Payload::Padding(PADDING),
            },
        )
    }
}

fn differs(told: u64, now: u64) -> bool {
    told.abs_diff(now) > told / WORTH_TELLING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_ceiling_is_told_at_once_and_a_higher_one_with_the_next_interval() {
        let now = Instant::now();
        let mut ceiling = Ceiling::default();
        assert_eq!(ceiling.take(now), None);
        ceiling.set(1_000_000);
        assert_eq!(ceiling.take(now), Some(1_000_000));
        assert_eq!(ceiling.take(now), None, "just told");
        ceiling.set(1_500_000);
        assert_eq!(ceiling.take(now), None, "higher waits");
        let later = now + CEILING_INTERVAL;
        assert_eq!(ceiling.take(later), Some(1_500_000));
        ceiling.set(1_490_000);
        assert_eq!(ceiling.take(later), None, "hardly lower");
        ceiling.set(800_000);
        assert_eq!(ceiling.take(later), Some(800_000));
        assert_eq!(
            ceiling.take(later + CEILING_INTERVAL),
            Some(800_000),
            "again"
        );
    }
}
