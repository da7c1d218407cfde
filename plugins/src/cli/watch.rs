//! `diptych run SCENE --watch`: the world on a terminal while it runs.
//!
//! Invariant: the terminal is as it was before when this ends, however it ends. Keys decide when frames are made, never
//! what they make. Left out: the mouse, and parts of the picture.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use diptych::is_interrupted;
use diptych::measure::Measure;
use diptych::picture::{CANVAS_SIDE_MAX, Canvas};
use diptych::prelude::*;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use screen::{Screen, Shown};

use super::Failure;
use super::film::Film;
use super::scene::Kind;

mod screen;

/// Between two pictures on the terminal.
const REDRAW_EVERY: Duration = Duration::from_millis(33);
/// Between two looks at the measures, which may cost more than a picture.
const MEASURE_EVERY: Duration = Duration::from_millis(250);
/// The speeds that keys go through, in frames per second; the last one is as fast as it goes.
const SPEEDS: [f64; 12] = [0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 250.0, 500.0, 1000.0, f64::INFINITY];
/// What nobody has asked for otherwise.
const SPEED_DEFAULT: f64 = 30.0;
/// The most frames that are made up for when the terminal was slow.
const CATCH_UP_SECONDS: f64 = 0.25;

/// Refuses where nobody could see it.
pub(crate) fn check() -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::Refused(
        "--watch needs a terminal, and standard output is none; leave it out, or use --gif FILE".to_owned(),
    ))
}

/// Shows the world while it runs to `goal`, or until somebody has seen enough.
pub(crate) fn watch(
    engine: &mut Engine,
    kind: &Kind,
    hz: Option<f64>,
    goal: u64,
    film: &mut Film,
) -> Result<(), Failure> {
    let terminal = ratatui::try_init().map_err(|error| cannot(&error))?;
    let mut guard = Guard(terminal);
    let mut player = Player::new(hz);
    let all_colors =
        std::env::var("COLORTERM").is_ok_and(|says| says.contains("truecolor") || says == "24bit");
    let (mut canvas, mut rate) = (Canvas::new(1, 1), Rate::new(engine.frame()));
    let (mut measures, mut measured): (Vec<Measure>, Option<Instant>) = (Vec::new(), None);
    film.look(engine.view())?;
    loop {
        let begun = Instant::now();
        let mut due = player.due(begun).min(goal.saturating_sub(engine.frame()));
        while due > 0 && begun.elapsed() < REDRAW_EVERY {
            engine.step().map_err(|error| Failure::Failed(error.to_string()))?;
            film.look(engine.view())?;
            due -= 1;
        }
        rate.at(engine.frame(), Instant::now());
        if measured.is_none_or(|at| at.elapsed() >= MEASURE_EVERY || player.is_paused()) {
            (measures, measured) = ((kind.measures)(engine.view()), Some(Instant::now()));
        }
        let area = guard.0.size().map_err(|error| cannot(&error))?;
        let [width, height] =
            Screen::pixels(area.width, area.height).map(|side| side.clamp(1, CANVAS_SIDE_MAX));
        if (canvas.width(), canvas.height()) != (width, height) {
            canvas = Canvas::new(width, height);
        }
        (kind.draw)(engine.view(), &mut canvas);
        let shown = Shown {
            scene: kind.name,
            frame: engine.frame(),
            rate: rate.per_second,
            speed: player.speed,
            paused: player.is_paused(),
            measures: &measures,
        };
        let screen = Screen { canvas: &canvas, shown, all_colors };
        guard.0.draw(|frame| frame.render_widget(screen, frame.area())).map_err(|error| cannot(&error))?;
        if engine.frame() >= goal || is_interrupted() {
            return Ok(());
        }
        let mut left = REDRAW_EVERY.saturating_sub(begun.elapsed());
        // At least one look at the keys, however slow frames are.
        while event::poll(left).map_err(|error| cannot(&error))? {
            if let Event::Key(key) = event::read().map_err(|error| cannot(&error))?
                && player.press(key)
            {
                return Ok(());
            }
            left = REDRAW_EVERY.saturating_sub(begun.elapsed());
        }
    }
}

fn cannot(error: &std::io::Error) -> Failure {
    Failure::Failed(format!("the terminal cannot be used: {error}"))
}

/// Gives the terminal back.
struct Guard(DefaultTerminal);

impl Drop for Guard {
    fn drop(&mut self) {
        // At a panic it is given back already, before the message; twice would put the prompt over that.
        if !std::thread::panicking() {
            ratatui::restore();
        }
    }
}

/// When frames are due.
#[derive(Debug)]
struct Player {
    speed: f64,
    paused: bool,
    /// Frames that were asked for one by one.
    steps: u64,
    /// Frames due, with a fraction, when the clock was looked at last.
    owed: f64,
    looked: Option<Instant>,
}

impl Player {
    fn new(hz: Option<f64>) -> Player {
        Player { speed: hz.unwrap_or(SPEED_DEFAULT), paused: false, steps: 0, owed: 0.0, looked: None }
    }

    fn is_paused(&self) -> bool {
        self.paused
    }

    /// Frames that are due now.
    fn due(&mut self, now: Instant) -> u64 {
        let passed = self.looked.replace(now).map_or(0.0, |looked| (now - looked).as_secs_f64());
        if self.paused {
            self.owed = 0.0;
            return std::mem::take(&mut self.steps);
        }
        if self.speed.is_infinite() {
            return u64::MAX;
        }
        self.owed = (self.owed + passed * self.speed).min((self.speed * CATCH_UP_SECONDS).max(1.0));
        let due = self.owed.floor();
        self.owed -= due;
        due as u64
    }

    /// Does what a key says; whether to end.
    fn press(&mut self, key: KeyEvent) -> bool {
        if key.kind == KeyEventKind::Release {
            return false;
        }
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            // In this mode Ctrl-C is a key. Others of this kind mean nothing: an end of the input comes as Ctrl-Space.
            return key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        }
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return true,
            KeyCode::Char(' ') => self.paused = !self.paused,
            KeyCode::Char('s') => (self.paused, self.steps) = (true, self.steps + 1),
            KeyCode::Char('+' | '=') => {
                self.speed = SPEEDS.into_iter().find(|speed| *speed > self.speed).unwrap_or(f64::INFINITY);
            }
            KeyCode::Char('-' | '_') => {
                self.speed = SPEEDS.into_iter().rfind(|speed| *speed < self.speed).unwrap_or(SPEEDS[0]);
            }
            _ => {}
        }
        false
    }
}

/// How fast it really goes.
#[derive(Debug)]
struct Rate {
    since: Option<(u64, Instant)>,
    first: u64,
    per_second: f64,
}

impl Rate {
    fn new(first: u64) -> Rate {
        Rate { since: None, first, per_second: 0.0 }
    }

    fn at(&mut self, frame: u64, now: Instant) {
        let (begun, since) = *self.since.get_or_insert((self.first, now));
        let seconds = (now - since).as_secs_f64();
        if seconds >= 0.5 {
            self.per_second = (frame - begun) as f64 / seconds;
            self.since = Some((frame, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::Player;

    fn press(player: &mut Player, key: char) -> bool {
        player.press(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE))
    }

    /// Claim: frames are due by the clock, at most a quarter of a second's at once; paused there are those asked for.
    #[test]
    fn frames_are_due_by_clock_and_key() {
        let (mut player, start) = (Player::new(Some(100.0)), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!([0, 50, 55, 60, 5000].map(|millis| player.due(at(millis))), [0, 5, 0, 1, 25]);
        press(&mut player, ' ');
        assert_eq!(player.due(at(6000)), 0);
        press(&mut player, 's');
        press(&mut player, 's');
        assert_eq!((player.due(at(6500)), player.due(at(7000))), (2, 0));
        press(&mut player, ' ');
        assert_eq!(player.due(at(7010)), 1, "what was not made while it was paused is not made up for");
    }

    /// Claim: plus and minus go through the speeds and stop at their ends; q and Ctrl-C end it, other keys do not.
    #[test]
    fn keys_change_the_speed_and_end_it() {
        let mut player = Player::new(None);
        press(&mut player, '+');
        assert_eq!(player.speed, 60.0);
        assert!((0..20).all(|_| !press(&mut player, '+')));
        assert_eq!(player.due(Instant::now()), u64::MAX);
        assert!((0..20).all(|_| !press(&mut player, '-')));
        assert_eq!(player.speed, 0.5);
        assert!(press(&mut player, 'q') && !press(&mut player, 'x') && !press(&mut player, 'c'));
        let mut control = |key| player.press(KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL));
        assert!(control('c') && !control('q') && !control(' '));
        assert!(!player.is_paused(), "a space with Ctrl is none");
    }
}
