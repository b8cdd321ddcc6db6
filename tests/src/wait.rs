//! Waiting for conditions. Nothing here relies on how fast the machine is: limits are generous, and
//! a condition that came true is seen within milliseconds.

use std::future::Future;
use std::time::{Duration, Instant};

/// Long enough for a loaded machine, short enough for a broken build to be told.
pub const LIMIT: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(15);

/// Asks until there is an answer. The sentence says what was awaited.
///
/// # Panics
/// When there is none within [`LIMIT`].
pub async fn until<T, F>(sentence: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            started.elapsed() < LIMIT,
            "not within {LIMIT:?}: {sentence}"
        );
        tokio::time::sleep(STEP).await;
    }
}

/// As [`until`], for a plain condition.
///
/// # Panics
/// When it is not true within [`LIMIT`].
pub async fn until_true(sentence: &str, mut holds: impl FnMut() -> bool) {
    until(sentence, || {
        let answer = holds().then_some(());
        async move { answer }
    })
    .await;
}
