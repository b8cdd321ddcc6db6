//! `Native.send*` and their like: chat, commands, annotations, key messages.

use jni::EnvUnowned;
use jni::objects::{JClass, JFloatArray, JString};
use jni::sys::{jboolean, jfloat, jint, jlong};
use lens_media_sdk::{Annotation, AnnotationShape, Command, CommandOutcome, Facing};

use crate::convert::{self, Ordinal, long, unsigned};
use crate::failure::Failure;
use crate::participant::with;

/// `Native.sendChat`: the line's number.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_sendChat<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    text: JString<'local>,
) -> jlong {
    with(&mut env, handle, |env, participant| {
        let text = convert::text(env, &text)?;
        Ok(long(participant.send_chat(&text)?))
    })
}

/// `Native.sendCommand`: the command's number. A facing of -1 is none.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_sendCommand<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    kind: jint,
    on: jboolean,
    factor: jfloat,
    facing: jint,
) -> jlong {
    with(&mut env, handle, |_, participant| {
        let command = command(kind, on, factor, facing)?;
        Ok(long(participant.send_command(&command)?))
    })
}

fn command(kind: jint, on: bool, factor: f32, facing: jint) -> Result<Command, Failure> {
    Ok(match kind {
        0 => Command::Torch { on },
        1 => Command::Zoom { factor },
        2 => Command::Freeze { on },
        3 => Command::Snapshot,
        4 if facing < 0 => Command::SwitchCamera { facing: None },
        4 => Command::SwitchCamera {
            facing: Some(Facing::from_ordinal(facing)?),
        },
        _ => return Err(Failure::Argument("this is no command")),
    })
}

/// `Native.replyCommand`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_replyCommand<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    id: jlong,
    outcome: jint,
) {
    with(&mut env, handle, |_, participant| {
        let outcome = CommandOutcome::from_ordinal(outcome)?;
        Ok(participant.reply_command(unsigned(id)?, outcome)?)
    });
}

/// `Native.sendAnnotation`: no color is -1, no width NaN, no text null, no frame -1.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_sendAnnotation<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    id: jlong,
    shape: jint,
    points: JFloatArray<'local>,
    color: jint,
    width: jfloat,
    text: JString<'local>,
    pts_us: jlong,
) {
    with(&mut env, handle, |env, participant| {
        let mut coordinates = vec![0.0; points.len(env)?];
        points.get_region(env, 0, &mut coordinates)?;
        let (pairs, odd) = coordinates.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(Failure::Argument("each point has an x and a y"));
        }
        let shape = AnnotationShape::from_ordinal(shape)?;
        let mut annotation = Annotation::new(unsigned(id)?, shape, pairs.to_vec());
        let [_, r, g, b] = color.to_be_bytes();
        annotation.color = (color >= 0).then_some([r, g, b]);
        annotation.width = Some(width).filter(|width| !width.is_nan());
        annotation.text = convert::optional_text(env, &text)?;
        annotation.pts_us = u64::try_from(pts_us).ok();
        Ok(participant.send_annotation(&annotation)?)
    });
}

/// `Native.clearAnnotations`: all of ours for -1.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_clearAnnotations<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    id: jlong,
) {
    with(&mut env, handle, |_, participant| {
        Ok(participant.clear_annotations(u64::try_from(id).ok())?)
    });
}

/// `Native.sendKeyMessage`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_sendKeyMessage<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    to: JString<'local>,
    payload: JString<'local>,
) {
    with(&mut env, handle, |env, participant| {
        let to = convert::participant_id(&convert::text(env, &to)?)?;
        Ok(participant.send_key_message(to, &convert::text(env, &payload)?)?)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_made_of_its_place_and_arguments() {
        assert_eq!(
            command(1, false, 2.0, -1).ok(),
            Some(Command::Zoom { factor: 2.0 })
        );
        let facing = Some(Facing::Back);
        assert_eq!(
            command(4, false, 1.0, 1).ok(),
            Some(Command::SwitchCamera { facing })
        );
        assert!(command(4, false, 1.0, 2).is_err() && command(5, false, 1.0, -1).is_err());
    }
}
