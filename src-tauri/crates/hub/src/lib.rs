//! Models in: the catalogue, the download, the library on disk, and what this machine is.
//!
//! In comes a [`Manifest`] that pins every file of a model (size and SHA-256) and where it may come from.
//! Out comes a folder in the [`Library`] whose every byte has been verified.
//! This crate never reads a tensor, knows no project and no window, and never opens a connection that is
//! not written to the network log.

mod answer;
mod archive;
mod cache;
mod catalogue;
mod connection;
mod download;
mod error;
mod fetch;
mod folder;
mod given;
mod hash;
mod index;
mod library;
mod log;
mod machine;
mod manifest;
mod moving;
mod network;
mod pack;
mod parts;
mod record;
mod repository;
mod segments;
mod staging;
mod verified;

#[cfg(test)]
mod fake_server;

pub use cache::{cached, default_cache, is_cached};
pub use catalogue::{CatalogueEntry, CommercialUse, Domain, LocalizedText, catalogue};
pub use error::{HubError, SourceFailure};
pub use fetch::{Arrival, Progress, check_address, fetch};
pub use folder::{FolderFacts, check_folder};
pub use given::{EXPORT_RECORD, given};
pub use hash::{Digest, sha256_of};
pub use library::{Library, Partial, default_library_root};
pub use log::{Connection, connections};
pub use machine::{Gpu, Machine, machine};
pub use manifest::{Manifest, ManifestFile, Source};
pub use network::{Network, PUBLIC_HUB, Ways};
pub use pack::pack;
pub use parts::Weights;
pub use record::Record;
pub use repository::{Found, Repository, Search, look_up, search};
pub use staging::Staging;
