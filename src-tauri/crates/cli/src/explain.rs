//! explain: one text, whether explanations hold, and the words that tell most.

use serde_json::{Value, json};
use understudy_engine::{Result, Session, explanation, prediction};
use understudy_train::Control;

use crate::arguments::Explain;
use crate::output::Output;
use crate::run::latest;

/// Words that are told to people.
const WORDS_TOLD: usize = 10;

pub fn explain(arguments: Explain, output: &Output) -> Result<Value> {
    let session = Session::open(&arguments.project)?;
    let run = latest(&session, arguments.run.clone())?;
    let what = &arguments.what;
    if what.faithfulness {
        faithfulness(&session, &run, &arguments, output)
    } else if what.telling_words {
        telling_words(&session, &run, &arguments, output)
    } else {
        let text = match what.example {
            Some(example) => session.project.example(example)?.text,
            None => what.text.clone().unwrap_or_default(),
        };
        one(&session, &run, &text, &arguments, output)
    }
}

fn one(session: &Session, run: &str, text: &str, arguments: &Explain, output: &Output) -> Result<Value> {
    let model = prediction::load(&session.project, run)?;
    let label = arguments.label.as_deref();
    let found = explanation::explain(&model, text, label, arguments.method, &Control::default())?;
    output.say(&format!(
        "{}: {:.1} %, {} tokens, {:.0} ms",
        found.label,
        100.0 * found.probability,
        found.tokens,
        found.milliseconds
    ));
    if let Some(gap) = found.gap {
        output.say(&format!("the scores miss {:.1} % of the whole", 100.0 * gap));
    }
    let mut words: Vec<_> = found.words.iter().collect();
    words.sort_by(|a, b| b.score.abs().total_cmp(&a.score.abs()));
    for word in words.into_iter().take(WORDS_TOLD) {
        output.say(&format!("{:+.3} {}", word.score, word.word));
    }
    Ok(json!({ "run": run, "explanation": found }))
}

fn faithfulness(session: &Session, run: &str, arguments: &Explain, output: &Output) -> Result<Value> {
    let began = std::time::Instant::now();
    let found = explanation::check_faithfulness(
        &session.project,
        run,
        arguments.method,
        f64::from(arguments.percent) / 100.0,
        drawn(arguments),
        &Control::default(),
        &mut |progress| output.progress(&progress),
    )?;
    let seconds = began.elapsed().as_secs_f64();
    output.say(&format!(
        "{} texts: the probability falls by {:.3} without the most telling words, by {:.3} without as many at random \
         (difference {:.3} to {:.3}); more in {:.1} % of the texts ({:.1} to {:.1} %)",
        found.texts,
        found.telling_drop,
        found.random_drop,
        found.difference_interval.low,
        found.difference_interval.high,
        100.0 * found.held_share,
        100.0 * found.held_interval.low,
        100.0 * found.held_interval.high,
    ));
    Ok(json!({ "run": run, "method": arguments.method, "faithfulness": found, "seconds": seconds }))
}

fn telling_words(session: &Session, run: &str, arguments: &Explain, output: &Output) -> Result<Value> {
    let labels = explanation::telling_words(
        &session.project,
        run,
        arguments.method,
        drawn(arguments),
        &Control::default(),
        &mut |progress| output.progress(&progress),
    )?;
    for found in &labels {
        let words = found.words.iter().take(WORDS_TOLD);
        let words: Vec<_> = words
            .map(|word| format!("{} {:+.2}", word.word, word.score))
            .collect();
        output.say(&format!(
            "{} ({} texts): {}",
            found.label,
            found.texts,
            words.join(", ")
        ));
    }
    Ok(json!({ "run": run, "method": arguments.method, "labels": labels }))
}

fn drawn(arguments: &Explain) -> explanation::Drawn {
    explanation::Drawn {
        most: arguments.texts,
        seed: arguments.seed,
    }
}
