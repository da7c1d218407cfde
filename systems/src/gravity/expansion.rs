//! Groups of bodies as series: what a group's masses do far away, and what far masses do inside of a group.
//!
//! A force that falls with the distance is, in the plane, a complex function: masses m at places z pull at w by the
//! conjugate of `-sum m / (w - z)`. So a group is its moments `sum m (z - c)^k` about its barycentre c, and far from it
//! that sum is a series in them (Greengard and Rokhlin, 1987).
//!
//! Invariant: of the terms between two groups those are kept whose two powers together are at most [`ORDER`], whichever
//! of the two is asked; so the forces of two groups on each other cancel to the last rounding, and the momentum of all
//! bodies stays. With order 0 this is the barycentres' pull, spread by mass over the members.

use core::ops::{Add, AddAssign, Mul, Neg, Sub};
use glam::DVec2;

/// The highest power of a series: the error of a pull is about the opening to the power of one more.
pub const ORDER: usize = 5;
const TERMS: usize = ORDER + 1;

/// A complex number.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    const ZERO: Complex = Complex { re: 0.0, im: 0.0 };

    fn real(re: f64) -> Complex {
        Complex { re, im: 0.0 }
    }

    fn of(vector: DVec2) -> Complex {
        Complex { re: vector.x, im: vector.y }
    }

    fn scale(self, by: f64) -> Complex {
        Complex { re: self.re * by, im: self.im * by }
    }

    fn reciprocal(self) -> Complex {
        let squared = self.re * self.re + self.im * self.im;
        Complex { re: self.re / squared, im: -self.im / squared }
    }
}

impl Add for Complex {
    type Output = Complex;
    fn add(self, other: Complex) -> Complex {
        Complex { re: self.re + other.re, im: self.im + other.im }
    }
}

impl Sub for Complex {
    type Output = Complex;
    fn sub(self, other: Complex) -> Complex {
        Complex { re: self.re - other.re, im: self.im - other.im }
    }
}

impl Neg for Complex {
    type Output = Complex;
    fn neg(self) -> Complex {
        Complex { re: -self.re, im: -self.im }
    }
}

impl Mul for Complex {
    type Output = Complex;
    fn mul(self, other: Complex) -> Complex {
        Complex { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }
}

impl AddAssign for Complex {
    fn add_assign(&mut self, other: Complex) {
        *self = *self + other;
    }
}

/// How many ways there are to choose k of n.
const CHOOSE: [[f64; TERMS]; 2 * TERMS] = {
    let mut choose = [[0.0; TERMS]; 2 * TERMS];
    let mut n = 0;
    while n < 2 * TERMS {
        choose[n][0] = 1.0;
        let mut k = 1;
        while k <= n && k < TERMS {
            choose[n][k] = choose[n - 1][k - 1] + choose[n - 1][k];
            k += 1;
        }
        n += 1;
    }
    choose
};

fn powers(base: Complex) -> [Complex; TERMS] {
    let mut powers = [Complex::real(1.0); TERMS];
    for k in 1..TERMS {
        powers[k] = powers[k - 1] * base;
    }
    powers
}

/// The moments of a group about its barycentre; the first is its mass, the second nothing but rounding.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Moments([Complex; TERMS]);

impl Moments {
    /// Adds a body, by its place from the barycentre.
    pub(super) fn add_body(&mut self, mass: f64, from_centre: DVec2) {
        for (term, power) in self.0.iter_mut().zip(powers(Complex::of(from_centre))) {
            *term += power.scale(mass);
        }
    }

    /// Adds a group, whose barycentre is at `from_centre` from this one's.
    pub(super) fn add_group(&mut self, group: &Moments, from_centre: DVec2) {
        let powers = powers(Complex::of(from_centre));
        for k in 0..TERMS {
            for j in 0..=k {
                self.0[k] += (group.0[j] * powers[k - j]).scale(CHOOSE[k][j]);
            }
        }
    }
}

/// What far groups do around the barycentre of a group, as a series in the place from there.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Local {
    /// The potential at the barycentre, where it was asked for.
    potential: f64,
    terms: [Complex; TERMS],
}

impl Local {
    /// Adds what a group does whose barycentre is at `from_source` from here, seen from there.
    #[inline]
    pub(super) fn add_source(&mut self, source: &Moments, from_source: DVec2) {
        let inverse = Complex::of(from_source).reciprocal();
        // inverse^(k + l + 1) for k + l up to the order.
        let mut powers = [inverse; TERMS];
        for n in 1..TERMS {
            powers[n] = powers[n - 1] * inverse;
        }
        for l in 0..TERMS {
            let mut term = Complex::ZERO;
            for k in 0..TERMS - l {
                term += (source.0[k] * powers[k + l]).scale(CHOOSE[k + l][l]);
            }
            self.terms[l] += if l % 2 == 0 { term } else { -term };
        }
    }

    /// Adds its potential at the barycentre as well.
    pub(super) fn add_potential(&mut self, source: &Moments, from_source: DVec2) {
        let inverse = Complex::of(from_source).reciprocal();
        let (mut power, mut sum) = (Complex::real(1.0), Complex::ZERO);
        for k in 1..TERMS {
            power = power * inverse;
            sum += (source.0[k] * power).scale(1.0 / k as f64);
        }
        self.potential += source.0[0].re * 0.5 * libm::log(from_source.length_squared()) - sum.re;
    }

    /// The same function as a series around another place.
    #[inline]
    pub(super) fn moved(&self, by: DVec2) -> Local {
        let powers = powers(Complex::of(by));
        let mut moved = Local { potential: self.potential(by), terms: [Complex::ZERO; TERMS] };
        for l in 0..TERMS {
            for j in l..TERMS {
                moved.terms[l] += (self.terms[j] * powers[j - l]).scale(CHOOSE[j][l]);
            }
        }
        moved
    }

    /// The pull on a unit of mass at a place from the barycentre, without the gravitational constant.
    #[inline]
    pub(super) fn pull(&self, at: DVec2) -> DVec2 {
        let at = Complex::of(at);
        let sum = self.terms.iter().rev().fold(Complex::ZERO, |sum, term| sum * at + *term);
        DVec2::new(-sum.re, sum.im)
    }

    /// The potential of a unit of mass there, likewise.
    #[inline]
    pub(super) fn potential(&self, at: DVec2) -> f64 {
        let at = Complex::of(at);
        let terms = self.terms.iter().enumerate().rev();
        let sum = terms.fold(Complex::ZERO, |sum, (l, term)| (sum + term.scale(1.0 / (l + 1) as f64)) * at);
        self.potential + sum.re
    }
}

#[cfg(test)]
mod tests {
    use super::{Local, Moments, ORDER};
    use glam::DVec2;

    const FIRST: [(f64, DVec2); 3] =
        [(1.0, DVec2::new(0.3, -0.2)), (2.5, DVec2::new(-0.1, 0.25)), (0.5, DVec2::new(0.2, 0.1))];
    const SECOND: [(f64, DVec2); 2] = [(3.0, DVec2::new(4.1, 2.9)), (0.7, DVec2::new(3.8, 3.2))];

    fn barycentre(bodies: &[(f64, DVec2)]) -> DVec2 {
        let mass: f64 = bodies.iter().map(|(mass, _)| mass).sum();
        bodies.iter().map(|(mass, at)| *at * *mass).sum::<DVec2>() / mass
    }

    fn moments(bodies: &[(f64, DVec2)], centre: DVec2) -> Moments {
        let mut moments = Moments::default();
        bodies.iter().for_each(|(mass, at)| moments.add_body(*mass, *at - centre));
        moments
    }

    fn local(of: &[(f64, DVec2)], around: DVec2) -> Local {
        let (centre, mut local) = (barycentre(of), Local::default());
        local.add_source(&moments(of, centre), around - centre);
        local.add_potential(&moments(of, centre), around - centre);
        local
    }

    /// Claim: the series is the sum over bodies but for powers beyond the order, for pulls and for potentials, also
    /// after it was moved: the radii are together a seventh of the distance, and a seventh to the power of six is 8.5e-6.
    #[test]
    fn series_are_sums() {
        let centre = barycentre(&SECOND);
        let around = local(&FIRST, centre);
        for (_, at) in SECOND {
            let (mut pull, mut potential) = (DVec2::ZERO, 0.0);
            for (mass, from) in FIRST {
                pull += (from - at) * (mass / (from - at).length_squared());
                potential += mass * libm::log((from - at).length());
            }
            let moved = around.moved(DVec2::new(0.1, -0.05));
            for (series, from) in [(around, centre), (moved, centre + DVec2::new(0.1, -0.05))] {
                let error = (series.pull(at - from) - pull).length() / pull.length();
                assert!(error < 8.5e-6, "{error}");
                assert!((series.potential(at - from) - potential).abs() < 8.5e-6 * potential.abs());
            }
        }
    }

    /// Claim: a group made of groups has the moments of all its bodies.
    #[test]
    fn groups_of_groups_are_groups() {
        let all: Vec<_> = FIRST.iter().chain(&SECOND).copied().collect();
        let centre = barycentre(&all);
        let mut sum = Moments::default();
        for part in [&FIRST[..], &SECOND[..]] {
            let at = barycentre(part);
            sum.add_group(&moments(part, at), at - centre);
        }
        for (a, b) in sum.0.iter().zip(moments(&all, centre).0) {
            assert!((*a - b).re.abs() + (*a - b).im.abs() < 1e-10, "{a:?} and {b:?}");
        }
    }

    /// Claim: what two groups do to each other cancels to the last rounding, though each alone is wrong by powers
    /// beyond the order.
    #[test]
    fn forces_of_two_groups_cancel() {
        let force = |on: &[(f64, DVec2)], of: &[(f64, DVec2)]| {
            let centre = barycentre(on);
            let local = local(of, centre);
            on.iter().map(|(mass, at)| local.pull(*at - centre) * *mass).sum::<DVec2>()
        };
        let (first, second) = (force(&FIRST, &SECOND), force(&SECOND, &FIRST));
        assert!((first + second).length() < 1e-15 * first.length(), "{first} and {second} at order {ORDER}");
    }
}
