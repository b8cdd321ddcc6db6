//! When a conference ends by itself.

use std::time::Duration;

use lens_protocol::Timestamp;
use lens_protocol::conference::EndReason;

use super::conference::Room;

/// How long an ended conference can still be read. Lower values make a late `GET` or a repeated
/// `DELETE` answer 404; higher ones cost memory.
pub const KEPT_ENDED: Duration = Duration::from_secs(3_600);

/// When `room` ends by itself and why, as things stand: the earliest of the longest duration,
/// nobody having joined, and everybody having left.
pub fn deadline(room: &Room) -> (Timestamp, EndReason) {
    let seconds = |s: u32| Duration::from_secs(u64::from(s));
    let settings = &room.settings;
    let longest = (room.expires_at(), EndReason::MaxDuration);
    let vacant = if !room.seats.is_empty() {
        None
    } else if room.ever_joined {
        let end = room
            .vacant_since
            .plus(seconds(settings.departure_timeout_s));
        Some((end, EndReason::Departed))
    } else {
        let end = room.vacant_since.plus(seconds(settings.empty_timeout_s));
        Some((end, EndReason::Empty))
    };
    match vacant {
        Some(vacant) if vacant.0 <= longest.0 => vacant,
        _ => longest,
    }
}

/// The reason to end `room` now, if there is one.
pub fn due(room: &Room, now: Timestamp) -> Option<EndReason> {
    let (at, reason) = deadline(room);
    (room.ended.is_none() && at <= now).then_some(reason)
}

/// When the store has to be asked about `room` again: its end, or the end of its being kept.
pub fn next_look(room: &Room) -> Timestamp {
    match &room.ended {
        Some(ended) => ended.at.plus(KEPT_ENDED),
        None => deadline(room).0,
    }
}
