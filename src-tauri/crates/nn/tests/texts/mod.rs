//! The texts of the fixtures, and what PyTorch makes of them.

use serde::Deserialize;
use understudy_nn::PackedBatch;

use crate::models::folder;

/// Token ids and labels of a few texts, with the loss and logits that PyTorch gives.
#[derive(Deserialize)]
pub struct Golden {
    pub sequences: Vec<Vec<u32>>,
    pub labels: Vec<usize>,
    pub loss: f64,
    pub logits: Vec<Vec<f32>>,
}

impl Golden {
    /// All texts.
    pub fn batch(&self) -> PackedBatch {
        PackedBatch::from_sequences(self.sequences.iter().map(Vec::as_slice))
    }
}

/// Those of a fixture.
pub fn golden(name: &str) -> Golden {
    serde_json::from_str(&std::fs::read_to_string(folder(name).join("golden.json")).unwrap()).unwrap()
}
