//! The characters that make a table of a text.

use crate::types::Quoting;

/// What divides cells, and what holds one together that has such characters in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) delimiter: u8,
    /// `None`: quotation marks belong to the text.
    pub(crate) quote: Option<u8>,
}

impl Marks {
    pub(crate) fn new(delimiter: u8, quoting: Quoting) -> Self {
        let quote = match quoting {
            Quoting::Double => Some(b'"'),
            Quoting::Single => Some(b'\''),
            Quoting::None => None,
        };
        Marks { delimiter, quote }
    }

    /// The same without quotation marks.
    pub(super) fn unquoted(self) -> Self {
        Marks { quote: None, ..self }
    }

    pub(super) fn parser(self) -> csv_core::Reader {
        csv_core::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .quote(self.quote.unwrap_or(b'"'))
            .quoting(self.quote.is_some())
            .build()
    }
}

/// Which quotation marks a text uses. Double ones are what all programs write; single ones are believed where most lines
/// begin or end with one and none has a double one.
pub(super) fn quoting_of(text: &str) -> Quoting {
    const LINES: usize = 200;
    let lines = || text.lines().filter(|line| !line.trim().is_empty()).take(LINES);
    let single = |line: &&str| line.starts_with('\'') || line.trim_end().ends_with('\'');
    let most = lines().filter(single).count() * 2 > lines().count();
    match most && !lines().any(|line| line.contains('"')) {
        true => Quoting::Single,
        false => Quoting::Double,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_quotes_are_believed_where_most_lines_have_them_at_an_end() {
        assert_eq!(quoting_of("text,label\n'a, b','x'\n'c','y'\n"), Quoting::Single);
        assert_eq!(
            quoting_of("text,label\nit's, so,x\n'tis,y\nc,z\n"),
            Quoting::Double
        );
        assert_eq!(quoting_of("'a','x'\n'b','y \"z\"'\n"), Quoting::Double);
        assert_eq!(quoting_of(""), Quoting::Double);
    }
}
