//! File descriptors and cores: a core of its own for the product, the other ones for the crowd.

use std::process::Command;

/// Descriptors needed beside one for each connection.
const SPARE: usize = 500;

/// The core the product runs on.
pub(crate) const PRODUCTS_CORE: usize = 0;

/// Allows this process, and what it starts, a descriptor for each of `connections`. Above the hard
/// limit only root may go; returns for how many connections there is room.
pub(crate) fn room_for(connections: usize) -> usize {
    let wanted = connections + SPARE;
    let own = std::process::id().to_string();
    let ask = |limit: String| {
        let raised = Command::new("prlimit")
            .args(["--pid", &own, &limit])
            .status();
        raised.is_ok_and(|status| status.success())
    };
    let (soft, hard) = limits();
    if soft < wanted && !ask(format!("--nofile={wanted}:{}", hard.max(wanted))) {
        ask(format!("--nofile={hard}:{hard}"));
    }
    limits().0.saturating_sub(SPARE).min(connections)
}

/// Keeps this process off the product's core. False when there is no other.
pub(crate) fn leave_the_products_core(cores: usize) -> bool {
    if cores < 2 {
        return false;
    }
    let others = format!("{}-{}", PRODUCTS_CORE + 1, cores - 1);
    let own = std::process::id().to_string();
    let moved = Command::new("taskset")
        .args(["-a", "-c", "-p", &others, &own])
        .output();
    moved.is_ok_and(|output| output.status.success())
}

/// Soft and hard limit of open files.
fn limits() -> (usize, usize) {
    let text = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    parse(&text)
}

fn parse(text: &str) -> (usize, usize) {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let mut numbers = line.unwrap_or_default().split_whitespace();
    let mut next = || match numbers.next() {
        Some("unlimited") => usize::MAX,
        Some(number) => number.parse().unwrap_or(0),
        None => 0,
    };
    (next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_the_kernel_writes_them() {
        let text =
            "Max open files            1024                 524288               files     \n";
        assert_eq!(parse(text), (1_024, 524_288));
        assert_eq!(
            parse("Max open files  unlimited unlimited files"),
            (usize::MAX, usize::MAX)
        );
        assert_eq!(parse(""), (0, 0));
    }
}
