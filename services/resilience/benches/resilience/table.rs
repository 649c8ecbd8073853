//! What is printed, and whether every goal was met.

use std::process::ExitCode;

use crate::measure::Figure;

/// The most that a figure may be.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    most: f64,
    unit: &'static str,
}

impl Limit {
    pub(crate) const fn ns(most: f64) -> Self {
        Self { most, unit: "ns" }
    }

    pub(crate) fn count(most: u32) -> Self {
        Self {
            most: most.into(),
            unit: "",
        }
    }

    /// Nothing at all.
    pub(crate) const fn none() -> Self {
        Self {
            most: 0.0,
            unit: "",
        }
    }
}

/// Figures as they come, and the goals that were missed.
#[derive(Default)]
pub(crate) struct Table {
    missed: Vec<String>,
    title: &'static str,
}

impl Table {
    pub(crate) fn title(&mut self, title: &'static str) {
        self.title = title;
        println!("{title}");
    }

    /// Prints `figures`. The limit is for ours, which the others stand beside.
    pub(crate) fn rows(&mut self, figures: &[Figure], limit: Option<Limit>) {
        for figure in figures {
            let limit = limit.filter(|_| figure.name.starts_with("ours"));
            let verdict = limit.map_or_else(String::new, |limit| self.judge(figure, limit));
            println!("  {:<46}{:>10.1}  {verdict}", figure.name, figure.value);
        }
    }

    fn judge(&mut self, figure: &Figure, limit: Limit) -> String {
        let Limit { most, unit } = limit;
        if figure.value <= most {
            return format!("within the goal of {most:.0} {unit}");
        }
        self.missed.push(format!("{}: {}", self.title, figure.name));
        format!("ABOVE the goal of {most:.0} {unit}")
    }

    /// Says which goals were missed.
    pub(crate) fn verdict(self) -> ExitCode {
        for missed in &self.missed {
            println!("missed: {missed}");
        }
        ExitCode::from(u8::from(!self.missed.is_empty()))
    }
}
