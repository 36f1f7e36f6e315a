//! Made-up runs for the tests, and a way to look at their reports.

use understudy_eval::{
    Answer, Calibration, EpochScores, Reliability, ReliabilityBin, Scores, multi_label_scores, risk_at,
    scores,
};

use crate::{
    ExplanationCheck, ExplanationFacts, FileHash, Holding, Language, LossCurve, ModelFacts, Part, PartCount,
    ReportInput, ReviewFacts, Setting, UnfamiliarFacts, WrongAnswer, html,
};

/// Five kinds of contract clauses, English, settled after four rounds.
pub fn contracts() -> ReportInput {
    let labels = [
        "Governing Law",
        "Anti-Assignment",
        "Cap On Liability",
        "Audit Rights",
        "Non-Compete & Exclusivity",
    ];
    let test = [
        [92, 1, 0, 0, 0],
        [1, 61, 3, 1, 2],
        [0, 2, 48, 0, 7],
        [0, 1, 1, 41, 0],
        [0, 0, 3, 1, 5],
    ];
    let validation = [
        [90, 2, 0, 0, 0],
        [0, 63, 2, 1, 2],
        [0, 3, 47, 0, 6],
        [0, 0, 2, 41, 0],
        [0, 1, 3, 0, 5],
    ];
    ReportInput {
        test: Some(judged(&labels, &test)),
        unfamiliar: Some(UnfamiliarFacts {
            texts: 240,
            unfamiliar: 6,
            wrong: 4,
        }),
        explanations: Some(ExplanationFacts {
            by_gradients: true,
            texts: 200,
            of: 240,
            check: Some(ExplanationCheck {
                holding: Holding::Holds,
                texts: 197,
                share: 0.2,
                telling_drop: 0.374,
                random_drop: 0.051,
                held: 191,
            }),
            words: vec![
                (
                    labels[0].to_owned(),
                    vec!["assign".into(), "successors".into(), "transfer".into()],
                ),
                (labels[4].to_owned(), Vec::new()),
            ],
        }),
        wrong: vec![
            wrong(
                "Neither party shall be liable to the other for any lost profits, indirect, special or consequential damages, and, during the Term and for twelve (12) months thereafter, Distributor’s aggregate liability under this Agreement shall not exceed the amounts paid; provided that the foregoing shall not apply to the covenants of exclusivity set forth in Section 7.",
                labels[2],
                labels[4],
                0.97,
            ),
            wrong(
                "Supplier shall not, without prior written consent, sell Products to any Competitor.",
                labels[4],
                labels[2],
                0.91,
            ),
            wrong(
                "This Agreement may be inspected by the successors and permitted assigns.",
                labels[1],
                labels[3],
                0.62,
            ),
        ],
        ..base(
            "Contract clauses",
            &labels,
            judged(&labels, &validation),
            &[
                (0.92, 0.51, 0.861, 0.802),
                (0.38, 0.36, 0.902, 0.851),
                (0.22, 0.34, 0.918, 0.872),
                (0.17, 0.35, 0.914, 0.868),
            ],
            3,
        )
    }
}

/// Chinese consultations, learnt by heart, before the test part was opened.
pub fn consultations() -> ReportInput {
    let labels = ["劳动争议", "婚姻家庭", "交通事故", "房屋租赁", "借贷纠纷"];
    let validation = [
        [9, 0, 0, 1, 1],
        [0, 11, 0, 0, 0],
        [0, 0, 10, 0, 0],
        [1, 0, 0, 6, 2],
        [0, 0, 0, 3, 6],
    ];
    ReportInput {
        author: Some("李律师".into()),
        bag_of_words_accuracy: Some(0.84),
        truncated: 0.012,
        notes: vec!["“借贷纠纷”在验证集中只有 9 行。".into()],
        wrong: vec![wrong(
            "房东以我欠他钱为由，不退押金，还说要从借条里扣，这样合法吗？",
            labels[3],
            labels[4],
            0.93,
        )],
        ..base(
            "法律咨询",
            &labels,
            judged(&labels, &validation),
            &[
                (1.21, 0.70, 0.72, 0.71),
                (0.45, 0.52, 0.84, 0.83),
                (0.12, 0.61, 0.82, 0.81),
                (0.04, 0.74, 0.80, 0.79),
            ],
            2,
        )
    }
}

/// Nine cases, one wrong, a single round.
pub fn tiny() -> ReportInput {
    let labels = ["urgent", "can wait"];
    let validation = judged(&labels, &[[3, 1], [0, 5]]);
    base("Tiny", &labels, validation, &[(0.6, 0.5, 0.89, 0.88)], 1)
}

/// A model that learnt nothing but to give the commonest answer.
pub fn useless() -> ReportInput {
    let labels = ["no finding", "finding"];
    let scores = judged(&labels, &[[80, 0], [20, 0]]);
    ReportInput {
        test: Some(scores.clone()),
        ..base(
            "Useless",
            &labels,
            scores,
            &[(0.70, 0.70, 0.80, 0.44), (0.70, 0.70, 0.80, 0.44)],
            1,
        )
    }
}

/// All right, and still getting better on validation.
pub fn perfect() -> ReportInput {
    let labels = ["positive", "negative"];
    let validation = judged(&labels, &[[24, 1], [1, 24]]);
    ReportInput {
        test: Some(judged(&labels, &[[25, 0], [0, 25]])),
        ..base(
            "Perfect",
            &labels,
            validation,
            &[(0.5, 0.3, 0.9, 0.9), (0.2, 0.2, 0.96, 0.96)],
            2,
        )
    }
}

/// Seventy-seven intents, most of them confused with their neighbour now and then.
pub fn intents() -> ReportInput {
    let names: Vec<String> = (0..77)
        .map(|i| format!("intent_{i:02}_about_a_card_or_transfer"))
        .collect();
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut confusion = vec![vec![0; 77]; 77];
    for (class, row) in confusion.iter_mut().enumerate() {
        let wrong = class * 7 % 12;
        row[class] = 40 - wrong as u32;
        row[(class + 1) % 77] += wrong as u32 / 2;
        row[class * class % 77] += (wrong - wrong / 2) as u32;
    }
    let test = judged(&labels, &confusion);
    ReportInput {
        test: Some(test.clone()),
        ..base(
            "Bank",
            &labels,
            test,
            &[
                (3.4, 2.2, 0.61, 0.55),
                (1.6, 1.0, 0.83, 0.82),
                (0.9, 0.7, 0.87, 0.86),
            ],
            3,
        )
    }
}

/// Letters about several things at once.
pub fn letters() -> ReportInput {
    let labels = ["urgent", "refund", "complaint", "thanks"];
    let names: Vec<String> = labels.map(str::to_owned).to_vec();
    // What each of 120 letters is about, and what the model thinks of it: a little too fond of complaints, blind to some
    // urgent ones.
    let about: [&[usize]; 6] = [&[0, 1], &[2], &[], &[1, 2], &[3], &[0, 2]];
    let gold: Vec<&[usize]> = (0..120).map(|letter| about[letter % 6]).collect();
    let probability = |letter: usize, label: usize| {
        let carried = gold[letter].contains(&label);
        match label {
            0 if letter.is_multiple_of(5) => 0.2,
            2 if letter.is_multiple_of(7) => 0.7,
            _ if carried => 0.9,
            _ => 0.05,
        }
    };
    let probabilities: Vec<f32> = (0..120)
        .flat_map(|letter| (0..4).map(move |label| (letter, label)))
        .map(|(a, b)| probability(a, b))
        .collect();
    let thresholds = [0.5, 0.45, 0.4, 0.5];
    let test = multi_label_scores(&gold, &probabilities, &names, &thresholds, 2, 42).unwrap();
    ReportInput {
        bag_of_words_micro_f1: Some(0.71),
        calibration: None,
        review: None,
        test: Some(test.clone()),
        wrong: vec![
            WrongAnswer {
                gold: vec!["urgent".into(), "refund".into()],
                predicted: vec!["refund".into()],
                ..wrong("Please pay back at once.", "", "", 0.8)
            },
            WrongAnswer {
                gold: Vec::new(),
                predicted: vec!["complaint".into()],
                ..wrong("I enclose the form.", "", "", 0.7)
            },
        ],
        ..base(
            "Letters",
            &labels,
            test,
            &[
                (0.4, 0.3, 0.4, 0.5),
                (0.2, 0.2, 0.6, 0.8),
                (0.15, 0.18, 0.7, 0.85),
            ],
            3,
        )
    }
}

/// Every sample with its name.
pub fn all() -> [(&'static str, ReportInput); 7] {
    [
        ("contracts", contracts()),
        ("consultations", consultations()),
        ("tiny", tiny()),
        ("useless", useless()),
        ("perfect", perfect()),
        ("intents", intents()),
        ("letters", letters()),
    ]
}

/// The scores of a confusion matrix; every answer is given with 0.8.
fn judged<Row: AsRef<[u32]>>(labels: &[&str], confusion: &[Row]) -> Scores {
    let (mut gold, mut probabilities) = (Vec::new(), Vec::new());
    for (label, row) in confusion.iter().enumerate() {
        for (answer, &count) in row.as_ref().iter().enumerate() {
            for _ in 0..count {
                gold.push(label);
                let rest = 0.2 / (labels.len() - 1) as f32;
                probabilities.extend((0..labels.len()).map(|l| if l == answer { 0.8 } else { rest }));
            }
        }
    }
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    scores(&gold, &probabilities, &labels, 0, 42).unwrap()
}

/// A model that was two points too sure and is half a point off now.
fn certainty() -> Calibration {
    let told = |ece: f64| Reliability {
        ece,
        bins: vec![ReliabilityBin {
            count: 100,
            confidence: 0.9,
            accuracy: 0.9 - ece,
        }],
    };
    Calibration {
        temperature: 1.2,
        before: told(0.02),
        after: told(0.005),
    }
}

fn wrong(text: &str, gold: &str, predicted: &str, confidence: f64) -> WrongAnswer {
    WrongAnswer {
        text: text.into(),
        gold: vec![gold.into()],
        predicted: vec![predicted.into()],
        confidence,
    }
}

fn sure_and_right() -> Answer {
    Answer {
        confidence: 0.9,
        right: true,
        withheld: false,
    }
}

/// The rest of a run; rounds are (training loss, validation loss, accuracy, macro F1).
fn base(
    project: &str,
    labels: &[&str],
    validation: Scores,
    rounds: &[(f64, f64, f64, f64)],
    best_epoch: u32,
) -> ReportInput {
    let epochs = rounds.iter().zip(1..).map(|(round, epoch)| EpochScores {
        epoch,
        training: 1,
        train_loss: round.0,
        validation_loss: round.1,
        validation_accuracy: round.2,
        validation_macro_f1: round.3,
        seconds: 64.2,
    });
    let rows: Vec<u32> = validation.classes.iter().map(|class| class.support).collect();
    let part = |part, times: u32| PartCount {
        part,
        rows: times * validation.examples,
        per_label: rows.iter().map(|row| times * row).collect(),
    };
    let settings = [
        ("epochs", "4"),
        ("batch_size", "16"),
        ("learning_rate", "5e-5"),
        ("max_length", "128"),
        ("seed", "0"),
        ("method", "full"),
        ("average_with_start", "true"),
    ];
    ReportInput {
        project: project.into(),
        author: None,
        created_at: "2026-11-23T21:02:22Z".into(),
        app_version: "0.1.0".into(),
        machine: "Debian 12, 2 cores, 24 GB memory".into(),
        model: ModelFacts {
            id: "sentence-transformers/all-MiniLM-L6-v2".into(),
            licence: "Apache-2.0".into(),
            parameters: 22_713_216,
            architecture: "BERT, 6 layers of 384".into(),
        },
        languages: vec!["en".to_owned()],
        model_sha256: "9b1f".repeat(16),
        settings: settings
            .map(|(key, value)| Setting {
                key: key.into(),
                value: value.into(),
            })
            .to_vec(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        test: None,
        epochs: epochs.collect(),
        best_epoch,
        kept_epochs: vec![best_epoch],
        trained_share: 1.0,
        loss_curve: curve(rounds),
        parts: vec![
            part(Part::Train, 5),
            part(Part::Validation, 1),
            part(Part::Test, 1),
        ],
        seed: 42,
        duplicates_removed: 12,
        cleaning: vec!["Spaces were evened out in 31 texts.".to_owned()],
        notes: Vec::new(),
        wrong: Vec::new(),
        bag_of_words_accuracy: None,
        bag_of_words_micro_f1: None,
        calibration: Some(certainty()),
        review: Some(ReviewFacts {
            errors_allowed: 0.05,
            kept: risk_at(&[sure_and_right(); 40], 0.5),
            unfamiliar_counted: true,
        }),
        unfamiliar: None,
        explanations: None,
        truncated: 0.0,
        max_length: 128,
        tokens_read: 128,
        reads_the_end: false,
        seconds_training: 257.0,
        samples_per_second: 21.4,
        peak_memory_mb: Some(1_312.0),
        threads: Some(8),
        history_entries: 23,
        history_head: Some("9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab".to_owned()),
        data_hashes: vec![FileHash {
            file: "clauses.csv".into(),
            sha256: "0c2a".repeat(16),
        }],
        validation,
    }
}

/// Eighty steps a round, wobbling about a line from round to round.
fn curve(rounds: &[(f64, f64, f64, f64)]) -> LossCurve {
    let steps: Vec<u32> = (1..=80 * rounds.len() as u32).collect();
    let loss = steps.iter().map(|&step| {
        let at = f64::from(step - 1) / 80.0;
        let here = rounds[at as usize].0;
        let before = if at < 1.0 {
            1.6 * here
        } else {
            rounds[at as usize - 1].0
        };
        let level = before + (here - before) * at.fract();
        level * (1.0 + 0.12 * (f64::from(step) * 1.7).sin())
    });
    LossCurve {
        loss: loss.collect(),
        steps,
    }
}

#[test]
#[ignore = "writes the sample reports into the system's temporary folder, to look at"]
fn write_the_sample_reports() {
    let folder = std::env::temp_dir().join("understudy-reports");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, input) in all() {
        for language in [Language::En, Language::Zh] {
            let file = |ending: &str| folder.join(format!("{name}.{}.{ending}", language.tag()));
            std::fs::write(file("html"), html(&input, language).unwrap()).unwrap();
            let fonts = crate::pdf::tests::both(language);
            let begun = std::time::Instant::now();
            let pdf = crate::pdf(&input, language, &fonts).unwrap();
            println!("{name} {language:?}: {:?}, {} bytes", begun.elapsed(), pdf.len());
            std::fs::write(file("pdf"), pdf).unwrap();
        }
    }
    println!("{}", folder.display());
}
