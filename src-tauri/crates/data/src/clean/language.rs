//! The language of a text, by its letters and their trigrams (Cavnar & Trenkle 1994, as in `whatlang`).

/// Characters read of a text: more do not change the answer.
const READ: usize = 400;

/// Letters below which nothing is said.
const FEWEST_LETTERS: usize = 12;

/// Letters from which the likeliest language is said even where another is almost as likely.
const MANY_LETTERS: usize = 55;

/// Chinese characters from which something is said; each says as much as several letters.
const FEWEST_CHINESE: usize = 4;

/// The language of a text as ISO 639-3, empty where it cannot be told. Chinese is `cmn`.
pub fn language(text: &str) -> &'static str {
    let text = crate::text::head(text.trim_start(), READ);
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let chinese = text
        .chars()
        .filter(|c| matches!(c, '\u{4e00}'..='\u{9fff}'))
        .count();
    if letters < FEWEST_LETTERS && chinese < FEWEST_CHINESE {
        return "";
    }
    match whatlang::detect(text) {
        Some(info) if info.is_reliable() || letters >= MANY_LETTERS || chinese >= FEWEST_CHINESE => {
            info.lang().code()
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_and_short_texts_are_not_guessed() {
        assert_eq!(
            language("The tenant shall pay the rent on the first day of every month."),
            "eng"
        );
        assert_eq!(language("房间很干净，服务也不错，下次还会来。"), "cmn");
        assert_eq!(
            language("Der Mieter zahlt die Miete am ersten Tag jedes Monats an den Vermieter."),
            "deu"
        );
        assert_eq!(
            language("この契約は、両当事者の合意により変更することができる。"),
            "jpn"
        );
        for unclear in ["ok", "12345 678", "", "A-17"] {
            assert_eq!(language(unclear), "", "{unclear}");
        }
    }
}
