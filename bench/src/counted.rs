//! `lens-counted`: the `lens` binary with an allocator that notes who asks for memory.
//!
//! ```text
//! bench                               lens-counted
//!   serve …, as any lens ───────────▶ runs
//!   "FILE\n" on standard input ─────▶ counts from now on
//!   end of standard input ──────────▶ counts no more, and writes what it saw to FILE
//! ```
//!
//! The file is DHAT's (`allocations.rs` reads it). Counting makes each allocation several times as
//! dear as it is, and the ones that are not made stay free.

use std::io::BufRead;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    std::thread::spawn(count);
    lens_server::main()
}

/// Counts while standard input says so.
fn count() {
    let mut lines = std::io::stdin().lock().lines();
    let Some(Ok(file)) = lines.next() else {
        return;
    };
    // Whole stacks: the loop that a packet is in is their outer end.
    let profiler = dhat::Profiler::builder()
        .file_name(file)
        .trim_backtraces(None)
        .build();
    while let Some(Ok(_)) = lines.next() {}
    drop(profiler);
}
