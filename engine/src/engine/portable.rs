//! A running world as bytes for elsewhere: an image, a snapshot, what some frames changed.
//!
//! Left out: directories, which need no engine (see `store`).

use super::Engine;
use crate::error::{Error, Result};
use crate::store::{Extras, Image, Marker, WorldDelta, write_snapshot};
use std::io::Write;

impl Engine {
    /// A copy of the committed frame. Costs the memory of the world; frames wait meanwhile.
    ///
    /// # Errors
    /// When the record of the frame cannot be handed over.
    pub fn image(&mut self) -> Result<Image> {
        let Self { frame, pool, facts, .. } = self;
        pool.install(|| {
            frame.hand_over()?;
            frame.take_digest();
            Ok(frame.image(facts.clone()))
        })
    }

    /// Writes the committed frame as a snapshot, which `diptych import` and
    /// [`store::read_snapshot`](crate::store::read_snapshot) read. Scratch components and resources are not in it; a
    /// [`Marker`] stands for each. Answers the bytes written.
    ///
    /// # Errors
    /// When writing fails, and as [`Engine::image`].
    pub fn export(&mut self, out: impl Write) -> Result<u64> {
        let image = self.image()?;
        let extras = Extras { markers: self.markers() };
        write_snapshot(&image, &extras, out, |_, _| {}).map_err(|error| Error::Store(error.to_string()))
    }

    /// What the frames after `frame` changed, up to the last one.
    ///
    /// # Errors
    /// The engine was built without [`.deltas(n)`](crate::EngineBuilder::deltas), or does not keep records that far
    /// back; the message says which frames can be asked for.
    pub fn delta_since(&mut self, frame: u64) -> Result<WorldDelta> {
        let Self { frame: made, pool, .. } = self;
        pool.install(|| made.hand_over())?;
        let refuse = |reason: String| Err(Error::Store(format!("a delta since frame {frame}: {reason}")));
        let sink = self.frame.encoder.as_ref().map(|encoder| encoder.sink());
        let Some((sink, kept)) = sink.and_then(|sink| Some((sink, sink.kept()?))) else {
            return refuse("records are not kept; add .deltas(frames) to the engine".to_owned());
        };
        match WorldDelta::of(kept, sink.types(), frame) {
            Some(delta) => Ok(delta),
            None => {
                let (first, last) = kept.sources().into_inner();
                refuse(format!(
                    "frames {first} to {last} can be asked for; take a snapshot, or keep more frames"
                ))
            }
        }
    }

    /// What a snapshot leaves out, by its name in this program.
    fn markers(&self) -> Vec<Marker> {
        let marker = |(table, symbol): &(String, &'static str)| {
            let kind = if table.is_empty() { "resource" } else { "scratch" };
            let beside = if table.is_empty() { String::new() } else { format!(" beside {table}") };
            Marker {
                table: table.clone(),
                key: String::new(),
                field: symbol.rsplit("::").next().unwrap_or(symbol).to_owned(),
                frame: self.frame.committed,
                kind: kind.to_owned(),
                symbol: (*symbol).to_owned(),
                display: format!("{symbol}{beside} lives in its process and is made again there"),
            }
        };
        let mut markers: Vec<Marker> = self.unstored.iter().map(marker).collect();
        markers.sort_by(|a, b| (&a.table, &a.symbol).cmp(&(&b.table, &b.symbol)));
        markers
    }
}
