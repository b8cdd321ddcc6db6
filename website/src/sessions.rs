//! `/api/sessions`: what technicians do with sessions. Each file is one group of routes; every
//! route asks `decide()` before it does anything.

pub(crate) mod invitation;
pub(crate) mod list;
pub(crate) mod outcome;
pub(crate) mod part;
pub(crate) mod record;
