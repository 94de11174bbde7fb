//! Texts of any length, as they may be logged.

use std::fmt::{self, Write};

/// The beginning of a text that may be a client's, and of any length.
pub(crate) struct Brief<T>(pub(crate) T);

/// Bytes of a text that are shown.
const SHOWN: usize = 200;

impl<T: fmt::Display> fmt::Display for Brief<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cut = Cut {
            into: f,
            left: SHOWN,
        };
        match write!(cut, "{}", self.0) {
            // It was cut, and all of it that is shown is out.
            Err(_) if cut.left == 0 => f.write_str("…"),
            written => written,
        }
    }
}

/// Writes so many bytes and no more.
struct Cut<'a, 'b> {
    into: &'a mut fmt::Formatter<'b>,
    left: usize,
}

impl fmt::Write for Cut<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.left {
            self.left = self.left.saturating_sub(text.len());
            return self.into.write_str(text);
        }
        let end = (0..=self.left)
            .rev()
            .find(|&end| text.is_char_boundary(end));
        self.left = 0;
        self.into
            .write_str(text.get(..end.unwrap_or(0)).unwrap_or_default())?;
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_the_beginning_is_shown() {
        assert_eq!(Brief("short").to_string(), "short");
        assert_eq!(Brief("x".repeat(SHOWN)).to_string(), "x".repeat(SHOWN));
        let long = format!("{}ü{}", "x".repeat(SHOWN - 1), "y".repeat(50_000));
        assert_eq!(
            Brief(long).to_string(),
            format!("{}…", "x".repeat(SHOWN - 1))
        );
    }
}
