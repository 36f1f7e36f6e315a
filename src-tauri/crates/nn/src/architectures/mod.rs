//! Encoders, each a composition of [`crate::ops`] with the names of its checkpoints. Adding one: a file here, a
//! variant or a line below, a fixture for `tests/golden.rs`.

pub mod albert;
pub mod bert;
pub mod deberta;
pub mod distilbert;
pub mod layers;
pub mod modernbert;
mod onnx;
pub mod post_norm;
pub mod roberta;

use std::sync::Arc;

use crate::batch::PackedBatch;
use crate::config::Config;
use crate::error::{NnError, Result};
use crate::head::{HeadShape, Pooling, pool};
use crate::kernels::elementwise::Activation;
use crate::parameters::{Dense, Parameters};
use crate::tape::{Tape, Var};
use post_norm::PostNorm;

/// What [`Architecture::new`] understands as `model_type`.
pub const MODEL_TYPES: [&str; 10] = [
    "bert",
    "distilbert",
    "roberta",
    "xlm-roberta",
    "camembert",
    "electra",
    "mpnet",
    "albert",
    "deberta-v2",
    "modernbert",
];

/// An encoder that can be trained.
#[derive(Debug, Clone)]
pub struct Architecture {
    encoder: Encoder,
    head: HeadShape,
    classifier_class: &'static str,
    prefix: &'static str,
}

/// What others must know of an encoder.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Size of the hidden states.
    pub hidden_size: usize,
    /// Number of token ids.
    pub vocabulary: usize,
    /// Longest sequence in tokens.
    pub max_length: usize,
    /// Layers that are run.
    pub layers: usize,
    /// Layers with parameters of their own; those of layer `i` have depth `i + 1`.
    pub own_layers: usize,
    /// Numbers that a layer keeps for the way back, per token.
    pub kept_per_token: usize,
    /// The same for the last layer, of which some models need the first tokens only.
    pub last_kept_per_token: usize,
    /// Numbers that a layer needs besides while it runs, per token.
    pub passing_per_token: usize,
}

/// The matrices of a layer, with what they are for.
type Matrices = [(&'static str, Dense); 4];

#[derive(Debug, Clone)]
enum Encoder {
    /// BERT and its relatives; also MiniLM, BGE, E5, MacBERT, LEGAL-BERT, PubMedBERT, …
    PostNorm(PostNorm),
    /// DeBERTa-v2 and -v3.
    Deberta(deberta::Deberta),
    /// ModernBERT.
    ModernBert(modernbert::ModernBert),
}

impl Architecture {
    /// Declares the parameters of the encoder that `config` asks for by its `model_type`.
    ///
    /// # Errors
    /// [`NnError::UnsupportedArchitecture`], [`NnError::Config`].
    pub fn new(config: &Config, parameters: &mut Parameters) -> Result<Self> {
        let model_type = config.word("model_type", "")?;
        let (encoder, classifier_class) = match model_type {
            "bert" => (
                family(bert::bert(config)?, parameters),
                "BertForSequenceClassification",
            ),
            "electra" => (
                family(bert::electra(config)?, parameters),
                "ElectraForSequenceClassification",
            ),
            "roberta" => (
                family(roberta::roberta(config)?, parameters),
                "RobertaForSequenceClassification",
            ),
            "xlm-roberta" => (
                family(roberta::roberta(config)?, parameters),
                "XLMRobertaForSequenceClassification",
            ),
            "camembert" => (
                family(roberta::roberta(config)?, parameters),
                "CamembertForSequenceClassification",
            ),
            "mpnet" => (
                family(roberta::mpnet(config)?, parameters),
                "MPNetForSequenceClassification",
            ),
            "distilbert" => (
                family(distilbert::distilbert(config)?, parameters),
                "DistilBertForSequenceClassification",
            ),
            "albert" => (
                family(albert::albert(config)?, parameters),
                "AlbertForSequenceClassification",
            ),
            "deberta-v2" => (
                Encoder::Deberta(deberta::Deberta::new(config, parameters)?),
                "DebertaV2ForSequenceClassification",
            ),
            "modernbert" => (
                Encoder::ModernBert(modernbert::ModernBert::new(config, parameters)?),
                "ModernBertForSequenceClassification",
            ),
            other => {
                return Err(NnError::UnsupportedArchitecture {
                    found: other.to_owned(),
                });
            }
        };
        let prefix = match &encoder {
            Encoder::PostNorm(encoder) => encoder.options().names.prefix,
            Encoder::Deberta(_) => deberta::PREFIX,
            Encoder::ModernBert(_) => modernbert::PREFIX,
        };
        Ok(Architecture {
            head: head_shape(model_type, config)?,
            encoder,
            classifier_class,
            prefix,
        })
    }

    /// What stands before the encoder's names in checkpoints of whole models, and is absent from its own.
    pub fn prefix(&self) -> &'static str {
        self.prefix
    }

    /// Name of the class that loads a saved classifier in Transformers.
    pub fn classifier_class(&self) -> &'static str {
        self.classifier_class
    }

    /// The convention of its classification head.
    pub fn head(&self) -> HeadShape {
        self.head
    }

    /// What others must know of the encoder.
    pub fn facts(&self) -> Facts {
        match &self.encoder {
            Encoder::PostNorm(encoder) => encoder.facts(),
            Encoder::Deberta(encoder) => encoder.facts(),
            Encoder::ModernBert(encoder) => encoder.facts(),
        }
    }

    /// Sets the probability of dropout everywhere in the encoder.
    pub fn set_dropout(&mut self, probability: f32) {
        match &mut self.encoder {
            Encoder::PostNorm(encoder) => encoder.set_dropout(probability),
            Encoder::Deberta(encoder) => encoder.set_dropout(probability),
            Encoder::ModernBert(encoder) => encoder.set_dropout(probability),
        }
    }

    /// Keeps nothing of the parts below `depth` for a backward pass: 0 trains everything, 1 leaves the embeddings,
    /// `i + 1` also the first `i` layers.
    pub fn freeze(&mut self, depth: usize) {
        match &mut self.encoder {
            Encoder::PostNorm(encoder) => encoder.freeze(depth),
            Encoder::Deberta(encoder) => encoder.freeze(depth),
            Encoder::ModernBert(encoder) => encoder.freeze(depth),
        }
    }

    /// The matrices of the layers at `depth` or above, with their names (of those read together, the first's).
    pub fn matrices(&self, depth: usize) -> Vec<(Dense, String)> {
        let layers = match &self.encoder {
            Encoder::PostNorm(encoder) => encoder.matrices(),
            Encoder::Deberta(encoder) => encoder.matrices(),
            Encoder::ModernBert(encoder) => encoder.matrices(),
        };
        layers
            .into_iter()
            .enumerate()
            .skip(depth.saturating_sub(1))
            .flat_map(|(i, matrices)| {
                let name = move |part: &str| format!("{}layers.{i}.{part}", self.prefix);
                matrices.map(|(part, weight)| (weight, name(part)))
            })
            .collect()
    }

    /// Lets a checkpoint lack the last layer, which [`Architecture::set_pooling_layer`] will fill.
    ///
    /// # Errors
    /// [`NnError::UnsupportedArchitecture`] outside of the BERT family, or where layers share their parameters.
    pub fn expect_pooling_layer(&self, parameters: &mut Parameters) -> Result<()> {
        if !self.takes_pooling_layer() {
            return Err(NnError::UnsupportedArchitecture {
                found: format!("{} with the mean of all tokens", self.classifier_class),
            });
        }
        parameters.mark_optional_at(self.facts().own_layers);
        Ok(())
    }

    /// Whether a layer that gathers the mean of all tokens can be put on it.
    pub fn takes_pooling_layer(&self) -> bool {
        // DistilBERT calls its layers by another name in its configuration.
        matches!(&self.encoder, Encoder::PostNorm(encoder) if encoder.has_own_layers())
            && self.prefix != "distilbert."
    }

    /// Makes the last layer one that lets the first token gather the mean of all tokens.
    pub fn set_pooling_layer(&self, parameters: &mut Parameters) {
        if let Encoder::PostNorm(encoder) = &self.encoder {
            encoder.set_pooling_layer(parameters);
        }
    }

    /// One representation a sequence, `[sequences, hidden]`.
    ///
    /// # Errors
    /// [`NnError::Batch`].
    pub fn pooled(&self, tape: &mut Tape, batch: &PackedBatch, pooling: Pooling) -> Result<Var> {
        let offsets: Arc<[usize]> = Arc::from(batch.offsets.as_slice());
        let x = match &self.encoder {
            Encoder::PostNorm(encoder) if pooling == Pooling::First => {
                return encoder.first(tape, batch, &offsets);
            }
            Encoder::PostNorm(encoder) => encoder.hidden_states(tape, batch, &offsets)?,
            Encoder::Deberta(encoder) => encoder.hidden_states(tape, batch, &offsets)?,
            Encoder::ModernBert(encoder) => encoder.hidden_states(tape, batch, &offsets)?,
        };
        Ok(pool(tape, &x, &offsets, pooling))
    }
}

fn family(options: post_norm::Options, parameters: &mut Parameters) -> Encoder {
    Encoder::PostNorm(PostNorm::new(options, parameters))
}

/// How Transformers' `…ForSequenceClassification` of each architecture gets from hidden states to logits.
fn head_shape(model_type: &str, config: &Config) -> Result<HeadShape> {
    let hidden_dropout = config.number("hidden_dropout_prob", 0.1)?;
    // The pooler of BERT: a projection of the first token that belongs to the encoder's checkpoint.
    let bert = HeadShape {
        pooling: Pooling::First,
        dense: "bert.pooler.dense",
        dense_bias: true,
        activation: Activation::Tanh,
        norm: None,
        out: "classifier",
        dropout_first: false,
        dropout: config.number("classifier_dropout", hidden_dropout)? as f32,
    };
    let own = HeadShape {
        dense: "classifier.dense",
        out: "classifier.out_proj",
        dropout_first: true,
        ..bert
    };
    Ok(match model_type {
        "roberta" | "xlm-roberta" | "camembert" => own,
        // Whatever its configuration says of a summary, which is another head's.
        "electra" => HeadShape {
            activation: Activation::Gelu,
            ..own
        },
        "mpnet" => HeadShape {
            dropout: hidden_dropout as f32,
            ..own
        },
        "distilbert" => HeadShape {
            dense: "pre_classifier",
            activation: Activation::Relu,
            dropout: config.number("seq_classif_dropout", 0.2)? as f32,
            ..bert
        },
        "albert" => HeadShape {
            dense: "albert.pooler",
            dropout: config.number("classifier_dropout_prob", 0.1)? as f32,
            ..bert
        },
        "deberta-v2" => HeadShape {
            dense: "pooler.dense",
            activation: layers::activation(config, "pooler_hidden_act", "gelu")?,
            dropout: config.number("cls_dropout", hidden_dropout)? as f32,
            ..bert
        },
        "modernbert" => HeadShape {
            pooling: match config.word("classifier_pooling", "cls")? {
                "mean" => Pooling::Mean,
                _ => Pooling::First,
            },
            dense: "head.dense",
            dense_bias: config.flag("classifier_bias", false)?,
            activation: layers::activation(config, "classifier_activation", "gelu")?,
            norm: Some("head.norm"),
            dropout: config.number("classifier_dropout", 0.0)? as f32,
            ..bert
        },
        _ => bert,
    })
}
