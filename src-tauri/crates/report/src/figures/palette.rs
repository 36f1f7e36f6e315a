//! The few colours of all figures, each with its counterpart in a dark window.

use plotters::style::RGBColor;

/// A colour on light paper and its counterpart in a dark window.
#[derive(Clone, Copy)]
pub struct Colour {
    /// On paper.
    pub light: RGBColor,
    /// In a dark window.
    pub dark: RGBColor,
}

const fn colour(light: (u8, u8, u8), dark: (u8, u8, u8)) -> Colour {
    Colour {
        light: RGBColor(light.0, light.1, light.2),
        dark: RGBColor(dark.0, dark.1, dark.2),
    }
}

/// Behind everything.
pub const PAPER: Colour = colour((0xff, 0xff, 0xff), (0x15, 0x19, 0x1e));
/// Words and numbers.
pub const INK: Colour = colour((0x1b, 0x1f, 0x24), (0xe9, 0xeb, 0xee));
/// Words of second rank.
pub const MUTED: Colour = colour((0x5b, 0x65, 0x70), (0xa2, 0xab, 0xb5));
/// Lines to read values by.
pub const GRID: Colour = colour((0xe1, 0xe5, 0xea), (0x33, 0x3a, 0x42));
/// What the figure is about.
pub const ACCENT: Colour = colour((0x1f, 0x5f, 0xa8), (0x7d, 0xb3, 0xf0));
/// The accent where it rests on few cases.
pub const PALE: Colour = colour((0xa9, 0xc6, 0xe6), (0x3d, 0x5f, 0x85));
/// What the accent is compared with.
pub const SECOND: Colour = colour((0x85, 0x8f, 0x9b), (0x7b, 0x85, 0x90));
/// Numbers on the dark half of the shades.
pub const ON_SHADE: Colour = colour((0xfd, 0xfe, 0xff), (0x0c, 0x11, 0x16));

/// Steps between the faintest and the strongest shade. The gap in the middle keeps the numbers on
/// both sides of it readable.
const SHADES: [f64; 8] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.68, 0.84, 1.0];
const FAINTEST: Colour = colour((0xf1, 0xf5, 0xfa), (0x1f, 0x26, 0x2e));
const STRONGEST: Colour = colour((0x12, 0x3a, 0x66), (0xa9, 0xd0, 0xf7));

/// The shade for a share in 0..=1 and the colour of the number on it.
pub fn shade(share: f64) -> (Colour, Colour) {
    let level = ((share * SHADES.len() as f64) as usize).min(SHADES.len() - 1);
    (
        shade_of(SHADES[level]),
        if SHADES[level] > 0.5 { ON_SHADE } else { INK },
    )
}

fn shade_of(at: f64) -> Colour {
    Colour {
        light: between(FAINTEST.light, STRONGEST.light, at),
        dark: between(FAINTEST.dark, STRONGEST.dark, at),
    }
}

fn between(from: RGBColor, to: RGBColor, at: f64) -> RGBColor {
    let mix = |from: u8, to: u8| (f64::from(from) * (1.0 - at) + f64::from(to) * at).round() as u8;
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

/// Every colour that a figure can contain.
pub fn all() -> Vec<Colour> {
    let mut colours = vec![PAPER, INK, MUTED, GRID, ACCENT, PALE, SECOND, ON_SHADE];
    colours.extend(SHADES.map(shade_of));
    colours
}

/// "#1F5FA8", as plotters writes it.
pub fn hex(colour: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Contrast of two colours by WCAG 2.2, 1..=21.
    fn contrast(a: RGBColor, b: RGBColor) -> f64 {
        let luminance = |RGBColor(r, g, b): RGBColor| {
            let linear = |c: u8| {
                let c = f64::from(c) / 255.0;
                if c <= 0.040_45 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn words_and_numbers_are_readable_on_every_ground_in_both_themes() {
        let mut pairs = vec![(INK, PAPER), (MUTED, PAPER), (ACCENT, PAPER)];
        pairs.extend((0..=20).map(|i| shade(f64::from(i) / 20.0)));
        for (a, b) in pairs {
            assert!(
                contrast(a.light, b.light) >= 4.5,
                "{} on {}",
                hex(a.light),
                hex(b.light)
            );
            assert!(
                contrast(a.dark, b.dark) >= 4.5,
                "{} on {}",
                hex(a.dark),
                hex(b.dark)
            );
        }
    }

    #[test]
    fn lines_and_dots_stand_out_from_the_ground() {
        for line in [ACCENT, SECOND] {
            assert!(contrast(line.light, PAPER.light) >= 3.0 && contrast(line.dark, PAPER.dark) >= 3.0);
        }
    }

    #[test]
    fn no_two_colours_look_the_same_on_paper_or_the_dark_theme_could_not_tell_them_apart() {
        let colours = all();
        let distinct: BTreeSet<String> = colours.iter().map(|c| hex(c.light)).collect();
        assert_eq!(distinct.len(), colours.len());
    }

    #[test]
    fn a_larger_share_is_never_a_fainter_shade() {
        let darkness: Vec<u8> = (0..=100)
            .map(|i| 255 - shade(f64::from(i) / 100.0).0.light.0)
            .collect();
        assert!(darkness.is_sorted());
    }
}
