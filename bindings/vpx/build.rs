//! Finds the system's libvpx and compiles the shim against its headers; without the feature
//! `system`, nothing.

#![allow(clippy::print_stdout, reason = "so cargo is told")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "system")]
    system::build();
}

#[cfg(feature = "system")]
mod system {
    /// The first that turns timestamps into its own units without overflow; of 2020, in Debian 11.
    const LEAST: &str = "1.9";

    pub(super) fn build() {
        println!("cargo::rerun-if-changed=src/shim.c");
        let found = pkg_config::Config::new()
            .atleast_version(LEAST)
            .probe("vpx");
        let library = match found {
            Ok(library) => library,
            Err(error) => return println!("cargo::error={}", missing(&error)),
        };
        let mut shim = cc::Build::new();
        shim.file("src/shim.c").includes(&library.include_paths);
        shim.std("c11").warnings(true).extra_warnings(true);
        // Not into errors: an integrator's newer compiler may know more of them. `tests/vpx/shim.rs` does.
        if let Err(error) = shim.try_compile("lens_vpx_shim") {
            println!("cargo::error=lens-vpx: src/shim.c does not compile: {error}");
        }
    }

    /// One line, as cargo wants it.
    fn missing(error: &pkg_config::Error) -> String {
        let why = match error {
            pkg_config::Error::Command { .. } => "pkg-config is not there (Debian: pkg-config)",
            pkg_config::Error::ProbeFailure { .. } => "pkg-config knows none, or an older one",
            _ => "pkg-config found none that fits",
        };
        format!(
            "lens-vpx needs libvpx {LEAST} or newer with its headers: {why}. Install it (Debian: \
             libvpx-dev; Fedora: libvpx-devel; macOS: brew install libvpx), or name the folder of \
             its vpx.pc in PKG_CONFIG_PATH."
        )
    }
}
