//! Programs of C against the shared library: plain, under AddressSanitizer, and under valgrind.

mod support;

use std::path::Path;
use std::process::Command;

use support::{Workshop, succeed, timed};

const C11: &str = "-std=gnu11";
/// Of a real server, which is not there any more.
const OFFER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/offer.json");

fn plain(name: &str, arguments: &[&str]) {
    let workshop = Workshop::new();
    let program = workshop.compile("cc", &format!("tests/programs/{name}.c"), &[C11]);
    succeed(timed(&program).args(arguments));
}

/// The program sanitised, the library as it is: what the program does with borrowed memory shows,
/// double frees and leaks of both, and what the library copies. Its plain reads do not: those are
/// valgrind's.
fn sanitised(name: &str, arguments: &[&str]) {
    let workshop = Workshop::new();
    let flags = [
        C11,
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    ];
    let program = workshop.compile("cc", &format!("tests/programs/{name}.c"), &flags);
    let mut run = timed(&program);
    succeed(run.args(arguments).env(
        "ASAN_OPTIONS",
        "detect_leaks=1:detect_stack_use_after_return=1",
    ));
}

/// Definite leaks and errors only: Rust's standard library keeps a few bytes for its main thread,
/// which valgrind calls possibly lost.
fn in_valgrind(name: &str, arguments: &[&str]) {
    let workshop = Workshop::new();
    let program = workshop.compile("cc", &format!("tests/programs/{name}.c"), &[C11]);
    let mut run = timed(Path::new("valgrind"));
    run.args([
        "--quiet",
        "--error-exitcode=9",
        "--leak-check=full",
        "--show-leak-kinds=definite",
    ])
    .args(["--errors-for-leak-kinds=definite", "--fair-sched=yes"])
    .arg(&program)
    .args(arguments);
    succeed(&mut run);
}

#[test]
fn a_participant_ends_once_from_anywhere_and_nothing_comes_after() {
    plain("lifecycle", &[OFFER]);
}

#[test]
fn misuse_is_refused_by_name() {
    plain("misuse", &[]);
}

#[test]
fn each_function_refuses_what_no_caller_should_give_it() {
    plain("arguments", &[]);
    let source = support::package().join("tests/programs/arguments.c");
    let source = std::fs::read_to_string(source).expect("a program");
    let missing: Vec<_> = functions()
        .into_iter()
        .filter(|name| !source.contains(name) && name != "lens_live_handles")
        // The table's functions are made of their structs' names.
        .filter(|name| {
            let made = name
                .strip_prefix("lens_")
                .and_then(|it| it.strip_suffix("_init"));
            !made.is_some_and(|made| source.contains(&format!("INIT({made})")))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn sanitisers_find_nothing_in_arguments() {
    sanitised("arguments", &[]);
}

#[test]
fn valgrind_finds_nothing_in_arguments() {
    in_valgrind("arguments", &[]);
}

#[test]
fn many_threads_at_once_are_answered_and_each_end_comes_once() {
    plain("threads", &[]);
}

#[test]
fn sanitisers_find_nothing_in_threads() {
    sanitised("threads", &[]);
}

#[test]
fn valgrind_finds_nothing_in_threads() {
    in_valgrind("threads", &["3"]);
}

#[test]
fn a_slow_or_failing_host_harms_only_itself() {
    plain("hostile", &[]);
}

#[test]
fn a_thousand_cycles_leave_no_handle_thread_or_descriptor() {
    plain("churn", &["1000"]);
}

#[test]
fn a_transform_sees_each_frame_and_ends_once() {
    plain("transform", &[]);
}

#[test]
fn sanitisers_find_nothing_in_transform() {
    sanitised("transform", &[]);
}

#[test]
fn valgrind_finds_nothing_in_transform() {
    in_valgrind("transform", &[]);
}

#[test]
fn sanitisers_find_nothing_in_lifecycle() {
    sanitised("lifecycle", &[OFFER]);
}

#[test]
fn sanitisers_find_nothing_in_misuse() {
    sanitised("misuse", &[]);
}

#[test]
fn sanitisers_find_nothing_in_hostile() {
    sanitised("hostile", &[]);
}

#[test]
fn sanitisers_find_nothing_in_churn() {
    sanitised("churn", &["100"]);
}

#[test]
fn valgrind_finds_nothing_in_lifecycle() {
    in_valgrind("lifecycle", &[OFFER]);
}

#[test]
fn valgrind_finds_nothing_in_misuse() {
    in_valgrind("misuse", &[]);
}

#[test]
fn valgrind_finds_nothing_in_hostile() {
    in_valgrind("hostile", &[]);
}

#[test]
fn valgrind_finds_nothing_in_churn() {
    in_valgrind("churn", &["10"]);
}

/// What the library exports.
fn functions() -> Vec<String> {
    let listed = succeed(
        Command::new("nm")
            .args(["-D", "--defined-only"])
            .arg(support::shared_library()),
    );
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let names = listed
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    names.map(str::to_owned).collect()
}

#[test]
fn only_names_of_ours_are_visible_and_the_header_has_each() {
    let names = functions();
    assert!(names.len() > 40, "{names:?}");
    let foreign: Vec<_> = names
        .iter()
        .filter(|name| !name.starts_with("lens_"))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    let header =
        std::fs::read_to_string(support::package().join("include/lens_media.h")).expect("a header");
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !header.contains(&format!("{name}(")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_library_is_named_by_its_major_version() {
    let read = succeed(
        Command::new("readelf")
            .arg("-d")
            .arg(support::shared_library()),
    );
    let read = String::from_utf8_lossy(&read.stdout).into_owned();
    assert!(read.contains("soname: [liblens_media.so.1]"), "{read}");
    let needed = read.lines().filter(|line| line.contains("NEEDED"));
    let unusual: Vec<_> = needed
        .filter(|line| {
            !["libc.", "libm.", "libgcc_s.", "ld-linux"]
                .iter()
                .any(|name| line.contains(name))
        })
        .collect();
    assert!(unusual.is_empty(), "{unusual:?}");
}

#[test]
fn the_header_is_clean_in_every_language_that_reads_it() {
    let workshop = Workshop::new();
    let source = workshop.path("alone.c");
    std::fs::write(
        &source,
        "#include \"lens_media.h\"\nint main(void) { return lens_live_handles(); }\n",
    )
    .expect("a file");
    for (compiler, language, standard) in [
        ("gcc", "c", "c99"),
        ("gcc", "c", "c11"),
        ("g++", "c++", "c++11"),
        ("g++", "c++", "c++17"),
    ] {
        let mut command = Command::new(compiler);
        command
            .args([
                "-Wall",
                "-Wextra",
                "-Werror",
                "-pedantic",
                "-fsyntax-only",
                "-x",
                language,
            ])
            .arg(format!("-std={standard}"))
            .arg("-I")
            .arg(support::package().join("include"))
            .arg(&source);
        succeed(&mut command);
    }
}

#[test]
fn the_wrapper_ends_things_with_their_scope_and_keeps_exceptions_inside() {
    let workshop = Workshop::new();
    let flags = ["-std=c++11", "-pedantic"];
    let program = workshop.compile("g++", "tests/programs/wrapper.cpp", &flags);
    succeed(&mut timed(&program));
    let flags = [
        "-std=c++17",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    ];
    let program = workshop.compile("g++", "tests/programs/wrapper.cpp", &flags);
    succeed(&mut timed(&program));
}

#[test]
fn whatever_a_host_in_cpp_throws_moves_or_ends_from_within_harms_only_its_own() {
    let workshop = Workshop::new();
    let source = "tests/programs/wrapper_edges.cpp";
    let program = workshop.compile("g++", source, &["-std=c++11", "-pedantic"]);
    succeed(&mut timed(&program));
    let flags = [
        "-std=c++17",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    ];
    let program = workshop.compile("g++", source, &flags);
    succeed(&mut timed(&program));
}

#[test]
fn the_wrapper_compiles_without_exceptions() {
    let workshop = Workshop::new();
    let source = workshop.path("alone.cc");
    std::fs::write(
        &source,
        "#include \"lens_media.hpp\"\nlens::Participant nobody;\n",
    )
    .expect("a file");
    let mut command = Command::new("g++");
    command
        .args([
            "-std=c++11",
            "-fno-exceptions",
            "-DLENS_MEDIA_NO_EXCEPTIONS",
            "-Wall",
            "-Wextra",
        ])
        .args(["-Werror", "-pedantic", "-fsyntax-only", "-I"])
        .arg(support::package().join("include"))
        .arg(&source);
    succeed(&mut command);
}

#[test]
fn the_examples_are_plain_and_stay_short() {
    let workshop = Workshop::new();
    for (compiler, name, standard) in [
        ("cc", "camera.c", "-std=c11"),
        ("cc", "viewer.c", "-std=c11"),
        ("g++", "viewer.cpp", "-std=c++11"),
    ] {
        let source = format!("examples/{name}");
        workshop.compile(compiler, &source, &[standard, "-pedantic"]);
        let text = std::fs::read_to_string(support::package().join(&source)).expect("an example");
        assert!(text.lines().count() <= 200, "{name}");
    }
    for (name, argument) in [("camera", "no-such.ivf"), ("viewer", "no-such/out.ivf")] {
        let program = workshop.compile("cc", &format!("examples/{name}.c"), &["-std=c11"]);
        let ended = Command::new(program).arg(argument).output();
        let ended = ended.expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(said.starts_with(&format!("{argument}: ")), "{said}");
    }
}
