//! Gives each target its committed corpus, without a fuzzer. Included by the crates whose doors
//! are fuzzed, as part of their unit tests.

use std::path::Path;

use super::Target;

/// Runs each target over all its inputs; a target without any fails.
pub(crate) fn all(targets: &[Target]) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus");
    for (name, run) in targets {
        let folder = corpus.join(name);
        let inputs = folder.read_dir().expect("each target has a corpus");
        let mut count = 0;
        for input in inputs {
            let path = input.expect("a readable folder").path();
            eprintln!("{}", path.display());
            run(&std::fs::read(&path).expect("a readable file"));
            count += 1;
        }
        assert!(count > 0, "{} is empty", folder.display());
    }
}
