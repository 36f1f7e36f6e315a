//! Workers from the outside: started, listened to, told things, outlived.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command as Process, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use understudy_data::Project;
use understudy_train::{DeviceKind, ExplanationMethod, ModelError, TrainError};

use crate::cross_validation;
use crate::error::{EngineError, Problem, Result, WorkerEnding};
use crate::explanation::Explanation;
use crate::job::{Command, Event, Job};
use crate::runs;
use crate::view::Prediction;

/// Name of the program that jobs run in; it lies beside the app.
pub const PROGRAM: &str = if cfg!(windows) {
    "understudy.exe"
} else {
    "understudy"
};

/// Folder beside the app with the worker for graphics cards, and within it the libraries that such a worker needs.
const GPU_FOLDER: &str = "gpu";
const GPU_LIBRARIES: &str = "lib";

/// How long an answer to a single text may take, loading the model included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// The worker's program beside the running one.
///
/// # Errors
/// [`EngineError::WorkerMissing`].
pub fn program() -> Result<PathBuf> {
    beside(Path::new(PROGRAM)).map_err(|reason| EngineError::WorkerMissing { reason })
}

/// The worker for trainings on a device: never another than the one that was asked for.
///
/// # Errors
/// [`EngineError::WorkerMissing`]; that there is no worker for such a device.
pub fn program_for(device: DeviceKind) -> Result<PathBuf> {
    match device {
        DeviceKind::Cpu => program(),
        kind => beside(&Path::new(GPU_FOLDER).join(PROGRAM))
            .map_err(|_| TrainError::Model(ModelError::NotBuiltFor { kind }).into()),
    }
}

/// The worker for a job.
///
/// # Errors
/// As [`program_for`]; that the project cannot be read.
pub fn program_for_job(job: &Job) -> Result<PathBuf> {
    let device = match job {
        Job::Train { project, run } => {
            let project = Project::open(project)?;
            runs::settings(&runs::find(&project, run)?)?.device
        }
        Job::CrossValidate { project } => cross_validation::device(&Project::open(project)?)?,
        _ => DeviceKind::Cpu,
    };
    program_for(device)
}

/// A program beside the running one, or why there is none.
fn beside(program: &Path) -> std::result::Result<PathBuf, String> {
    let running = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = running.parent().unwrap_or(Path::new("")).join(program);
    match program.is_file() {
        true => Ok(program),
        false => Err(format!("{} is missing", program.display())),
    }
}

/// A worker at work.
pub struct Worker {
    input: Mutex<Option<ChildStdin>>,
    child: Arc<Mutex<Child>>,
}

impl Worker {
    /// Starts a worker. `hear` is called from another thread with its news; the last event always comes, also when the
    /// worker is killed.
    ///
    /// # Errors
    /// [`EngineError::WorkerMissing`].
    pub fn start(program: &Path, job: &Job, hear: impl FnMut(Event) + Send + 'static) -> Result<Worker> {
        let missing = |reason: String| EngineError::WorkerMissing { reason };
        let mut process = Process::new(program);
        let libraries = program.with_file_name(GPU_LIBRARIES);
        if program
            .parent()
            .is_some_and(|folder| folder.ends_with(GPU_FOLDER))
            && libraries.is_dir()
        {
            let mut paths = vec![libraries];
            // The driver's own library may be found there alone.
            let before = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
            paths.extend(std::env::split_paths(&before));
            let joined = std::env::join_paths(paths).map_err(|error| missing(error.to_string()))?;
            process.env("LD_LIBRARY_PATH", joined);
        }
        let mut child = process
            .arg("worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| missing(format!("{}: {e}", program.display())))?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(missing("no pipes".to_owned()));
        };
        let line = serde_json::to_string(job).map_err(|e| missing(e.to_string()))?;
        writeln!(input, "{line}").map_err(|e| missing(e.to_string()))?;
        let child = Arc::new(Mutex::new(child));
        let watched = child.clone();
        std::thread::spawn(move || listen(BufReader::new(output), &watched, hear));
        Ok(Worker {
            input: Mutex::new(Some(input)),
            child,
        })
    }

    /// Tells the worker something; nothing happens when it is gone already.
    pub fn tell(&self, command: &Command) {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(pipe), Ok(line)) = (input.as_mut(), serde_json::to_string(command))
            && writeln!(pipe, "{line}").and_then(|()| pipe.flush()).is_err()
        {
            *input = None;
        }
    }

    /// Ends the worker's input, which makes it stop, and waits for it.
    pub fn close(&self) {
        self.input.lock().unwrap_or_else(PoisonError::into_inner).take();
        for _ in 0..100 {
            let ended = self
                .child
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .try_wait();
            if !matches!(ended, Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.kill();
    }

    /// Kills the worker.
    pub fn kill(&self) {
        // It may have ended by itself a moment ago: that is as good.
        let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.input.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

fn listen(output: impl BufRead, child: &Mutex<Child>, mut hear: impl FnMut(Event)) {
    let mut ended = false;
    for line in output.lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str::<Event>(&line) {
            Ok(event) => {
                ended |= event.is_last();
                hear(event);
            }
            Err(error) => hear(Event::Log {
                message: format!("{error}: {line}"),
            }),
        }
    }
    let status = wait(child);
    if !ended {
        let ending = match status {
            Some(status) if status.code().is_none() => WorkerEnding::Killed,
            _ => WorkerEnding::Crashed,
        };
        hear(Event::Interrupted {
            problem: Problem::from(&EngineError::WorkerDied { ending }),
        });
    }
}

/// Waits for the end without holding the lock, so that the child can be killed meanwhile.
fn wait(child: &Mutex<Child>) -> Option<std::process::ExitStatus> {
    loop {
        match child.lock().unwrap_or_else(PoisonError::into_inner).try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => {}
            Err(_) => return None,
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How a worker ended that said nothing: from its last event.
pub fn ending(event: &Event) -> Option<WorkerEnding> {
    match event {
        Event::Interrupted { problem } => Some(match problem.en.kind.as_str() {
            "worker_killed" => WorkerEnding::Killed,
            "worker_crashed" => WorkerEnding::Crashed,
            _ => WorkerEnding::Closed,
        }),
        _ => None,
    }
}

/// A worker that stays with a model in memory and is asked one thing after the other.
struct Warm {
    worker: Worker,
    events: Receiver<Event>,
    asked: u32,
}

impl Warm {
    fn start(program: &Path, job: &Job) -> Result<Self> {
        let (sender, events) = channel();
        let worker = Worker::start(program, job, move |event| {
            // Nobody waits for an answer after the asker was dropped.
            let _ = sender.send(event);
        })?;
        Ok(Warm {
            worker,
            events,
            asked: 0,
        })
    }

    /// Asks, under the question's number, and waits for the event that `answer` takes for its answer.
    fn ask<T>(
        &mut self,
        question: impl FnOnce(u32) -> Command,
        answer: impl Fn(Event, u32) -> Option<T>,
    ) -> std::result::Result<T, Box<Problem>> {
        self.asked += 1;
        self.worker.tell(&question(self.asked));
        loop {
            match self.events.recv_timeout(ANSWER_TIMEOUT) {
                Ok(Event::Failed { problem } | Event::Interrupted { problem }) => {
                    return Err(Box::new(problem));
                }
                Ok(event) => {
                    if let Some(answer) = answer(event, self.asked) {
                        return Ok(answer);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(died(WorkerEnding::Crashed));
                }
            }
        }
    }
}

/// A worker that stays, with a run's model in memory, to answer single texts at once.
pub struct Answerer {
    /// The project's folder and the run.
    pub of: (PathBuf, String),
    warm: Warm,
}

impl Answerer {
    /// Starts a worker with the model of a run.
    ///
    /// # Errors
    /// [`EngineError::WorkerMissing`].
    pub fn start(program: &Path, project: &Path, run: &str) -> Result<Self> {
        let job = Job::Serve {
            project: project.to_owned(),
            run: run.to_owned(),
        };
        Ok(Answerer {
            of: (project.to_owned(), run.to_owned()),
            warm: Warm::start(program, &job)?,
        })
    }

    /// The answer to a text.
    ///
    /// # Errors
    /// [`Problem`] as the worker told it, or that it died.
    pub fn ask(&mut self, text: &str) -> std::result::Result<Prediction, Box<Problem>> {
        let question = |id| Command::Predict {
            id,
            texts: vec![text.to_owned()],
        };
        let predictions = self.warm.ask(question, |event, asked| match event {
            Event::Answer { id, predictions } if id == asked => Some(predictions),
            _ => None,
        })?;
        predictions
            .into_iter()
            .next()
            .ok_or_else(|| died(WorkerEnding::Crashed))
    }
}

impl Answerer {
    /// What each word of a text adds to a label, or to the one that is given.
    ///
    /// # Errors
    /// As [`Answerer::ask`].
    pub fn explain(
        &mut self,
        text: &str,
        label: Option<&str>,
        method: ExplanationMethod,
    ) -> std::result::Result<Explanation, Box<Problem>> {
        let question = |id| Command::Explain {
            id,
            text: text.to_owned(),
            label: label.map(str::to_owned),
            method,
        };
        self.warm.ask(question, |event, asked| match event {
            Event::Explained { id, explanation } if id == asked => Some(explanation),
            _ => None,
        })
    }
}

/// A worker that stays, with an encoder in memory, to say at once what words mean.
pub struct Reader {
    /// The encoder.
    pub encoder: String,
    warm: Warm,
}

impl Reader {
    /// Starts a worker with an encoder.
    ///
    /// # Errors
    /// [`EngineError::WorkerMissing`].
    pub fn start(program: &Path, encoder: &str) -> Result<Self> {
        let job = Job::ServeEncoder {
            encoder: encoder.to_owned(),
        };
        Ok(Reader {
            encoder: encoder.to_owned(),
            warm: Warm::start(program, &job)?,
        })
    }

    /// What the encoder makes of a text.
    ///
    /// # Errors
    /// As [`Answerer::ask`].
    pub fn read(&mut self, text: &str) -> std::result::Result<Vec<f32>, Box<Problem>> {
        let question = |id| Command::Embed {
            id,
            text: text.to_owned(),
        };
        self.warm.ask(question, |event, asked| match event {
            Event::Vector { id, vector } if id == asked => Some(vector),
            _ => None,
        })
    }
}

fn died(ending: WorkerEnding) -> Box<Problem> {
    Box::new(Problem::from(&EngineError::WorkerDied { ending }))
}
