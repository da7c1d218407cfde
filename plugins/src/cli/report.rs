//! What commands print on standard output: for people, or as one line of JSON.
//!
//! Invariant: everything is written at once, after everything else is done.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use super::Failure;

/// The report of a run.
#[derive(Serialize, Debug)]
pub(crate) struct RunReport {
    pub(crate) scene: &'static str,
    pub(crate) frame: u64,
    /// `None` for a world in memory, which nothing keeps.
    pub(crate) durable_frame: Option<u64>,
    pub(crate) digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) population: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) energy: Option<f64>,
    pub(crate) seconds: f64,
    pub(crate) frames_per_second: f64,
}

impl RunReport {
    /// The same for people.
    pub(crate) fn text(&self) -> String {
        let measure = match (self.population, self.energy) {
            (Some(population), _) => format!("population     {population}\n"),
            (None, Some(energy)) => format!("energy         {energy:.9}\n"),
            (None, None) => String::new(),
        };
        let durable = self.durable_frame.map_or_else(|| "none".to_owned(), |frame| frame.to_string());
        format!(
            "scene          {}\nframe          {}\ndurable frame  {}\ndigest         {}\n{measure}time           {:.3} s, {:.0} frames per second\n",
            self.scene, self.frame, durable, self.digest, self.seconds, self.frames_per_second
        )
    }
}

/// Nine decimals, as the published energies have; what is not finite stays what it is.
pub(crate) fn rounded(energy: f64) -> f64 {
    format!("{energy:.9}").parse().unwrap_or(energy)
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
    use super::{RunReport, rounded};

    /// Claim: the report's keys are those of the manual, in its order, and one measure only.
    #[test]
    fn json_is_the_manuals() {
        let report = RunReport {
            scene: "nbody",
            frame: 1000,
            durable_frame: Some(990),
            digest: "00ff".to_owned(),
            population: None,
            energy: Some(rounded(-0.169_087_605_234)),
            seconds: 0.5,
            frames_per_second: 2000.0,
        };
        let json = serde_json::to_string(&report).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            json,
            r#"{"scene":"nbody","frame":1000,"durable_frame":990,"digest":"00ff","energy":-0.169087605,"seconds":0.5,"frames_per_second":2000.0}"#
        );
        assert!(report.text().contains("energy         -0.169087605\n"));
    }
}
