//! The sections on what the model is: its rounds, its data, and the technician's appendix.

use maud::{Markup, html};
use understudy_eval::EpochScores;

use super::{Page, fact, figure, section, table};
use crate::{
    Part, PartCount, ReportError, Setting, figures,
    numbers::{self, count, score},
    words,
};

impl Page<'_> {
    pub fn rounds(&self) -> Result<Markup, ReportError> {
        let drawing = figure(
            &figures::learning_curve(self.input, self.language)?,
            &self.text("rounds.figure"),
        );
        let numbers = self.all(
            "rounds",
            &["train_loss", "validation_loss", "accuracy", "macro_f1", "time"],
        );
        let words = words::round_columns(self.input, self.texts);
        let rows = html! { tbody { @for round in &self.input.epochs { (self.round(round)) } } };
        let table = table(
            &words::rounds_caption(self.input, self.texts),
            &words,
            &numbers,
            rows,
        );
        Ok(section(
            &self.text("rounds.title"),
            html! { (drawing) div.whole { (table) } },
        ))
    }

    fn round(&self, round: &EpochScores) -> Markup {
        let values = [
            round.train_loss,
            round.validation_loss,
            round.validation_accuracy,
            round.validation_macro_f1,
        ];
        html! {
            tr.kept[self.input.kept_rounds().contains(&round.epoch)] {
                th scope="row" { (round.epoch) }
                @if self.input.has_trainings() { td { (round.training) } }
                @for value in values { td.number { (score(value)) } }
                td.number { (numbers::duration(round.seconds, self.texts)) }
            }
        }
    }

    pub fn data(&self) -> Markup {
        let input = self.input;
        let duplicates = input.duplicates_removed;
        section(
            &self.text("data.title"),
            html! {
                p { (self.text("data.parts")) }
                p {
                    (self.fill("data.seed", &[("seed", &input.seed.to_string())]))
                    @if duplicates > 0 && input.cleaning.is_empty() {
                        (self.text("list.after_sentence"))
                        (self.fill("data.duplicates", &[("count", &count(duplicates.into()))]))
                    }
                }
                @if !input.cleaning.is_empty() {
                    p { (self.text("data.cleaning")) }
                    ul { @for step in &input.cleaning { li { (step) } } }
                }
                @if !input.notes.is_empty() { ul { @for note in &input.notes { li { (note) } } } }
                (self.parts())
            },
        )
    }

    fn parts(&self) -> Markup {
        let parts = &self.input.parts;
        let mut numbers: Vec<String> = parts.iter().map(|part| self.text(part_key(part.part))).collect();
        numbers.push(self.text("data.total"));
        let rows = html! {
            tbody { @for (at, label) in self.input.labels.iter().enumerate() { (label_row(label, at, parts)) } }
            tfoot {
                tr {
                    th scope="row" { (self.text("data.total")) }
                    @for part in parts { td.number { (count(part.rows.into())) } }
                    td.number { (count(parts.iter().map(|part| u64::from(part.rows)).sum())) }
                }
            }
        };
        table(
            &self.text("data.caption"),
            &[self.text("data.label")],
            &numbers,
            rows,
        )
    }

    pub fn appendix(&self) -> Markup {
        let input = self.input;
        let speed = self.fill(
            "appendix.speed_value",
            &[("value", &format!("{:.1}", input.samples_per_second))],
        );
        let memory = input
            .peak_memory_mb
            .map(|mb| format!("{} MiB", count(mb.round() as u64)));
        html! {
            section.appendix {
                h2 { (self.text("appendix.title")) }
                h3 { (self.text("appendix.model")) }
                dl.facts {
                    (fact(self.text("appendix.id"), &input.model.id))
                    (fact(self.text("appendix.architecture"), &input.model.architecture))
                    (fact(self.text("appendix.parameters"), count(input.model.parameters)))
                    (fact(self.text("appendix.licence"), &input.model.licence))
                    (fact(self.text("appendix.model_sha256"), html! { code { (input.model_sha256) } }))
                }
                h3 { (self.text("appendix.settings")) }
                dl.facts { @for (name, value) in input.settings.iter().map(|setting| self.setting(setting)) { (fact(name, value)) } }
                h3 { (self.text("appendix.run")) }
                dl.facts {
                    (fact(self.text("appendix.machine"), &input.machine))
                    (fact(self.text("appendix.seconds"), numbers::duration(input.seconds_training, self.texts)))
                    (fact(self.text("appendix.speed"), speed))
                    @if let Some(memory) = memory { (fact(self.text("appendix.memory"), memory)) }
                    @if let Some(energy) = self.energy() { (fact(self.text("appendix.energy"), energy)) }
                    (fact(self.text("appendix.app"), self.app()))
                    (fact(self.text("appendix.history"), self.history()))
                }
                h3 { (self.text("appendix.files")) }
                dl.facts { @for file in &input.data_hashes { (fact(&file.file, html! { code { (file.sha256) } })) } }
                p.muted { small { (self.method()) } }
            }
        }
    }

    /// How scores and intervals were computed.
    pub(crate) fn method(&self) -> String {
        let judged = self.input.judged();
        let method = self.text(match judged.multi_label {
            None => "appendix.method",
            Some(_) => "appendix.method_several",
        });
        match judged.groups {
            None => method,
            Some(groups) => {
                let groups = self.fill("appendix.method_groups", &[("groups", &groups.to_string())]);
                format!("{method} {groups}")
            }
        }
    }

    /// What the training has drawn, about.
    pub(crate) fn energy(&self) -> Option<String> {
        let threads = self.input.threads?;
        let hours = numbers::watt_hours(self.input.seconds_training, threads);
        let value = format!("{hours:.1}");
        let watts = format!("{:.0}", numbers::WATTS_PER_THREAD);
        let facts = [
            ("value", value.as_str()),
            ("threads", &threads.to_string()),
            ("watts", &watts),
        ];
        Some(self.fill("appendix.energy_value", &facts))
    }

    /// The head of the project's history, with which its past can be checked later.
    pub(crate) fn history(&self) -> String {
        let entries = self.input.history_entries.to_string();
        match &self.input.history_head {
            Some(head) => self.fill(
                "appendix.history_value",
                &[("entries", entries.as_str()), ("head", head)],
            ),
            None => self.fill("appendix.history_broken", &[("entries", &entries)]),
        }
    }

    /// A setting's name and its value in words; what the catalogue does not know keeps the engine's.
    pub(crate) fn setting(&self, setting: &Setting) -> (String, String) {
        let known = |key: String| self.texts.contains(&key).then(|| self.text(&key));
        let name = format!("setting.{}", setting.key);
        let value = match setting.value.as_str() {
            yes_or_no @ ("true" | "false") => known(format!("setting.{yes_or_no}")),
            choice => known(format!("{name}.{choice}")),
        };
        (
            known(name).unwrap_or_else(|| setting.key.clone()),
            value.unwrap_or_else(|| setting.value.clone()),
        )
    }
}

pub(crate) fn part_key(part: Part) -> &'static str {
    match part {
        Part::Train => "part.train",
        Part::Validation => "part.validation",
        Part::Test => "part.test",
    }
}

fn label_row(label: &str, at: usize, parts: &[PartCount]) -> Markup {
    let rows = |part: &PartCount| u64::from(part.per_label.get(at).copied().unwrap_or(0));
    html! {
        tr {
            th scope="row" { (label) }
            @for part in parts { td.number { (count(rows(part))) } }
            td.number { (count(parts.iter().map(rows).sum())) }
        }
    }
}
