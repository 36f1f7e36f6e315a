//! What the model hub knows: one model's files, and models by name. Only asked when the user wants it.
//!
//! The hub's interface: <https://huggingface.co/docs/hub/api>.

use std::sync::atomic::AtomicBool;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::answer::answer;
use crate::connection::{Question, bad_answer, host};
use crate::fetch::address;
use crate::hash::{Digest, Pinned};
use crate::manifest::{ManifestFile, check_hexadecimal, check_id, check_path};
use crate::parts::{Weights, choose, weights};
use crate::{HubError, Manifest, Network, Source};

/// A model's page with all its files is a few hundred kilobytes at most.
const MOST_BYTES: usize = 16 << 20;

/// A configuration is a few kilobytes.
const MOST_CONFIG_BYTES: usize = 1 << 20;

/// How many models a search brings.
const MOST_FOUND: usize = 40;

/// ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv \
                         dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig \
                         ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg \
                         mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn \
                         ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt \
                         tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// One model of the hub at one commit.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Its files and where they are.
    pub manifest: Manifest,
    /// ISO 639 codes of its languages, as its owner tells them.
    pub languages: Vec<String>,
    /// Given only to those who have agreed to its owner's conditions.
    pub gated: bool,
    /// `config.json`, verified.
    pub config: Vec<u8>,
}

/// A model that a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// `OWNER/NAME`.
    pub id: String,
    /// Downloads in the last 30 days.
    pub downloads: u64,
    /// SPDX name of its licence, in lower case, as its owner tells it.
    pub licence: Option<String>,
    /// ISO 639 codes of its languages, as its owner tells them.
    pub languages: Vec<String>,
    /// `model_type` of its configuration.
    pub architecture: Option<String>,
    /// What it was made for, in the hub's words, as in `fill-mask`.
    pub task: Option<String>,
    /// Numbers it has learnt, where the hub knows.
    pub parameters: Option<u64>,
    /// Given only to those who have agreed to its owner's conditions.
    pub gated: bool,
    /// The weights that it offers.
    pub weights: Weights,
}

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Words of its name.
    pub words: String,
    /// ISO 639 code of a language that it must have.
    pub language: Option<String>,
    /// What it must have been made for, in the hub's words.
    pub task: Option<String>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(alias = "modelId")]
    id: String,
    sha: Option<String>,
    #[serde(default)]
    siblings: Vec<Sibling>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    gated: Value,
    #[serde(default)]
    downloads: u64,
    pipeline_tag: Option<String>,
    config: Option<ToldConfig>,
    safetensors: Option<ToldSafetensors>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    #[serde(alias = "oid")]
    sha256: String,
    size: u64,
}

#[derive(Deserialize)]
struct ToldConfig {
    model_type: Option<String>,
}

#[derive(Deserialize)]
struct ToldSafetensors {
    total: Option<u64>,
}

impl Told {
    fn licence(&self) -> Option<String> {
        self.tag("license:").next()
    }

    fn tag<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = String> + 'a {
        self.tags
            .iter()
            .filter_map(move |tag| tag.strip_prefix(kind).map(str::to_owned))
    }

    /// Languages stand among the tags as bare codes, beside names of frameworks such as `tf`.
    fn languages(&self) -> Vec<String> {
        let code = |tag: &&String| LANGUAGES.split(' ').any(|code| code == tag.as_str());
        let plain = self.tags.iter().filter(code).cloned();
        plain.chain(self.tag("language:")).collect()
    }

    /// `false`, or how one gets in.
    fn gated(&self) -> bool {
        !matches!(self.gated, Value::Bool(false) | Value::Null)
    }
}

impl Sibling {
    /// A file that can be verified, under a name that is safe to use.
    fn file(&self) -> Option<ManifestFile> {
        check_path(&self.rfilename).ok()?;
        let (bytes, digest) = match (&self.lfs, &self.blob_id, self.size) {
            (Some(lfs), _, _) => (lfs.size, Digest::Sha256(lfs.sha256.clone())),
            (None, Some(blob), Some(size)) => (size, Digest::GitBlob(blob.clone())),
            _ => return None,
        };
        Some(ManifestFile {
            path: self.rfilename.clone(),
            bytes,
            digest,
        })
    }
}

/// Looks a model up: its files at `revision` (a commit, a branch; the newest unless given), their sizes and hashes, and
/// its configuration. Weights in PyTorch's own format are accepted with `pickle` only.
///
/// # Errors
/// [`HubError::NoSuchModel`], [`HubError::Gated`], what it lacks (as [`HubError::PickleOnly`]), and those of the network.
pub fn look_up(
    network: &Network,
    id: &str,
    revision: Option<&str>,
    pickle: bool,
    cancelled: &AtomicBool,
) -> Result<Repository, HubError> {
    check_id(id)?;
    let revision = revision.unwrap_or("main");
    check_path(revision)?;
    let mut url = address(&network.hub, &format!("api/models/{id}/revision/{revision}"))?;
    url.set_query(Some("blobs=true"));
    let token = network.authorization(&url).is_some();
    let told: Told = ask_json(network, &url, id, cancelled).map_err(|error| unknown(error, id, token))?;
    let commit = told.sha.clone().unwrap_or_default();
    check_hexadecimal(&commit, 40).map_err(|_| bad_answer(&url, format!("a commit {commit:?}")))?;
    // A mirror may not put another version in the place of the one that was asked for.
    if check_hexadecimal(revision, 40).is_ok() && commit != revision {
        return Err(bad_answer(&url, format!("commit {commit} instead of {revision}")));
    }
    let files = choose(
        id,
        told.siblings.iter().filter_map(Sibling::file).collect(),
        pickle,
    )?;
    let manifest = Manifest {
        id: id.to_owned(),
        revision: Some(commit.clone()),
        licence: told.licence(),
        files,
        sources: vec![Source::Hub {
            repository: id.to_owned(),
            revision: commit,
        }],
    };
    manifest
        .check()
        .map_err(|error| bad_answer(&url, error.to_string()))?;
    let config = config(network, &manifest, cancelled)?;
    Ok(Repository {
        languages: told.languages(),
        gated: told.gated(),
        manifest,
        config,
    })
}

/// Models by name, language and task, those that are downloaded most first.
///
/// # Errors
/// Those of the network.
pub fn search(network: &Network, search: &Search, cancelled: &AtomicBool) -> Result<Vec<Found>, HubError> {
    let mut url = address(&network.hub, "api/models")?;
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("search", search.words.trim());
        if let Some(language) = &search.language {
            query.append_pair("filter", language);
        }
        if let Some(task) = &search.task {
            query.append_pair("pipeline_tag", task);
        }
        query.append_pair("sort", "downloads");
        query.append_pair("direction", "-1");
        query.append_pair("limit", &MOST_FOUND.to_string());
        for wanted in [
            "downloads",
            "tags",
            "pipeline_tag",
            "config",
            "siblings",
            "safetensors",
            "gated",
        ] {
            query.append_pair("expand[]", wanted);
        }
    }
    let found: Vec<Told> = ask_json(network, &url, "search", cancelled)?;
    let usable = found.into_iter().filter(|told| check_id(&told.id).is_ok());
    Ok(usable.take(MOST_FOUND).map(Found::from).collect())
}

impl From<Told> for Found {
    fn from(told: Told) -> Self {
        Self {
            licence: told.licence(),
            languages: told.languages(),
            gated: told.gated(),
            weights: weights(told.siblings.iter().map(|file| file.rfilename.as_str())),
            architecture: told.config.and_then(|config| config.model_type),
            parameters: told.safetensors.and_then(|safetensors| safetensors.total),
            id: told.id,
            downloads: told.downloads,
            task: told.pipeline_tag,
        }
    }
}

/// `config.json` of a model, verified in memory.
fn config(network: &Network, manifest: &Manifest, cancelled: &AtomicBool) -> Result<Vec<u8>, HubError> {
    let revision = manifest.revision().unwrap_or("main");
    let path = format!("{}/resolve/{revision}/config.json", manifest.id);
    let url = address(&network.hub, &path)?;
    let question = Question {
        url: url.clone(),
        accept: "application/json, */*;q=0.5",
        from: 0,
        to: None,
        why: &manifest.id,
    };
    let token = network.authorization(&url).is_some();
    let (_, bytes) = answer(network, &question, MOST_CONFIG_BYTES, cancelled)
        .map_err(|error| error.gated(&manifest.id, token))?;
    let file = manifest.files.iter().find(|file| file.path == "config.json");
    let pinned: Option<Pinned<'_>> = file.map(ManifestFile::pinned);
    match pinned {
        Some(pinned) => pinned.check_bytes(&bytes, &host(&url)).map(|()| bytes),
        None => Err(bad_answer(&url, "no config.json".into())),
    }
}

fn ask_json<T: DeserializeOwned>(
    network: &Network,
    url: &Url,
    why: &str,
    cancelled: &AtomicBool,
) -> Result<T, HubError> {
    let question = Question {
        url: url.clone(),
        accept: "application/json",
        from: 0,
        to: None,
        why,
    };
    let (head, bytes) = answer(network, &question, MOST_BYTES, cancelled)?;
    serde_json::from_slice(&bytes).map_err(|error| bad_answer(&head.url, error.to_string()))
}

/// Without a token the hub says "who are you?" also about models that do not exist; with one, it means the token.
fn unknown(error: HubError, id: &str, token: bool) -> HubError {
    match error {
        HubError::Refused {
            status: 401 | 403, ..
        } if token => HubError::Gated {
            id: id.to_owned(),
            token,
        },
        HubError::Refused {
            host,
            status: 401 | 403 | 404,
            ..
        } => HubError::NoSuchModel {
            id: id.to_owned(),
            host,
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::fake_server::{FakeServer, Reply, Request};
    use crate::network::Patience;

    const COMMIT: &str = "0123456789012345678901234567890123456789";
    const CONFIG: &str = r#"{"model_type": "bert"}"#;

    fn network(server: &FakeServer) -> Network {
        let patience = Patience {
            attempts: 2,
            pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(10),
            silence: Duration::from_secs(2),
        };
        Network::local(server.url(), server.url(), None, patience)
    }

    /// A model's page as the hub tells it.
    fn page(siblings: Value) -> Value {
        json!({
            "id": "o/m", "sha": COMMIT, "gated": false, "pipeline_tag": "fill-mask", "downloads": 7,
            "tags": ["transformers", "bert", "tf", "zh", "en", "license:apache-2.0", "region:us"],
            "config": {"model_type": "bert"}, "siblings": siblings,
        })
    }

    fn siblings() -> Value {
        json!([
            {"rfilename": "../../etc/passwd", "size": 3, "blobId": "0"},
            {"rfilename": "config.json", "size": CONFIG.len(), "blobId": git_blob(CONFIG)},
            {"rfilename": "vocab.txt", "size": 10, "blobId": "1".repeat(40)},
            {"rfilename": "model.safetensors", "size": 99, "blobId": "2".repeat(40),
             "lfs": {"sha256": "a".repeat(64), "size": 99, "pointerSize": 135}},
        ])
    }

    fn git_blob(text: &str) -> String {
        use sha1::Digest as _;
        crate::hash::hexadecimal(&sha1::Sha1::digest(format!("blob {}\0{text}", text.len())))
    }

    fn hub(page: Value) -> FakeServer {
        FakeServer::start(move |request: &Request| match request.path.as_str() {
            "/api/models/o/m/revision/main?blobs=true" => Reply::whole(page.to_string().as_bytes()),
            path if path == format!("/o/m/resolve/{COMMIT}/config.json") => Reply::whole(CONFIG.as_bytes()),
            _ => Reply::status(404),
        })
    }

    fn looked_up(server: &FakeServer) -> Result<Repository, HubError> {
        look_up(&network(server), "o/m", None, false, &AtomicBool::new(false))
    }

    #[test]
    fn a_model_is_pinned_to_the_commit_and_the_hashes_that_the_hub_tells() {
        let server = hub(page(siblings()));
        let found = looked_up(&server).unwrap();
        let names: Vec<&str> = found
            .manifest
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(names, ["vocab.txt", "config.json", "model.safetensors"]);
        assert_eq!(found.manifest.revision(), Some(COMMIT));
        assert_eq!(found.manifest.licence.as_deref(), Some("apache-2.0"));
        assert_eq!(found.languages, ["zh", "en"]);
        assert_eq!((found.gated, found.config.as_slice()), (false, CONFIG.as_bytes()));
    }

    #[test]
    fn another_commit_than_the_one_asked_for_is_refused() {
        let answer = page(siblings());
        let server = FakeServer::start(move |_| Reply::whole(answer.to_string().as_bytes()));
        let asked = "f".repeat(40);
        let told = look_up(
            &network(&server),
            "o/m",
            Some(&asked),
            false,
            &AtomicBool::new(false),
        );
        assert!(matches!(told, Err(HubError::BadAnswer { .. })), "{told:?}");
    }

    #[test]
    fn the_hub_s_refusals_are_told_as_what_they_mean() {
        for status in [401, 403, 404] {
            let server = FakeServer::start(move |_| Reply::status(status));
            let told = looked_up(&server);
            assert!(
                matches!(told, Err(HubError::NoSuchModel { ref id, .. }) if id == "o/m"),
                "{told:?}"
            );
        }
        let server = FakeServer::start(|_| Reply::status(401));
        let with_token = Network {
            token: Some("old".into()),
            ..network(&server)
        };
        let told = look_up(&with_token, "o/m", None, false, &AtomicBool::new(false));
        assert!(
            matches!(told, Err(HubError::Gated { token: true, .. })),
            "{told:?}"
        );
        let server = FakeServer::start(|_| Reply::status(429).with("Retry-After", "0"));
        assert!(matches!(
            looked_up(&server),
            Err(HubError::Refused { status: 429, .. })
        ));
        assert_eq!(server.requests().len(), 2);
    }

    #[test]
    fn answers_that_make_no_sense_are_refused() {
        let mut lies = siblings();
        lies[3]["lfs"]["sha256"] = json!("../x");
        let mut commit = page(siblings());
        commit["sha"] = json!("../../x");
        let mut other_config = siblings();
        other_config[1]["blobId"] = json!("f".repeat(40));
        for (page, name) in [
            (json!({"id": "o/m"}), "no commit"),
            (commit, "a commit that climbs"),
            (page(lies), "a hash that is none"),
        ] {
            let told = looked_up(&hub(page));
            assert!(
                matches!(told, Err(HubError::BadAnswer { .. })),
                "{name}: {told:?}"
            );
        }
        let mut huge = siblings();
        huge[3]["lfs"]["size"] = json!(u64::MAX);
        let told = looked_up(&hub(page(huge)));
        assert!(matches!(told, Err(HubError::BadAnswer { .. })), "{told:?}");
        let told = looked_up(&hub(page(other_config)));
        assert!(matches!(told, Err(HubError::WrongHash { .. })), "{told:?}");
        let server = FakeServer::start(|_| Reply::whole(b"<html>"));
        assert!(matches!(looked_up(&server), Err(HubError::BadAnswer { .. })));
    }

    #[test]
    fn weights_that_are_only_a_pickle_are_told_before_anything_is_fetched() {
        let mut siblings = siblings();
        siblings[3]["rfilename"] = json!("pytorch_model.bin");
        let server = hub(page(siblings));
        assert!(matches!(looked_up(&server), Err(HubError::PickleOnly { .. })));
        assert_eq!(server.requests().len(), 1);
    }

    #[test]
    fn a_search_asks_once_and_tells_what_can_be_used() {
        let mut pickle = page(json!([{"rfilename": "pytorch_model.bin"}]));
        pickle["id"] = json!("o/old");
        pickle["gated"] = json!("manual");
        let answer = json!([page(siblings()), pickle, {"id": "../x"}]);
        let server = FakeServer::start(move |_| Reply::whole(answer.to_string().as_bytes()));
        let wanted = Search {
            words: "legal bert&x=1".into(),
            language: Some("zh".into()),
            task: None,
        };
        let found = search(&network(&server), &wanted, &AtomicBool::new(false)).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|model| (model.id.as_str(), model.weights, model.gated))
            .collect();
        assert_eq!(
            told,
            [
                ("o/m", Weights::Safetensors, false),
                ("o/old", Weights::PickleOnly, true)
            ]
        );
        let asked = &server.requests()[0].path;
        assert!(
            asked.starts_with("/api/models?search=legal+bert%26x%3D1&filter=zh&sort=downloads"),
            "{asked}"
        );
        assert_eq!(server.requests().len(), 1);
    }

    #[test]
    fn names_that_are_none_are_never_asked_for() {
        let server = FakeServer::start(|_| Reply::status(404));
        for id in ["../x", "a/b/c", "a b", "a?b"] {
            let told = look_up(&network(&server), id, None, false, &AtomicBool::new(false));
            assert!(
                matches!(told, Err(HubError::UnknownModel { .. })),
                "{id}: {told:?}"
            );
        }
        assert!(server.requests().is_empty());
    }
}
