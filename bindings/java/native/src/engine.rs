//! `Native.engine*`: engines, and the threads that Java lends them.

use std::net::IpAddr;

use jni::EnvUnowned;
use jni::objects::{JClass, JObjectArray, JString};
use jni::sys::{jboolean, jint, jlong};
use lens_media_sdk::{Callbacks, Engine, EngineConfig};

use crate::convert;
use crate::failure::{Failure, Throw};
use crate::handles::{ENGINES, PARTICIPANTS};

/// `Native.version`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_version<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
) -> JString<'local> {
    env.with_env(|env| Ok::<_, Failure>(env.new_string(env!("CARGO_PKG_VERSION"))?))
        .resolve::<Throw>()
}

/// `Native.engineStart`: starts an engine that waits for threads to be lent.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_engineStart<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    addresses: JObjectArray<'local, JString<'local>>,
    udp: jboolean,
    tcp: jboolean,
) -> jlong {
    env.with_env(|env| {
        let mut config = EngineConfig::default();
        config.callbacks = Callbacks::Host;
        (config.udp, config.tcp) = (udp, tcp);
        for place in 0..addresses.len(env)? {
            let text = addresses.get_element(env, place)?;
            let address: Result<IpAddr, _> = convert::text(env, &text)?.parse();
            let address = address.map_err(|_| Failure::Argument("this is no IP address"))?;
            config.addresses.push(address);
        }
        Ok::<_, Failure>(ENGINES.insert(Engine::start(config)?))
    })
    .resolve::<Throw>()
}

/// `Native.engineRun`: runs callbacks on the calling thread until the engine stops.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_engineRun<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) {
    env.with_env(|_| {
        // A runner, not the engine: a thread that is lent does not keep it alive.
        let runner = ENGINES.get(handle)?.callback_runner();
        Ok::<_, Failure>(runner.run()?)
    })
    .resolve::<Throw>();
}

/// `Native.engineStop`: idempotent, as the handle is forgotten.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_engineStop<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) {
    env.with_env(|_| {
        if let Some(engine) = ENGINES.remove(handle) {
            engine.stop();
        }
        Ok::<_, Failure>(())
    })
    .resolve::<Throw>();
}

/// `Native.engineNetworkChanged`.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_engineNetworkChanged<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) {
    env.with_env(|_| {
        ENGINES.get(handle)?.network_changed();
        Ok::<_, Failure>(())
    })
    .resolve::<Throw>();
}

/// `Native.engineLive`: participants of an engine that are not over.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_engineLive<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) -> jint {
    env.with_env(|_| {
        let live = ENGINES.get(handle)?.live_participants();
        Ok::<_, Failure>(jint::try_from(live).unwrap_or(jint::MAX))
    })
    .resolve::<Throw>()
}

/// `Native.liveHandles`: engines and participants of this process, for tests of leaks.
#[unsafe(no_mangle)]
extern "system" fn Java_media_lens_Native_liveHandles<'local>(
    _env: EnvUnowned<'local>,
    _class: JClass<'local>,
) -> jint {
    jint::try_from(ENGINES.count() + PARTICIPANTS.count()).unwrap_or(jint::MAX)
}
