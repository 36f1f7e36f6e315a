//! The plain data that crosses to the window, in its words and with its field names.
//!
//! Numbers are `u32` or `f64` because JavaScript has no wider integer. Lengths of texts are in characters.

mod cleaning;
mod labels;
mod project;
mod reading;

pub use cleaning::*;
pub use labels::*;
pub use project::*;
pub use reading::*;
