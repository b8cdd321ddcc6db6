//! Stages of a Java host's that frames pass: `Bridge.transform`, in buffers that Java owns.

use std::panic::resume_unwind;
use std::sync::Arc;

use jni::Env;
use jni::objects::{JByteBuffer, JValue};
use jni::refs::Global;
use jni::signature::{Primitive, ReturnType};
use jni::sys::jvalue;
use lens_media_sdk::{FrameInfo, FrameTransform};

use crate::convert::{Ordinal, long};
use crate::host::{Target, call_method, with_env};
use crate::java;

/// How many bytes a frame may grow by: `FrameTransform.ROOM`.
const ROOM: usize = 1024;
/// `Transforms.DROPPED`.
const DROPPED: i64 = -1;

/// One stage.
pub(crate) struct JavaTransform {
    target: Arc<Target>,
    sends: bool,
    buffer: Option<(Global<JByteBuffer<'static>>, usize)>,
}

impl JavaTransform {
    pub(crate) fn stage(target: &Arc<Target>, sends: bool) -> Box<dyn FrameTransform> {
        let (target, buffer) = (Arc::clone(target), None);
        Box::new(Self {
            target,
            sends,
            buffer,
        })
    }

    /// What goes on; none drops it. An error when the host did not come through.
    fn run(
        &mut self,
        env: &mut Env<'_>,
        info: FrameInfo,
        data: &mut Vec<u8>,
    ) -> jni::errors::Result<Outcome> {
        let length = i32::try_from(data.len()).unwrap_or(i32::MAX);
        let (address, capacity) = self.fitting(env, length)?;
        // SAFETY: a direct buffer of more than `data.len()` bytes, kept by the global reference. Java
        // uses it in the call below only; `data` is the library's own and lies elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), address, data.len()) };
        let arguments: [jvalue; 5] = [
            JValue::Bool(self.sends).as_jni(),
            JValue::Int(info.codec.ordinal()).as_jni(),
            JValue::Bool(info.keyframe).as_jni(),
            JValue::Long(long(info.pts_us)).as_jni(),
            JValue::Int(length).as_jni(),
        ];
        let method = java::get().bridge.transform;
        // SAFETY: a method of this class with these arguments that returns a long.
        let told = unsafe {
            call_method(
                env,
                &self.target.bridge,
                method,
                Primitive::Long,
                &arguments,
            )
        }?;
        Ok(match told.j()? {
            DROPPED => Outcome::Dropped,
            threw if threw < 0 => Outcome::Threw,
            packed => {
                let (at, length) = ((packed >> 32) as usize, (packed & 0xFFFF_FFFF) as usize);
                if at.checked_add(length).is_none_or(|end| end > capacity) {
                    return Ok(Outcome::Threw);
                }
                data.clear();
                // SAFETY: the part lies within the buffer, which the reference keeps, and Java is not
                // in it any more.
                data.extend_from_slice(unsafe {
                    std::slice::from_raw_parts(address.add(at), length)
                });
                Outcome::Passed
            }
        })
    }

    /// Address and capacity of a buffer for so many bytes and what they may grow by.
    fn fitting(&mut self, env: &mut Env<'_>, length: i32) -> jni::errors::Result<(*mut u8, usize)> {
        let needed = usize::try_from(length).unwrap_or(0) + ROOM;
        if let Some((buffer, capacity)) = &self.buffer
            && *capacity >= needed
        {
            return Ok((env.get_direct_buffer_address(buffer)?, *capacity));
        }
        let arguments: [jvalue; 2] = [
            JValue::Bool(self.sends).as_jni(),
            JValue::Int(length).as_jni(),
        ];
        let method = java::get().bridge.transform_buffer;
        // SAFETY: this method takes a boolean and an int and returns an object.
        let made = unsafe {
            let returns = ReturnType::Object;
            env.call_method_unchecked(&self.target.bridge, method, returns, &arguments)
        }?;
        let buffer = env.cast_local::<JByteBuffer<'_>>(made.l()?)?;
        let capacity = env.get_direct_buffer_capacity(&buffer)?;
        let buffer = env.new_global_ref(buffer)?;
        let address = env.get_direct_buffer_address(&buffer)?;
        self.buffer = Some((buffer, capacity));
        Ok((address, capacity))
    }
}

enum Outcome {
    Passed,
    Dropped,
    Threw,
}

impl FrameTransform for JavaTransform {
    fn transform(&mut self, info: FrameInfo, mut data: Vec<u8>) -> Option<Vec<u8>> {
        match with_env(|env| self.run(env, info, &mut data)) {
            Ok(Outcome::Passed) => Some(data),
            Ok(Outcome::Dropped) => None,
            // Not `panic!`: the host has been told, and the process's hook has nothing to add.
            _ => resume_unwind(Box::new("a transform of the host's threw")),
        }
    }
}
