//! Cleaning: recorded steps that hide rows or change texts and can be taken back. Nothing is ever deleted.

use std::collections::HashMap;

use rayon::prelude::*;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;

use super::audit::append;
use super::near;
use super::project::Project;
use super::spellings::CONFLICTS;
use super::sql::{from_json, now, to_json};
use super::texts::{each_chunk, find_repeated, rewrite};
use crate::clean::{Lines, Pipeline, language};
use crate::error::{DataError, Result};
use crate::types::{
    CleaningExample, CleaningLook, CleaningProposal, CleaningRule, CleaningStep, DataSummary, LanguageCount,
    RowRule, TextRule,
};

/// Visible rows that repeat a text with the same labels, or that repeat a labelled text without a label. Of each
/// the first stays, a row of the official test part before any other. Texts with two labels stay: they are a
/// question for the expert. Empty texts are no duplicates. Needs [`find_repeated`]; few texts are repeated, so the plus
/// signs keep the other indexes out.
pub(super) const DUPLICATES: &str = "
    SELECT id FROM (
        SELECT s.example AS id, s.label_set,
               row_number() OVER (PARTITION BY s.text_hash, s.label_set ORDER BY e.file_part IS NOT 2, e.id) AS nth,
               count(s.label_set) OVER (PARTITION BY s.text_hash) AS labelled
        FROM state s JOIN example e ON e.id = s.example
        WHERE +s.hidden_by IS NULL AND +s.length > 0
          AND s.text_hash IN (SELECT text_hash FROM temp.repeated)
    ) WHERE nth > 1 OR (label_set IS NULL AND labelled > 0)";

/// Visible rows whose text is nearly that of another one of their cluster that has the same labels, or that has labels
/// where they have none. Which stays is as for exact duplicates, labelled rows before others.
const NEAR_DUPLICATES: &str = "
    SELECT id FROM (
        SELECT n.example AS id, s.label_set, row_number() OVER kept_first AS nth,
               first_value(s.label_set) OVER kept_first AS kept
        FROM near_cluster n JOIN state s ON s.example = n.example JOIN example e ON e.id = n.example
        WHERE s.hidden_by IS NULL
        WINDOW kept_first AS (
            PARTITION BY n.cluster ORDER BY e.file_part IS NOT 2, s.label_set IS NULL, n.example
        )
    ) WHERE nth > 1 AND (label_set IS NULL OR label_set = kept)";

/// Texts before and after that are shown of each rule.
const EXAMPLES: usize = 5;

/// Characters of such a text, and of them before the first change.
const SHOWN: usize = 160;
const SHOWN_BEFORE: usize = 40;

impl Project {
    /// Applies rules, one recorded step each; a rule that changes nothing leaves none. `progress` is told the share that is
    /// done and answers whether to go on; stopped, nothing is changed.
    ///
    /// # Errors
    /// `Cancelled`, and those of the database.
    pub fn clean(
        &mut self,
        rules: &[CleaningRule],
        progress: &mut dyn FnMut(f64) -> bool,
    ) -> Result<DataSummary> {
        let tx = self.write()?;
        apply(&tx, rules.iter().map(|rule| (None, rule)), progress)?;
        tx.commit()?;
        self.summary()
    }

    /// Takes a step back: shows the rows again that it hid, or makes the texts again without it. What hid rows by those texts
    /// later, hides anew by what they are now. Twice changes nothing.
    ///
    /// # Errors
    /// `UnknownStep`, `Cancelled`, and those of the database.
    pub fn undo_cleaning(&mut self, step: u32, progress: &mut dyn FnMut(f64) -> bool) -> Result<DataSummary> {
        let tx = self.write()?;
        let found: Option<(String, bool)> = tx
            .query_row(
                "SELECT rule, undone_at IS NOT NULL FROM cleaning_step WHERE id = ?1",
                [step],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let (rule, undone) = found.ok_or(DataError::UnknownStep { id: step })?;
        if !undone {
            let rule: CleaningRule = from_json(&rule)?;
            take_back(&tx, step)?;
            let detail = match rule {
                CleaningRule::Rows(_) => json!({ "step": step, "rows": show(&tx, step)? }),
                CleaningRule::Texts(_) => json!({ "step": step }),
            };
            append(&tx, "cleaning_undone", &detail)?;
            if let CleaningRule::Texts(_) = rule {
                apply_later_again(&tx, step, progress)?;
            }
        }
        tx.commit()?;
        self.summary()
    }

    /// What each rule would change in the visible texts, with examples, and which languages they are in.
    ///
    /// # Errors
    /// `Cancelled`, and those of the database.
    pub fn cleaning_look(&self, progress: &mut dyn FnMut(f64) -> bool) -> Result<CleaningLook> {
        let tx = self.read()?;
        let mut lines = Lines::default();
        each_chunk(&tx, |chunk, done| {
            chunk.iter().for_each(|(_, text)| lines.add(text));
            Ok(progress(0.2 * done))
        })?;
        let rules = candidates(lines.common());
        let pipelines: Vec<Pipeline> = rules
            .iter()
            .map(|rule| Pipeline::new(std::slice::from_ref(rule)))
            .collect();
        let mut proposals: Vec<CleaningProposal> = rules
            .into_iter()
            .map(|rule| CleaningProposal {
                rule,
                rows: 0,
                examples: Vec::new(),
            })
            .collect();
        let mut languages: HashMap<&'static str, u32> = HashMap::new();
        let mut rows = 0;
        each_chunk(&tx, |chunk, done| {
            rows += chunk.len() as u32;
            let seen: Vec<(&'static str, Vec<bool>)> = chunk
                .par_iter()
                .map(|(_, text)| {
                    (
                        language(text),
                        pipelines.iter().map(|rule| rule.apply(text).is_some()).collect(),
                    )
                })
                .collect();
            for ((example, text), (spoken, changes)) in chunk.iter().zip(seen) {
                *languages.entry(spoken).or_default() += 1;
                for ((proposal, rule), changes) in proposals.iter_mut().zip(&pipelines).zip(changes) {
                    proposal.rows += u32::from(changes);
                    // The changed texts were not kept: there are many of them, and few are shown.
                    if changes
                        && proposal.examples.len() < EXAMPLES
                        && let Some(after) = rule.apply(text)
                    {
                        proposal.examples.push(around_the_change(*example, text, &after));
                    }
                }
            }
            Ok(progress(0.2 + 0.8 * done))
        })?;
        let rows_of = |rule: &TextRule| {
            proposals
                .iter()
                .find(|proposal| proposal.rule == *rule)
                .map_or(0, |proposal| proposal.rows)
        };
        // Of the two Chinese scripts the one that most texts are in already is proposed.
        let fewer = match rows_of(&TextRule::Simplified) <= rows_of(&TextRule::Traditional) {
            true => TextRule::Traditional,
            false => TextRule::Simplified,
        };
        proposals.retain(|proposal| proposal.rows > 0 && proposal.rule != fewer);
        let mut languages: Vec<LanguageCount> = languages
            .into_iter()
            .map(|(language, rows)| LanguageCount {
                language: language.to_owned(),
                rows,
            })
            .collect();
        languages.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.language.cmp(&b.language)));
        Ok(CleaningLook {
            rows,
            proposals,
            languages,
        })
    }
}

/// Every rule that could be proposed: personal data kind by kind, e-mail addresses only among them.
fn candidates(lines: Vec<String>) -> Vec<TextRule> {
    let apart = |rule| match rule {
        TextRule::Deidentify { kinds } => kinds
            .into_iter()
            .map(|kind| TextRule::Deidentify { kinds: vec![kind] })
            .collect(),
        TextRule::MaskEmails => vec![],
        TextRule::Boilerplate { lines } if lines.is_empty() => vec![],
        other => vec![other],
    };
    TextRule::every(lines).into_iter().flat_map(apart).collect()
}

/// The surroundings of the first change.
fn around_the_change(example: u32, before: &str, after: &str) -> CleaningExample {
    let same = before
        .chars()
        .zip(after.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let from = same.saturating_sub(SHOWN_BEFORE);
    let shown = |text: &str| {
        let mut rest = text.chars().skip(from);
        let mut shown = if from > 0 { "…".to_owned() } else { String::new() };
        shown.extend(rest.by_ref().take(SHOWN));
        if rest.next().is_some() {
            shown.push('…');
        }
        shown
    };
    CleaningExample {
        example,
        before: shown(before),
        after: shown(after),
    }
}

/// A step that is to be applied: its rule, and its id if it was recorded already.
type Applied<'r> = (Option<u32>, &'r CleaningRule);

/// Applies steps in their order.
fn apply<'r>(
    tx: &Transaction<'_>,
    steps: impl IntoIterator<Item = Applied<'r>>,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<()> {
    let mut of_texts = Vec::new();
    for (recorded, rule) in steps {
        match rule {
            CleaningRule::Rows(hides) => {
                // What hides rows goes by the texts as they are then.
                rewrite_for(tx, &mut of_texts, progress)?;
                let step = put_in_force(tx, recorded, rule)?;
                let rows = hide(tx, step, hides, progress)?;
                settle(tx, step, rule, (recorded.is_some() || rows > 0).then_some(rows))?;
            }
            CleaningRule::Texts(_) => {
                of_texts.push((put_in_force(tx, recorded, rule)?, (recorded, rule)));
            }
        }
    }
    rewrite_for(tx, &mut of_texts, progress)
}

/// Makes the texts without a step that was taken back, and applies the later ones again in their order: each went by texts
/// that are others now. A step that does nothing any more stays, and says so. Which rows are gone from a file does not depend
/// on the texts.
fn apply_later_again(tx: &Transaction<'_>, undone: u32, progress: &mut dyn FnMut(f64) -> bool) -> Result<()> {
    let by_texts = |rule: &CleaningRule| !matches!(rule, CleaningRule::Rows(RowRule::DropGone { .. }));
    let later: Vec<CleaningStep> = (steps(tx)?.into_iter())
        .filter(|step| step.id > undone && !step.undone && by_texts(&step.rule))
        .collect();
    for step in &later {
        take_back(tx, step.id)?;
        show(tx, step.id)?;
    }
    if !matches!(later.first().map(|step| &step.rule), Some(CleaningRule::Texts(_))) {
        rewrite(tx, progress)?;
    }
    apply(tx, later.iter().map(|step| (Some(step.id), &step.rule)), progress)
}

fn take_back(tx: &Transaction<'_>, step: u32) -> Result<()> {
    tx.execute(
        "UPDATE cleaning_step SET undone_at = ?2 WHERE id = ?1",
        params![step, now(tx)?],
    )?;
    Ok(())
}

/// Shows the rows that a step hid, and tells how many.
fn show(tx: &Transaction<'_>, step: u32) -> Result<usize> {
    Ok(tx.execute("UPDATE state SET hidden_by = NULL WHERE hidden_by = ?1", [step])?)
}

fn put_in_force(tx: &Transaction<'_>, recorded: Option<u32>, rule: &CleaningRule) -> Result<u32> {
    let Some(step) = recorded else {
        return insert(tx, rule);
    };
    tx.execute("UPDATE cleaning_step SET undone_at = NULL WHERE id = ?1", [step])?;
    Ok(step)
}

fn insert(tx: &Transaction<'_>, rule: &CleaningRule) -> Result<u32> {
    tx.execute(
        "INSERT INTO cleaning_step (rule, rows, at) VALUES (?1, 0, ?2)",
        params![to_json(rule)?, now(tx)?],
    )?;
    Ok(tx.last_insert_rowid() as u32)
}

/// Notes what a step did; a step that did nothing is taken out again.
fn settle(tx: &Transaction<'_>, step: u32, rule: &CleaningRule, rows: Option<u32>) -> Result<()> {
    let Some(rows) = rows else {
        tx.execute("DELETE FROM cleaning_step WHERE id = ?1", [step])?;
        return Ok(());
    };
    tx.execute(
        "UPDATE cleaning_step SET rows = ?2 WHERE id = ?1",
        params![step, rows],
    )?;
    append(
        tx,
        "cleaned",
        &json!({ "step": step, "rule": rule, "rows": rows }),
    )
}

/// Makes the texts by all rules in force, and notes what the new ones among them did.
fn rewrite_for(
    tx: &Transaction<'_>,
    steps: &mut Vec<(u32, Applied<'_>)>,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let counts = rewrite(tx, progress)?;
    // The new ones are the last.
    let new = counts.len() - steps.len();
    for ((step, (recorded, rule)), rows) in steps.drain(..).zip(&counts[new..]) {
        // Hidden texts count, too: a step that changed only those is one that can be taken back.
        let stays = recorded.is_some() || rows.all > 0;
        settle(tx, step, rule, stays.then_some(rows.visible))?;
    }
    Ok(())
}

/// Hides the visible rows that a rule is about, and tells how many.
fn hide(
    tx: &Transaction<'_>,
    step: u32,
    rule: &RowRule,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<u32> {
    find_repeated(tx)?;
    let visible =
        |condition: &str| format!("SELECT example FROM state WHERE hidden_by IS NULL AND {condition}");
    let which = match rule {
        RowRule::DropDuplicates => DUPLICATES.to_owned(),
        RowRule::DropNearDuplicates => {
            // Of the texts as the rules before left them.
            near::find(tx, progress)?;
            NEAR_DUPLICATES.to_owned()
        }
        RowRule::DropConflicts => visible(&format!("text_hash IN (SELECT text_hash FROM ({CONFLICTS}))")),
        RowRule::DropEmpty => visible("length = 0"),
        RowRule::DropShort { characters } => visible(&format!("length < {characters}")),
        RowRule::DropLong { characters } => visible(&format!("length > {characters}")),
        RowRule::DropLanguages { languages } => {
            let others = in_languages(tx, languages, progress)?;
            return hide_each(tx, step, &others);
        }
        // Which these are only the file tells.
        RowRule::DropGone { .. } => visible("0"),
    };
    let rows = tx.execute(
        &format!("UPDATE state SET hidden_by = ?1 WHERE example IN ({which})"),
        [step],
    )?;
    Ok(rows as u32)
}

/// The visible rows in one of these languages.
fn in_languages(
    tx: &Transaction<'_>,
    languages: &[String],
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<Vec<u32>> {
    let mut others: Vec<u32> = Vec::new();
    each_chunk(tx, |chunk, done| {
        let foreign = |text: &str| {
            let spoken = language(text);
            languages.iter().any(|dropped| dropped == spoken)
        };
        let found = chunk
            .par_iter()
            .filter(|(_, text)| foreign(text))
            .map(|(example, _)| *example);
        others.extend(found.collect::<Vec<u32>>());
        Ok(progress(done))
    })?;
    Ok(others)
}

/// Hides rows by a step of its own, as far as they are visible.
pub(super) fn hide_these(tx: &Transaction<'_>, rule: &RowRule, rows: &[u32]) -> Result<()> {
    let recorded = CleaningRule::Rows(rule.clone());
    let step = insert(tx, &recorded)?;
    let hidden = hide_each(tx, step, rows)?;
    settle(tx, step, &recorded, (hidden > 0).then_some(hidden))
}

fn hide_each(tx: &Transaction<'_>, step: u32, rows: &[u32]) -> Result<u32> {
    let mut hide =
        tx.prepare_cached("UPDATE state SET hidden_by = ?1 WHERE example = ?2 AND hidden_by IS NULL")?;
    let mut hidden = 0;
    for example in rows {
        hidden += hide.execute([step, *example])?;
    }
    Ok(hidden as u32)
}

/// All steps, the oldest first.
pub(super) fn steps(db: &Connection) -> Result<Vec<CleaningStep>> {
    let mut query =
        db.prepare_cached("SELECT id, rule, rows, at, undone_at IS NOT NULL FROM cleaning_step ORDER BY id")?;
    let mut rows = query.query([])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        steps.push(CleaningStep {
            id: row.get(0)?,
            rule: from_json(&row.get::<_, String>(1)?)?,
            rows: row.get(2)?,
            at: row.get(3)?,
            undone: row.get(4)?,
        });
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{options, project_with};
    use crate::types::{ColumnRole, Part, PersonalKind, RowFilter};

    fn clean(project: &mut Project, rule: RowRule) -> DataSummary {
        project.clean(&[CleaningRule::Rows(rule)], &mut |_| true).unwrap()
    }

    fn texts(project: &Project) -> Vec<String> {
        project.rows_page(&RowFilter::default(), 0, 100).unwrap().text
    }

    fn visible(project: &Project) -> Vec<u32> {
        project.rows_page(&RowFilter::default(), 0, 100).unwrap().id
    }

    #[test]
    fn duplicates_go_and_come_back() {
        let csv = "text,label\nsame  text,x\nother,y\n same text ,x\nsame text,\nsame text,x\n";
        let (_place, mut project) = project_with(csv);
        assert_eq!(project.summary().unwrap().duplicate_rows, 3);
        let summary = clean(&mut project, RowRule::DropDuplicates);
        assert_eq!((summary.rows, summary.hidden, summary.duplicate_rows), (2, 3, 0));
        assert_eq!(visible(&project), [1, 2]);
        assert_eq!(
            clean(&mut project, RowRule::DropDuplicates).cleaning.len(),
            1,
            "nothing to drop is no step"
        );
        let summary = project.undo_cleaning(1, &mut |_| true).unwrap();
        assert_eq!(
            (summary.rows, summary.cleaning[0].rows, summary.cleaning[0].undone),
            (5, 3, true)
        );
        assert_eq!(project.undo_cleaning(1, &mut |_| true).unwrap().rows, 5);
        assert!(matches!(
            project.undo_cleaning(7, &mut |_| true),
            Err(DataError::UnknownStep { id: 7 })
        ));
    }

    #[test]
    fn a_text_with_two_labels_is_left_to_the_expert() {
        let (_place, mut project) = project_with("text,label\nsame,x\nsame,y\nsame,y\nb,x\n");
        assert_eq!(project.summary().unwrap().conflicting_texts, 1);
        clean(&mut project, RowRule::DropDuplicates);
        assert_eq!(visible(&project), [1, 2, 4]);
        assert_eq!(project.summary().unwrap().conflicting_texts, 1);
    }

    #[test]
    fn texts_with_different_labels_can_be_left_out() {
        let (_place, mut project) = project_with("text,label\nsame,x\nsame,y\nsame,\nb,x\n");
        clean(&mut project, RowRule::DropConflicts);
        assert_eq!(visible(&project), [4]);
    }

    #[test]
    fn unlabelled_repetitions_keep_one_row() {
        let (_place, mut project) = project_with("text,label\nsame,\nsame,\nb,x\n");
        clean(&mut project, RowRule::DropDuplicates);
        assert_eq!(visible(&project), [1, 3]);
    }

    #[test]
    fn of_texts_that_are_nearly_the_same_one_stays_and_other_labels_are_left_to_the_expert() {
        let text = |word: &str| {
            format!("the tenant shall return the keys on the last day of the {word} and leave the flat swept")
        };
        let rows = [("lease", ""), ("term", "x"), ("year", "x"), ("month", "y")];
        let rows: String = rows
            .iter()
            .map(|(word, label)| format!("{},{label}\n", text(word)))
            .collect();
        let (_place, mut project) = project_with(&format!(
            "text,label\n{rows}quite another text about roofs and walls,x\n"
        ));
        let summary = clean(&mut project, RowRule::DropNearDuplicates);
        assert_eq!(
            (summary.rows, summary.cleaning[0].rule.clone()),
            (3, CleaningRule::Rows(RowRule::DropNearDuplicates))
        );
        assert_eq!(visible(&project), [2, 4, 5]);
        assert_eq!(project.undo_cleaning(1, &mut |_| true).unwrap().rows, 5);
    }

    #[test]
    fn empty_texts_are_hidden_by_their_own_step() {
        let (_place, mut project) = project_with("text,label\na,x\n ,y\n,y\n");
        assert_eq!(
            clean(&mut project, RowRule::DropDuplicates).rows,
            3,
            "empty texts are no duplicates"
        );
        let summary = clean(&mut project, RowRule::DropEmpty);
        assert_eq!((summary.rows, summary.empty_texts), (1, 0));
        assert_eq!(summary.cleaning[0].rule, CleaningRule::Rows(RowRule::DropEmpty));
    }

    #[test]
    fn the_official_test_row_stays_when_a_training_row_repeats_it() {
        let (_place, mut project) = project_with("text,label\nsame,x\nb,y\n");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "text,label\nsame,x\nc,y\n").unwrap();
        let roles = options(&[ColumnRole::Text, ColumnRole::Label]);
        project
            .import_part(file.path(), &roles, Part::Test, &mut |_, _| true)
            .unwrap();
        clean(&mut project, RowRule::DropDuplicates);
        assert_eq!(visible(&project), [2, 3, 4]);
    }

    #[test]
    fn rules_change_texts_beside_the_raw_ones_and_can_be_taken_back_in_any_order() {
        let (_place, mut project) =
            project_with("text,label\n<p>The  Tenant</p>,x\n<p>the tenant</p>,x\nother,y\n");
        let rules = [
            TextRule::Markup,
            TextRule::Lowercase,
            TextRule::Whitespace,
            TextRule::Mojibake,
        ]
        .map(CleaningRule::Texts);
        let summary = project.clean(&rules, &mut |_| true).unwrap();
        assert_eq!(texts(&project), ["the tenant", "the tenant", "other"]);
        let counts: Vec<u32> = summary.cleaning.iter().map(|step| step.rows).collect();
        assert_eq!(counts, [2, 1, 1], "a rule without work leaves no step");
        assert_eq!((summary.duplicate_rows, summary.length_max), (1, 10));
        assert_eq!(
            project.example(1).unwrap().imported_text.as_deref(),
            Some("<p>The  Tenant</p>")
        );
        project.undo_cleaning(1, &mut |_| true).unwrap();
        assert_eq!(
            texts(&project),
            ["<p>the tenant</p>", "<p>the tenant</p>", "other"]
        );
        project.undo_cleaning(2, &mut |_| true).unwrap();
        let summary = project.undo_cleaning(3, &mut |_| true).unwrap();
        assert_eq!(
            texts(&project),
            ["<p>The  Tenant</p>", "<p>the tenant</p>", "other"]
        );
        assert_eq!(summary.duplicate_rows, 0);
        assert_eq!(project.example(1).unwrap().imported_text, None);
        assert!(project.verify_audit().unwrap().broken.is_none());
    }

    #[test]
    fn rows_that_come_later_go_through_the_rules_in_force() {
        let (_place, mut project) = project_with("text,label\n<b>a</b>,x\nb,y\n");
        project
            .clean(&[CleaningRule::Texts(TextRule::Markup)], &mut |_| true)
            .unwrap();
        crate::store::testing::import(
            &mut project,
            "text,label\n<b>c</b>,x\n",
            &[ColumnRole::Text, ColumnRole::Label],
        );
        assert_eq!(texts(&project), ["a", "b", "c"]);
        let summary = project.summary().unwrap();
        assert_eq!(
            (summary.length_max, summary.cleaning[0].rows),
            (1, 2),
            "the step tells of the later row, too"
        );
        project.undo_cleaning(1, &mut |_| true).unwrap();
        assert_eq!(texts(&project), ["<b>a</b>", "b", "<b>c</b>"]);
    }

    #[test]
    fn a_rule_that_changed_only_hidden_texts_is_a_step_that_can_be_taken_back() {
        let (_place, mut project) = project_with("text,label\n<b>long text</b>,x\nb,y\n");
        clean(&mut project, RowRule::DropLong { characters: 5 });
        let summary = project
            .clean(&[CleaningRule::Texts(TextRule::Markup)], &mut |_| true)
            .unwrap();
        assert_eq!(
            summary.cleaning.iter().map(|step| step.rows).collect::<Vec<_>>(),
            [1, 0]
        );
        project.undo_cleaning(1, &mut |_| true).unwrap();
        assert_eq!(texts(&project), ["long text", "b"]);
        project.undo_cleaning(2, &mut |_| true).unwrap();
        assert_eq!(texts(&project), ["<b>long text</b>", "b"]);
    }

    #[test]
    fn what_hid_rows_by_a_text_hides_anew_when_the_text_is_another_again() {
        let (_place, mut project) = project_with(
            "text,label\nHello World,a\nhello world,a\nHello World,a\n<b>Bye</b>,a\nbye,a\n<i>long enough</i>,a\n",
        );
        let rules = [
            CleaningRule::Texts(TextRule::Lowercase),
            CleaningRule::Rows(RowRule::DropDuplicates),
            CleaningRule::Rows(RowRule::DropLong { characters: 15 }),
            CleaningRule::Texts(TextRule::Markup),
        ];
        let told = |summary: &DataSummary| -> Vec<(u32, bool)> {
            (summary.cleaning.iter())
                .map(|step| (step.rows, step.undone))
                .collect()
        };
        let summary = project.clean(&rules, &mut |_| true).unwrap();
        assert_eq!(visible(&project), [1, 4, 5]);
        assert_eq!(told(&summary), [(3, false), (2, false), (1, false), (1, false)]);
        let summary = project.undo_cleaning(1, &mut |_| true).unwrap();
        // Row 4 is "Bye" now, but was "<b>Bye</b>" where duplicates were looked for.
        assert_eq!(visible(&project), [1, 2, 4, 5]);
        assert_eq!(texts(&project), ["Hello World", "hello world", "Bye", "bye"]);
        assert_eq!(told(&summary), [(3, true), (1, false), (1, false), (1, false)]);
        let summary = project.undo_cleaning(2, &mut |_| true).unwrap();
        assert_eq!(told(&summary), [(3, true), (1, true), (1, false), (1, false)]);
        assert_eq!(visible(&project), [1, 2, 3, 4, 5]);
        assert!(project.verify_audit().unwrap().broken.is_none());
    }

    #[test]
    fn a_step_that_does_nothing_any_more_stays_and_says_so() {
        let (_place, mut project) = project_with("text,label\nHello,a\nhello,a\n");
        let rules = [
            CleaningRule::Texts(TextRule::Lowercase),
            CleaningRule::Rows(RowRule::DropDuplicates),
        ];
        project.clean(&rules, &mut |_| true).unwrap();
        assert_eq!(visible(&project), [1]);
        let summary = project.undo_cleaning(1, &mut |_| true).unwrap();
        assert_eq!(visible(&project), [1, 2]);
        assert_eq!((summary.cleaning[1].rows, summary.cleaning[1].undone), (0, false));
    }

    #[test]
    fn a_look_tells_what_each_rule_would_change() {
        let (_place, project) = project_with("text,label\n<b>Write</b> to a@b.org,x\nplain words,y\n");
        let look = project.cleaning_look(&mut |_| true).unwrap();
        let rows = |rule: &TextRule| {
            look.proposals
                .iter()
                .find(|proposal| proposal.rule == *rule)
                .map_or(0, |proposal| proposal.rows)
        };
        assert_eq!(
            (
                look.rows,
                rows(&TextRule::Markup),
                rows(&TextRule::Whitespace),
                rows(&TextRule::Mojibake)
            ),
            (2, 1, 0, 0)
        );
        assert_eq!(
            rows(&TextRule::Deidentify {
                kinds: vec![PersonalKind::Email]
            }),
            1
        );
        let example = &look.proposals[0].examples[0];
        assert_eq!(
            (example.example, example.before.as_str(), example.after.as_str()),
            (1, "<b>Write</b> to a@b.org", "Write to a@b.org")
        );
        assert!(matches!(
            project.cleaning_look(&mut |_| false),
            Err(DataError::Cancelled)
        ));
    }

    #[test]
    fn a_cleaning_that_is_stopped_changes_nothing() {
        let (_place, mut project) = project_with("text,label\n<b>a</b>,x\nb,y\n");
        let stopped = project.clean(&[CleaningRule::Texts(TextRule::Markup)], &mut |_| false);
        assert!(matches!(stopped, Err(DataError::Cancelled)));
        assert_eq!(texts(&project), ["<b>a</b>", "b"]);
        assert_eq!(project.summary().unwrap().cleaning, []);
    }

    #[test]
    fn rows_go_by_length_and_by_language() {
        let german = "Der Mieter zahlt die Miete am ersten Tag jedes Monats an den Vermieter.";
        let english = "The tenant shall pay the rent on the first day of every month.";
        let (_place, mut project) = project_with(&format!("text,label\n{german},x\n{english},y\nok,x\n"));
        clean(
            &mut project,
            RowRule::DropLanguages {
                languages: vec!["deu".to_owned()],
            },
        );
        assert_eq!(
            visible(&project),
            [2, 3],
            "a text whose language cannot be told stays"
        );
        clean(&mut project, RowRule::DropShort { characters: 3 });
        assert_eq!(visible(&project), [2]);
        project.undo_cleaning(1, &mut |_| true).unwrap();
        clean(&mut project, RowRule::DropLong { characters: 65 });
        assert_eq!(visible(&project), [2]);
    }

    #[test]
    fn what_is_shown_of_a_long_text_is_where_it_changes() {
        let before = format!("{}<b>{}", "a".repeat(300), "c".repeat(300));
        let shown = around_the_change(1, &before, &before.replace("<b>", ""));
        assert!(
            shown.before.starts_with("…a") && shown.before.contains("<b>c") && shown.before.ends_with('…')
        );
        assert!(!shown.after.contains('<'));
    }
}
