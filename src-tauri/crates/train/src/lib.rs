//! Learning: texts with classes in, a fine-tuned classifier out.
//!
//! [`trainer::train`] is the whole loop, readable from top to bottom. Around it: [`settings`] (what can be chosen),
//! [`tokenizer`] (texts to ids, once), [`batch`] (which texts a step sees), [`schedule`] and [`optimizer`] (how the
//! weights move), [`checkpoint`] (what a run needs to go on after a stop, bit for bit), [`predictor`] (a trained
//! model at work), [`Embedder`] (a pretrained one as it is), [`presets`] (settings chosen from the data), [`memory`] (what a run will need). It writes into the folder of one run and nowhere else; it knows no project and no window.

mod averaging;
pub mod batch;
pub mod checkpoint;
pub mod control;
mod embedder;
pub mod error;
mod examination;
pub mod explain;
mod faithfulness;
mod familiarity;
mod fitting;
mod job;
mod judging;
mod kept;
mod learner;
pub mod memory;
pub mod optimizer;
mod outward;
pub mod predictor;
pub mod presets;
mod pretrained;
pub mod schedule;
mod sentencepiece;
pub mod settings;
pub mod speed;
mod telling;
pub mod tokenizer;
mod tokenizer_files;
pub mod trainer;
mod unigram;
mod warm_up;
mod way;
mod words;

pub use control::Control;
pub use embedder::Embedder;
pub use error::{Result, TrainError};
pub use examination::{Examination, Manner, examine};
pub use explain::{Explanation, ExplanationMethod, WordScore};
pub use faithfulness::{Faithfulness, Holding, sample};
pub use familiarity::FILE as FAMILIARITY_FILE;
pub use job::{Example, Outcome, Phase, TrainEvent, TrainingJob, Unfamiliar};
pub use judging::is_better;
pub use outward::{save_adapter, save_onnx};
pub use predictor::{Predicted, Predictor, Review, note_review, review};
pub use pretrained::check_pretrained;
pub use settings::{Method, Pooling, TrainSettings};
pub use speed::Speed;
pub use telling::{TellingWord, TellingWords};
pub use tokenizer::Truncation;
pub use trainer::train;
pub use understudy_nn::convert::{PICKLE_FILE, convert};
pub use understudy_nn::{
    Config, DeviceKind, Footprint, MODEL_TYPES, NnError as ModelError, Precision, ProblemType, WindowPooling,
};
pub use words::spoken_words;
