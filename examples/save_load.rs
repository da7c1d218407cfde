//! A world that is kept: stored, closed, opened again, and continued as if nothing had happened.
//!
//! Also how far the disk is (`durable_frame`), and what happens to a world that is opened as another one.

use std::path::Path;
use std::time::Duration;

use diptych::prelude::*;

/// Grams of sugar, and how fast the yeast eats it.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Sugar {
    grams: f64,
    share: f64,
}

/// What the vat is called. Not plain old data, so it brings a codec.
#[derive(Clone, Debug, PartialEq)]
struct Label(String);

struct Utf8;

impl Codec<Label> for Utf8 {
    fn encode(label: &Label, out: &mut Vec<u8>) {
        out.extend_from_slice(label.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Label, CodecError> {
        String::from_utf8(bytes.to_vec()).map(Label).map_err(CodecError::new)
    }
}

fn ferment(mut vats: Query<(Id, Next<Sugar>)>, random: Random, clock: Clock) {
    vats.par_rows(|(&id, mut sugar)| {
        let Sugar { grams, share } = *sugar.prev();
        // A stream of its own for each vat and frame: the same on any thread, and after any restart.
        let eaten = grams * share * clock.dt() * random.of(id).unit();
        sugar.set(Sugar { grams: grams - eaten, share });
    });
}

fn brewery(builder: EngineBuilder, seed: u64) -> diptych::Result<Engine> {
    builder
        .state::<Sugar>("brewery.sugar", 1)
        .state_with::<Label, Utf8>("brewery.label", 1)
        .system("ferment", ferment)
        .setup("vats", |structure| {
            for number in 1..=100 {
                let sugar = Sugar { grams: 1000.0, share: 1.0 / f64::from(number) };
                structure.spawn((sugar, Label(format!("vat {number}"))));
            }
        })
        .seed(seed)
        .build()
}

fn stored(directory: &Path, seed: u64) -> diptych::Result<Engine> {
    // `Synced` survives a power cut; without this line it is `Buffered`, which survives the process.
    brewery(Engine::open(directory).durability(Durability::Synced), seed)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;

    // Make the world: 300 frames, then leave.
    let mut engine = stored(directory.path(), 7)?;
    engine.run(Pace::frames(300))?;
    let durable = engine.wait_durable(300, Duration::from_secs(60))?;
    println!("made {} frames, durable up to {durable}", engine.frame());
    assert_eq!((durable, engine.durable_frame()), (300, 300));
    drop(engine);

    // Open it again: the setup is not called, the frames go on.
    let mut engine = stored(directory.path(), 7)?;
    assert_eq!(engine.frame(), 300);
    engine.run(Pace::frames(700))?;
    println!("went on to {}, digest {}", engine.frame(), engine.digest());

    // A world that was never stored, in one go, is equal to the last bit.
    let mut unbroken = brewery(Engine::in_memory(), 7)?;
    unbroken.run(Pace::frames(1000))?;
    assert_eq!(engine.digest(), unbroken.digest());
    assert!(engine.view().iter::<Label>().any(|(_, label)| label.0 == "vat 42"));
    drop(engine);

    // Another seed makes another world: opening this one with it is refused, and it stays as it is.
    let refused = stored(directory.path(), 8).err().map(|error| error.to_string()).unwrap_or_default();
    println!("{refused}");
    assert!(refused.contains("seed"), "{refused}");
    assert_eq!(stored(directory.path(), 7)?.frame(), 1000);
    Ok(())
}
