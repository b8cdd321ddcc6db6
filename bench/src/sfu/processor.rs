//! Processor time and priority, from the kernel's own accounting.

use std::process::Command;
use std::time::Duration;

/// Processor time used so far by all threads of a process, in nanoseconds' precision.
pub(crate) fn cpu_of(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.into_iter().flatten().flatten();
    let times = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ')
            .next()?
            .parse()
            .ok()
            .map(Duration::from_nanos)
    });
    times.sum()
}

/// The same of this process.
pub(crate) fn own_cpu() -> Duration {
    cpu_of(std::process::id())
}

/// Lets a process of ours go before the machine's other work, as far as that is allowed: sessions
/// are groups of their own to the scheduler, so that plain niceness does not reach beyond them.
pub(crate) fn prefer(pid: u32) {
    let _ = std::fs::write(format!("/proc/{pid}/autogroup"), "-20");
    let _ = Command::new("renice")
        .args(["-n", "-20", "-p", &pid.to_string()])
        .output();
}
