//! Handles: numbers that Java holds for what lives here.
//!
//! A handle names one object for good: a number is never given out twice, so that a stale one is
//! found out and never names another object. What is looked up is cloned (both kinds are cheap
//! handles themselves): nothing is locked while the library works or calls out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};

use lens_media_sdk::{Engine, Participant};

use crate::failure::Failure;

/// The engines of this process.
pub(crate) static ENGINES: LazyLock<Handles<Engine>> = LazyLock::new(|| Handles::new("engine"));
/// The participants of this process.
pub(crate) static PARTICIPANTS: LazyLock<Handles<Participant>> =
    LazyLock::new(|| Handles::new("participant"));

/// Over both kinds, so that the handle of one is never one of the other.
static NEXT: AtomicI64 = AtomicI64::new(1);

/// Objects of one kind by their numbers.
pub(crate) struct Handles<T> {
    kind: &'static str,
    objects: RwLock<HashMap<i64, T>>,
}

impl<T: Clone> Handles<T> {
    fn new(kind: &'static str) -> Self {
        Self {
            kind,
            objects: RwLock::default(),
        }
    }

    /// Keeps an object; 0 is never given out.
    pub(crate) fn insert(&self, object: T) -> i64 {
        let handle = NEXT.fetch_add(1, Ordering::Relaxed);
        let objects = self.objects.write();
        objects
            .unwrap_or_else(PoisonError::into_inner)
            .insert(handle, object);
        handle
    }

    /// The object of a handle.
    pub(crate) fn get(&self, handle: i64) -> Result<T, Failure> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let found = objects.get(&handle).cloned();
        found.ok_or(Failure::Stale(self.kind))
    }

    /// Lets an object go; none when that has happened.
    pub(crate) fn remove(&self, handle: i64) -> Option<T> {
        let objects = self.objects.write();
        objects
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&handle)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        let objects = self.objects.read();
        objects.unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_stale_for_good_once_its_object_is_gone() {
        let objects = Handles::new("thing");
        let first = objects.insert("first");
        assert_eq!(objects.get(first).ok(), Some("first"));
        assert_eq!(objects.remove(first), Some("first"));
        let second = objects.insert("second");
        assert_ne!(first, second);
        assert!(matches!(objects.get(first), Err(Failure::Stale("thing"))));
        assert_eq!((objects.remove(first), objects.count()), (None, 1));
    }

    #[test]
    fn a_handle_of_another_kind_is_refused() {
        let (here, there) = (Handles::new("engine"), Handles::new("participant"));
        let handle = here.insert(1);
        there.insert(2);
        assert!(matches!(
            there.get(handle),
            Err(Failure::Stale("participant"))
        ));
    }
}
