//! Everything that can go wrong while a model comes in, with the facts to tell it by.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why one source of a model could not deliver it.
#[derive(Debug)]
pub struct SourceFailure {
    /// The source's host, as in `huggingface.co`.
    pub source: String,
    /// What went wrong there.
    pub error: HubError,
}

/// A failure of this crate. Variants carry facts; the sentences for the user are made elsewhere.
///
/// `origin` is where the bytes came from: a host, or a path on disk.
#[derive(Debug, Error)]
pub enum HubError {
    /// No model of this name is in the catalogue.
    #[error("no model {id:?} in the catalogue")]
    UnknownModel {
        /// The name asked for.
        id: String,
    },
    /// The model is known, but the library has no folder for it.
    #[error("{id} is not in the library ({})", folder.display())]
    NotInstalled {
        /// The model.
        id: String,
        /// Where its folder would be.
        folder: PathBuf,
    },
    /// A file that belongs to a model is not there.
    #[error("{} is missing", path.display())]
    MissingFile {
        /// The file.
        path: PathBuf,
    },
    /// A file has another length than it must have.
    #[error("{file} from {origin} has {found} bytes instead of {expected}")]
    WrongSize {
        /// The file's name in the manifest.
        file: String,
        /// Bytes it must have.
        expected: u64,
        /// Bytes it has, or was announced to have.
        found: u64,
        /// Where it came from.
        origin: String,
    },
    /// A file's content is not what the manifest pins.
    #[error("{file} from {origin} has SHA-256 {found} instead of {expected}")]
    WrongHash {
        /// The file's name in the manifest.
        file: String,
        /// The pinned SHA-256, in lower-case hexadecimal.
        expected: String,
        /// The SHA-256 found.
        found: String,
        /// Where it came from.
        origin: String,
    },
    /// The disk has too little room.
    #[error("{} needs {needed} bytes, {free} are free", path.display())]
    DiskFull {
        /// A folder on that disk.
        path: PathBuf,
        /// Bytes still to be written.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The user gave up. What had arrived is kept for the next time.
    #[error("cancelled")]
    Cancelled,
    /// Every source of the model was tried and failed.
    #[error("no source could deliver {id}: {}", told(failures))]
    AllSourcesFailed {
        /// The model.
        id: String,
        /// What each source failed of, in the order in which they were tried.
        failures: Vec<SourceFailure>,
    },
    /// No answer from a host: unknown name, no route, no trust in its certificate, no word in time.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// The network's own words.
        reason: String,
    },
    /// A host began to send and stopped.
    #[error("{host} stopped while sending {path}: {reason}")]
    Interrupted {
        /// The host.
        host: String,
        /// The path on that host.
        path: String,
        /// The network's own words.
        reason: String,
    },
    /// A host answered, but not with the file.
    #[error("{host} answered {status} for {path}")]
    Refused {
        /// The host.
        host: String,
        /// The path on that host.
        path: String,
        /// The HTTP status.
        status: u16,
        /// The seconds after which the host wants to be asked again, if it said so.
        retry_after: Option<u64>,
        /// The hub's own word for it, as in `GatedRepo`; empty without one.
        code: String,
    },
    /// The model is given only to those who have agreed to its owner's conditions and say who they are.
    #[error("{id} is given only to those who have agreed to its conditions")]
    Gated {
        /// The model.
        id: String,
        /// Whether a token was sent.
        token: bool,
    },
    /// The hub has no such model, or does not show it to whoever asks.
    #[error("{host} has no model {id}")]
    NoSuchModel {
        /// The model.
        id: String,
        /// The hub's host.
        host: String,
    },
    /// Connections are switched off.
    #[error("connections are switched off; {host} was not asked")]
    Offline {
        /// The host that was wanted.
        host: String,
    },
    /// Another download or copy is putting something into the library.
    #[error("the library is in use")]
    Busy,
    /// A repository has no weights that can be used.
    #[error("{id} has no weights as model.safetensors")]
    NoWeights {
        /// The model.
        id: String,
        /// Whether they are there in several parts.
        parts: bool,
    },
    /// A repository has weights but no word list that can be read.
    #[error("{id} has no tokenizer that can be read")]
    NoTokenizer {
        /// The model.
        id: String,
    },
    /// An archive or a folder holds no model.
    #[error("{} holds no model", path.display())]
    NoModel {
        /// The archive or folder.
        path: PathBuf,
    },
    /// A folder cannot be used, because something is there already.
    #[error("{} is taken", path.display())]
    Taken {
        /// The folder or file.
        path: PathBuf,
    },
    /// A host's answer makes no sense.
    #[error("{host} answered {path} with something unusable: {reason}")]
    BadAnswer {
        /// The host.
        host: String,
        /// The path on that host.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A package index does not offer the pinned file.
    #[error("{host} does not offer {file}")]
    NotOffered {
        /// The index's host.
        host: String,
        /// The pinned file name.
        file: String,
    },
    /// An address cannot be used, as from `HF_ENDPOINT` or `PIP_INDEX_URL`.
    #[error("{address:?} is not a web address: {reason}")]
    BadAddress {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An archive cannot be read.
    #[error("{} cannot be unpacked: {reason}", path.display())]
    BadArchive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The manifest or the catalogue is wrong: a fault of ours, not of the user's.
    #[error("the manifest is wrong: {reason}")]
    BadManifest {
        /// What is wrong with it.
        reason: String,
    },
    /// The model's weights are there only as a pickle, which can run code and is therefore never read.
    #[error("{} is a pickle; the weights are needed as model.safetensors", path.display())]
    PickleOnly {
        /// The pickle.
        path: PathBuf,
    },
    /// A model's file does not hold what its name promises.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A weights file ends before, or after, its own header says.
    #[error("{} has {found} bytes, its header says {expected}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes by its header.
        expected: u64,
        /// Bytes on disk.
        found: u64,
    },
    /// The file system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        error: io::Error,
    },
}

impl HubError {
    /// For `map_err`: an [`HubError::Io`] at `path`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| Self::Io { path, error }
    }

    /// Tells a refusal for want of the owner's leave to read model `id` as such; `token` says whether one was sent.
    pub(crate) fn gated(self, id: &str, token: bool) -> Self {
        match self {
            Self::Refused {
                status: 401 | 403, ..
            } => Self::Gated {
                id: id.to_owned(),
                token,
            },
            other => other,
        }
    }

    /// For `map_err` while writing: a full disk is told as such, with the bytes that were still to come.
    pub(crate) fn writing(path: &Path, needed: u64) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                path,
                needed,
                free: 0,
            },
            _ => Self::Io { path, error },
        }
    }
}

fn told(failures: &[SourceFailure]) -> String {
    let reasons: Vec<String> = failures.iter().map(|failure| failure.error.to_string()).collect();
    reasons.join("; ")
}
