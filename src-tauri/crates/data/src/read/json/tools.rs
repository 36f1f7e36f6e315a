//! What annotation tools write, as plain columns: the labels that somebody chose instead of the whole history of choosing.

use serde_json::Value;
use serde_json::value::RawValue;

/// The column that the chosen labels go to.
const LABEL: &str = "label";

/// Whether the object is a task of Label Studio.
pub(super) fn is_label_studio(names: &[&str]) -> bool {
    ["data", "annotations"].iter().all(|name| names.contains(name))
}

/// Whether the object is a line of Prodigy where labels were chosen.
pub(super) fn is_prodigy(names: &[&str]) -> bool {
    ["text", "accept", "answer"]
        .iter()
        .all(|name| names.contains(name))
}

/// What stands under `name` in a task of Label Studio, or `None` where it is a column as any other. Of several annotations
/// the last one that was not cancelled counts.
pub(super) fn label_studio(name: &str, value: &RawValue) -> Option<Vec<(String, String)>> {
    match name {
        "annotations" => {
            let annotations: Vec<Value> = serde_json::from_str(value.get()).ok()?;
            let sound = annotations
                .iter()
                .rev()
                .find(|annotation| annotation["was_cancelled"] != true);
            let results = sound.and_then(|annotation| annotation["result"].as_array());
            let choices: Vec<&str> = results
                .into_iter()
                .flatten()
                .filter_map(|result| result["value"]["choices"].as_array())
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            Some(vec![(LABEL.to_owned(), choices.join("|"))])
        }
        // What a model said, and what was written down for the tool itself.
        "predictions" | "drafts" | "meta" | "file_upload" => Some(Vec::new()),
        _ => None,
    }
}

/// The same for Prodigy; a line that was rejected or passed over has no label.
pub(super) fn prodigy(name: &str, value: &RawValue, accepted: bool) -> Option<Vec<(String, String)>> {
    match name {
        "accept" => {
            let chosen: Vec<String> = serde_json::from_str(value.get()).ok()?;
            let label = if accepted { chosen.join("|") } else { String::new() };
            Some(vec![(LABEL.to_owned(), label)])
        }
        "options" | "config" | "meta" => Some(Vec::new()),
        _ if name.starts_with('_') => Some(Vec::new()),
        _ => None,
    }
}
