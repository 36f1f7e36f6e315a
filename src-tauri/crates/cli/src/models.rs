//! models, doctor, network, connections.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};
use understudy_engine::models::cards::{self, ModelCard};
use understudy_engine::models::fit::{Fitting, Verdict};
use understudy_engine::models::hub::{self, HubSearch};
use understudy_engine::models::{self, bring, speed};
use understudy_engine::network::{MIRROR, NetworkSettings, Secret};
use understudy_engine::{EngineError, Result, Session, files};

use crate::arguments::{Models, Network};
use crate::output::Output;
use crate::run::latest;

/// Nobody stops a command but by ending it; what has arrived by then is kept.
static NEVER: AtomicBool = AtomicBool::new(false);

pub fn models(verb: Models, output: &Output) -> Result<Value> {
    let mut report = |progress| output.progress(&progress);
    match verb {
        Models::List { project } => list(project.as_deref(), output),
        Models::Show { id, project } => {
            let session = project.map(|project| Session::open(&project)).transpose()?;
            let card = cards::card(&id, session.as_ref().map(|session| &session.project))?;
            tell(&card, output);
            Ok(json!({ "model": card }))
        }
        Models::Download { id } => {
            let folder = bring::fetch(&id, &NEVER, &mut report)?;
            output.say(&format!("{id} is in {}", folder.display()));
            Ok(json!({ "model": id, "folder": folder }))
        }
        Models::Search {
            words,
            language,
            task,
        } => {
            let wanted = HubSearch {
                words: words.join(" "),
                language,
                task,
            };
            let found = hub::find(&wanted, output.language(), &NEVER)?;
            for model in &found {
                let licence = model.licence.as_deref().unwrap_or("licence not stated");
                let obstacle = model.obstacle.as_deref().unwrap_or_default();
                output.say(&format!("{}  {licence}  {obstacle}", model.id));
            }
            Ok(json!({ "models": found }))
        }
        Models::Look { id, project } => {
            let session = project.map(|project| Session::open(&project)).transpose()?;
            let fitting = Fitting::new(session.as_ref().map(|session| &session.project), speed::known())?;
            let card = hub::look(&id, &fitting, &NEVER)?;
            tell(&card, output);
            Ok(json!({ "model": card }))
        }
        Models::Add { path, id } => {
            let id = bring::add(&path, id.as_deref(), &NEVER, &mut report)?;
            added(&id, output)
        }
        Models::Keep { project, run, id } => {
            let session = Session::open(&project)?;
            let run = latest(&session, run)?;
            let id = bring::keep_run(&project, &run, &id, &NEVER, &mut report)?;
            added(&id, output)
        }
        Models::Export { id, out } => {
            bring::export(&id, &out, false, &NEVER, &mut report)?;
            output.say(&format!("{id} is in {}", out.display()));
            Ok(json!({ "model": id, "path": out }))
        }
        Models::Remove { id } => {
            models::library().remove(&id)?;
            Ok(json!({ "model": id }))
        }
        Models::Move { folder } => {
            let folder = bring::move_library(&folder, &NEVER, &mut report)?;
            output.say(&format!("the library is in {}", folder.display()));
            Ok(json!({ "library": folder }))
        }
        Models::Verify { id } => {
            models::library().verify(&id)?;
            output.say(&format!("every file of {id} is what it was"));
            Ok(json!({ "model": id, "verified": true }))
        }
        Models::Convert { folder } => {
            let tensors = models::convert(&folder)?;
            output.say(&format!(
                "{tensors} tensors are in {}",
                folder.join("model.safetensors").display()
            ));
            Ok(json!({ "folder": folder, "tensors": tensors }))
        }
    }
}

fn list(project: Option<&Path>, output: &Output) -> Result<Value> {
    let session = project.map(Session::open).transpose()?;
    let shelf = cards::shelf(
        session.as_ref().map(|session| &session.project),
        output.language(),
    )?;
    for card in &shelf.models {
        tell(card, output);
    }
    if let Some(id) = &shelf.recommended {
        output.say(&format!("recommended: {id}. {}", shelf.reason));
    }
    serde_json::to_value(&shelf).map_err(|error| EngineError::Protocol {
        reason: error.to_string(),
    })
}

fn tell(card: &ModelCard, output: &Output) {
    let place = match (card.installed, card.cached, card.arrived_bytes) {
        (true, _, _) => "here".to_owned(),
        (_, _, Some(bytes)) => format!("{:.0} MB arrived", bytes / 1e6),
        (_, true, _) => "in another program's cache".to_owned(),
        _ => format!("{:.0} MB to download", card.bytes / 1e6),
    };
    let verdict = match card.fit.training {
        Verdict::Fits => "fits",
        Verdict::Tight => "tight",
        Verdict::DoesNotFit => "does not fit",
    };
    let licence = card.licence.as_deref().unwrap_or("licence not stated");
    let minutes = card
        .fit
        .training_seconds
        .map(|seconds| format!(", at most {:.0} min", (seconds / 60.0).ceil()));
    output.say(&format!(
        "{}  {licence}  {place}  {verdict} ({:.0} MB{})",
        card.id,
        card.fit.training_mb,
        minutes.unwrap_or_default()
    ));
}

fn added(id: &str, output: &Output) -> Result<Value> {
    let folder = models::library().folder(id)?;
    output.say(&format!("{id} is in {}", folder.display()));
    Ok(json!({ "model": id, "folder": folder }))
}

pub fn doctor(output: &Output) -> Result<Value> {
    let library = models::library();
    let machine = understudy_hub::machine(library.root());
    output.say(&format!(
        "{}: {} cores, {} ({})",
        machine.os,
        machine.cores,
        machine.cpu,
        machine.cpu_features.join(", ")
    ));
    output.say(&format!(
        "memory {:.1} GB, {:.1} free; disk {:.1} GB free",
        machine.memory_bytes / 1e9,
        machine.memory_free_bytes / 1e9,
        machine.disk_free_bytes / 1e9
    ));
    for gpu in &machine.gpus {
        let used = match cfg!(feature = "cuda") {
            true => "",
            false => ", not used by this build",
        };
        output.say(&format!("graphics card{used}: {}", gpu.name));
    }
    let speed = speed::measure()?;
    for pace in &speed.paces {
        output.say(&format!(
            "{} of width {}: learns with {:.0} billion operations a second ({:.0} rounded), reads with {:.0}",
            pace.architecture,
            pace.hidden,
            pace.learning / 1e9,
            pace.learning_bf16 / 1e9,
            pace.reading / 1e9
        ));
    }
    let missing: Vec<&str> = [models::STARTER]
        .into_iter()
        .filter(|id| !models::is_installed(id))
        .collect();
    for id in &missing {
        output.say(&format!("model not here yet: {id}"));
    }
    Ok(json!({ "machine": machine, "speed": speed, "missing_models": missing, "library": library.root() }))
}

pub fn network(change: Network, output: &Output) -> Result<Value> {
    let mut settings = NetworkSettings::read()?;
    let before = settings.clone();
    if let Some(allow) = change.allow {
        settings.closed = !allow;
    }
    match change.hub.as_deref() {
        None => {}
        Some("official") => settings.hub = None,
        Some("mirror") => settings.hub = Some(MIRROR.to_owned()),
        Some(address) => settings.hub = Some(address.to_owned()),
    }
    match change.proxy.as_deref() {
        None => {}
        Some("system") => settings.proxy = None,
        Some(address) => settings.proxy = Some(address.to_owned()),
    }
    if let Some(user) = change.proxy_user {
        settings.proxy_user = (!user.is_empty()).then_some(user);
    }
    if settings != before {
        settings.write()?;
    }
    let secret = match (change.token, change.proxy_password) {
        (true, _) => Some(Secret::HubToken),
        (_, true) => Some(Secret::ProxyPassword),
        _ => None,
    };
    if let Some(secret) = secret {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .map_err(|error| EngineError::NoKeyring {
                reason: error.to_string(),
            })?;
        secret.keep(&line)?;
    }
    let told = |value: &Option<String>, usual: &str| value.clone().unwrap_or_else(|| usual.to_owned());
    output.say(&format!(
        "connections: {}; hub: {}; proxy: {}",
        if settings.closed {
            "none at all"
        } else {
            "what you ask for"
        },
        told(&settings.hub, "the public one, or HF_ENDPOINT"),
        told(&settings.proxy, "as the system has it"),
    ));
    Ok(json!({
        "network": settings,
        "has_token": settings.network()?.has_token(),
        "has_proxy_password": Secret::ProxyPassword.read().is_some(),
    }))
}

pub fn connections(last: usize, output: &Output) -> Result<Value> {
    let log = files::connection_log();
    let (connections, count) = understudy_hub::connections(&log, last)?;
    for connection in &connections {
        let status = connection
            .status
            .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        output.say(&format!(
            "{}  {}{}  {}  {} bytes  {status}",
            connection.at, connection.host, connection.path, connection.why, connection.bytes
        ));
    }
    Ok(json!({ "connections": connections, "count": count, "log": log }))
}
