//! What the record can say: the names of all events, and what their bodies hold.
//!
//! Names are never renamed or reused. Bodies are JSON objects; readers ignore fields they do not
//! know. What concerns no session (logins, accounts) stands in the record of [`SERVER`].

use lens_protocol::id::SessionId;

/// Stands for the server itself where an event belongs to no session.
pub const SERVER: SessionId = SessionId::from_bytes([0; 16]);

/// A session was made. `{reference?}`
pub const SESSION_CREATED: &str = "session.created";
/// Its reference or customer name was changed. `{reference?, customer_name?}`
pub const SESSION_DESCRIBED: &str = "session.described";
/// A PIN and link were issued. `{invitation, expires_at}`; never the secrets
pub const INVITATION_MADE: &str = "invitation.made";
/// A browser redeemed it. `{invitation, device}`
pub const INVITATION_REDEEMED: &str = "invitation.redeemed";
/// It was ended unredeemed by a technician. `{invitation}`
pub const INVITATION_ENDED: &str = "invitation.ended";
/// It ended unredeemed by time. `{invitation}`
pub const INVITATION_EXPIRED: &str = "invitation.expired";
/// The customer agreed. `{capabilities, text_version, text_sha256, locale, shown_name}`
pub const CONSENT_GIVEN: &str = "consent.given";
/// The customer did not agree.
pub const CONSENT_DECLINED: &str = "consent.declined";
/// A technician started it. `{conference}`
pub const SESSION_STARTED: &str = "session.started";
/// A further technician watches. `{name}`
pub const WATCHER_JOINED: &str = "watcher.joined";
/// A watching technician left. `{name}`
pub const WATCHER_LEFT: &str = "watcher.left";
/// Nobody sees or hears the customer from now on.
pub const SESSION_HELD: &str = "session.held";
/// The hold is over.
pub const SESSION_RESUMED: &str = "session.resumed";
/// A media connection works. `{who, generation}`
pub const MEDIA_CONNECTED: &str = "media.connected";
/// The camera's first picture was forwarded.
pub const MEDIA_FIRST_PICTURE: &str = "media.first_picture";
/// A media connection broke or was not made. `{who, generation, cause}`
pub const MEDIA_FAILED: &str = "media.failed";
/// The media node does not answer. `{node?}`
pub const MEDIA_NODE_LOST: &str = "media.node_lost";
/// Media does not flow. `{trouble}`
pub const SESSION_RECONNECTING: &str = "session.reconnecting";
/// Media flows again.
pub const SESSION_RECOVERED: &str = "session.recovered";
/// The customer has been away too long.
pub const SESSION_OFFLINE: &str = "session.offline";
/// New offers for everybody, at the lead's wish.
pub const SESSION_RESTARTED: &str = "session.restarted";
/// The customer's camera is off.
pub const CAMERA_OFF: &str = "camera.off";
/// The customer sees the own preview; nothing is sent.
pub const CAMERA_PREVIEW: &str = "camera.preview";
/// The customer's camera sends.
pub const CAMERA_LIVE: &str = "camera.live";
/// The customer paused the camera.
pub const CAMERA_PAUSED: &str = "camera.paused";
/// A phone call paused the camera.
pub const CAMERA_PAUSED_CALL: &str = "camera.paused_call";
/// The page went to the background, or the phone was locked.
pub const CAMERA_PAUSED_AWAY: &str = "camera.paused_away";
/// Browser or system refused the camera.
pub const CAMERA_DENIED: &str = "camera.denied";
/// The device has no camera.
pub const CAMERA_MISSING: &str = "camera.missing";
/// Another app holds the camera.
pub const CAMERA_BUSY: &str = "camera.busy";
/// The camera stopped by itself.
pub const CAMERA_LOST: &str = "camera.lost";
/// The customer changed between front and back. `{facing}`
pub const CAMERA_TURNED: &str = "camera.turned";
/// The customer's voice is cut.
pub const VOICE_MUTED: &str = "voice.muted";
/// The customer's voice is on.
pub const VOICE_UNMUTED: &str = "voice.unmuted";
/// The customer's page lost its connection.
pub const CUSTOMER_OFFLINE: &str = "customer.offline";
/// The customer's page came back.
pub const CUSTOMER_ONLINE: &str = "customer.online";
/// A technician put the customer's browser out.
pub const CUSTOMER_PUT_OUT: &str = "customer.put_out";
/// A chat line: a `ChatLine` of `lens_protocol::signal`.
pub const CHAT_LINE: &str = "chat.line";
/// The customer ended the session.
pub const SESSION_LEFT: &str = "session.left";
/// A technician closed the session. `{reason, note?}`
pub const SESSION_CLOSED: &str = "session.closed";
/// The session ended because nothing happened.
pub const SESSION_TIMED_OUT: &str = "session.timed_out";

// The server's own record. `account` is an account's id, `name` its name then; `from` is the
// network the request came from (an IPv4 address, or the /64 of an IPv6 one). Written by the
// website or, with `uid` (the operating system's user) in place of a technician, by `lens admin`.

/// A technician signed in. `{from}`
pub const LOGIN_MADE: &str = "login.made";
/// A sign-in was refused. `{from, reason, account?, name?}`, reason `wrong_password`,
/// `not_allowed` (the password was right, the account locked or disabled) or `unknown_account`:
/// then neither what was typed as e-mail is kept, since people type passwords there, nor more of
/// these than a few a minute. Wrong passwords for an account that is locked are not kept either.
pub const LOGIN_REFUSED: &str = "login.refused";
/// Too many wrong passwords locked an account. `{from, account, name, until}`
pub const LOGIN_LOCKED: &str = "login.locked";
/// A technician signed out. One that ended by time, by a new password or with its account is not
/// told apart
pub const LOGIN_ENDED: &str = "login.ended";
/// The first administrator was made by the set-up link. `{from, account, name}`
pub const ACCOUNT_SET_UP: &str = "account.set_up";
/// An account was added. `{account, name, role}`
pub const ACCOUNT_ADDED: &str = "account.added";
/// An account was disabled, its logins ended. `{account, name}`
pub const ACCOUNT_DISABLED: &str = "account.disabled";
/// An account may sign in again. `{account, name}`
pub const ACCOUNT_ENABLED: &str = "account.enabled";
/// An account got a new password, its lock and its logins ended. `{account, name}`
pub const ACCOUNT_PASSWORD_SET: &str = "account.password_set";
/// An API key was made. `{api_key, name, owner, scopes}`; never the key
pub const API_KEY_MADE: &str = "api_key.made";
/// An API key was revoked. `{api_key}`
pub const API_KEY_REVOKED: &str = "api_key.revoked";

/// Every name.
pub const ALL: &[&str] = &[
    SESSION_CREATED,
    SESSION_DESCRIBED,
    INVITATION_MADE,
    INVITATION_REDEEMED,
    INVITATION_ENDED,
    INVITATION_EXPIRED,
    CONSENT_GIVEN,
    CONSENT_DECLINED,
    SESSION_STARTED,
    WATCHER_JOINED,
    WATCHER_LEFT,
    SESSION_HELD,
    SESSION_RESUMED,
    MEDIA_CONNECTED,
    MEDIA_FIRST_PICTURE,
    MEDIA_FAILED,
    MEDIA_NODE_LOST,
    SESSION_RECONNECTING,
    SESSION_RECOVERED,
    SESSION_OFFLINE,
    SESSION_RESTARTED,
    CAMERA_OFF,
    CAMERA_PREVIEW,
    CAMERA_LIVE,
    CAMERA_PAUSED,
    CAMERA_PAUSED_CALL,
    CAMERA_PAUSED_AWAY,
    CAMERA_DENIED,
    CAMERA_MISSING,
    CAMERA_BUSY,
    CAMERA_LOST,
    CAMERA_TURNED,
    VOICE_MUTED,
    VOICE_UNMUTED,
    CUSTOMER_OFFLINE,
    CUSTOMER_ONLINE,
    CUSTOMER_PUT_OUT,
    CHAT_LINE,
    SESSION_LEFT,
    SESSION_CLOSED,
    SESSION_TIMED_OUT,
    LOGIN_MADE,
    LOGIN_REFUSED,
    LOGIN_LOCKED,
    LOGIN_ENDED,
    ACCOUNT_SET_UP,
    ACCOUNT_ADDED,
    ACCOUNT_DISABLED,
    ACCOUNT_ENABLED,
    ACCOUNT_PASSWORD_SET,
    API_KEY_MADE,
    API_KEY_REVOKED,
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_a_noun_and_what_became_of_it_and_stands_once() {
        let names: HashSet<&str> = ALL.iter().copied().collect();
        assert_eq!(names.len(), ALL.len());
        for name in names {
            let plain = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let parts: Vec<&str> = name.split('.').collect();
            assert!(parts.len() == 2 && parts.into_iter().all(plain), "{name}");
        }
    }
}
