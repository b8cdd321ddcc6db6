//! Breaks on request: for the tests of the Java face, never in what is handed out.

use jni::EnvUnowned;
use jni::objects::JClass;
use jni::sys::jlong;

use crate::failure::{Failure, Throw};
use crate::participant::with;

/// `TestHooks.panic`.
#[unsafe(no_mangle)]
#[expect(clippy::panic, reason = "what it is for")]
extern "system" fn Java_media_lens_TestHooks_panic<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
) {
    env.with_env(|_| -> Result<(), Failure> { panic!("on request") })
        .resolve::<Throw>();
}

/// `TestHooks.panicAt`: inside the library, on its own thread.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_TestHooks_panicAt<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) {
    with(&mut env, handle, |_, participant| {
        Ok(participant.panic_on_request()?)
    });
}
