//! What the numbers mean, in sentences for an expert, the most important first. Facts come from
//! [`ReportInput`], words from the catalogue.

use understudy_eval::{ClassScore, MultiLabelScores, Scores, Verdict, verdict};

use crate::{
    Catalogue, Language, Part, ReportInput,
    judgement::Judgement,
    numbers::{self, FEW, interval_of_100, of_100},
};

/// A class with fewer unseen cases is not judged.
pub(crate) const JUDGEABLE: u32 = 10;
/// Labels named before "and … more".
const NAMED: usize = 4;
/// Shares of truncated texts below this are not worth a sentence.
const TRUNCATED: f64 = 0.01;

/// What the run's results mean: how good, how sure, where strong, where weak, what to do next.
pub fn sentences(input: &ReportInput, language: Language) -> Vec<String> {
    [for_decision(input, language), for_expert(input, language)].concat()
}

/// What whoever decides must know: how good it is, how sure that is, and what a model is worth here.
pub fn for_decision(input: &ReportInput, language: Language) -> Vec<String> {
    let texts = Catalogue::report(language);
    let judged = input.judged();
    [
        Some(headline(judged, texts)),
        warning(judged, texts),
        counted(input, texts),
        calibrated(input, texts),
        reviewed(input, texts),
        input
            .test
            .is_none()
            .then(|| texts.text("words.validation_only", &[])),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the expert can act on: where it is strong and where weak, how the training went.
pub fn for_expert(input: &ReportInput, language: Language) -> Vec<String> {
    let texts = Catalogue::report(language);
    let judged = input.judged();
    [
        strongest_and_weakest(judged, texts),
        match &judged.multi_label {
            None => confusion(judged, texts),
            Some(_) => missed_and_wrong(judged, texts),
        },
        too_few_cases(judged, texts),
        Some(rounds(input, texts)),
        unfamiliar(input, texts),
        truncated(input, texts),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// "Right in 91 of 100 unseen cases (probably 83–96). Always answering …"
fn headline(judged: &Scores, texts: &Catalogue) -> String {
    if let Some(several) = &judged.multi_label {
        return several_right(judged, several, texts);
    }
    right(judged, texts) + &texts.text("list.after_sentence", &[]) + &baseline(judged, texts)
}

/// "Of 100 labels that it gives …, 84 are right; of 100 that apply, it finds 79. …"
fn several_right(judged: &Scores, several: &MultiLabelScores, texts: &Catalogue) -> String {
    let count = numbers::count(judged.examples.into());
    let label = quoted(&judged.majority_label, texts);
    let space = texts.text("list.after_sentence", &[]);
    if judged.examples < FEW {
        let correct = judged.correct.to_string();
        let few = texts.text("words.several_few", &[("correct", &correct), ("count", &count)]);
        return [few, micro_f1(judged, texts)].join(&space);
    }
    let reached = of_100(several.majority_micro_f1).to_string();
    let baseline = texts.text(
        "words.several_baseline",
        &[("label", &label), ("right", &reached)],
    );
    if judged.correct == judged.examples {
        let (low, high) = interval_of_100(judged.accuracy_interval);
        let (low, high) = (low.to_string(), high.to_string());
        let all = [("count", count.as_str()), ("low", &low), ("high", &high)];
        return [
            texts.text("words.several_all", &all),
            micro_f1(judged, texts),
            baseline,
        ]
        .join(&space);
    }
    let (low, high) = interval_of_100(several.micro_f1_interval);
    let share = |value: f64| of_100(value).to_string();
    let found = texts.text(
        "words.several",
        &[
            ("precision", &share(several.micro_precision)),
            ("recall", &share(several.micro_recall)),
            ("f1", &share(judged.micro_f1)),
            ("low", &low.to_string()),
            ("high", &high.to_string()),
        ],
    );
    let exact = texts.text("words.several_exact", &[("right", &share(judged.accuracy))]);
    [found, baseline, exact].join(&space)
}

/// The measure that what follows is compared by, where it was not told yet.
fn micro_f1(judged: &Scores, texts: &Catalogue) -> String {
    texts.text(
        "words.several_f1",
        &[("f1", &of_100(judged.micro_f1).to_string())],
    )
}

/// The label that is missed most, and the one that is given wrongly most.
fn missed_and_wrong(judged: &Scores, texts: &Catalogue) -> Option<String> {
    if judged.correct == judged.examples {
        return (judged.examples >= FEW).then(|| texts.text("words.none_wrong", &[]));
    }
    let found = |class: &ClassScore| (class.recall * f64::from(class.support)).round() as u32;
    let missed = |class: &ClassScore| class.support - found(class);
    let wrong = |class: &ClassScore| class.predicted - found(class);
    let most = |count: &dyn Fn(&ClassScore) -> u32| {
        let classes = judged.classes.iter();
        let worst = classes.reduce(|worst, class| if count(class) > count(worst) { class } else { worst })?;
        // A single mistake is no pattern.
        (count(worst) >= 2).then_some(worst)
    };
    let told = |key: &str, class: &ClassScore, count: u32, of: u32| {
        let (count, of) = (count.to_string(), of.to_string());
        texts.text(
            key,
            &[
                ("label", &quoted(&class.label, texts)),
                ("count", &count),
                ("of", &of),
            ],
        )
    };
    let sentences: Vec<String> = [
        most(&missed).map(|class| told("words.most_missed", class, missed(class), class.support)),
        most(&wrong).map(|class| told("words.most_wrong", class, wrong(class), class.predicted)),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!sentences.is_empty()).then(|| sentences.join(&texts.text("list.after_sentence", &[])))
}

fn right(judged: &Scores, texts: &Catalogue) -> String {
    let (low, high) = interval_of_100(judged.accuracy_interval);
    let (low, high) = (low.to_string(), high.to_string());
    let (correct, count) = (judged.correct.to_string(), numbers::count(judged.examples.into()));
    let share = of_100(judged.accuracy).to_string();
    if judged.examples < FEW {
        let arguments = [
            ("correct", correct.as_str()),
            ("count", &count),
            ("low", &low),
            ("high", &high),
        ];
        texts.text("words.right_few", &arguments)
    } else if judged.correct == judged.examples {
        texts.text(
            "words.right_all",
            &[("count", &count), ("low", &low), ("high", &high)],
        )
    } else {
        texts.text(
            "words.right",
            &[("right", &share), ("low", &low), ("high", &high)],
        )
    }
}

fn baseline(judged: &Scores, texts: &Catalogue) -> String {
    let label = quoted(&judged.majority_label, texts);
    if judged.examples < FEW {
        let correct = (judged.majority_accuracy * f64::from(judged.examples))
            .round()
            .to_string();
        let count = judged.examples.to_string();
        texts.text(
            "words.baseline_few",
            &[("label", &label), ("correct", &correct), ("count", &count)],
        )
    } else {
        let right = of_100(judged.majority_accuracy).to_string();
        texts.text("words.baseline", &[("label", &label), ("right", &right)])
    }
}

fn warning(judged: &Scores, texts: &Catalogue) -> Option<String> {
    let measure = Judgement::of(judged);
    if measure.value < measure.majority {
        Some(texts.text("words.worse_than_baseline", &[]))
    } else if measure.interval.low <= measure.majority {
        Some(texts.text("words.not_clearly_better", &[]))
    } else {
        None
    }
}

/// What counting words reaches, and whether the model was worth its while.
fn counted(input: &ReportInput, texts: &Catalogue) -> Option<String> {
    let judged = input.judged();
    let (counted, [below, as_good, better]) = match &judged.multi_label {
        None => (
            input.bag_of_words_accuracy?,
            ["words.below_counting", "words.counting_as_good", "words.counting"],
        ),
        Some(_) => (
            input.bag_of_words_micro_f1?,
            [
                "words.several_below_counting",
                "words.several_counting_as_good",
                "words.several_counting",
            ],
        ),
    };
    let measure = Judgement::of(judged);
    let mut right = of_100(counted).to_string();
    if of_100(counted) == of_100(measure.value) && counted != measure.value {
        // Rounded alike, one of them is better all the same.
        let tenth = |share: f64| format!("{:.1}", 100.0 * share);
        right = texts.text(
            "words.beside",
            &[("right", &tenth(counted)), ("model", &tenth(measure.value))],
        );
    }
    // One case more or less among a hundred says nothing: what was counted is as uncertain as what the model answered.
    let uncertain = 0.5 * (measure.interval.high - measure.interval.low);
    let key = if measure.interval.high < counted - uncertain {
        below
    } else if measure.interval.low <= counted {
        as_good
    } else {
        better
    };
    Some(texts.text(key, &[("right", &right)]))
}

/// How far its certainty is off, before and after it was corrected.
fn calibrated(input: &ReportInput, texts: &Catalogue) -> Option<String> {
    let calibration = input.calibration.as_ref()?;
    let points = |ece: f64| format!("{:.1}", 100.0 * ece);
    Some(texts.text(
        "words.calibrated",
        &[
            ("before", &points(calibration.before.ece)),
            ("after", &points(calibration.after.ece)),
        ],
    ))
}

/// How many cases it leaves to a person, and how often it is wrong in the others.
fn reviewed(input: &ReportInput, texts: &Catalogue) -> Option<String> {
    let review = input.review.as_ref()?;
    let share = |value: f64| format!("{}", (1000.0 * value).round() / 10.0);
    let key = match review.unfamiliar_counted {
        true => "words.reviewed",
        false => "words.reviewed_uncounted",
    };
    Some(texts.text(
        key,
        &[
            ("allowed", &share(review.errors_allowed)),
            ("answered", &share(review.kept.coverage)),
            ("wrong", &numbers::count(review.kept.wrong.into())),
            ("of", &numbers::count(review.kept.answered.into())),
        ],
    ))
}

/// How many texts are unlike those it learned from, and how it did on them.
fn unfamiliar(input: &ReportInput, texts: &Catalogue) -> Option<String> {
    let found = input.unfamiliar.as_ref()?;
    let count = |count: u32| numbers::count(count.into());
    let key = match found.unfamiliar {
        0 => "words.unfamiliar_none",
        _ => "words.unfamiliar",
    };
    Some(texts.text(
        key,
        &[
            ("count", &count(found.unfamiliar)),
            ("texts", &count(found.texts)),
            ("wrong", &count(found.wrong)),
        ],
    ))
}

fn strongest_and_weakest(judged: &Scores, texts: &Catalogue) -> Option<String> {
    let strongest = judgeable(judged).reduce(|best, class| if class.f1 > best.f1 { class } else { best })?;
    let weakest = weakest(judged)?;
    if strongest.f1 == weakest.f1 {
        return None;
    }
    Some(texts.text(
        "words.strongest_weakest",
        &[
            ("strongest", &quoted(&strongest.label, texts)),
            ("strongest_counts", &counts(strongest, texts)),
            ("weakest", &quoted(&weakest.label, texts)),
            ("weakest_counts", &counts(weakest, texts)),
        ],
    ))
}

fn judgeable(judged: &Scores) -> impl Iterator<Item = &ClassScore> {
    judged.classes.iter().filter(|class| class.support >= JUDGEABLE)
}

fn weakest(judged: &Scores) -> Option<&ClassScore> {
    judgeable(judged).reduce(|worst, class| if class.f1 < worst.f1 { class } else { worst })
}

/// "45 of 47 found; 45 of 46 such answers right". Both shares are exact multiples of the counts.
fn counts(class: &ClassScore, texts: &Catalogue) -> String {
    let found = (class.recall * f64::from(class.support)).round().to_string();
    let support = class.support.to_string();
    if class.predicted == 0 {
        return texts.text("words.counts_never_answered", &[("support", &support)]);
    }
    let predicted = class.predicted.to_string();
    texts.text(
        "words.counts",
        &[("found", &found), ("support", &support), ("count", &predicted)],
    )
}

fn confusion(judged: &Scores, texts: &Catalogue) -> Option<String> {
    if judged.correct == judged.examples {
        return (judged.examples >= FEW).then(|| texts.text("words.none_wrong", &[]));
    }
    let (gold, predicted, wrong) = commonest_confusion(judged)?;
    // A single mistake is no pattern.
    (wrong >= 2).then(|| {
        texts.text(
            "words.confusion",
            &[
                ("gold", &quoted(&judged.classes[gold].label, texts)),
                ("predicted", &quoted(&judged.classes[predicted].label, texts)),
                ("wrong", &wrong.to_string()),
                ("support", &judged.classes[gold].support.to_string()),
            ],
        )
    })
}

/// Gold, predicted and count of the commonest mistake; of equals, the one of the smaller class.
fn commonest_confusion(judged: &Scores) -> Option<(usize, usize, u32)> {
    let mistakes = judged.confusion.iter().enumerate().flat_map(|(gold, row)| {
        row.iter()
            .enumerate()
            .filter(move |(predicted, _)| *predicted != gold)
            .map(move |(p, &n)| (gold, p, n))
    });
    mistakes.reduce(|worst, mistake| {
        let weight = |(gold, _, count): (usize, usize, u32)| (count, u32::MAX - judged.classes[gold].support);
        if weight(mistake) > weight(worst) {
            mistake
        } else {
            worst
        }
    })
}

fn too_few_cases(judged: &Scores, texts: &Catalogue) -> Option<String> {
    let labels: Vec<&str> = judged
        .classes
        .iter()
        .filter(|class| class.support < JUDGEABLE)
        .map(|class| class.label.as_str())
        .collect();
    if labels.is_empty() {
        return None;
    }
    let count = labels.len().to_string();
    let least = JUDGEABLE.to_string();
    Some(texts.text(
        "words.too_few_cases",
        &[
            ("labels", &list(&labels, texts)),
            ("count", &count),
            ("least", &least),
        ],
    ))
}

/// What tells a round from the others.
pub fn round_columns(input: &ReportInput, texts: &Catalogue) -> Vec<String> {
    let training = input.has_trainings().then_some("rounds.training");
    let names = ["rounds.round"].into_iter().chain(training);
    names.map(|name| texts.text(name, &[])).collect()
}

/// Which rounds were kept, and whether they were drawn back to where they began.
pub fn rounds_caption(input: &ReportInput, texts: &Catalogue) -> String {
    texts.text(
        match (input.trained_share, input.kept_epochs.len()) {
            (0.0, _) => "rounds.caption_not_used",
            (..1.0, 0..2) => "rounds.caption_mixed",
            (..1.0, _) => "rounds.caption_averaged_mixed",
            (_, 0..2) => "rounds.caption",
            _ => "rounds.caption_averaged",
        },
        &[
            ("best", &kept_rounds(input, texts)),
            ("share", &of_100(input.trained_share).to_string()),
        ],
    )
}

/// The numbers of the rounds that were kept.
fn kept_rounds(input: &ReportInput, texts: &Catalogue) -> String {
    let rounds: Vec<String> = input.kept_rounds().iter().map(u32::to_string).collect();
    rounds.join(&texts.text("list.separator", &[]))
}

/// The verdict on the rounds, with one thing to do.
fn rounds(input: &ReportInput, texts: &Catalogue) -> String {
    let several = input.kept_epochs.len() > 1;
    if input.trained_share < 1.0 || several {
        // What is kept is no round's model, so that no round's scores tell of it.
        let key = match (input.trained_share, several) {
            (0.0, _) => "verdict.not_used",
            (..1.0, false) => "verdict.mixed",
            (..1.0, true) => "verdict.averaged_mixed",
            _ => "verdict.averaged",
        };
        return texts.text(
            key,
            &[
                ("best", &kept_rounds(input, texts)),
                ("share", &of_100(input.trained_share).to_string()),
                ("action", &action(input, texts)),
            ],
        );
    }
    match verdict(input.rounds_of_its_training(), input.best_epoch) {
        Verdict::TooFewRounds { .. } => texts.text("verdict.too_few_rounds", &[]),
        Verdict::Diverged { epoch } => texts.text("verdict.diverged", &[("epoch", &epoch.to_string())]),
        Verdict::NotLearning {
            first_loss,
            last_loss,
        } => texts.text(
            "verdict.not_learning",
            &[
                ("first", &format!("{first_loss:.2}")),
                ("last", &format!("{last_loss:.2}")),
            ],
        ),
        Verdict::StillImproving { rounds, gain } => texts.text(
            "verdict.still_improving",
            &[
                ("gain", &format!("{:.1}", 100.0 * gain)),
                ("rounds", &(2 * rounds).to_string()),
            ],
        ),
        Verdict::Memorising {
            from_epoch,
            best_epoch,
        } => texts.text(
            "verdict.memorising",
            &[
                ("from", &from_epoch.to_string()),
                ("best", &best_epoch.to_string()),
                ("action", &action(input, texts)),
            ],
        ),
        Verdict::Settled { best_epoch, .. } => texts.text(
            "verdict.settled",
            &[
                ("best", &best_epoch.to_string()),
                ("rounds", &input.epochs.len().to_string()),
                ("action", &action(input, texts)),
            ],
        ),
    }
}

/// With so many examples of a label, more of them bring little.
const ENOUGH: u32 = 400;

/// What would make it better: more examples of the label that it does worst, or another look at the label itself.
fn action(input: &ReportInput, texts: &Catalogue) -> String {
    let judged = input.judged();
    let weakest = weakest(judged).filter(|class| class.f1 < 1.0);
    let Some((class, had)) = weakest.and_then(|class| Some((class, learnt_from(input, &class.label)?)))
    else {
        return texts.text("words.add_examples", &[]);
    };
    let label = quoted(&class.label, texts);
    let count = numbers::count(had.into());
    if had >= ENOUGH {
        return texts.text("words.look_at_label", &[("label", &label), ("had", &count)]);
    }
    let more = numbers::count(more_examples(input, had).into());
    texts.text(
        "words.add_examples_of",
        &[("label", &label), ("had", &count), ("more", &more)],
    )
}

/// Examples of a label in the training part.
fn learnt_from(input: &ReportInput, label: &str) -> Option<u32> {
    let place = input.labels.iter().position(|known| known == label)?;
    let part = input.parts.iter().find(|part| part.part == Part::Train)?;
    part.per_label.get(place).copied()
}

/// How many more are worth the while: as many again, or as many as the other labels usually have; a round number. A
/// learner's error falls about with the root of its examples, so that fewer would hardly show.
fn more_examples(input: &ReportInput, had: u32) -> u32 {
    let part = input.parts.iter().find(|part| part.part == Part::Train);
    let mut counts = part.map(|part| part.per_label.clone()).unwrap_or_default();
    counts.sort_unstable();
    let usual = counts.get(counts.len() / 2).copied().unwrap_or(0);
    let more = had.max(usual.saturating_sub(had)).max(1);
    let step = if more < 50 { 5 } else { 10 };
    more.div_ceil(step) * step
}

fn truncated(input: &ReportInput, texts: &Catalogue) -> Option<String> {
    (input.truncated >= TRUNCATED).then(|| {
        let share = of_100(input.truncated).to_string();
        let length = numbers::count(input.tokens_read.into());
        let told = if input.reads_the_end {
            "words.truncated_middle"
        } else {
            "words.truncated"
        };
        texts.text(told, &[("count", &share), ("length", &length)])
    })
}

fn quoted(label: &str, texts: &Catalogue) -> String {
    texts.text("list.quote", &[("label", label)])
}

/// “A”, “B” and 3 more.
fn list(labels: &[&str], texts: &Catalogue) -> String {
    // "… and 1 more" would be longer than the name itself.
    let named = if labels.len() <= NAMED + 1 {
        labels.len()
    } else {
        NAMED
    };
    let names: Vec<String> = labels[..named].iter().map(|label| quoted(label, texts)).collect();
    let names = names.join(&texts.text("list.separator", &[]));
    if named == labels.len() {
        names
    } else {
        texts.text(
            "list.more",
            &[
                ("labels", &names),
                ("more", &(labels.len() - named).to_string()),
                ("all", &labels.len().to_string()),
            ],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn told(input: &ReportInput, language: Language) -> String {
        sentences(input, language).join("\n")
    }

    #[test]
    fn every_sample_is_told_in_both_languages() {
        for (name, input) in sample::all() {
            let both = [told(&input, Language::En), told(&input, Language::Zh)].join("\n\n");
            insta::assert_snapshot!(name, both);
        }
    }

    #[test]
    fn what_is_left_out_of_long_texts_is_told_as_it_is() {
        let mut input = sample::useless();
        input.truncated = 0.3;
        assert!(told(&input, Language::En).contains("reads only their beginning"));
        input.reads_the_end = true;
        assert!(told(&input, Language::En).contains("leaves out the middle"));
        assert!(told(&input, Language::Zh).contains("略去中间部分"));
    }

    #[test]
    fn a_model_that_is_no_rounds_is_not_told_by_the_rounds() {
        let mut input = sample::contracts();
        let by_rounds = rounds(&input, Catalogue::report(Language::En));
        input.trained_share = 0.75;
        let mixed = told(&input, Language::En);
        assert!(mixed.contains("75 of 100 parts") && !mixed.contains(&by_rounds));
        assert!(rounds_caption(&input, Catalogue::report(Language::Zh)).contains("75%"));
        input.trained_share = 0.0;
        assert!(told(&input, Language::Zh).contains("保留的是起始模型"));
    }

    #[test]
    fn the_mean_of_several_trainings_is_told_as_that_and_a_single_one_by_its_own_rounds() {
        let mut input = sample::contracts();
        input.kept_epochs = vec![2, 4];
        input.epochs[2..].iter_mut().for_each(|round| round.training = 2);
        assert!(told(&input, Language::En).contains("the mean of the models of rounds 2, 4"));
        let caption = |input: &ReportInput| rounds_caption(input, Catalogue::report(Language::Zh));
        assert!(caption(&input).contains("第 2、4 轮"));
        input.trained_share = 0.5;
        assert!(told(&input, Language::En).contains("50 of 100 parts") && caption(&input).contains("50%"));
        assert_eq!(input.kept_rounds(), [2, 4]);
        input.trained_share = 0.0;
        assert!(input.kept_rounds().is_empty());
        input.trained_share = 1.0;
        (input.kept_epochs, input.best_epoch) = (vec![4], 4);
        let of: Vec<u32> = input.rounds_of_its_training().iter().map(|r| r.epoch).collect();
        assert_eq!(of, [3, 4]);
    }

    #[test]
    fn a_model_no_better_than_the_commonest_answer_is_warned_of_in_the_second_sentence() {
        let told = sentences(&sample::useless(), Language::En);
        assert!(told[1].contains("not clearly better"), "{told:?}");
    }

    #[test]
    fn a_model_worse_than_the_commonest_answer_must_not_be_used() {
        let mut input = sample::useless();
        let test = input.test.as_mut().unwrap();
        test.accuracy = 0.6;
        assert!(sentences(&input, Language::En)[1].contains("do not use"));
    }

    #[test]
    fn a_promise_that_leaves_unfamiliar_texts_out_says_so() {
        let mut input = sample::contracts();
        assert!(told(&input, Language::En).contains("leaves doubtful cases and texts unlike those"));
        input.review.as_mut().unwrap().unfamiliar_counted = false;
        let uncounted = told(&input, Language::En);
        assert!(
            uncounted.contains("are counted as any others here"),
            "{uncounted}"
        );
    }

    #[test]
    fn a_training_that_ran_off_its_course_is_told_what_to_change() {
        let mut input = sample::contracts();
        input.epochs[1].train_loss = f64::NAN;
        assert!(told(&input, Language::En).contains("In round 2 the training ran off its course"));
    }

    #[test]
    fn a_single_mistake_is_not_called_a_pattern() {
        let input = sample::tiny();
        assert!(!told(&input, Language::En).contains("taken for"));
    }

    #[test]
    fn below_twenty_cases_there_is_no_share() {
        assert!(sentences(&sample::tiny(), Language::En)[0].starts_with("Right in 8 of 9 unseen cases."));
    }

    #[test]
    fn a_long_list_of_labels_ends_in_a_number() {
        let texts = Catalogue::report(Language::En);
        assert_eq!(list(&["a", "b", "c", "d", "e"], texts), "“a”, “b”, “c”, “d”, “e”");
        assert_eq!(
            list(&["a", "b", "c", "d", "e", "f"], texts),
            "“a”, “b”, “c”, “d” and 2 more (6 in all)"
        );
    }
}
