//! Pictures of runs, as somebody else's decoder sees them.

use std::path::Path;

use super::{data, diptych, refused, report};

/// Of life: around the torus, the torus, a live cell.
const GROUND: [u8; 3] = [14, 20, 30];
const LIVE: [u8; 3] = [130, 230, 150];

/// Width, height and pixels of a PNG.
fn png(path: &Path) -> (u32, u32, Vec<[u8; 3]>) {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reader = png::Decoder::new(std::io::BufReader::new(file)).read_info();
    let mut reader = reader.unwrap_or_else(|error| panic!("{error}"));
    let mut bytes = vec![0; reader.output_buffer_size().unwrap_or_else(|| panic!("too large"))];
    let info = reader.next_frame(&mut bytes).unwrap_or_else(|error| panic!("{error}"));
    let (pixels, rest) = bytes[..info.buffer_size()].as_chunks::<3>();
    assert!(rest.is_empty() && info.color_type == png::ColorType::Rgb);
    (info.width, info.height, pixels.to_vec())
}

/// Width, height and the number of frames of a GIF.
fn gif(path: &Path) -> (u16, u16, usize) {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut decoder = gif::DecodeOptions::new()
        .read_info(std::io::BufReader::new(file))
        .unwrap_or_else(|error| panic!("{error}"));
    let mut frames = 0;
    while decoder.read_next_frame().unwrap_or_else(|error| panic!("{error}")).is_some() {
        frames += 1;
    }
    (decoder.width(), decoder.height(), frames)
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Claim: the PNG of the last frame has a square of live pixels for each live cell, on a ground of its own; drawing it
/// changes no digest.
#[test]
fn the_last_frame_is_drawn() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = directory.path().join("life.png");
    let pentomino = data("r-pentomino.rle");
    let run = ["run", "life", &pentomino, "--grid", "64x64", "--frames", "50", "--json"];
    let picture = ["--png", &path.to_string_lossy(), "--size", "256x192"];
    let drawn = report(&[&run[..], &picture].concat());
    assert_eq!(drawn["digest"], report(&run)["digest"]);
    let (width, height, pixels) = png(&path);
    assert_eq!((width, height), (256, 192));
    let count = |color| pixels.iter().filter(|pixel| **pixel == color).count() as u64;
    // The torus is 192x192 pixels, three for each side of a cell.
    assert_eq!(Some(count(LIVE)), drawn["population"].as_u64().map(|cells| cells * 9));
    assert_eq!(count(LIVE) + count(GROUND), 192 * 192);
    assert_eq!(std::fs::read_dir(directory.path()).map(Iterator::count).ok(), Some(1), "no part is left");
}

/// Claim: a film has the first frame and each whose number is a multiple of `--every`; it and the PNG are the same bytes
/// on one and on two threads, and when the world is stored and goes on.
#[test]
fn films_are_the_same_on_any_number_of_threads() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = |name: &str| directory.path().join(name);
    let run = |scene: &[&str], threads: &str, frames: &str, name: &str, more: &[&str]| {
        let (film, picture) = (path(&format!("{name}.gif")), path(&format!("{name}.png")));
        let (film, picture) = (film.to_string_lossy(), picture.to_string_lossy());
        let go = ["--frames", frames, "--threads", threads, "--every", "4", "--size", "90x70", "--json"];
        report(&[&["run"][..], scene, &go, &["--gif", &film, "--png", &picture], more].concat());
    };
    let gun = data("gosper-gun.rle");
    for (name, scene) in
        [("life", &["life", &gun, "--grid", "80x60"][..]), ("nbody", &["nbody", "--dt", "0.2"])]
    {
        let [one, two] = ["one", "two"].map(|threads| format!("{name}-{threads}"));
        run(scene, "1", "30", &one, &[]);
        run(scene, "2", "30", &two, &[]);
        // Frames 0, 4 and so on to 28.
        assert_eq!(gif(&path(&format!("{one}.gif"))), (90, 70, 8), "{name}");
        for end in ["gif", "png"] {
            let [one, two] = [&one, &two].map(|name| bytes(&path(&format!("{name}.{end}"))));
            assert!(one == two, "{name}.{end}");
        }
    }
    let world = path("world");
    let stored = ["--data", &world.to_string_lossy()];
    run(&["nbody", "--dt", "0.2"], "1", "10", "begun", &stored);
    run(&["nbody", "--dt", "0.2"], "2", "30", "went-on", &stored);
    assert_eq!(gif(&path("begun.gif")).2, 3, "frames 0, 4, 8");
    assert_eq!(gif(&path("went-on.gif")).2, 6, "frame 10, then 12 to 28");
    assert!(bytes(&path("went-on.png")) == bytes(&path("nbody-one.png")));
}

/// Claim: what cannot be written, has no size, is too long or has no terminal is refused in one line before the first
/// frame, and leaves no file.
#[test]
fn bad_pictures_are_refused() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let (folder, world) = (directory.path().to_string_lossy(), directory.path().join("world"));
    let (film, world) = (directory.path().join("film.gif"), world.to_string_lossy());
    let run = ["run", "nbody", "--frames", "100000", "--data", &world];
    for (arguments, named) in [
        (&["--png", "/no/such/folder/a.png"][..], "/no/such/folder/a.png: the file cannot be written"),
        (&["--gif", &folder], "it is a directory"),
        (&["--png", ".."], "..: the file cannot be written"),
        (&["--png", "a.png", "--size", "0x10"], "0x10"),
        (&["--gif", &film.to_string_lossy()], "100001 pictures, more than 2000, the limit; --every 51"),
        (&["--watch"], "--watch needs a terminal"),
    ] {
        refused(&[&run[..], arguments].concat(), named);
    }
    let left =
        std::fs::read_dir(directory.path()).into_iter().flatten().flatten().map(|entry| entry.file_name());
    assert!(left.into_iter().all(|name| name == "world"), "nothing is left of a file");
    // The limit itself is not too much, and what is said to be enough is.
    let fits = ["--frames", "100000", "--every", "51", "--size", "8x8", "--gif", &film.to_string_lossy()];
    assert!(diptych(&[&["run", "nbody"][..], &fits].concat()).status.success());
    assert_eq!(gif(&film).2, 1961);
}
