//! Attention as a graph: what [`crate::ops::attention`] computes for packed sequences, for a padded batch.

use super::graph::{Graph, Value};
use crate::ops::AttentionShape;
use crate::parameters::Dense;

/// Query, key and value by heads: `[batch, heads, sequence, size]`.
pub struct Heads {
    /// Queries.
    pub query: Value,
    /// Keys.
    pub key: Value,
    /// Values.
    pub value: Value,
}

/// Projects hidden states to query, key and value of every head.
pub fn project(g: &mut Graph, x: &Value, qkv: Dense, shape: &AttentionShape) -> Heads {
    let hidden = qkv.rows() / 3;
    let [query, key, value] = [0, 1, 2].map(|which| {
        let part = which * hidden..(which + 1) * hidden;
        let bias = shape.bias.map(|bias| bias.part(part.clone()));
        let y = g.linear(x, qkv.part(part), bias);
        let y = g.reshape(&y, &[0, 0, shape.heads as i64, (hidden / shape.heads) as i64]);
        g.transpose(&y, &[0, 2, 1, 3])
    });
    Heads { query, key, value }
}

/// `query · key`, `[batch, heads, sequence, sequence]`.
pub fn scores(g: &mut Graph, heads: &Heads) -> Value {
    let keys = g.transpose(&heads.key, &[0, 1, 3, 2]);
    g.node("MatMul", &[&heads.query, &keys])
}

/// What every token gathers by its scores: `softmax(scale · scores + added) · value`, `[batch, sequence, hidden]`.
/// `terms` is of how many products a score is the sum.
pub fn gather(
    g: &mut Graph,
    scores: &Value,
    added: &[&Value],
    value: &Value,
    size: usize,
    terms: f32,
) -> Value {
    let scale = g.number(1.0 / (terms * size as f32).sqrt());
    let mut scores = g.node("Mul", &[scores, &scale]);
    for added in added {
        scores = g.node("Add", &[&scores, added]);
    }
    let shares = g.node_with(
        "Softmax",
        &[&scores],
        vec![("axis", super::graph::Attribute::Integer(-1))],
    );
    let context = g.node("MatMul", &[&shares, value]);
    let context = g.transpose(&context, &[0, 2, 1, 3]);
    g.reshape(&context, &[0, 0, -1])
}
