//! What the bench asks of a server, ours or a peer's. Another peer is another file.

use super::load::Client;

/// The core that servers run on.
pub(crate) const SERVERS_CORE: &str = "0";

/// Takes a participant as soon as its checks may begin.
pub(crate) type Deliver<'a> = dyn FnMut(Client) + Send + 'a;

/// A running server.
pub(crate) trait Server: Send {
    /// Its process.
    fn pid(&self) -> u32;

    /// Opens a room of one camera and so many viewers, and hands each participant over.
    fn open(&mut self, room: u32, viewers: usize, deliver: &mut Deliver<'_>) -> Result<(), String>;

    /// Closes a room that was opened, and takes everybody out.
    fn close(&mut self, room: u32) -> Result<(), String> {
        Err(format!(
            "rooms of this server, such as {room}, are not closed by this bench"
        ))
    }

    /// Ends it.
    fn stop(self: Box<Self>) -> Result<(), String>;
}
