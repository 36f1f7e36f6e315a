//! A graph of ONNX operators in the making: nodes in the order in which they are computed, and constants.
//!
//! Constants are borrowed from the model's parameters. A matrix that a row is multiplied with lies the other way round
//! than in a checkpoint, because `MatMul` takes it so; its name ends in `.transposed`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use super::proto::{Message, write_floats};
use crate::error::{NnError, Result};
use crate::kernels::elementwise::Activation;
use crate::ops::LayerNorm;
use crate::parameters::{Dense, Parameters, TableId};

/// Added to the score of what is not seen: far enough from any score that its share is exactly zero, and no infinity.
const UNSEEN: f32 = -1e9;

/// `TensorProto.DataType`.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// 32-bit floats.
    Float = 1,
    /// 64-bit integers.
    Integer = 7,
}

/// The name of something that a node computes, of a constant or of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(Arc<str>);

/// What a node is told besides its inputs.
#[derive(Debug, Clone)]
pub enum Attribute {
    /// A whole number.
    Integer(i64),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// A number.
    Float(f32),
}

struct Node {
    operator: &'static str,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
    attributes: Vec<(&'static str, Attribute)>,
}

struct Constant<'p> {
    name: Value,
    dimensions: Vec<usize>,
    numbers: Numbers<'p>,
}

enum Numbers<'p> {
    Floats(Cow<'p, [f32]>),
    /// A matrix by its columns; the length of its rows.
    Transposed(&'p [f32], usize),
    Integers(Vec<i64>),
}

/// What goes in or comes out: name, kind of number and dimensions, of which those with a name vary.
struct Port {
    name: &'static str,
    kind: Kind,
    dimensions: Vec<Dimension>,
}

/// One dimension of an input or output.
#[derive(Debug, Clone)]
pub enum Dimension {
    /// Another each time.
    Any(&'static str),
    /// Always this.
    Exactly(usize),
}

/// The graph.
pub struct Graph<'p> {
    parameters: &'p Parameters,
    nodes: Vec<Node>,
    constants: Vec<Constant<'p>>,
    known: BTreeSet<String>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    scope: String,
}

impl<'p> Graph<'p> {
    /// A graph without nodes, whose constants are `parameters`.
    pub fn new(parameters: &'p Parameters) -> Self {
        Graph {
            parameters,
            nodes: Vec::new(),
            constants: Vec::new(),
            known: BTreeSet::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            scope: String::new(),
        }
    }

    /// What stands before the names of what is computed from now on.
    pub fn set_scope(&mut self, scope: impl Into<String>) {
        self.scope = scope.into();
    }

    /// An input of whole numbers for every token, `[batch, sequence]`.
    pub fn input(&mut self, name: &'static str) -> Value {
        self.inputs.push(Port {
            name,
            kind: Kind::Integer,
            dimensions: vec![Dimension::Any("batch"), Dimension::Any("sequence")],
        });
        Value(name.into())
    }

    /// Names of the inputs.
    pub fn input_names(&self) -> Vec<&'static str> {
        self.inputs.iter().map(|port| port.name).collect()
    }

    /// Makes what was computed last, which nothing reads yet, an output.
    pub fn output(&mut self, name: &'static str, columns: usize) {
        if let Some(output) = self.nodes.last_mut().and_then(|node| node.outputs.first_mut()) {
            *output = Value(name.into());
        }
        self.outputs.push(Port {
            name,
            kind: Kind::Float,
            dimensions: vec![Dimension::Any("batch"), Dimension::Exactly(columns)],
        });
    }

    /// A node with one output.
    pub fn node(&mut self, operator: &'static str, inputs: &[&Value]) -> Value {
        self.node_with(operator, inputs, Vec::new())
    }

    /// A node with attributes and one output.
    pub fn node_with(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        attributes: Vec<(&'static str, Attribute)>,
    ) -> Value {
        let name = format!("{}/{operator}_{}", self.scope, self.nodes.len());
        self.push(operator, inputs, vec![name], attributes)
    }

    /// Two halves of every row.
    pub fn halves(&mut self, x: &Value) -> [Value; 2] {
        let place = self.nodes.len();
        let names = [0, 1].map(|half| format!("{}/Split_{place}.{half}", self.scope));
        let values = names.clone().map(|name| Value(name.into()));
        let axis = vec![("axis", Attribute::Integer(-1))];
        self.push("Split", &[x], names.into(), axis);
        values
    }

    fn push(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        outputs: Vec<String>,
        attributes: Vec<(&'static str, Attribute)>,
    ) -> Value {
        let outputs: Vec<Value> = outputs.into_iter().map(|name| Value(name.into())).collect();
        let first = outputs[0].clone();
        self.nodes.push(Node {
            operator,
            inputs: inputs.iter().map(|&input| input.clone()).collect(),
            outputs,
            attributes,
        });
        first
    }

    /// A vector of whole numbers.
    pub fn integers(&mut self, values: &[i64]) -> Value {
        let told: Vec<String> = values.iter().map(i64::to_string).collect();
        self.named_integers(&format!("integers[{}]", told.join(",")), values.to_vec())
    }

    /// A vector of whole numbers under a name of its own.
    pub fn named_integers(&mut self, name: &str, values: Vec<i64>) -> Value {
        self.constant(name, vec![values.len()], Numbers::Integers(values))
    }

    /// A whole number without dimensions.
    pub fn integer(&mut self, value: i64) -> Value {
        self.constant(
            &format!("integer({value})"),
            Vec::new(),
            Numbers::Integers(vec![value]),
        )
    }

    /// A number without dimensions.
    pub fn number(&mut self, value: f32) -> Value {
        let numbers = Numbers::Floats(Cow::Owned(vec![value]));
        self.constant(&format!("number({value})"), Vec::new(), numbers)
    }

    /// Numbers that were computed from parameters.
    pub fn computed(&mut self, name: &str, dimensions: Vec<usize>, numbers: Vec<f32>) -> Value {
        self.constant(name, dimensions, Numbers::Floats(Cow::Owned(numbers)))
    }

    /// A matrix or vector of the model, as it is.
    pub fn parameter(&mut self, handle: Dense) -> Value {
        let dimensions = match handle.rows() {
            1 => vec![handle.columns()],
            rows => vec![rows, handle.columns()],
        };
        let numbers = Numbers::Floats(Cow::Borrowed(self.parameters.get(handle)));
        self.constant(&self.parameters.name_of(handle), dimensions, numbers)
    }

    /// A table of the model.
    pub fn table(&mut self, table: TableId) -> Value {
        let name = self.parameters.name_of_table(table).to_owned();
        let table = self.parameters.table_of(table);
        let dimensions = vec![table.values.len() / table.columns, table.columns];
        let numbers = Numbers::Floats(Cow::Borrowed(&table.values));
        self.constant(&name, dimensions, numbers)
    }

    /// The numbers of a parameter.
    pub fn numbers_of(&self, handle: Dense) -> &'p [f32] {
        self.parameters.get(handle)
    }

    fn constant(&mut self, name: &str, dimensions: Vec<usize>, numbers: Numbers<'p>) -> Value {
        let value = Value(name.into());
        // Layers may share their parameters.
        if self.known.insert(name.to_owned()) {
            self.constants.push(Constant {
                name: value.clone(),
                dimensions,
                numbers,
            });
        }
        value
    }

    /// `x Wᵀ + b`.
    pub fn linear(&mut self, x: &Value, weight: Dense, bias: Option<Dense>) -> Value {
        let (rows, columns) = (weight.rows(), weight.columns());
        let name = format!("{}.transposed", self.parameters.name_of(weight));
        let numbers = Numbers::Transposed(self.parameters.get(weight), columns);
        let weight = self.constant(&name, vec![columns, rows], numbers);
        let y = self.node("MatMul", &[x, &weight]);
        match bias {
            Some(bias) => {
                let bias = self.parameter(bias);
                self.node("Add", &[&y, &bias])
            }
            None => y,
        }
    }

    /// A normalisation of every row.
    pub fn layer_norm(&mut self, x: &Value, norm: LayerNorm) -> Value {
        let attributes = vec![
            ("axis", Attribute::Integer(-1)),
            ("epsilon", Attribute::Float(norm.epsilon)),
        ];
        let scale = self.parameter(norm.scale);
        match norm.shift {
            Some(shift) => {
                let shift = self.parameter(shift);
                self.node_with("LayerNormalization", &[x, &scale, &shift], attributes)
            }
            None => self.node_with("LayerNormalization", &[x, &scale], attributes),
        }
    }

    /// An activation, exactly as it is computed here: `Gelu` itself is not an operator of this version.
    pub fn activation(&mut self, x: &Value, activation: Activation) -> Value {
        let (half, one) = (self.number(0.5), self.number(1.0));
        let gate = match activation {
            Activation::Identity => return x.clone(),
            Activation::Tanh => return self.node("Tanh", &[x]),
            Activation::Relu => return self.node("Relu", &[x]),
            Activation::Gelu => {
                let root = self.number(std::f32::consts::SQRT_2);
                let scaled = self.node("Div", &[x, &root]);
                self.node("Erf", &[&scaled])
            }
            Activation::GeluTanh => {
                let (cubic, root) = (self.number(0.044_715), self.number(0.797_884_6));
                let square = self.node("Mul", &[x, x]);
                let cube = self.node("Mul", &[&square, x]);
                let cube = self.node("Mul", &[&cube, &cubic]);
                let sum = self.node("Add", &[x, &cube]);
                let scaled = self.node("Mul", &[&sum, &root]);
                self.node("Tanh", &[&scaled])
            }
        };
        let gate = self.node("Add", &[&gate, &one]);
        let y = self.node("Mul", &[x, &gate]);
        self.node("Mul", &[&y, &half])
    }

    /// `[batch, sequence]` of ones and zeros → what is added to scores, `[batch, 1, 1, sequence]`.
    pub fn unseen_tokens(&mut self, mask: &Value) -> Value {
        let mask = self.float(mask);
        let (one, axes) = (self.number(1.0), self.integers(&[1, 2]));
        let padding = self.node("Sub", &[&one, &mask]);
        let padding = self.node("Unsqueeze", &[&padding, &axes]);
        self.unseen(&padding)
    }

    /// Ones and zeros → what is added to scores.
    pub fn unseen(&mut self, ones: &Value) -> Value {
        let unseen = self.number(UNSEEN);
        self.node("Mul", &[ones, &unseen])
    }

    /// As 32-bit floats.
    pub fn float(&mut self, x: &Value) -> Value {
        let to = Attribute::Integer(Kind::Float as i64);
        self.node_with("Cast", &[x], vec![("to", to)])
    }

    /// With its dimensions in another order.
    pub fn transpose(&mut self, x: &Value, order: &[i64]) -> Value {
        self.node_with(
            "Transpose",
            &[x],
            vec![("perm", Attribute::Integers(order.to_vec()))],
        )
    }

    /// With other dimensions; 0 keeps one, -1 takes what is left.
    pub fn reshape(&mut self, x: &Value, dimensions: &[i64]) -> Value {
        let dimensions = self.integers(dimensions);
        self.node("Reshape", &[x, &dimensions])
    }

    /// The length of the sequences, as a vector of one.
    pub fn length(&mut self, tokens: &Value) -> Value {
        let ends = vec![("start", Attribute::Integer(1)), ("end", Attribute::Integer(2))];
        self.node_with("Shape", &[tokens], ends)
    }

    /// Rows of a table from `first` on, as many as the vector of one `length` says.
    pub fn first_rows(&mut self, table: &Value, first: usize, length: &Value) -> Value {
        let (start, axis) = (self.integers(&[first as i64]), self.integers(&[0]));
        let end = match first {
            0 => length.clone(),
            _ => self.node("Add", &[length, &start]),
        };
        self.node("Slice", &[table, &start, &end, &axis])
    }

    /// The distance of each key from each query, `[sequence, sequence]`: `key - query`.
    pub fn distances(&mut self, length: &Value) -> Value {
        let (zero, one) = (self.integer(0), self.integer(1));
        let (first, second) = (self.integers(&[0]), self.integers(&[1]));
        let length = self.node("Squeeze", &[length, &first]);
        let places = self.node("Range", &[&zero, &length, &one]);
        let keys = self.node("Unsqueeze", &[&places, &first]);
        let queries = self.node("Unsqueeze", &[&places, &second]);
        self.node("Sub", &[&keys, &queries])
    }

    /// The hidden state of every sequence's first token.
    pub fn first_token(&mut self, x: &Value) -> Value {
        let zero = self.integer(0);
        self.node_with("Gather", &[x, &zero], vec![("axis", Attribute::Integer(1))])
    }

    /// The mean of every sequence's hidden states, padding left out.
    pub fn mean_token(&mut self, x: &Value, mask: &Value) -> Value {
        let mask = self.float(mask);
        let (last, tokens) = (self.integers(&[2]), self.integers(&[1]));
        let mask = self.node("Unsqueeze", &[&mask, &last]);
        let x = self.node("Mul", &[x, &mask]);
        let flat = vec![("keepdims", Attribute::Integer(0))];
        let sum = self.node_with("ReduceSum", &[&x, &tokens], flat.clone());
        let count = self.node_with("ReduceSum", &[&mask, &tokens], flat);
        self.node("Div", &[&sum, &count])
    }
}

impl Graph<'_> {
    /// Writes the whole model.
    ///
    /// # Errors
    /// [`NnError::OnnxTooLarge`]; what the system says to the writing.
    pub fn write(&self, out: &mut dyn Write, path: &std::path::Path, model: &Message) -> Result<u64> {
        let failed = |source: io::Error| NnError::File {
            path: path.to_owned(),
            source,
        };
        let graph = self.skeleton();
        let constants: Vec<(Message, u64)> = self.constants.iter().map(Constant::header).collect();
        let framed = |(header, bytes): &(Message, u64)| {
            let announced = Message::default().announce(5, header.len() + bytes);
            (announced.len() + header.len() + bytes, announced)
        };
        let length = graph.len() + constants.iter().map(|constant| framed(constant).0).sum::<u64>();
        let announced = Message::default().announce(7, length);
        let bytes = model.len() + announced.len() + length;
        if bytes > super::proto::MOST_BYTES {
            return Err(NnError::OnnxTooLarge {
                bytes,
                limit: super::proto::MOST_BYTES,
            });
        }
        for part in [model, &announced, &graph] {
            out.write_all(part.as_bytes()).map_err(failed)?;
        }
        for (constant, header) in self.constants.iter().zip(&constants) {
            out.write_all(framed(header).1.as_bytes()).map_err(failed)?;
            out.write_all(header.0.as_bytes()).map_err(failed)?;
            constant.write(out).map_err(failed)?;
        }
        Ok(bytes)
    }

    /// The graph without its constants.
    fn skeleton(&self) -> Message {
        let mut graph = Message::default();
        for node in &self.nodes {
            graph = graph.message(1, &node.message());
        }
        graph = graph.text(2, "classifier");
        for port in &self.inputs {
            graph = graph.message(11, &port.message());
        }
        for port in &self.outputs {
            graph = graph.message(12, &port.message());
        }
        graph
    }
}

impl Node {
    fn message(&self) -> Message {
        let mut node = Message::default();
        for input in &self.inputs {
            node = node.text(1, &input.0);
        }
        for output in &self.outputs {
            node = node.text(2, &output.0);
        }
        node = node.text(3, &self.outputs[0].0).text(4, self.operator);
        for (name, attribute) in &self.attributes {
            let named = Message::default().text(1, name);
            let attribute = match attribute {
                Attribute::Float(value) => named.float(2, *value).integer(20, 1),
                Attribute::Integer(value) => named.integer(3, *value).integer(20, 2),
                Attribute::Integers(values) => values
                    .iter()
                    .fold(named, |message, &value| message.integer(8, value))
                    .integer(20, 7),
            };
            node = node.message(5, &attribute);
        }
        node
    }
}

impl Port {
    fn message(&self) -> Message {
        let mut shape = Message::default();
        for dimension in &self.dimensions {
            let dimension = match dimension {
                Dimension::Any(name) => Message::default().text(2, name),
                Dimension::Exactly(size) => Message::default().integer(1, *size as i64),
            };
            shape = shape.message(1, &dimension);
        }
        let tensor = Message::default().integer(1, self.kind as i64).message(2, &shape);
        let kind = Message::default().message(1, &tensor);
        Message::default().text(1, self.name).message(2, &kind)
    }
}

impl Constant<'_> {
    /// What stands before the numbers, and how many bytes these take.
    fn header(&self) -> (Message, u64) {
        let (kind, bytes) = match &self.numbers {
            Numbers::Floats(values) => (Kind::Float, 4 * values.len() as u64),
            Numbers::Transposed(values, _) => (Kind::Float, 4 * values.len() as u64),
            Numbers::Integers(values) => (Kind::Integer, 8 * values.len() as u64),
        };
        let dimensions = self.dimensions.iter().fold(Message::default(), |message, &size| {
            message.integer(1, size as i64)
        });
        let header = dimensions
            .integer(2, kind as i64)
            .text(8, &self.name.0)
            .announce(9, bytes);
        (header, bytes)
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.numbers {
            Numbers::Floats(values) => write_floats(out, values.iter().copied()),
            Numbers::Transposed(values, columns) => {
                let column = |column| values.iter().skip(column).step_by(*columns).copied();
                write_floats(out, (0..*columns).flat_map(column))
            }
            Numbers::Integers(values) => values
                .iter()
                .try_for_each(|value| out.write_all(&value.to_le_bytes())),
        }
    }
}
