//! Protocol buffers as ONNX means them (`onnx.proto3`, IR version 8): plain messages → bytes.
//!
//! What is written of the format is a page; the crates for it bring a code generator or `prost` for these few fields.
//! Weights are not gathered in memory: their lengths are known, so that they can be written one after another.

use std::io::{self, Write};

/// Lengths of messages are 32-bit numbers with a sign in every reader.
pub const MOST_BYTES: u64 = i32::MAX as u64;

/// Numbers of a protocol-buffer message, in the order in which they were added.
#[derive(Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// A whole number.
    pub fn integer(mut self, field: u32, value: i64) -> Self {
        varint(&mut self.0, u64::from(field) << 3);
        // Negative numbers take ten bytes, as the format wants it.
        varint(&mut self.0, value as u64);
        self
    }

    /// A number in 32 bits.
    pub fn float(mut self, field: u32, value: f32) -> Self {
        varint(&mut self.0, u64::from(field) << 3 | 5);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Text.
    pub fn text(self, field: u32, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// A message within this one.
    pub fn message(self, field: u32, value: &Message) -> Self {
        self.bytes(field, &value.0)
    }

    /// Announces `length` bytes that the caller writes after this message's own.
    pub fn announce(mut self, field: u32, length: u64) -> Self {
        varint(&mut self.0, u64::from(field) << 3 | 2);
        varint(&mut self.0, length);
        self
    }

    fn bytes(self, field: u32, value: &[u8]) -> Self {
        let mut message = self.announce(field, value.len() as u64);
        message.0.extend_from_slice(value);
        message
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes numbers as the format keeps them: little-endian, whatever the machine.
pub fn write_floats(out: &mut dyn Write, values: impl Iterator<Item = f32>) -> io::Result<()> {
    const AT_ONCE: usize = 1 << 14;
    let mut bytes = Vec::with_capacity(4 * AT_ONCE);
    for value in values {
        bytes.extend_from_slice(&value.to_le_bytes());
        if bytes.len() == 4 * AT_ONCE {
            out.write_all(&bytes)?;
            bytes.clear();
        }
    }
    out.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_written_as_the_specification_shows_them() {
        // The examples of protobuf.dev's page on encoding.
        assert_eq!(Message::default().integer(1, 150).as_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(
            Message::default().text(2, "testing").as_bytes(),
            [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]
        );
        let inner = Message::default().integer(1, 150);
        assert_eq!(
            Message::default().message(3, &inner).as_bytes(),
            [0x1a, 0x03, 0x08, 0x96, 0x01]
        );
        assert_eq!(Message::default().integer(1, -2).len(), 11);
    }
}
