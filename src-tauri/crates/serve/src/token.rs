//! The word that a caller has to know.

use subtle::ConstantTimeEq;

/// A secret, made anew whenever the server starts.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// From the system's random numbers.
    ///
    /// # Errors
    /// When the system has none.
    pub fn random() -> std::io::Result<Token> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Token(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The secret itself, to be shown once.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether a header carries it. The time that this takes tells nothing about how much of it was right.
    pub(crate) fn is_in(&self, authorization: &[u8]) -> bool {
        let (scheme, given) = authorization.split_at(authorization.len().min(7));
        scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(given.ct_eq(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token = Token::random().unwrap();
        let header = format!("Bearer {}", token.secret());
        assert!(token.is_in(header.as_bytes()));
        assert!(token.is_in(header.replace("Bearer", "bearer").as_bytes()));
        for wrong in [
            &header[..header.len() - 1],
            "Bearer ",
            "",
            &header[7..],
            "Basic x",
        ] {
            assert!(!token.is_in(wrong.as_bytes()), "{wrong:?}");
        }
        assert_ne!(token.secret(), Token::random().unwrap().secret());
    }
}
