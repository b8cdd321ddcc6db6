//! Commands: what a viewer may ask of the camera's program.

use lens_media_sdk::{Command, CommandOutcome, Facing};

use crate::abi::{Sized32, init, lens_status};
use crate::handles::guard;
use crate::last_error::Refusal;

/// Which command: one of `LENS_COMMAND_*`.
pub type lens_command_kind = i32;
/// The lamp beside the camera; see `on`.
pub const LENS_COMMAND_TORCH: lens_command_kind = 1;
/// A closer look; see `factor`.
pub const LENS_COMMAND_ZOOM: lens_command_kind = 2;
/// The picture stands still; see `on`.
pub const LENS_COMMAND_FREEZE: lens_command_kind = 3;
/// A picture in full resolution.
pub const LENS_COMMAND_SNAPSHOT: lens_command_kind = 4;
/// Another camera; see `facing`.
pub const LENS_COMMAND_SWITCH_CAMERA: lens_command_kind = 5;

/// Which way a camera looks: one of `LENS_FACING_*`.
pub type lens_facing = i32;
/// The other one than now.
pub const LENS_FACING_OTHER: lens_facing = 0;
/// At whoever holds the device.
pub const LENS_FACING_FRONT: lens_facing = 1;
/// Away from them.
pub const LENS_FACING_BACK: lens_facing = 2;

/// What became of a command: one of `LENS_OUTCOME_*`.
pub type lens_outcome = i32;
/// It was done.
pub const LENS_OUTCOME_DONE: lens_outcome = 1;
/// The customer, or their program, does not want it.
pub const LENS_OUTCOME_REFUSED: lens_outcome = 2;
/// This device or program cannot do it.
pub const LENS_OUTCOME_UNSUPPORTED: lens_outcome = 3;
/// It was tried and went wrong.
pub const LENS_OUTCOME_FAILED: lens_outcome = 4;

pub(crate) fn outcome_from(outcome: lens_outcome) -> Result<CommandOutcome, Refusal> {
    match outcome {
        LENS_OUTCOME_DONE => Ok(CommandOutcome::Done),
        LENS_OUTCOME_REFUSED => Ok(CommandOutcome::Refused),
        LENS_OUTCOME_UNSUPPORTED => Ok(CommandOutcome::Unsupported),
        LENS_OUTCOME_FAILED => Ok(CommandOutcome::Failed),
        _ => Err(Refusal::argument("outcome is none of LENS_OUTCOME_*")),
    }
}

pub(crate) const fn outcome_of(outcome: CommandOutcome) -> lens_outcome {
    match outcome {
        CommandOutcome::Done => LENS_OUTCOME_DONE,
        CommandOutcome::Refused => LENS_OUTCOME_REFUSED,
        CommandOutcome::Unsupported => LENS_OUTCOME_UNSUPPORTED,
        CommandOutcome::Failed => LENS_OUTCOME_FAILED,
    }
}

/// A command. Fields that its kind does not have are 0. `lens_command_init` fills it with zeros.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_command {
    /// `sizeof(lens_command)`, set by `lens_command_init`.
    pub struct_size: u32,
    /// One of `LENS_COMMAND_*`; in a command that came, 0 for one of a newer library: answer it with
    /// `LENS_OUTCOME_UNSUPPORTED`.
    pub kind: lens_command_kind,
    /// Torch and freeze: 1 for on, 0 for off.
    pub on: i32,
    /// Switch camera: one of `LENS_FACING_*`.
    pub facing: lens_facing,
    /// Zoom: 1 is the whole picture, at most 100.
    pub factor: f32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: it begins with its size, and consists of numbers.
unsafe impl Sized32 for lens_command {}

impl lens_command {
    const fn empty() -> Self {
        Self {
            struct_size: size_of::<Self>() as u32,
            kind: 0,
            on: 0,
            facing: LENS_FACING_OTHER,
            factor: 0.0,
            reserved: 0,
        }
    }

    pub(crate) fn of(command: &Command) -> Self {
        let mut own = Self::empty();
        match command {
            Command::Torch { on } => (own.kind, own.on) = (LENS_COMMAND_TORCH, (*on).into()),
            Command::Zoom { factor } => (own.kind, own.factor) = (LENS_COMMAND_ZOOM, *factor),
            Command::Freeze { on } => (own.kind, own.on) = (LENS_COMMAND_FREEZE, (*on).into()),
            Command::Snapshot => own.kind = LENS_COMMAND_SNAPSHOT,
            Command::SwitchCamera { facing } => {
                own.kind = LENS_COMMAND_SWITCH_CAMERA;
                own.facing = match facing {
                    None => LENS_FACING_OTHER,
                    Some(Facing::Front) => LENS_FACING_FRONT,
                    Some(Facing::Back) => LENS_FACING_BACK,
                };
            }
            _ => {}
        }
        own
    }

    pub(crate) fn to_command(self) -> Result<Command, Refusal> {
        Ok(match self.kind {
            LENS_COMMAND_TORCH => Command::Torch { on: self.on != 0 },
            LENS_COMMAND_ZOOM => Command::Zoom {
                factor: self.factor,
            },
            LENS_COMMAND_FREEZE => Command::Freeze { on: self.on != 0 },
            LENS_COMMAND_SNAPSHOT => Command::Snapshot,
            LENS_COMMAND_SWITCH_CAMERA => Command::SwitchCamera {
                facing: match self.facing {
                    LENS_FACING_OTHER => None,
                    LENS_FACING_FRONT => Some(Facing::Front),
                    LENS_FACING_BACK => Some(Facing::Back),
                    _ => return Err(Refusal::argument("command.facing is none of LENS_FACING_*")),
                },
            },
            _ => return Err(Refusal::argument("command.kind is none of LENS_COMMAND_*")),
        })
    }
}

/// Fills the command with zeros and its size. `struct_size` is `sizeof(lens_command)`.
///
/// # Safety
/// `command` points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_command_init(
    command: *mut lens_command,
    struct_size: u32,
) -> lens_status {
    // SAFETY: the caller's promise.
    guard(|| unsafe { init(command, struct_size, lens_command::empty()) })
}
