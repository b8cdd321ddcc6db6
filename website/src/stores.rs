//! What the website keeps, by noun. One database can be all of them.

use std::sync::Arc;

use lens_storage::{
    AccountStore, ConsentStore, CustomerStore, InvitationStore, LoginStore, SessionStore,
    SettingStore,
};

/// Handles on the nouns the website reads and writes.
#[derive(Clone)]
pub struct Stores {
    /// Accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// Console logins.
    pub logins: Arc<dyn LoginStore>,
    /// The organisation, first set-up, the server's own secrets.
    pub settings: Arc<dyn SettingStore>,
    /// Sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Invitations.
    pub invitations: Arc<dyn InvitationStore>,
    /// Customers' credentials.
    pub customers: Arc<dyn CustomerStore>,
    /// Consents.
    pub consents: Arc<dyn ConsentStore>,
}

impl Stores {
    /// All nouns in one backend.
    pub fn all_in<Backend>(backend: Arc<Backend>) -> Self
    where
        Backend: AccountStore
            + LoginStore
            + SettingStore
            + SessionStore
            + InvitationStore
            + CustomerStore
            + ConsentStore
            + 'static,
    {
        Self {
            accounts: backend.clone(),
            logins: backend.clone(),
            settings: backend.clone(),
            sessions: backend.clone(),
            invitations: backend.clone(),
            customers: backend.clone(),
            consents: backend,
        }
    }
}
