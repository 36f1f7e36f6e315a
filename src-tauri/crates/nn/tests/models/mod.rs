//! The tiny random models that the tests compare with other programs, one an architecture and pooling.

use std::path::{Path, PathBuf};

/// Names of their folders. `fixtures/make_fixtures.py` makes them.
pub const FIXTURES: [&str; 11] = [
    "tiny-bert",
    "tiny-distilbert",
    "tiny-roberta",
    "tiny-xlm-roberta",
    "tiny-camembert",
    "tiny-electra",
    "tiny-mpnet",
    "tiny-albert",
    "tiny-deberta-v2",
    "tiny-modernbert",
    "tiny-modernbert-mean",
];

/// A fixture's folder.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}
