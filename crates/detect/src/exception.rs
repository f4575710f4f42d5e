//! Exceptions: Sigma filters, kept apart from the rules they narrow so that they survive updates.
//!
//! A filter's condition must hold beside the rule's own, as other Sigma engines have it; one that
//! leaves something out therefore says `not selection`. What a filter takes away is counted, and
//! after its date it takes nothing away any more. The date is compared with the time of receipt,
//! so that a replay leaves out what the first run left out.

use std::collections::HashMap;
use std::sync::Arc;

use crate::program::{NodeId, Programs};
use crate::rule::{Clause, Condition, LogSource};
use crate::sigma::naming;

/// A filter document as read.
#[derive(Clone, Debug)]
pub(crate) struct FilterDocument {
    /// First line of the document in its file, 1-based.
    pub(crate) line: u32,
    /// Id or title.
    pub(crate) name: String,
    /// Title.
    pub(crate) title: String,
    /// Ids, names or codes of the rules it narrows; `None` for all of its log source.
    pub(crate) rules: Option<Vec<String>>,
    /// Log source of the rules it narrows.
    pub(crate) log_source: LogSource,
    /// Named selections, sorted by name.
    pub(crate) selections: Vec<(String, Clause)>,
    /// What must hold beside a rule.
    pub(crate) condition: Condition,
    /// Who answers for it.
    pub(crate) owner: Option<String>,
    /// Why it is there.
    pub(crate) reason: Option<String>,
    /// When it ends, ns since 1970.
    pub(crate) expires_nanos: Option<i64>,
}

/// An exception of a rule set.
#[derive(Clone, Debug)]
pub struct ExceptionSummary {
    /// Its id, or its title.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Name of the file it stands in.
    pub file: Arc<str>,
    /// Line of the file it begins at.
    pub line: u32,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Why it is there.
    pub reason: Option<String>,
    /// When it ends.
    pub expires: Option<event::Timestamp>,
    /// Ids of the rules it narrows.
    pub rules: Vec<String>,
}

/// Number of an exception in its set.
pub(crate) type ExceptionNumber = u32;

/// An exception of one rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exception {
    /// Which one.
    pub(crate) number: ExceptionNumber,
    /// What must hold beside the rule.
    pub(crate) root: NodeId,
    /// When it ends, ns since 1970.
    pub(crate) expires_nanos: i64,
}

/// A filter as it is compiled, once for each log source of the rules it narrows.
pub(crate) struct Compiler<'f> {
    filter: &'f FilterDocument,
    number: ExceptionNumber,
    roots: HashMap<LogSource, NodeId>,
}

impl<'f> Compiler<'f> {
    pub(crate) fn new(filter: &'f FilterDocument, number: ExceptionNumber) -> Self {
        Self {
            filter,
            number,
            roots: HashMap::new(),
        }
    }

    /// Whether it narrows a rule known by `names` and written for `source`.
    pub(crate) fn fits(&self, mut names: impl Iterator<Item = String>, source: &LogSource) -> bool {
        let named = match &self.filter.rules {
            None => true,
            // A rule that was split by scopes keeps its exceptions in every copy.
            Some(wanted) => names.any(|name| {
                let whole = name
                    .split_once('@')
                    .map_or(name.as_str(), |(whole, _)| whole);
                wanted
                    .iter()
                    .any(|wanted| *wanted == name || wanted == whole)
            }),
        };
        let part = |wanted: &Option<String>, has: &Option<String>| {
            wanted.is_none()
                || matches!((wanted, has), (Some(a), Some(b)) if a.eq_ignore_ascii_case(b))
        };
        let wanted = &self.filter.log_source;
        named
            && part(&wanted.category, &source.category)
            && part(&wanted.product, &source.product)
            && part(&wanted.service, &source.service)
    }

    /// The exception for a rule written for `source`, whose names of fields it uses.
    pub(crate) fn compile(
        &mut self,
        source: &LogSource,
        programs: &mut Programs,
    ) -> Result<Exception, String> {
        let root = if let Some(root) = self.roots.get(source) {
            *root
        } else {
            let mut roots = Vec::with_capacity(self.filter.selections.len());
            for (_, clause) in &self.filter.selections {
                let mut clause = clause.clone();
                naming::rename(&mut clause, source);
                roots.push(programs.add_clause(clause)?);
            }
            let root = programs.add_condition(&self.filter.condition, &roots)?;
            self.roots.insert(source.clone(), root);
            root
        };
        Ok(Exception {
            number: self.number,
            root,
            expires_nanos: self.filter.expires_nanos.unwrap_or(i64::MAX),
        })
    }
}

#[cfg(test)]
mod tests;
