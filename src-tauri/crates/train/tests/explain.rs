//! Explanations of a small model's answers: their parts add up, and leaving out a word is what it says.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use understudy_train::{Control, Explanation, ExplanationMethod, Manner, Predictor, examine};

const TEXT: &str = "The court pays, good heart; a bad contract!";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/fixtures/tiny-bert")
}

/// The small model, reading windows of so many tokens.
fn reading(folder: &Path, max_length: usize, windows: usize) -> Predictor {
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        std::fs::copy(fixture().join(name), folder.join(name)).unwrap();
    }
    let note = format!(r#"{{"max_length":{max_length},"windows":{windows},"window_pooling":"mean"}}"#);
    std::fs::write(folder.join("understudy.json"), note).unwrap();
    Predictor::load(folder).unwrap()
}

fn explained(
    predictor: &Predictor,
    text: &str,
    class: Option<usize>,
    method: ExplanationMethod,
) -> Explanation {
    predictor
        .explain(text, class, method, &Control::default())
        .unwrap()
}

fn words<'t>(text: &'t str, explanation: &Explanation) -> Vec<&'t str> {
    explanation
        .words
        .iter()
        .map(|word| &text[word.place.clone()])
        .collect()
}

#[test]
fn the_words_scores_add_up_to_the_difference_that_the_text_makes() {
    let predictor = Predictor::load(&fixture()).unwrap();
    let given = predictor.predict(&[TEXT], &Control::default()).unwrap().remove(0);
    for class in 0..3 {
        let found = explained(&predictor, TEXT, Some(class), ExplanationMethod::Gradients);
        let sum: f64 = found.words.iter().map(|word| word.score).sum();
        let whole = found.log_odds - found.hidden_log_odds.unwrap();
        assert!((sum - whole).abs() <= 0.101 * whole.abs(), "{sum} {whole}");
        assert!(found.gap.unwrap() < 0.1);
        assert_eq!(
            (&found.probabilities, &found.labels),
            (&given.probabilities, &given.labels)
        );
        let p = f64::from(found.probabilities[class]);
        assert!((found.log_odds - (p / (1.0 - p)).ln()).abs() < 1e-4);
    }
    let found = explained(&predictor, TEXT, None, ExplanationMethod::Gradients);
    assert_eq!(found.class, given.labels[0]);
    assert_eq!(words(TEXT, &found)[..5], ["The", "court", "pays", ",", "good"]);
}

#[test]
fn leaving_out_a_word_is_reading_the_text_without_it() {
    let predictor = Predictor::load(&fixture()).unwrap();
    let found = explained(&predictor, TEXT, Some(1), ExplanationMethod::Occlusion);
    let at = words(TEXT, &found)
        .iter()
        .position(|word| *word == "bad")
        .unwrap();
    let without = TEXT.replace("bad ", "");
    let p = f64::from(predictor.predict(&[without], &Control::default()).unwrap()[0].probabilities[1]);
    let expected = found.log_odds - (p / (1.0 - p)).ln();
    assert!((found.words[at].score - expected).abs() < 1e-4);
    assert_eq!(found.gap, None);
}

#[test]
fn long_texts_are_explained_over_all_their_windows_and_no_further() {
    let text = "good law, bad court; heart pays contract pain good bad law court";
    let folder = tempfile::tempdir().unwrap();
    let several = reading(folder.path(), 8, 4);
    for method in [ExplanationMethod::Gradients, ExplanationMethod::Occlusion] {
        let found = explained(&several, text, None, method);
        assert!(!found.truncated);
        assert_eq!(found.words.last().unwrap().place.end, text.len());
    }
    let one = reading(folder.path(), 8, 1);
    let found = explained(&one, text, None, ExplanationMethod::Gradients);
    assert!(found.truncated);
    assert_eq!(words(text, &found), ["good", "law", ",", "bad", "court", ";"]);
}

#[test]
fn texts_without_words_have_nothing_to_explain() {
    let predictor = Predictor::load(&fixture()).unwrap();
    for text in ["", "   "] {
        for method in [ExplanationMethod::Gradients, ExplanationMethod::Occlusion] {
            assert!(explained(&predictor, text, None, method).words.is_empty());
        }
    }
}

#[test]
fn the_check_is_the_same_every_time_and_can_be_stopped() {
    let predictor = Predictor::load(&fixture()).unwrap();
    let texts = [TEXT, "good", "a good law and a bad court pays the contract"];
    let manner = Manner {
        method: ExplanationMethod::Gradients,
        share: 0.3,
        seed: 7,
        fewest: 1,
        most: 3,
    };
    let check = |control: &Control| examine(&predictor, &texts, &manner, control, &mut |_| {});
    let found = check(&Control::default()).unwrap();
    let held = found.faithfulness.as_ref().unwrap();
    assert_eq!((held.texts, held.too_short), (2, 1));
    assert_eq!(found.telling.iter().map(|label| label.texts).sum::<u32>(), 3);
    assert_eq!(found, check(&Control::default()).unwrap());
    let stopped = Control::default();
    stopped.cancel();
    assert!(check(&stopped).is_err());
}
