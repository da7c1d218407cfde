//! What commands print on standard output: for people, or as one line of JSON.
//!
//! Invariant: everything is written at once, after everything else is done.

use std::io::{ErrorKind, Write};

use diptych::measure::{Measure, Quantity};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Failure;

/// The report of a run.
#[derive(Debug)]
pub(crate) struct RunReport {
    pub(crate) scene: &'static str,
    pub(crate) frame: u64,
    /// `None` for a world in memory, which nothing keeps.
    pub(crate) durable_frame: Option<u64>,
    pub(crate) digest: String,
    /// What the scene has to say of the last frame, under keys of its own.
    pub(crate) measures: Vec<Measure>,
    pub(crate) seconds: f64,
    pub(crate) frames_per_second: f64,
}

impl Serialize for RunReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("scene", self.scene)?;
        map.serialize_entry("frame", &self.frame)?;
        map.serialize_entry("durable_frame", &self.durable_frame)?;
        map.serialize_entry("digest", &self.digest)?;
        for Measure { name, value } in &self.measures {
            match *value {
                Quantity::Count(count) => map.serialize_entry(name, &count)?,
                Quantity::Real(real) => map.serialize_entry(name, &rounded(real))?,
            }
        }
        map.serialize_entry("seconds", &self.seconds)?;
        map.serialize_entry("frames_per_second", &self.frames_per_second)?;
        map.end()
    }
}

impl RunReport {
    /// The same for people.
    pub(crate) fn text(&self) -> String {
        let measure =
            |measure: &Measure| format!("{:14} {}\n", measure.name.replace('_', " "), number(measure.value));
        let measures: String = self.measures.iter().map(measure).collect();
        let durable = self.durable_frame.map_or_else(|| "none".to_owned(), |frame| frame.to_string());
        format!(
            "scene          {}\nframe          {}\ndurable frame  {}\ndigest         {}\n{measures}time           {:.3} s, {:.0} frames per second\n",
            self.scene, self.frame, durable, self.digest, self.seconds, self.frames_per_second
        )
    }
}

/// A measure for people: nine decimals, or nine digits and a power of ten where decimals say little.
pub(crate) fn number(quantity: Quantity) -> String {
    match quantity {
        Quantity::Count(count) => count.to_string(),
        Quantity::Real(real) if is_plain(real) => format!("{real:.9}"),
        Quantity::Real(real) => format!("{real:.8e}"),
    }
}

/// Nine decimals, as the published energies have; where those say little, and what is not finite, stays what it is.
fn rounded(real: f64) -> f64 {
    if is_plain(real) { format!("{real:.9}").parse().unwrap_or(real) } else { real }
}

/// Whether nine decimals say enough of a number, and not too much.
fn is_plain(real: f64) -> bool {
    real == 0.0 || (1e-3..1e6).contains(&real.abs())
}

/// Prints `text`, or `report` as one line of JSON. Nobody may read it: [`Failure::Unread`].
pub(crate) fn print(
    report: &impl Serialize,
    json: bool,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    let text = if json {
        let line = serde_json::to_string(report);
        line.map_err(|error| Failure::Failed(format!("the report cannot be written as JSON: {error}")))?
            + "\n"
    } else {
        text()
    };
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::Failed(format!("the report cannot be written to standard output: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use diptych::measure::Measure;

    use super::RunReport;

    fn report(measures: Vec<Measure>) -> RunReport {
        RunReport {
            scene: "nbody",
            frame: 1000,
            durable_frame: Some(990),
            digest: "00ff".to_owned(),
            measures,
            seconds: 0.5,
            frames_per_second: 2000.0,
        }
    }

    /// Claim: the report's keys are those of the manual, in its order, and the measures are between them.
    #[test]
    fn json_is_the_manuals() {
        let report = report(vec![Measure::real("energy", -0.169_087_605_234)]);
        let json = serde_json::to_string(&report).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            json,
            r#"{"scene":"nbody","frame":1000,"durable_frame":990,"digest":"00ff","energy":-0.169087605,"seconds":0.5,"frames_per_second":2000.0}"#
        );
        assert!(report.text().contains("energy         -0.169087605\n"));
    }

    /// Claim: a measure that nine decimals would make zero is shown by its digits, in either form.
    #[test]
    fn small_numbers_keep_their_digits() {
        let report = report(vec![Measure::real("momentum_error", 3.25e-13), Measure::count("ants", 7)]);
        let json = serde_json::to_string(&report).unwrap_or_else(|error| panic!("{error}"));
        assert!(json.contains(r#""momentum_error":3.25e-13,"ants":7,"#), "{json}");
        let text = report.text();
        assert!(text.contains("momentum error 3.25000000e-13\nants           7\n"), "{text}");
    }
}
