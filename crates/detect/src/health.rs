//! Whether a rule can match at all with the fields that arrive.
//!
//! A test of a field that no event has is false, a test for its absence true. A rule that stays
//! false whatever the values of the other fields are is starved: its log is not sent, or a
//! sender renamed a field.

use event::FieldId;

use crate::derived::Derived;
use crate::predicate::Op;
use crate::program::{Node, NodeId, Programs};
use crate::rule_set::{Kind, RuleSet};

impl RuleSet {
    /// For every rule in order, whether it can match events that have no other fields than those
    /// for which `arrives` holds.
    pub fn fed_by(&self, arrives: impl Fn(FieldId) -> bool) -> Vec<bool> {
        let mut fed: Vec<bool> = Vec::with_capacity(self.rules.len());
        // Members stand before the correlations that they feed.
        for rule in &self.rules {
            let can = match &rule.kind {
                Kind::Detection(detector) => {
                    possible(&self.programs, detector.root, &arrives).can_hold
                }
                Kind::Correlation(_) => true,
            };
            fed.push(can);
        }
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.rules.len()];
        for (place, rule) in self.rules.iter().enumerate() {
            for (fed_rule, _) in &rule.feeds {
                members[*fed_rule].push(place);
            }
        }
        for place in 0..fed.len() {
            // One member that can match is enough to say that it is not starved for sure.
            if !members[place].is_empty() {
                fed[place] = members[place].iter().any(|member| fed[*member]);
            }
        }
        fed
    }
}

/// What a program may come to.
#[derive(Clone, Copy, Debug)]
struct Possible {
    can_hold: bool,
    can_fail: bool,
}

fn possible(programs: &Programs, node: NodeId, arrives: &impl Fn(FieldId) -> bool) -> Possible {
    let each = |parts: &[NodeId]| -> Vec<Possible> {
        let parts = parts.iter();
        parts
            .map(|part| possible(programs, *part, arrives))
            .collect()
    };
    match &programs.nodes[node as usize] {
        Node::Test(predicate) => {
            let predicate = &programs.predicates[*predicate as usize];
            let is_there = predicate.field.is_none_or(|field| {
                // What a field is derived from is for the deriver to know.
                programs.fields.names(field).iter().any(|name| {
                    Derived::of_name(name).is_some() || FieldId::of(name).is_some_and(arrives)
                })
            });
            let asks_absence = matches!(predicate.op, Op::Null);
            Possible {
                can_hold: is_there || asks_absence,
                can_fail: is_there || !asks_absence,
            }
        }
        Node::Not(inner) => {
            let inner = possible(programs, *inner, arrives);
            Possible {
                can_hold: inner.can_fail,
                can_fail: inner.can_hold,
            }
        }
        Node::All(parts) => {
            let parts = each(parts);
            Possible {
                can_hold: parts.iter().all(|part| part.can_hold),
                can_fail: parts.iter().any(|part| part.can_fail),
            }
        }
        Node::AtLeast(count, parts) => {
            let parts = each(parts);
            let sure = parts.iter().filter(|part| !part.can_fail).count();
            Possible {
                can_hold: parts.iter().filter(|part| part.can_hold).count() >= *count,
                can_fail: sure < *count,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleFile;

    fn check(detection: &str, fields: &[&str], expected: bool) {
        let text =
            format!("title: t\nid: t\nlogsource: {{category: any}}\ndetection:\n{detection}");
        let file = RuleFile {
            name: "r.yml".to_owned(),
            text,
        };
        let (set, problems) = RuleSet::load(&[file]);
        assert_eq!(problems, []);
        let fed = set.fed_by(|id| fields.contains(&id.name()));
        assert_eq!(fed, [expected], "{detection}");
    }

    #[test]
    fn a_rule_starves_without_a_field_it_needs() {
        let both = "  a: {user.name: bob}\n  b: {source.ip: 192.0.2.1}\n";
        let with = |condition: &str| format!("{both}  condition: {condition}\n");
        check(&with("a and b"), &["user.name"], false);
        check(&with("a and b"), &["user.name", "source.ip"], true);
        check(&with("a or b"), &["user.name"], true);
        check(&with("a and not b"), &["user.name"], true);
        check(&with("not a"), &[], true);
        check("  a: {user.name: null}\n  condition: a\n", &[], true);
        check("  a: {user.name: null}\n  condition: not a\n", &[], false);
        check(
            "  a: {url.decoded|contains: x}\n  condition: a\n",
            &[],
            true,
        );
        check("  a: [somewhere]\n  condition: a\n", &[], true);
    }
}
