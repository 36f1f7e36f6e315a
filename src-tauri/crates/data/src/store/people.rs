//! Several people about the same texts: who said what, where they disagree, and what was decided.
//!
//! Everybody's last answer about a text is kept beside the label that counts. What others send in never replaces a label
//! that is there: it stands beside it until somebody decides.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;

use super::audit::append;
use super::label_sets::{Sets, ensure_set};
use super::labels::{Given, checked_name, checked_set, ensure_label, give};
use super::project::{Project, read_setting};
use super::sql::{now, number};
use super::vectors::TextHash;
use crate::error::Result;
use crate::text::{hex, unhex};
use crate::types::{
    Answer, Disagreement, DisagreementPage, LabelState, MergeSummary, Person, SentAnswer, Vote,
};

/// Where the project notes who labels, and what share of others' texts they label again.
const PERSON: &str = "person";
const SECOND_SHARE: &str = "second_share";

/// Who labels when nobody gave a name.
const NOBODY: &str = "person";

/// Characters of a name, and of a text on a page.
const NAME_LIMIT: usize = 80;
const SHOWN: u32 = 2_000;

/// The condition that an answer of the table `vote` holds: one that was given with a label before it was divided, about a row
/// that got another one then, answers another question.
fn holds(vote: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM division WHERE division.example = {vote}.example AND division.at >= {vote}.arrived
           AND division.label IN (SELECT label FROM label_set_member WHERE label_set = {vote}.label_set)
           AND (SELECT kind FROM annotation WHERE target = division.annotation ORDER BY id DESC LIMIT 1) IS NOT 'undo')"
    )
}

/// Rows about which people gave different answers, and nobody decided since.
fn disagreed() -> String {
    let holds = holds("vote");
    format!(
        "SELECT vote.example FROM vote JOIN state USING (example) WHERE hidden_by IS NULL AND {holds}
         GROUP BY vote.example HAVING count(DISTINCT vote.label_set) > 1
            AND max(vote.arrived) > coalesce((SELECT max(at) FROM decision WHERE decision.example = vote.example
                AND (SELECT kind FROM annotation WHERE target = decision.annotation ORDER BY id DESC LIMIT 1) IS NOT 'undo'), '')"
    )
}

impl Project {
    /// Who labels now.
    ///
    /// # Errors
    /// Those of the database.
    pub fn person(&self) -> Result<String> {
        Ok(read_setting(&self.db, PERSON)?.unwrap_or_else(|| NOBODY.to_owned()))
    }

    /// Says who labels from now on; an empty name stands for nobody in particular.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_person(&mut self, name: &str) -> Result<()> {
        let name: String = name.trim().chars().take(NAME_LIMIT).collect();
        self.set_setting(PERSON, if name.is_empty() { NOBODY } else { &name })
    }

    /// Of 100 texts that others labelled, how many everybody labels again, without seeing what they said.
    ///
    /// # Errors
    /// Those of the database.
    pub fn second_share(&self) -> Result<u32> {
        let share = read_setting(&self.db, SECOND_SHARE)?.and_then(|share| share.parse().ok());
        Ok(share.unwrap_or(10).min(100))
    }

    /// Sets it.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_second_share(&mut self, percent: u32) -> Result<()> {
        self.set_setting(SECOND_SHARE, &percent.min(100).to_string())
    }

    /// The next text after `after` that others labelled and `who` did not, of those that are to be labelled twice; wrapping
    /// round.
    ///
    /// # Errors
    /// Those of the database.
    pub fn next_for_second_opinion(&self, after: Option<u32>, who: &str) -> Result<Option<u32>> {
        let share = self.second_share()?;
        let (holds, own_holds) = (holds("vote"), holds("own"));
        // The same texts for everybody, spread over the file: by a hash of their numbers.
        let mut query = self.db.prepare_cached(&format!(
            "SELECT min(vote.example) FROM vote JOIN state USING (example)
             WHERE hidden_by IS NULL AND {holds} AND who <> ?2 AND vote.example > ?1 AND (((vote.example * 2654435761) & 4294967295) >> 12) % 100 < ?3
               AND NOT EXISTS (SELECT 1 FROM vote AS own WHERE own.example = vote.example AND own.who = ?2 AND {own_holds})"
        ))?;
        for after in [after.unwrap_or_default(), 0] {
            let found: Option<u32> = query.query_row(params![after, who, share], |row| row.get(0))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Everybody who labelled or sent something in, with the number of texts, by name.
    ///
    /// # Errors
    /// Those of the database.
    pub fn people(&self) -> Result<Vec<Person>> {
        let holds = holds("vote");
        let mut query = self.db.prepare_cached(&format!(
            "SELECT who, count(*) FROM vote JOIN state USING (example) WHERE hidden_by IS NULL AND {holds}
             GROUP BY who ORDER BY who"
        ))?;
        let people = query.query_map([], |row| {
            Ok(Person {
                name: row.get(0)?,
                texts: row.get(1)?,
            })
        })?;
        Ok(people.collect::<rusqlite::Result<_>>()?)
    }

    /// All answers about visible texts that at least two people labelled, by text and name; those that
    /// were given before their label was divided are left out.
    ///
    /// # Errors
    /// Those of the database.
    pub fn votes(&self) -> Result<Vec<Vote>> {
        let (tx, holds) = (self.read()?, holds("vote"));
        let mut query = tx.prepare_cached(&format!(
            "SELECT example, who, vote.label_set FROM vote JOIN state USING (example) WHERE hidden_by IS NULL AND {holds}
               AND example IN (SELECT example FROM vote WHERE {holds} GROUP BY example HAVING count(*) > 1)
             ORDER BY example, who"
        ))?;
        let mut sets = Sets::default();
        let mut found = Vec::new();
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            found.push(Vote {
                example: row.get(0)?,
                who: row.get(1)?,
                labels: sets.members(&tx, row.get(2)?)?.to_vec(),
            });
        }
        Ok(found)
    }

    /// Texts about which people disagree and nobody decided yet.
    ///
    /// # Errors
    /// Those of the database.
    pub fn disagreements_page(&self, offset: u32, limit: u32) -> Result<DisagreementPage> {
        let tx = self.read()?;
        let disagreed = disagreed();
        let total = number(&tx, &format!("SELECT count(*) FROM ({disagreed})"), [])?;
        let mut query =
            tx.prepare_cached(&format!("{disagreed} ORDER BY vote.example LIMIT ?1 OFFSET ?2"))?;
        let examples = query.query_map([limit, offset], |row| row.get(0))?;
        let examples: Vec<u32> = examples.collect::<rusqlite::Result<_>>()?;
        let mut sets = Sets::default();
        let mut texts = Vec::new();
        for example in examples {
            let (text, set) = tx
                .prepare_cached(
                    "SELECT substr(text, 1, ?2), label_set FROM present_text JOIN state USING (example) WHERE example = ?1",
                )?
                .query_row(params![example, SHOWN], |row| Ok((row.get(0)?, row.get(1)?)))?;
            texts.push(Disagreement {
                example,
                text,
                labels: sets.of(&tx, set)?,
                answers: answers(&tx, example, &mut sets)?,
            });
        }
        Ok(DisagreementPage { total, texts })
    }

    /// Decides about a text where people disagreed: this is its label; their own answers stay as they are.
    ///
    /// # Errors
    /// As [`Project::annotate`].
    pub fn decide(&mut self, example: u32, labels: &[u32], who: &str) -> Result<LabelState> {
        let tx = self.write()?;
        let label_set = checked_set(&tx, example, Some(labels))?;
        let given = Given {
            label_set,
            own: false,
            ..Given::by(who, example, "set")
        };
        let entry = give(&tx, &given)?;
        tx.execute(
            "INSERT INTO decision (annotation, example, at) VALUES (?1, ?2, ?3)",
            params![entry.id, example, now(&tx)?],
        )?;
        append(
            &tx,
            "disagreement_decided",
            &json!({ "example": example, "labels": labels, "who": who }),
        )?;
        tx.commit()?;
        self.state_for(who, Some(example))
    }

    /// Takes the labels that texts carry for this person's answers, where they gave none: what came with a file is nobody's
    /// until then. Returns how many.
    ///
    /// # Errors
    /// Those of the database.
    pub fn own_labels(&mut self, who: &str) -> Result<u32> {
        let tx = self.write()?;
        let holds = holds("vote");
        // An answer that does not hold any more makes room for one that does.
        let own = format!(
            "INSERT OR REPLACE INTO vote (example, who, label_set, at, arrived)
             SELECT example, ?1, label_set, ?2, ?2 FROM state WHERE label_set IS NOT NULL AND hidden_by IS NULL
               AND NOT EXISTS (SELECT 1 FROM vote WHERE vote.example = state.example AND who = ?1 AND {holds})"
        );
        let count = tx.execute(&own, params![who, now(&tx)?])? as u32;
        append(&tx, "labels_owned", &json!({ "who": who, "texts": count }))?;
        tx.commit()?;
        Ok(count)
    }

    /// All answers of a person, to be sent to others: no text, only its hash.
    ///
    /// # Errors
    /// Those of the database.
    pub fn answers_of(&self, who: &str) -> Result<Vec<SentAnswer>> {
        let tx = self.read()?;
        let names: HashMap<u32, String> = {
            let mut query = tx.prepare_cached("SELECT id, name FROM label")?;
            let names = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            names.collect::<rusqlite::Result<_>>()?
        };
        let holds = holds("vote");
        let mut query = tx.prepare_cached(&format!(
            "SELECT text_hash, vote.label_set, at FROM vote JOIN state USING (example)
             WHERE who = ?1 AND hidden_by IS NULL AND {holds} ORDER BY example"
        ))?;
        let mut sets = Sets::default();
        let mut found = Vec::new();
        let mut rows = query.query([who])?;
        while let Some(row) = rows.next()? {
            let hash: TextHash = row.get(0)?;
            let labels = sets.members(&tx, row.get(1)?)?;
            found.push(SentAnswer {
                text: hex(&hash),
                labels: labels
                    .iter()
                    .filter_map(|label| names.get(label).cloned())
                    .collect(),
                at: row.get(2)?,
            });
        }
        Ok(found)
    }

    /// Takes in what somebody else sent. A text without a label gets theirs; where there is one, theirs stands beside it.
    /// An answer of the same person that is newer stays.
    ///
    /// # Errors
    /// `LabelName`, `TooManyLabels`, and those of the database.
    pub fn take_answers(
        &mut self,
        who: &str,
        sent: &[SentAnswer],
        file_sha256: &str,
    ) -> Result<MergeSummary> {
        let several = self.problem_type()? == crate::types::ProblemType::MultiLabel;
        let tx = self.write()?;
        let mut summary = MergeSummary {
            who: who.to_owned(),
            answers: sent.len() as u32,
            ..MergeSummary::default()
        };
        let mut known: HashMap<&[String], u32> = HashMap::new();
        for answer in sent {
            let rows = rows_of(&tx, &answer.text)?;
            if rows.is_empty() || (!several && answer.labels.len() != 1) {
                summary.unknown += 1;
                continue;
            }
            let set = match known.get(answer.labels.as_slice()) {
                Some(set) => *set,
                None => {
                    let labels = answer
                        .labels
                        .iter()
                        .map(|name| ensure_label(&tx, checked_name(name)?));
                    let set = ensure_set(&tx, &labels.collect::<Result<Vec<u32>>>()?)?;
                    known.insert(&answer.labels, set);
                    set
                }
            };
            for row in rows {
                summary.take(&tx, row, set, who, &answer.at)?;
            }
        }
        let detail = json!({ "who": who, "file_sha256": file_sha256, "summary": summary });
        append(&tx, "answers_taken", &detail)?;
        tx.commit()?;
        Ok(summary)
    }
}

impl MergeSummary {
    /// One answer about one row.
    fn take(&mut self, tx: &Transaction<'_>, row: u32, set: u32, who: &str, at: &str) -> Result<()> {
        let newer: Option<bool> = tx
            .prepare_cached("SELECT at >= ?3 FROM vote WHERE example = ?1 AND who = ?2")?
            .query_row(params![row, who, at], |row| row.get(0))
            .optional()?;
        if newer == Some(true) {
            self.kept += 1;
            return Ok(());
        }
        tx.prepare_cached(
            "INSERT OR REPLACE INTO vote (example, who, label_set, at, arrived) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![row, who, set, at, now(tx)?])?;
        let present: Option<u32> = tx
            .prepare_cached("SELECT label_set FROM state WHERE example = ?1")?
            .query_row([row], |row| row.get(0))?;
        match present {
            None => {
                let given = Given {
                    label_set: Some(set),
                    own: false,
                    ..Given::by(who, row, "import")
                };
                give(tx, &given)?;
                self.new += 1;
            }
            Some(present) if present == set => self.agreed += 1,
            Some(_) => self.differing += 1,
        }
        Ok(())
    }
}

/// The visible rows of a text.
fn rows_of(db: &Connection, hash: &str) -> Result<Vec<u32>> {
    let Some(hash) = unhex::<16>(hash) else {
        return Ok(Vec::new());
    };
    let mut query = db.prepare_cached(
        "SELECT example FROM state WHERE text_hash = ?1 AND hidden_by IS NULL AND length > 0",
    )?;
    let rows = query.query_map([hash], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn answers(db: &Connection, example: u32, sets: &mut Sets) -> Result<Vec<Answer>> {
    let holds = holds("vote");
    let sql = format!("SELECT who, label_set FROM vote WHERE example = ?1 AND {holds} ORDER BY who");
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query([example])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Answer {
            who: row.get(0)?,
            labels: sets.members(db, row.get(1)?)?.to_vec(),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::project_with;
    use crate::types::LabelPart;

    const CSV: &str = "text,label\na,x\nb,y\nc,\nd,\n";

    #[test]
    fn answers_travel_without_their_texts_and_never_replace_a_label() {
        let (_place, mut hers) = project_with(CSV);
        hers.annotate(1, Some(&[2]), "Ann").unwrap();
        hers.annotate(3, Some(&[1]), "Ann").unwrap();
        let sent = hers.answers_of("Ann").unwrap();
        assert_eq!(sent.len(), 2);
        assert!(sent.iter().all(|answer| answer.text.len() == 32));
        let (_other_place, mut mine) = project_with(&CSV.replace("d,", "z,"));
        mine.annotate(1, Some(&[1]), "Bo").unwrap();
        let taken = mine.take_answers("Ann", &sent, "hash").unwrap();
        assert_eq!(
            (taken.answers, taken.new, taken.differing, taken.unknown),
            (2, 1, 1, 0)
        );
        assert_eq!(
            mine.example(3).unwrap().labels,
            Some(vec![1]),
            "a text without a label gets hers"
        );
        assert_eq!(mine.example(1).unwrap().labels, Some(vec![1]), "mine stays");
        let again = mine.take_answers("Ann", &sent, "hash").unwrap();
        assert_eq!((again.kept, again.new), (2, 0));
        assert_eq!(mine.verify_audit().unwrap().broken, None);
        let people: Vec<(String, u32)> = mine
            .people()
            .unwrap()
            .into_iter()
            .map(|p| (p.name, p.texts))
            .collect();
        assert_eq!(people, [("Ann".to_owned(), 2), ("Bo".to_owned(), 1)]);
    }

    #[test]
    fn labels_that_came_with_a_file_are_nobodys_until_somebody_owns_them() {
        let (_place, mut project) = project_with(CSV);
        assert_eq!(project.people().unwrap(), []);
        project.annotate(1, Some(&[2]), "Ann").unwrap();
        assert_eq!(project.own_labels("Ann").unwrap(), 1, "the other one");
        assert_eq!(project.answers_of("Ann").unwrap().len(), 2);
    }

    #[test]
    fn what_was_answered_with_a_label_that_was_divided_is_no_disagreement_and_no_agreement() {
        let (_place, mut project) = project_with("text,label\na,x\nb,x\nc,y\nd,x\n");
        for who in ["Ann", "Bo"] {
            for (example, label) in [(1, 1), (2, 1), (3, 2), (4, 1)] {
                project.annotate(example, Some(&[label]), who).unwrap();
            }
        }
        let parts = [LabelPart {
            name: "x one".to_owned(),
            examples: vec![1, 2],
        }];
        let state = project.divide_label(1, &parts, "Ann", &mut |_| true).unwrap();
        let names: Vec<&str> = state.labels.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(names, ["x", "y", "x one"], "one row keeps the first");
        let told = project.votes().unwrap();
        assert!(told.len() == 4 && told.iter().all(|vote| vote.example > 2));
        assert_eq!(project.answers_of("Bo").unwrap().len(), 2);
        assert_eq!(project.people().unwrap()[1].texts, 2);
        project.annotate(1, Some(&[3]), "Bo").unwrap();
        assert_eq!(project.disagreements_page(0, 9).unwrap().total, 0);
        project.set_second_share(100).unwrap();
        assert_eq!(
            project.next_for_second_opinion(None, "Ann").unwrap(),
            Some(1),
            "what Ann had said was about another question"
        );
        project.undo_annotation("Bo").unwrap();
        project.undo_annotation("Ann").unwrap();
        assert_eq!(project.votes().unwrap().len(), 8, "and what was said holds again");
        project.redo_annotation("Ann").unwrap();
        assert_eq!(project.votes().unwrap().len(), 4);
        assert_eq!(
            project.own_labels("Ann").unwrap(),
            2,
            "as an answer to the new question"
        );
        assert_eq!(project.answers_of("Ann").unwrap().len(), 4);
    }

    #[test]
    fn a_disagreement_waits_for_a_decision_that_leaves_the_answers() {
        let (_place, mut project) = project_with(CSV);
        project.annotate(1, Some(&[1]), "Ann").unwrap();
        project.annotate(1, Some(&[2]), "Bo").unwrap();
        project.annotate(2, Some(&[2]), "Ann").unwrap();
        project.annotate(2, Some(&[2]), "Bo").unwrap();
        let page = project.disagreements_page(0, 9).unwrap();
        assert_eq!(
            (page.total, page.texts[0].example, page.texts[0].answers.len()),
            (1, 1, 2)
        );
        project.decide(1, &[1], "Chris").unwrap();
        assert_eq!(project.example(1).unwrap().labels, Some(vec![1]));
        assert_eq!(project.disagreements_page(0, 9).unwrap().total, 0);
        let of_first = project
            .votes()
            .unwrap()
            .into_iter()
            .filter(|vote| vote.example == 1);
        assert_eq!(
            of_first.map(|vote| vote.labels).collect::<Vec<_>>(),
            [vec![1], vec![2]],
            "their own answers stay"
        );
        project.undo_annotation("Chris").unwrap();
        assert_eq!(project.disagreements_page(0, 9).unwrap().total, 1, "open again");
        assert!(
            project.votes().unwrap().iter().all(|vote| vote.who != "Chris"),
            "deciding is no answer"
        );
    }

    #[test]
    fn taking_an_answer_back_leaves_the_one_before_and_invents_none() {
        let (_place, mut project) = project_with(CSV);
        project.annotate(1, Some(&[1]), "Ann").unwrap();
        project.annotate(1, Some(&[2]), "Bo").unwrap();
        project.undo_annotation("Bo").unwrap();
        assert_eq!(
            project.people().unwrap().len(),
            1,
            "Bo has not said what Ann said"
        );
        project.redo_annotation("Bo").unwrap();
        project.annotate(1, Some(&[1]), "Bo").unwrap();
        project.undo_annotation("Bo").unwrap();
        let of_bo: Vec<Vote> = project
            .votes()
            .unwrap()
            .into_iter()
            .filter(|vote| vote.who == "Bo")
            .collect();
        assert_eq!(of_bo[0].labels, [2]);
    }

    #[test]
    fn some_texts_are_labelled_twice_and_everybody_gets_the_same() {
        let rows: String = (0..400).map(|i| format!("text {i},\n")).collect();
        let (_place, mut project) = project_with(&format!("text,label\nfirst,x\nsecond,y\n{rows}"));
        let all: Vec<u32> = (3..=402).collect();
        project.annotate_many(&all, Some(&[1]), "Ann").unwrap();
        project.set_second_share(20).unwrap();
        let walk = |project: &Project, who: &str| {
            let (mut found, mut after) = (Vec::new(), None);
            while let Some(next) = project.next_for_second_opinion(after, who).unwrap() {
                if found.contains(&next) {
                    break;
                }
                found.push(next);
                after = Some(next);
            }
            found
        };
        let for_bo = walk(&project, "Bo");
        assert!((50..=110).contains(&for_bo.len()), "{}", for_bo.len());
        assert_eq!(for_bo, walk(&project, "Chris"));
        assert_eq!(
            walk(&project, "Ann"),
            [] as [u32; 0],
            "nobody judges their own answers"
        );
        project.annotate(for_bo[0], Some(&[2]), "Bo").unwrap();
        assert!(!walk(&project, "Bo").contains(&for_bo[0]));
    }

    #[test]
    fn renaming_a_label_by_merging_is_nobodys_answer() {
        let (_place, mut project) = project_with(CSV);
        project.annotate(1, Some(&[1]), "Ann").unwrap();
        project.merge_labels(&[1], 2, "Bo", &mut |_| true).unwrap();
        let people: Vec<String> = project
            .people()
            .unwrap()
            .into_iter()
            .map(|person| person.name)
            .collect();
        assert_eq!(people, ["Ann"]);
        assert_eq!(
            project.answers_of("Ann").unwrap()[0].labels,
            ["y"],
            "her answer goes along"
        );
        project.undo_annotation("Bo").unwrap();
        assert_eq!(project.people().unwrap().len(), 1);
    }
}
