//! What a native method answers when it cannot do what was asked, and how that is thrown.
//!
//! Misuse is thrown unchecked: `IllegalStateException` after `close()`, `IllegalArgumentException`
//! for an argument outside its range. All else is `LensException` with a stable code. A panic is
//! `LensException` with `internal`; none passes into the virtual machine.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jni::Env;
use jni::errors::{Error, ErrorPolicy};
use jni::objects::JValue;
use jni::strings::JNIString;
use jni::sys::jvalue;
use lens_media_sdk::{MediaError, SdkCode};

use crate::java::{self, Java};

/// Why a native method did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library says so.
    Media(MediaError),
    /// The handle names nothing any more: an object of this kind is closed.
    Stale(&'static str),
    /// An argument cannot be used, for this reason.
    Argument(&'static str),
    /// The virtual machine says so.
    Jni(Error),
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        Self::Media(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Jni(error)
    }
}

impl Failure {
    fn throw(&self, env: &mut Env<'_>) -> jni::errors::Result<()> {
        let java = java::get();
        match self {
            Self::Stale(kind) => {
                let sentence = JNIString::new(format!("the {kind} is closed"));
                env.throw_new(&java.illegal_state, sentence)
            }
            Self::Argument(sentence) => {
                env.throw_new(&java.illegal_argument, JNIString::new(sentence))
            }
            Self::Media(error @ (MediaError::Closed | MediaError::EngineStopped)) => {
                env.throw_new(&java.illegal_state, JNIString::new(error.to_string()))
            }
            Self::Media(error @ MediaError::OutOfRange { .. }) => {
                env.throw_new(&java.illegal_argument, JNIString::new(error.to_string()))
            }
            Self::Media(error) => {
                throw_lens(env, java, error.code().c_status(), &error.to_string())
            }
            Self::Jni(error) => {
                let sentence = format!("the virtual machine refused: {error}");
                throw_lens(env, java, SdkCode::Internal.c_status(), &sentence)
            }
        }
    }
}

/// Throws what a native method failed of; what it returns then is of no meaning.
pub(crate) struct Throw;

impl<T: Default> ErrorPolicy<T, Failure> for Throw {
    type Captures<'local: 'method, 'method> = ();

    fn on_error<'local: 'method, 'method>(
        env: &mut Env<'local>,
        (): &mut (),
        failure: Failure,
    ) -> jni::errors::Result<T> {
        // An exception that waits already says more than ours.
        if !env.exception_check() {
            // Answers that an exception waits, which is what was wanted.
            let _ = failure.throw(env);
        }
        Ok(T::default())
    }

    fn on_panic<'local: 'method, 'method>(
        env: &mut Env<'local>,
        (): &mut (),
        payload: Box<dyn Any + Send + 'static>,
    ) -> jni::errors::Result<T> {
        let sentence = panic_sentence(payload.as_ref());
        // Dropping what a panic carries may panic as well.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        if !env.exception_check() {
            let _ = throw_lens(env, java::get(), SdkCode::Internal.c_status(), &sentence);
        }
        Ok(T::default())
    }
}

fn panic_sentence(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&'static str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message");
    format!("the library broke one of its own rules: {text}")
}

fn throw_lens(
    env: &mut Env<'_>,
    java: &Java,
    code: i32,
    sentence: &str,
) -> jni::errors::Result<()> {
    let sentence = env.new_string(sentence)?;
    let arguments: [jvalue; 2] = [
        JValue::Int(code).as_jni(),
        JValue::Object(&sentence).as_jni(),
    ];
    // SAFETY: the constructor was looked up in this class with the signature (int, String), which
    // is what the arguments are; both outlive the call.
    let exception =
        unsafe { env.new_object_unchecked(&java.exception, java.exception_new, &arguments)? };
    let exception = env.cast_local::<jni::objects::JThrowable<'_>>(exception)?;
    env.throw(exception)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_panic_carried_is_told() {
        let carried: Box<dyn Any + Send> = Box::new("two and two");
        assert!(panic_sentence(carried.as_ref()).ends_with("rules: two and two"));
        let carried: Box<dyn Any + Send> = Box::new(5_u8);
        assert!(panic_sentence(carried.as_ref()).ends_with("rules: no message"));
    }
}
