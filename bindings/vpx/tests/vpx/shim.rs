//! The shim is C11 in which no compiler flag finds anything.

use std::process::Command;

#[test]
fn it_compiles_without_a_warning() {
    let flags = Command::new("pkg-config")
        .args(["--cflags", "vpx"])
        .output();
    let flags = String::from_utf8(flags.expect("pkg-config").stdout).expect("text");
    let compiled = Command::new("cc")
        .args([
            "-std=c11",
            "-pedantic",
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fsyntax-only",
        ])
        .args(flags.split_whitespace())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/shim.c"))
        .output()
        .expect("a compiler");
    let words = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{words}");
}
