//! Any encoder as a graph.

use super::{Architecture, Encoder};
use crate::head::Pooling;
use crate::onnx::{Graph, Inputs, Value};

impl Architecture {
    /// One representation a text, `[batch, hidden]`.
    pub(crate) fn graph(&self, g: &mut Graph, pooling: Pooling) -> Value {
        let inputs = Inputs::new(g);
        let x = match &self.encoder {
            Encoder::PostNorm(encoder) => encoder.graph(g, &inputs),
            Encoder::Deberta(encoder) => encoder.graph(g, &inputs),
            Encoder::ModernBert(encoder) => encoder.graph(g, &inputs),
        };
        g.set_scope("head");
        match pooling {
            Pooling::First => g.first_token(&x),
            Pooling::Mean => g.mean_token(&x, &inputs.mask),
        }
    }
}
