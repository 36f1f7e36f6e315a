//! models, doctor.

use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};
use understudy_engine::{Result, models as engine};

use crate::arguments::Models;
use crate::output::Output;

pub fn models(verb: Models, output: &Output) -> Result<Value> {
    match verb {
        Models::List => {
            let cards = engine::cards()?;
            for card in &cards {
                let state = if card.installed {
                    "installed"
                } else {
                    "not here yet"
                };
                output.say(&format!("{}  {}  {state}", card.id, card.licence));
            }
            Ok(json!({ "models": cards }))
        }
        Models::Show { id } => {
            let card = engine::library().find(&id)?;
            output.say(&format!("{}: {}", card.name, card.description.en));
            Ok(json!({ "model": card }))
        }
        Models::Download { id } => {
            let never = AtomicBool::new(false);
            let folder = engine::fetch(&id, &never, &mut |progress| output.progress(&progress))?;
            output.say(&format!("{id} is in {}", folder.display()));
            Ok(json!({ "model": id, "folder": folder }))
        }
        Models::Convert { folder } => {
            let tensors = engine::convert(&folder)?;
            output.say(&format!(
                "{tensors} tensors are in {}",
                folder.join("model.safetensors").display()
            ));
            Ok(json!({ "folder": folder, "tensors": tensors }))
        }
        Models::Add { folder, id } => {
            let folder = engine::library().add(&folder, &id)?;
            Ok(json!({ "model": id, "folder": folder }))
        }
    }
}

pub fn doctor(output: &Output) -> Result<Value> {
    let library = engine::library();
    let machine = understudy_hub::machine(library.root());
    output.say(&format!(
        "{}: {} cores, {}",
        machine.os, machine.cores, machine.cpu
    ));
    output.say(&format!(
        "memory {:.1} GB, {:.1} free; disk {:.1} GB free",
        machine.memory_bytes / 1e9,
        machine.memory_free_bytes / 1e9,
        machine.disk_free_bytes / 1e9
    ));
    let missing: Vec<String> = engine::cards()?
        .into_iter()
        .filter(|card| !card.installed)
        .map(|card| card.id)
        .collect();
    missing
        .iter()
        .for_each(|id| output.say(&format!("model not here yet: {id}")));
    Ok(json!({ "machine": machine, "missing_models": missing, "library": library.root() }))
}
