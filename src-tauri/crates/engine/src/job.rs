//! Jobs and their news: what a worker is told and what it tells, one JSON object a line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use understudy_eval::EpochScores;
use understudy_train::ExplanationMethod;

use crate::Language;
use crate::error::Problem;
use crate::explanation::{Examination, Explanation};
use crate::view::Prediction;

/// What a worker is to do: its first line of input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// Train or go on with a run.
    Train {
        /// The project's folder.
        project: PathBuf,
        /// The run.
        run: String,
    },
    /// Train the folds of the cross-validation that was begun and are left.
    CrossValidate {
        /// The project's folder.
        project: PathBuf,
    },
    /// Predict all rows of a file.
    PredictFile {
        /// The project's folder.
        project: PathBuf,
        /// The run whose model answers.
        run: String,
        /// The file to read.
        input: PathBuf,
        /// The file to write.
        output: PathBuf,
        /// The columns with the texts; those of the project's own name where nothing is said.
        text: Vec<String>,
    },
    /// Explain a run's answers to its test part.
    ExamineAnswers {
        /// The project's folder.
        project: PathBuf,
        /// The run whose model answers.
        run: String,
        /// How.
        how: Examination,
    },
    /// Bring a model into the library.
    FetchModel {
        /// Its id.
        id: String,
    },
    /// Copy a model into the library.
    AddModel {
        /// A folder or a zip archive.
        path: PathBuf,
    },
    /// Copy a run's model into the library.
    KeepRun {
        /// The project's folder.
        project: PathBuf,
        /// The run.
        run: String,
        /// The model's name there.
        id: String,
    },
    /// Write a model of the library as one archive.
    ExportModel {
        /// Its id.
        id: String,
        /// The archive.
        target: PathBuf,
    },
    /// Move the library of models.
    MoveLibrary {
        /// Where to.
        root: PathBuf,
    },
    /// Read a project's texts with a pretrained encoder, for the helper.
    ReadTexts {
        /// The project's folder.
        project: PathBuf,
    },
    /// Stay and answer [`Command::Embed`] until the input ends.
    ServeEncoder {
        /// The encoder.
        encoder: String,
    },
    /// Answer other programs on this machine over HTTP until told to stop.
    ServeHttp {
        /// The project's folder.
        project: PathBuf,
        /// The run whose model answers.
        run: String,
        /// The port; 0 lets the system choose.
        port: u16,
        /// The language of what callers are told.
        language: Language,
    },
    /// Stay and answer [`Command::Predict`] and [`Command::Explain`] until the input ends.
    Serve {
        /// The project's folder.
        project: PathBuf,
        /// The run whose model answers.
        run: String,
    },
}

/// The kinds of job that the window starts and sees news of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// A training run.
    Train,
    /// A training run a fold.
    CrossValidate,
    /// Predicting a file.
    PredictFile,
    /// Explaining the answers to a test part.
    ExamineAnswers,
    /// Downloading a model.
    FetchModel,
    /// Copying models: into the library, out of it, or all of it.
    CopyModels,
    /// Reading texts for the helper.
    ReadTexts,
    /// Answering other programs.
    ServeHttp,
}

/// What a worker may be told while it works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Wait.
    Pause,
    /// Go on.
    Resume,
    /// Stop; what is done so far is kept where it can be.
    Cancel,
    /// Answer these texts (only to [`Job::Serve`]).
    Predict {
        /// Comes back with the answer.
        id: u32,
        /// The texts.
        texts: Vec<String>,
    },
    /// Tell what each word of a text adds to a label (only to [`Job::Serve`]).
    Explain {
        /// Comes back with the answer.
        id: u32,
        /// The text.
        text: String,
        /// The label; the one that is given without.
        label: Option<String>,
        /// How words are weighed.
        method: ExplanationMethod,
    },
    /// Tell what the encoder makes of a text (only to [`Job::ServeEncoder`]).
    Embed {
        /// Comes back with the answer.
        id: u32,
        /// The text.
        text: String,
    },
}

/// What a job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Bytes are coming in.
    Download,
    /// Files are copied.
    Copy,
    /// What came is looked at before it is accepted.
    Check,
    /// Texts are turned into tokens.
    Tokenize,
    /// The encoder reads all texts once, for the head.
    Features,
    /// The encoder reads all texts once, for the helper.
    Read,
    /// The model learns.
    Train,
    /// A round is judged.
    Validate,
    /// Mixtures of the kept model with the one that the run began with are judged.
    Average,
    /// The test part is judged.
    Test,
    /// A simpler way is tried on the same texts, to compare with.
    Compare,
    /// Something is written.
    Save,
    /// Texts are answered.
    Predict,
    /// Answers are explained.
    Explain,
}

impl From<understudy_train::Phase> for Phase {
    fn from(phase: understudy_train::Phase) -> Self {
        use understudy_train::Phase as From;
        match phase {
            From::Tokenize => Phase::Tokenize,
            From::Features => Phase::Features,
            From::Train => Phase::Train,
            From::Validate => Phase::Validate,
            From::Average => Phase::Average,
            From::Test => Phase::Test,
            From::Save => Phase::Save,
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Of this: steps, texts or bytes done.
    pub done: f64,
    /// Of how many.
    pub total: f64,
    /// Seconds until the job ends, where there is something to go by.
    pub seconds_left: Option<f64>,
    /// Texts or bytes a second.
    pub rate: Option<f64>,
    /// The round, from 1, where there are rounds.
    pub epoch: Option<u32>,
    /// Of how many rounds.
    pub epochs: Option<u32>,
}

impl Progress {
    /// Progress without a forecast.
    pub fn new(phase: Phase, done: f64, total: f64) -> Self {
        Progress {
            phase,
            done,
            total,
            seconds_left: None,
            rate: None,
            epoch: None,
            epochs: None,
        }
    }
}

/// News of a job: one line of a worker's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The worker has begun.
    Started {
        /// Its process id.
        pid: u32,
    },
    /// How far it is.
    Progress(Progress),
    /// Another fold has its turn; what follows is about its run.
    Fold {
        /// Which, from 1.
        number: u32,
        /// Of how many.
        of: u32,
        /// The run.
        run: String,
    },
    /// A training step was taken.
    Step {
        /// Which, from 1.
        step: u32,
        /// Of how many.
        steps: u32,
        /// Its loss.
        loss: f64,
        /// Its learning rate.
        learning_rate: f64,
    },
    /// A round was judged.
    Epoch {
        /// How.
        scores: EpochScores,
    },
    /// A remark for the log.
    Log {
        /// The remark.
        message: String,
    },
    /// Other programs are answered now.
    Listening {
        /// Where: what they put before the path.
        address: String,
        /// What they have to know.
        token: String,
    },
    /// So many texts of other programs were answered.
    Served {
        /// Since the start.
        texts: u32,
    },
    /// An answer to [`Command::Predict`].
    Answer {
        /// As asked.
        id: u32,
        /// One a text.
        predictions: Vec<Prediction>,
    },
    /// An answer to [`Command::Explain`].
    Explained {
        /// As asked.
        id: u32,
        /// What each word adds.
        explanation: Explanation,
    },
    /// An answer to [`Command::Embed`].
    Vector {
        /// As asked.
        id: u32,
        /// Of length one.
        vector: Vec<f32>,
    },
    /// Done.
    Finished {
        /// What was written, where something was.
        path: Option<PathBuf>,
        /// Rows of a file that do not fit its columns and were left out.
        left_out: u32,
        /// Cells that were cut because a workbook's hold no more.
        cut_cells: u32,
    },
    /// Stopped at the user's wish.
    Cancelled,
    /// It could not be done.
    Failed {
        /// Why.
        problem: Problem,
    },
    /// The worker is gone; said by whoever watched it.
    Interrupted {
        /// Why, as far as it is known.
        problem: Problem,
    },
}

impl Event {
    /// Whether nothing comes after it.
    pub fn is_last(&self) -> bool {
        matches!(
            self,
            Event::Finished { .. } | Event::Cancelled | Event::Failed { .. } | Event::Interrupted { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_protocol_read_as_documented() {
        let job = Job::Train {
            project: "/p.understudy".into(),
            run: "r1".into(),
        };
        assert_eq!(
            serde_json::to_string(&job).unwrap(),
            r#"{"job":"train","project":"/p.understudy","run":"r1"}"#
        );
        let command: Command = serde_json::from_str(r#"{"command":"cancel"}"#).unwrap();
        assert_eq!(command, Command::Cancel);
        let progress = Event::Progress(Progress::new(Phase::Train, 3.0, 9.0));
        let line = serde_json::to_string(&progress).unwrap();
        assert!(
            line.starts_with(r#"{"event":"progress","phase":"train","done":3.0,"total":9.0"#),
            "{line}"
        );
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), progress);
    }
}
