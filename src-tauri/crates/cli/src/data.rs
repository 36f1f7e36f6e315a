//! import, problems, labels, split, verify.

use std::path::Path;

use serde_json::{Map, Value, json};
use understudy_data::{
    Among, ColumnRole, DataError, DialectOverrides, ImportOptions, Part, RunStatus, SplitWay, preview,
};
use understudy_engine::session::{remember_roles, text_columns};
use understudy_engine::verification::{self, Finding, Repetition, Subject};
use understudy_engine::{EngineError, Result, Session, people};

use crate::arguments::{Columns, Import, Labels, People, Problems, Split};
use crate::output::Output;

pub fn import(arguments: Import, output: &Output) -> Result<Value> {
    if arguments.update {
        let mut session = Session::open(&arguments.project)?;
        let options = options(&arguments.file, &arguments.columns, Some(&session))?;
        let changes = session.project.update_from_file(
            &arguments.file,
            &options,
            arguments.only_tell,
            &mut |_, _| true,
        )?;
        output.say(&format!(
            "{} as before, {} new, {} changed, {} with other labels, {} kept as people left them, {} whose new group, date or part is not taken over, {} gone, {} back, {} put aside",
            changes.same, changes.new, changes.changed, changes.relabelled, changes.kept, changes.not_moved, changes.gone, changes.back, changes.problem_rows
        ));
        return Ok(json!({ "changes": changes, "project": session.project.folder() }));
    }
    // Before there is a project that a file that cannot be read would leave empty.
    let options = options(&arguments.file, &arguments.columns, None)?;
    let mut session = open_or_create(&arguments.project)?;
    let summary = session.import(&arguments.file, &options, arguments.part, &mut |_, _| true)?;
    output.say(&format!(
        "{}: {} rows, {} with a label, {} labels, {} put aside",
        summary.file_name, summary.rows, summary.labelled, summary.labels, summary.problem_rows
    ));
    for mixed in &summary.mixed {
        let read = match &mixed.encoding {
            Some(encoding) => format!("but were read as {encoding}"),
            None => "and U+FFFD stands for what could not be read".to_owned(),
        };
        output.say(&format!(
            "{} rows are not written in the file's encoding {read}: rows {:?}",
            mixed.rows, mixed.first_rows
        ));
    }
    Ok(json!({ "import": summary, "project": session.project.folder() }))
}

/// Imports an official test file with the columns of the first file.
pub fn import_test_file(session: &mut Session, file: &Path) -> Result<()> {
    let columns = Columns {
        text: text_columns(&session.project)?,
        ..Columns::default()
    };
    let options = options(file, &columns, None)?;
    session.import(file, &options, Some(Part::Test), &mut |_, _| true)?;
    Ok(())
}

/// The roles as guessed, or as they were when the session's project imported the file, with those that were named.
fn options(file: &Path, columns: &Columns, session: Option<&Session>) -> Result<ImportOptions> {
    let delimiter = columns.delimiter.as_deref();
    let dialect = DialectOverrides {
        encoding: columns.encoding.clone(),
        delimiter: delimiter.map(|given| if given == "none" { "" } else { given }.to_owned()),
        quoting: columns.quotes,
        header: columns.header,
        sheet: columns.sheet.clone(),
    };
    let mut preview = preview(file, &dialect, 1)?;
    let before = session.map(|session| session.project.imported_before(file));
    if let Some(before) = before.transpose()?.flatten() {
        remember_roles(&before, &mut preview);
    }
    let guessed: Vec<ColumnRole> = preview.columns.iter().map(|column| column.role).collect();
    let mut roles = guessed.clone();
    let labels: Vec<&String> = columns.label.iter().chain(&columns.label_columns).collect();
    let named = [
        (columns.text.iter().collect(), ColumnRole::Text),
        (labels, ColumnRole::Label),
        (columns.group.iter().collect(), ColumnRole::Group),
        (columns.date.iter().collect(), ColumnRole::Date),
        (columns.split_column.iter().collect(), ColumnRole::Split),
    ];
    for (names, role) in named {
        if !names.is_empty() {
            let others = roles.iter_mut().filter(|known| **known == role);
            others.for_each(|known| *known = ColumnRole::Ignore);
        }
        for name in names {
            let found = preview.columns.iter().position(|column| column.name == *name);
            let found = found.ok_or_else(|| EngineError::NoTextColumn {
                file: preview.file_name.clone(),
                column: name.clone(),
            })?;
            roles[found] = role;
        }
    }
    let label = |roles: &[ColumnRole]| roles.iter().position(|role| *role == ColumnRole::Label);
    let label_separator = match columns.label_separator.as_deref() {
        Some("none") => None,
        Some(given) => Some(given.to_owned()),
        // What was guessed was guessed about another column otherwise.
        None => preview
            .label_separator
            .filter(|_| label(&roles) == label(&guessed)),
    };
    Ok(ImportOptions {
        dialect,
        roles,
        label_separator,
    })
}

fn open_or_create(folder: &Path) -> Result<Session> {
    match Session::open(folder) {
        Err(EngineError::Data(DataError::NotAProject { .. })) if !folder.exists() => {
            let name = folder.file_stem().unwrap_or_default().to_string_lossy();
            Session::create(folder, &name)
        }
        opened => opened,
    }
}

/// The first thousand rows that were put aside, each with its cells as far as they can be made out; one mended first where
/// that is asked for.
pub fn problems(arguments: Problems, output: &Output) -> Result<Value> {
    let mut session = Session::open(&arguments.project)?;
    if let Some(problem) = arguments.mend {
        session.project.mend_row(problem, &arguments.cell)?;
    }
    let page = session.problems_page(0, 1_000, output.language())?;
    let mut listed = Vec::new();
    for problem in &page.problems {
        output.say(&format!("row {}: {}", problem.row, problem.message.what));
        let form = problem.id.map(|id| session.project.mend_form(id)).transpose()?;
        listed.push(json!({ "problem": problem, "form": form }));
    }
    Ok(json!({ "total": page.total, "problems": listed }))
}

/// Who labels and how far they agree; answers written or taken in first where that is asked for.
pub fn people(arguments: &People, output: &Output) -> Result<Value> {
    let mut session = Session::open(&arguments.project)?;
    let project = &mut session.project;
    if let Some(name) = &arguments.name {
        project.set_person(name)?;
    }
    if arguments.own {
        let who = project.person()?;
        let owned = project.own_labels(&who)?;
        output.say(&format!("{owned} labels are now answers of {who}"));
    }
    let mut sent = None;
    if let Some(path) = &arguments.send {
        let (answers, key) = people::send(project, path)?;
        output.say(&format!("{answers} answers, signed with the key {key}"));
        sent = Some(json!({ "answers": answers, "key": key }));
    }
    let taken = match &arguments.take {
        Some(path) => Some(people::take(project, path)?),
        None => None,
    };
    let told = people::people(project)?;
    for person in &told.people {
        output.say(&format!("{}: {} texts", person.name, person.texts));
    }
    Ok(json!({ "people": told, "sent": sent, "taken": taken }))
}

/// A label by its name.
pub fn label_id(session: &Session, name: &str) -> Result<u32> {
    let labels = session.project.label_state()?.labels;
    let found = labels.iter().find(|label| label.name == name);
    found
        .map(|label| label.id)
        .ok_or_else(|| EngineError::NoSuchLabel {
            name: name.to_owned(),
        })
}

/// The labels and the names that are probably one; merged or divided first where that is asked for.
pub fn labels(arguments: Labels, output: &Output) -> Result<Value> {
    let mut session = Session::open(&arguments.project)?;
    if let Some(into) = &arguments.into {
        let merged = arguments.merge.iter().map(|name| label_id(&session, name));
        let merged = merged.collect::<Result<Vec<u32>>>()?;
        let into = label_id(&session, into)?;
        let who = session.project.person()?;
        session.project.merge_labels(&merged, into, &who, &mut |_| true)?;
    }
    if let Some(divided) = &arguments.divide {
        let divided = label_id(&session, divided)?;
        let who = session.project.person()?;
        let carriers = |session: &Session| session.project.rows_among(Among::Label { id: divided }, 1);
        let (before, _) = carriers(&session)?;
        session
            .project
            .divide_label(divided, &arguments.part, &who, &mut |_| true)?;
        let moved = before - carriers(&session)?.0;
        let asked: usize = arguments.part.iter().map(|part| part.examples.len()).sum();
        output.say(&format!("{moved} of {asked} rows carry another label now"));
    }
    let mut saved = None;
    if let Some(path) = &arguments.save {
        let project = &mut session.project;
        let summary = project.export_rows(path, arguments.format, arguments.only_labelled, &mut |_| true)?;
        output.say(&format!(
            "{} rows, {} of them labelled, {} cut",
            summary.rows, summary.labelled, summary.cut
        ));
        saved = Some(summary);
    }
    let state = session.project.label_state()?;
    let name = |id: &u32| {
        state
            .labels
            .iter()
            .find(|label| label.id == *id)
            .map(|label| label.name.as_str())
    };
    let spellings: Vec<Value> = (session.project.label_spellings()?.iter())
        .map(|group| json!({ "labels": group.labels.iter().filter_map(name).collect::<Vec<&str>>(), "keep": name(&group.keep) }))
        .collect();
    for label in &state.labels {
        output.say(&format!("{}: {}", label.name, label.count));
    }
    Ok(json!({ "labels": state.labels, "spellings": spellings, "saved": saved }))
}

pub fn split(arguments: Split, output: &Output) -> Result<Value> {
    let mut session = Session::open(&arguments.project)?;
    if arguments.open_test {
        session.open_test(output.language())?;
    }
    let way = match arguments.fold {
        Some((number, of)) => SplitWay::Fold { number, of },
        None if arguments.by_date => SplitWay::ByDate,
        None => SplitWay::Random,
    };
    let split = match arguments.add {
        true => session.add_to_training(output.language())?,
        false => session.make_split(&arguments.parts, arguments.seed, way, output.language())?,
    };
    for part in &split.parts {
        output.say(&format!("{:?}: {} rows", part.part, part.rows));
    }
    split.notes.iter().for_each(|note| output.say(note));
    Ok(json!({ "split": split }))
}

/// Every hash of a project's history, and of each finished run (or of one) what it left behind.
pub fn verify(project: &Path, run: Option<String>, output: &Output) -> Result<Value> {
    let session = Session::open(project)?;
    let audit = session.project.verify_audit()?;
    let mut sound = audit.broken.is_none();
    let chosen = match run {
        Some(run) => vec![run],
        None => {
            let runs = session.project.runs()?;
            let finished = runs.into_iter().filter(|run| run.status == RunStatus::Finished);
            finished.map(|run| run.id).collect()
        }
    };
    let mut found = Map::new();
    for run in chosen {
        let verified = verification::verify(&session.project, &run)?;
        // Labels may be corrected after a training, and a report moved.
        sound &= verified
            .checks
            .iter()
            .all(|check| check.finding != Finding::Changed || check.subject == Subject::Data);
        for check in &verified.checks {
            let name = check.name.as_deref().unwrap_or_default();
            output.say(&format!("{run} {:?} {name}: {:?}", check.subject, check.finding));
        }
        if let Some(repetition) = &verified.repetition {
            let Repetition {
                first,
                largest_difference,
                same_weights,
                ..
            } = repetition;
            output.say(&format!(
                "{run} repeats {first}: weights the same {same_weights}, probabilities differ by at most {largest_difference}"
            ));
        }
        found.insert(run, json!(verified));
    }
    Ok(json!({ "sound": sound, "audit": audit, "runs": found }))
}
