//! How large a model is and how much of a forward pass it keeps, told from its configuration alone.

use std::path::Path;

use crate::architectures::Architecture;
use crate::config::Config;
use crate::error::Result;
use crate::parameters::{Parameters, Place};

/// Sizes of a model, in numbers of 4 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Numbers outside of embedding tables, the head's not counted.
    pub dense: usize,
    /// Of these, numbers of the layers: what adapters stand beside.
    pub of_layers: usize,
    /// Numbers of embedding tables.
    pub tables: usize,
    /// Length of a table's row.
    pub table_columns: usize,
    /// Size of the hidden states.
    pub hidden: usize,
    /// Layers that are run.
    pub layers: usize,
    /// Layers with numbers of their own; fewer where layers share them.
    pub own_layers: usize,
    /// Numbers that a layer keeps for the way back, per token.
    pub kept_per_token: usize,
    /// The same for the last layer, of which some models need the first tokens only.
    pub last_kept_per_token: usize,
    /// Numbers that a layer needs besides while it runs forward or back, per token.
    pub passing_per_token: usize,
    /// Longest sequence in tokens.
    pub max_length: usize,
    /// Whether [`crate::SequenceClassifier::from_sentence_encoder`] works with it.
    pub takes_pooling_layer: bool,
}

impl Footprint {
    /// Of the model in `folder`; reads `config.json` only.
    ///
    /// # Errors
    /// [`crate::NnError::File`], [`crate::NnError::Config`], [`crate::NnError::UnsupportedArchitecture`].
    pub fn read(folder: &Path) -> Result<Self> {
        Self::of(&Config::read(folder)?)
    }

    /// Of the model with this configuration.
    ///
    /// # Errors
    /// [`crate::NnError::Config`], [`crate::NnError::UnsupportedArchitecture`].
    pub fn of(config: &Config) -> Result<Self> {
        let mut parameters = Parameters::without_numbers();
        let architecture = Architecture::new(config, &mut parameters)?;
        let facts = architecture.facts();
        let mut footprint = Footprint {
            dense: 0,
            of_layers: 0,
            tables: 0,
            table_columns: 0,
            hidden: facts.hidden_size,
            layers: facts.layers,
            own_layers: facts.own_layers,
            kept_per_token: facts.kept_per_token,
            last_kept_per_token: facts.last_kept_per_token,
            passing_per_token: facts.passing_per_token,
            max_length: facts.max_length,
            takes_pooling_layer: architecture.takes_pooling_layer(),
        };
        for entry in parameters.entries() {
            let numbers = entry.shape.iter().product::<usize>();
            match entry.place {
                Place::Table(_) => {
                    footprint.tables += numbers;
                    footprint.table_columns = entry.shape[1];
                }
                Place::Dense(_) => {
                    footprint.dense += numbers;
                    footprint.of_layers += if entry.depth > 0 { numbers } else { 0 };
                }
            }
        }
        Ok(footprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::NnError;

    #[test]
    fn sizes_that_no_model_has_are_refused() {
        for (field, value) in [
            ("num_hidden_layers", u64::from(u32::MAX)),
            ("num_hidden_layers", 1 << 62),
            ("vocab_size", 1 << 63),
            ("intermediate_size", 1 << 40),
            ("max_position_embeddings", 0),
        ] {
            let mut config = serde_json::json!({"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 2,
                "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 30, "max_position_embeddings": 16});
            config[field] = serde_json::json!(value);
            let told = Footprint::of(&Config::parse(&config.to_string()).unwrap());
            assert!(
                matches!(told, Err(NnError::Config { .. })),
                "{field} {value}: {told:?}"
            );
        }
    }

    #[test]
    fn configurations_that_no_model_has_are_refused_before_memory_is_taken() {
        let base = serde_json::json!({"hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 16,
            "vocab_size": 30, "max_position_embeddings": 16, "embedding_size": 4, "dim": 8, "n_layers": 4, "n_heads": 2,
            "hidden_dim": 16, "pad_token_id": 1, "relative_attention": true, "pos_att_type": ["c2p", "p2c"],
            "position_biased_input": false, "type_vocab_size": 0, "share_att_key": true, "norm_rel_ebd": "layer_norm"});
        let with = |changes: serde_json::Value| {
            let mut config = base.clone();
            let fields = changes.as_object().unwrap().clone();
            config.as_object_mut().unwrap().extend(fields);
            Footprint::of(&Config::parse(&config.to_string()).unwrap())
        };
        for kind in crate::MODEL_TYPES {
            with(serde_json::json!({"model_type": kind})).unwrap();
            for field in [
                "hidden_size",
                "num_hidden_layers",
                "intermediate_size",
                "vocab_size",
                "max_position_embeddings",
            ] {
                let field = match (kind, field) {
                    ("distilbert", "hidden_size") => "dim",
                    ("distilbert", "num_hidden_layers") => "n_layers",
                    ("distilbert", "intermediate_size") => "hidden_dim",
                    _ => field,
                };
                let told = with(serde_json::json!({"model_type": kind, field: 0}));
                assert!(
                    matches!(told, Err(NnError::Config { .. })),
                    "{kind} {field}: {told:?}"
                );
            }
        }
        for changes in [
            serde_json::json!({"model_type": "albert", "num_hidden_groups": 0}),
            serde_json::json!({"model_type": "albert", "num_hidden_groups": 3}),
            serde_json::json!({"model_type": "albert", "num_hidden_groups": 8}),
            serde_json::json!({"model_type": "electra", "embedding_size": 0}),
            serde_json::json!({"model_type": "roberta", "pad_token_id": 1000}),
            serde_json::json!({"model_type": "mpnet", "pad_token_id": 15}),
            serde_json::json!({"model_type": "modernbert", "max_position_embeddings": 1 << 24}),
            serde_json::json!({"model_type": "modernbert", "hidden_size": 21, "num_attention_heads": 3}),
            serde_json::json!({"model_type": "modernbert", "hidden_activation": "relu"}),
            serde_json::json!({"model_type": "modernbert", "layer_types": (vec!["full_attention"; 4])}),
            serde_json::json!({"model_type": "deberta-v2", "position_buckets": 8, "max_relative_positions": 5}),
            serde_json::json!({"model_type": "deberta-v2", "position_buckets": 1}),
        ] {
            let told = with(changes.clone());
            assert!(matches!(told, Err(NnError::Config { .. })), "{changes}: {told:?}");
        }
    }

    #[test]
    fn bert_base_has_the_parameters_that_its_paper_says() {
        let config = r#"{"model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
            "intermediate_size": 3072, "vocab_size": 30522, "max_position_embeddings": 512}"#;
        let footprint = Footprint::of(&Config::parse(config).unwrap()).unwrap();
        assert_eq!(footprint.tables, 30_522 * 768);
        // 110 million without the pooler.
        assert_eq!(footprint.tables + footprint.dense, 108_891_648);
        assert_eq!(footprint.of_layers, 12 * 7_087_872);
        assert_eq!(footprint.kept_per_token, 8 * 768 + 2 * 3072);
    }
}
