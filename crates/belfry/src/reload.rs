//! Exchanges the rules of the running watch: loaded and tested first, swapped between two batches.
//!
//! A set with a problem, or whose samples do not hold, changes nothing and says why. Either way the
//! attempt is an entry.

use std::sync::{Arc, Mutex, PoisonError};

use detect::RuleSet;
use event::field;
use serde_json::{Value, json};

use crate::exit_code::bad_input;
use crate::house::House;
use crate::rules;
use crate::self_audit::OwnEvent;

/// Problems told in one answer.
const TOLD_MAX: usize = 20;

/// Rules that wait for the watch.
#[derive(Debug, Default)]
pub(crate) struct NextRules(Mutex<Option<Arc<RuleSet>>>);

impl NextRules {
    fn put(&self, set: Arc<RuleSet>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(set);
    }

    /// The rules that wait, if any do.
    pub(crate) fn take(&self) -> Option<Arc<RuleSet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Loads the rules anew and hands them to the watch, on behalf of `actor`.
pub(crate) fn reload(house: &House, actor: &str) -> anyhow::Result<Value> {
    match examined(house) {
        Ok(set) => {
            let count = set.rules().len();
            let set = Arc::new(set);
            house.exchange_rules(Arc::clone(&set));
            house.next_rules.put(set);
            let own = noted("success", actor, &format!("{count} rules"));
            house.own.record(own)?;
            Ok(json!({ "rules": count }))
        }
        Err(reason) => {
            house.own.record(noted("failure", actor, &reason))?;
            Err(bad_input(format!("the rules stay as they are: {reason}")))
        }
    }
}

fn noted(outcome: &str, actor: &str, reason: &str) -> OwnEvent {
    OwnEvent::new("rules_reloaded", "configuration", "change", outcome)
        .text(field::USER_NAME, actor)
        .text(field::LABELS_TARGET_TYPE, "rules")
        .text(field::EVENT_REASON, reason)
}

fn examined(house: &House) -> Result<RuleSet, String> {
    let loaded = rules::load(&house.config, house.disk.as_ref());
    let (set, problems) = loaded.map_err(|error| format!("{error:#}"))?;
    if !problems.is_empty() {
        let told = &problems[..problems.len().min(TOLD_MAX)];
        return Err(rules::refusal(told));
    }
    let outcomes = set.run_tests();
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|outcome| !outcome.passed)
        .take(TOLD_MAX)
        .map(|outcome| {
            format!(
                "{} {}: {}: {}",
                outcome.file, outcome.rule, outcome.name, outcome.message
            )
        })
        .collect();
    if failed.is_empty() {
        Ok(set)
    } else {
        Err(format!("samples that do not hold:\n{}", failed.join("\n")))
    }
}
