//! Names the shared library by its ABI's major version, so that programs linked against one never
//! meet another.

#![allow(clippy::print_stdout, reason = "so cargo is told")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match system.as_str() {
        "linux" | "android" => {
            println!(
                "cargo::rustc-cdylib-link-arg=-Wl,-soname,{}",
                soname(&system)
            );
            // Two of ten megabytes are names that no program asks for; lens_* stay in .dynsym.
            if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
                println!("cargo::rustc-cdylib-link-arg=-Wl,--strip-all");
            }
        }
        "macos" | "ios" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/liblens_media.1.dylib");
        }
        _ => {}
    }
}

/// Packages of Android apps hold files named `lib*.so` only: a program that asked for another name
/// would not find it there. Each app brings its own library, so none meets another one's.
fn soname(system: &str) -> &'static str {
    match system {
        "android" => "liblens_media.so",
        _ => "liblens_media.so.1",
    }
}
