//! One named list of scenarios, run over the product in one process and split by role.
//!
//! The run ends with the matrix of names and modes; a cell that did not run is empty, and an empty
//! cell fails the run unless a filter asked for less.

// It prints its matrix or count, and fails by panicking with a sentence.
#![allow(clippy::print_stdout)]

mod canary;
mod clients;
mod conference;
mod generation;
mod hold;
mod independent;
mod late_joiner;
mod lost_node;
mod native;
mod pause;
mod restart;
mod session;
mod voice;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use lens_tests::peer::{Habits, Manner, Stack};
use lens_tests::product::Mode;
use libtest_mimic::{Arguments, Failed, Trial};

type Run = fn(Mode) -> Pin<Box<dyn Future<Output = ()>>>;

/// The list: what is promised, in a sentence, and the proof.
const SCENARIOS: &[(&str, Run)] = &[
    ("a camera reaches its viewers, complete and in order", |m| {
        Box::pin(conference::camera(m))
    }),
    ("a text reaches the others over the data channel", |m| {
        Box::pin(conference::texts(m, Manner::default()))
    }),
    ("nobody sees another owner's conference", |m| {
        Box::pin(conference::owners(m))
    }),
    ("voices reach everybody but the speaker", |m| {
        Box::pin(voice::everybody(m, [Manner::default(); 3]))
    }),
    ("a camera by WHIP reaches viewers, also by WHEP", |m| {
        Box::pin(clients::pass(m))
    }),
    (
        "WHIP and WHEP are closed unless the policy opens them",
        |m| Box::pin(clients::denied(m)),
    ),
    ("hold stops every stream until it is resumed", |m| {
        Box::pin(hold::stops(m))
    }),
    ("a paused picture goes to nobody, the voice goes on", |m| {
        Box::pin(pause::withholds(m))
    }),
    ("a viewer may join after 65,536 packets", |m| {
        Box::pin(late_joiner::sees(m, Stack::Str0m))
    }),
    ("a new generation replaces a connection", |m| {
        Box::pin(generation::replaces(m, Manner::default()))
    }),
    (
        "a session goes from PIN to closed, every step on record",
        |m| Box::pin(session::whole(m)),
    ),
    ("a killed media node is replaced by a new offer", |m| {
        Box::pin(lost_node::replaced(m))
    }),
    ("a restarted session manager finds its conferences", |m| {
        Box::pin(restart::finds(m))
    }),
    (
        "a restarted front keeps sessions, credentials and the picture",
        |m| Box::pin(restart::front(m)),
    ),
    ("no secret, SDP, address or chat reaches a log line", |m| {
        Box::pin(canary::silent(m))
    }),
    ("another make of camera reaches both makes of viewer", |m| {
        Box::pin(independent::camera(m))
    }),
    (
        "another make of viewer sees under its own payload types",
        |m| Box::pin(independent::viewer(m)),
    ),
    ("another make of peer may be DTLS client or server", |m| {
        Box::pin(independent::dtls_roles(m))
    }),
    ("what another make of peer loses is sent again", |m| {
        Box::pin(independent::losses(m))
    }),
    (
        "another make of viewer may join after 65,536 packets",
        |m| Box::pin(late_joiner::sees(m, Stack::WebrtcRs(Habits::default()))),
    ),
    ("voices reach everybody, whatever their make", |m| {
        let [usual, other] = [Manner::default(), Manner::independent(Habits::default())];
        Box::pin(voice::everybody(m, [other, other, usual]))
    }),
    ("a text reaches another make of peer", |m| {
        Box::pin(conference::texts(m, Manner::independent(Habits::default())))
    }),
    ("a new generation replaces another make's connection", |m| {
        Box::pin(generation::replaces(
            m,
            Manner::independent(Habits::default()),
        ))
    }),
    (
        "a native camera reaches every viewer, and may refuse commands",
        |m| Box::pin(native::pair(m)),
    ),
    ("a native viewer sees through new generations", |m| {
        Box::pin(native::renewed(m))
    }),
    (
        "the examples of the MediaSDK meet over our signalling",
        |m| Box::pin(native::examples(m)),
    ),
    ("native peers go by TCP where datagrams do not pass", |m| {
        Box::pin(native::by_tcp(m))
    }),
    ("native peers go by IPv6 where there is nothing else", |m| {
        Box::pin(native::by_ipv6(m))
    }),
    ("a native camera's H264 reaches a native viewer", |m| {
        Box::pin(native::by_h264(m))
    }),
    #[cfg(feature = "vpx")]
    (
        "raw pictures of a native camera reach native viewers",
        |m| Box::pin(native::raw(m)),
    ),
];

type Outcomes = Arc<Mutex<Vec<(String, Mode, bool)>>>;

fn main() {
    let mut arguments = Arguments::from_args();
    // Each scenario starts processes of its own; more than two at once would only fight for cores.
    arguments.test_threads.get_or_insert(2);
    let outcomes = Outcomes::default();
    let trials = SCENARIOS
        .iter()
        .flat_map(|(name, run)| Mode::ALL.map(|mode| trial(name, mode, *run, outcomes.clone())))
        .collect();
    let filtered = arguments.filter.is_some() || !arguments.skip.is_empty() || arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    let complete = print_matrix(&outcomes.lock().expect("all scenarios have ended"));
    if !complete && !filtered {
        eprintln!("the matrix has an empty cell");
        std::process::exit(1);
    }
    conclusion.exit();
}

fn trial(name: &'static str, mode: Mode, run: Run, outcomes: Outcomes) -> Trial {
    Trial::test(format!("{name} [{mode}]"), move || {
        let result = std::panic::catch_unwind(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(run(mode));
        });
        let mut kept = outcomes.lock().expect("no scenario panics here");
        kept.push((name.to_owned(), mode, result.is_ok()));
        result.map_err(|panic| Failed::from(sentence_of(panic.as_ref())))
    })
}

fn sentence_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "panicked without a sentence".to_owned())
}

/// Prints name × mode; tells whether every cell was run.
fn print_matrix(outcomes: &[(String, Mode, bool)]) -> bool {
    let width = SCENARIOS
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    let mut complete = true;
    println!(
        "{:width$}  {:11}  {:11}",
        "scenario",
        Mode::One,
        Mode::Split
    );
    for (name, _) in SCENARIOS {
        let cells = Mode::ALL.map(|mode| {
            let found = outcomes.iter().find(|(n, m, _)| n == name && *m == mode);
            complete &= found.is_some();
            match found {
                Some((.., true)) => "ok",
                Some((.., false)) => "FAILED",
                None => "",
            }
        });
        println!("{name:width$}  {:11}  {:11}", cells[0], cells[1]);
    }
    complete
}
