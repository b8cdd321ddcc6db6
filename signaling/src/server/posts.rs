//! Which event stream a `POST` belongs to.
//!
//! A stream hands its page a random key; a `POST` that carries it needs no other credential and
//! can only meet that very connection, so that a late one of a former connection changes nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::core::channel::Link;
use crate::hub::{Carrier, Shared, random_name};
use crate::registry::Entry;

/// The open streams by key.
#[derive(Debug, Default)]
pub(crate) struct Posts(Mutex<HashMap<String, (Weak<Entry>, Link)>>);

impl Posts {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Weak<Entry>, Link)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream with this key, if it is open.
    pub(crate) fn find(&self, key: &str) -> Option<(Arc<Entry>, Link)> {
        let map = self.lock();
        let (entry, link) = map.get(key)?;
        Some((entry.upgrade()?, *link))
    }
}

/// A stream's key, valid until it is dropped.
#[derive(Debug)]
pub(crate) struct PostKey {
    hub: Arc<Shared>,
    key: String,
}

impl PostKey {
    pub(crate) fn new(carrier: &Carrier) -> Self {
        let key = random_name();
        let target = (Arc::downgrade(&carrier.entry), carrier.link);
        carrier.hub.posts.lock().insert(key.clone(), target);
        Self {
            hub: carrier.hub.clone(),
            key,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.key
    }
}

impl Drop for PostKey {
    fn drop(&mut self) {
        self.hub.posts.lock().remove(&self.key);
    }
}
