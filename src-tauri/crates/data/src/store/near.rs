//! Near-duplicates of the project's texts: found once, kept until rows are added or texts changed.

use std::collections::HashMap;

use rusqlite::{Connection, Transaction, params};

use super::label_sets::Sets;
use super::project::{Project, read_setting};
use super::sql::number;
use super::texts::texts_now;
use crate::error::{DataError, Result};
use crate::near::NearDuplicates;
use crate::types::{NearCluster, NearPage, NearRow};

/// The setting that says for which texts near-duplicates are known.
const KNOWN: &str = "near_duplicates";

/// Texts read at once.
const CHUNK: usize = 8_192;

/// Rows of a cluster that are shown.
const ROWS_SHOWN: u32 = 20;

/// The most clusters a page may have.
const PAGE_LIMIT: u32 = 200;

impl Project {
    /// Finds near-duplicates among all rows, unless nothing was added since they were found. `progress` is told the share
    /// that is done and answers whether to go on.
    ///
    /// # Errors
    /// `Cancelled`, and those of the database.
    pub fn find_near_duplicates(&mut self, progress: &mut dyn FnMut(f64) -> bool) -> Result<()> {
        let (clusters, seen) = {
            // Others may write while this reads.
            let tx = self.read()?;
            if is_known(&tx)? {
                return Ok(());
            }
            (search(&tx, progress)?, texts_now(&tx)?)
        };
        let tx = self.write()?;
        store(&tx, &clusters, &seen)?;
        Ok(tx.commit()?)
    }

    /// The clusters with at least two visible rows, with `open` only those where one of them has no label, and of
    /// them only such rows, the largest first: how many there are, how many rows they have together, and a page of them. `None` until they were looked for.
    ///
    /// # Errors
    /// Those of the database.
    pub fn near_duplicates(&self, offset: u32, limit: u32, open: bool) -> Result<Option<NearPage>> {
        let counted = if open {
            "count(*) - count(label_set)"
        } else {
            "count(*)"
        };
        let clusters = format!(
            "SELECT cluster, {counted} AS rows FROM near_cluster JOIN state USING (example)
             WHERE hidden_by IS NULL GROUP BY cluster HAVING count(*) > 1 AND {counted} > 0"
        );
        let tx = self.read()?;
        if !is_known(&tx)? {
            return Ok(None);
        }
        let sums = format!("SELECT count(*), coalesce(sum(rows), 0) FROM ({clusters})");
        let (total, rows) = tx.query_row(&sums, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let page = format!("{clusters} ORDER BY rows DESC, cluster LIMIT ?1 OFFSET ?2");
        let mut query = tx.prepare_cached(&page)?;
        let found = query.query_map([limit.min(PAGE_LIMIT), offset], |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?))
        })?;
        let found: Vec<(u32, u32)> = found.collect::<rusqlite::Result<_>>()?;
        let clusters = found
            .into_iter()
            .map(|(cluster, rows)| {
                Ok(NearCluster {
                    id: cluster,
                    rows,
                    shown: shown(&tx, cluster, open)?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Some(NearPage {
            total,
            rows,
            clusters,
        }))
    }

    /// The visible rows of a cluster, with `open` only those without a label.
    ///
    /// # Errors
    /// Those of the database.
    pub fn near_cluster(&self, id: u32, open: bool) -> Result<Vec<u32>> {
        let mut query = self.db.prepare_cached(&format!(
            "SELECT example FROM near_cluster JOIN state USING (example)
             WHERE cluster = ?1 AND hidden_by IS NULL{} ORDER BY example",
            if open { " AND label_set IS NULL" } else { "" }
        ))?;
        let rows = query.query_map([id], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// Finds near-duplicates within a transaction that goes on.
pub(super) fn find(tx: &Transaction<'_>, progress: &mut dyn FnMut(f64) -> bool) -> Result<()> {
    if is_known(tx)? {
        return Ok(());
    }
    let clusters = search(tx, progress)?;
    store(tx, &clusters, &texts_now(tx)?)
}

/// Whether near-duplicates are known for all rows and for their texts as they are now.
pub(super) fn is_known(db: &Connection) -> Result<bool> {
    Ok(read_setting(db, KNOWN)?.is_some_and(|known| texts_now(db).is_ok_and(|now| known == now)))
}

fn shown(db: &Connection, cluster: u32, open: bool) -> Result<Vec<NearRow>> {
    let only = if open { "AND label_set IS NULL" } else { "" };
    let mut query = db.prepare_cached(&format!(
        "SELECT example, substr(head, 1, 300), label_set, part FROM near_cluster
         JOIN state USING (example) JOIN present_text USING (example)
         WHERE cluster = ?1 AND hidden_by IS NULL {only} ORDER BY example LIMIT ?2"
    ))?;
    let mut found = query.query([cluster, ROWS_SHOWN])?;
    let mut sets = Sets::default();
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(NearRow {
            id: row.get(0)?,
            text: row.get(1)?,
            labels: sets.of(db, row.get(2)?)?,
            part: row.get(3)?,
        });
    }
    Ok(rows)
}

/// Rows and the first row of their cluster, for clusters of at least two different texts.
fn search(tx: &Transaction<'_>, progress: &mut dyn FnMut(f64) -> bool) -> Result<Vec<(u32, u32)>> {
    /// The part of the work that is reading the texts.
    const READING: f64 = 0.7;
    let total = number(tx, "SELECT count(*) FROM example", [])?;
    let mut near = NearDuplicates::default();
    // The first row of each content, and the content of each row.
    let mut numbers: HashMap<[u8; 16], u32> = HashMap::new();
    let mut contents: Vec<(u32, u32)> = Vec::new();
    let mut texts: Vec<String> = Vec::with_capacity(CHUNK);
    let mut query = tx.prepare(
        "SELECT s.example, s.text_hash, c.text FROM state s JOIN present_text c ON c.example = s.example
         WHERE s.length > 0 ORDER BY s.example",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let next = numbers.len() as u32;
        let content = *numbers.entry(row.get(1)?).or_insert(next);
        contents.push((row.get(0)?, content));
        if content == next {
            texts.push(row.get(2)?);
            if texts.len() == CHUNK {
                near.add(&texts);
                texts.clear();
                if !progress(READING * contents.len() as f64 / f64::from(total.max(1))) {
                    return Err(DataError::Cancelled);
                }
            }
        }
    }
    near.add(&texts);
    drop(numbers);
    let clusters = near
        .clusters(|done| progress(READING + (1.0 - READING) * done))
        .ok_or(DataError::Cancelled)?;
    let mut sizes: HashMap<u32, u32> = HashMap::new();
    clusters
        .iter()
        .for_each(|cluster| *sizes.entry(*cluster).or_default() += 1);
    let mut first_row: HashMap<u32, u32> = HashMap::new();
    let of_cluster = |(row, content): (u32, u32)| {
        let cluster = clusters[content as usize];
        (sizes[&cluster] > 1).then(|| (row, *first_row.entry(cluster).or_insert(row)))
    };
    Ok(contents.into_iter().filter_map(of_cluster).collect())
}

/// Keeps the clusters of the texts of which `seen` tells.
fn store(tx: &Transaction<'_>, clusters: &[(u32, u32)], seen: &str) -> Result<()> {
    tx.execute("DELETE FROM near_cluster", [])?;
    let mut insert = tx.prepare("INSERT INTO near_cluster (example, cluster) VALUES (?1, ?2)")?;
    for (row, cluster) in clusters {
        insert.execute(params![row, cluster])?;
    }
    tx.execute(
        "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![KNOWN, seen],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::project_with;

    const A: &str =
        "the tenant shall return the keys on the last day of the lease and leave the flat swept and empty";
    const B: &str =
        "either party may end this agreement with thirty days of written notice to the other party";

    #[test]
    fn clusters_are_found_once_and_again_when_rows_are_added() {
        let close = A.replace("empty", "clean");
        let csv = format!("text,label\n{A},x\n{B},y\n{close},x\n{B},y\n,y\n");
        let (_place, mut project) = project_with(&csv);
        assert_eq!(project.near_duplicates(0, 9, false).unwrap(), None);
        project.find_near_duplicates(&mut |_| true).unwrap();
        let page = project.near_duplicates(0, 9, false).unwrap().unwrap();
        assert_eq!(
            (page.total, page.rows),
            (1, 2),
            "mere repetitions are another matter"
        );
        let ids: Vec<u32> = page.clusters[0].shown.iter().map(|row| row.id).collect();
        assert_eq!(ids, [1, 3]);
        assert_eq!(page.clusters[0].shown[1].labels, Some(vec![1]));
        assert_eq!(project.near_cluster(page.clusters[0].id, false).unwrap(), ids);
        let open = |project: &Project| project.near_duplicates(0, 9, true).unwrap().unwrap();
        assert_eq!(open(&project).clusters, [], "all are labelled");
        project.annotate(3, None, "me").unwrap();
        let left = open(&project);
        assert_eq!((left.total, left.rows, left.clusters[0].rows), (1, 1, 1));
        assert_eq!(
            left.clusters[0].shown[0].id, 3,
            "those with a label are not in the way"
        );
        let only_open = project.near_cluster(page.clusters[0].id, true).unwrap();
        assert_eq!(only_open, [3], "what has a label is not given another unseen");

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            format!("text,label\n{}\n", B.replace("thirty", "sixty") + ",y"),
        )
        .unwrap();
        let roles = [crate::types::ColumnRole::Text, crate::types::ColumnRole::Label];
        project
            .import(
                file.path(),
                &crate::store::testing::options(&roles),
                &mut |_, _| true,
            )
            .unwrap();
        assert_eq!(
            project.near_duplicates(0, 9, false).unwrap(),
            None,
            "there are rows that were not looked at"
        );
        project.find_near_duplicates(&mut |_| true).unwrap();
        let page = project.near_duplicates(0, 9, false).unwrap().unwrap();
        assert_eq!(
            (page.total, page.rows, page.clusters[0].rows),
            (2, 5, 3),
            "with both rows that repeat each other"
        );
    }

    #[test]
    fn a_search_that_is_stopped_changes_nothing() {
        let (_place, mut project) = project_with(&format!("text,label\n{A},x\n{B},y\n"));
        assert!(matches!(
            project.find_near_duplicates(&mut |_| false),
            Err(DataError::Cancelled)
        ));
        assert_eq!(project.near_duplicates(0, 9, false).unwrap(), None);
    }
}
