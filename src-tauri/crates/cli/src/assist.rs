//! assist: what the helper says about the texts.

use serde_json::{Value, json};
use understudy_data::Among;
use understudy_engine::assist::reading::read_texts;
use understudy_engine::assist::{Assistant, encoder, foretell, groups, meaning};
use understudy_engine::{EngineError, Result, Session, models};
use understudy_train::{Control, Embedder};

use crate::arguments::Assist;
use crate::data::label_id;
use crate::output::Output;

/// Said where nothing can be found yet.
const UNREAD: &str = "the texts were not read yet: understudy assist read";

pub fn assist(verb: Assist, output: &Output) -> Result<Value> {
    match verb {
        Assist::Read { project } => {
            let session = Session::open(&project)?;
            let began = std::time::Instant::now();
            let read = read_texts(&session.project, &Control::default(), &mut |progress| {
                output.progress(&progress)
            })?;
            let seconds = began.elapsed().as_secs_f64();
            output.say(&format!("{read} texts read in {seconds:.1} s"));
            Ok(json!({ "read": read, "seconds": seconds }))
        }
        Assist::Next {
            project,
            order,
            limit,
        } => {
            let session = Session::open(&project)?;
            let assistant = learnt(&session, output)?;
            let line = assistant.line(&session.project, order, limit)?;
            let mut rows = Vec::new();
            for example in line {
                let text = session.project.example(example)?.text;
                let suggestion = assistant.suggestion(&session.project, example)?;
                rows.push(json!({ "example": example, "text": text, "suggestion": suggestion }));
            }
            Ok(
                json!({ "state": assistant.state(), "next": rows, "labels": session.project.label_state()?.labels }),
            )
        }
        Assist::Doubts { project, limit } => {
            let session = Session::open(&project)?;
            let assistant = learnt(&session, output)?;
            let page = assistant.doubts_page(&session.project, 0, limit)?;
            output.say(&format!("{} of {} labels are doubtful", page.total, page.of));
            Ok(json!({ "state": assistant.state(), "doubts": page }))
        }
        Assist::Similar {
            project,
            example,
            text,
            limit,
        } => {
            let session = Session::open(&project)?;
            let near = match (example, text) {
                (Some(example), _) => meaning::similar(&session.project, example, Among::All, limit)?,
                (None, text) => {
                    let folder = models::base_folder(&encoder(&session.project)?)?;
                    let text = text.unwrap_or_default();
                    let vector = Embedder::load(&folder)
                        .and_then(|embedder| embedder.embed(&[text], &Control::default()))
                        .map_err(EngineError::from)?;
                    meaning::near(&session.project, &vector, Among::All, limit)?
                }
            };
            if near.is_none() {
                output.say(UNREAD);
            }
            let near = near.unwrap_or_default();
            for row in &near.rows {
                output.say(&format!("{:.2} {}: {}", row.nearness, row.example, row.text));
            }
            Ok(json!({ "similar": near.rows }))
        }
        Assist::Groups {
            project,
            label,
            open,
            count,
        } => {
            let session = Session::open(&project)?;
            let among = match label {
                Some(name) => Among::Label {
                    id: label_id(&session, &name)?,
                },
                None if open => Among::Unlabelled,
                None => Among::All,
            };
            let told = groups(&session.project, among, count)?;
            output.say(&format!("{} of {} texts looked at", told.looked_at, told.all));
            if told.looked_at == 0 && told.all > 0 {
                output.say(UNREAD);
            }
            for group in &told.groups {
                let rows: Vec<String> = group.examples.iter().map(u32::to_string).collect();
                output.say(&format!("{} texts: {}", rows.len(), group.words.join(", ")));
                output.say(&format!("    rows {}", rows.join(",")));
            }
            Ok(json!({ "groups": told }))
        }
        Assist::Forecast { project } => {
            let session = Session::open(&project)?;
            Ok(json!({ "forecast": foretell(&session.project, &|| false)? }))
        }
    }
}

fn learnt(session: &Session, output: &Output) -> Result<Assistant> {
    let assistant = Assistant::learn(&session.project, &|| false)?;
    let state = assistant.state();
    let right = state
        .right
        .map(|right| format!(", {:.0} % right", 100.0 * right))
        .unwrap_or_default();
    output.say(&format!(
        "learnt from {} labels in {:.2} s{right}",
        state.learnt_from, state.seconds
    ));
    Ok(assistant)
}
