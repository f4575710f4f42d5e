//! The exam: lines go to a redactor, what comes back is searched for what was planted.
//!
//! A secret has leaked when eight of its bytes in a row survive, as they are or in any of the
//! encodings that were laid around them. A shorter secret has leaked when the answer depends on it:
//! then the answer to its twin, the same line with another secret, differs.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::{Planted, building, clean, held_out};

/// Bytes in a row that make a leak.
pub const LEAK_BYTES: usize = 8;
/// Characters of a trace below which it could be there by chance.
const TRACE_BYTES_MIN: usize = 6;
/// Traces of one part at one level: two layers of base64 give nine.
const TRACES_MAX: usize = 9;
/// Examples kept of each class.
const EXAMPLES_MAX: usize = 2;

/// Planted and leaked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were planted.
    pub planted: u64,
    /// How many of them survived.
    pub leaked: u64,
}

/// What lines have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// Kind of the secret.
    pub kind: &'static str,
    /// Where it stood.
    pub placement: &'static str,
    /// Notations around that place.
    pub nest: String,
}

/// One of the things that lines have in common.
pub type Property = fn(&Class) -> &str;

/// What a redactor let through.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Over everything.
    pub all: Tally,
    /// By kind, placement and what lay around it.
    pub classes: BTreeMap<Class, Tally>,
    /// Some of the seeds that leaked, to look at a class again.
    pub leaked_seeds: Vec<u64>,
}

/// What a redactor took from lines that hold no secret.
#[derive(Clone, Debug, Default)]
pub struct CleanScore {
    /// Lines asked.
    pub lines: u64,
    /// Lines that came back changed.
    pub changed: u64,
    /// By the kind of line: how many changed, and some of them with what was said of them.
    pub classes: BTreeMap<&'static str, (u64, Vec<String>)>,
}

/// Plants the held-out lines of `seeds` and scores the answers of `redact`.
pub fn held_out(seeds: Range<u64>, mut redact: impl FnMut(&str) -> String) -> Score {
    let mut score = Score::default();
    for seed in seeds {
        let planted = held_out::plant(seed);
        let answer = redact(&planted.line);
        let leaked = if planted.core.len() < LEAK_BYTES {
            redact(&held_out::twin(seed).line) != answer
        } else {
            survives(&planted, &answer)
        };
        score.count(&planted, leaked, seed);
    }
    score
}

/// The same for the placements that were looked at while building; short secrets are left out.
pub fn building(seeds: Range<u64>, mut redact: impl FnMut(&str) -> String) -> Score {
    let mut score = Score::default();
    for seed in seeds {
        let planted = building::plant(seed);
        if planted.core.len() >= LEAK_BYTES {
            let leaked = survives(&planted, &redact(&planted.line));
            score.count(&planted, leaked, seed);
        }
    }
    score
}

/// Shows the clean lines of `seeds` to `look`, which says what it would take from one, if anything.
pub fn clean(seeds: Range<u64>, mut look: impl FnMut(&str) -> Option<String>) -> CleanScore {
    let mut score = CleanScore::default();
    for seed in seeds {
        let (kind, line) = clean::line(seed);
        score.lines += 1;
        if let Some(said) = look(&line) {
            score.changed += 1;
            let (changed, examples) = score.classes.entry(kind).or_default();
            *changed += 1;
            if examples.len() < EXAMPLES_MAX {
                examples.push(format!("{said}: {line}"));
            }
        }
    }
    score
}

/// Whether eight bytes in a row of the secret, or all of a shorter one, are in `answer`: as they
/// are, or as any of the encodings around them would show them.
pub fn survives(planted: &Planted, answer: &str) -> bool {
    let core = planted.core.as_str();
    let len = core.len().min(LEAK_BYTES);
    (0..=core.len() - len)
        .filter_map(|at| core.get(at..at + len))
        .any(|part| part_survives(planted, part, answer.as_bytes()))
}

fn part_survives(planted: &Planted, part: &str, answer: &[u8]) -> bool {
    let has = |trace: &String| memchr::memmem::find(answer, trace.as_bytes()).is_some();
    let mut level = vec![part.to_owned()];
    if level.iter().any(has) {
        return true;
    }
    for form in &planted.encoding {
        level = level.iter().flat_map(|text| form.traces(text)).collect();
        level.retain(|trace| trace.len() >= TRACE_BYTES_MIN);
        level.truncate(TRACES_MAX);
        if level.iter().any(has) {
            return true;
        }
    }
    false
}

impl Score {
    fn count(&mut self, planted: &Planted, leaked: bool, seed: u64) {
        let class = Class {
            kind: planted.kind,
            placement: planted.placement,
            nest: planted.nest.clone(),
        };
        for tally in [&mut self.all, self.classes.entry(class).or_default()] {
            tally.planted += 1;
            tally.leaked += u64::from(leaked);
        }
        if leaked {
            self.leaked_seeds.push(seed);
        }
    }

    /// Secrets gone, in hundredths of a per cent, rounded down.
    pub fn gone_basis_points(&self) -> u64 {
        let Tally { planted, leaked } = self.all;
        (planted - leaked) * 10_000 / planted.max(1)
    }

    /// Tallies by one property of the classes, those that leaked most first.
    pub fn by(&self, property: Property) -> Vec<(String, Tally)> {
        let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
        for (class, tally) in &self.classes {
            let sum = tallies.entry(property(class)).or_default();
            sum.planted += tally.planted;
            sum.leaked += tally.leaked;
        }
        let mut sorted: Vec<_> = tallies
            .into_iter()
            .map(|(name, tally)| (name.to_owned(), tally))
            .collect();
        sorted.sort_by(|a, b| b.1.leaked.cmp(&a.1.leaked).then(a.0.cmp(&b.0)));
        sorted
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points = self.gone_basis_points();
        let Tally { planted, leaked } = self.all;
        writeln!(
            f,
            "{} of {planted} gone ({}.{:02} %)",
            planted - leaked,
            points / 100,
            points % 100
        )?;
        let tables: [(&str, Property); 3] = [
            ("kind", |class| class.kind),
            ("placement", |class| class.placement),
            ("around it", |class| &class.nest),
        ];
        for (title, property) in tables {
            writeln!(f, "  {title:<40} {:>7} {:>7}", "planted", "leaked")?;
            for (name, tally) in self
                .by(property)
                .iter()
                .filter(|(_, tally)| tally.leaked > 0)
            {
                writeln!(f, "  {name:<40} {:>7} {:>7}", tally.planted, tally.leaked)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for CleanScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of {} clean lines changed", self.changed, self.lines)?;
        for (kind, (changed, examples)) in &self.classes {
            writeln!(f, "  {kind:<40} {changed:>7}")?;
            for example in examples {
                writeln!(f, "    {example}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Form;

    fn planted(core: &str, encoding: Vec<Form>) -> Planted {
        Planted {
            line: String::new(),
            kind: "token",
            placement: "here",
            nest: String::new(),
            encoding,
            core: core.to_owned(),
        }
    }

    #[test]
    fn eight_bytes_in_a_row_are_a_leak() {
        let check = |encoding: &[Form], answer: &str, leaks: bool| {
            let planted = planted("Ab3/Ef6+Hi9=", encoding.to_vec());
            assert_eq!(survives(&planted, answer), leaks, "{answer}");
        };
        check(&[], "x Ab3/Ef6+ x", true);
        check(&[], "x Ab3/Ef6 x", false);
        check(&[], "x /Ef6+Hi9 x", true);
        check(&[Form::Percent], "b3%2FEf6%2BHi", true);
        check(&[], "b3%2FEf6%2BHi", false);
        let twice = Form::Percent.encode(&Form::Percent.encode("Ab3/Ef6+Hi9="));
        check(&[Form::Percent, Form::Percent], &twice, true);
        let whole = Form::Base64.encode("{\"a\":\"Ab3/Ef6+Hi9=\"}");
        check(&[Form::Json, Form::Base64], &format!("x {whole} y"), true);
        check(&[Form::Json, Form::Base64], "x [REDACTED:token] y", false);
    }

    /// A redactor that does nothing fails, one that answers nothing passes: the exam can see.
    #[test]
    fn the_exam_is_not_blind() {
        let idle = held_out(0..400, str::to_owned);
        assert_eq!(idle.all.leaked, idle.all.planted);
        assert_eq!(building(0..200, str::to_owned).gone_basis_points(), 0);
        let mute = held_out(0..400, |_| String::new());
        assert_eq!(mute.gone_basis_points(), 10_000);
        let lines = clean(0..300, |line| {
            line.contains(' ').then(|| "blank".to_owned())
        });
        assert_eq!(lines.lines, 300);
        assert!(lines.changed > 200);
    }
}
