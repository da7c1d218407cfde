//! A rule of a Life-like automaton: at which counts of live neighbours a cell is born, and at which it lives on.
//!
//! Invariant: only the low nine bits of either set are ever used. Rules that look at where the neighbours are
//! (isotropic non-totalistic ones) are left out, as are more states than two.

use core::fmt;
use core::str::FromStr;

use bytemuck::{Pod, Zeroable};

/// Which counts of live neighbours, out of 0 to 8, give birth to a cell and let one survive.
///
/// # Examples
/// ```
/// use diptych_components::life::Rule;
/// let high_life: Rule = "B36/S23".parse().unwrap();
/// assert!(high_life.is_born(6) && !high_life.survives(6));
/// assert_eq!("23/3".parse(), Ok(Rule::CONWAY));
/// assert_eq!(Rule::CONWAY.to_string(), "B3/S23");
/// ```
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct Rule {
    born: u16,
    survive: u16,
}

const _: () = assert!(size_of::<Rule>() == 4);

/// What is wrong with the text of a rule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "'{text}' is no rule: write B and the counts at which a cell is born, /S and those at which it lives on, \
     each a digit from 0 to 8 named once, such as B3/S23 (the older form 23/3 names survival first)"
)]
pub struct RuleError {
    /// The text as it was given.
    pub text: String,
}

impl Rule {
    /// Conway's Life, `B3/S23`.
    pub const CONWAY: Rule = Rule { born: 1 << 3, survive: 1 << 2 | 1 << 3 };

    /// Whether a dead cell with `neighbours` live ones around it comes to life.
    #[must_use]
    pub const fn is_born(self, neighbours: u32) -> bool {
        neighbours <= 8 && self.born >> neighbours & 1 == 1
    }

    /// Whether a live cell with `neighbours` live ones around it lives on.
    #[must_use]
    pub const fn survives(self, neighbours: u32) -> bool {
        neighbours <= 8 && self.survive >> neighbours & 1 == 1
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    /// Reads `B3/S23`, `b3s23` or the older `23/3`, which names survival first.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let parts = if let Some(rest) = text.strip_prefix(['B', 'b']) {
            rest.split_once(['S', 's'])
                .map(|(born, survive)| (born.strip_suffix('/').unwrap_or(born), survive))
        } else {
            text.split_once('/').map(|(survive, born)| (born, survive))
        };
        parts
            .and_then(|(born, survive)| Some(Rule { born: counts(born)?, survive: counts(survive)? }))
            .ok_or_else(|| RuleError { text: text.to_owned() })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("B")?;
        (0..=8).filter(|&n| self.is_born(n)).try_for_each(|n| write!(f, "{n}"))?;
        f.write_str("/S")?;
        (0..=8).filter(|&n| self.survives(n)).try_for_each(|n| write!(f, "{n}"))
    }
}

/// The set of counts that `digits` names, or `None` for anything but digits from 0 to 8, each once.
fn counts(digits: &str) -> Option<u16> {
    digits.bytes().try_fold(0_u16, |set, digit| {
        let bit = match digit {
            b'0'..=b'8' => 1_u16 << (digit - b'0'),
            _ => return None,
        };
        (set & bit == 0).then_some(set | bit)
    })
}

#[cfg(test)]
mod tests {
    use super::Rule;

    /// Claim: every way in which LifeWiki writes a rule is read, and printed in the one modern form.
    #[test]
    fn published_forms_are_read() {
        for (text, canonical) in [
            ("B3/S23", "B3/S23"),
            ("b36/s23", "B36/S23"),
            ("B2/S", "B2/S"),
            ("B/S012345678", "B/S012345678"),
            ("23/3", "B3/S23"),
            ("/2", "B2/S"),
            ("B368S245", "B368/S245"),
            ("B0/S8", "B0/S8"),
        ] {
            let rule: Rule = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(rule.to_string(), canonical, "read from {text}");
        }
    }

    /// Claim: what is no two-state totalistic rule is refused, and the error repeats it.
    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "B", "B3", "S23", "B9/S23", "B3/S23:T100,100", "B33/S23", "B2ce/S1", "Life", "B3/S2 3", "3"]
        {
            let error = text.parse::<Rule>().expect_err(text);
            assert!(error.to_string().contains(&format!("'{text}'")), "{error}");
        }
    }

    /// Claim: no count above eight is ever born or survives, whatever bits the plain old data carries.
    #[test]
    fn stray_bits_mean_nothing() {
        let rule: Rule = bytemuck::cast([u16::MAX, u16::MAX]);
        assert!(!rule.is_born(9) && !rule.survives(31));
        assert!(rule.is_born(8) && rule.survives(0));
    }
}
