//! explain: one text, or the answers to the test part: the words that tell most, and whether explanations hold.

use serde_json::{Value, json};
use understudy_engine::explanation::{self, Examination};
use understudy_engine::{Result, Session, prediction};
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
    if what.test_part {
        test_part(&session, &run, &arguments, output)
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

fn test_part(session: &Session, run: &str, arguments: &Explain, output: &Output) -> Result<Value> {
    let how = Examination {
        method: arguments.method,
        share: f64::from(arguments.percent) / 100.0,
        most: arguments.texts,
        seed: arguments.seed,
    };
    let mut report = |progress| output.progress(&progress);
    let found = explanation::examine(&session.project, run, &how, &Control::default(), &mut report)?;
    for label in &found.labels {
        let words = label.words.iter().take(WORDS_TOLD);
        let words: Vec<_> = words
            .map(|word| format!("{} {:+.2}", word.word, word.score))
            .collect();
        output.say(&format!(
            "{} ({} texts): {}",
            label.label,
            label.texts,
            words.join(", ")
        ));
    }
    if let Some(found) = &found.faithfulness {
        output.say(&format!(
            "{} texts: the probability falls by {:.3} without the most telling words, by {:.3} without as many at \
             random (difference {:.3} to {:.3}); more in {:.1} % of the texts ({:.1} to {:.1} %)",
            found.texts,
            found.telling_drop,
            found.random_drop,
            found.difference_interval.low,
            found.difference_interval.high,
            100.0 * found.held_share,
            100.0 * found.held_interval.low,
            100.0 * found.held_interval.high,
        ));
    }
    Ok(json!({ "run": run, "examined": found }))
}
