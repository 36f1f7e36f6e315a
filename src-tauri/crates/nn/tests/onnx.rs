//! ONNX files: whole by their own rules, and what they promise. That they compute the same is tested in ONNX Runtime
//! (`tests/export.test.mjs` of the product).
#![allow(clippy::unwrap_used)]

mod models;

use std::collections::BTreeSet;
use std::process::Command;

use understudy_nn::{OnnxFile, PackedBatch, SequenceClassifier};

use models::{FIXTURES, folder};

/// The fields of a message: number and content.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let content = match tag & 7 {
            0 => varint(&mut bytes).to_le_bytes().to_vec(),
            kind => {
                let length = if kind == 5 { 4 } else { varint(&mut bytes) as usize };
                let (content, rest) = bytes.split_at(length);
                bytes = rest;
                content.to_vec()
            }
        };
        found.push((tag >> 3, content));
    }
    found
}

fn all(message: &[(u64, Vec<u8>)], number: u64) -> Vec<&[u8]> {
    let of_number = message.iter().filter(|(found, _)| *found == number);
    of_number.map(|(_, content)| content.as_slice()).collect()
}

fn text(message: &[(u64, Vec<u8>)], number: u64) -> String {
    String::from_utf8(all(message, number)[0].to_vec()).unwrap()
}

fn fixture(name: &str) -> SequenceClassifier {
    SequenceClassifier::load(&folder(name)).unwrap()
}

fn written(model: &SequenceClassifier) -> (OnnxFile, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let told = model.save_onnx(&path).unwrap();
    (told, std::fs::read(path).unwrap())
}

#[test]
fn every_node_reads_what_was_there_before_it_and_every_constant_is_whole() {
    for name in FIXTURES {
        let model = fixture(name);
        let (told, bytes) = written(&model);
        assert_eq!(told.bytes, bytes.len() as u64, "{name}");
        let file = fields(&bytes);
        let graph = fields(all(&file, 7)[0]);
        let mut known = BTreeSet::new();
        let mut numbers = 0;
        for constant in all(&graph, 5) {
            let constant = fields(constant);
            let dimensions = all(&constant, 1)
                .iter()
                .map(|size| u64::from_le_bytes((*size).try_into().unwrap()) as usize)
                .product::<usize>();
            let size = if all(&constant, 2)[0][0] == 1 { 4 } else { 8 };
            assert_eq!(all(&constant, 9)[0].len(), dimensions * size, "{name}");
            assert!(
                known.insert(text(&constant, 8)),
                "{name}: twice {}",
                text(&constant, 8)
            );
            numbers += dimensions;
        }
        // Distances by buckets are kept by distance; everything else is there as it is.
        assert!(numbers + 1000 > model.parameters.count(), "{name}: {numbers}");
        let inputs: Vec<String> = all(&graph, 11)
            .iter()
            .map(|port| text(&fields(port), 1))
            .collect();
        assert_eq!(inputs, told.inputs, "{name}");
        known.extend(inputs);
        for node in all(&graph, 1) {
            let node = fields(node);
            for input in all(&node, 1) {
                let input = String::from_utf8(input.to_vec()).unwrap();
                assert!(known.contains(&input), "{name}: {} reads {input}", text(&node, 4));
            }
            for output in all(&node, 2) {
                let output = String::from_utf8(output.to_vec()).unwrap();
                assert!(known.insert(output), "{name}: a value is computed twice");
            }
        }
        assert!(known.contains("logits"), "{name}");
        assert_eq!(text(&fields(all(&graph, 12)[0]), 1), "logits");
    }
}

#[test]
fn segments_are_asked_for_only_where_a_model_tells_them_apart() {
    let inputs = |name| written(&fixture(name)).0.inputs.len();
    assert_eq!((inputs("tiny-bert"), inputs("tiny-albert")), (3, 3));
    assert_eq!(
        (
            inputs("tiny-roberta"),
            inputs("tiny-mpnet"),
            inputs("tiny-distilbert")
        ),
        (2, 2, 2)
    );
}

#[test]
fn adapters_are_part_of_the_matrices() {
    let mut model = fixture("tiny-bert");
    let (_, plain) = written(&model);
    model.add_adapters(2, 1, 7);
    let (_, unchanged) = written(&model);
    assert_eq!(plain, unchanged, "an adapter starts as no change");
    let index = model
        .parameters
        .entries()
        .iter()
        .position(|entry| entry.name.ends_with(".lora_B.weight"));
    model.parameters.values_mut(index.unwrap()).fill(0.5);
    let (_, changed) = written(&model);
    assert_eq!(plain.len(), changed.len());
    assert_ne!(plain, changed);
}

/// Where Python with ONNX Runtime is present (`$PYTHON` or `python3`).
#[test]
fn onnx_runtime_computes_the_same_logits() {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let run = |arguments: &[&str]| Command::new(&python).args(arguments).output();
    if !run(&["-c", "import onnx, onnxruntime"]).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no Python with onnx and onnxruntime");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    for name in FIXTURES {
        let model = fixture(name);
        let file = place.path().join(format!("{name}.onnx"));
        model.save_onnx(&file).unwrap();
        // Short and as long as the model reads: far distances and windows count too.
        let lengths = [3, model.max_length(), 7, model.max_length() / 2];
        let id = |place: usize| (2 + place * 7 % (model.vocabulary() - 2)) as u32;
        let sequences: Vec<Vec<u32>> = lengths
            .iter()
            .enumerate()
            .map(|(text, &length)| (0..length).map(|token| id(5 * text + token)).collect())
            .collect();
        let batch = PackedBatch::from_sequences(sequences.iter().map(Vec::as_slice));
        let logits = model.logits(&batch).unwrap();
        let logits: Vec<&[f32]> = logits.chunks(model.labels().len()).collect();
        cases.push(
            serde_json::json!({ "name": name, "file": file, "sequences": sequences, "logits": logits }),
        );
    }
    let list = place.path().join("cases.json");
    std::fs::write(&list, serde_json::to_string(&cases).unwrap()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/onnx_runtime.py");
    let output = run(&[script, list.to_str().unwrap()]).unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}");
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
