//! Rows of the table: samples, their median and p95, the ratio, and whether it is what it should be.
//!
//! Invariant: a row says what it is measured against; one without a target claims nothing.

use serde_json::{Value, json};

/// What the issue asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Ours divided by the peer's is at most this.
    Ratio(f64),
    /// Ours is at most this, in the row's unit.
    AtMost(f64),
    /// Ours is at least this, in the row's unit.
    AtLeast(f64),
    /// Ours divided by the peer's is at least this: more is better.
    RatioAtLeast(f64),
    /// Ours takes the peer's time divided by at least this.
    FasterBy(f64),
    /// Nothing: the row informs.
    None,
}

/// The samples of one side.
#[derive(Clone, Debug, Default)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    /// The value below which this part of the samples lies: the nearest rank.
    pub fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (part * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
    }

    /// The middle of the samples.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// What the figures count, such as `ns/entity`.
    pub unit: &'static str,
    /// Our samples.
    pub ours: Samples,
    /// The peer and its samples.
    pub peer: Option<(String, Samples)>,
    /// What was asked for.
    pub target: Target,
}

impl Row {
    /// Ours divided by the peer's, of the medians.
    pub fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|(_, peer)| self.ours.median() / peer.median())
    }

    /// Whether the target is met; `None` without one.
    pub fn met(&self) -> Option<bool> {
        match self.target {
            Target::Ratio(most) => self.ratio().map(|ratio| ratio <= most),
            Target::RatioAtLeast(least) => self.ratio().map(|ratio| ratio >= least),
            Target::FasterBy(least) => self.ratio().map(|ratio| 1.0 / ratio >= least),
            Target::AtMost(most) => Some(self.ours.median() <= most),
            Target::AtLeast(least) => Some(self.ours.median() >= least),
            Target::None => None,
        }
    }

    /// The row as a line of the table.
    pub fn line(&self) -> String {
        let (peer, ratio) = match &self.peer {
            Some((name, peer)) => (
                format!("{name} {}", pair(peer)),
                self.ratio().map_or(String::new(), |r| format!("{r:.2} x")),
            ),
            None => (String::new(), String::new()),
        };
        format!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            self.name,
            self.unit,
            pair(&self.ours),
            peer,
            ratio,
            self.target_text(),
            self.met().map_or("", |met| if met { "met" } else { "MISSED" })
        )
    }

    /// The row as JSON.
    pub fn json(&self) -> Value {
        let side = |samples: &Samples| {
            json!({
                "median": samples.median(), "p95": samples.quantile(0.95), "best": samples.quantile(0.0),
                "samples": samples.0,
            })
        };
        json!({
            "name": self.name, "unit": self.unit, "ours": side(&self.ours),
            "peer": self.peer.as_ref().map(|(name, peer)| json!({ "name": name, "figures": side(peer) })),
            "ratio": self.ratio(), "target": self.target_text(), "met": self.met(),
        })
    }

    fn target_text(&self) -> String {
        match self.target {
            Target::Ratio(most) => format!("<= {most} x"),
            Target::RatioAtLeast(least) => format!(">= {least} x"),
            Target::FasterBy(least) => format!("<= 1/{least} x"),
            Target::AtMost(most) => format!("<= {most} {}", self.unit),
            Target::AtLeast(least) => format!(">= {least} {}", self.unit),
            Target::None => String::new(),
        }
    }
}

fn pair(samples: &Samples) -> String {
    format!("{} / {}", figure(samples.median()), figure(samples.quantile(0.95)))
}

/// Three significant digits or so.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Median and p95 are samples themselves, by nearest rank, in any order of arrival.
    #[test]
    fn quantiles_are_nearest_ranks() {
        let samples = Samples((1..=20).rev().map(f64::from).collect());
        assert_eq!((samples.median(), samples.quantile(0.95), samples.quantile(0.0)), (10.0, 19.0, 1.0));
    }

    /// A target is met at its bound and missed beyond it; more is better only where it says so.
    #[test]
    fn targets_have_a_direction() {
        let row = |target, ours| Row {
            name: String::new(),
            unit: "ns",
            ours: Samples(vec![ours]),
            peer: Some((String::new(), Samples(vec![1.0]))),
            target,
        };
        assert_eq!(row(Target::Ratio(1.5), 1.5).met(), Some(true));
        assert_eq!(row(Target::Ratio(1.5), 1.6).met(), Some(false));
        assert_eq!(row(Target::RatioAtLeast(0.8), 0.9).met(), Some(true));
        assert_eq!(row(Target::FasterBy(1.7), 0.58).met(), Some(true));
        assert_eq!(row(Target::FasterBy(1.7), 0.6).met(), Some(false));
        assert_eq!(row(Target::AtLeast(300.0), 299.0).met(), Some(false));
        assert_eq!(row(Target::None, 1.0).met(), None);
    }
}
