//! The worker: one job in a process of its own, which the window's process can neither block nor bring down.
//!
//! Its first line of input is a [`Job`]; then come [`Command`]s. Its output is one [`Event`] a line. When the input
//! ends, whoever started it is gone: it stops at once, keeping what can be gone on with.

use std::cell::RefCell;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use understudy_data::{Project, RunStatus};
use understudy_train::{Control, Embedder};

use crate::error::{EngineError, Problem, Result, WorkerEnding};
use crate::job::{Command, Event, Job, Phase};
use crate::models::bring;
use crate::serving::{self, Listening, ServeJob};
use crate::{assist, cross_validation, explanation, models, prediction, runs, training};

/// Reads a job and carries it out. The last event says how it ended.
pub fn run(mut input: impl BufRead + Send + 'static, output: impl Write + Send) {
    lower_priority();
    let control = Control::default();
    let output = Mutex::new(output);
    let mut emit = |event: Event| {
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        let written = serde_json::to_string(&event)
            .map_err(std::io::Error::from)
            .and_then(|line| {
                writeln!(output, "{line}")?;
                output.flush()
            });
        if written.is_err() {
            // Nobody listens any more.
            control.cancel();
        }
    };
    let job = match read_job(&mut input) {
        Ok(job) => job,
        Err(error) => {
            return emit(Event::Failed {
                problem: Problem::from(&error),
            });
        }
    };
    emit(Event::Started {
        pid: std::process::id(),
    });
    let listener = Listener::start(input, control.clone());
    let result = carry_out(job, &control, &listener, &mut emit);
    emit(match result {
        Ok(Done {
            path,
            left_out,
            cut_cells,
        }) => Event::Finished {
            path,
            left_out,
            cut_cells,
        },
        Err(_) if listener.closed() => Event::Interrupted {
            problem: Problem::from(&EngineError::WorkerDied {
                ending: WorkerEnding::Closed,
            }),
        },
        Err(error) if error.is_cancelled() => Event::Cancelled,
        Err(error) => Event::Failed {
            problem: Problem::from(&error),
        },
    });
}

/// Work in the background must not make the machine slow for its user.
fn lower_priority() {
    #[cfg(unix)]
    if let Err(error) = rustix::process::nice(10) {
        eprintln!("the priority could not be lowered: {error}");
    }
}

fn read_job(input: &mut impl BufRead) -> Result<Job> {
    let mut line = String::new();
    let protocol = |reason: String| EngineError::Protocol { reason };
    input.read_line(&mut line).map_err(|e| protocol(e.to_string()))?;
    serde_json::from_str(&line).map_err(|e| protocol(format!("job: {e}")))
}

/// Listens to commands while the job runs.
struct Listener {
    closed: Arc<AtomicBool>,
    questions: Receiver<Command>,
}

impl Listener {
    fn start(input: impl BufRead + Send + 'static, control: Control) -> Self {
        let closed = Arc::new(AtomicBool::new(false));
        let (sender, questions) = channel();
        let flag = closed.clone();
        std::thread::spawn(move || listen(input, &control, &flag, &sender));
        Listener { closed, questions }
    }

    /// Whether the input has ended.
    fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

fn listen(input: impl BufRead, control: &Control, closed: &AtomicBool, questions: &Sender<Command>) {
    for line in input.lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str(&line) {
            Ok(Command::Pause) => control.pause(),
            Ok(Command::Resume) => control.resume(),
            Ok(Command::Cancel) => return control.cancel(),
            Ok(question) => {
                if questions.send(question).is_err() {
                    return;
                }
            }
            Err(error) => eprintln!("a command that is none: {error}: {line}"),
        }
    }
    closed.store(true, Ordering::Relaxed);
    control.cancel();
}

/// What a job leaves behind; as in [`Event::Finished`].
#[derive(Default)]
struct Done {
    path: Option<PathBuf>,
    left_out: u32,
    cut_cells: u32,
}

impl Done {
    fn at(path: PathBuf) -> Self {
        Done {
            path: Some(path),
            ..Done::default()
        }
    }
}

fn carry_out(job: Job, control: &Control, listener: &Listener, emit: &mut dyn FnMut(Event)) -> Result<Done> {
    match job {
        Job::Train { project, run } => {
            let mut project = Project::open(&project)?;
            let result = training::execute(&mut project, &run, control, emit);
            if listener.closed() && result.as_ref().is_err_and(EngineError::is_cancelled) {
                mark_interrupted(&mut project, &run)?;
            }
            result.map(|()| Done::default())
        }
        Job::CrossValidate { project } => {
            let mut project = Project::open(&project)?;
            let result = cross_validation::carry_on(&mut project, control, emit);
            if listener.closed()
                && result.as_ref().is_err_and(EngineError::is_cancelled)
                && let Some(run) = cross_validation::current_run(&project)?
                && runs::find(&project, &run)?.status == RunStatus::Cancelled
            {
                mark_interrupted(&mut project, &run)?;
            }
            result.map(|()| Done::default())
        }
        Job::PredictFile {
            project,
            run,
            input,
            output,
            text,
        } => {
            let project = Project::open(&project)?;
            let mut report = |progress| emit(Event::Progress(progress));
            let job = prediction::FileJob {
                run: &run,
                input: &input,
                output: &output,
                text: &text,
                from_start: false,
            };
            let done = prediction::predict_file(&project, &job, control, &mut report)?;
            Ok(Done {
                path: Some(output),
                left_out: done.problem_rows as u32,
                cut_cells: u32::try_from(done.cut_cells).unwrap_or(u32::MAX),
            })
        }
        Job::ExamineAnswers { project, run, how } => {
            let project = Project::open(&project)?;
            let mut report = |progress| emit(Event::Progress(progress));
            explanation::examine(&project, &run, &how, control, &mut report)?;
            Ok(Done::default())
        }
        Job::FetchModel { id } => {
            let folder = bring::fetch(&id, &watch(control), &mut |progress| {
                emit(Event::Progress(progress))
            })?;
            Ok(Done::at(folder))
        }
        Job::AddModel { path } => {
            bring::add(&path, None, &watch(control), &mut |progress| {
                emit(Event::Progress(progress))
            })?;
            Ok(Done::default())
        }
        Job::KeepRun { project, run, id } => {
            let mut report = |progress| emit(Event::Progress(progress));
            bring::keep_run(&project, &run, &id, &watch(control), &mut report)?;
            Ok(Done::default())
        }
        Job::ExportModel { id, target } => {
            let mut report = |progress| emit(Event::Progress(progress));
            // The window's dialog has asked whether a file may go.
            bring::export(&id, &target, true, &watch(control), &mut report)?;
            Ok(Done::at(target))
        }
        Job::MoveLibrary { root } => {
            let mut report = |progress| emit(Event::Progress(progress));
            let root = bring::move_library(&root, &watch(control), &mut report)?;
            Ok(Done::at(root))
        }
        Job::ReadTexts { project } => {
            let project = Project::open(&project)?;
            let mut report = |progress| emit(Event::Progress(progress));
            assist::reading::read_texts(&project, control, &mut report)?;
            Ok(Done::default())
        }
        Job::ServeEncoder { encoder } => {
            serve_encoder(&encoder, control, listener, emit).map(|()| Done::default())
        }
        Job::ServeHttp {
            project,
            run,
            port,
            language,
        } => {
            let job = ServeJob {
                project: &project,
                run: &run,
                port,
                language,
            };
            serve_http(&job, control, emit)
        }
        Job::Serve { project, run } => {
            serve(&project, &run, control, listener, emit).map(|()| Done::default())
        }
    }
}

/// The run was cancelled because the app went away, not because somebody wanted it.
fn mark_interrupted(project: &mut Project, run: &str) -> Result<()> {
    let mut record = runs::find(project, run)?;
    record.status = RunStatus::Running;
    project.update_run(&record)?;
    runs::interrupted(project, run, WorkerEnding::Closed)
}

/// A flag that follows the control, for work that knows only flags.
fn watch(control: &Control) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let (control, seen) = (control.clone(), flag.clone());
    std::thread::spawn(move || {
        while !control.is_cancelled() {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        seen.store(true, Ordering::Relaxed);
    });
    flag
}

/// Answers other programs until told to stop, which is how this work is done: it ends as finished.
fn serve_http(job: &ServeJob<'_>, control: &Control, emit: &mut dyn FnMut(Event)) -> Result<Done> {
    let emit = RefCell::new(emit);
    let ready = |listening: &Listening| {
        (emit.borrow_mut())(Event::Listening {
            address: listening.address(),
            token: listening.token.clone(),
        });
    };
    let mut told = 0;
    serving::serve(job, ready, &mut |texts| {
        if texts != told {
            told = texts;
            let texts = u32::try_from(texts).unwrap_or(u32::MAX);
            (emit.borrow_mut())(Event::Served { texts });
        }
        !control.is_cancelled()
    })?;
    Ok(Done::default())
}

/// Answers questions until the input ends.
fn serve(
    project: &Path,
    run: &str,
    control: &Control,
    listener: &Listener,
    emit: &mut dyn FnMut(Event),
) -> Result<()> {
    let project = Project::open(project)?;
    let predictor = prediction::load(&project, run)?;
    emit(Event::Progress(crate::job::Progress::new(
        Phase::Predict,
        0.0,
        0.0,
    )));
    while let Ok(question) = listener.questions.recv() {
        match question {
            Command::Predict { id, texts } => {
                let predictions = prediction::answer(&predictor, &texts, control)?;
                emit(Event::Answer { id, predictions });
            }
            Command::Explain {
                id,
                text,
                label,
                method,
            } => {
                let explanation = explanation::explain(&predictor, &text, label.as_deref(), method, control)?;
                emit(Event::Explained { id, explanation });
            }
            other => eprintln!("a question that is none: {other:?}"),
        }
    }
    Ok(())
}

/// Tells what the encoder makes of texts until the input ends.
fn serve_encoder(
    encoder: &str,
    control: &Control,
    listener: &Listener,
    emit: &mut dyn FnMut(Event),
) -> Result<()> {
    let embedder = Embedder::load(&models::base_folder(encoder)?)?;
    while let Ok(question) = listener.questions.recv() {
        match question {
            Command::Embed { id, text } => {
                let vector = embedder.embed(&[text], control)?;
                emit(Event::Vector { id, vector });
            }
            other => eprintln!("a question that is none: {other:?}"),
        }
    }
    Ok(())
}
