//! The streaming server of this process.

use std::sync::Arc;

use lens_runtime::door::Door;
use lens_sfu::{Sfu, SfuHandle, routes};

use super::Common;
use crate::error::ServerError;
use crate::settings::Role;

/// Starts it. In the all-in-one, ICE-TCP comes through the HTTPS door; alone, it has a TCP port of
/// its own and is called over the private listener.
pub(super) fn start(
    common: &mut Common<'_>,
    door: Option<&Door>,
) -> Result<SfuHandle, ServerError> {
    let settings = &common.settings.media;
    let shared = door.map(Door::address).filter(|door| {
        let ip = door.ip();
        ip.is_unspecified() || settings.listen.iter().any(|listen| listen.ip() == ip)
    });
    let mut config = settings.config(shared.map(|address| address.port()));
    if door.is_some() && shared.is_none() {
        // The door is on another address than media: nobody could reach it by the media's.
        config.tcp = lens_sfu::config::TcpDoor::Off;
    }
    let media = Sfu::start(config, Arc::clone(&common.clock))?;
    media.metrics().register(&mut common.registry);
    if common.settings.role == Role::Sfu {
        let control = routes::router(Arc::new(media.clone()), common.token());
        common.private = std::mem::take(&mut common.private).merge(control);
    }
    Ok(media)
}
