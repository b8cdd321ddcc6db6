//! The machine that figures were measured on: without it they say nothing.

use std::fmt;

use serde_json::{Value, json};

/// Processor, kernel, memory, and how busy it was before the measurement.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    model: String,
    cores: usize,
    memory_mib: u64,
    kernel: String,
    load_at_start: f64,
}

impl Machine {
    /// Looks around; what cannot be read is `unknown` or 0.
    pub(crate) fn look() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        Self {
            model: field(&processors, "model name")
                .unwrap_or("unknown")
                .to_owned(),
            cores: processors
                .lines()
                .filter(|it| it.starts_with("processor"))
                .count(),
            memory_mib: field(&read("/proc/meminfo"), "MemTotal").map_or(0, kib) / 1_024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_at_start: load(),
        }
    }

    /// The facts, with the load now as the load at the end.
    pub(crate) fn json(&self) -> Value {
        json!({
            "cpu": self.model,
            "cores": self.cores,
            "memory_mib": self.memory_mib,
            "kernel": self.kernel,
            "load_at_start": self.load_at_start,
            "load_at_end": load(),
        })
    }

    pub(crate) fn cores(&self) -> usize {
        self.cores
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            model,
            cores,
            memory_mib,
            kernel,
            load_at_start,
        } = self;
        let gib = memory_mib / 1_024;
        write!(
            f,
            "{model}, {cores} cores, {gib} GiB, Linux {kernel}; load average {load_at_start:.2}"
        )
    }
}

/// Runnable processes, averaged over the last minute.
pub(crate) fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().and_then(|it| it.parse().ok());
    first.unwrap_or(f64::NAN)
}

/// The value behind `name:` in one of the kernel's lists.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// The number in a value such as `4096 kB`.
pub(crate) fn kib(value: &str) -> u64 {
    value
        .split(' ')
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_from_the_kernels_lists() {
        let text = "VmPeak:\t 5000 kB\nVmRSS:\t  4096 kB\nThreads:\t7\n";
        assert_eq!(field(text, "VmRSS").map(kib), Some(4_096));
        assert_eq!(field(text, "VmSwap"), None);
    }

    #[test]
    fn this_machine_has_a_name_and_cores() {
        let machine = Machine::look();
        assert!(machine.cores() > 0);
        let facts = machine.json();
        assert!(facts["load_at_end"].is_number() && facts["kernel"].is_string());
    }
}
