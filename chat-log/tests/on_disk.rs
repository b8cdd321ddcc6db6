//! The record over the store it has in the product.

use std::sync::Arc;

use lens_chat_log::metrics::ChatLogMetrics;
use lens_chat_log::{ChatLog, ChatLogConfig, ChatLogError, Draft, kind, record_once};
use lens_protocol::entropy::Entropy;
use lens_protocol::event::{Origin, SessionEvent};
use lens_protocol::id::{EventId, MessageId, SessionId};
use lens_protocol::signal::{ChatLine, ChatSide};
use lens_protocol::{ErrorCode, Problem, Timestamp};
use lens_runtime::entropy::SeededEntropy;
use lens_runtime::shutdown::Shutdown;
use lens_storage::EventStore;
use lens_storage::sqlite::Database;

/// One life of a log over a database that outlives it.
struct Life {
    log: ChatLog,
    database: Database,
    metrics: ChatLogMetrics,
    shutdown: Shutdown,
}

async fn live(directory: &tempfile::TempDir, seed: u64) -> Life {
    let path = directory.path().join("lens.db");
    let database = Database::open(&path, at(0)).await.expect("opens");
    let (metrics, shutdown) = (ChatLogMetrics::default(), Shutdown::new());
    let log = ChatLog::start(
        Arc::new(database.clone()),
        &ChatLogConfig::default(),
        Box::new(SeededEntropy::new(seed)),
        metrics.clone(),
        &shutdown,
    );
    Life {
        log,
        database,
        metrics,
        shutdown,
    }
}

impl Life {
    async fn end(self) {
        self.shutdown.request();
        assert!(
            self.shutdown
                .finished(std::time::Duration::from_secs(30))
                .await
        );
        self.database.close().await;
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000 + ms)
}

fn session(number: u8) -> SessionId {
    SessionId::from_bytes([number; 16])
}

fn draft(session: SessionId, number: usize) -> Draft {
    Draft {
        session,
        at: at(0),
        origin: Origin::Server,
        kind: kind::SESSION_DESCRIBED,
        technician: None,
        actor: Some("Anna Arendt".to_owned()),
        body: serde_json::json!({ "number": number }),
    }
}

async fn all(log: &ChatLog, session: SessionId, page: u32) -> Vec<SessionEvent> {
    let mut events = Vec::new();
    let mut after: Option<EventId> = None;
    loop {
        let read = log.page(session, after, page).await.expect("readable");
        events.extend(read.events);
        after = read.next;
        if after.is_none() {
            return events;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_once_lose_nothing_keep_their_order_and_share_commits() {
    let directory = tempfile::tempdir().expect("a directory");
    let life = live(&directory, 1).await;
    let writers = (1..=8).map(|writer: u8| {
        let log = life.log.clone();
        tokio::spawn(async move {
            for number in 0..25 {
                log.record(vec![draft(session(writer), number)])
                    .await
                    .expect("kept");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
    let mut seqs = Vec::new();
    for writer in 1..=8 {
        let events = all(&life.log, session(writer), 10).await;
        let numbers: Vec<_> = events
            .iter()
            .map(|event| event.body["number"].as_u64())
            .collect();
        assert_eq!(numbers, (0..25).map(Some).collect::<Vec<_>>());
        seqs.extend(events.iter().map(|event| event.seq));
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=200).collect::<Vec<u64>>(), "a gap or repetition");
    assert_eq!(life.metrics.events.get(), 200);
    assert!(
        life.metrics.commits.get() < 200,
        "{} commits",
        life.metrics.commits.get()
    );
    life.end().await;
}

#[tokio::test]
async fn each_life_has_its_epoch_though_clock_and_seed_are_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut epochs = Vec::new();
    for seed in 0..3 {
        let life = live(&directory, seed).await;
        let kept = life
            .log
            .record(vec![draft(session(1), 0), draft(session(2), 0)])
            .await;
        let kept = kept.expect("kept");
        assert_eq!((kept[0].seq, kept[1].seq), (1, 2));
        epochs.push(kept[0].epoch);
        life.end().await;
    }
    assert_eq!(epochs, [1, 2, 3]);
}

#[tokio::test]
async fn what_is_returned_is_what_is_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let life = live(&directory, 1).await;
    let kept = life
        .log
        .record((0..5).map(|n| draft(session(1), n)).collect())
        .await
        .expect("kept");
    assert_eq!(all(&life.log, session(1), 2).await, kept);
    assert_eq!(all(&life.log, session(2), 2).await, []);
    assert_eq!(
        life.log.record(Vec::new()).await.expect("nothing to do"),
        []
    );
    let elsewhere = life.log.page(session(2), Some(kept[0].id), 10).await;
    let refused = Problem::from(elsewhere.expect_err("not of this session"));
    assert_eq!(refused.code, ErrorCode::NotFound);
    life.end().await;
}

#[tokio::test]
async fn the_last_chat_lines_come_oldest_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let life = live(&directory, 1).await;
    let mut entropy = SeededEntropy::new(5);
    for number in 0..6 {
        let line = line(&format!("line {number}"), &mut entropy);
        let chat = Draft::chat(session(1), None, &line);
        life.log
            .record(vec![chat, draft(session(1), number)])
            .await
            .expect("kept");
    }
    let lines = life.log.chat(session(1), 3).await.expect("readable");
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["line 3", "line 4", "line 5"]);
    life.end().await;
}

#[tokio::test]
async fn a_batch_that_failed_is_told_and_its_numbers_are_never_used_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let life = live(&directory, 1).await;
    let before = life
        .log
        .record(vec![draft(session(1), 0)])
        .await
        .expect("kept");
    refuse_events(&life.database, true).await;
    let refused = life
        .log
        .record(vec![draft(session(1), 1)])
        .await
        .expect_err("refused");
    assert_eq!(Problem::from(refused).code, ErrorCode::StorageFailed);
    refuse_events(&life.database, false).await;
    let after = life
        .log
        .record(vec![draft(session(1), 2)])
        .await
        .expect("kept again");
    assert_eq!((before[0].epoch, before[0].seq), (1, 1));
    assert_eq!((after[0].epoch, after[0].seq), (2, 1));
    assert_eq!(
        life.database
            .count_events(session(1))
            .await
            .expect("readable"),
        2
    );
    assert_eq!(life.metrics.failures.get(), 1);
    life.end().await;
}

#[tokio::test]
async fn a_command_writes_beside_the_running_writer_and_neither_loses_a_number() {
    let directory = tempfile::tempdir().expect("a directory");
    let life = live(&directory, 1).await;
    let of_server = |number| Draft {
        session: kind::SERVER,
        ..draft(session(1), number)
    };
    let beside = Database::open(life.database.path(), at(0)).await;
    let beside = beside.expect("opens");
    for number in 0..3 {
        life.log
            .record(vec![of_server(number)])
            .await
            .expect("kept");
        let mut entropy = SeededEntropy::new(9 + number as u64);
        let drafts = vec![of_server(10 + number), of_server(20 + number)];
        let kept = record_once(&beside, "lens-admin", drafts, &mut entropy).await;
        let numbers: Vec<_> = kept.expect("kept").iter().map(|it| it.seq).collect();
        assert_eq!(numbers, [1, 2]);
    }
    let events = all(&life.log, kind::SERVER, 2).await;
    let bodies: Vec<_> = events.iter().map(|it| it.body["number"].as_u64()).collect();
    let expected = [0, 10, 20, 1, 11, 21, 2, 12, 22].map(Some);
    assert_eq!(bodies, expected, "in the order of the commits");
    let epochs: Vec<_> = events
        .iter()
        .filter(|it| it.source == "lens-admin")
        .map(|it| it.epoch)
        .collect();
    assert_eq!(epochs, [1, 1, 2, 2, 3, 3]);
    beside.close().await;
    life.end().await;
}

#[tokio::test]
async fn a_command_that_cannot_write_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let life = live(&directory, 1).await;
    refuse_events(&life.database, true).await;
    let drafts = vec![draft(kind::SERVER, 0)];
    let mut entropy = SeededEntropy::new(3);
    let refused = record_once(&life.database, "lens-admin", drafts, &mut entropy).await;
    assert!(matches!(refused, Err(ChatLogError::Storage(_))));
    life.end().await;
}

/// Makes every insert into the log fail, or lets it be.
async fn refuse_events(database: &Database, refuse: bool) {
    use sqlx::ConnectOptions;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database.path());
    let mut other = options.connect().await.expect("a second connection");
    let sql = if refuse {
        "CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT raise(ABORT, 'no'); END"
    } else {
        "DROP TRIGGER refuse"
    };
    sqlx::query(sql)
        .execute(&mut other)
        .await
        .expect("a trigger");
}

fn line(text: &str, entropy: &mut dyn Entropy) -> ChatLine {
    ChatLine {
        id: MessageId::generate(at(0), entropy),
        client_id: None,
        from: ChatSide::Customer,
        name: "Margit".to_owned(),
        at: at(0),
        text: text.to_owned(),
    }
}
