//! What the PDF tells, in order: a page for whoever decides, pages for the expert, an appendix for the technician. Words,
//! scores and figures are those of the HTML report.

use understudy_eval::{ClassScore, EpochScores};

use super::blocks::{Block, Cell, Row, Table, Tone};
use crate::{
    Language, PartCount, ReportError, ReportInput, WrongAnswer, decision, figures,
    html::{
        Page,
        facts::part_key,
        results::{Measure, Value, WRONG_SHOWN, cut},
    },
    judgement::Judgement,
    numbers::{self, count, interval, interval_of_100, of_100, score},
    words::{JUDGEABLE, for_decision, for_expert, round_columns, rounds_caption},
};

/// The whole report.
///
/// # Errors
/// When a figure cannot be drawn.
pub fn blocks(input: &ReportInput, language: Language) -> Result<Vec<Block>, ReportError> {
    let page = Page::new(input, language);
    let mut blocks = page.deciding()?;
    blocks.push(Block::Break);
    blocks.extend(page.sure_and_scores());
    blocks.extend(page.by_label()?);
    blocks.extend(page.taken_for()?);
    blocks.extend(page.learning()?);
    blocks.extend(page.mistakes());
    blocks.extend(page.telling_words());
    blocks.push(Block::Break);
    blocks.extend(page.technical());
    Ok(blocks)
}

fn plain(text: String) -> Block {
    Block::Text(Tone::Plain, text)
}

impl Page<'_> {
    fn section(&self, key: &str) -> Block {
        Block::Heading(2, self.text(key))
    }

    fn part(&self, key: &str) -> Block {
        Block::Heading(3, self.text(key))
    }

    fn deciding(&self) -> Result<Vec<Block>, ReportError> {
        let input = self.input;
        let made = numbers::date_time(&input.created_at);
        let program = self.app();
        let about = [
            Some(&input.model.id),
            Some(&made),
            input.author.as_ref(),
            Some(&program),
        ];
        let about: Vec<&str> = about.into_iter().flatten().map(String::as_str).collect();
        let sentences = for_decision(input, self.language);
        let (lead, others) = sentences
            .split_first()
            .map_or(("", &[][..]), |(lead, others)| (lead, others));
        let mut blocks = vec![
            Block::Kind(self.text("report.title")),
            Block::Heading(1, input.project.clone()),
            Block::Text(Tone::Muted, about.join(" · ")),
            self.section("decision.title"),
            Block::Text(Tone::Lead, decision::verdict(input, self.language)),
            plain(lead.to_owned()),
            self.sureness()?,
            Block::Points(others.to_vec()),
            self.part("decision.limits"),
            Block::Points(decision::limits(input, self.language)),
            self.part("decision.sign"),
        ];
        blocks.push(Block::Blanks(
            self.all("decision", &["name", "date", "signature"]),
        ));
        Ok(blocks)
    }

    fn sureness(&self) -> Result<Block, ReportError> {
        let judged = self.input.judged();
        let caption = match judged.multi_label {
            None => "sure.caption",
            Some(_) => "sure.caption_several",
        };
        Ok(Block::Figure {
            svg: figures::sureness(judged, self.language)?,
            caption: self.text(caption),
        })
    }

    fn sure_and_scores(&self) -> Vec<Block> {
        let judged = self.input.judged();
        let examples = count(judged.examples.into());
        let measured = match self.input.test {
            Some(_) => "sure.test",
            None => "sure.validation",
        };
        let (low, high) = interval_of_100(Judgement::of(judged).interval);
        let (low, high) = (low.to_string(), high.to_string());
        let (macro_f1, range) = (score(judged.macro_f1), interval(judged.macro_f1_interval));
        vec![
            self.section("sure.title"),
            Block::Points(for_expert(self.input, self.language)),
            plain(self.fill(measured, &[("count", &examples)])),
            plain(self.fill("sure.interval", &[("low", &low), ("high", &high)])),
            plain(self.fill("sure.macro", &[("score", &macro_f1), ("interval", &range)])),
            self.section("scores.title"),
            Block::Table(self.measures()),
            Block::Text(Tone::Muted, self.method()),
        ]
    }

    fn measures(&self) -> Table {
        let parts = self.scored_parts();
        let measures = self.measures_told();
        let row = |(name, value): &Measure| {
            let term = format!("{name}.term");
            let term = self.texts.contains(&term).then(|| self.text(&term));
            let mut cells = vec![Cell {
                text: self.text(name),
                term,
            }];
            cells.extend(parts.iter().map(|(_, scores)| {
                let Value(text, term) = value(scores);
                Cell { text, term }
            }));
            Row { cells, bold: false }
        };
        Table {
            caption: self.text("scores.caption"),
            words: vec![self.text("scores.measure")],
            numbers: parts.iter().map(|(name, _)| self.text(name)).collect(),
            rows: measures.iter().map(row).collect(),
        }
    }

    fn by_label(&self) -> Result<Vec<Block>, ReportError> {
        let judged = self.input.judged();
        let mut numbers = self.all("classes", &["precision", "recall", "f1", "support", "predicted"]);
        let thresholds = judged
            .multi_label
            .as_ref()
            .map(|several| several.thresholds.as_slice());
        if thresholds.is_some() {
            numbers.push(self.text("classes.threshold"));
        }
        let row = |(place, class): (usize, &ClassScore)| {
            let mut cells = vec![class.label.clone()];
            cells.extend([class.precision, class.recall, class.f1].map(score));
            cells.extend([class.support, class.predicted].map(|cases| count(cases.into())));
            cells.extend(
                thresholds
                    .and_then(|all| all.get(place))
                    .map(|least| score(*least)),
            );
            Row::plain(cells)
        };
        Ok(vec![
            self.section("classes.title"),
            Block::Figure {
                svg: figures::per_class(judged, self.language)?,
                caption: self.fill("classes.figure", &[("least", &JUDGEABLE.to_string())]),
            },
            Block::Table(Table {
                caption: self.text("classes.caption"),
                words: vec![self.text("classes.label")],
                numbers,
                rows: judged.classes.iter().enumerate().map(row).collect(),
            }),
        ])
    }

    /// Where a text may have several labels, none is taken for another.
    fn taken_for(&self) -> Result<Vec<Block>, ReportError> {
        let judged = self.input.judged();
        if judged.multi_label.is_some() {
            return Ok(Vec::new());
        }
        let mut caption = self.text("confusion.figure");
        if let Some((shown, all)) = figures::shown_classes(judged).some() {
            caption += &self.text("list.after_sentence");
            caption += &self.fill("confusion.some", &[("shown", &shown), ("all", &all)]);
        }
        Ok(vec![
            self.section("confusion.title"),
            Block::Figure {
                svg: figures::confusion_matrix(judged, self.language)?,
                caption,
            },
        ])
    }

    fn learning(&self) -> Result<Vec<Block>, ReportError> {
        let row = |round: &EpochScores| {
            let values = [
                round.train_loss,
                round.validation_loss,
                round.validation_accuracy,
                round.validation_macro_f1,
            ];
            let mut cells = vec![round.epoch.to_string()];
            cells.extend(self.input.has_trainings().then(|| round.training.to_string()));
            cells.extend(values.map(score));
            cells.push(numbers::duration(round.seconds, self.texts));
            Row {
                bold: self.input.kept_rounds().contains(&round.epoch),
                ..Row::plain(cells)
            }
        };
        Ok(vec![
            self.section("rounds.title"),
            Block::Figure {
                svg: figures::learning_curve(self.input, self.language)?,
                caption: self.text("rounds.figure"),
            },
            Block::Table(Table {
                caption: rounds_caption(self.input, self.texts),
                words: round_columns(self.input, self.texts),
                numbers: self.all(
                    "rounds",
                    &["train_loss", "validation_loss", "accuracy", "macro_f1", "time"],
                ),
                rows: self.input.epochs.iter().map(row).collect(),
            }),
        ])
    }

    fn mistakes(&self) -> Vec<Block> {
        let mut wrong: Vec<&WrongAnswer> = self.input.wrong.iter().collect();
        wrong.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        wrong.truncate(WRONG_SHOWN);
        let title = self.section("wrong.title");
        if wrong.is_empty() {
            let judged = self.input.judged();
            let missed = count((judged.examples - judged.correct).into());
            let key = if judged.correct == judged.examples {
                "wrong.none"
            } else {
                "wrong.not_listed"
            };
            return vec![title, plain(self.fill(key, &[("count", &missed)]))];
        }
        let row = |answer: &&WrongAnswer| {
            Row::plain(vec![
                cut(&answer.text),
                self.labels(&answer.gold),
                self.labels(&answer.predicted),
                format!("{}%", of_100(answer.confidence)),
            ])
        };
        let table = Table {
            caption: self.fill("wrong.caption", &[("count", &wrong.len().to_string())]),
            words: self.all("wrong", &["text", "gold", "predicted"]),
            numbers: vec![self.text("wrong.confidence")],
            rows: wrong.iter().map(row).collect(),
        };
        vec![title, Block::Table(table)]
    }

    fn telling_words(&self) -> Vec<Block> {
        let Some(found) = &self.input.explanations else {
            return Vec::new();
        };
        let row =
            |(label, words): &(String, Vec<String>)| Row::plain(vec![label.clone(), self.words_of(words)]);
        let mut blocks = vec![self.section("explanations.title")];
        blocks.extend(self.explanations_told(found).into_iter().map(plain));
        blocks.push(Block::Table(Table {
            caption: self.text("explanations.caption"),
            words: self.all("explanations", &["label", "words"]),
            numbers: Vec::new(),
            rows: found.words.iter().map(row).collect(),
        }));
        blocks
    }

    fn technical(&self) -> Vec<Block> {
        let input = self.input;
        let speed = format!("{:.1}", input.samples_per_second);
        let settings = input.settings.iter();
        let mut run = vec![
            (self.text("appendix.machine"), input.machine.clone()),
            (
                self.text("appendix.seconds"),
                numbers::duration(input.seconds_training, self.texts),
            ),
            (
                self.text("appendix.speed"),
                self.fill("appendix.speed_value", &[("value", &speed)]),
            ),
        ];
        if let Some(mb) = input.peak_memory_mb {
            run.push((
                self.text("appendix.memory"),
                format!("{} MiB", count(mb.round() as u64)),
            ));
        }
        if let Some(energy) = self.energy() {
            run.push((self.text("appendix.energy"), energy));
        }
        run.push((self.text("appendix.app"), self.app()));
        run.push((self.text("appendix.history"), self.history()));
        let files = input.data_hashes.iter();
        let mut blocks = vec![self.section("appendix.title"), self.part("data.title")];
        blocks.extend(self.split_and_cleaning());
        blocks.extend([
            self.part("appendix.files"),
            Block::Facts(
                files
                    .map(|file| (file.file.clone(), file.sha256.clone()))
                    .collect(),
            ),
            self.part("appendix.model"),
            Block::Facts(self.pretrained()),
            self.part("appendix.settings"),
            Block::Facts(settings.map(|setting| self.setting(setting)).collect()),
            self.part("appendix.run"),
            Block::Facts(run),
        ]);
        blocks
    }

    fn pretrained(&self) -> Vec<(String, String)> {
        let model = &self.input.model;
        vec![
            (self.text("appendix.id"), model.id.clone()),
            (self.text("appendix.architecture"), model.architecture.clone()),
            (self.text("appendix.parameters"), count(model.parameters)),
            (self.text("appendix.licence"), model.licence.clone()),
            (
                self.text("appendix.model_sha256"),
                self.input.model_sha256.clone(),
            ),
        ]
    }

    fn split_and_cleaning(&self) -> Vec<Block> {
        let input = self.input;
        let mut seed = self.fill("data.seed", &[("seed", &input.seed.to_string())]);
        if input.duplicates_removed > 0 && input.cleaning.is_empty() {
            let duplicates = count(input.duplicates_removed.into());
            seed += &self.text("list.after_sentence");
            seed += &self.fill("data.duplicates", &[("count", &duplicates)]);
        }
        let mut blocks = vec![plain(self.text("data.parts")), plain(seed)];
        if !input.cleaning.is_empty() {
            blocks.push(plain(self.text("data.cleaning")));
            blocks.push(Block::Points(input.cleaning.clone()));
        }
        if !input.notes.is_empty() {
            blocks.push(Block::Points(input.notes.clone()));
        }
        blocks.push(Block::Table(self.rows_by_label()));
        blocks
    }

    fn rows_by_label(&self) -> Table {
        let parts = &self.input.parts;
        let rows = |part: &PartCount, at: usize| u64::from(part.per_label.get(at).copied().unwrap_or(0));
        let row = |name: &str, of: &dyn Fn(&PartCount) -> u64| {
            let mut cells = vec![name.to_owned()];
            cells.extend(parts.iter().map(|part| count(of(part))));
            cells.push(count(parts.iter().map(of).sum()));
            Row::plain(cells)
        };
        let labels = self.input.labels.iter().enumerate();
        let mut all: Vec<Row> = labels
            .map(|(at, label)| row(label, &|part| rows(part, at)))
            .collect();
        all.push(Row {
            bold: true,
            ..row(&self.text("data.total"), &|part| u64::from(part.rows))
        });
        let mut numbers: Vec<String> = parts.iter().map(|part| self.text(part_key(part.part))).collect();
        numbers.push(self.text("data.total"));
        Table {
            caption: self.text("data.caption"),
            words: vec![self.text("data.label")],
            numbers,
            rows: all,
        }
    }
}
