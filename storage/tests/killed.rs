//! A process that is killed at any moment loses nothing it acknowledged.
//!
//! The test starts its own executable again as a writer, reads what that acknowledges, kills it
//! (SIGKILL) at a seeded moment, and looks into the file. One file goes through all the kills.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use lens_protocol::Timestamp;
use lens_protocol::entropy::Entropy;
use lens_protocol::event::{Origin, SCHEMA_VERSION, SessionEvent};
use lens_protocol::id::{EventId, SessionId};
use lens_storage::sqlite::{Database, backup};
use lens_storage::{Appended, EventStore, SettingStore};

/// Where the writer finds its file; its presence makes this process the writer.
const DATABASE: &str = "LENS_TEST_KILLED_DATABASE";
/// The seed of the writer's batch sizes.
const SEED: &str = "LENS_TEST_KILLED_SEED";
/// Each seed is one kill. One that ever failed stays in the list.
const SEEDS: std::ops::Range<u64> = 1..26;
const TEST_NAME: &str = "what_was_acknowledged_survives_kills_at_any_moment";

#[test]
fn what_was_acknowledged_survives_kills_at_any_moment() {
    if let Ok(path) = std::env::var(DATABASE) {
        run(write_for_ever(path.as_ref()));
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lens.db");
    for seed in SEEDS {
        let told = kill_a_writer(&path, seed);
        run(check(&path, &told, seed));
    }
    run(async { assert!(backup::verify(&path).await.is_ok()) });
}

/// What a writer said before it died.
#[derive(Default)]
struct Told {
    epoch: u64,
    /// The last number of each batch it began.
    began: Vec<u64>,
    /// The highest number it acknowledged.
    acknowledged: u64,
}

fn kill_a_writer(path: &Path, seed: u64) -> Told {
    let mut random = Random(seed);
    let mut writer = Command::new(std::env::current_exe().expect("this executable"))
        .args(["--exact", TEST_NAME, "--nocapture"])
        .env(DATABASE, path)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the writer starts");
    let output = writer.stdout.take().expect("piped");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let mut told = Told::default();
    let commits = random.below(30);
    let mut seen = 0;
    while seen <= commits {
        let line = lines.next().expect("the writer writes until it is killed");
        seen += u64::from(told.read(&line));
    }
    // Not a wait for something: it moves the kill to a random place within a commit.
    std::thread::sleep(Duration::from_micros(random.below(6_000)));
    writer.kill().expect("the writer runs");
    writer.wait().expect("it ends");
    for line in lines {
        told.read(&line);
    }
    told
}

impl Told {
    /// Reads a line; returns whether it acknowledged a batch.
    fn read(&mut self, line: &str) -> bool {
        // The test harness's own words may stand in front.
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [.., "epoch", epoch] => self.epoch = epoch.parse().expect("a number"),
            [.., "began", last] => self.began.push(last.parse().expect("a number")),
            ["kept", last] => {
                self.acknowledged = last.parse().expect("a number");
                return true;
            }
            _ => {}
        }
        false
    }
}

async fn check(path: &Path, told: &Told, seed: u64) {
    let database = Database::open(path, now())
        .await
        .expect("the file is whole");
    let stored = stored_numbers(&database, told.epoch).await;
    let gapless: Vec<u64> = (1..=stored.len() as u64).collect();
    assert_eq!(stored, gapless, "seed {seed}: a gap");
    let last = stored.len() as u64;
    assert!(
        last >= told.acknowledged,
        "seed {seed}: {} was acknowledged, {last} is there",
        told.acknowledged
    );
    let whole = last == 0 || told.began.contains(&last);
    assert!(whole, "seed {seed}: the batch around {last} was torn");
    database.close().await;
}

async fn stored_numbers(database: &Database, epoch: u64) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut after = None;
    loop {
        let page = database
            .events(session(), after, 500)
            .await
            .expect("readable");
        let Some(last) = page.last() else {
            return numbers;
        };
        after = Some(last.id);
        numbers.extend(
            page.iter()
                .filter(|event| event.epoch == epoch)
                .map(|event| event.seq),
        );
    }
}

/// The writer: batches of 1 to 40 events, each announced before and acknowledged after.
async fn write_for_ever(path: &Path) -> ! {
    let seed: u64 = std::env::var(SEED)
        .ok()
        .and_then(|text| text.parse().ok())
        .expect("a seed");
    let mut random = Random(seed ^ 0xfeed);
    let database = Database::open(path, now()).await.expect("opens");
    let epoch = database.raise_counter("log").await.expect("a new life");
    let mut seq = 0;
    tell(&format!("epoch {epoch}"));
    loop {
        let batch: Vec<SessionEvent> = (0..=random.below(40))
            .map(|_| {
                seq += 1;
                event(epoch, seq, &mut random)
            })
            .collect();
        tell(&format!("began {seq}"));
        let outcomes = database
            .append_events(&batch)
            .await
            .expect("room on the disk");
        assert!(outcomes.iter().all(|outcome| *outcome == Appended::Stored));
        tell(&format!("kept {seq}"));
    }
}

fn tell(line: &str) {
    // One write for one line: nothing of it stays in a buffer when the process is killed.
    let mut output = std::io::stdout().lock();
    let told = output
        .write_all(format!("\n{line}\n").as_bytes())
        .and_then(|()| output.flush());
    told.expect("the test reads");
}

fn event(epoch: u64, seq: u64, random: &mut Random) -> SessionEvent {
    SessionEvent {
        id: EventId::generate(now(), random),
        session: session(),
        source: "website".to_owned(),
        epoch,
        seq,
        schema_version: SCHEMA_VERSION,
        at: now(),
        origin: Origin::Server,
        kind: "chat.line".to_owned(),
        technician: None,
        actor: None,
        body: serde_json::json!({ "text": "x".repeat(random.below(2_000) as usize) }),
    }
}

fn session() -> SessionId {
    SessionId::from_bytes([7; 16])
}

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes) % limit
    }
}

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}
