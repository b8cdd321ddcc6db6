//! Frames on the way between Java's direct buffers and the library.
//!
//! A frame that is received is copied once into a buffer that Java allocated and owns, used again
//! for the next: a host that keeps it too long reads a later frame, and never memory that is gone.

use jni::objects::{JByteBuffer, JObject};
use jni::objects::{JClass, JValue};
use jni::refs::Global;
use jni::signature::ReturnType;
use jni::sys::jvalue;
use jni::sys::{jboolean, jint, jlong};
use jni::{Env, EnvUnowned};
use lens_media_sdk::{Codec, EncodedFrame};

use crate::convert::{self, Ordinal, unsigned};
use crate::failure::{Failure, Throw};
use crate::handles::PARTICIPANTS;
use crate::java;

/// Where received frames of one participant go.
#[derive(Default)]
pub(crate) struct FrameBuffer {
    buffer: Option<(Global<JByteBuffer<'static>>, usize)>,
}

impl FrameBuffer {
    /// Puts a frame into the buffer, which `Bridge` makes anew when it is too small; its length.
    pub(crate) fn fill(
        &mut self,
        env: &mut Env<'_>,
        bridge: &JObject<'_>,
        data: &[u8],
    ) -> jni::errors::Result<i32> {
        let length = i32::try_from(data.len()).unwrap_or(i32::MAX);
        if self
            .buffer
            .as_ref()
            .is_none_or(|(_, capacity)| *capacity < data.len())
        {
            self.buffer = Some(larger(env, bridge, length)?);
        }
        if let Some((buffer, _)) = &self.buffer {
            let address = env.get_direct_buffer_address(buffer)?;
            // SAFETY: the address is that of a direct buffer of at least `data.len()` bytes, kept
            // by the global reference. Java reads it during callbacks only, which this thread runs
            // after it has written; `data` is the library's own and lies elsewhere.
            unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), address, data.len()) };
        }
        Ok(length)
    }
}

fn larger(
    env: &mut Env<'_>,
    bridge: &JObject<'_>,
    length: i32,
) -> jni::errors::Result<(Global<JByteBuffer<'static>>, usize)> {
    let arguments: [jvalue; 1] = [JValue::Int(length).as_jni()];
    let method = java::get().bridge.frame_buffer;
    // SAFETY: this method takes an int and returns an object.
    let made =
        unsafe { env.call_method_unchecked(bridge, method, ReturnType::Object, &arguments) }?;
    let buffer = env.cast_local::<JByteBuffer<'_>>(made.l()?)?;
    let capacity = env.get_direct_buffer_capacity(&buffer)?;
    Ok((env.new_global_ref(buffer)?, capacity))
}

/// `Native.pushFrame`: sends the bytes from `position` of a direct buffer.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_pushFrame<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    codec: jint,
    buffer: JByteBuffer<'local>,
    position: jint,
    length: jint,
    pts_us: jlong,
    keyframe: jboolean,
    rotation: jint,
) {
    env.with_env(|env| {
        let participant = PARTICIPANTS.get(handle)?;
        let codec = Codec::from_ordinal(codec)?;
        let rotation = convert::rotation(rotation)?;
        let pts_us = unsigned(pts_us)?;
        let data = bytes(env, &buffer, position, length)?;
        let frame = EncodedFrame::video(codec, data, pts_us, keyframe).rotated(rotation);
        Ok(participant.push_frame(&frame)?)
    })
    .resolve::<Throw>();
}

/// The bytes of a part of a direct buffer.
fn bytes<'buffer>(
    env: &Env<'_>,
    buffer: &'buffer JByteBuffer<'_>,
    position: i32,
    length: i32,
) -> Result<&'buffer [u8], Failure> {
    let (address, capacity) = match (
        env.get_direct_buffer_address(buffer),
        env.get_direct_buffer_capacity(buffer),
    ) {
        (Ok(address), Ok(capacity)) => (address, capacity),
        _ => {
            return Err(Failure::Argument(
                "the frame must be in a direct ByteBuffer",
            ));
        }
    };
    let part = usize::try_from(position)
        .ok()
        .zip(usize::try_from(length).ok());
    let fits =
        |(at, length): &(usize, usize)| at.checked_add(*length).is_some_and(|end| end <= capacity);
    let (at, length) = part
        .filter(fits)
        .ok_or(Failure::Argument("the frame lies outside its buffer"))?;
    // SAFETY: the buffer's memory is valid for `capacity` bytes while the reference to it lives,
    // which is longer than this borrow, and the part lies within. The host promises not to write
    // to it during the call; if it does, the frame is garbage that the receiver's decoder judges.
    Ok(unsafe { std::slice::from_raw_parts(address.add(at), length) })
}
