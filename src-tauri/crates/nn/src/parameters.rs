//! The trainable numbers of a model and their gradients.
//!
//! Dense parameters lie in one flat arena, so that the optimiser, clipping and zeroing are single loops, and so that
//! matrices that a product reads together (query, key and value) can lie side by side while each keeps its own name
//! in the checkpoint. Embedding *tables* lie apart: a batch touches few of their rows, so their gradient is a list
//! of rows, and whoever walks over them (optimiser, clipping) walks over touched rows only.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use crate::device::DeviceGradients;
use crate::error::{NnError, Result};
use crate::memory;
use crate::random::Key;

/// Numbers that one thread mixes at a time.
const MIXED_TOGETHER: usize = 1 << 16;

/// How a parameter that no checkpoint gives is filled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// All zeros (biases).
    Zeros,
    /// All ones (scales of normalisations).
    Ones,
    /// Normal with mean 0 and this deviation (matrices, tables).
    Normal(f32),
}

/// One named tensor within the arena or within the list of tables.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name in the checkpoint, without the prefix of the base model.
    pub name: String,
    /// Shape in the checkpoint.
    pub shape: Vec<usize>,
    /// Where it lies.
    pub place: Place,
    /// How it starts when the checkpoint lacks it.
    pub init: Init,
    /// Whether the checkpoint may lack it (a head that is trained anew, a pooler that was not saved).
    pub optional: bool,
    /// Whether training leaves it as it is.
    pub frozen: bool,
    /// Distance from the token ids: 0 for embeddings, `i + 1` for layer `i`, one more for the head.
    pub depth: usize,
}

/// A low-rank change of a matrix (Hu et al. 2021): `scale · up · down` is added to it.
#[derive(Debug, Clone, Copy)]
pub struct Adapter {
    /// `[rank, in]`.
    pub down: Dense,
    /// `[out, rank]`: the rows that belong to the matrix or the part of it that was asked for.
    pub up: Dense,
    /// Factor of the product.
    pub scale: f32,
}

/// Where a parameter's numbers lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A range of the dense arena.
    Dense(Range<usize>),
    /// A whole table, by its index.
    Table(usize),
}

impl Parameter {
    /// Whether weight decay applies: to matrices and tables, not to biases and scales (Transformers' convention).
    pub fn decays(&self) -> bool {
        self.shape.len() > 1
    }

    /// Whether it is half of an adapter.
    pub fn is_adapter(&self) -> bool {
        self.name.ends_with(".lora_A.weight") || self.name.ends_with(".lora_B.weight")
    }
}

/// Handle of a dense matrix or vector for the operations; may span several named tensors that lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dense {
    start: usize,
    rows: usize,
    columns: usize,
}

impl Dense {
    /// Number of rows (1 for a vector).
    pub fn rows(self) -> usize {
        self.rows
    }

    /// Number of columns (the length of a vector).
    pub fn columns(self) -> usize {
        self.columns
    }

    /// Some rows of a matrix, or some numbers of a vector, as a handle of their own.
    #[must_use]
    pub fn part(self, part: Range<usize>) -> Self {
        let (width, vector) = (self.columns, self.rows == 1);
        Dense {
            start: self.start + part.start * if vector { 1 } else { width },
            rows: if vector { 1 } else { part.len() },
            columns: if vector { part.len() } else { width },
        }
    }

    /// Where it lies in the arena.
    pub fn range(self) -> Range<usize> {
        self.start..self.start + self.rows * self.columns
    }
}

/// Handle of an embedding table `[rows, columns]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableId(usize);

impl TableId {
    /// Its place among [`Parameters::tables`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// An embedding table, row-major.
#[derive(Debug, Clone)]
pub struct Table {
    /// The numbers, `[rows, columns]`.
    pub values: Vec<f32>,
    /// Length of a row.
    pub columns: usize,
}

/// Every trainable number of a model, with its name.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    /// The dense arena.
    pub dense: Vec<f32>,
    /// The embedding tables.
    pub tables: Vec<Table>,
    entries: Vec<Parameter>,
    depth: usize,
    /// Numbers declared outside of tables.
    length: usize,
    /// Whether only names and shapes are kept.
    without_numbers: bool,
    /// Ends of the frozen dense parameters by their starts.
    frozen: BTreeMap<usize, usize>,
    /// Adapters by the start of their matrix, with its end.
    adapters: BTreeMap<usize, (usize, Adapter)>,
}

impl Parameters {
    /// Names and shapes only: nothing can be read or written.
    pub fn without_numbers() -> Self {
        Parameters {
            without_numbers: true,
            ..Parameters::default()
        }
    }

    /// Whether they can be read and written.
    pub(crate) fn has_numbers(&self) -> bool {
        !self.without_numbers
    }

    /// The depth of what is declared from now on; see [`Parameter::depth`].
    pub fn set_depth(&mut self, depth: usize) {
        self.depth = depth;
    }

    /// Freezes the parameters that a test picks, and trains all others.
    pub fn freeze(&mut self, pick: impl Fn(&Parameter) -> bool) {
        self.frozen.clear();
        for entry in &mut self.entries {
            entry.frozen = pick(entry);
            if let (Place::Dense(range), true) = (&entry.place, entry.frozen) {
                self.frozen.insert(range.start, range.end);
            }
        }
    }

    /// Whether the parameter that a handle or a part of one begins in is frozen.
    pub fn is_frozen(&self, handle: Dense) -> bool {
        let before = self.frozen.range(..=handle.start).next_back();
        before.is_some_and(|(_, &end)| handle.start < end)
    }

    /// Declares an adapter of rank `rank` for a matrix. `name` is the matrix's name without `.weight`. It starts as no
    /// change: `up` is zero.
    pub fn add_adapter(&mut self, weight: Dense, name: &str, rank: usize, scale: f32) {
        let range = weight.range();
        let deviation = 1.0 / (weight.columns as f32).sqrt();
        let down = format!("{name}.lora_A.weight");
        let down = self.matrix(&down, rank, weight.columns, Init::Normal(deviation));
        let up = self.matrix(&format!("{name}.lora_B.weight"), weight.rows, rank, Init::Zeros);
        let adapter = Adapter { down, up, scale };
        self.adapters.insert(range.start, (range.end, adapter));
    }

    /// These parameters with every adapter added to its matrix, and no adapters.
    pub fn merged(&self) -> Cow<'_, Parameters> {
        if self.adapters.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut merged = self.clone();
        for index in 0..self.len() {
            if let Cow::Owned(numbers) = self.merged_values(&self.entries[index]) {
                merged.values_mut(index).copy_from_slice(&numbers);
            }
        }
        merged.adapters.clear();
        merged.entries.retain(|entry| !entry.is_adapter());
        Cow::Owned(merged)
    }

    /// The numbers of a parameter, with those of the adapter added whose matrix it is or is part of.
    pub fn merged_values(&self, entry: &Parameter) -> Cow<'_, [f32]> {
        let values = self.values(entry);
        let Place::Dense(range) = &entry.place else {
            return values.into();
        };
        let before = self.adapters.range(..=range.start).next_back();
        let Some((&start, (_, adapter))) = before.filter(|(_, (end, _))| range.start < *end) else {
            return values.into();
        };
        let (down, up) = (self.get(adapter.down), self.get(adapter.up));
        let (rank, columns) = (adapter.down.rows, adapter.down.columns);
        let up = up.chunks_exact(rank).skip((range.start - start) / columns);
        let mut merged = values.to_vec();
        for (row, up) in merged.chunks_exact_mut(columns).zip(up) {
            for (up, down) in up.iter().zip(down.chunks_exact(columns)) {
                let factor = adapter.scale * up;
                row.iter_mut().zip(down).for_each(|(w, d)| *w += factor * d);
            }
        }
        merged.into()
    }

    /// Draws these numbers towards those of the same names in `other`: `share` of them stays. What `other` lacks stays as
    /// it is; a share of 1 changes nothing, one of 0 copies.
    pub fn mix(&mut self, other: &Parameters, share: f32) {
        let places: BTreeMap<&str, &Parameter> = other.entries.iter().map(|e| (e.name.as_str(), e)).collect();
        for index in 0..self.len() {
            let Some(theirs) = places.get(self.entries[index].name.as_str()) else {
                continue;
            };
            let theirs = other.values(theirs).par_chunks(MIXED_TOGETHER);
            let ours = self.values_mut(index).par_chunks_mut(MIXED_TOGETHER);
            ours.zip(theirs).for_each(|(ours, theirs)| {
                for (a, b) in ours.iter_mut().zip(theirs) {
                    *a = share * *a + (1.0 - share) * b;
                }
            });
        }
    }

    /// The adapter of a matrix, or of a part of its rows.
    pub fn adapter(&self, weight: Dense) -> Option<Adapter> {
        let range = weight.range();
        let (&start, &(end, adapter)) = self.adapters.range(..=range.start).next_back()?;
        let first = (range.start - start) / weight.columns;
        (range.end <= end).then(|| Adapter {
            up: adapter.up.part(first..first + weight.rows),
            ..adapter
        })
    }

    /// Declares a matrix `[rows, columns]` for each name; they lie side by side and are handled as one matrix
    /// `[names.len() * rows, columns]`.
    pub fn matrices(&mut self, names: &[String], rows: usize, columns: usize, init: Init) -> Dense {
        let start = self.length;
        for name in names {
            self.declare(name, vec![rows, columns], init);
        }
        Dense {
            start,
            rows: names.len() * rows,
            columns,
        }
    }

    /// Declares a matrix `[rows, columns]`.
    pub fn matrix(&mut self, name: &str, rows: usize, columns: usize, init: Init) -> Dense {
        self.matrices(&[name.to_owned()], rows, columns, init)
    }

    /// Declares a vector for each name; they lie side by side and are handled as one vector.
    pub fn vectors(&mut self, names: &[String], length: usize, init: Init) -> Dense {
        let start = self.length;
        for name in names {
            self.declare(name, vec![length], init);
        }
        Dense {
            start,
            rows: 1,
            columns: names.len() * length,
        }
    }

    /// Declares a vector.
    pub fn vector(&mut self, name: &str, length: usize, init: Init) -> Dense {
        self.vectors(&[name.to_owned()], length, init)
    }

    /// Declares an embedding table whose gradient is kept by rows.
    pub fn table(&mut self, name: &str, rows: usize, columns: usize, init: Init) -> TableId {
        let id = self.tables.len();
        let numbers = if self.without_numbers { 0 } else { rows * columns };
        self.tables.push(Table {
            values: vec![0.0; numbers],
            columns,
        });
        self.entries.push(Parameter {
            name: name.to_owned(),
            shape: vec![rows, columns],
            place: Place::Table(id),
            init,
            optional: false,
            frozen: false,
            depth: self.depth,
        });
        TableId(id)
    }

    /// Marks the parameters declared since `first` (an earlier [`Parameters::len`]) as ones that a checkpoint may
    /// lack.
    pub fn mark_optional(&mut self, first: usize) {
        for entry in self.entries.iter_mut().skip(first) {
            entry.optional = true;
        }
    }

    /// As [`Parameters::mark_optional`] for the parameters of one depth.
    pub fn mark_optional_at(&mut self, depth: usize) {
        for entry in self.entries.iter_mut().filter(|entry| entry.depth == depth) {
            entry.optional = true;
        }
    }

    fn declare(&mut self, name: &str, shape: Vec<usize>, init: Init) {
        let start = self.length;
        let end = start + shape.iter().product::<usize>();
        self.length = end;
        if !self.without_numbers {
            self.dense.resize(end, 0.0);
        }
        let place = Place::Dense(start..end);
        self.entries.push(Parameter {
            name: name.to_owned(),
            shape,
            place,
            init,
            optional: false,
            frozen: false,
            depth: self.depth,
        });
    }

    /// A number for every one in the arena, all zero: for gradients and moments. In large pages where everything learns;
    /// where little does (adapters, the last layers) a large page would be mapped for a few numbers.
    pub fn zeros(&self) -> Vec<f32> {
        let frozen = |entry: &Parameter| entry.frozen && matches!(entry.place, Place::Dense(_));
        match self.entries.iter().any(frozen) {
            true => vec![0.0; self.dense.len()],
            false => memory::zeros(self.dense.len()),
        }
    }

    /// The named tensors, in the order of their declaration.
    pub fn entries(&self) -> &[Parameter] {
        &self.entries
    }

    /// Number of named tensors.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was declared.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of trainable numbers.
    pub fn count(&self) -> usize {
        self.dense.len() + self.tables.iter().map(|table| table.values.len()).sum::<usize>()
    }

    /// The numbers of a dense parameter.
    pub fn get(&self, handle: Dense) -> &[f32] {
        &self.dense[handle.range()]
    }

    /// The numbers of a dense parameter, to write.
    pub fn get_mut(&mut self, handle: Dense) -> &mut [f32] {
        &mut self.dense[handle.range()]
    }

    /// An embedding table.
    pub fn table_of(&self, id: TableId) -> &Table {
        &self.tables[id.0]
    }

    /// The name of the tensor that a handle stands for; of a part of one, with the place where the part begins.
    pub fn name_of(&self, handle: Dense) -> String {
        let range = handle.range();
        let holds = |entry: &&Parameter| match &entry.place {
            Place::Dense(place) => place.contains(&range.start),
            Place::Table(_) => false,
        };
        match self.entries.iter().find(holds) {
            Some(Parameter {
                name,
                place: Place::Dense(place),
                ..
            }) if *place != range => format!("{name}.{}", range.start - place.start),
            Some(entry) => entry.name.clone(),
            None => String::new(),
        }
    }

    /// The name of a table.
    pub fn name_of_table(&self, id: TableId) -> &str {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.place == Place::Table(id.0));
        entry.map_or("", |entry| &entry.name)
    }

    /// The numbers of a named tensor.
    pub fn values(&self, entry: &Parameter) -> &[f32] {
        match &entry.place {
            Place::Dense(range) => &self.dense[range.clone()],
            Place::Table(id) => &self.tables[*id].values,
        }
    }

    /// The numbers of the `index`-th named tensor, to write.
    pub fn values_mut(&mut self, index: usize) -> &mut [f32] {
        match &self.entries[index].place {
            Place::Dense(range) => &mut self.dense[range.clone()],
            Place::Table(id) => &mut self.tables[*id].values,
        }
    }

    /// Fills the `index`-th named tensor by its [`Init`], with numbers that depend on `seed` and its name's place.
    pub fn initialise(&mut self, index: usize, seed: u64) {
        self.fill(index, seed, Key::normal);
    }

    /// As [`Parameters::initialise`] with even numbers of the same mean and deviation, which take a tenth of the time to
    /// draw: for a model that is only to be measured.
    pub(crate) fn initialise_evenly(&mut self, index: usize, seed: u64) {
        self.fill(index, seed, |key, i| (key.uniform(i) - 0.5) * 12.0_f64.sqrt());
    }

    fn fill(&mut self, index: usize, seed: u64, draw: impl Fn(Key, u64) -> f64 + Sync) {
        let key = Key::new(seed).with(0x1417).with(index as u64);
        match self.entries[index].init {
            Init::Zeros => self.values_mut(index).fill(0.0),
            Init::Ones => self.values_mut(index).fill(1.0),
            Init::Normal(deviation) => {
                let values = self.values_mut(index);
                values.par_iter_mut().enumerate().for_each(|(i, value)| {
                    *value = (draw(key, i as u64) * f64::from(deviation)) as f32;
                });
            }
        }
    }
}

/// The gradient of a table: the rows that were touched.
#[derive(Debug, Clone)]
pub struct TableGradient {
    /// Touched rows, each once, in the order of their first touch.
    pub rows: Vec<u32>,
    /// Their gradients, `[rows.len(), columns]`.
    pub values: Vec<f32>,
    /// Length of a row.
    pub columns: usize,
    /// Row of the table → its place in `rows`, or [`UNTOUCHED`].
    slots: Vec<u32>,
}

const UNTOUCHED: u32 = u32::MAX;

impl TableGradient {
    fn new(rows: usize, columns: usize) -> Self {
        TableGradient {
            rows: Vec::new(),
            values: Vec::new(),
            columns,
            slots: vec![UNTOUCHED; rows],
        }
    }

    /// Adds `gradient` (one row) to row `row`.
    pub fn add(&mut self, row: u32, gradient: &[f32]) {
        let slot = &mut self.slots[row as usize];
        if *slot == UNTOUCHED {
            *slot = self.rows.len() as u32;
            self.rows.push(row);
            self.values.extend_from_slice(gradient);
        } else {
            let start = *slot as usize * self.columns;
            for (sum, x) in self.values[start..start + self.columns].iter_mut().zip(gradient) {
                *sum += x;
            }
        }
    }

    /// The gradient of a row; `None` where it was not touched (its gradient is zero).
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        let slot = self.slots[row];
        (slot != UNTOUCHED).then(|| &self.values[slot as usize * self.columns..][..self.columns])
    }

    fn clear(&mut self) {
        for &row in &self.rows {
            self.slots[row as usize] = UNTOUCHED;
        }
        self.rows.clear();
        self.values.clear();
    }
}

/// Gradients of all parameters of one model. Kept from step to step: [`Gradients::clear`] costs next to nothing,
/// because the first write of a step overwrites instead of adding.
#[derive(Debug, Clone)]
pub struct Gradients {
    /// As [`Parameters::dense`].
    pub dense: Vec<f32>,
    /// As [`Parameters::tables`].
    pub tables: Vec<TableGradient>,
    /// Those of a model that was placed on a device, which fill this instead.
    pub device: DeviceGradients,
    /// The dense ranges that were written since the last clear, disjoint: start and end.
    written: BTreeMap<usize, usize>,
}

impl Gradients {
    /// Gradients for these parameters, none of them written yet.
    pub fn new(parameters: &Parameters) -> Self {
        Gradients {
            dense: parameters.zeros(),
            tables: parameters
                .tables
                .iter()
                .map(|table| TableGradient::new(table.values.len() / table.columns, table.columns))
                .collect(),
            device: DeviceGradients::default(),
            written: BTreeMap::new(),
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.written.clear();
        self.device.clear();
        self.tables.iter_mut().for_each(TableGradient::clear);
    }

    /// The gradient of a dense parameter or a part of one, and whether it must be added to (`true`) or overwritten
    /// (`false`). Where only some of it was written before, the rest is zeroed.
    pub fn write(&mut self, handle: Dense) -> (&mut [f32], bool) {
        let range = handle.range();
        let overlaps = |(&start, &end): (&usize, &usize)| (end > range.start).then_some((start, end));
        let before: Vec<(usize, usize)> = self
            .written
            .range(..range.end)
            .rev()
            .map_while(overlaps)
            .collect();
        let mut gap_end = range.end;
        if !before.is_empty() {
            for &(start, end) in &before {
                self.dense[end.min(gap_end)..gap_end].fill(0.0);
                gap_end = start.max(range.start);
                self.written.remove(&start);
            }
            self.dense[range.start..gap_end].fill(0.0);
        }
        let start = before
            .last()
            .map_or(range.start, |(start, _)| range.start.min(*start));
        let end = before.first().map_or(range.end, |(_, end)| range.end.max(*end));
        self.written.insert(start, end);
        (&mut self.dense[range], !before.is_empty())
    }

    /// The gradient of a dense parameter to add to: zeroed first if nothing was written since the last clear.
    pub fn add(&mut self, handle: Dense) -> &mut [f32] {
        let (gradient, accumulate) = self.write(handle);
        if !accumulate {
            gradient.fill(0.0);
        }
        gradient
    }

    /// The gradient of a table.
    pub fn table(&mut self, id: TableId) -> &mut TableGradient {
        &mut self.tables[id.0]
    }

    /// Refuses a parameter that no gradient reached: somewhere the graph is cut.
    ///
    /// # Errors
    /// [`NnError::MissingGradient`] with the first such parameter's name.
    pub fn check_complete(&self, parameters: &Parameters) -> Result<()> {
        for entry in parameters.entries() {
            let reached = match &entry.place {
                Place::Dense(range) => self.is_written(range) || self.device.covers(range),
                Place::Table(id) => !self.tables[*id].rows.is_empty() || self.device.table(*id).is_some(),
            };
            if !reached && !entry.frozen {
                return Err(NnError::MissingGradient {
                    name: entry.name.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether all of a range was written, in one piece or in several.
    fn is_written(&self, range: &Range<usize>) -> bool {
        let mut reached = range.start;
        while reached < range.end {
            match self.written.range(..=reached).next_back() {
                Some((_, &end)) if end > reached => reached = end,
                _ => return false,
            }
        }
        true
    }

    /// The gradient of a named tensor as a dense vector (tables filled up with zeros): for tests and inspection.
    pub fn to_dense(&self, entry: &Parameter) -> Vec<f32> {
        if let Some(gradient) = self.device.of(entry) {
            return gradient;
        }
        match &entry.place {
            Place::Dense(range) => self.dense[range.clone()].to_vec(),
            Place::Table(id) => {
                let table = &self.tables[*id];
                let rows = entry.shape[0];
                (0..rows)
                    .flat_map(|row| match table.row(row) {
                        Some(gradient) => gradient.to_vec(),
                        None => vec![0.0; table.columns],
                    })
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_declared_together_lie_side_by_side_under_their_own_names() {
        let mut parameters = Parameters::default();
        let names = ["q".to_owned(), "k".to_owned(), "v".to_owned()];
        let handle = parameters.matrices(&names, 2, 3, Init::Normal(1.0));
        assert_eq!((handle.rows(), handle.columns()), (6, 3));
        assert_eq!(
            parameters
                .entries()
                .iter()
                .map(|e| e.name.as_str())
                .collect::<Vec<_>>(),
            ["q", "k", "v"]
        );
        assert_eq!(parameters.entries()[1].place, Place::Dense(6..12));
    }

    #[test]
    fn mixed_numbers_lie_between_those_of_the_same_name_and_the_others_stay() {
        let mut ours = Parameters::default();
        let (a, b) = (ours.vector("a", 2, Init::Zeros), ours.vector("b", 2, Init::Zeros));
        let table = ours.table("t", 1, 2, Init::Zeros);
        ours.get_mut(a).copy_from_slice(&[1.0, 0.5]);
        ours.get_mut(b).copy_from_slice(&[7.0, 8.0]);
        ours.tables[table.index()].values = vec![4.0, 6.0];
        // In another order, and without b.
        let mut theirs = Parameters::default();
        let their_table = theirs.table("t", 1, 2, Init::Zeros);
        let their_a = theirs.vector("a", 2, Init::Zeros);
        theirs.get_mut(their_a).copy_from_slice(&[3.0, 1.5]);
        theirs.tables[their_table.index()].values = vec![0.0, 2.0];
        for (share, of_a, of_t) in [
            (1.0, [1.0, 0.5], [4.0, 6.0]),
            (0.0, [3.0, 1.5], [0.0, 2.0]),
            (0.25, [2.5, 1.25], [1.0, 3.0]),
        ] {
            let mut mixed = ours.clone();
            mixed.mix(&theirs, share);
            assert_eq!((mixed.get(a), mixed.get(b)), (&of_a[..], &[7.0, 8.0][..]));
            assert_eq!(mixed.table_of(table).values, of_t);
        }
    }

    #[test]
    fn a_gradient_that_never_arrived_is_an_error() {
        let mut parameters = Parameters::default();
        let a = parameters.vector("a", 4, Init::Zeros);
        let table = parameters.table("t", 5, 2, Init::Zeros);
        parameters.vector("b", 4, Init::Zeros);
        let mut gradients = Gradients::new(&parameters);
        gradients.add(a)[0] = 1.0;
        gradients.table(table).add(3, &[1.0, 2.0]);
        let error = gradients.check_complete(&parameters).unwrap_err();
        assert!(matches!(error, NnError::MissingGradient { name } if name == "b"));
    }

    #[test]
    fn table_rows_add_up_and_are_forgotten_by_clear() {
        let mut parameters = Parameters::default();
        let id = parameters.table("t", 5, 2, Init::Zeros);
        let mut gradients = Gradients::new(&parameters);
        gradients.table(id).add(3, &[1.0, 2.0]);
        gradients.table(id).add(1, &[5.0, 5.0]);
        gradients.table(id).add(3, &[1.0, 1.0]);
        assert_eq!(gradients.tables[0].row(3), Some(&[2.0, 3.0][..]));
        assert_eq!(gradients.to_dense(&parameters.entries()[0])[2..4], [5.0, 5.0]);
        gradients.clear();
        assert_eq!(gradients.tables[0].row(3), None);
    }

    #[test]
    fn parts_and_the_whole_may_be_written_in_any_order() {
        let mut parameters = Parameters::default();
        let whole = parameters.matrix("a", 5, 1, Init::Zeros);
        let parts = [whole.part(0..1), whole.part(2..4), whole, whole.part(1..3)];
        let mut gradients = Gradients::new(&parameters);
        gradients.dense.fill(9.0);
        for (handle, expected) in parts.into_iter().zip([false, false, true, true]) {
            let (numbers, accumulate) = gradients.write(handle);
            assert_eq!(accumulate, expected);
            if accumulate {
                numbers.iter_mut().for_each(|x| *x += 1.0);
            } else {
                numbers.fill(1.0);
            }
        }
        assert_eq!(gradients.dense, [2.0, 2.0, 3.0, 2.0, 1.0], "gaps start at zero");
        assert!(gradients.check_complete(&parameters).is_ok());
        gradients.clear();
        assert!(!gradients.write(whole).1);
    }

    #[test]
    fn the_first_write_after_a_clear_overwrites() {
        let mut parameters = Parameters::default();
        let a = parameters.vector("a", 2, Init::Zeros);
        let mut gradients = Gradients::new(&parameters);
        gradients.add(a)[0] = 9.0;
        gradients.clear();
        assert!(!gradients.write(a).1);
        assert!(gradients.write(a).1);
    }
}
