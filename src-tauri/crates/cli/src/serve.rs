//! serve: a run's model for the firm's own programs.

use serde_json::{Value, json};
use understudy_engine::serving::{self, Listening, ServeJob};
use understudy_engine::{Result, Session};

use crate::arguments::Serve;
use crate::output::Output;
use crate::run::latest;

/// Answers until it is told to stop. With --json there is a line when it listens and one when it has stopped.
pub fn serve(arguments: Serve, output: &Output) -> Result<Value> {
    let session = Session::open(&arguments.project)?;
    let run = latest(&session, arguments.run)?;
    drop(session);
    let ready = |listening: &Listening| {
        let (address, Listening { port, token }) = (listening.address(), listening);
        output.say(&format!("{address}\ntoken: {token}\nCtrl+C stops it"));
        output.result(&json!({ "run": run, "address": address, "port": port, "token": token }));
    };
    let job = ServeJob {
        project: &arguments.project,
        run: &run,
        port: arguments.port,
        language: output.language(),
    };
    serving::serve(&job, ready, &mut |_| true)?;
    Ok(json!({ "stopped": true }))
}
