//! Breaks on request: for the tests of the Java face, never in what is handed out.

use jni::EnvUnowned;
use jni::objects::JClass;

use crate::failure::{Failure, Throw};

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
