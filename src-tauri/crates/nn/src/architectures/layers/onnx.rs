//! The layers that all encoders are made of, as a graph.

use super::{BranchEnd, Linear};
use crate::kernels::elementwise::Activation;
use crate::onnx::{Graph, Value};

impl Linear {
    /// As [`Linear::forward`].
    pub(crate) fn graph(&self, g: &mut Graph, x: &Value, activation: Activation) -> Value {
        let y = g.linear(x, self.weight, self.bias);
        g.activation(&y, activation)
    }
}

impl BranchEnd {
    /// As [`BranchEnd::forward`], without dropout.
    pub(crate) fn graph(&self, g: &mut Graph, x: &Value, residual: &Value) -> Value {
        let y = g.linear(x, self.weight, Some(self.bias));
        let sum = g.node("Add", &[&y, residual]);
        g.layer_norm(&sum, self.norm)
    }
}
