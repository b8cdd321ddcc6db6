//! Chat, commands, annotations and key messages.

use std::ffi::c_char;

use crate::abi::{check_pointer, lens_id, lens_status, put, read, text};
use crate::annotation::lens_annotation;
use crate::command::{lens_command, lens_outcome, outcome_from};
use crate::handles::guard;
use crate::participant::{find, lens_participant};

/// Says something to all others over the data channel: 1 to 2,000 characters, `length` bytes of
/// UTF-8. Writes its number to `id`, which may be NULL. It is kept by nobody: what has to be on
/// record goes through the website's chat.
///
/// `LENS_STATUS_WOULD_BLOCK` while too many messages wait, `LENS_STATUS_INVALID_ARGUMENT`,
/// `LENS_STATUS_CLOSED`.
///
/// # Safety
/// `message` points to `length` readable bytes; `id` to a writable number, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_chat_send(
    participant: lens_participant,
    message: *const c_char,
    length: usize,
    id: *mut u64,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        if !id.is_null() {
            check_pointer(id, "id")?;
        }
        // SAFETY: the caller's promise.
        let sent = found.send_chat(unsafe { text(message, length, "message") }?)?;
        if id.is_null() {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        unsafe { put(id, sent, "id") }
    })
}

/// Asks the camera's program for something; the answer comes as `on_command_reply` with the number
/// that is written to `id`, which is required.
///
/// Statuses as `lens_chat_send`.
///
/// # Safety
/// `command` is a valid command; `id` points to a writable number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_command_send(
    participant: lens_participant,
    command: *const lens_command,
    id: *mut u64,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        check_pointer(id, "id")?;
        // SAFETY: the caller's promise.
        let command = unsafe { read(command, "command") }?.to_command()?;
        let sent = found.send_command(&command)?;
        // SAFETY: the caller's promise.
        unsafe { put(id, sent, "id") }
    })
}

/// Answers a command (`on_command`) with one of `LENS_OUTCOME_*`. A second answer to the same one,
/// and one to a command that never came, are ignored.
#[unsafe(no_mangle)]
pub extern "C" fn lens_command_reply(
    participant: lens_participant,
    id: u64,
    outcome: lens_outcome,
) -> lens_status {
    guard(|| Ok(find(participant)?.reply_command(id, outcome_from(outcome)?)?))
}

/// Draws on the camera's picture, for all others.
///
/// Statuses as `lens_chat_send`; `LENS_STATUS_INVALID_ARGUMENT` outside the picture.
///
/// # Safety
/// `annotation` is a valid annotation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_annotation_send(
    participant: lens_participant,
    annotation: *const lens_annotation,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        // SAFETY: the caller's promise.
        let drawing = unsafe { read(annotation, "annotation")?.to_annotation() }?;
        Ok(found.send_annotation(&drawing)?)
    })
}

/// Takes one drawing of ours away, or all of them when `id` is NULL.
///
/// Statuses as `lens_chat_send`.
///
/// # Safety
/// `id` points to a readable number, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_annotation_clear(
    participant: lens_participant,
    id: *const u64,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        let id = match id.is_null() {
            true => None,
            false => {
                check_pointer(id, "id")?;
                // SAFETY: not NULL, aligned, and the caller's promise.
                Some(unsafe { id.read() })
            }
        };
        Ok(found.clear_annotations(id)?)
    })
}

/// Sends a key message, `length` bytes of UTF-8, to another participant, through signalling: it
/// comes back to you as a signal to be carried (`LENS_SIGNAL_KEY_MESSAGE`).
///
/// `LENS_STATUS_INVALID_ARGUMENT` when `to` is no id or the payload no UTF-8; `LENS_STATUS_CLOSED`.
///
/// # Safety
/// `to` points to an id, `payload` to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_key_message_send(
    participant: lens_participant,
    to: *const lens_id,
    payload: *const c_char,
    length: usize,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        check_pointer(to, "to")?;
        // SAFETY: not NULL, and the caller's promise.
        let to = unsafe { to.read() }.parse()?;
        // SAFETY: the caller's promise.
        Ok(found.send_key_message(to, unsafe { text(payload, length, "payload") }?)?)
    })
}
