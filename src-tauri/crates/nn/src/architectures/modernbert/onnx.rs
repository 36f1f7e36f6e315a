//! ModernBERT as a graph.

use super::{Layer, ModernBert};
use crate::onnx::attention::{gather, project, scores};
use crate::onnx::graph::Attribute;
use crate::onnx::{Graph, Inputs, Value};

/// What the layers of one kind share.
struct Sight {
    /// Added to scores: what is not seen.
    unseen: Value,
    /// Cosines and sines of the positions, `[sequence, size / 2]`.
    turns: Option<[Value; 2]>,
}

impl ModernBert {
    /// The hidden states after the last normalisation, `[batch, sequence, hidden]`.
    pub(crate) fn graph(&self, g: &mut Graph, inputs: &Inputs) -> Value {
        let length = g.length(&inputs.ids);
        g.set_scope("embeddings");
        let words = g.table(self.words.words);
        let x = g.node("Gather", &[&words, &inputs.ids]);
        let mut x = g.layer_norm(&x, self.embedding_norm);
        let padding = g.unseen_tokens(&inputs.mask);
        let [mut global, mut local] = [None, None];
        for (i, layer) in self.layers.iter().enumerate() {
            let (kind, name) = match layer.attention.window {
                Some(_) => (&mut local, "local"),
                None => (&mut global, "global"),
            };
            g.set_scope(name);
            let sight = &*kind.get_or_insert_with(|| self.sight(g, layer, name, &length, &padding));
            g.set_scope(format!("layer.{i}"));
            x = layer.graph(g, &x, sight);
        }
        g.layer_norm(&x, self.final_norm)
    }

    fn sight(&self, g: &mut Graph, layer: &Layer, name: &str, length: &Value, padding: &Value) -> Sight {
        let unseen = match layer.attention.window {
            None => padding.clone(),
            Some(window) => {
                let window = g.integer(window as i64);
                let distances = g.distances(length);
                let distances = g.node("Abs", &[&distances]);
                let far = g.node("Greater", &[&distances, &window]);
                let far = g.float(&far);
                let far = g.unseen(&far);
                g.node("Add", &[padding, &far])
            }
        };
        let turns = layer.attention.rotary.as_deref().map(|rotary| {
            let half = self.hidden_size / layer.attention.heads / 2;
            let (cosines, sines) = rotary.tables();
            [("cosines", cosines), ("sines", sines)].map(|(what, numbers)| {
                let dimensions = vec![self.max_length, half];
                let table = g.computed(&format!("rotary.{name}.{what}"), dimensions, numbers.to_vec());
                g.first_rows(&table, 0, length)
            })
        });
        Sight { unseen, turns }
    }
}

impl Layer {
    fn graph(&self, g: &mut Graph, x: &Value, sight: &Sight) -> Value {
        let normalised = match self.attention_norm {
            Some(norm) => g.layer_norm(x, norm),
            None => x.clone(),
        };
        let mut heads = project(g, &normalised, self.qkv.weight, &self.attention);
        if let Some(turns) = &sight.turns {
            heads.query = turned(g, &heads.query, turns);
            heads.key = turned(g, &heads.key, turns);
        }
        let scores = scores(g, &heads);
        let size = self.qkv.weight.columns() / self.attention.heads;
        let context = gather(g, &scores, &[&sight.unseen], &heads.value, size, 1.0);
        let y = self
            .attention_output
            .graph(g, &context, super::Activation::Identity);
        let x = g.node("Add", &[&y, x]);
        let y = g.layer_norm(&x, self.feed_forward_norm);
        let y = self.inner.graph(g, &y, super::Activation::Identity);
        let [value, gate] = g.halves(&y);
        let value = g.activation(&value, self.activation);
        let y = g.node("Mul", &[&value, &gate]);
        let y = self.outer.graph(g, &y, super::Activation::Identity);
        g.node("Add", &[&y, &x])
    }
}

/// Queries or keys, turned by their positions' angles.
fn turned(g: &mut Graph, x: &Value, [cosines, sines]: &[Value; 2]) -> Value {
    let [first, second] = g.halves(x);
    let [a, b] = [
        g.node("Mul", &[&first, cosines]),
        g.node("Mul", &[&second, sines]),
    ];
    let [c, d] = [
        g.node("Mul", &[&second, cosines]),
        g.node("Mul", &[&first, sines]),
    ];
    let [x, y] = [g.node("Sub", &[&a, &b]), g.node("Add", &[&c, &d])];
    g.node_with("Concat", &[&x, &y], vec![("axis", Attribute::Integer(-1))])
}
