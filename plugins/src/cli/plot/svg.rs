//! A curve with its axes, as an SVG.
//!
//! Invariant: equal values give equal bytes, on any machine. Values that are no numbers are gaps. Left out: several curves,
//! and axes that are not linear.

use std::fmt::Write;

use crate::cli::args::Size;

/// The most points of a curve: of more, the least and the greatest of each of half as many runs.
const POINTS_MAX: usize = 4000;
/// About how far ticks lie apart, in pixels.
const TICK_X: f64 = 110.0;
const TICK_Y: f64 = 50.0;
/// Pixels a letter takes.
const LETTER: f64 = 7.5;
const TOP: f64 = 46.0;
const BOTTOM: f64 = 56.0;
const RIGHT: f64 = 28.0;

/// What is drawn.
#[derive(Debug)]
pub(crate) struct Plot<'a> {
    pub(crate) title: String,
    /// Of the axis upwards.
    pub(crate) label: String,
    pub(crate) values: &'a [(u64, f64)],
    pub(crate) size: Size,
}

/// From values to pixels along one axis, and where its ticks are.
#[derive(Debug)]
struct Axis {
    low: f64,
    high: f64,
    /// Pixels of both.
    from: f64,
    to: f64,
    ticks: Vec<(f64, String)>,
}

impl Plot<'_> {
    /// The drawing, and how many points it has.
    pub(crate) fn draw(&self) -> (String, u64) {
        let (width, height) = (f64::from(self.size.width), f64::from(self.size.height));
        let finite = || self.values.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
        let (low, high) =
            (finite().reduce(f64::min).unwrap_or(0.0), finite().reduce(f64::max).unwrap_or(0.0));
        let y = Axis::new(low, high, height - BOTTOM, TOP, TICK_Y);
        let letters = y.ticks.iter().map(|(_, text)| text.len()).max().unwrap_or(0);
        let left = 44.0 + LETTER * letters as f64;
        let frame = |at: Option<&(u64, f64)>| at.map_or(0.0, |(frame, _)| *frame as f64);
        let x = Axis::new(frame(self.values.first()), frame(self.values.last()), left, width - RIGHT, TICK_X);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#333\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
        );
        axes(&mut out, &x, &y);
        text(&mut out, [(left + width - RIGHT) / 2.0, 26.0], "middle", "font-size=\"16\"", &self.title);
        text(&mut out, [(left + width - RIGHT) / 2.0, height - 12.0], "middle", "", "frame");
        let middle = (TOP + height - BOTTOM) / 2.0;
        let turned = format!("transform=\"rotate(-90 18 {middle:.1})\"");
        text(&mut out, [18.0, middle], "middle", &turned, &self.label);
        let mut points = 0;
        let shown = thinned(self.values);
        for run in shown.split(|(_, value)| !value.is_finite()).filter(|run| !run.is_empty()) {
            points += run.len() as u64;
            let place =
                |(frame, value): &(u64, f64)| format!("{:.2},{:.2}", x.pixel(*frame as f64), y.pixel(*value));
            let places: Vec<String> = run.iter().map(place).collect();
            // A curve of one point would not be seen without its round end.
            let _ = writeln!(
                out,
                "<polyline fill=\"none\" stroke=\"#1f6fb2\" stroke-width=\"1.8\" stroke-linejoin=\"round\" \
                 stroke-linecap=\"round\" points=\"{}{}\"/>",
                places.join(" "),
                if let [only] = &places[..] { format!(" {only}") } else { String::new() }
            );
        }
        out.push_str("</svg>\n");
        (out, points)
    }
}

/// Lines and numbers at the ticks, and the axes themselves.
fn axes(out: &mut String, x: &Axis, y: &Axis) {
    let line = |out: &mut String, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], color: &str| {
        let _ = writeln!(
            out,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{color}\"/>"
        );
    };
    for (at, label) in &x.ticks {
        let at = x.pixel(*at);
        line(out, [at, y.from], [at, y.to], "#e4e4e4");
        text(out, [at, y.from + 20.0], "middle", "", label);
    }
    for (at, label) in &y.ticks {
        let at = y.pixel(*at);
        line(out, [x.from, at], [x.to, at], "#e4e4e4");
        text(out, [x.from - 8.0, at + 4.5], "end", "", label);
    }
    line(out, [x.from, y.from], [x.to, y.from], "#333");
    line(out, [x.from, y.from], [x.from, y.to], "#333");
}

fn text(out: &mut String, [x, y]: [f64; 2], anchor: &str, more: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
    let space = if more.is_empty() { "" } else { " " };
    let _ =
        writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{space}{more}>{text}</text>");
}

impl Axis {
    /// An axis from `low` to `high`, with ticks about `apart` pixels from each other.
    fn new(low: f64, high: f64, from: f64, to: f64, apart: f64) -> Axis {
        // A range too wide for a number is cut; one without a width is widened.
        let (mut low, mut high) = (low.max(f64::MIN / 4.0), high.min(f64::MAX / 4.0));
        let least = (low.abs().max(high.abs()) * 1e-14).max(f64::MIN_POSITIVE * 1e6);
        if high - low < least {
            let room = if low == 0.0 && high == 0.0 { 1.0 } else { low.abs().max(least) * 0.05 };
            (low, high) = (low - room, high + room);
        }
        let mut axis = Axis { low, high, from, to, ticks: Vec::new() };
        let count = ((to - from).abs() / apart).clamp(1.0, 100.0);
        let (step, power) = nice((high - low) / count);
        let (mut at, end) = ((low / step).ceil(), (high / step).floor());
        while at <= end {
            axis.ticks.push((at * step, label(at * step, power, low.abs().max(high.abs()))));
            at += 1.0;
        }
        axis
    }

    fn pixel(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below a number, and that power.
fn nice(least: f64) -> (f64, i32) {
    let power = power_of(least);
    // Read from text: then it is the nearest number to that power.
    let times = |digit: u32, power: i32| format!("{digit}e{power}").parse().unwrap_or(least);
    let steps = [(1, power), (2, power), (5, power), (1, power + 1)];
    let found = steps.map(|(digit, power)| (times(digit, power), power));
    found.into_iter().find(|(step, _)| *step >= least).unwrap_or((least, power))
}

/// The power of ten of a number's first digit.
fn power_of(number: f64) -> i32 {
    let text = format!("{number:e}");
    text.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0)
}

/// A tick's number: as many decimals as tell it from its neighbours, or digits and a power of ten.
fn label(value: f64, step_power: i32, largest: f64) -> String {
    let largest = power_of(largest);
    if (-4..7).contains(&largest) {
        return format!("{value:.0$}", (-step_power).clamp(0, 17) as usize);
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    format!("{value:.0$e}", (power_of(value) - step_power).clamp(0, 17) as usize)
}

/// All values, or of too many those that make the same drawing.
fn thinned(values: &[(u64, f64)]) -> Vec<(u64, f64)> {
    if values.len() <= POINTS_MAX {
        return values.to_vec();
    }
    let run = values.len().div_ceil(POINTS_MAX / 2);
    let extremes = |run: &[(u64, f64)]| {
        let finite = || run.iter().copied().filter(|(_, value)| value.is_finite());
        let least = finite().reduce(|a, b| if b.1 < a.1 { b } else { a });
        let greatest = finite().reduce(|a, b| if b.1 > a.1 { b } else { a });
        let mut pair: Vec<(u64, f64)> = [least, greatest].into_iter().flatten().collect();
        // Where there is no number at all, a gap.
        pair.extend(run.first().filter(|_| least.is_none()));
        pair.sort_by_key(|(frame, _)| *frame);
        pair.dedup_by_key(|(frame, _)| *frame);
        pair
    };
    values.chunks(run).flat_map(extremes).collect()
}

#[cfg(test)]
mod tests {
    use super::{POINTS_MAX, Plot, label, nice};
    use crate::cli::args::Size;

    fn draw(values: &[(u64, f64)]) -> (String, u64) {
        let (title, label) = ("a < b & c".to_owned(), "ants".to_owned());
        Plot { title, label, values, size: Size { width: 800, height: 400 } }.draw()
    }

    /// Claim: ticks are round, and their numbers tell them apart.
    #[test]
    fn ticks_are_round() {
        assert_eq!([0.3, 1.0, 21.0, 7e-6].map(nice), [(0.5, -1), (1.0, 0), (50.0, 1), (1e-5, -5)]);
        assert_eq!(label(-0.169_076, -6, 0.17), "-0.169076");
        assert_eq!([label(3e-7, -8, 5e-7), label(0.0, -8, 5e-7)], ["3.0e-7", "0"]);
        assert_eq!([label(1000.0, 2, 1e3), label(1.2e9, 8, 2e9)], ["1000", "1.2e9"]);
    }

    /// Claim: a value that is no number is a gap; what is no text of XML is escaped; one value is seen.
    #[test]
    fn gaps_are_gaps() {
        let (drawing, points) = draw(&[(0, 1.0), (1, 2.0), (2, f64::NAN), (3, f64::INFINITY), (4, 3.0)]);
        assert_eq!((drawing.matches("<polyline").count(), points), (2, 3));
        assert!(drawing.contains("a &lt; b &amp; c") && !drawing.contains("NaN") && !drawing.contains("inf"));
        for values in
            [&[][..], &[(7, 0.0)], &[(7, f64::NAN)], &[(0, f64::MIN), (9, f64::MAX)], &[(1, 5e-324)]]
        {
            let (drawing, _) = draw(values);
            assert!(!drawing.contains("NaN") && !drawing.contains("inf"), "{values:?}: {drawing}");
        }
    }

    /// Claim: of very many values the drawing keeps the extremes.
    #[test]
    fn many_values_keep_their_extremes() {
        let mut values: Vec<(u64, f64)> = (0..100_000).map(|frame| (frame, 0.0)).collect();
        values[54_321].1 = 1.0;
        let (drawing, points) = draw(&values);
        assert!(points as usize <= POINTS_MAX, "{points}");
        // Its height is the upper edge of the curve.
        assert!(drawing.contains(",46.00"), "the peak is there");
    }
}
