//! Models into the library and out of it. A model is looked at, all of it, before it is accepted.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use understudy_data::Project;
use understudy_hub::{
    Arrival, HubError, Library, Manifest, Network, cached, catalogue, default_cache, given, look_up,
};
use understudy_train::{PICKLE_FILE, TrainError, check_pretrained};

use crate::error::{EngineError, Result};
use crate::job::{Phase, Progress};
use crate::models::{STARTER, convert, library, library_is_given, moved_path};
use crate::network::NetworkSettings;
use crate::received;

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

/// Copies a model into the library from a folder or a zip archive: under the name `id`, else under its own, which an
/// exported model has and another gets from its folder or archive. Returns that name.
///
/// # Errors
/// [`HubError::Taken`] when there is another model of that name; what is wrong with the model.
pub fn add(
    path: &Path,
    id: Option<&str>,
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(Progress),
) -> Result<String> {
    let library = library();
    let manifest = match Manifest::starter()? {
        // The installer brings the starter model's files, which are known.
        starter if Some(starter.id.as_str()) == id => starter.from_folder(path),
        _ => given(path, id.unwrap_or(NAMELESS), cancelled)?,
    };
    let manifest = match id {
        None if manifest.id == NAMELESS => named(manifest, &name_of(path), &library)?,
        _ => manifest,
    };
    if is_another(&manifest, &library)? {
        return Err(HubError::Taken {
            path: library.root().join(manifest.id.replace('/', "--")),
        }
        .into());
    }
    bring(&manifest, &library, &Network::closed(), cancelled, report)?;
    Ok(manifest.id)
}

/// What a model is called until it gets a name.
const NAMELESS: &str = "model";

/// The model under this name, or under the first of `name-2`, `name-3` … that no other model has.
fn named(mut manifest: Manifest, name: &str, library: &Library) -> Result<Manifest> {
    let mut number = 1;
    loop {
        manifest.id = match number {
            1 => name.to_owned(),
            number => format!("{name}-{number}"),
        };
        if !is_another(&manifest, library)? {
            return Ok(manifest);
        }
        number += 1;
    }
}

/// Whether another model has this one's name.
fn is_another(manifest: &Manifest, library: &Library) -> Result<bool> {
    match library.record(&manifest.id) {
        Ok(record) => Ok(record.files != manifest.files && library.has(&record.id)?),
        Err(HubError::NotInstalled { .. } | HubError::Unreadable { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A name for a model from disk: its folder's, or its archive's without the ending.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    plain_name(name.strip_suffix(".zip").unwrap_or(&name))
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
    // Two hyphens stand between owner and name.
    let mut plain = plain.trim_matches(['.', '-']).to_owned();
    while plain.contains("--") {
        plain = plain.replace("--", "-");
    }
    if plain.is_empty() {
        NAMELESS.to_owned()
    } else {
        plain
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
    let trained = received::trained(&project, run)?;
    received::keep_rules(&trained.folder, &trained.rules)?;
    add(&trained.folder, Some(id), cancelled, report)
}

/// Writes a model as one archive for another machine; `replace` says whether a file of that name may go.
///
/// # Errors
/// Those of the library.
pub fn export(
    id: &str,
    target: &Path,
    replace: bool,
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(Progress),
) -> Result<()> {
    let mut tell = teller(Phase::Copy, report);
    Ok(library().export(id, target, replace, &mut tell, cancelled)?)
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
    if library_is_given() {
        return Err(EngineError::LibraryGiven);
    }
    let mut tell = teller(Phase::Copy, report);
    let root = std::path::absolute(root).map_err(crate::files::failed(root))?;
    let point = |root: &Path| crate::files::write_json(&moved_path(), &root);
    let new = library().move_to(&root, point, &mut tell, cancelled)?;
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
        // Owners can rewrite the history of a repository; then its newest state is what there is, and its card says so.
        Err(HubError::NoSuchModel { .. }) if revision.is_some() => {
            look_up(network, id, None, pickle, cancelled)?
        }
        found => found?,
    };
    Ok(found.manifest)
}

/// Whether other programs have downloaded the model.
pub(crate) fn is_in_cache(id: &str, revision: Option<&str>) -> bool {
    default_cache().is_some_and(|cache| understudy_hub::is_cached(&cache, id, revision))
}

/// The model as other programs have downloaded it.
fn in_cache(id: &str, revision: Option<&str>) -> Result<Option<Manifest>> {
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
                // What came is no good; but what a full disk or a missing right stopped is kept for the next time.
                if is_verdict(&error) {
                    staging.discard()?;
                }
                Err(error)
            }
        };
    }
    Ok(arrival.place()?)
}

/// Whether an error is about what the files hold, rather than about this machine.
fn is_verdict(error: &EngineError) -> bool {
    use understudy_train::ModelError;
    match error {
        EngineError::Train(TrainError::Model(ModelError::File { .. }) | TrainError::File { .. }) => false,
        EngineError::Train(_) => true,
        _ => false,
    }
}

/// Looks at a model's files before they become one of the library's.
fn accept(files: &Path) -> Result<()> {
    let pickle = files.join(PICKLE_FILE);
    if pickle.exists() {
        // The numbers are written a second time before the first go.
        let needed = std::fs::metadata(&pickle)
            .map_err(crate::files::failed(&pickle))?
            .len();
        let free = understudy_hub::machine(files).disk_free_bytes as u64;
        if free < needed {
            return Err(HubError::DiskFull {
                path: files.to_owned(),
                needed,
                free,
            }
            .into());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_from_disk_get_the_names_of_their_folders_as_far_as_those_will_do() {
        for (path, name) in [
            ("/x/my-model-v1.2", "my-model-v1.2"),
            ("/x/tiny.zip", "tiny"),
            (
                "/x/sentence-transformers--all-MiniLM",
                "sentence-transformers-all-MiniLM",
            ),
            ("/x/.hidden", "hidden"),
            ("/x/合同模型", NAMELESS),
            ("/", NAMELESS),
        ] {
            assert_eq!(name_of(Path::new(path)), name);
        }
    }
}
