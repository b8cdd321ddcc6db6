//! Values under small keys that are never mistaken for a former tenant of the same place.

/// Names one value of an [`Arena`]. A removed value's key finds nothing, even after reuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    index: u32,
    serial: u32,
}

/// A growing list with stable keys, O(1) in all operations.
///
/// Each value has memory of its own: some are 13 KB, and the list keeps room for twice as many.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    entries: Vec<(u32, Option<Box<T>>)>,
    free: Vec<u32>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Arena<T> {
    pub(crate) fn insert(&mut self, make: impl FnOnce(Key) -> T) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push((0, None));
            u32::try_from(self.entries.len() - 1).expect("fewer than 2^32 values fit in memory")
        });
        let entry = &mut self.entries[index as usize];
        let key = Key {
            index,
            serial: entry.0,
        };
        entry.1 = Some(Box::new(make(key)));
        key
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let (serial, value) = self.entries.get(key.index as usize)?;
        value.as_deref().filter(|_| *serial == key.serial)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let (serial, value) = self.entries.get_mut(key.index as usize)?;
        value.as_deref_mut().filter(|_| *serial == key.serial)
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let (serial, value) = self.entries.get_mut(key.index as usize)?;
        if *serial != key.serial {
            return None;
        }
        let value = value.take()?;
        *serial = serial.wrapping_add(1);
        self.free.push(key.index);
        Some(*value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries
            .iter()
            .filter_map(|(_, value)| value.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_find_the_next_tenant_of_its_place() {
        let mut arena = Arena::default();
        let first = arena.insert(|_| "first");
        assert_eq!(arena.remove(first), Some("first"));
        let second = arena.insert(|_| "second");
        assert_eq!(arena.get(first), None);
        assert_eq!(arena.remove(first), None);
        assert_eq!(arena.get(second), Some(&"second"));
        assert_eq!(arena.iter().count(), 1);
    }
}
