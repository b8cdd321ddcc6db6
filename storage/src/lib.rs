//! All that outlives or leaves one process: a trait per noun, backends behind it.
//!
//! Callers hold the traits (`Arc<dyn SessionStore>` …); only the `lens` binary names a backend.
//! Each method says what happens on conflict, absence and expiry; time is always an argument.
//! What a method does, it does in one transaction, durably: when it returns `Ok`, a power cut
//! takes nothing back, and when it returns an error, nothing was changed.
//!
//! | noun | trait | backend |
//! |---|---|---|
//! | accounts | [`AccountStore`] | SQLite |
//! | console logins | [`LoginStore`] | SQLite |
//! | organisation, set-up, server secrets, counters | [`SettingStore`] | SQLite |
//! | sessions | [`SessionStore`] | SQLite |
//! | invitations | [`InvitationStore`] | SQLite |
//! | customers' credentials | [`CustomerStore`] | SQLite |
//! | consents | [`ConsentStore`] | SQLite |
//! | session log | [`EventStore`] | SQLite |
//! | API keys | [`ApiKeyStore`] | SQLite |
//! | conferences | [`ConferenceStore`] | memory |
//! | idempotency keys | [`IdempotencyStore`] | SQLite, memory |
//!
//! Rules about who may do what live elsewhere: this crate keeps what it is given, and keeps it
//! consistent. Start with [`sqlite::Database::open`] and [`StorageError`].

pub mod accounts;
pub mod api_keys;
pub mod conferences;
#[cfg(test)]
mod conformance;
pub mod consents;
pub mod customers;
pub mod error;
pub mod events;
pub mod idempotency;
pub mod invitations;
pub mod logins;
pub mod memory;
pub mod sessions;
pub mod settings;
pub mod sqlite;

pub use accounts::{AccountRecord, AccountStore};
pub use api_keys::{ApiKeyRecord, ApiKeyStore};
pub use conferences::{ConferenceRecord, ConferenceStore};
pub use consents::{ConsentRecord, ConsentStore};
pub use customers::{CustomerRecord, CustomerState, CustomerStore};
pub use error::{Conflict, Result, StorageError};
pub use events::{Appended, EventStore};
pub use idempotency::IdempotencyStore;
pub use invitations::{InvitationRecord, InvitationState, InvitationStore};
pub use logins::{AtLock, LoginRecord, LoginStore, SignedIn};
pub use sessions::{Revision, SessionFilter, SessionRecord, SessionStore, Which, Whose};
pub use settings::{SettingStore, SetupToken};
