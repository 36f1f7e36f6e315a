//! The BERT family as a graph.

use super::{Layer, PostNorm, buckets};
use crate::kernels::elementwise::Activation;
use crate::onnx::attention::{gather, project, scores};
use crate::onnx::graph::Attribute;
use crate::onnx::{Graph, Inputs, Value};

impl PostNorm {
    /// The hidden states of the last layer, `[batch, sequence, hidden]`.
    pub(crate) fn graph(&self, g: &mut Graph, inputs: &Inputs) -> Value {
        let length = g.length(&inputs.ids);
        g.set_scope("embeddings");
        let mut x = self.embeddings_graph(g, inputs, &length);
        let unseen = g.unseen_tokens(&inputs.mask);
        let distances = self.distances_graph(g, &length);
        for (i, layer) in self.layers.iter().enumerate() {
            g.set_scope(format!("layer.{i}"));
            x = layer.graph(g, &x, &unseen, distances.as_ref());
        }
        x
    }

    fn embeddings_graph(&self, g: &mut Graph, inputs: &Inputs, length: &Value) -> Value {
        let words = g.table(self.tables.words);
        let mut x = g.node("Gather", &[&words, &inputs.ids]);
        if let Some(&positions) = self.tables.others.first() {
            let positions = g.parameter(positions);
            // Padding stands on the right: positions count from the first token in every row.
            let rows = g.first_rows(&positions, self.options.first_position, length);
            x = g.node("Add", &[&x, &rows]);
        }
        if let Some(&segments) = self.tables.others.get(1) {
            let row = match self.options.segments {
                // Where there is one segment, as in RoBERTa, tokenizers do not tell it.
                1 => g.parameter(segments),
                _ => {
                    let (table, types) = (g.parameter(segments), g.input("token_type_ids"));
                    g.node("Gather", &[&table, &types])
                }
            };
            x = g.node("Add", &[&x, &row]);
        }
        let x = g.layer_norm(&x, self.embedding_norm);
        match &self.projection {
            Some(projection) => projection.graph(g, &x, Activation::Identity),
            None => x,
        }
    }

    /// What distances add to scores, `[1, heads, sequence, sequence]`: a number for each distance that can occur.
    fn distances_graph(&self, g: &mut Graph, length: &Value) -> Option<Value> {
        let table = g.numbers_of(self.distances?);
        let (longest, heads) = (self.max_length(), self.options.heads);
        let rows = buckets(longest, self.options.distance_buckets);
        let numbers = rows
            .iter()
            .flat_map(|&bucket| table[bucket as usize * heads..][..heads].iter().copied())
            .collect();
        let table = g.computed("bias_by_distance", vec![rows.len(), heads], numbers);
        let (centre, first) = (g.integer(longest as i64 - 1), g.integers(&[0]));
        let distances = g.distances(length);
        let places = g.node("Add", &[&distances, &centre]);
        let bias = g.node_with(
            "Gather",
            &[&table, &places],
            vec![("axis", Attribute::Integer(0))],
        );
        let bias = g.transpose(&bias, &[2, 0, 1]);
        Some(g.node("Unsqueeze", &[&bias, &first]))
    }
}

impl Layer {
    fn graph(&self, g: &mut Graph, x: &Value, unseen: &Value, distances: Option<&Value>) -> Value {
        let heads = project(g, x, self.qkv, &self.attention);
        let scores = scores(g, &heads);
        let added: Vec<&Value> = distances.into_iter().chain([unseen]).collect();
        let size = self.qkv.columns() / self.attention.heads;
        let context = gather(g, &scores, &added, &heads.value, size, 1.0);
        let x = self.attention_output.graph(g, &context, x);
        let y = self.intermediate.graph(g, &x, self.activation);
        self.output.graph(g, &y, &x)
    }
}
