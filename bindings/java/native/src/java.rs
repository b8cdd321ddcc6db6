//! What is looked up in the virtual machine once: classes that are thrown, methods of `Bridge`.
//!
//! Done when the library is loaded: then classes are found by the loader that loads it. On Android
//! another thread's loader would not know them.

use std::ffi::c_void;
use std::sync::OnceLock;

use jni::errors::Result;
use jni::ids::JMethodID;
use jni::objects::JClass;
use jni::refs::Global;
use jni::sys::{JNI_ERR, JNI_VERSION_1_6, jint};
use jni::{Env, JavaVM, jni_sig, jni_str};

static JAVA: OnceLock<Java> = OnceLock::new();

/// What was looked up.
pub(crate) struct Java {
    pub(crate) exception: Global<JClass<'static>>,
    pub(crate) exception_new: JMethodID,
    pub(crate) illegal_state: Global<JClass<'static>>,
    pub(crate) illegal_argument: Global<JClass<'static>>,
    pub(crate) bridge: Bridge,
    /// Keeps the methods below valid: a class that is unloaded takes its methods along.
    _bridge_class: Global<JClass<'static>>,
}

macro_rules! bridge {
    ($($name:ident, $java:literal, $signature:literal;)+) => {
        /// Methods of `media.lens.Bridge`. Those named `on…`, and `send`, answer whether the host
        /// came through it.
        pub(crate) struct Bridge {
            $(#[doc = $java] pub(crate) $name: JMethodID,)+
        }

        impl Bridge {
            fn look_up(env: &mut Env<'_>, class: &Global<JClass<'static>>) -> Result<Self> {
                Ok(Self {
                    $($name: env.get_method_id(class, jni_str!($java), jni_sig!($signature))?,)+
                })
            }
        }
    };
}

bridge! {
    send, "send", "(JIILjava/lang/String;)Z";
    on_state, "onState", "(II)Z";
    on_generation, "onGeneration", "(I)Z";
    on_roster, "onRoster", "([Ljava/lang/String;)Z";
    on_track, "onTrack", "(Ljava/lang/String;ILjava/lang/String;)Z";
    on_track_end, "onTrackEnd", "(Ljava/lang/String;ILjava/lang/String;)Z";
    frame_buffer, "frameBuffer", "(I)Ljava/nio/ByteBuffer;";
    on_frame, "onFrame", "(Ljava/lang/String;ILjava/lang/String;IIJZIZ)Z";
    transform_buffer, "transformBuffer", "(ZI)Ljava/nio/ByteBuffer;";
    transform, "transform", "(ZIZJI)J";
    on_bitrate, "onBitrate", "(II)Z";
    on_keyframe_request, "onKeyframeRequest", "()Z";
    on_capture_stopped, "onCaptureStopped", "()Z";
    on_talk_ready, "onTalkReady", "(Ljava/lang/String;)Z";
    on_chat, "onChat", "(Ljava/lang/String;JLjava/lang/String;)Z";
    on_command, "onCommand", "(JLjava/lang/String;IZFI)Z";
    on_command_reply, "onCommandReply", "(JI)Z";
    on_annotation, "onAnnotation", "(Ljava/lang/String;JI[FIFLjava/lang/String;J)Z";
    on_annotation_clear, "onAnnotationClear", "(Ljava/lang/String;J)Z";
    on_key_message, "onKeyMessage", "(Ljava/lang/String;Ljava/lang/String;)Z";
    on_destroyed, "onDestroyed", "()V";
}

/// What was looked up. Nothing of Java's can be called, nor calls us, before the library is loaded.
pub(crate) fn get() -> &'static Java {
    JAVA.get()
        .expect("JNI_OnLoad has run before any native method can")
}

/// Called by the virtual machine when it loads this library.
///
/// # Safety
/// Only for the virtual machine, with a pointer to itself.
#[unsafe(no_mangle)]
unsafe extern "system" fn JNI_OnLoad(vm: *mut jni::sys::JavaVM, _reserved: *mut c_void) -> jint {
    if vm.is_null() {
        return JNI_ERR;
    }
    let loaded = std::panic::catch_unwind(|| {
        // SAFETY: the virtual machine passes a pointer to itself, which is valid while it runs.
        let vm = unsafe { JavaVM::from_raw(vm) };
        vm.attach_current_thread_for_scope(look_up)
    });
    match loaded {
        Ok(Ok(java)) => {
            // A second load finds what the first found: there is one class loader for a library.
            let _ = JAVA.set(java);
            JNI_VERSION_1_6
        }
        // The virtual machine then throws UnsatisfiedLinkError.
        _ => JNI_ERR,
    }
}

fn look_up(env: &mut Env<'_>) -> Result<Java> {
    let exception = class(env, jni_str!("media/lens/LensException"))?;
    let bridge_class = class(env, jni_str!("media/lens/Bridge"))?;
    let signature = jni_sig!("(ILjava/lang/String;)V");
    Ok(Java {
        exception_new: env.get_method_id(&exception, jni_str!("<init>"), signature)?,
        exception,
        illegal_state: class(env, jni_str!("java/lang/IllegalStateException"))?,
        illegal_argument: class(env, jni_str!("java/lang/IllegalArgumentException"))?,
        bridge: Bridge::look_up(env, &bridge_class)?,
        _bridge_class: bridge_class,
    })
}

fn class(env: &mut Env<'_>, name: &jni::strings::JNIStr) -> Result<Global<JClass<'static>>> {
    let found = env.find_class(name)?;
    env.new_global_ref(found)
}
