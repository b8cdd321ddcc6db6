//! `liblens_media_jni.so`: MediaSDK for Java and Android, behind `media.lens.Native`.
//!
//! Converts and delegates, and decides nothing. Java's side is in `../src/media/lens`: there the
//! public classes stand, there is `Native` (what Java calls) and `Bridge` (what is called here).
//!
//! ```text
//! Java thread ── Native.x(handle, …) ──▶ engine.rs, participant.rs ──▶ lens-media-sdk
//! "lens-callback" ── Native.engineRun ──▶ the library's queue of callbacks
//!                        Bridge.onX(…) ◀── host.rs
//! ```
//!
//! What it promises:
//! - Callbacks run on threads that Java made and lent (`engineRun`): no thread is attached to the
//!   virtual machine for good, so that none keeps it up, and classes are found as Java finds them.
//! - Handles are numbers, looked up; a stale one throws (`handles.rs`). Java holds no pointer.
//! - No panic and no host's exception crosses the border (`failure.rs`, `host.rs`).
//! - Only `JNI_OnLoad` and `Java_*` can be seen from outside.

mod convert;
#[cfg(test)]
mod drift;
mod engine;
mod failure;
mod frames;
mod handles;
mod host;
mod java;
mod messages;
mod participant;
#[cfg(feature = "test-hooks")]
mod test_hooks;
mod transform;
