//! Models in: the catalogue, the download, the library on disk, and what this machine is.
//!
//! In comes a [`Manifest`] that pins every file of a model (size and SHA-256) and where it may come from.
//! Out comes a folder in the [`Library`] whose every byte has been verified.
//! This crate never reads a tensor, knows no project and no window, and never opens a connection that is
//! not written to the network log.

mod catalogue;
mod connection;
mod download;
mod error;
mod fetch;
mod folder;
mod hash;
mod index;
mod library;
mod log;
mod machine;
mod manifest;
mod network;
mod staging;
mod verified;
mod wheel;

#[cfg(test)]
mod fake_server;

pub use catalogue::{LocalizedText, ModelCard};
pub use error::{HubError, SourceFailure};
pub use fetch::{Progress, fetch};
pub use folder::{FolderFacts, check_folder};
pub use library::{Library, default_library_root};
pub use machine::{Machine, machine};
pub use manifest::{Manifest, ManifestFile, Source};
pub use network::Network;
