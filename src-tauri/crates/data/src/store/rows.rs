//! Rows to look at: pages, one row in full, rows put aside.

use std::collections::HashSet;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::import::StoredColumn;
use super::label_sets::Sets;
use super::marks::marks;
use super::part_rows::PartRows;
use super::project::Project;
use super::search::Search;
use super::sql::{from_json, number};
use super::texts::{edited, written};
use crate::error::{DataError, Result};
use crate::types::{
    ColumnRole, ColumnValue, ExampleDetail, HistoryEntry, OnlyRows, Part, RowFilter, RowPage, RowPlace,
    RowProblem,
};

/// The most rows a page may have.
const PAGE_LIMIT: u32 = 1_000;

/// The ids that pass a filter, valid until the database changes.
#[derive(Debug)]
pub(super) struct Listing {
    filter: RowFilter,
    stamp: Stamp,
    ids: Ids,
}

/// Ids of rows, ascending. No row ever goes: they have every number from 1 to the newest.
#[derive(Debug, PartialEq, Eq)]
enum Ids {
    /// Every row up to this one but those, ascending.
    AllBut { newest: u32, those: Vec<u32> },
    /// These rows.
    Some(Vec<u32>),
}

impl Ids {
    fn len(&self) -> u32 {
        match self {
            Ids::AllBut { newest, those } => *newest - those.len() as u32,
            Ids::Some(ids) => ids.len() as u32,
        }
    }

    fn page(&self, offset: u32, limit: u32) -> Vec<u32> {
        let start = offset.min(self.len());
        let end = start.saturating_add(limit).min(self.len());
        match self {
            Ids::AllBut { newest, those } => {
                // Before the row at `start` stand those that are left out and have at most that many rows before them.
                let before = |place: usize| those[place] - 1 - place as u32;
                let (mut low, mut high) = (0, those.len());
                while low < high {
                    let middle = usize::midpoint(low, high);
                    if before(middle) <= start {
                        low = middle + 1;
                    } else {
                        high = middle;
                    }
                }
                let mut left_out = those[low..].iter().peekable();
                let is_in = |id: &u32| left_out.next_if(|out| *out == id).is_none();
                let first = start + 1 + low as u32;
                (first..=*newest)
                    .filter(is_in)
                    .take((end - start) as usize)
                    .collect()
            }
            Ids::Some(ids) => ids[start as usize..end as usize].to_vec(),
        }
    }
}

/// Changes when this connection or any other has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    mine: u64,
    others: i64,
}

impl Stamp {
    /// Whether no other connection has written in between.
    pub(super) fn same_others(self, later: Stamp) -> bool {
        self.others == later.others
    }
}

impl Project {
    /// A page of the visible rows that pass `filter`, in the order of their ids; at most 1,000 rows.
    ///
    /// The first page of a filter finds all its rows, further pages only fetch theirs. Rows that
    /// [`Project::prepare_search`] has not seen are not found by words.
    ///
    /// # Errors
    /// Those of the database.
    pub fn rows_page(&self, filter: &RowFilter, offset: u32, limit: u32) -> Result<RowPage> {
        let tx = self.read()?;
        let mut listing = self.listing.borrow_mut();
        let listing = listed(&tx, &mut listing, filter)?;
        let ids = listing.ids.page(offset, limit.min(PAGE_LIMIT));
        fetch(&tx, &ids, listing.ids.len())
    }

    /// The ids of all visible rows that pass, ascending.
    ///
    /// # Errors
    /// Those of the database.
    pub fn row_ids(&self, filter: &RowFilter) -> Result<Vec<u32>> {
        let tx = self.read()?;
        let mut listing = self.listing.borrow_mut();
        let listing = listed(&tx, &mut listing, filter)?;
        Ok(listing.ids.page(0, u32::MAX))
    }

    /// How many visible rows stand before `id`, and how many there are.
    ///
    /// # Errors
    /// Those of the database.
    pub fn place_of(&self, id: u32) -> Result<RowPlace> {
        let tx = self.read()?;
        // No row ever goes: ids are numbers without gaps, and what is hidden is counted quickly.
        let hidden = "SELECT count(*) FROM state WHERE hidden_by IS NOT NULL AND example < ?1";
        let newest = number(&tx, "SELECT coalesce(max(example), 0) FROM state", [])?;
        Ok(RowPlace {
            place: id.saturating_sub(1) - number(&tx, hidden, [id])?,
            total: newest - number(&tx, hidden, [newest + 1])?,
        })
    }

    /// Everything about one row, hidden or not.
    ///
    /// # Errors
    /// `UnknownExample`, and those of the database.
    pub fn example(&self, id: u32) -> Result<ExampleDetail> {
        let tx = self.read()?;
        let mut query = tx.prepare_cached(
            "SELECT e.row, c.text, s.label_set, s.part, source.columns, c.columns, k.text
             FROM example e JOIN content c ON c.example = e.id JOIN state s ON s.example = e.id
             JOIN source ON source.id = e.source LEFT JOIN changed_text k ON k.example = e.id WHERE e.id = ?1",
        )?;
        let (mut detail, set, [names, values]) = query
            .query_row([id], |row| {
                let detail = ExampleDetail {
                    id,
                    row: row.get(0)?,
                    text: row.get(1)?,
                    written: String::new(),
                    imported_text: row.get(6)?,
                    edited: None,
                    labels: None,
                    part: row.get(3)?,
                    columns: Vec::new(),
                    history: Vec::new(),
                    marks: Vec::new(),
                };
                let columns: [String; 2] = [row.get(4)?, row.get(5)?];
                Ok((detail, row.get(2)?, columns))
            })
            .optional()?
            .ok_or(DataError::UnknownExample { id })?;
        detail.written = match written(&tx, id)? {
            Some(corrected) => corrected,
            None => detail.text.clone(),
        };
        if let Some(present) = detail.imported_text.take() {
            detail.imported_text = Some(std::mem::replace(&mut detail.text, present));
        }
        detail.edited = edited(&tx, id)?;
        detail.labels = Sets::default().of(&tx, set)?;
        let names: Vec<StoredColumn> = from_json(&names)?;
        let values: Vec<String> = from_json(&values)?;
        let others = names.into_iter().filter(|column| column.role != ColumnRole::Text);
        detail.columns = others
            .zip(values)
            .map(|(column, value)| ColumnValue {
                name: column.name,
                value,
            })
            .collect();
        detail.history = history(&tx, id)?;
        detail.marks = marks(&tx, id)?;
        Ok(detail)
    }

    /// The number of rows put aside at import, and a page of them.
    ///
    /// # Errors
    /// Those of the database.
    pub fn problems_page(&self, offset: u32, limit: u32) -> Result<(u32, Vec<RowProblem>)> {
        let tx = self.read()?;
        let total = number(
            &tx,
            "SELECT count(*) FROM problem_row WHERE mended IS NULL AND superseded_by IS NULL",
            [],
        )?;
        let mut query = tx.prepare_cached(
            "SELECT row, kind, raw, id FROM problem_row WHERE mended IS NULL AND superseded_by IS NULL ORDER BY id LIMIT ?1 OFFSET ?2",
        )?;
        let mut rows = query.query([limit.min(PAGE_LIMIT), offset])?;
        let mut problems = Vec::new();
        while let Some(row) = rows.next()? {
            let kind = from_json(&row.get::<_, String>(1)?)?;
            problems.push(RowProblem {
                id: row.get(3)?,
                row: row.get(0)?,
                kind,
                raw: row.get(2)?,
            });
        }
        Ok((total, problems))
    }
}

/// What passes a filter: as it is known, or found anew.
fn listed<'a>(db: &Connection, kept: &'a mut Option<Listing>, filter: &RowFilter) -> Result<&'a Listing> {
    let stamp = stamp(db)?;
    Ok(match kept.take() {
        Some(known) if known.filter == *filter && known.stamp == stamp => kept.insert(known),
        _ => kept.insert(Listing {
            filter: filter.clone(),
            stamp,
            ids: find(db, filter)?,
        }),
    })
}

/// What changes with every change of the database.
pub(super) fn stamp(db: &Connection) -> Result<Stamp> {
    let others = db.pragma_query_value(None, "data_version", |row| row.get(0))?;
    Ok(Stamp {
        mine: db.total_changes(),
        others,
    })
}

/// The ids of all visible rows that pass.
fn find(db: &Connection, filter: &RowFilter) -> Result<Ids> {
    let search = Search::new(&filter.search);
    let conditions = conditions(filter);
    if search.literal.is_none() {
        let newest = number(db, "SELECT coalesce(max(example), 0) FROM state", [])?;
        if search.words.is_none() && most_pass(db, &conditions, newest)? {
            return all_but(db, &conditions, newest);
        }
        if search.words.is_none()
            && let [Condition { part: Some(part), .. }] = conditions[..]
            && let Some(rows) = PartRows::of(db, part)?
        {
            return of_part(db, &rows, newest);
        }
        let hidden = "SELECT EXISTS (SELECT 1 FROM state WHERE hidden_by IS NOT NULL)";
        if let Some(words) = &search.words
            && conditions.is_empty()
            && number(db, hidden, [])? == 0
        {
            // Nothing but words decides: the index has the answer by itself.
            let mut query = db.prepare_cached("SELECT rowid FROM text_index WHERE text_index MATCH ?1")?;
            let ids = query.query_map([words], |row| row.get(0))?;
            return Ok(Ids::Some(ids.collect::<rusqlite::Result<_>>()?));
        }
    }
    let mut sql = "SELECT s.example FROM state s".to_owned();
    let mut passes = vec!["s.hidden_by IS NULL".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    passes.extend(conditions.iter().map(|condition| condition.passes.clone()));
    if let Some(words) = search.words {
        values.push(words.into());
        passes.push("s.example IN (SELECT rowid FROM text_index WHERE text_index MATCH ?1)".to_owned());
    }
    if let Some(literal) = search.literal {
        values.push(literal.into());
        sql.push_str(" JOIN present_text c ON c.example = s.example");
        passes.push(format!(r"c.text LIKE ?{} ESCAPE '\'", values.len()));
    }
    let sql = format!("{sql} WHERE {}", passes.join(" AND "));
    let mut query = db.prepare_cached(&sql)?;
    let rows = query.query_map(params_from_iter(values), |row| row.get(0))?;
    let mut ids: Vec<u32> = rows.collect::<rusqlite::Result<_>>()?;
    // Sorting here is quicker than an ORDER BY, which would leave the index that finds them.
    ids.sort_unstable();
    Ok(Ids::Some(ids))
}

/// A condition on `state s`, and the ranges of an index in which the visible rows lie that do not meet it.
struct Condition {
    passes: String,
    fails: Vec<String>,
    /// The part that it asks for, whose rows may be known already.
    part: Option<Part>,
}

fn conditions(filter: &RowFilter) -> Vec<Condition> {
    let mut conditions = Vec::new();
    if let Some(label) = filter.label {
        let carriers = format!("SELECT label_set FROM label_set_member WHERE label = {label}");
        conditions.push(Condition {
            passes: format!("s.label_set IN ({carriers})"),
            fails: vec![
                "s.label_set IS NULL".to_owned(),
                format!("s.label_set IN (SELECT id FROM label_set WHERE id NOT IN ({carriers}))"),
            ],
            part: None,
        });
    }
    if let Some(part) = filter.part {
        let index = part.index();
        conditions.push(Condition {
            passes: format!("s.part = {index}"),
            fails: vec![
                "s.part IS NULL".to_owned(),
                format!("s.part < {index}"),
                format!("s.part > {index}"),
            ],
            part: Some(part),
        });
    }
    let (without, with) = ("s.label_set IS NULL".to_owned(), "s.label_set > 0".to_owned());
    match filter.only {
        OnlyRows::All => {}
        OnlyRows::Labelled => conditions.push(Condition {
            passes: with,
            fails: vec![without],
            part: None,
        }),
        OnlyRows::Unlabelled => conditions.push(Condition {
            passes: without,
            fails: vec![with],
            part: None,
        }),
        OnlyRows::Unsure => conditions.push(marked("unsure")),
        OnlyRows::Flagged => conditions.push(marked("flag")),
        OnlyRows::Commented => conditions.push(marked("comment")),
    }
    conditions
}

/// Rows that somebody noted something about.
fn marked(kind: &str) -> Condition {
    let those = format!("(SELECT example FROM marked WHERE kind = '{kind}')");
    Condition {
        passes: format!("s.example IN {those}"),
        fails: vec![format!("s.example NOT IN {those}")],
        part: None,
    }
}

/// Rows that are looked at to tell whether most pass.
const SAMPLE: u32 = 256;

/// Whether most rows pass, by an even sample: it decides only which side is quicker to find.
fn most_pass(db: &Connection, conditions: &[Condition], newest: u32) -> Result<bool> {
    if conditions.is_empty() {
        return Ok(true);
    }
    let passes: Vec<&str> = conditions
        .iter()
        .map(|condition| condition.passes.as_str())
        .collect();
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM state s WHERE s.example = ?1 AND +s.hidden_by IS NULL AND {})",
        passes.join(" AND ")
    );
    let mut query = db.prepare_cached(&sql)?;
    let step = newest.div_ceil(SAMPLE).max(1);
    let (mut passed, mut asked) = (0, 0);
    for id in (1..=newest).step_by(step as usize) {
        asked += 1;
        passed += query.query_row([id], |row| row.get::<_, u32>(0))?;
    }
    Ok(passed * 2 > asked)
}

/// Every row but those that are hidden or fail a condition: where they are few, they are quicker found than the others.
fn all_but(db: &Connection, conditions: &[Condition], newest: u32) -> Result<Ids> {
    // A mark for each row: quicker than sorting, and a row that fails twice is one.
    let mut marks = vec![false; newest as usize + 1];
    let mut fails = Vec::new();
    for condition in conditions {
        match condition
            .part
            .map(|part| PartRows::of(db, part))
            .transpose()?
            .flatten()
        {
            Some(rows) => (1..=newest).for_each(|id| marks[id as usize] |= !rows.has(id)),
            None => fails.extend(&condition.fails),
        }
    }
    let of_visible = fails
        .into_iter()
        .map(|fails| format!("s.hidden_by IS NULL AND {fails}"));
    for left_out in std::iter::once("s.hidden_by > 0".to_owned()).chain(of_visible) {
        let mut query = db.prepare_cached(&format!("SELECT s.example FROM state s WHERE {left_out}"))?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(mark) = marks.get_mut(row.get::<_, u32>(0)? as usize) {
                *mark = true;
            }
        }
    }
    let those = (0..).zip(&marks).filter(|(_, mark)| **mark).map(|(id, _)| id);
    Ok(Ids::AllBut {
        newest,
        those: those.collect(),
    })
}

/// The visible rows of a part.
fn of_part(db: &Connection, rows: &PartRows, newest: u32) -> Result<Ids> {
    let mut query = db.prepare_cached("SELECT example FROM state WHERE hidden_by > 0")?;
    let hidden = query.query_map([], |row| row.get(0))?;
    let hidden: HashSet<u32> = hidden.collect::<rusqlite::Result<_>>()?;
    let visible = |id: &u32| rows.has(*id) && !hidden.contains(id);
    Ok(Ids::Some((1..=newest).filter(visible).collect()))
}

fn fetch(db: &Connection, ids: &[u32], total: u32) -> Result<RowPage> {
    let mut page = RowPage {
        total,
        ..RowPage::default()
    };
    let mut query = db.prepare_cached(
        "SELECT substr(c.head, 1, 300), s.label_set, s.part
         FROM present_text c JOIN state s ON s.example = c.example WHERE c.example = ?1",
    )?;
    let mut sets = Sets::default();
    for id in ids {
        let (text, set, part) = query.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        page.id.push(*id);
        page.text.push(text);
        page.labels.push(sets.of(db, set)?);
        page.part.push(part);
    }
    Ok(page)
}

fn history(db: &Connection, example: u32) -> Result<Vec<HistoryEntry>> {
    let mut query =
        db.prepare_cached("SELECT label_set, who, at, suggestion IS label_set AND suggestion IS NOT NULL FROM annotation WHERE example = ?1 ORDER BY id")?;
    let mut rows = query.query([example])?;
    let mut sets = Sets::default();
    let mut history = Vec::new();
    while let Some(row) = rows.next()? {
        history.push(HistoryEntry {
            labels: sets.of(db, row.get(0)?)?,
            who: row.get(1)?,
            at: row.get(2)?,
            as_suggested: row.get(3)?,
        });
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::project_with;

    fn ids(project: &Project, filter: RowFilter) -> Vec<u32> {
        project.rows_page(&filter, 0, 100).unwrap().id
    }

    #[test]
    fn a_filter_combines_search_label_part_and_state() {
        let (_place, mut project) = project_with(
            "text,label\nGood day,x\ngood night,y\n好天气,\n100% sure,x\n1000 sure,y\nunder_score,x\n",
        );
        let search = |text: &str| RowFilter {
            search: text.to_owned(),
            ..RowFilter::default()
        };
        project.prepare_search(&mut |_| true).unwrap();
        assert_eq!(ids(&project, RowFilter::default()), [1, 2, 3, 4, 5, 6]);
        assert_eq!(ids(&project, search("GOOD")), [1, 2]);
        assert_eq!(ids(&project, search("天")), [3]);
        assert_eq!(
            ids(&project, search("100%")),
            [4],
            "a percent sign is a percent sign"
        );
        assert_eq!(ids(&project, search("under_s")), [6]);
        assert_eq!(
            ids(
                &project,
                RowFilter {
                    label: Some(2),
                    ..search("good")
                }
            ),
            [2]
        );
        assert_eq!(
            ids(
                &project,
                RowFilter {
                    only: OnlyRows::Unlabelled,
                    ..RowFilter::default()
                }
            ),
            [3]
        );
        assert_eq!(
            ids(
                &project,
                RowFilter {
                    only: OnlyRows::Labelled,
                    ..search("天")
                }
            ),
            [] as [u32; 0]
        );
        project
            .make_split(crate::split::Wanted::random([100, 0, 0], 0))
            .unwrap();
        assert_eq!(
            ids(
                &project,
                RowFilter {
                    part: Some(Part::Train),
                    ..search("good")
                }
            ),
            [1, 2]
        );
    }

    #[test]
    fn what_most_rows_pass_is_told_by_those_that_do_not() {
        let rows: String = (1..=60)
            .map(|i| match i % 10 {
                0 => format!("text {i},\n"),
                1 => format!("the same {},rare\n", i % 20),
                _ => format!("text {i},common\n"),
            })
            .collect();
        let (_place, mut project) = project_with(&format!("text,label\n{rows}"));
        let hide = crate::types::CleaningRule::Rows(crate::types::RowRule::DropDuplicates);
        project.clean(&[hide], &mut |_| true).unwrap();
        project
            .make_split(crate::split::Wanted::random([80, 10, 10], 0))
            .unwrap();
        let common = project.label_state().unwrap().labels;
        let common = common.iter().find(|label| label.name == "common").unwrap().id;
        let mut filters = vec![RowFilter::default()];
        for only in [OnlyRows::All, OnlyRows::Labelled, OnlyRows::Unlabelled] {
            for label in [None, Some(common)] {
                for part in [None, Some(Part::Train), Some(Part::Test)] {
                    filters.push(RowFilter {
                        only,
                        label,
                        part,
                        ..RowFilter::default()
                    });
                }
            }
        }
        let mut by_the_others = 0;
        // With the rows of each part known, and of a split that an earlier version made.
        for known in [true, false] {
            if !known {
                project.db.execute("DELETE FROM part_rows", []).unwrap();
            }
            assert_eq!(PartRows::of(&project.db, Part::Train).unwrap().is_some(), known);
            for filter in &filters {
                let conditions = conditions(filter);
                let plain: Vec<u32> = (1..=60)
                    .filter(|id| {
                        let passes = conditions
                            .iter()
                            .map(|condition| format!(" AND {}", condition.passes));
                        let sql = format!(
                            "SELECT count(*) FROM state s WHERE s.example = {id} AND s.hidden_by IS NULL{}",
                            passes.collect::<String>()
                        );
                        number(&project.db, &sql, []).unwrap() == 1
                    })
                    .collect();
                let found = find(&project.db, filter).unwrap();
                by_the_others += u32::from(matches!(found, Ids::AllBut { .. }));
                let turned = all_but(&project.db, &conditions, 60).unwrap();
                for ids in [&found, &turned] {
                    assert_eq!(ids.page(0, 100), plain, "{filter:?}");
                    assert_eq!(ids.len() as usize, plain.len());
                    for start in 0..=plain.len() {
                        let end = (start + 3).min(plain.len());
                        assert_eq!(
                            ids.page(start as u32, 3),
                            plain[start..end],
                            "{filter:?} from {start}"
                        );
                    }
                }
            }
        }
        assert!(by_the_others >= 10, "{by_the_others}");
    }

    #[test]
    fn a_page_is_a_window_on_the_whole() {
        let (_place, project) = project_with("text,label\na,x\nb,y\nc,x\nd,\n");
        let page = project.rows_page(&RowFilter::default(), 1, 2).unwrap();
        assert_eq!(
            (page.total, page.id, page.text),
            (4, vec![2, 3], vec!["b".to_owned(), "c".to_owned()])
        );
        assert_eq!(page.labels, [Some(vec![2]), Some(vec![1])]);
        assert_eq!(project.rows_page(&RowFilter::default(), 9, 2).unwrap().total, 4);
        assert_eq!(project.row_ids(&RowFilter::default()).unwrap(), [1, 2, 3, 4]);
    }

    #[test]
    fn a_page_sees_what_this_and_other_connections_wrote() {
        let (_place, mut project) = project_with("text,label\na,x\nb,y\nc,\n");
        let unlabelled = RowFilter {
            only: OnlyRows::Unlabelled,
            ..RowFilter::default()
        };
        assert_eq!(ids(&project, unlabelled.clone()), [3]);
        project.annotate(3, Some(&[1]), "person").unwrap();
        assert_eq!(ids(&project, unlabelled.clone()), [] as [u32; 0]);
        Project::open(project.folder())
            .unwrap()
            .annotate(2, None, "other")
            .unwrap();
        assert_eq!(ids(&project, unlabelled), [2]);
    }

    #[test]
    fn a_row_knows_its_place_among_those_that_are_not_hidden() {
        let (_place, mut project) = project_with("text,label\na,x\na,x\nb,y\nc,\n");
        let place = |project: &Project, id| {
            let found = project.place_of(id).unwrap();
            (found.place, found.total)
        };
        assert_eq!((place(&project, 1), place(&project, 4)), ((0, 4), (3, 4)));
        project
            .clean(
                &[crate::types::CleaningRule::Rows(
                    crate::types::RowRule::DropDuplicates,
                )],
                &mut |_| true,
            )
            .unwrap();
        assert_eq!(place(&project, 4), (2, 3));
    }

    #[test]
    fn a_row_that_is_not_there_is_an_error() {
        let (_place, project) = project_with("text,label\na,x\nb,y\n");
        assert!(matches!(
            project.example(3),
            Err(DataError::UnknownExample { id: 3 })
        ));
    }
}
