//! What `cargo xtask dist` lays out, used as an integrator does: by pkg-config and by CMake.

mod support;

use std::path::Path;
use std::process::Command;

use support::{laid_out, succeed};
use tempfile::TempDir;

#[test]
fn a_program_is_built_with_pkg_config_and_with_cmake() {
    let folder = TempDir::new().expect("a folder");
    let out = laid_out(folder.path());
    assert_links(&out.join("share/lens-media/C-API.md"));
    let others = std::fs::read_to_string(out.join("share/lens-media/THIRD-PARTY.txt"));
    let others = others.expect("what is owed to others");
    for part in [
        "\naws-lc-sys ",
        "\nstr0m ",
        "OpenSSL",
        "Permission is hereby granted",
    ] {
        assert!(others.contains(part), "{part}");
    }
    assert!(
        !others.contains("\nlens-"),
        "ours have the licences beside it"
    );
    let source = out.join("share/lens-media/examples/camera.c");

    let mut asked = Command::new("pkg-config");
    asked
        .args(["--cflags", "--libs", "lens-media"])
        .env("PKG_CONFIG_PATH", out.join("lib/pkgconfig"));
    let flags = String::from_utf8_lossy(&succeed(&mut asked).stdout).into_owned();
    let program = folder.path().join("camera");
    let mut compile = Command::new("cc");
    compile
        .arg(&source)
        .args(flags.split_whitespace())
        .arg("-pthread")
        .arg("-o")
        .arg(&program);
    succeed(&mut compile);
    assert_usage(Command::new(&program).env("LD_LIBRARY_PATH", out.join("lib")));

    let project = folder.path().join("project");
    std::fs::create_dir(&project).expect("a folder");
    let text = format!(
        "cmake_minimum_required(VERSION 3.13)\nproject(app C)\n\
         find_package(LensMedia 1 REQUIRED)\nfind_package(Threads REQUIRED)\n\
         foreach(kind lens_media lens_media_static)\n\
         add_executable(app_${{kind}} {})\n\
         target_link_libraries(app_${{kind}} PRIVATE LensMedia::${{kind}} Threads::Threads)\n\
         endforeach()\n",
        source.display()
    );
    std::fs::write(project.join("CMakeLists.txt"), text).expect("a file");
    let build = project.join("build");
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(&project).arg("-B").arg(&build);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", out.display()));
    succeed(&mut configure);
    succeed(Command::new("cmake").arg("--build").arg(&build));
    assert_usage(&mut Command::new(build.join("app_lens_media")));
    assert_usage(&mut Command::new(build.join("app_lens_media_static")));
}

/// The page leads nowhere that was not laid out with it.
fn assert_links(page: &Path) {
    let text = std::fs::read_to_string(page).expect("the page");
    let links = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.starts_with("https://")) {
        let target = page.with_file_name(link.split('#').next().unwrap_or(link));
        assert!(target.exists(), "{link}");
    }
}

/// It was linked and found its library: without arguments it says what it takes.
fn assert_usage(command: &mut Command) {
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("usage: camera"), "{output:?}");
}
