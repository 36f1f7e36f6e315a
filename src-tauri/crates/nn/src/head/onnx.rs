//! A classification head as a graph.

use super::Head;
use crate::kernels::elementwise::Activation;
use crate::onnx::{Graph, Value};

impl Head {
    /// `[batch, hidden]` → logits, as [`Head::forward`] without dropout.
    pub(crate) fn graph(&self, g: &mut Graph, x: &Value) -> Value {
        let mut x = self.dense.graph(g, x, self.shape.activation);
        if let Some(norm) = self.norm {
            x = g.layer_norm(&x, norm);
        }
        self.out.graph(g, &x, Activation::Identity)
    }
}
