//! A server that is killed (SIGKILL) at any moment, under load, loses nothing it acknowledged: sessions,
//! their descriptions, the log, the technician's login. What the store does by itself is tested in
//! storage/tests/killed.rs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Method;
use lens_tests::http::Http;
use lens_tests::product::{Mode, Product};
use serde_json::{Value, json};

/// Each is one kill. One that ever failed stays in the list.
const SEEDS: [u64; 8] = [1, 2, 3, 7, 42, 1_000, 20_261_126, 0xdead_beef];
/// Callers that write at once.
const WRITERS: usize = 3;

/// What one writer was told is kept: sessions, each with the newest description acknowledged.
type Acknowledged = Vec<(String, String)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_server_acknowledged_is_there_when_it_comes_back() {
    let mut product = Product::start(Mode::One);
    let technician = product.signed_in().await;
    let mut acknowledged = Acknowledged::new();
    for seed in SEEDS {
        let over = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(write(technician.clone(), seed, writer, over.clone())))
            .collect();
        // Not a wait for something: it moves the kill to another place in the work.
        tokio::time::sleep(Duration::from_millis(300 + seed.wrapping_mul(7_919) % 400)).await;
        product.processes.get_mut("lens").expect("runs").kill();
        over.store(true, Ordering::SeqCst);
        let before = acknowledged.len();
        for writer in writers {
            acknowledged.extend(writer.await.expect("a writer ends by itself"));
        }
        assert!(
            acknowledged.len() > before,
            "seed {seed}: nothing was acknowledged before the kill"
        );
        product.start_role("lens", &[]);
        // The login survived, too: the same cookie is used.
        for (session, reference) in &acknowledged {
            check(technician.clone(), seed, session, reference).await;
        }
    }
    for (session, reference) in acknowledged.iter().rev().take(20) {
        // Made, invitation made, and each description.
        let least = 2 + ["a", "b", "c"]
            .iter()
            .position(|turn| reference.ends_with(turn))
            .expect("a turn");
        let log = product.command(&["log", session, "--json"]);
        assert!(log.lines().count() >= least, "{reference}: {log}");
    }
}

/// Makes sessions and describes them, until the server is gone.
async fn write(mut http: Http, seed: u64, writer: usize, over: Arc<AtomicBool>) -> Acknowledged {
    let mut done = Acknowledged::new();
    for number in 0.. {
        let first = format!("{seed}-{writer}-{number}-a");
        let made = call(
            &mut http,
            Method::POST,
            "/api/sessions",
            json!({ "reference": first }),
        )
        .await;
        let Some(made) = made else { break };
        let id = made["session"]["id"].as_str().expect("an id").to_owned();
        done.push((id.clone(), first));
        let path = format!("/api/sessions/{id}");
        for turn in ["b", "c"] {
            let next = format!("{seed}-{writer}-{number}-{turn}");
            let body = json!({ "reference": next });
            if call(&mut http, Method::PATCH, &path, body).await.is_none() {
                break;
            }
            done.last_mut().expect("just pushed").1 = next;
        }
        if over.load(Ordering::SeqCst) {
            break;
        }
    }
    done
}

/// The answer; none when the server went away before it gave one.
async fn call(http: &mut Http, method: Method, path: &str, body: Value) -> Option<Value> {
    let headers = [("content-type", "application/json")];
    let body = body.to_string().into_bytes();
    let reply = http.exchange(method, path, &headers, body).await?;
    Some(reply.success())
}

/// The session is there, described as last acknowledged or as the caller asked next.
async fn check(mut http: Http, seed: u64, session: &str, reference: &str) {
    let kept = http
        .get(&format!("/api/sessions/{session}"))
        .await
        .success();
    let kept = kept["reference"].as_str().unwrap_or_default();
    let (stem, turn) = reference.split_at(reference.len() - 1);
    let (kept_stem, kept_turn) = kept.split_at(kept.len().saturating_sub(1));
    assert!(
        stem == kept_stem && turn <= kept_turn,
        "seed {seed}: {session} was acknowledged as {reference} and is {kept}"
    );
}
