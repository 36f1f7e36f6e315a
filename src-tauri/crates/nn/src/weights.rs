//! `model.safetensors`: read tensor by tensor (never the whole file at once), written in one pass.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::{Dtype, Metadata};
use safetensors::{SafeTensorError, View};

use crate::error::{NnError, Result};
use crate::parameters::{Parameter, Parameters};

/// What a checkpoint and an architecture did not share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Parameters that the file lacks and that were initialised instead (a new head, say).
    pub initialised: Vec<String>,
    /// Tensors of the file that the architecture has no use for (another head, say).
    pub unused: Vec<String>,
}

/// Older checkpoints name the parameters of a normalisation differently.
const OLD_NAMES: [(&str, &str); 2] = [
    ("LayerNorm.weight", "LayerNorm.gamma"),
    ("LayerNorm.bias", "LayerNorm.beta"),
];

/// Fills `parameters` from the file at `path`. A parameter may stand there under its own name or without `prefix`.
/// What may be missing is initialised from `seed`.
///
/// # Errors
/// [`NnError::File`], [`NnError::Weights`] (damaged), [`NnError::MissingTensor`], [`NnError::Shape`],
/// [`NnError::NotFinite`].
pub fn load(path: &Path, parameters: &mut Parameters, prefix: &str, seed: u64) -> Result<LoadReport> {
    let mut file = TensorFile::open(path)?;
    let mut unused: BTreeSet<String> = file.tensors.keys().cloned().collect();
    let mut report = LoadReport::default();
    for index in 0..parameters.len() {
        let entry = parameters.entries()[index].clone();
        if let Some(name) = file.find(&entry.name, prefix) {
            unused.remove(&name);
        }
        match file.place(&entry, prefix)? {
            Some(name) => file.read_numbers(&name, parameters.values_mut(index))?,
            None => {
                parameters.initialise(index, seed);
                report.initialised.push(entry.name);
            }
        }
    }
    report.unused = unused.into_iter().collect();
    Ok(report)
}

/// Whether [`load`] would find all that it needs, by the file's header.
///
/// # Errors
/// [`NnError::File`], [`NnError::Weights`] (damaged), [`NnError::MissingTensor`], [`NnError::Shape`].
pub(crate) fn check(path: &Path, parameters: &Parameters, prefix: &str) -> Result<()> {
    let file = TensorFile::open(path)?;
    let mut entries = parameters.entries().iter();
    entries.try_for_each(|entry| file.place(entry, prefix).map(drop))
}

/// Fills the parameters that `pick` picks from the file at `path`, where every one must stand.
///
/// # Errors
/// As [`load`].
pub fn load_some(path: &Path, parameters: &mut Parameters, pick: impl Fn(&Parameter) -> bool) -> Result<()> {
    let mut file = TensorFile::open(path)?;
    for index in 0..parameters.len() {
        let entry = parameters.entries()[index].clone();
        if !pick(&entry) {
            continue;
        }
        let name = entry.name;
        let Some(stored) = file.tensors.get(&name) else {
            return Err(NnError::MissingTensor { name });
        };
        if stored.shape != entry.shape {
            return Err(NnError::Shape {
                name,
                found: stored.shape.clone(),
                expected: entry.shape,
            });
        }
        file.read_numbers(&name, parameters.values_mut(index))?;
    }
    Ok(())
}

/// Writes all parameters under their names as 32-bit floats, adapters merged into their matrices.
///
/// # Errors
/// [`NnError::File`], [`NnError::Weights`] when the file cannot be written.
pub fn save(path: &Path, parameters: &Parameters) -> Result<()> {
    save_some(path, parameters, |_| true)
}

/// As [`save`], of the parameters that `pick` picks.
///
/// # Errors
/// As there.
pub fn save_some(path: &Path, parameters: &Parameters, pick: impl Fn(&Parameter) -> bool) -> Result<()> {
    let entries = parameters.entries().iter();
    let picked = entries.filter(|entry| !entry.is_adapter() && pick(entry));
    let views = picked.map(|entry| (entry.name.as_str(), Merged { parameters, entry }));
    // Transformers refuses a file that does not say which framework's layout it has.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    write(path, views.collect(), metadata)
}

/// A parameter as it is written: merged with its adapter when its turn comes, so that no second model lies in memory.
struct Merged<'a> {
    parameters: &'a Parameters,
    entry: &'a Parameter,
}

impl View for Merged<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.entry.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.parameters.merged_values(self.entry) {
            Cow::Borrowed(numbers) => bytemuck::cast_slice(numbers).into(),
            Cow::Owned(numbers) => bytemuck::cast_slice(&numbers).to_vec().into(),
        }
    }

    fn data_len(&self) -> usize {
        size_of_val(self.parameters.values(self.entry))
    }
}

/// Writes tensors to a file that may be read by whom the folder's other files may.
///
/// # Errors
/// [`NnError::Weights`].
pub(crate) fn write(
    path: &Path,
    views: Vec<(&str, impl View)>,
    metadata: HashMap<String, String>,
) -> Result<()> {
    let failed = |source: std::io::Error| NnError::File {
        path: path.to_owned(),
        source,
    };
    // The crate writes a temporary file, which only its owner may read, and puts it in this one's place.
    let made = File::create(path).and_then(|file| file.metadata());
    let permissions = made.map_err(failed)?.permissions();
    safetensors::serialize_to_file(views, Some(metadata), path).map_err(|error| match error {
        // A full disk is none of the weights' fault.
        SafeTensorError::IoError(source) => failed(source),
        other => NnError::Weights {
            path: path.to_owned(),
            reason: other.to_string(),
        },
    })?;
    std::fs::set_permissions(path, permissions).map_err(failed)
}

/// An open file of tensors, of which one is read at a time.
#[derive(Debug)]
pub struct TensorFile {
    file: File,
    path: PathBuf,
    data_start: u64,
    tensors: HashMap<String, Stored>,
    notes: HashMap<String, String>,
}

#[derive(Debug)]
struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

/// A header beyond this size is damage, not a model (the format's own limit).
const MAX_HEADER: u64 = 100_000_000;

impl TensorFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`NnError::File`]; [`NnError::Weights`] when it is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let read = |source| NnError::File {
            path: path.to_owned(),
            source,
        };
        let damaged = |reason: String| NnError::Weights {
            path: path.to_owned(),
            reason,
        };
        let mut file = File::open(path).map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length)
            .map_err(|_| damaged("the file is shorter than its header".into()))?;
        let header = u64::from_le_bytes(length);
        if header > MAX_HEADER || 8 + header > size {
            return Err(damaged(format!("a header of {header} bytes in a file of {size}")));
        }
        let mut buffer = vec![0; header as usize];
        file.read_exact(&mut buffer).map_err(read)?;
        let metadata: Metadata = serde_json::from_slice(&buffer).map_err(|e| damaged(e.to_string()))?;
        let data_start = 8 + header;
        let expected = data_start + metadata.data_len() as u64;
        if size != expected {
            return Err(damaged(format!(
                "the file has {size} bytes, its header speaks of {expected}"
            )));
        }
        let tensors = metadata
            .tensors()
            .into_iter()
            .map(|(name, info)| {
                (
                    name,
                    Stored {
                        dtype: info.dtype,
                        shape: info.shape.clone(),
                        bytes: info.data_offsets.0..info.data_offsets.1,
                    },
                )
            })
            .collect();
        Ok(TensorFile {
            file,
            path: path.to_owned(),
            data_start,
            tensors,
            notes: metadata.metadata().clone().unwrap_or_default(),
        })
    }

    /// What is noted in the header under `field`.
    pub fn note(&self, field: &str) -> Option<&str> {
        self.notes.get(field).map(String::as_str)
    }

    /// Whether the file has a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The name under which a parameter stands in the file.
    pub(crate) fn find(&self, name: &str, prefix: &str) -> Option<String> {
        let short = name.strip_prefix(prefix).unwrap_or(name);
        let older = OLD_NAMES
            .iter()
            .filter_map(|(new, old)| Some(format!("{}{old}", name.strip_suffix(new)?)));
        let older_short = OLD_NAMES
            .iter()
            .filter_map(|(new, old)| Some(format!("{}{old}", short.strip_suffix(new)?)));
        [name.to_owned(), short.to_owned()]
            .into_iter()
            .chain(older)
            .chain(older_short)
            .find(|name| self.has(name))
    }

    /// The name under which the file has a parameter's numbers; `None` where it lacks them and may.
    fn place(&self, entry: &Parameter, prefix: &str) -> Result<Option<String>> {
        match self.find(&entry.name, prefix) {
            None if !entry.optional => Err(NnError::MissingTensor {
                name: entry.name.clone(),
            }),
            None => Ok(None),
            Some(name) if self.shape(&name) == entry.shape => Ok(Some(name)),
            // A head for another number of classes: it is trained anew.
            Some(_) if entry.optional => Ok(None),
            Some(name) => Err(NnError::Shape {
                found: self.shape(&name).to_vec(),
                expected: entry.shape.clone(),
                name,
            }),
        }
    }

    /// The shape of a tensor that the file has.
    pub(crate) fn shape(&self, name: &str) -> &[usize] {
        &self.tensors[name].shape
    }

    /// As [`TensorFile::read_into`]; what is no number is refused.
    fn read_numbers(&mut self, name: &str, out: &mut [f32]) -> Result<()> {
        self.read_into(name, out)?;
        match out.iter().all(|x| x.is_finite()) {
            true => Ok(()),
            false => Err(NnError::NotFinite {
                name: name.to_owned(),
            }),
        }
    }

    /// Reads a tensor of as many numbers as `out` has, of any width, in the order in which they lie.
    ///
    /// # Errors
    /// [`NnError::File`]; [`NnError::Weights`] when the file has no such tensor.
    pub fn read_into(&mut self, name: &str, out: &mut [f32]) -> Result<()> {
        let stored = self.stored(name)?;
        let numbers: usize = stored.shape.iter().product();
        if numbers != out.len() {
            return Err(self.damaged(format!("{name} has {numbers} numbers, expected {}", out.len())));
        }
        let dtype = match stored.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::F64 => DType::F64,
            other => return Err(self.damaged(format!("{name} is stored as {other:?}"))),
        };
        if dtype == DType::F32 && cfg!(target_endian = "little") {
            // As they lie in the file; large tables are not held twice.
            return self.read_bytes(name, bytemuck::cast_slice_mut(out));
        }
        let shape = stored.shape.clone();
        let mut bytes = vec![0; stored.bytes.len()];
        self.read_bytes(name, &mut bytes)?;
        let numbers = Tensor::from_raw_buffer(&bytes, dtype, &shape, &Device::Cpu)
            .and_then(|tensor| tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>())
            .map_err(|e| self.damaged(e.to_string()))?;
        out.copy_from_slice(&numbers);
        Ok(())
    }

    /// Reads a tensor of whole numbers.
    ///
    /// # Errors
    /// As [`TensorFile::read_into`].
    pub fn read_u32(&mut self, name: &str) -> Result<Vec<u32>> {
        let stored = self.stored(name)?;
        if stored.dtype != Dtype::U32 {
            return Err(self.damaged(format!("{name} is stored as {:?}", stored.dtype)));
        }
        let mut bytes = vec![0; stored.bytes.len()];
        self.read_bytes(name, &mut bytes)?;
        let (words, _) = bytes.as_chunks::<4>();
        Ok(words.iter().map(|&word| u32::from_le_bytes(word)).collect())
    }

    fn read_bytes(&mut self, name: &str, out: &mut [u8]) -> Result<()> {
        let place = SeekFrom::Start(self.data_start + self.stored(name)?.bytes.start as u64);
        let read = self.file.seek(place).and_then(|_| self.file.read_exact(out));
        read.map_err(|source| NnError::File {
            path: self.path.clone(),
            source,
        })
    }

    fn stored(&self, name: &str) -> Result<&Stored> {
        let stored = self.tensors.get(name);
        stored.ok_or_else(|| self.damaged(format!("{name} is missing")))
    }

    fn damaged(&self, reason: String) -> NnError {
        NnError::Weights {
            path: self.path.clone(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Init;

    fn named(name_of: impl Fn(&str) -> String) -> Parameters {
        let mut parameters = Parameters::default();
        parameters.matrix(&name_of("layer.weight"), 3, 2, Init::Normal(1.0));
        parameters.table(&name_of("words"), 4, 2, Init::Normal(1.0));
        parameters.vector(&name_of("norm.LayerNorm.weight"), 2, Init::Ones);
        parameters
    }

    fn small() -> Parameters {
        named(|name| format!("bert.{name}"))
    }

    fn saved(path: &Path, name_of: impl Fn(&str) -> String) -> Parameters {
        let mut parameters = named(name_of);
        (0..3).for_each(|i| parameters.initialise(i, 7));
        save(path, &parameters).unwrap();
        parameters
    }

    #[test]
    fn what_a_file_lacks_is_told_by_its_header_before_memory_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        saved(&path, str::to_owned);
        let mut outline = Parameters::without_numbers();
        // More than any machine has.
        outline.matrix("bert.layer.weight", 1 << 30, 1 << 30, Init::Ones);
        let told = check(&path, &outline, "bert.");
        assert!(matches!(told, Err(NnError::Shape { .. })), "{told:?}");
    }

    #[test]
    fn what_was_saved_is_loaded_under_its_name_without_its_prefix_or_under_its_old_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let names: [fn(&str) -> String; 3] = [
            str::to_owned,
            |n| format!("bert.{n}"),
            |n| format!("bert.{}", n.replace("LayerNorm.weight", "LayerNorm.gamma")),
        ];
        for name_of in names {
            let expected = saved(&path, name_of);
            let mut parameters = small();
            assert_eq!(
                load(&path, &mut parameters, "bert.", 0).unwrap(),
                LoadReport::default()
            );
            assert_eq!(parameters.dense, expected.dense);
            assert_eq!(parameters.tables[0].values, expected.tables[0].values);
        }
    }

    #[test]
    fn a_missing_tensor_is_an_error_unless_it_may_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        saved(&path, |n| format!("bert.{n}"));
        let mut parameters = small();
        let first = parameters.len();
        parameters.matrix("classifier.weight", 2, 2, Init::Normal(0.02));
        assert!(
            matches!(load(&path, &mut parameters, "", 0), Err(NnError::MissingTensor { name }) if name == "classifier.weight")
        );
        parameters.mark_optional(first);
        let report = load(&path, &mut parameters, "", 0).unwrap();
        assert_eq!(report.initialised, ["classifier.weight"]);
        assert!(
            parameters.dense[8..].iter().all(|&x| x != 0.0),
            "a new head starts from random numbers"
        );
    }

    #[test]
    fn a_file_cut_short_a_wrong_shape_and_a_bad_number_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        saved(&path, |n| format!("bert.{n}"));
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 7, 50, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(
                matches!(load(&path, &mut small(), "", 0), Err(NnError::Weights { .. })),
                "{length} bytes"
            );
        }
        std::fs::write(&path, &whole).unwrap();
        let mut wrong = Parameters::default();
        wrong.matrix("bert.layer.weight", 2, 2, Init::Zeros);
        assert!(matches!(
            load(&path, &mut wrong, "", 0),
            Err(NnError::Shape { .. })
        ));
        let mut parameters = small();
        parameters.values_mut(0)[1] = f32::NAN;
        save(&path, &parameters).unwrap();
        assert!(matches!(
            load(&path, &mut small(), "", 0),
            Err(NnError::NotFinite { .. })
        ));
    }
}
