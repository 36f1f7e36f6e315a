//! A model's parameters as they lie on a device.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Result, Tensor};

use super::padding::Padding;
use crate::kernels::matmul::Precision;
use crate::parameters::{Dense, Parameters, TableId};

/// The numbers of a model on a device: what learns there, until [`Mirror::fetch`] brings it back.
#[derive(Debug)]
pub struct Mirror {
    device: Device,
    precision: Precision,
    /// As [`Parameters::dense`], 32 bits.
    dense: Tensor,
    /// As [`Parameters::tables`], `[rows, columns]`, 32 bits.
    tables: Vec<Tensor>,
    /// `dense` in the numbers that products are computed in.
    rounded: Tensor,
    /// How the sequences of the latest batch lie in a rectangle; one batch asks for it in every layer.
    padding: Mutex<Option<Arc<Padding>>>,
    /// Where rows of dropout begin, by rows and columns.
    starts: Mutex<HashMap<(usize, usize), Tensor>>,
}

/// Batches differ in size: so many sizes are kept at most.
const MOST_STARTS: usize = 16;

impl Mirror {
    /// Copies the parameters to `device`, where they will learn in products of `precision`.
    ///
    /// # Errors
    /// What the device says, as when its memory is too small.
    pub fn new(parameters: &Parameters, device: &Device, precision: Precision) -> Result<Self> {
        let dense = Tensor::from_slice(&parameters.dense, parameters.dense.len(), device)?;
        let tables = parameters.tables.iter().map(|table| {
            let rows = table.values.len() / table.columns;
            Tensor::from_slice(&table.values, (rows, table.columns), device)
        });
        Ok(Mirror {
            device: device.clone(),
            precision,
            tables: tables.collect::<Result<_>>()?,
            rounded: dense.to_dtype(dtype(precision))?,
            dense,
            padding: Mutex::new(None),
            starts: Mutex::default(),
        })
    }

    /// Where the numbers lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A part of the dense numbers, `[range]`, 32 bits.
    ///
    /// # Errors
    /// What the device says.
    pub fn dense(&self, range: &Range<usize>) -> Result<Tensor> {
        self.dense.narrow(0, range.start, range.len())
    }

    /// A table, `[rows, columns]`, 32 bits.
    #[must_use]
    pub fn table(&self, index: usize) -> &Tensor {
        &self.tables[index]
    }

    /// Puts other numbers in place of a part of the dense ones. Must be followed by [`Mirror::round`].
    ///
    /// # Errors
    /// What the device says.
    pub fn set_dense(&mut self, start: usize, numbers: &Tensor) -> Result<()> {
        self.dense.slice_set(numbers, 0, start)
    }

    /// Puts other numbers in place of a table.
    pub fn set_table(&mut self, index: usize, numbers: Tensor) {
        self.tables[index] = numbers;
    }

    /// After the dense numbers have changed: rounds them again for the products.
    ///
    /// # Errors
    /// What the device says.
    pub fn round(&mut self) -> Result<()> {
        self.rounded = self.dense.to_dtype(dtype(self.precision))?;
        Ok(())
    }

    /// Copies everything back.
    ///
    /// # Errors
    /// What the device says.
    pub fn fetch(&self, parameters: &mut Parameters) -> Result<()> {
        parameters.dense = self.dense.to_vec1()?;
        for (table, tensor) in parameters.tables.iter_mut().zip(&self.tables) {
            table.values = tensor.flatten_all()?.to_vec1()?;
        }
        Ok(())
    }

    /// A matrix for a product in these numbers, `[rows, columns]`.
    pub(crate) fn matrix(&self, handle: Dense, precision: Precision) -> Result<Tensor> {
        if precision != self.precision {
            return self.parameter(handle)?.to_dtype(dtype(precision));
        }
        let range = handle.range();
        let numbers = self.rounded.narrow(0, range.start, range.len())?;
        numbers.reshape((handle.rows(), handle.columns()))
    }

    /// A parameter as it is, `[rows, columns]`, 32 bits.
    pub(crate) fn parameter(&self, handle: Dense) -> Result<Tensor> {
        self.dense(&handle.range())?
            .reshape((handle.rows(), handle.columns()))
    }

    /// A table by its handle.
    pub(crate) fn table_of(&self, id: TableId) -> &Tensor {
        &self.tables[id.index()]
    }

    /// The number of the first element of each row of a matrix, `[rows]`.
    pub(super) fn row_starts(&self, rows: usize, columns: usize) -> Result<Tensor> {
        let mut kept = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(starts) = kept.get(&(rows, columns)) {
            return Ok(starts.clone());
        }
        if kept.len() == MOST_STARTS {
            kept.clear();
        }
        let starts = (0..rows as u32).map(|row| row.wrapping_mul(columns as u32));
        let starts = Tensor::from_vec(starts.collect::<Vec<_>>(), rows, &self.device)?;
        kept.insert((rows, columns), starts.clone());
        Ok(starts)
    }

    /// How these sequences lie in a rectangle.
    pub(super) fn padding(&self, offsets: &Arc<[usize]>) -> Result<Arc<Padding>> {
        let mut kept = self.padding.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(padding) if padding.is_of(offsets) => Ok(Arc::clone(padding)),
            _ => {
                let padding = Arc::new(Padding::new(offsets, &self.device)?);
                *kept = Some(Arc::clone(&padding));
                Ok(padding)
            }
        }
    }
}

/// The numbers that activations are kept in where products are computed in these.
pub(crate) fn dtype(precision: Precision) -> DType {
    match precision {
        Precision::F32 => DType::F32,
        Precision::Bf16 => DType::BF16,
    }
}
