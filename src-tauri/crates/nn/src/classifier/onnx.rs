//! A classifier as an ONNX file.

use std::path::Path;

use super::SequenceClassifier;
use crate::config::ProblemType;
use crate::error::Result;
use crate::onnx::{self, Graph, OnnxFile};

impl SequenceClassifier {
    /// Writes the classifier as one ONNX file; see [`crate::onnx`]. The labels, in the order of the logits, stand in its
    /// metadata.
    ///
    /// # Errors
    /// [`crate::NnError::OnnxTooLarge`], [`crate::NnError::File`].
    pub fn save_onnx(&self, path: &Path) -> Result<OnnxFile> {
        let parameters = self.parameters.merged();
        let mut graph = Graph::new(&parameters);
        let x = self.encoder.graph(&mut graph, self.head.pooling());
        self.head.graph(&mut graph, &x);
        graph.output("logits", self.labels.len());
        let problem = match self.problem_type() {
            ProblemType::SingleLabel => "single_label_classification",
            ProblemType::MultiLabel => "multi_label_classification",
        };
        let notes = [
            ("labels", serde_json::Value::from(self.labels.clone()).to_string()),
            ("problem_type", problem.to_owned()),
            ("max_length", self.max_length().to_string()),
        ];
        Ok(OnnxFile {
            bytes: onnx::write(path, &graph, &notes)?,
            inputs: graph.input_names(),
            max_length: self.max_length(),
        })
    }
}
