//! `Native.participant*`: one endpoint in a conference, its signals and its figures.

use std::time::Duration;

use jni::objects::{JClass, JDoubleArray, JIntArray, JObject, JString};
use jni::sys::{jboolean, jint, jlong};
use jni::{Env, EnvUnowned};
use lens_media_sdk::{
    InboundSignal, MediaKind, OfferReason, Participant, ParticipantConfig, Role, Stats,
};

use crate::convert::{self, Ordinal, unsigned};
use crate::failure::{Failure, Throw};
use crate::handles::{ENGINES, PARTICIPANTS};
use crate::host::{self, JavaNetwork, JavaObserver, Target};
use crate::transform::JavaTransform;

/// Runs with the participant of a handle; throws what fails.
pub(crate) fn with<'local, T: Default>(
    env: &mut EnvUnowned<'local>,
    handle: jlong,
    run: impl FnOnce(&mut Env<'local>, &Participant) -> Result<T, Failure>,
) -> T {
    let outcome = env.with_env(|env| run(env, &PARTICIPANTS.get(handle)?));
    outcome.resolve::<Throw>()
}

/// `Native.participantCreate`; `numbers` in the order of `ParticipantOptions.numbers`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_participantCreate<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    engine: jlong,
    role: jint,
    numbers: JIntArray<'local>,
    bridge: JObject<'local>,
) -> jlong {
    env.with_env(|env| {
        let engine = ENGINES.get(engine)?;
        let mut read = [0; 9];
        numbers.get_region(env, 0, &mut read)?;
        let [options @ .., sends, receives] = read;
        let mut config = config(Role::from_ordinal(role)?, options)?;
        let target = Target::new(env.new_global_ref(bridge)?);
        config.sender_transform = (sends != 0).then(|| JavaTransform::stage(&target, true));
        config.receiver_transform = (receives != 0).then(|| JavaTransform::stage(&target, false));
        let network = std::sync::Arc::new(JavaNetwork(target.clone()));
        let observer = JavaObserver::new(target.clone());
        match engine.create_participant(config, network, observer) {
            Ok(participant) => Ok::<_, Failure>(PARTICIPANTS.insert(participant)),
            Err(error) => {
                target.was_never_created();
                Err(error.into())
            }
        }
    })
    .resolve::<Throw>()
}

fn config(role: Role, numbers: [jint; 7]) -> Result<ParticipantConfig, Failure> {
    let mut read = [0_u32; 7];
    for (read, number) in read.iter_mut().zip(numbers) {
        let number = u32::try_from(number);
        *read = number.map_err(|_| Failure::Argument("an option must not be negative"))?;
    }
    let [timeout, kbps, fps, shortest, longest, frames, messages] = read;
    let milliseconds = |number| Duration::from_millis(u64::from(number));
    let mut config = ParticipantConfig::new(role);
    config.signal_timeout = milliseconds(timeout);
    (config.max_video_kbps, config.max_fps) = (kbps, fps);
    (config.playout_min, config.playout_max) = (milliseconds(shortest), milliseconds(longest));
    config.frame_queue = frames as usize;
    config.message_queue = messages as usize;
    Ok(config)
}

/// `Native.participantClose`: the state at last, or -1 when the handle is closed already.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_participantClose<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) -> jlong {
    env.with_env(|_| {
        let Some(participant) = PARTICIPANTS.remove(handle) else {
            return Ok::<_, Failure>(-1);
        };
        participant.close();
        Ok(convert::packed_state(participant.state()))
    })
    .resolve::<Throw>()
}

/// `Native.participantRelease`: closes without waiting for a callback that runs.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_participantRelease<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) {
    env.with_env(|_| {
        // The last of its handles that is dropped closes it.
        drop(PARTICIPANTS.remove(handle));
        Ok::<_, Failure>(())
    })
    .resolve::<Throw>();
}

/// `Native.state`: see [`convert::packed_state`].
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_state<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) -> jlong {
    with(&mut env, handle, |_, participant| {
        Ok(convert::packed_state(participant.state()))
    })
}

/// `Native.id`: null before the first offer.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_id<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) -> JString<'local> {
    with(&mut env, handle, |env, participant| {
        match participant.id() {
            Some(id) => Ok(env.new_string(id.to_string())?),
            None => Ok(JString::null()),
        }
    })
}

/// `Native.generation`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_generation<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) -> jint {
    with(&mut env, handle, |_, participant| {
        Ok(jint::try_from(participant.generation()).unwrap_or(jint::MAX))
    })
}

/// `Native.participants`: the last roster, as [`host::roster_fields`] has it.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_participants<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) -> JObject<'local> {
    with(&mut env, handle, |env, participant| {
        let fields = host::roster_fields(&participant.participants());
        Ok(host::strings(env, &fields)?.into())
    })
}

/// `Native.stats`: in the order of `Stats`' constructor; what is not known is NaN.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_stats<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) -> JDoubleArray<'local> {
    with(&mut env, handle, |env, participant| {
        let figures = figures(&participant.stats());
        let array = JDoubleArray::new(env, figures.len())?;
        array.set_region(env, 0, &figures)?;
        Ok(array)
    })
}

// Counts are exact as doubles up to 2^53, which no participant reaches.
fn figures(stats: &Stats) -> Vec<f64> {
    let known = |number: Option<f64>| number.unwrap_or(f64::NAN);
    let count = |number: u64| number as f64;
    vec![
        known(
            stats
                .transport
                .map(|transport| f64::from(transport.ordinal())),
        ),
        known(stats.rtt_ms.map(f64::from)),
        known(stats.loss_percent.map(f64::from)),
        known(stats.kbps.map(f64::from)),
        known(stats.width.map(f64::from)),
        known(stats.height.map(f64::from)),
        known(stats.frames_per_second.map(f64::from)),
        known(stats.codec.map(|codec| f64::from(codec.ordinal()))),
        known(stats.jitter_ms.map(f64::from)),
        known(stats.playout_delay_ms.map(f64::from)),
        known(stats.target_bps.map(f64::from)),
        count(stats.frames_sent),
        count(stats.frames_dropped_sending),
        count(stats.frames_received),
        count(stats.frames_delivered),
        count(stats.frames_dropped_late),
        count(stats.frames_dropped_undecodable),
        count(stats.frames_dropped_queue),
        count(stats.freeze_count),
        count(stats.keyframe_requests_sent),
        count(stats.keyframe_requests_received),
        count(stats.messages_sent),
        count(stats.messages_received),
        count(stats.ignored),
        count(stats.stale_signals),
        count(stats.generations),
    ]
}

/// `Native.receive`: a signal as JSON.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_receive<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    signal: JString<'local>,
) {
    with(&mut env, handle, |env, participant| {
        let signal = InboundSignal::from_json(&convert::text(env, &signal)?)?;
        Ok(participant.receive(signal)?)
    });
}

/// `Native.signalSent`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_signalSent<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    id: jlong,
) {
    with(&mut env, handle, |_, participant| {
        participant.signal_sent(unsigned(id)?);
        Ok(())
    });
}

/// `Native.signalFailed`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_signalFailed<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    id: jlong,
    retryable: jboolean,
) {
    with(&mut env, handle, |_, participant| {
        participant.signal_failed(unsigned(id)?, retryable);
        Ok(())
    });
}

/// `Native.signalRefused`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_signalRefused<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    id: jlong,
    code: jint,
) {
    with(&mut env, handle, |_, participant| {
        participant.signal_refused(unsigned(id)?, convert::error_code(code)?);
        Ok(())
    });
}

/// `Native.requestOffer`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_requestOffer<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    reason: jint,
) {
    with(&mut env, handle, |_, participant| {
        Ok(participant.request_offer(OfferReason::from_ordinal(reason)?)?)
    });
}

/// `Native.setMuted`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_setMuted<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    kind: jint,
    muted: jboolean,
) {
    with(&mut env, handle, |_, participant| {
        Ok(participant.set_muted(MediaKind::from_ordinal(kind)?, muted)?)
    });
}

/// `Native.resumeCapture`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_resumeCapture<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) {
    with(&mut env, handle, |_, participant| {
        Ok(participant.resume_capture()?)
    });
}

/// `Native.requestKeyframe`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_requestKeyframe<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) {
    with(&mut env, handle, |_, participant| {
        Ok(participant.request_keyframe()?)
    });
}

/// `Native.networkChanged`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_networkChanged<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) {
    with(&mut env, handle, |_, participant| {
        Ok(participant.network_changed()?)
    });
}

/// `Native.leave`; the reason may be null.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_leave<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    reason: JString<'local>,
) {
    with(&mut env, handle, |env, participant| {
        let reason = convert::optional_text(env, &reason)?;
        Ok(participant.leave(reason.as_deref())?)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_their_order_and_never_negative() {
        let numbers = [1_500, 800, 15, 10, 100, 7, 9];
        let config = config(Role::Viewer, numbers).expect("within their ranges");
        assert_eq!(config.signal_timeout, Duration::from_millis(1_500));
        assert_eq!((config.max_video_kbps, config.max_fps), (800, 15));
        assert_eq!(config.playout_max, Duration::from_millis(100));
        assert_eq!((config.frame_queue, config.message_queue), (7, 9));
        assert!(super::config(Role::Viewer, [1_500, -1, 15, 10, 100, 7, 9]).is_err());
    }

    #[test]
    fn what_is_not_known_is_no_number() {
        let mut stats = Stats::default();
        stats.generations = 3;
        let figures = figures(&stats);
        assert!(figures[..11].iter().all(|figure| figure.is_nan()));
        assert_eq!(figures[11..].iter().sum::<f64>(), 3.0);
    }
}
