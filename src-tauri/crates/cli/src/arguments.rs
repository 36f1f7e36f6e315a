//! The command line's grammar.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use understudy_data::{ExportFormat, LabelPart, Part, Quoting};
use understudy_engine::assist::Order;
use understudy_engine::export::ModelFormat;
use understudy_train::presets::Preset;
use understudy_train::{
    DeviceKind, ExplanationMethod, Method, Pooling, Precision, Truncation, WindowPooling,
};

/// Teach a pretrained model your own expertise, on your own machine.
#[derive(Parser)]
#[command(name = "understudy", version, about)]
pub struct Arguments {
    /// Print one JSON object on standard output, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Import a table into a project (made if it does not exist).
    Import(Import),
    /// Rows that were put aside at import, and mending one.
    Problems(Problems),
    /// Clean the texts and hide rows that should not count; the imported rows stay, and every step can be undone.
    Clean(Clean),
    /// The labels, names that are probably one and the same, and merging them.
    Labels(Labels),
    /// Who labels, how far they agree, and their answers as files.
    People(People),
    /// What the helper says: texts to label next, suggestions, doubtful labels, similar texts.
    Assist {
        #[command(subcommand)]
        verb: Assist,
    },
    /// Divide the labelled rows into training, validation and test.
    Split(Split),
    /// Check that a project's history has not been changed, and that runs left behind what they say: weights, scores,
    /// data, reports; and whether a repeated training came to the same.
    Verify {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
        /// Only this run; all finished ones unless given.
        #[arg(long)]
        run: Option<String>,
    },
    /// Pretrained models.
    Models {
        #[command(subcommand)]
        verb: Models,
    },
    /// What this machine has, how fast it is, and what is missing.
    Doctor,
    /// How to reach the model hub: shown, and changed where something is given.
    Network(Network),
    /// Every connection that was ever opened, the latest first.
    Connections {
        /// How many.
        #[arg(long, default_value_t = 50)]
        last: usize,
    },
    /// Fine-tune a model on a project's labelled rows.
    Train(Train),
    /// Train once for each of several folds, so that every row is judged once, and tell how the scores vary.
    CrossValidate(CrossValidate),
    /// Scores of a finished run.
    Evaluate {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
        /// The run; the latest finished one unless given.
        #[arg(long)]
        run: Option<String>,
    },
    /// Decide how many of the answers given may be wrong: the others are marked for a person.
    Review {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
        /// The run; the latest finished one unless given.
        #[arg(long)]
        run: Option<String>,
        /// Wrong answers among 100 that are given; `none` gives every answer.
        #[arg(long, value_parser = errors_allowed)]
        errors_allowed: ErrorsAllowed,
    },
    /// Two runs side by side, on the texts that both were judged on.
    Compare {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
        /// A run.
        first: String,
        /// The run to compare it with.
        second: String,
    },
    /// Predict every row of a table.
    Predict(Predict),
    /// Tell what each word of a text adds to a label, and how far such explanations hold.
    Explain(Explain),
    /// Answer the firm's own programs over HTTP, on this machine only, until Ctrl+C
    Serve(Serve),
    /// Write a run's report.
    Report(Report),
    /// Write a run's model for other programs.
    Export {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
        /// The run; the latest finished one unless given.
        #[arg(long)]
        run: Option<String>,
        /// The folder or file to write.
        #[arg(long)]
        out: PathBuf,
        /// folder (Hugging Face), onnx (a file, or a folder with the tokenizer beside it), zip (the folder with the report) or
        /// adapter (only what was learned with --method lora, for PEFT); by the ending of --out unless given.
        #[arg(long, value_parser = named::<ModelFormat>)]
        format: Option<ModelFormat>,
    },
    /// Carry out one job told on standard input (used by the window).
    #[command(hide = true)]
    Worker,
}

#[derive(Args)]
pub struct Import {
    /// The table: CSV, TSV, Excel, OpenDocument, JSON, JSON Lines, Parquet, text (one a line), any of them in gzip or
    /// zip, or a folder of .txt files.
    pub file: PathBuf,
    /// The project's folder, ending in .understudy.
    #[arg(long)]
    pub project: PathBuf,
    /// The file was imported before and has changed: bring its rows up to date, and keep the labels and corrections made
    /// since.
    #[arg(long)]
    pub update: bool,
    /// With --update: change nothing, only tell what has changed.
    #[arg(long, requires = "update")]
    pub only_tell: bool,
    /// All rows of the file belong to this part: train, validation or test (such as an official test file), whatever a
    /// column of it says.
    #[arg(long, conflicts_with = "update", value_parser = named::<Part>)]
    pub part: Option<Part>,
    #[command(flatten)]
    pub columns: Columns,
}

/// Which column is what; guessed where it is not said.
#[derive(Args, Default, Clone)]
pub struct Columns {
    /// The column with the texts; given several times, their cells are joined.
    #[arg(long)]
    pub text: Vec<String>,
    /// The column with the classes.
    #[arg(long)]
    pub label: Option<String>,
    /// What stands between several labels of a cell; "none" where a cell is one label. Guessed unless given.
    #[arg(long)]
    pub label_separator: Option<String>,
    /// Columns that say yes or no to a label each, named after it, with commas between.
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["label", "label_separator"])]
    pub label_columns: Vec<String>,
    /// The encoding of the file, as in windows-1252 or gb18030; guessed unless given, as the next three.
    #[arg(long)]
    pub encoding: Option<String>,
    /// The character between cells; "none" where every line is a text.
    #[arg(long)]
    pub delimiter: Option<String>,
    /// What holds a cell together that has delimiters or line ends in it: double or single quotation marks, or none.
    #[arg(long, value_parser = named::<Quoting>)]
    pub quotes: Option<Quoting>,
    /// Whether the first row holds the names of the columns.
    #[arg(long)]
    pub header: Option<bool>,
    /// The sheet of a workbook, the file in an archive or the list of a JSON document; the first that has rows unless
    /// given.
    #[arg(long)]
    pub sheet: Option<String>,
    /// The column that names what must stay together: patient, case, contract.
    #[arg(long)]
    pub group: Option<String>,
    /// The column with the day that a text is from.
    #[arg(long)]
    pub date: Option<String>,
    /// The column that names the part of an official split.
    #[arg(long)]
    pub split_column: Option<String>,
}

#[derive(Args)]
pub struct Clean {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// Change nothing, but tell what each rule would change.
    #[arg(long)]
    pub look: bool,
    /// Rules for the texts, with commas between, applied in this order: mojibake, markup, control_characters, width,
    /// compatibility, simplified, traditional, boilerplate, mask_urls, mask_emails, mask_numbers, symbols, lowercase,
    /// whitespace.
    #[arg(long, value_delimiter = ',')]
    pub normalize: Vec<String>,
    /// Replace personal data by placeholders: all, or kinds with commas between: email, chinese_id, iban, credit_card,
    /// nhs_number, us_ssn, phone, date, address, name, record_number. Names that stand alone in a sentence are not found.
    #[arg(long, value_delimiter = ',')]
    pub deidentify: Vec<String>,
    /// Hide texts with fewer characters.
    #[arg(long)]
    pub drop_shorter_than: Option<u32>,
    /// Hide texts with more characters.
    #[arg(long)]
    pub drop_longer_than: Option<u32>,
    /// Hide texts in these languages (ISO 639-3: eng, cmn, deu …).
    #[arg(long, value_delimiter = ',')]
    pub drop_languages: Vec<String>,
    /// Hide rows whose text carries different labels.
    #[arg(long)]
    pub drop_conflicts: bool,
    /// Take back the step with this id.
    #[arg(long)]
    pub undo: Option<u32>,
    /// Hide repetitions of a text.
    #[arg(long)]
    pub drop_duplicates: bool,
    /// Hide all but one of texts that are nearly the same.
    #[arg(long)]
    pub drop_near_duplicates: bool,
    /// Hide rows without text.
    #[arg(long)]
    pub drop_empty: bool,
}

#[derive(Args)]
pub struct Problems {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// Take the row with this id in, with the cells that follow.
    #[arg(long, requires = "cell")]
    pub mend: Option<u32>,
    /// A cell, once for each column of the file, in their order.
    #[arg(long, requires = "mend")]
    pub cell: Vec<String>,
}

#[derive(Args)]
pub struct Labels {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// Labels to give up, by name; may be given several times.
    #[arg(long, requires = "into")]
    pub merge: Vec<String>,
    /// The label that their rows carry from then on.
    #[arg(long, requires = "merge")]
    pub into: Option<String>,
    /// A label to divide, by name.
    #[arg(long, requires = "part", conflicts_with = "merge")]
    pub divide: Option<String>,
    /// With --divide: a part as NAME=ROW,ROW,…; rows as "assist groups" numbers them. May be given several times.
    #[arg(long, requires = "divide", value_parser = label_part)]
    pub part: Vec<LabelPart>,
    /// Write the labelled texts to this file, or folder for hugging-face.
    #[arg(long)]
    pub save: Option<PathBuf>,
    /// With --save: csv, xlsx, label-studio, doccano, prodigy or hugging-face.
    #[arg(long = "as", requires = "save", default_value = "csv", value_parser = named::<ExportFormat>)]
    pub format: ExportFormat,
    /// With --save: leave out texts without a label.
    #[arg(long, requires = "save")]
    pub only_labelled: bool,
}

#[derive(Args)]
pub struct Split {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// Per cent of training, validation and test.
    #[arg(long, default_value = "70,15,15", value_parser = percentages)]
    pub parts: [u32; 3],
    /// Decides the draw.
    #[arg(long, default_value_t = 0)]
    pub seed: u32,
    /// Learn from the oldest rows and judge on the newest.
    #[arg(long, conflicts_with = "fold")]
    pub by_date: bool,
    /// Make one of several folds the test part, as in "2/5".
    #[arg(long, value_parser = fold)]
    pub fold: Option<(u32, u32)>,
    /// Draw nothing: let the labelled rows that are in no part yet be learned from.
    #[arg(long, conflicts_with_all = ["by_date", "fold", "open_test"])]
    pub add: bool,
    /// Divide again although a model was judged on the test part; reports will say so.
    #[arg(long)]
    pub open_test: bool,
}

/// Share of the answers given that may be wrong; none: every answer is given.
#[derive(Debug, Clone, Copy)]
pub struct ErrorsAllowed(pub Option<f64>);

/// A percentage, or `none`.
fn errors_allowed(text: &str) -> Result<ErrorsAllowed, String> {
    if text == "none" {
        return Ok(ErrorsAllowed(None));
    }
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent < 100.0 => Ok(ErrorsAllowed(Some(percent / 100.0))),
        _ => Err("a number between 0 and 100, or none".to_owned()),
    }
}

/// Reads "2/5".
fn percentages(word: &str) -> Result<[u32; 3], String> {
    let numbers: Result<Vec<u32>, _> = word.split(',').map(|number| number.trim().parse()).collect();
    let three = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    three.ok_or_else(|| "three numbers that make 100, as in 70,15,15".to_owned())
}

fn fold(word: &str) -> Result<(u32, u32), String> {
    let numbers = word
        .split_once('/')
        .and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
    numbers.ok_or_else(|| "a fold is written as 2/5".to_owned())
}

#[derive(Args)]
pub struct CrossValidate {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// How many folds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=100))]
    pub folds: u32,
    /// Go on with the one that was stopped, as it was begun.
    #[arg(long, conflicts_with_all = ["folds", "Chosen", "Finer"])]
    pub resume: bool,
    /// How each is trained; its seed also decides the draw of the folds.
    #[command(flatten)]
    pub chosen: Chosen,
}

#[derive(Subcommand)]
pub enum Models {
    /// All models of the catalogue and the library, with what they would need here.
    List {
        /// The project whose texts they are to fit.
        #[arg(long)]
        project: Option<PathBuf>,
    },
    /// Everything about one of them.
    Show {
        /// Its id.
        id: String,
        /// The project whose texts it is to fit.
        #[arg(long)]
        project: Option<PathBuf>,
    },
    /// Bring one to this machine: from the cache of other programs, else from the model hub. Goes on where it was stopped.
    Download {
        /// Its id.
        id: String,
    },
    /// Ask the model hub for models.
    Search {
        /// Words of their names.
        words: Vec<String>,
        /// Code of a language that they must have, as in zh.
        #[arg(long)]
        language: Option<String>,
        /// What they must have been made for, in the hub's words, as in fill-mask.
        #[arg(long)]
        task: Option<String>,
    },
    /// Ask the model hub about one model: size, licence, whether it can be trained here.
    Look {
        /// Its id.
        id: String,
        /// The project whose texts it is to fit.
        #[arg(long)]
        project: Option<PathBuf>,
    },
    /// Add one from disk, looked at file by file: a folder, or a zip archive of one.
    Add {
        /// The folder or archive.
        path: PathBuf,
        /// Its name in the library; an exported model has one already.
        #[arg(long)]
        id: Option<String>,
    },
    /// Put a run's model into the library, so that other projects can go on from it.
    Keep {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
        /// The run; the latest finished one unless given.
        #[arg(long)]
        run: Option<String>,
        /// Its name in the library.
        #[arg(long)]
        id: String,
    },
    /// Write one as a zip archive for a machine without a connection.
    Export {
        /// Its id.
        id: String,
        /// The archive.
        #[arg(long)]
        out: PathBuf,
    },
    /// Remove one from this machine, also what has arrived of it.
    Remove {
        /// Its id.
        id: String,
    },
    /// Move the library to another folder, as on another disk.
    Move {
        /// The new folder.
        folder: PathBuf,
    },
    /// Hash all files of one again.
    Verify {
        /// Its id.
        id: String,
    },
    /// Make a folder's pytorch_model.bin safe: its plain tensors become model.safetensors, nothing in it is run.
    Convert {
        /// The folder.
        folder: PathBuf,
    },
}

#[derive(Args)]
pub struct Network {
    /// Whether connections are allowed at all.
    #[arg(long)]
    pub allow: Option<bool>,
    /// The model hub's address; `official`, or `mirror` for one that can be reached from mainland China.
    #[arg(long)]
    pub hub: Option<String>,
    /// A proxy as http://HOST:PORT, or `system`.
    #[arg(long)]
    pub proxy: Option<String>,
    /// Who the proxy knows you as; empty for nobody.
    #[arg(long)]
    pub proxy_user: Option<String>,
    /// Read the access token of the model hub from standard input and keep it in the system's keyring; an empty one is
    /// forgotten.
    #[arg(long, conflicts_with = "proxy_password")]
    pub token: bool,
    /// The same for the proxy's password.
    #[arg(long)]
    pub proxy_password: bool,
}

#[derive(Args)]
pub struct Train {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// Only tell what the training would be: settings with their reasons, time and memory.
    #[arg(long)]
    pub plan: bool,
    /// Train again as this run was trained; `verify` tells whether both came to the same.
    #[arg(long, conflicts_with_all = ["plan", "resume", "test_file", "Chosen", "Finer"])]
    pub again: Option<String>,
    #[command(flatten)]
    pub chosen: Chosen,
    /// Go on with a run that was stopped, as it was begun.
    #[arg(long, conflicts_with_all = ["plan", "test_file", "Chosen", "Finer"])]
    pub resume: Option<String>,
    /// With --resume: with half the learning rate, for a run that got out of hand.
    #[arg(long, requires = "resume")]
    pub half_rate: bool,
    /// An official test file with the same columns; the rows are then divided again, with this file as the test part.
    #[arg(long, conflicts_with = "plan")]
    pub test_file: Option<PathBuf>,
}

/// How a model is trained.
#[derive(Args)]
pub struct Chosen {
    /// Id of the pretrained model, or the full path of its folder.
    #[arg(long)]
    pub model: Option<String>,
    /// Who chooses what is not given: quick, balanced, thorough, few_labels or textbook; by the data unless given.
    #[arg(long, value_parser = named::<Preset>)]
    pub preset: Option<Preset>,
    /// How often every text is seen in a training.
    #[arg(long)]
    pub epochs: Option<u32>,
    /// Texts per step.
    #[arg(long)]
    pub batch_size: Option<u32>,
    /// The highest learning rate.
    #[arg(long)]
    pub learning_rate: Option<f64>,
    /// Tokens read of a text.
    #[arg(long)]
    pub max_length: Option<u32>,
    /// Decides everything random.
    #[arg(long)]
    pub seed: Option<u32>,
    #[command(flatten)]
    pub finer: Finer,
}

/// Settings that are rarely changed by hand.
#[derive(Args)]
pub struct Finer {
    /// What learns: full, lora, or head (alone).
    #[arg(long, value_parser = named::<Method>)]
    pub method: Option<Method>,
    /// Rank of the changes with --method lora.
    #[arg(long)]
    pub lora_rank: Option<u32>,
    /// Only this many layers below the head learn; 0 for all.
    #[arg(long)]
    pub trained_layers: Option<u32>,
    /// Every layer learns this much slower than the one above it.
    #[arg(long)]
    pub layer_decay: Option<f64>,
    /// Products in f32 or bf16.
    #[arg(long, value_parser = named::<Precision>)]
    pub precision: Option<Precision>,
    /// Where to compute: cpu, or in a build for graphics cards cuda or metal.
    #[arg(long, value_parser = named::<DeviceKind>)]
    pub device: Option<DeviceKind>,
    /// What a text's meaning is taken from: native, or mean (of all tokens).
    #[arg(long, value_parser = named::<Pooling>)]
    pub pooling: Option<Pooling>,
    /// Read a longer text in up to this many overlapping windows.
    #[arg(long)]
    pub windows: Option<u32>,
    /// How windows become one: mean, max or attention.
    #[arg(long, value_parser = named::<WindowPooling>)]
    pub window_pooling: Option<WindowPooling>,
    /// What to read of a text that is longer than one window: head, or head-and-tail (a quarter of its beginning, the rest of its end).
    #[arg(long, value_parser = named::<Truncation>)]
    pub truncation: Option<Truncation>,
    /// Train so many times from the same beginning, with the texts in other orders, and keep the mean of the weights.
    #[arg(long)]
    pub trainings: Option<u32>,
    /// The head learns for this many epochs before the whole model does.
    #[arg(long)]
    pub head_epochs: Option<u32>,
    /// Share of every target that is spread over all classes.
    #[arg(long)]
    pub label_smoothing: Option<f64>,
    /// Let rare classes weigh as much as common ones.
    #[arg(long)]
    pub class_weights: bool,
    /// At the end, mix the kept model with the one that the run began with, as far as validation likes it better (needs a
    /// head that learned first).
    #[arg(long, value_name = "yes|no", action = clap::ArgAction::Set, value_parser = clap::builder::BoolishValueParser::new())]
    pub average_with_start: Option<bool>,
    /// Read a step's texts in at least this many parts.
    #[arg(long)]
    pub accumulation_steps: Option<u32>,
    /// Compute layers again on the way back instead of keeping them.
    #[arg(long)]
    pub recompute: bool,
    /// End when this many epochs in a row brought nothing better; 0 for never.
    #[arg(long)]
    pub patience: Option<u32>,
    /// Decoupled weight decay.
    #[arg(long)]
    pub weight_decay: Option<f64>,
    /// Share of the steps during which the learning rate rises.
    #[arg(long)]
    pub warmup_ratio: Option<f64>,
    /// Probability of dropout.
    #[arg(long)]
    pub dropout: Option<f64>,
}

/// Reads one of a setting's names.
fn named<T: serde::de::DeserializeOwned>(word: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(word.replace('-', "_")))
        .map_err(|error| error.to_string())
}

#[derive(Args)]
pub struct People {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// Who labels from now on.
    #[arg(long)]
    pub name: Option<String>,
    /// Take the labels that came with a file for the answers of whoever labels now.
    #[arg(long)]
    pub own: bool,
    /// Write the answers of whoever labels now, signed, without any text.
    #[arg(long)]
    pub send: Option<PathBuf>,
    /// Take in such a file of somebody else.
    #[arg(long)]
    pub take: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum Assist {
    /// Read all texts with a pretrained encoder, once; everything else needs it.
    Read {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
    },
    /// The texts to label next, each with what it is probably called.
    Next {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
        /// By what they are chosen: useful, rare or random.
        #[arg(long, default_value = "useful", value_parser = named::<Order>)]
        order: Order,
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Labels that are probably wrong, the most doubtful first.
    Doubts {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Texts that mean something like another one, or like some words.
    Similar {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
        /// The row.
        #[arg(long, required_unless_present = "text")]
        example: Option<u32>,
        /// The words.
        #[arg(long, conflicts_with = "example")]
        text: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Texts in groups by meaning, the largest first, each with its telling words and its rows.
    Groups {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
        /// Only texts that carry this label, by name: to see of what it consists.
        #[arg(long, conflicts_with = "open")]
        label: Option<String>,
        /// Only texts without a label.
        #[arg(long)]
        open: bool,
        /// How many groups at most.
        #[arg(long, default_value_t = 8)]
        count: usize,
    },
    /// What 50, 100 and 200 more labels would bring.
    Forecast {
        /// The project's folder.
        #[arg(long)]
        project: PathBuf,
    },
}

#[derive(Args)]
pub struct Predict {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// The run, or model:NAME for one of the library that was trained before; the latest finished run unless given.
    #[arg(long)]
    pub run: Option<String>,
    /// The table to read.
    pub file: PathBuf,
    /// The table to write: .csv, .tsv, .xlsx or .jsonl. A job that was cut off goes on when it is asked for again.
    #[arg(long)]
    pub out: PathBuf,
    /// The column with the texts, where it is called otherwise than in the project; given several times, their cells are joined.
    #[arg(long)]
    pub text: Vec<String>,
    /// Drop the rows that an earlier try has answered.
    #[arg(long)]
    pub from_start: bool,
}

#[derive(Args)]
pub struct Explain {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// The run, or model:NAME for one of the library that was trained before; the latest finished run unless given.
    #[arg(long)]
    pub run: Option<String>,
    #[command(flatten)]
    pub what: Explained,
    /// The label to explain; the one that the model gives unless given.
    #[arg(long)]
    pub label: Option<String>,
    /// How words are weighed: gradients, or occlusion (leaving out one after the other).
    #[arg(long, value_parser = named::<ExplanationMethod>, default_value = "gradients")]
    pub method: ExplanationMethod,
    /// Texts of the test part that are looked at, at most.
    #[arg(long, default_value_t = 200)]
    pub texts: u32,
    /// Per cent of a text's words that are left out with --test-part, to see whether they told.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=90))]
    pub percent: u8,
    /// Decides the draw of texts and words.
    #[arg(long, default_value_t = 0)]
    pub seed: u32,
}

/// What is explained.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Explained {
    /// This text.
    #[arg(long)]
    pub text: Option<String>,
    /// The text of this row, by its number.
    #[arg(long)]
    pub example: Option<u32>,
    /// The answers to the test part: the words that tell most for each label, and whether the model is less sure without
    /// them than without others. Kept, and told in reports from then on.
    #[arg(long)]
    pub test_part: bool,
}

#[derive(Args)]
pub struct Serve {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// The run, or model:NAME for one of the library that was trained before; the latest finished run unless given.
    #[arg(long)]
    pub run: Option<String>,
    /// The port; the system chooses a free one unless given.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
}

#[derive(Args)]
pub struct Report {
    /// The project's folder.
    #[arg(long)]
    pub project: PathBuf,
    /// The run; the latest finished one unless given.
    #[arg(long)]
    pub run: Option<String>,
    /// The file to write: a PDF where its name ends in .pdf, else HTML.
    #[arg(long)]
    pub out: PathBuf,
    /// The report's language: en or zh; the system's unless given.
    #[arg(long, value_parser = ["en", "zh"])]
    pub language: Option<String>,
}

/// A part of a label, `NAME=ROW,ROW,…`.
fn label_part(word: &str) -> Result<LabelPart, String> {
    let (name, rows) = word
        .rsplit_once('=')
        .ok_or_else(|| "a part is written NAME=ROW,ROW".to_owned())?;
    let rows = rows.split(',').map(|row| row.trim().parse());
    Ok(LabelPart {
        name: name.to_owned(),
        examples: rows
            .collect::<Result<_, _>>()
            .map_err(|error| format!("rows are numbers with commas between: {error}"))?,
    })
}
