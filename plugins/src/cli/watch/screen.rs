//! A canvas on a terminal: two pixels a cell, one above the other, and a line that says what is seen.
//!
//! Invariant: what is rendered follows from what is given alone. Where a terminal does not say that it knows all colours,
//! the nearest of the 256 that nearly all know stand for them.

use diptych::measure::Measure;
use diptych::picture::Canvas;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::widgets::Widget;

use crate::cli::report::number;

/// The upper half of a cell: its own colour above, the cell's below.
const UPPER_HALF: char = '\u{2580}';
/// Rows of the terminal that are no picture.
const STATUS_ROWS: u16 = 1;
const KEYS: [&str; 4] = ["q quit", "space pause", "s step", "+/- speed"];
/// Of the status line.
const STATUS: Style = Style::new().fg(Color::Black).bg(Color::Gray);

/// What the line says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) scene: &'a str,
    pub(crate) frame: u64,
    /// Frames per second, as it goes.
    pub(crate) rate: f64,
    /// Frames per second, as was asked for.
    pub(crate) speed: f64,
    pub(crate) paused: bool,
    pub(crate) measures: &'a [Measure],
}

/// Everything.
#[derive(Debug)]
pub(crate) struct Screen<'a> {
    pub(crate) canvas: &'a Canvas,
    pub(crate) shown: Shown<'a>,
    /// Whether the terminal knows all colours.
    pub(crate) all_colors: bool,
}

impl Screen<'_> {
    /// Columns and rows of pixels on a terminal of this size.
    pub(crate) fn pixels(columns: u16, rows: u16) -> [u32; 2] {
        [u32::from(columns), 2 * u32::from(rows.saturating_sub(STATUS_ROWS))]
    }

    fn color(&self, x: u32, y: u32) -> Color {
        if x >= self.canvas.width() || y >= self.canvas.height() {
            return Color::Reset;
        }
        let [red, green, blue] = self.canvas.pixel(x, y);
        if self.all_colors {
            Color::Rgb(red, green, blue)
        } else {
            Color::Indexed(nearest([red, green, blue]))
        }
    }
}

impl Widget for Screen<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let picture = area.height.saturating_sub(STATUS_ROWS);
        for row in 0..picture {
            for column in 0..area.width {
                let (x, y) = (u32::from(column), 2 * u32::from(row));
                if let Some(cell) = buffer.cell_mut((area.x + column, area.y + row)) {
                    cell.set_char(UPPER_HALF).set_fg(self.color(x, y)).set_bg(self.color(x, y + 1));
                }
            }
        }
        if area.height > 0 {
            let width = usize::from(area.width);
            let line = self.shown.line(width);
            buffer.set_stringn(area.x, area.y + picture, format!("{line:width$}"), width, STATUS);
        }
    }
}

impl Shown<'_> {
    /// As much as fits, the most important first.
    fn line(&self, width: usize) -> String {
        let going = match (self.paused, self.speed.is_infinite()) {
            (true, _) => "paused".to_owned(),
            (false, true) => format!("{:.0} frames/s", self.rate),
            (false, false) => format!("{:.0} of {} frames/s", self.rate, self.speed),
        };
        let measures = self
            .measures
            .iter()
            .map(|Measure { name, value }| format!("{} {}", name.replace('_', " "), number(*value)));
        let parts = [format!("{} frame {}", self.scene, self.frame), going].into_iter().chain(measures);
        let mut line = String::new();
        for part in parts.chain(KEYS.map(str::to_owned)) {
            if line.len() + part.len() + 3 > width {
                break;
            }
            line.push_str(if line.is_empty() { " " } else { " | " });
            line.push_str(&part);
        }
        line
    }
}

/// The nearest colour of the cube of 6 x 6 x 6 that terminals with 256 colours have from 16 on.
fn nearest(color: [u8; 3]) -> u8 {
    // The levels are 0, 95, 135, 175, 215, 255.
    let level = |channel: u8| match channel {
        0..48 => 0,
        48..115 => 1,
        _ => (channel - 35) / 40,
    };
    16 + 36 * level(color[0]) + 6 * level(color[1]) + level(color[2])
}

#[cfg(test)]
mod tests {
    use diptych::measure::Measure;
    use diptych::picture::Canvas;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::style::Color;

    use super::{Screen, Shown, nearest};

    fn shown(measures: &[Measure]) -> Shown<'_> {
        Shown { scene: "life", frame: 12, rate: 29.7, speed: 30.0, paused: false, measures }
    }

    fn render(
        canvas: &Canvas,
        measures: &[Measure],
        width: u16,
        height: u16,
        all_colors: bool,
    ) -> TestBackend {
        let mut terminal =
            Terminal::new(TestBackend::new(width, height)).unwrap_or_else(|error| panic!("{error}"));
        let screen = Screen { canvas, shown: shown(measures), all_colors };
        let drawn = terminal.draw(|frame| frame.render_widget(screen, frame.area()));
        drawn.unwrap_or_else(|error| panic!("{error}"));
        terminal.backend().clone()
    }

    /// Claim: each cell has the colours of two pixels, the upper one in front; what is beyond the canvas has none.
    #[test]
    fn a_cell_is_two_pixels() {
        let mut canvas = Canvas::new(3, 4);
        canvas.set(1, 2, [255, 0, 0]);
        canvas.set(1, 3, [0, 255, 0]);
        for (all_colors, red, green) in [
            (true, Color::Rgb(255, 0, 0), Color::Rgb(0, 255, 0)),
            (false, Color::Indexed(196), Color::Indexed(46)),
        ] {
            let backend = render(&canvas, &[], 4, 3, all_colors);
            let cell = |x, y| backend.buffer().cell((x, y)).unwrap_or_else(|| panic!("no cell {x},{y}"));
            assert_eq!((cell(1, 1).fg, cell(1, 1).bg, cell(1, 1).symbol()), (red, green, "\u{2580}"));
            assert_ne!(cell(1, 0).fg, red);
            assert_eq!((cell(3, 0).fg, cell(3, 1).bg), (Color::Reset, Color::Reset));
        }
    }

    /// Claim: the line says scene, frame, speed and measures, and drops whole parts from its end where it is short; a
    /// terminal of no rows at all is rendered too.
    #[test]
    fn the_line_says_what_fits() {
        let measures = [Measure::count("population", 116), Measure::real("energy_drift", 1e-12)];
        let canvas = Canvas::new(1, 1);
        let line = |width| {
            let backend = render(&canvas, &measures, width, 2, true);
            let row = (0..width).filter_map(|x| backend.buffer().cell((x, 1)).map(|cell| cell.symbol()));
            row.collect::<String>().trim_end().to_owned()
        };
        assert_eq!(
            line(140),
            " life frame 12 | 30 of 30 frames/s | population 116 | energy drift 1.00000000e-12 | q quit | space pause | s step | +/- speed"
        );
        assert_eq!(line(60), " life frame 12 | 30 of 30 frames/s | population 116");
        assert_eq!((line(20), line(5)), (" life frame 12".to_owned(), String::new()));
        render(&canvas, &measures, 10, 0, true);
    }

    /// Claim: the levels of the cube are themselves, and what lies between goes to the nearer one.
    #[test]
    fn nearest_is_nearest() {
        let levels = [0_u8, 95, 135, 175, 215, 255];
        for value in 0..=u8::MAX {
            let near = levels.iter().map(|level| level.abs_diff(value)).min();
            let found = levels[usize::from(nearest([value, 0, 0]) - 16) / 36];
            assert_eq!(Some(found.abs_diff(value)), near, "{value} became {found}");
        }
    }
}
