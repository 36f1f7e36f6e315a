//! A file before and while it becomes rows.

use serde::{Deserialize, Serialize};

/// What kind of file rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text whose cells are divided by one character: CSV, TSV.
    Delimited,
    /// Text with one text a line.
    Lines,
    /// One JSON document with a list of objects.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// An Excel or OpenDocument workbook.
    Workbook,
    /// Apache Parquet.
    Parquet,
    /// A folder of text files, or an archive of one: one text a file.
    Folder,
}

/// What holds a cell together that has delimiters or line ends in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Quoting {
    /// Double quotation marks, doubled within the cell.
    #[default]
    Double,
    /// Single ones.
    Single,
    /// Nothing: quotation marks are characters like others.
    None,
}

/// How a file's bytes become cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Dialect {
    /// The kind of file; of a compressed one, the kind of what is in it.
    pub format: Format,
    /// A name of the WHATWG Encoding Standard, e.g. `UTF-8`, `GBK`; empty where the format has none to choose.
    pub encoding: String,
    /// The character between cells; empty unless the format is [`Format::Delimited`].
    pub delimiter: String,
    /// What holds a cell together, in a file that has a delimiter. Earlier versions knew double ones only.
    #[serde(default)]
    pub quoting: Quoting,
    /// Whether the first row holds the columns' names.
    pub header: bool,
    /// The sheet of a workbook, the list of a JSON document or the file of an archive that is read.
    pub sheet: Option<String>,
}

/// What the user decided about the dialect; `None` = find out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DialectOverrides {
    /// See [`Dialect::encoding`].
    pub encoding: Option<String>,
    /// See [`Dialect::delimiter`]; empty: the file is no table, every line is a text.
    pub delimiter: Option<String>,
    /// See [`Dialect::quoting`].
    pub quoting: Option<Quoting>,
    /// See [`Dialect::header`].
    pub header: Option<bool>,
    /// See [`Dialect::sheet`].
    pub sheet: Option<String>,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ColumnRole {
    /// The text to classify, or a part of it: the cells of several columns are joined, a line each.
    Text,
    /// The class, or the classes.
    Label,
    /// The unit that must not straddle a split: a patient, a contract, an author.
    Group,
    /// A name for the row.
    Id,
    /// When the text is from, so that one can learn from the past and be judged on what came later.
    Date,
    /// The part of an official split.
    Split,
    /// Kept with the row, used for nothing.
    Ignore,
}

/// A column as the preview saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ColumnPreview {
    /// The display name: distinct and never empty.
    pub name: String,
    /// The proposed role.
    pub role: ColumnRole,
    /// Rows read whose cell is not empty.
    pub filled: u32,
    /// Different values among them.
    pub distinct: u32,
    /// Mean characters of the filled cells.
    pub mean_length: f64,
    /// The first three different values, cut at 300 characters.
    pub examples: Vec<String>,
}

/// Why a row was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProblemKind {
    /// More or fewer cells than columns.
    CellCount {
        /// Columns of the file.
        expected: u32,
        /// Cells of the row.
        found: u32,
    },
    /// A quote that opens a cell and is never closed, or only in a row further down.
    UnclosedQuote,
    /// A line or list element that is not sound JSON.
    BrokenJson {
        /// Where in the element, counted from 1.
        line: u32,
        /// Where in that line, in bytes from 1.
        column: u32,
    },
    /// Sound JSON, but no object with names and values.
    NotAnObject,
    /// An object with a name that none of the file's first objects has, so that there is no column for it.
    UnknownKey {
        /// The name, cut at 100 characters.
        key: String,
    },
    /// A file of a folder that is not text.
    NotText,
    /// The split column holds a word that names no part.
    UnknownPart {
        /// The cell's value, cut at 100 characters.
        value: String,
    },
    /// A cell of a column with a label of its own says neither yes nor no.
    NotAFlag {
        /// The column's name.
        column: String,
        /// The cell's value, cut at 100 characters.
        value: String,
    },
    /// The label is too long to be the name of a class.
    LongLabel {
        /// Its length in characters.
        length: u32,
        /// The most characters allowed.
        limit: u32,
    },
}

/// A row put aside at import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RowProblem {
    /// Its id in the project; `None` in a preview.
    pub id: Option<u32>,
    /// Row in the file, counted from 1, the header included, blank lines not. In a workbook the row's own number,
    /// in a folder the number of the text file.
    pub row: u32,
    /// What is wrong with it.
    pub kind: ProblemKind,
    /// The row as it stands in the file, cut at 2,000 characters.
    pub raw: String,
}

/// Rows of a file that are not written in its encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MixedEncoding {
    /// The encoding in which they were read, as a guess; `None` where no other made sense of them, and what could not be
    /// read is U+FFFD.
    pub encoding: Option<String>,
    /// How many, the row of names included.
    pub rows: u32,
    /// The first 20 of them, counted as [`RowProblem::row`].
    pub first_rows: Vec<u32>,
    /// The id of the first one in the project; `None` in a preview, and where none of them was taken in.
    pub example: Option<u32>,
}

/// What has changed in a file that was imported before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FileChanges {
    /// Rows that are as they were.
    pub same: u32,
    /// Rows that were not there before.
    pub new: u32,
    /// Rows whose text is another.
    pub changed: u32,
    /// Rows whose labels are others.
    pub relabelled: u32,
    /// Changes that were not taken over, because a person had corrected or labelled the row.
    pub kept: u32,
    /// Rows whose group, date or part is another in the file now. It stays as it was first imported, because it decides
    /// where a row may stand in a split.
    pub not_moved: u32,
    /// Rows that are not there any more.
    pub gone: u32,
    /// Rows that had been gone and are there again.
    pub back: u32,
    /// Rows that cannot be read.
    pub problem_rows: u32,
}

/// What a person needs to mend a row that was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MendForm {
    /// The names of the file's columns.
    pub columns: Vec<String>,
    /// The cells as far as they can be made out, one a column.
    pub cells: Vec<String>,
    /// Whether only the beginning of the row was kept.
    pub cut: bool,
}

/// The beginning of a file, read to decide how to import it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Preview {
    /// The file.
    pub path: String,
    /// Its name without folders.
    pub file_name: String,
    /// Its size.
    pub bytes: f64,
    /// How it was read.
    pub dialect: Dialect,
    /// What there is to choose from as [`Dialect::sheet`]; empty where there is nothing to choose.
    pub sheets: Vec<String>,
    /// Files of a folder, or of an archive that is one, that are no text files and are left out.
    pub other_files: u32,
    /// Its columns.
    pub columns: Vec<ColumnPreview>,
    /// The first rows, one cell a column, cells cut at 300 characters.
    pub rows: Vec<Vec<String>>,
    /// Rows read for the columns' figures, usually more than `rows`.
    pub rows_read: u32,
    /// Whether the file goes on after them.
    pub more: bool,
    /// Rows that would be put aside, among those read; at most 20.
    pub problems: Vec<RowProblem>,
    /// Rows that are not written in the file's encoding, among those read.
    pub mixed: Vec<MixedEncoding>,
    /// What seems to stand between several labels of a cell; see [`ImportOptions::label_separator`].
    pub label_separator: Option<String>,
}

/// How to import a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ImportOptions {
    /// The user's decisions about the dialect.
    pub dialect: DialectOverrides,
    /// The role of each column; at least one `Text`, at most one `Group`, `Date`,
    /// `Split`. Several `Label` columns have a label
    /// each, which is their name: a row carries it where the cell says yes.
    pub roles: Vec<ColumnRole>,
    /// What stands between the labels of a cell of the only `Label` column; `None` where a cell is one label.
    pub label_separator: Option<String>,
}

/// What an import brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ImportSummary {
    /// The file's name without folders.
    pub file_name: String,
    /// Rows imported.
    pub rows: u32,
    /// Of them with a label.
    pub labelled: u32,
    /// Different labels among them.
    pub labels: u32,
    /// Rows put aside.
    pub problem_rows: u32,
    /// Rows imported with an empty text.
    pub empty_texts: u32,
    /// Rows that are not written in the file's encoding.
    pub mixed: Vec<MixedEncoding>,
}
