//! Sums of embeddings: word, position and segment, each a row of a table.

use crate::device;
use crate::kernels::parallel;
use crate::parameters::{Dense, TableId};
use crate::tape::{Backward, BackwardPass, Interpolation, Tape, Var, VarId};

/// The tables whose rows are added up. All have the same number of columns.
#[derive(Debug, Clone)]
pub struct EmbeddingTables {
    /// `[vocabulary, hidden]`; its gradient is kept by rows.
    pub words: TableId,
    /// Further tables, small enough for a dense gradient (positions, segments).
    pub others: Vec<Dense>,
}

/// `y[t] = words[ids[t]] + Σ others[i][indices[i][t]]`, `[tokens, hidden]`. `indices` holds one list a further table.
/// On a tape with an [`Interpolation`] the words' rows stand between two words, and the way back ends here.
pub fn embed(tape: &mut Tape, tables: &EmbeddingTables, ids: &[u32], indices: Vec<Vec<u32>>) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::embed(tape, mirror, tables, ids, &indices);
    }
    let parameters = tape.parameters();
    let words = parameters.table_of(tables.words);
    let columns = words.columns;
    let others: Vec<&[f32]> = tables
        .others
        .iter()
        .map(|&handle| parameters.get(handle))
        .collect();
    let interpolation = tape.interpolation();
    let mut y = tape.pool().take(ids.len() * columns);
    parallel::for_rows(&mut y, columns, |rows, block| {
        for (token, y) in rows.zip(block.chunks_exact_mut(columns)) {
            let row = |id: u32| &words.values[id as usize * columns..][..columns];
            match interpolation {
                Some(Interpolation { from, shares }) => {
                    for ((y, &from), &own) in y.iter_mut().zip(row(from[token])).zip(row(ids[token])) {
                        *y = (1.0 - shares[token]) * from + shares[token] * own;
                    }
                }
                None => y.copy_from_slice(row(ids[token])),
            }
            for (table, indices) in others.iter().zip(&indices) {
                let row = &table[indices[token] as usize * columns..][..columns];
                y.iter_mut().zip(row).for_each(|(y, x)| *y += x);
            }
        }
    });
    let y = tape.var(y, columns);
    if tape.interpolation().is_some() {
        tape.set_embedded(&y, tables.words);
        return y;
    }
    let ids = ids.to_vec();
    tape.record(|| Embed {
        tables: tables.clone(),
        ids,
        indices,
        y: (&y).into(),
    });
    y
}

struct Embed {
    tables: EmbeddingTables,
    ids: Vec<u32>,
    indices: Vec<Vec<u32>>,
    y: VarId,
}

impl Backward for Embed {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let d = pass.take(self.y);
        let columns = pass.parameters.table_of(self.tables.words).columns;
        let words = pass.gradients.table(self.tables.words);
        for (&id, d) in self.ids.iter().zip(d.chunks_exact(columns)) {
            words.add(id, d);
        }
        for (&table, indices) in self.tables.others.iter().zip(&self.indices) {
            let gradient = pass.gradients.add(table);
            for (&index, d) in indices.iter().zip(d.chunks_exact(columns)) {
                let row = &mut gradient[index as usize * columns..][..columns];
                row.iter_mut().zip(d).for_each(|(sum, x)| *sum += x);
            }
        }
        pass.pool.give(d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};

    #[test]
    fn gradients_equal_finite_differences_also_for_repeated_words() {
        let mut parameters = Parameters::default();
        let words = parameters.table("words", 6, 3, Init::Normal(1.0));
        let positions = parameters.matrix("positions", 4, 3, Init::Normal(1.0));
        let tables = EmbeddingTables {
            words,
            others: vec![positions],
        };
        check::gradients(parameters, |tape| {
            embed(tape, &tables, &[2, 5, 2, 0], vec![vec![0, 1, 0, 1]])
        });
    }
}
