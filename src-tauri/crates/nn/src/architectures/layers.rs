//! The few layers that all encoders are made of, declared under the names of their checkpoints.

mod onnx;

use crate::config::{Config, invalid};
use crate::error::Result;
use crate::head::set_diagonal;
use crate::kernels::elementwise::Activation;
use crate::ops::{self, LayerNorm};
use crate::parameters::{Dense, Init, Parameters};
use crate::tape::{Tape, Var};

/// A projection, `[out, in]`, with its bias where it has one.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    /// The matrix.
    pub weight: Dense,
    /// Added to every row.
    pub bias: Option<Dense>,
}

impl Linear {
    /// `activation(x Wᵀ + b)`.
    pub fn forward(&self, tape: &mut Tape, x: &Var, activation: Activation) -> Var {
        let y = ops::linear(tape, x, self.weight);
        if self.bias.is_none() && activation == Activation::Identity {
            return y;
        }
        ops::bias_activation(tape, y, self.bias, activation)
    }
}

/// The end of a branch of a post-normalised layer: a projection, and the normalisation of its sum with what the branch
/// began with.
#[derive(Debug, Clone, Copy)]
pub struct BranchEnd {
    weight: Dense,
    bias: Dense,
    norm: LayerNorm,
}

impl BranchEnd {
    /// The projection's matrix.
    pub fn weight(&self) -> Dense {
        self.weight
    }

    /// Makes the projection a multiple of the identity, or zero.
    pub fn set_projection(&self, parameters: &mut Parameters, factor: Option<f32>) {
        match factor {
            Some(factor) => set_diagonal(parameters, self.weight, factor),
            None => parameters.get_mut(self.weight).fill(0.0),
        }
    }

    /// `norm(dropout(x Wᵀ + b) + residual)`.
    pub fn forward(&self, tape: &mut Tape, x: &Var, residual: &Var, dropout: f32) -> Var {
        let y = ops::linear(tape, x, self.weight);
        ops::add_layer_norm(tape, y, self.bias, residual, dropout, self.norm)
    }
}

/// Declares the parameters of one model.
pub struct Builder<'p> {
    /// Where they are declared.
    pub parameters: &'p mut Parameters,
    /// How matrices start that no checkpoint gives.
    pub init: Init,
    /// Added to the variance in normalisations.
    pub epsilon: f32,
    /// Stands before every name.
    pub prefix: &'static str,
}

impl Builder<'_> {
    /// A checkpoint's name for what this model calls `name`.
    pub fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A projection with a bias.
    pub fn linear(&mut self, name: &str, inputs: usize, outputs: usize) -> Linear {
        let bias = self.name(&format!("{name}.bias"));
        Linear {
            bias: Some(self.parameters.vector(&bias, outputs, Init::Zeros)),
            ..self.linear_without_bias(name, inputs, outputs)
        }
    }

    /// A projection without a bias.
    pub fn linear_without_bias(&mut self, name: &str, inputs: usize, outputs: usize) -> Linear {
        let weight = self.name(&format!("{name}.weight"));
        Linear {
            weight: self.parameters.matrix(&weight, outputs, inputs, self.init),
            bias: None,
        }
    }

    /// Query, key and value, `[3 × hidden, hidden]`, read by one product.
    pub fn query_key_value(&mut self, names: [String; 3], hidden: usize) -> Linear {
        let of = |what: &str| names.each_ref().map(|name| self.name(&format!("{name}.{what}")));
        let (weights, biases) = (of("weight"), of("bias"));
        Linear {
            weight: self.parameters.matrices(&weights, hidden, hidden, self.init),
            bias: Some(self.parameters.vectors(&biases, hidden, Init::Zeros)),
        }
    }

    /// The end of the branch `name`, whose projection and normalisation are called `names` within it.
    pub fn branch_end(&mut self, name: &str, names: [&str; 2], inputs: usize, outputs: usize) -> BranchEnd {
        let [projection, norm] = names.map(|n| format!("{name}.{n}"));
        let (weight, bias) = (
            self.name(&format!("{projection}.weight")),
            self.name(&format!("{projection}.bias")),
        );
        BranchEnd {
            weight: self.parameters.matrix(&weight, outputs, inputs, self.init),
            bias: self.parameters.vector(&bias, outputs, Init::Zeros),
            norm: self.norm(&norm, outputs),
        }
    }

    /// A normalisation with scale and shift.
    pub fn norm(&mut self, name: &str, size: usize) -> LayerNorm {
        let shift = self.name(&format!("{name}.bias"));
        LayerNorm {
            shift: Some(self.parameters.vector(&shift, size, Init::Zeros)),
            ..self.norm_without_shift(name, size)
        }
    }

    /// A normalisation with a scale only.
    pub fn norm_without_shift(&mut self, name: &str, size: usize) -> LayerNorm {
        let scale = self.name(&format!("{name}.weight"));
        LayerNorm {
            scale: self.parameters.vector(&scale, size, Init::Ones),
            shift: None,
            epsilon: self.epsilon,
        }
    }
}

/// The normal distribution that Transformers' models start from.
pub fn initial(config: &Config) -> Result<Init> {
    Ok(Init::Normal(config.number("initializer_range", 0.02)? as f32))
}

/// The function that a field of a configuration names.
pub fn activation(config: &Config, field: &str, default: &str) -> Result<Activation> {
    match config.word(field, default)? {
        "gelu" => Ok(Activation::Gelu),
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ok(Activation::GeluTanh),
        "relu" => Ok(Activation::Relu),
        "tanh" => Ok(Activation::Tanh),
        other => Err(invalid(field, format!("{other:?} is not supported"))),
    }
}

/// The number of heads, which must divide the hidden size.
pub fn heads(config: &Config, field: &str, hidden: usize) -> Result<usize> {
    let heads = config.size(field, None)?;
    match heads > 0 && hidden.is_multiple_of(heads) {
        true => Ok(heads),
        false => Err(invalid(
            field,
            format!("{heads} does not divide the hidden size {hidden}"),
        )),
    }
}
