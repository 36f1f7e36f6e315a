//! clean: rules for texts and rows.

use serde_json::{Value, json};
use understudy_data::{CleaningRule, PersonalKind, RowRule, TextRule};
use understudy_engine::{EngineError, Result, Session, words};

use crate::arguments::Clean;
use crate::output::Output;

pub fn clean(arguments: Clean, output: &Output) -> Result<Value> {
    let mut session = Session::open(&arguments.project)?;
    if arguments.look {
        let look = session.project.cleaning_look(&mut |_| true)?;
        let personal = session.project.summary()?.personal_columns;
        let long = session.long_texts()?;
        return Ok(json!({ "look": look, "personal_columns": personal, "long_texts": long }));
    }
    if let Some(step) = arguments.undo {
        session.project.undo_cleaning(step, &mut |_| true)?;
    }
    let rules = rules(&session, &arguments)?;
    let data = session.project.clean(&rules, &mut |_| true)?;
    for step in data.cleaning.iter().filter(|step| !step.undone) {
        output.say(&format!("{}: {}", step.id, words::step(step, output.language())));
    }
    Ok(json!({ "data": data }))
}

/// The rules that were asked for: texts first, then what hides rows by them.
fn rules(session: &Session, arguments: &Clean) -> Result<Vec<CleaningRule>> {
    let mut rules = Vec::new();
    for name in &arguments.normalize {
        rules.extend(text_rule(session, name)?.map(CleaningRule::Texts));
    }
    if !arguments.deidentify.is_empty() {
        let kinds = match arguments.deidentify.iter().any(|kind| kind == "all") {
            true => PersonalKind::ALL.to_vec(),
            false => arguments
                .deidentify
                .iter()
                .map(|kind| named(kind))
                .collect::<Result<_>>()?,
        };
        rules.push(CleaningRule::Texts(TextRule::Deidentify { kinds }));
    }
    let characters = |characters: Option<u32>, rule: fn(u32) -> RowRule| characters.map(rule);
    let languages = Some(arguments.drop_languages.clone()).filter(|languages| !languages.is_empty());
    let hides = [
        arguments.drop_empty.then_some(RowRule::DropEmpty),
        characters(arguments.drop_shorter_than, |characters| RowRule::DropShort {
            characters,
        }),
        characters(arguments.drop_longer_than, |characters| RowRule::DropLong {
            characters,
        }),
        languages.map(|languages| RowRule::DropLanguages { languages }),
        arguments.drop_conflicts.then_some(RowRule::DropConflicts),
        arguments.drop_duplicates.then_some(RowRule::DropDuplicates),
        arguments
            .drop_near_duplicates
            .then_some(RowRule::DropNearDuplicates),
    ];
    rules.extend(hides.into_iter().flatten().map(CleaningRule::Rows));
    Ok(rules)
}

/// The rule of this name; the lines of boilerplate are those that are found, if any are.
fn text_rule(session: &Session, name: &str) -> Result<Option<TextRule>> {
    if name == "boilerplate" {
        let look = session.project.cleaning_look(&mut |_| true)?;
        let found = look.proposals.into_iter().map(|proposal| proposal.rule);
        return Ok(found
            .into_iter()
            .find(|rule| matches!(rule, TextRule::Boilerplate { .. })));
    }
    let rule = serde_json::from_value(json!({ "kind": name }));
    rule.map(Some).map_err(|_| EngineError::NoSuchRule {
        name: name.to_owned(),
    })
}

fn named(kind: &str) -> Result<PersonalKind> {
    serde_json::from_value(json!(kind)).map_err(|_| EngineError::NoSuchRule {
        name: kind.to_owned(),
    })
}
