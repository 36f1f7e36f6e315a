//! DeBERTa as a graph.

use super::{Deberta, Layer};
use crate::kernels::elementwise::Activation;
use crate::onnx::attention::{gather, project, scores};
use crate::onnx::graph::Attribute;
use crate::onnx::{Graph, Inputs, Value};
use crate::parameters::Dense;

/// Products of which a score is the sum: content with content, with position, position with content.
const TERMS: f32 = 3.0;

/// What all layers share.
struct Shared {
    /// Embeddings of distances, `[places, hidden]`.
    distances: Value,
    /// Row of the distance of every query from every key, `[query, key]`.
    places: Value,
    /// The same, `[key, query]`.
    places_by_key: Value,
    /// Added to scores: what is not seen.
    unseen: Value,
}

impl Deberta {
    /// The hidden states of the last layer, `[batch, sequence, hidden]`.
    pub(crate) fn graph(&self, g: &mut Graph, inputs: &Inputs) -> Value {
        let length = g.length(&inputs.ids);
        g.set_scope("embeddings");
        let words = g.table(self.words.words);
        let mut x = g.node("Gather", &[&words, &inputs.ids]);
        if let Some(projection) = &self.projection {
            x = projection.graph(g, &x, Activation::Identity);
        }
        let mut x = g.layer_norm(&x, self.embedding_norm);
        let shared = self.shared_graph(g, inputs, &length);
        for (i, layer) in self.layers.iter().enumerate() {
            g.set_scope(format!("layer.{i}"));
            x = layer.graph(g, &x, &shared);
        }
        x
    }

    fn shared_graph(&self, g: &mut Graph, inputs: &Inputs, length: &Value) -> Shared {
        let distances = g.parameter(self.distances);
        let distances = match self.distance_norm {
            Some(norm) => g.layer_norm(&distances, norm),
            None => distances,
        };
        let farthest = self.max_length as isize - 1;
        let rows = (-farthest..=farthest).map(|distance| self.buckets.place(distance) as i64);
        let rows = g.named_integers("place_of_distance", rows.collect());
        let centre = g.integer(farthest as i64);
        let from_query = g.distances(length);
        // A place belongs to the distance of a query from its key.
        let from_key = g.node("Sub", &[&centre, &from_query]);
        let places = g.node("Gather", &[&rows, &from_key]);
        Shared {
            distances,
            places_by_key: g.transpose(&places, &[1, 0]),
            places,
            unseen: g.unseen_tokens(&inputs.mask),
        }
    }
}

impl Layer {
    fn graph(&self, g: &mut Graph, x: &Value, shared: &Shared) -> Value {
        let hidden = self.qkv.columns();
        let size = hidden / self.attention.heads;
        let heads = project(g, x, self.qkv, &self.attention);
        let content = scores(g, &heads);
        let shape = g.node("Shape", &[&content]);
        let keys = self.projected_distances(g, &shared.distances, hidden..2 * hidden);
        let queries = self.projected_distances(g, &shared.distances, 0..hidden);
        let to_position = scores_at(g, &heads.query, &keys, &shared.places, &shape);
        let from_position = scores_at(g, &heads.key, &queries, &shared.places_by_key, &shape);
        let from_position = g.transpose(&from_position, &[0, 1, 3, 2]);
        let sum = g.node("Add", &[&content, &to_position]);
        let sum = g.node("Add", &[&sum, &from_position]);
        let context = gather(g, &sum, &[&shared.unseen], &heads.value, size, TERMS);
        let x = self.attention_output.graph(g, &context, x);
        let y = self.intermediate.graph(g, &x, self.activation);
        self.output.graph(g, &y, &x)
    }

    /// The distances as queries or keys of every head, `[heads, size, places]`.
    fn projected_distances(&self, g: &mut Graph, distances: &Value, part: std::ops::Range<usize>) -> Value {
        let heads = self.attention.heads;
        let size = part.len() / heads;
        let bias = self.attention.bias.map(|bias| Dense::part(bias, part.clone()));
        let y = g.linear(distances, self.qkv.part(part), bias);
        let y = g.reshape(&y, &[0, heads as i64, size as i64]);
        g.transpose(&y, &[1, 2, 0])
    }
}

/// Products of every token with the distances' projections, each at the place of its partner's distance.
fn scores_at(g: &mut Graph, tokens: &Value, distances: &Value, places: &Value, shape: &Value) -> Value {
    let all = g.node("MatMul", &[tokens, distances]);
    let places = g.node("Expand", &[places, shape]);
    g.node_with(
        "GatherElements",
        &[&all, &places],
        vec![("axis", Attribute::Integer(3))],
    )
}
