//! Models into the library and out of it. A model is looked at, all of it, before it is accepted.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use understudy_data::Project;
use understudy_hub::{
    Arrival, HubError, Library, Manifest, Network, cached, catalogue, default_cache, given, look_up,
};
use understudy_train::{PICKLE_FILE, check_pretrained};

use crate::error::Result;
use crate::job::{Phase, Progress};
use crate::models::{STARTER, convert, library, moved_path};
use crate::network::NetworkSettings;
use crate::runs;

/// Brings a model into the library: at once when it is there, else from what other programs have downloaded, else from
/// the model hub. Returns its folder.
///
/// # Errors
/// Those of the hub; what is wrong with the model; [`HubError::Cancelled`] when `cancelled` was set.
pub fn fetch(id: &str, cancelled: &AtomicBool, report: &mut dyn FnMut(Progress)) -> Result<PathBuf> {
    let (library, network) = (library(), NetworkSettings::read()?.network()?);
    if library.has(id)? {
        return Ok(library.folder(id)?);
    }
    let manifest = wanted(id, &network, cancelled)?;
    bring(&manifest, &library, &network, cancelled, report)
}

/// Copies a model into the library from a folder or a zip archive, under the name `id` unless it has one of its own.
/// Returns the name under which it is there.
///
/// # Errors
/// [`HubError::Taken`] when there is another model of that name; what is wrong with the model.
pub fn add(
    path: &Path,
    id: &str,
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(Progress),
) -> Result<String> {
    let library = library();
    let manifest = match Manifest::starter()? {
        // The installer brings the starter model's files, which are known.
        starter if starter.id == id => starter.from_folder(path),
        _ => given(path, id, cancelled)?,
    };
    let here = library.record(&manifest.id).ok();
    if here.is_some_and(|record| record.files != manifest.files && library.has(&record.id).unwrap_or(false)) {
        return Err(HubError::Taken {
            path: library.root().join(manifest.id.replace('/', "--")),
        }
        .into());
    }
    bring(&manifest, &library, &Network::closed(), cancelled, report)?;
    Ok(manifest.id)
}

/// A name for a model from disk: its folder's or archive's.
pub fn name_of(path: &Path) -> String {
    plain_name(&path.file_stem().unwrap_or_default().to_string_lossy())
}

/// A name as far as a model's name may be so.
pub fn plain_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    match plain.trim_matches(['.', '-']) {
        "" => "model".to_owned(),
        plain => plain.to_owned(),
    }
}

/// Copies a run's model into the library, so that other projects can go on from it.
///
/// # Errors
/// [`crate::EngineError::RunNotFinished`]; as [`add`].
pub fn keep_run(
    project: &Path,
    run: &str,
    id: &str,
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(Progress),
) -> Result<String> {
    let project = Project::open(project)?;
    runs::outcome(&runs::find(&project, run)?)?;
    add(&runs::model_folder(&project, run), id, cancelled, report)
}

/// Writes a model as one archive for another machine.
///
/// # Errors
/// Those of the library.
pub fn export(
    id: &str,
    target: &Path,
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(Progress),
) -> Result<()> {
    let mut tell = teller(Phase::Copy, report);
    Ok(library().export(id, target, &mut tell, cancelled)?)
}

/// Moves the library to another folder, as on another disk, and remembers where it is.
///
/// # Errors
/// Those of the library; then it is where it was.
pub fn move_library(
    root: &Path,
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(Progress),
) -> Result<PathBuf> {
    let mut tell = teller(Phase::Copy, report);
    let new = library().move_to(root.to_owned(), &mut tell, cancelled)?;
    crate::files::write_json(&moved_path(), &new.root())?;
    Ok(new.root().to_owned())
}

/// What is to be fetched for `id`: the starter model is known by heart, others as they lie in the cache of other
/// programs, else as the hub tells.
fn wanted(id: &str, network: &Network, cancelled: &AtomicBool) -> Result<Manifest> {
    if id == STARTER {
        return Ok(Manifest::starter()?);
    }
    let entry = catalogue()?.into_iter().find(|entry| entry.id == id);
    let revision = entry.as_ref().and_then(|entry| entry.revision.as_deref());
    if let Some(manifest) = in_cache(id, revision)? {
        return Ok(manifest);
    }
    // Models of the catalogue are known to us: of theirs, weights in PyTorch's format are taken apart, not loaded.
    let pickle = entry.is_some();
    let found = match look_up(network, id, revision, pickle, cancelled) {
        // Owners can rewrite the history of a repository; then its newest state is what there is.
        Err(HubError::NoSuchModel { .. }) if revision.is_some() => {
            look_up(network, id, None, pickle, cancelled)?
        }
        found => found?,
    };
    Ok(found.manifest)
}

/// The model as other programs have downloaded it.
pub(crate) fn in_cache(id: &str, revision: Option<&str>) -> Result<Option<Manifest>> {
    match default_cache() {
        Some(cache) => Ok(cached(&cache, id, revision)?),
        None => Ok(None),
    }
}

fn bring(
    manifest: &Manifest,
    library: &Library,
    network: &Network,
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(Progress),
) -> Result<PathBuf> {
    let arrival = {
        let mut tell = teller(Phase::Download, report);
        let mut progress = |progress: understudy_hub::Progress<'_>| tell(progress.done, progress.total);
        understudy_hub::fetch(manifest, library, network, &mut progress, cancelled)?
    };
    if let Arrival::New(staging) = arrival {
        report(Progress::new(Phase::Check, 0.0, 1.0));
        return match accept(&staging.files()) {
            Ok(()) => Ok(staging.place()?),
            Err(error) => {
                staging.discard()?;
                Err(error)
            }
        };
    }
    Ok(arrival.place()?)
}

/// Looks at a model's files before they become one of the library's.
fn accept(files: &Path) -> Result<()> {
    let pickle = files.join(PICKLE_FILE);
    if pickle.exists() {
        convert(files)?;
        std::fs::remove_file(&pickle).map_err(crate::files::failed(&pickle))?;
    }
    check_pretrained(files)?;
    Ok(())
}

/// Tells bytes with their speed and the time left.
fn teller(phase: Phase, report: &mut dyn FnMut(Progress)) -> impl FnMut(u64, u64) {
    let began = Instant::now();
    let mut first = None;
    let mut last = None::<Instant>;
    move |done, total| {
        // A page needs no more than this, and a fast disk brings thousands a second.
        if done < total && last.is_some_and(|last| last.elapsed().as_millis() < 50) {
            return;
        }
        last = Some(Instant::now());
        let (done, total) = (done as f64, total as f64);
        // What an earlier attempt left does not count for the speed.
        let start = *first.get_or_insert(done);
        let rate = (done - start) / began.elapsed().as_secs_f64().max(1e-3);
        report(Progress {
            rate: (rate > 0.0).then_some(rate),
            seconds_left: (rate > 0.0).then(|| (total - done) / rate),
            ..Progress::new(phase, done, total)
        });
    }
}
