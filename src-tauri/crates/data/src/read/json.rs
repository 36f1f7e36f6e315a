//! JSON → records: one object a line, one list of objects, or an object with such lists in it.
//!
//! The columns are all names in the file's first objects, in order of appearance. An object further down with
//! another name is put aside with that name as its reason: leaving the value out in silence would be worse.

mod objects;
mod scan;
mod tools;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use encoding_rs::Encoding;
use serde::de::IgnoredAny;

use super::CELL_LIMIT;
use super::decoded::Decoded;
use super::dialect::display_names;
use super::lines::Lines;
use super::misfit::Misfit;
use super::record::Record;
use super::source::{Origin, Source};
use super::table::{Opened, Reader, unknown_sheet};
use crate::error::{DataError, NotATable, Result};
use crate::text::head;
use crate::types::{Dialect, DialectOverrides, Format, ProblemKind, Quoting};
use objects::flatten;
use scan::{Scanner, Step};

/// Objects, and bytes of them, from which the columns are taken.
const SAMPLE_OBJECTS: usize = 10_000;
const SAMPLE_BYTES: usize = 8 * 1024 * 1024;

/// How objects follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One a line.
    Lines,
    /// One after the other, over several lines each.
    Sequence,
    /// In a list, or in lists of one object.
    Document,
}

/// Whether `text`, the beginning of a file (or all of it, if `whole`), is JSON. The name decides only where the
/// beginning is broken or too long to be told.
pub(super) fn layout(text: &str, whole: bool, name: &str) -> Option<Layout> {
    let named_lines = name.ends_with(".jsonl") || name.ends_with(".ndjson");
    let named_json = name.ends_with(".json");
    let text = text.trim_start();
    let by_name = || match (named_lines, named_json) {
        (true, _) => Some(Layout::Lines),
        (_, true) => Some(Layout::Document),
        _ => None,
    };
    if let Some(list) = text.strip_prefix('[') {
        let objects = list.trim_start().starts_with('{');
        return (objects || named_json).then_some(Layout::Document);
    }
    if !text.starts_with('{') {
        let some_line = || text.lines().any(|line| line.trim_start().starts_with('{'));
        return (named_lines && some_line()).then_some(Layout::Lines);
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => {
            let (first, rest) = text.split_at(values.byte_offset());
            match rest.trim_start().as_bytes().first() {
                None if named_lines => Some(Layout::Lines),
                None => Some(Layout::Document),
                Some(b'{') if !first.contains(['\n', '\r']) => Some(Layout::Lines),
                Some(b'{') => Some(Layout::Sequence),
                Some(_) => by_name(),
            }
        }
        Some(Err(error)) if error.is_eof() && !whole => by_name().or(Some(Layout::Document)),
        _ => by_name(),
    }
}

/// Opens the JSON at `origin`.
///
/// # Errors
/// `NotATable` without a single object, `UnknownSheet`, `EmptyFile`, `CellTooLarge`, and those of unpacking.
pub(super) fn open(
    origin: &Origin,
    encoding: &'static Encoding,
    layout: Layout,
    overrides: &DialectOverrides,
) -> Result<Opened> {
    let mut lists = Vec::new();
    if layout == Layout::Document {
        let mut scanner = Scanner::new(Decoded::new(origin.look()?, encoding));
        let failed = DataError::io(&origin.path);
        let is_list = scanner.peek();
        if is_list.is_ok_and(|first| first == Some(b'{')) {
            lists = scanner.lists().map_err(failed)?;
        }
    }
    let chosen = match overrides.sheet.as_ref().filter(|_| lists.len() > 1) {
        Some(sheet) if !lists.contains(sheet) => return Err(unknown_sheet(&origin.path, sheet, &lists)),
        Some(sheet) => Some(sheet.clone()),
        None => lists.first().cloned(),
    };
    let start = || Objects::start(origin, encoding, layout, chosen.as_deref());
    let keys = start()?.names()?;
    let mut reader = start()?;
    reader.keys = keys.iter().cloned().zip(0..).collect();
    lists.truncate(if lists.len() > 1 { lists.len() } else { 0 });
    Ok(Opened {
        dialect: Dialect {
            format: match layout {
                Layout::Document => Format::Json,
                Layout::Lines | Layout::Sequence => Format::JsonLines,
            },
            encoding: encoding.name().to_owned(),
            delimiter: String::new(),
            quoting: Quoting::default(),
            header: false,
            sheet: chosen.filter(|_| !lists.is_empty()),
        },
        columns: display_names(Some(&keys), keys.len()),
        sheets: lists,
        pending: Default::default(),
        mixed: Vec::new(),
        reader: Box::new(reader),
    })
}

/// The objects of a file.
struct Objects {
    path: PathBuf,
    input: Input,
    /// The place of each column's name.
    keys: HashMap<String, usize>,
    /// The object at hand, as it is written.
    object: Vec<u8>,
    /// Whether the last object could be read.
    sound: bool,
    row: u32,
}

enum Input {
    Lines(Lines<Source>),
    Sequence(Scanner<Decoded<Source>>),
    /// Within a list, until its end was met.
    List {
        scanner: Scanner<Decoded<Source>>,
        done: bool,
    },
}

impl Objects {
    fn start(
        origin: &Origin,
        encoding: &'static Encoding,
        layout: Layout,
        list: Option<&str>,
    ) -> Result<Objects> {
        let path = &origin.path;
        let scanner = || Ok::<_, DataError>(Scanner::new(Decoded::new(origin.open()?, encoding)));
        let input = match layout {
            Layout::Lines => Input::Lines(Lines::new(path, origin.open()?, encoding)),
            Layout::Sequence => Input::Sequence(scanner()?),
            Layout::Document => {
                let mut scanner = scanner()?;
                let found = match list {
                    None => scanner.accept(b'['),
                    Some(list) => go_to(&mut scanner, list),
                };
                if !found.map_err(DataError::io(path))? {
                    return Err(no_objects(path.clone()));
                }
                Input::List { scanner, done: false }
            }
        };
        Ok(Objects {
            path: path.clone(),
            input,
            keys: HashMap::new(),
            object: Vec::new(),
            sound: true,
            row: 0,
        })
    }

    /// All names in the first objects, in order.
    fn names(mut self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let mut known = HashSet::new();
        let mut bytes = 0;
        let mut objects = 0;
        while objects < SAMPLE_OBJECTS && bytes < SAMPLE_BYTES && self.advance()? {
            objects += 1;
            bytes += self.object.len();
            let cells = flatten(&String::from_utf8_lossy(&self.object)).unwrap_or_default();
            for (name, _) in cells {
                if known.insert(name.clone()) {
                    names.push(name);
                }
            }
        }
        match (names.is_empty(), objects) {
            (false, _) => Ok(names),
            (true, 0) => Err(DataError::EmptyFile { path: self.path }),
            (true, _) => Err(no_objects(self.path)),
        }
    }

    /// Goes to the next object; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        let failed = DataError::io(&self.path);
        let found = match &mut self.input {
            Input::Lines(lines) => {
                let line = lines.next_line()?;
                self.object.clear();
                self.object
                    .extend_from_slice(line.map_or("", |(_, line)| line).as_bytes());
                line.is_some()
            }
            Input::Sequence(scanner) => scanner.following(&mut self.object).map_err(failed)?,
            Input::List { done: true, .. } => false,
            Input::List { scanner, done } => {
                let step = scanner.element(&mut self.object).map_err(failed)?;
                *done = step != Step::Element;
                // A list that is never closed has lost what followed: an empty object stands for it and is broken,
                // unless the cut went through the last one.
                step == Step::Element || (step == Step::Cut && self.sound)
            }
        };
        self.row += u32::from(found);
        if self.object.len() > CELL_LIMIT {
            return Err(DataError::CellTooLarge {
                row: self.row,
                limit_bytes: CELL_LIMIT,
            });
        }
        Ok(found)
    }

    fn misfit(&mut self) -> Option<Misfit> {
        match &mut self.input {
            Input::Lines(lines) => lines.misfit(),
            Input::Sequence(scanner) | Input::List { scanner, .. } => scanner.input().misfit(),
        }
    }

    fn source(&mut self) -> &mut Source {
        match &mut self.input {
            Input::Lines(lines) => lines.source(),
            Input::Sequence(scanner) | Input::List { scanner, .. } => scanner.input().source(),
        }
    }
}

impl Reader for Objects {
    fn next(&mut self, record: &mut Record) -> Result<bool> {
        if !self.advance()? {
            return Ok(false);
        }
        let text = String::from_utf8_lossy(&self.object);
        record.begin(self.row);
        record.keep_raw(text.trim());
        let cells = flatten(&text);
        self.sound = cells.is_ok();
        match cells.and_then(|cells| in_columns(&self.keys, cells)) {
            Ok(cells) => cells.iter().for_each(|cell| record.push(cell)),
            Err(problem) => record.problem = Some(problem),
        }
        record.misfit = self.misfit();
        Ok(true)
    }

    fn bytes_read(&mut self) -> u64 {
        self.source().bytes_read()
    }

    fn sha256(&mut self) -> Result<String> {
        self.source().sha256()
    }
}

/// Cells in the columns' order; a name that comes twice in an object counts once, as everywhere with its last value.
fn in_columns(
    keys: &HashMap<String, usize>,
    cells: Vec<(String, String)>,
) -> std::result::Result<Vec<String>, ProblemKind> {
    let mut row = vec![String::new(); keys.len()];
    for (name, cell) in cells {
        match keys.get(&name) {
            Some(column) => row[*column] = cell,
            None => {
                return Err(ProblemKind::UnknownKey {
                    key: head(&name, 100).to_owned(),
                });
            }
        }
    }
    Ok(row)
}

/// Goes into the list `name` of a document's object.
fn go_to(scanner: &mut Scanner<Decoded<Source>>, name: &str) -> std::io::Result<bool> {
    while let Some(found) = scanner.next_list()? {
        if found == name {
            return Ok(true);
        }
        scanner.value(1, None)?;
    }
    Ok(false)
}

fn no_objects(path: PathBuf) -> DataError {
    DataError::NotATable {
        path,
        why: NotATable::Json,
    }
}
