//! What an encoder made of the texts, kept in a file of its own (`vectors/MODEL.vectors`), so that it is made once.
//!
//! A cache: it can be deleted at any time. Place `n` belongs to row `n + 1`; each record holds a part of the hash of the text
//! that it was made of (a text that was changed since has no vector), a check sum (a record that a power cut tore is none),
//! and the numbers as bytes with one factor (scalar quantisation): a quarter of the space, and cosines are off by less than
//! one hundredth.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::{DataError, Result};

/// Hash of a text as the database keeps it.
pub type TextHash = [u8; 16];

const MAGIC: &[u8; 8] = b"USTYVEC1";
const HEADER: u64 = 64;
/// Bytes of a record before its numbers: hash, check sum, factor.
const PREFIX: usize = 8 + 4 + 4;
/// Records read together.
const BLOCK: usize = 4_096;

/// The vectors of a project's texts by one encoder.
#[derive(Debug)]
pub struct VectorFile {
    file: File,
    path: PathBuf,
    dimensions: usize,
}

impl VectorFile {
    /// Opens the vectors of `encoder` (whatever tells it from every other, its way of reading included), or begins anew
    /// where there are none or they are of another length.
    ///
    /// # Errors
    /// `Io`, `DiskFull`.
    pub fn open(project: &Path, encoder: &str, dimensions: usize) -> Result<Self> {
        if let Some(known) = Self::find(project, encoder)?
            && known.dimensions == dimensions
        {
            return Ok(known);
        }
        let path = path(project, encoder);
        let folder = project.join(FOLDER);
        fs::create_dir_all(&folder).map_err(DataError::io(&folder))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(DataError::io(&path))?;
        let mut header = [0; HEADER as usize];
        header[..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&(dimensions as u32).to_le_bytes());
        header[12..44].copy_from_slice(&Sha256::digest(encoder));
        write_at(&file, &header, 0).map_err(DataError::io(&path))?;
        Ok(VectorFile {
            file,
            path,
            dimensions,
        })
    }

    /// The vectors of `encoder`, if there are any.
    ///
    /// # Errors
    /// `Io`.
    pub fn find(project: &Path, encoder: &str) -> Result<Option<Self>> {
        let path = path(project, encoder);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DataError::io(&path)(error)),
        };
        let mut header = [0; HEADER as usize];
        let read = read_at(&file, &mut header, 0).map_err(DataError::io(&path))?;
        let dimensions = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        let ours = read == header.len()
            && header[..8] == *MAGIC
            && header[12..44] == *Sha256::digest(encoder)
            && dimensions > 0;
        Ok(ours.then_some(VectorFile {
            file,
            path,
            dimensions,
        }))
    }

    /// Numbers of a text.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Keeps the vectors of these rows, `[rows, dimensions]`.
    ///
    /// # Errors
    /// `Io`, `DiskFull`.
    ///
    /// # Panics
    /// When there are not as many vectors as rows.
    pub fn put(&self, rows: &[(u32, TextHash)], vectors: &[f32]) -> Result<()> {
        assert_eq!(
            vectors.len(),
            rows.len() * self.dimensions,
            "a vector for each row"
        );
        for ((example, hash), vector) in rows.iter().zip(vectors.chunks_exact(self.dimensions)) {
            write_at(&self.file, &record(hash, vector), self.place(*example))
                .map_err(DataError::io(&self.path))?;
        }
        Ok(())
    }

    /// Which of these rows (ascending) have a vector of their present text, and the vectors end to end, each of length one.
    ///
    /// # Errors
    /// `Io`.
    pub fn get(&self, rows: &[(u32, TextHash)]) -> Result<(Vec<usize>, Vec<f32>)> {
        let (mut found, mut vectors) = (Vec::new(), Vec::new());
        self.visit(rows, |place, numbers, factor| {
            found.push(place);
            let start = vectors.len();
            vectors.extend(numbers.iter().map(|n| f32::from(*n as i8) * factor));
            // Rounding has changed the length a little.
            let length = vectors[start..].iter().map(|x| x * x).sum::<f32>().sqrt();
            if length > 0.0 {
                vectors[start..].iter_mut().for_each(|x| *x /= length);
            }
        })?;
        Ok((found, vectors))
    }

    /// Which of these rows (ascending) have no vector of their present text.
    ///
    /// # Errors
    /// `Io`.
    pub fn missing(&self, rows: &[(u32, TextHash)]) -> Result<Vec<usize>> {
        let mut there = vec![false; rows.len()];
        self.visit(rows, |place, _, _| there[place] = true)?;
        Ok((0..rows.len()).filter(|place| !there[*place]).collect())
    }

    /// The rows whose vectors are nearest to `asked`, at most `count`, the nearest first, each with its cosine. Whether they
    /// are of the present texts is for the caller to see.
    ///
    /// # Errors
    /// `Io`.
    pub fn nearest(&self, asked: &[f32], count: usize) -> Result<Vec<(u32, f32)>> {
        let size = PREFIX + self.dimensions;
        let mut best: Vec<(u32, f32)> = Vec::new();
        let mut block = vec![0; size * BLOCK];
        let mut first = 1;
        loop {
            let read =
                read_at(&self.file, &mut block, self.place(first)).map_err(DataError::io(&self.path))?;
            let records = read / size;
            let cosines: Vec<(u32, f32)> = block[..records * size]
                .par_chunks_exact(size)
                .enumerate()
                .filter_map(|(place, record)| {
                    let (_, factor, numbers) = parsed(record)?;
                    Some((first + place as u32, factor * product(numbers, asked)))
                })
                .collect();
            best.extend(cosines);
            best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            best.truncate(count);
            if records < BLOCK {
                return Ok(best);
            }
            first += BLOCK as u32;
        }
    }

    /// Calls `each` with the place, the numbers and the factor of every row that has a vector of its present text.
    fn visit(&self, rows: &[(u32, TextHash)], mut each: impl FnMut(usize, &[u8], f32)) -> Result<()> {
        let size = PREFIX + self.dimensions;
        // Not more than the rows span: often it is about a single one.
        let span = match (rows.first(), rows.last()) {
            (Some((first, _)), Some((last, _))) => (last.saturating_sub(*first) as usize + 1).min(BLOCK),
            _ => return Ok(()),
        };
        let mut block = vec![0; size * span];
        // The rows that the block holds.
        let (mut first, mut records) = (0, 0);
        for (place, (example, hash)) in rows.iter().enumerate() {
            if first == 0 || *example >= first + span as u32 || *example < first {
                first = *example;
                let read =
                    read_at(&self.file, &mut block, self.place(first)).map_err(DataError::io(&self.path))?;
                records = read / size;
            }
            let offset = (*example - first) as usize;
            if offset < records
                && let Some((kept, factor, numbers)) = parsed(&block[offset * size..][..size])
                && *kept == hash[..8]
            {
                each(place, numbers, factor);
            }
        }
        Ok(())
    }

    fn place(&self, example: u32) -> u64 {
        HEADER + u64::from(example.saturating_sub(1)) * (PREFIX + self.dimensions) as u64
    }
}

const FOLDER: &str = "vectors";

fn path(project: &Path, encoder: &str) -> PathBuf {
    let name: String = encoder
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(80)
        .collect();
    project.join(FOLDER).join(format!("{name}.vectors"))
}

fn record(hash: &TextHash, vector: &[f32]) -> Vec<u8> {
    let largest = vector.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    let factor = largest / 127.0;
    let mut record = Vec::with_capacity(PREFIX + vector.len());
    record.extend_from_slice(&hash[..8]);
    record.extend_from_slice(&[0; 4]);
    record.extend_from_slice(&factor.to_le_bytes());
    record.extend(vector.iter().map(|x| match factor > 0.0 {
        true => (x / factor).round() as i8 as u8,
        false => 0,
    }));
    let check = check_sum(&record);
    record[8..12].copy_from_slice(&check.to_le_bytes());
    record
}

/// Hash, factor and numbers of a whole record.
fn parsed(record: &[u8]) -> Option<(&[u8], f32, &[u8])> {
    let check = u32::from_le_bytes([record[8], record[9], record[10], record[11]]);
    if check != check_sum(record) {
        return None;
    }
    let factor = f32::from_le_bytes([record[12], record[13], record[14], record[15]]);
    Some((&record[..8], factor, &record[PREFIX..]))
}

/// Fletcher's sum of everything but the sum itself; never that of a record of zeros, which a hole in the file reads as.
fn check_sum(record: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for (place, byte) in record.iter().enumerate() {
        if !(8..12).contains(&place) {
            a = a.wrapping_add(u32::from(*byte));
            b = b.wrapping_add(a);
        }
    }
    (b << 16) ^ a
}

fn product(numbers: &[u8], asked: &[f32]) -> f32 {
    // Several sums, so that the compiler can add side by side.
    let mut sums = [0.0_f32; 16];
    for (numbers, asked) in numbers.chunks(16).zip(asked.chunks(16)) {
        for (sum, (n, x)) in sums.iter_mut().zip(numbers.iter().zip(asked)) {
            *sum += f32::from(*n as i8) * x;
        }
    }
    sums.iter().sum()
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut at: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        bytes = &bytes[written..];
        at += written as u64;
    }
    Ok(())
}

/// As many bytes as there are.
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        let place = at + read as u64;
        #[cfg(unix)]
        let more = std::os::unix::fs::FileExt::read_at(file, &mut bytes[read..], place)?;
        #[cfg(windows)]
        let more = std::os::windows::fs::FileExt::seek_read(file, &mut bytes[read..], place)?;
        if more == 0 {
            break;
        }
        read += more;
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hash(of: u8) -> TextHash {
        [of; 16]
    }

    /// A vector of length one.
    fn vector(seed: u32, dimensions: usize) -> Vec<f32> {
        let mut row: Vec<f32> = (0..dimensions as u32)
            .map(|i| ((i * 31 + seed * 17) % 23) as f32 - 11.0)
            .collect();
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter_mut().for_each(|x| *x /= length);
        row
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn vectors_come_back_nearly_as_they_were_and_only_of_the_same_text() {
        let place = tempfile::tempdir().unwrap();
        let file = VectorFile::open(place.path(), "some/model 256", 40).unwrap();
        file.put(&[(3, hash(3))], &vector(3, 40)).unwrap();
        file.put(
            &[(9_000, hash(9)), (1, hash(1))],
            &[vector(9, 40), vector(1, 40)].concat(),
        )
        .unwrap();
        let rows = [
            (1, hash(1)),
            (2, hash(2)),
            (3, hash(7)),
            (9_000, hash(9)),
            (9_001, hash(1)),
        ];
        let (found, vectors) = file.get(&rows).unwrap();
        assert_eq!(found, [0, 3]);
        assert!(cosine(&vectors[..40], &vector(1, 40)) > 0.999);
        assert!(cosine(&vectors[40..], &vector(9, 40)) > 0.999);
        assert_eq!(file.missing(&rows).unwrap(), [1, 2, 4]);
        let again = VectorFile::find(place.path(), "some/model 256").unwrap().unwrap();
        assert_eq!(again.get(&rows).unwrap(), (found, vectors));
        assert!(VectorFile::find(place.path(), "another").unwrap().is_none());
    }

    #[test]
    fn the_nearest_are_found_wherever_they_stand() {
        let place = tempfile::tempdir().unwrap();
        let file = VectorFile::open(place.path(), "m", 16).unwrap();
        for example in [1, 2, 5_000, 12_345] {
            file.put(&[(example, hash(1))], &vector(example, 16)).unwrap();
        }
        let found = file.nearest(&vector(12_345, 16), 2).unwrap();
        assert_eq!((found.len(), found[0].0), (2, 12_345));
        assert!(found[0].1 > 0.999 && found[1].1 < found[0].1);
        assert_eq!(
            file.nearest(&vector(1, 16), 10).unwrap().len(),
            4,
            "holes are no texts"
        );
    }

    #[test]
    fn a_torn_record_is_none_and_another_length_begins_anew() {
        let place = tempfile::tempdir().unwrap();
        let file = VectorFile::open(place.path(), "m", 16).unwrap();
        file.put(
            &[(1, hash(1)), (2, hash(2))],
            &[vector(1, 16), vector(2, 16)].concat(),
        )
        .unwrap();
        write_at(&file.file, &[0; 5], file.place(1) + 20).unwrap();
        assert_eq!(file.missing(&[(1, hash(1)), (2, hash(2))]).unwrap(), [0]);
        let other = VectorFile::open(place.path(), "m", 32).unwrap();
        assert_eq!(other.missing(&[(1, hash(1)), (2, hash(2))]).unwrap(), [0, 1]);
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_begun_anew() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join(FOLDER)).unwrap();
        fs::write(path(place.path(), "m"), "short").unwrap();
        assert!(VectorFile::find(place.path(), "m").unwrap().is_none());
        VectorFile::open(place.path(), "m", 4).unwrap();
        assert!(VectorFile::find(place.path(), "m").unwrap().is_some());
    }

    proptest! {
        #[test]
        fn quantised_cosines_are_off_by_less_than_a_hundredth(
            a in proptest::collection::vec(-1.0_f32..1.0, 64),
            b in proptest::collection::vec(-1.0_f32..1.0, 64),
        ) {
            let one = |v: &[f32]| {
                let length = v.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
                v.iter().map(|x| x / length).collect::<Vec<f32>>()
            };
            let (a, b) = (one(&a), one(&b));
            let kept = record(&hash(1), &a);
            let (_, factor, numbers) = parsed(&kept).unwrap();
            prop_assert!((factor * product(numbers, &b) - cosine(&a, &b)).abs() < 0.01);
        }
    }
}
