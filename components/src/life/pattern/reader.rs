//! The reader of run-length encoded patterns.
//!
//! Invariant: `at` never passes the end, and every fault is reported at the first byte of the item that is wrong.

use super::{PATTERN_BYTES_MAX, PATTERN_SIDE_MAX, Pattern, PatternFault, Rule, Run, Shown};

/// Line, column, and what is wrong there.
type Fault = (u32, u32, PatternFault);

/// Reads comment lines, the header, then items up to `!`; what follows that is ignored.
pub(super) fn parse(bytes: &[u8]) -> Result<Pattern, Fault> {
    if bytes.len() > PATTERN_BYTES_MAX {
        return Err((1, 1, PatternFault::TooLong(bytes.len())));
    }
    // Some editors put a byte order mark in front of UTF-8.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = Reader { text, at: 0, line: 1, line_start: 0 };
    let (width, height, rule) = reader.preamble()?;
    let runs = Cells { width, height, x: 0, y: 0, runs: Vec::new() }.read(&mut reader)?;
    Ok(Pattern { width, height, rule, runs })
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
    line_start: usize,
}

impl<'a> Reader<'a> {
    /// Comment lines and the header: width, height, rule.
    fn preamble(&mut self) -> Result<(u32, u32, Rule), Fault> {
        let mut rule = Rule::CONWAY;
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'#') => rule = self.comment()?.unwrap_or(rule),
                Some(b'x' | b'X') => return self.header(rule),
                _ => return Err(self.fault_at(self.at, PatternFault::Header)),
            }
        }
    }

    /// One `#` line; an `#r` line names the rule.
    fn comment(&mut self) -> Result<Option<Rule>, Fault> {
        let start = self.at;
        let line = self.rest_of_line();
        match line.strip_prefix(b"#r") {
            Some(text) => self.rule(start + 2, text).map(Some),
            None => Ok(None),
        }
    }

    /// `x = 3, y = 3` and perhaps `, rule = B3/S23`, which runs to the end of the line.
    fn header(&mut self, mut rule: Rule) -> Result<(u32, u32, Rule), Fault> {
        let start = self.at;
        let line = self.rest_of_line();
        let mut parts = line.splitn(3, |&byte| byte == b',');
        let mut offset = start;
        let mut sides = [0_u32; 2];
        for (side, name) in sides.iter_mut().zip(["x", "y"]) {
            let part =
                parts.next().ok_or_else(|| self.fault_at(start + line.len(), PatternFault::Size(name)))?;
            let value = value_of(part, name).ok_or_else(|| self.fault_at(offset, PatternFault::Header))?;
            *side = side_of(value).ok_or_else(|| self.fault_at(offset, PatternFault::Size(name)))?;
            offset += part.len() + 1;
        }
        if let Some(part) = parts.next() {
            let value = value_of(part, "rule").ok_or_else(|| self.fault_at(offset, PatternFault::Header))?;
            rule = self.rule(offset + (part.len() - value.len()), value)?;
        }
        Ok((sides[0], sides[1], rule))
    }

    /// The rule written in `text`, which starts at byte `start`.
    fn rule(&self, start: usize, text: &[u8]) -> Result<Rule, Fault> {
        let lead = text.len() - text.trim_ascii_start().len();
        let text = String::from_utf8_lossy(text.trim_ascii());
        text.parse().map_err(|error| self.fault_at(start + lead, PatternFault::Rule(error)))
    }

    /// Moves to the end of this line and gives the rest of it.
    fn rest_of_line(&mut self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek().filter(u8::is_ascii_whitespace) {
            self.at += 1;
            if byte == b'\n' {
                self.line += 1;
                self.line_start = self.at;
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// A fault at byte `at` of the current line.
    fn fault_at(&self, at: usize, fault: PatternFault) -> Fault {
        // Both fit: a file has at most `PATTERN_BYTES_MAX` bytes.
        (self.line, (at - self.line_start) as u32 + 1, fault)
    }
}

struct Cells {
    width: u32,
    height: u32,
    x: u32,
    y: u32,
    runs: Vec<Run>,
}

impl Cells {
    fn read(mut self, reader: &mut Reader<'_>) -> Result<Vec<Run>, Fault> {
        loop {
            reader.skip_blanks();
            let start = reader.at;
            let (line, line_start) = (reader.line, reader.line_start);
            let fault = |fault| (line, (start - line_start) as u32 + 1, fault);
            let Some(byte) = reader.peek() else { return Err(fault(PatternFault::NoEnd)) };
            if byte == b'#' && start == line_start {
                reader.rest_of_line();
                continue;
            }
            if byte == b'!' {
                return Ok(self.runs);
            }
            let (count, tag) = if byte.is_ascii_digit() {
                let count = count(reader);
                // A line may be broken between a count and what it counts.
                reader.skip_blanks();
                match reader.peek() {
                    Some(tag @ (b'b' | b'o' | b'$')) if count > 0 => (count, tag),
                    Some(b'b' | b'o' | b'$' | b'!' | b'0'..=b'9') | None => {
                        return Err(fault(PatternFault::Count(count)));
                    }
                    Some(other) => {
                        return Err(reader.fault_at(reader.at, PatternFault::Character(Shown(other))));
                    }
                }
            } else {
                (1, byte)
            };
            reader.at += 1;
            match tag {
                b'b' | b'o' => self.cells(count, tag == b'o').map_err(fault)?,
                b'$' => self.end_rows(count).map_err(fault)?,
                other => return Err(fault(PatternFault::Character(Shown(other)))),
            }
        }
    }

    fn cells(&mut self, count: u64, live: bool) -> Result<(), PatternFault> {
        if self.y >= self.height {
            return Err(PatternFault::TooManyRows { height: self.height });
        }
        let cells = u64::from(self.x).saturating_add(count);
        let end = u32::try_from(cells)
            .ok()
            .filter(|&end| end <= self.width)
            .ok_or(PatternFault::RowTooLong { row: self.y + 1, cells, width: self.width })?;
        if live {
            match self.runs.last_mut() {
                // `2oo` and `3o` are the same cells, and must be the same runs.
                Some(last) if last.y == self.y && last.x + last.length == self.x => {
                    last.length += end - self.x
                }
                _ => self.runs.push(Run { x: self.x, y: self.y, length: end - self.x }),
            }
        }
        self.x = end;
        Ok(())
    }

    fn end_rows(&mut self, count: u64) -> Result<(), PatternFault> {
        let next = u64::from(self.y).saturating_add(count);
        // One end of row behind the last row is common, and harmless.
        let next = u32::try_from(next).ok().filter(|&next| next <= self.height);
        self.y = next.ok_or(PatternFault::TooManyRows { height: self.height })?;
        self.x = 0;
        Ok(())
    }
}

/// The digits from here on as a number; more than a u64 holds is as wrong as its largest.
fn count(reader: &mut Reader<'_>) -> u64 {
    let mut count = 0_u64;
    while let Some(digit) = reader.peek().filter(u8::is_ascii_digit) {
        count = count.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
        reader.at += 1;
    }
    count
}

/// What follows `name =` in `part`.
fn value_of<'a>(part: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let part = part.trim_ascii_start();
    let (key, rest) = part.split_at_checked(name.len())?;
    let rest = rest.trim_ascii_start();
    key.eq_ignore_ascii_case(name.as_bytes()).then(|| rest.strip_prefix(b"=")).flatten()
}

fn side_of(value: &[u8]) -> Option<u32> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let side: u32 = str::from_utf8(digits).ok()?.parse().ok()?;
    (side <= PATTERN_SIDE_MAX).then_some(side)
}

#[cfg(test)]
mod tests;
