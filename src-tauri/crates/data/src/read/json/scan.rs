//! A JSON document as a stream: where its values begin and end, without holding more than one of them.
//!
//! Values are only delimited here, not checked: what stands between their ends is parsed by whoever wants it.

use std::io::{BufRead, Result};

use super::super::CELL_LIMIT;

/// A position in a JSON document.
pub(super) struct Scanner<R> {
    input: R,
}

/// What a list goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// An element, which was read.
    Element,
    /// Its closing bracket.
    End,
    /// Nothing: the document is cut.
    Cut,
}

impl<R: BufRead> Scanner<R> {
    pub(super) fn new(input: R) -> Self {
        Scanner { input }
    }

    pub(super) fn input(&mut self) -> &mut R {
        &mut self.input
    }

    /// Goes to the next byte that is no whitespace and tells it.
    pub(super) fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Ok(None);
            }
            let space = available
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            let next = available.get(space).copied();
            self.input.consume(space);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    /// Steps over `byte` if it comes next.
    pub(super) fn accept(&mut self, byte: u8) -> Result<bool> {
        let found = self.peek()? == Some(byte);
        if found {
            self.input.consume(1);
        }
        Ok(found)
    }

    /// Reads a list's next element into `element`, from behind the opening bracket or the last element.
    pub(super) fn element(&mut self, element: &mut Vec<u8>) -> Result<Step> {
        element.clear();
        self.accept(b',')?;
        if self.accept(b']')? {
            return Ok(Step::End);
        }
        // Anything before the next comma belongs to the element, so that it is found broken and not lost.
        while !matches!(self.peek()?, None | Some(b',' | b']')) && element.len() <= CELL_LIMIT {
            self.value(0, Some(element))?;
            if self.accept(b'}')? {
                element.push(b'}');
            }
        }
        match self.peek()? {
            None if element.is_empty() => Ok(Step::Cut),
            _ => Ok(Step::Element),
        }
    }

    /// Reads one value of several that follow each other without a bracket around them; `false` at the end.
    pub(super) fn following(&mut self, value: &mut Vec<u8>) -> Result<bool> {
        value.clear();
        let Some(first) = self.peek()? else {
            return Ok(false);
        };
        self.value(0, Some(value))?;
        if value.is_empty() {
            self.input.consume(1);
            value.push(first);
        }
        Ok(true)
    }

    /// Reads up to the end of the value that begins here, or of the one around it when `depth` brackets are open.
    /// Gives up soon after [`CELL_LIMIT`] when the value is kept.
    pub(super) fn value(&mut self, mut depth: u32, mut keep: Option<&mut Vec<u8>>) -> Result<()> {
        let (mut quoted, mut escaped) = (false, false);
        loop {
            let available = self.input.fill_buf()?;
            let mut used = 0;
            let mut done = available.is_empty();
            for byte in available {
                if !quoted && depth == 0 && matches!(byte, b',' | b']' | b'}') {
                    done = true;
                    break;
                }
                used += 1;
                if quoted {
                    quoted = escaped || *byte != b'"';
                    escaped = !escaped && *byte == b'\\';
                    done = !quoted && depth == 0;
                } else {
                    match byte {
                        b'"' => quoted = true,
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => {
                            depth -= 1;
                            done = depth == 0;
                        }
                        _ => {}
                    }
                }
                if done {
                    break;
                }
            }
            if let Some(kept) = keep.as_deref_mut() {
                kept.extend_from_slice(&available[..used]);
                done = done || kept.len() > CELL_LIMIT;
            }
            self.input.consume(used);
            if done {
                return Ok(());
            }
        }
    }

    /// From before a document's object: the names of its lists of objects, in order. Reads to its end.
    pub(super) fn lists(&mut self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        while let Some(name) = self.next_list()? {
            names.push(name);
            self.value(1, None)?;
        }
        Ok(names)
    }

    /// From before a document's object, or behind one of its values: goes behind the opening bracket of its next
    /// list of objects and tells its name.
    pub(super) fn next_list(&mut self) -> Result<Option<String>> {
        loop {
            while self.accept(b'{')? || self.accept(b',')? {}
            if self.peek()? != Some(b'"') {
                return Ok(None);
            }
            let mut key = Vec::new();
            self.value(0, Some(&mut key))?;
            if !self.accept(b':')? {
                return Ok(None);
            }
            if !self.accept(b'[')? {
                self.value(0, None)?;
            } else if self.peek()? == Some(b'{') {
                return Ok(serde_json::from_slice(&key).ok());
            } else {
                self.value(1, None)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(text: &str) -> (Vec<String>, Step) {
        let mut scanner = Scanner::new(text.as_bytes());
        assert!(scanner.accept(b'[').unwrap());
        let mut element = Vec::new();
        let mut all = Vec::new();
        loop {
            match scanner.element(&mut element).unwrap() {
                Step::Element => all.push(String::from_utf8(element.clone()).unwrap()),
                other => return (all, other),
            }
        }
    }

    #[test]
    fn elements_end_where_their_own_brackets_close() {
        let (all, end) = elements(r#"[ {"a": "]},\" \\"}, [1, {}] ,{"b":{}} , "x,y" ,7 ] tail"#);
        assert_eq!(all[0], r#"{"a": "]},\" \\"}"#);
        assert_eq!(&all[1..4], ["[1, {}]", r#"{"b":{}}"#, r#""x,y""#]);
        assert_eq!((all[4].trim(), end), ("7", Step::End));
    }

    #[test]
    fn what_is_broken_is_an_element_too() {
        let (all, end) = elements(r#"[{"a":1} x, {"b":2}} , {"c""#);
        assert_eq!(all.len(), 3);
        assert_eq!((all[0].trim(), all[1].trim()), (r#"{"a":1}x"#, r#"{"b":2}}"#));
        assert_eq!(end, Step::Cut);
    }

    #[test]
    fn a_documents_lists_of_objects_are_found_among_its_other_values() {
        let text = r#"{"version": 1, "tags": ["a"], "rows": [{"x": "}"}], "none": [], "m\u0065ta": {"rows": [{}]}, "more": [ {} ]}"#;
        let mut scanner = Scanner::new(text.as_bytes());
        assert_eq!(scanner.lists().unwrap(), ["rows", "more"]);
    }
}
