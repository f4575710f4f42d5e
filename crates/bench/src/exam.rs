//! How much redaction finds: the corpus through `parse` and `redact` as the product calls them.
//!
//! The bars are asserted by tests on fixed seeds; [`report`] prints the tables for any seed.

use std::ops::Range;

use ::corpus::exam::{self, CleanScore, Score};
use event::{Redacted, Value, field};
use redact::Policy;

use crate::{redaction, stages};

/// Lines of one report.
const REPORT_LINES: u64 = 20_000;
/// Clean lines of one report.
const REPORT_CLEAN_LINES: u64 = 100_000;
/// A real access log of 5,000 lines, with the secrets that a forum wrote into its addresses.
const ACCESS_LOG: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/logs/apache_benign_5k.log"
);

/// One line as it would be stored.
fn stored(policy: &Policy, line: &str) -> Redacted {
    let origin = stages::origin();
    policy.apply(parse::event(&stages::frame(line, &origin)).event)
}

/// All that is kept of a line: the stored body and each text in it.
fn answer(policy: &Policy, line: &str) -> String {
    let redacted = stored(policy, line);
    let mut answer = redacted.body().to_owned();
    for part in redacted.event().fields() {
        answer.push('\n');
        answer.push_str(part.name);
        answer.push(' ');
        match part.value {
            Value::Str(text) => answer.push_str(text),
            Value::Int(number) => answer.push_str(&number.to_string()),
            _ => {}
        }
    }
    answer
}

/// What was taken from a line, as its own notes tell it.
fn taken(policy: &Policy, line: &str) -> Option<String> {
    let redacted = stored(policy, line);
    let event = redacted.event();
    event.has(field::BELFRY_REDACTION_COUNT).then(|| {
        let notes = event
            .fields()
            .filter(|part| part.name.starts_with("belfry.redaction."));
        let notes = notes.filter_map(|part| match part.value {
            Value::Str(text) => Some(text),
            _ => None,
        });
        notes.collect::<Vec<_>>().join(" ")
    })
}

fn held_out(policy: &Policy, seeds: Range<u64>) -> Score {
    exam::held_out(seeds, |line| answer(policy, line))
}

fn clean(policy: &Policy, seeds: Range<u64>) -> CleanScore {
    exam::clean(seeds, |line| taken(policy, line))
}

/// Lines of the real access log that lose something, with what.
fn real_lines(policy: &Policy) -> anyhow::Result<Vec<String>> {
    let log = std::fs::read_to_string(ACCESS_LOG)?;
    let lines = log.lines().enumerate();
    Ok(lines
        .filter_map(|(at, line)| Some(format!("line {}: {}", at + 1, taken(policy, line)?)))
        .collect())
}

/// Prints the tables for the seeds from `seed` on, and what the real log loses.
#[expect(clippy::print_stdout, reason = "a bench speaks to people")]
pub(crate) fn report(seed: Option<&str>) -> anyhow::Result<()> {
    let from: u64 = seed.unwrap_or("1000000").parse()?;
    let policy = redaction::policy();
    let building = exam::building(from..from + REPORT_LINES, |line| answer(&policy, line));
    println!("placements seen while building: {building}");
    let held_out = held_out(&policy, from..from + REPORT_LINES);
    println!("held-out placements: {held_out}");
    for seed in held_out.leaked_seeds.iter().take(12) {
        let planted = ::corpus::held_out::plant(*seed);
        println!(
            "  seed {seed} {} {}: {}",
            planted.kind, planted.placement, planted.line
        );
    }
    println!("{}", clean(&policy, from..from + REPORT_CLEAN_LINES));
    let touched = real_lines(&policy)?;
    println!("{} of 5000 real access-log lines changed", touched.len());
    for line in touched {
        println!("  {line}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds that no report and no developer starts from.
    const SEED: u64 = 77_000_000;
    /// Held-out lines of the test.
    const LINES: u64 = 10_000;
    /// Clean lines of the test.
    const CLEAN_LINES: u64 = 40_000;
    /// Secrets gone, in hundredths of a per cent: the bar is 9,800, and it only rises.
    const GONE_MIN: u64 = 9_200;
    /// Clean lines that may change: the bar is one in 10,000, and it only falls.
    const CHANGED_MAX: u64 = 1_400;

    #[test]
    fn secrets_in_held_out_placements_are_gone() {
        let score = held_out(&redaction::policy(), SEED..SEED + LINES);
        assert_eq!(score.all.planted, LINES);
        assert!(score.gone_basis_points() >= GONE_MIN, "{score}");
    }

    #[test]
    fn placements_seen_while_building_stay_solved() {
        let policy = redaction::policy();
        let score = exam::building(SEED..SEED + LINES, |line| answer(&policy, line));
        assert!(score.gone_basis_points() >= 9_990, "{score}");
    }

    #[test]
    fn clean_lines_come_back_as_they_were() {
        let score = clean(&redaction::policy(), SEED..SEED + CLEAN_LINES);
        assert!(score.changed <= CHANGED_MAX, "{score}");
    }

    /// The forum software behind four referrers writes its session id as `sid=<32 hex>`; nothing
    /// else in the real log is touched.
    #[test]
    fn the_real_access_log_loses_four_session_ids() {
        let touched = real_lines(&redaction::policy()).unwrap();
        let expected = [4293, 4304, 4333, 4660]
            .map(|line| format!("line {line}: session http.request.referrer:session:hash:1"));
        assert_eq!(touched, expected);
    }
}
