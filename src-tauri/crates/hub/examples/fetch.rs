//! Brings the starter model from its real sources into a folder, and tells how long that took:
//! `cargo run --release -p understudy-hub --example fetch -- FOLDER`

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use understudy_hub::{Library, Manifest, Network, Ways, check_folder, default_library_root, fetch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = env::args_os()
        .nth(1)
        .map_or_else(default_library_root, PathBuf::from);
    let library = Library::new(root);
    let network = Network::new(Ways::default(), Some(library.root().join("network.jsonl")))?;
    let mut percent = u64::MAX;
    let mut tell = |progress: understudy_hub::Progress<'_>| {
        let now = progress.done * 100 / progress.total;
        if now != percent {
            percent = now;
            eprint!("\r{} {percent}%", progress.source);
        }
    };
    let begin = Instant::now();
    let (manifest, never) = (Manifest::starter()?, AtomicBool::new(false));
    let folder = fetch(&manifest, &library, &network, &mut tell, &never)?.place()?;
    eprintln!();
    let mut out = io::stdout();
    writeln!(
        out,
        "{} in {:.1} s",
        folder.display(),
        begin.elapsed().as_secs_f64()
    )?;
    writeln!(out, "{:#?}", check_folder(&folder)?)?;
    Ok(())
}
