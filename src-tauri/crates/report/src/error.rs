//! What can keep a report from being told.

/// Why a catalogue could not be read or a figure could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The catalogue is not one flat JSON object of texts.
    #[error("the message catalogue cannot be read")]
    Catalogue(#[from] serde_json::Error),
    /// The drawing library refused; `cause` is what it said.
    #[error("the figure cannot be drawn: {cause}")]
    Figure {
        /// The library's own words.
        cause: String,
    },
}
