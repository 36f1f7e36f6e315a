//! What can keep a report from being told.

/// Why a catalogue could not be read, a figure not drawn or a PDF not set.
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
    /// No font at hand has these letters; a report with boxes for words is none.
    #[error("no font has the letters {characters}")]
    NoFont {
        /// The letters, each once.
        characters: String,
    },
    /// The PDF library refused; `cause` is what it said.
    #[error("the PDF cannot be written: {cause}")]
    Pdf {
        /// The library's own words.
        cause: String,
    },
}
