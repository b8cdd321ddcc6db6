//! How many connections there are, in all and for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::gauge::Gauge;

use crate::http::ClientAddress;

/// The table of places.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    most_per_address: usize,
    open: Gauge,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place; dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place {
    table: Arc<Inner>,
    address: IpAddr,
}

impl Connections {
    pub(super) fn new(most: usize, most_per_address: usize, open: Gauge) -> Self {
        let taken = Mutex::default();
        Self(Arc::new(Inner {
            most,
            most_per_address,
            open,
            taken,
        }))
    }

    /// A place for a connection from `peer`, or none when the house or its share is full.
    pub(super) fn take(&self, peer: IpAddr) -> Option<Place> {
        let address = ClientAddress(peer.to_canonical()).network();
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.0.most {
            return None;
        }
        let share = taken.by_address.entry(address).or_insert(0);
        if *share >= self.0.most_per_address {
            return None;
        }
        *share += 1;
        taken.all += 1;
        self.0.open.inc();
        Some(Place {
            table: Arc::clone(&self.0),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self
            .table
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        if let Some(share) = taken.by_address.get_mut(&self.address) {
            *share = share.saturating_sub(1);
            if *share == 0 {
                taken.by_address.remove(&self.address);
            }
        }
        self.table.open.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_the_places_of_others() {
        let table = Connections::new(3, 2, Gauge::default());
        let (near, far) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first = table.take(near).expect("room");
        let _second = table.take(near).expect("room");
        assert!(table.take(near).is_none(), "its share is full");
        let _third = table.take(far).expect("room for others");
        assert!(table.take(far).is_none(), "the house is full");
        drop(first);
        assert!(table.take(far).is_some());
    }
}
