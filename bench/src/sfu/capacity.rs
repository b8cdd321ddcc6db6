//! How many one-to-one rooms a server carries.
//!
//! Carried is a crowd of whose packets at most 0.1 % are lost and 99 of 100 come within 50 ms.
//! Loss alone misleads: a full server queues and loses nothing.

use serde_json::Value;

/// Most packets that may be lost, in per cent.
const LOSS_PCT: f64 = 0.1;
/// Longest delay of 99 of 100 packets, in milliseconds.
const P99_MS: f64 = 50.0;
/// The search ends when what was carried and what was not are so close, as a part of the former.
const CLOSE: u32 = 10;
/// Fewer rooms than that are not told apart.
const FEWEST: u32 = 5;

/// Whether a run, as it is written down, was carried. A figure that is missing was not kept:
/// nothing came.
pub(super) fn is_carried(run: &Value) -> bool {
    let within = |figure: &str, most| run[figure].as_f64().is_some_and(|it| it <= most);
    within("loss_pct", LOSS_PCT) && within("p99_ms", P99_MS)
}

/// The most rooms that each server carried of those that were tried.
pub(super) fn most(runs: &[Value]) -> Value {
    let mut most = serde_json::Map::new();
    for run in runs.iter().filter(|run| run["viewers"] == 1) {
        let server = run["server"].as_str().unwrap_or_default();
        let known = most.get(server).and_then(Value::as_u64);
        if is_carried(run) && run["rooms"].as_u64() > known {
            most.insert(server.to_owned(), run["rooms"].clone());
        }
    }
    most.into()
}

/// The crowd to try next: half way between the most that `server` carried and the fewest beyond
/// that it did not. `None` when these are close, or when it was never full.
pub(super) fn next(runs: &[Value], server: &str) -> Option<u32> {
    let tried = || {
        let of = |run: &&Value| run["server"] == server && run["viewers"] == 1;
        runs.iter().filter(of).filter_map(|run| {
            let rooms = u32::try_from(run["rooms"].as_u64()?).ok()?;
            Some((rooms, is_carried(run)))
        })
    };
    let full = tried().filter(|(_, carried)| !carried).map(|it| it.0).min();
    let full = full?;
    // What was carried beyond a crowd that was not is chance.
    let carried = tried().filter(|(rooms, carried)| *carried && *rooms < full);
    let carried = carried.map(|it| it.0).max().unwrap_or(0);
    let apart = full - carried;
    (apart > (carried / CLOSE).max(FEWEST)).then_some(carried + apart / 2)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(server: &str, rooms: u32, loss: f64, p99: Value) -> Value {
        json!({"server": server, "rooms": rooms, "viewers": 1, "loss_pct": loss, "p99_ms": p99})
    }

    #[test]
    fn capacity_is_the_highest_that_was_carried_and_silence_carries_nothing() {
        let runs = [
            run("one", 300, 0.0, json!(2.0)),
            run("one", 100, 0.0, json!(1.0)),
            run("one", 500, 0.0, json!(51.0)),
            run("silent", 100, 0.0, Value::Null),
        ];
        assert_eq!(most(&runs), json!({"one": 300}));
    }

    #[test]
    fn the_search_halves_what_lies_between_until_it_is_a_tenth() {
        let mut runs = vec![run("one", 100, 0.0, json!(1.0))];
        assert_eq!(next(&runs, "one"), None, "it was never full");
        runs.push(run("one", 200, 0.0, json!(400.0)));
        assert_eq!(next(&runs, "one"), Some(150));
        runs.push(run("one", 150, 35.0, json!(1.0)));
        assert_eq!(next(&runs, "one"), Some(125));
        runs.push(run("one", 125, 0.0, json!(49.0)));
        assert_eq!(next(&runs, "one"), Some(137));
        runs.push(run("one", 137, 0.0, json!(60.0)));
        assert_eq!(next(&runs, "one"), None, "125 and 137 are close");
        assert_eq!(most(&runs), json!({"one": 125}));
    }

    #[test]
    fn a_server_that_was_full_from_the_first_crowd_is_asked_for_fewer() {
        let runs = [run("one", 10, 5.0, json!(1.0))];
        assert_eq!(next(&runs, "one"), Some(5));
        assert_eq!(next(&runs, "another"), None);
    }
}
