//! Bad input, and what it gets: one test for each row of `bad-input.toml`.
//!
//! A row passes when the answer has the row's status and code, the row's counter rises, nothing
//! panics, and the product still serves a good request afterwards. Rows share a product, one after
//! the other, so that a counter's rise belongs to its row.

// It prints its matrix or count, and fails by panicking with a sentence.
#![allow(clippy::panic, clippy::print_stdout)]

mod given;
mod probe;
mod socket;
mod spoil;
mod stun;
mod table;

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use lens_tests::product::{Mode, Product};
use lens_tests::wait;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use crate::given::Given;
use crate::table::{Row, rows};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let rows = rows();
    println!("bad-input.toml has {} rows", rows.len());
    let shared: Arc<Mutex<Option<Product>>> = Arc::default();
    let trials = rows
        .into_iter()
        .map(|row| {
            let shared = shared.clone();
            Trial::test(row.input.clone(), move || judge(&row, &shared))
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The shared product ends here, and is asked for panics as it does.
    drop(held(&shared).take());
    conclusion.exit();
}

fn judge(row: &Row, shared: &Mutex<Option<Product>>) -> Result<(), Failed> {
    if row.own {
        let product = Product::start(Mode::One);
        return RUNTIME.block_on(check(row, &product));
    }
    let mut product = held(shared);
    let product = product.get_or_insert_with(|| Product::start(Mode::One));
    RUNTIME.block_on(check(row, product))
}

/// The product of rows that share one. A row that failed is no reason for the others to.
fn held(shared: &Mutex<Option<Product>>) -> MutexGuard<'_, Option<Product>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn check(row: &Row, product: &Product) -> Result<(), Failed> {
    let before = counted(row, product).await;
    let given = Given::make(row, product).await;
    if let Some(probe) = &row.probe {
        probe::run(probe, product, &given).await;
    } else {
        let reply = given.send(product).await;
        let (status, code) = (reply.status, reply.code());
        if (status, code.as_str()) != (row.status, row.code.as_str()) {
            let wanted = format!("{} {}", row.status, row.code);
            return Err(
                format!("answered {status} {code}, wanted {wanted}: {}", reply.text).into(),
            );
        }
    }
    wait::until(&format!("{} rises from {before}", row.counter), || async {
        (counted(row, product).await > before).then_some(())
    })
    .await;
    // A stranger's bad input is nobody else's trouble.
    let reply = product.http().get("/").await;
    if reply.status != 200 {
        return Err(format!("the customer page answers {} afterwards", reply.status).into());
    }
    Ok(())
}

/// What the row's counters say, taken together.
async fn counted(row: &Row, product: &Product) -> f64 {
    let mut sum = 0.0;
    for counter in row.counter.split(" or ") {
        let (name, labels) = counter.split_once('{').unwrap_or((counter, ""));
        let labels = labels.trim_end_matches('}');
        sum += product.counter(product.entrance(), name, &[labels]).await;
    }
    sum
}
