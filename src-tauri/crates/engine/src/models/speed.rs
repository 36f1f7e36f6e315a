//! How fast this machine is: measured once, remembered until the machine or the program is another.

use serde::{Deserialize, Serialize};
use understudy_train::Speed;

use crate::error::Result;
use crate::files;

/// Rises when what is measured, or how it is counted, becomes another thing.
const METHOD: u32 = 2;

/// A measurement and what it is of.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    /// Version of the program.
    version: String,
    /// Which way of measuring it was.
    #[serde(default)]
    method: u32,
    /// The processor and how many of its threads there are.
    processor: String,
    /// What came out.
    speed: Speed,
}

fn path() -> std::path::PathBuf {
    files::config_folder().join("speed.json")
}

fn processor() -> String {
    let machine = understudy_hub::machine(&files::config_folder());
    format!("{} × {}", machine.cores, machine.cpu)
}

/// What was measured on this machine before, if anything.
pub fn known() -> Option<Speed> {
    let measured: Measured = files::read_json(&path()).ok()??;
    let same = measured.version == env!("CARGO_PKG_VERSION")
        && measured.method == METHOD
        && measured.processor == processor();
    same.then_some(measured.speed)
}

/// Measures this machine, which takes a few seconds of all its cores, and remembers the outcome.
///
/// # Errors
/// [`crate::EngineError::File`] when it cannot be remembered.
pub fn measure() -> Result<Speed> {
    let measured = Measured {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        method: METHOD,
        processor: processor(),
        speed: understudy_train::speed::measure()?,
    };
    files::write_json(&path(), &measured)?;
    Ok(measured.speed)
}
