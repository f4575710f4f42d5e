//! Boolean programs over shared field tests: what all rules of a set compile to.

use std::collections::HashMap;

use crate::fields::{Fields, Layout, Local};
use crate::limits;
use crate::predicate::{Op, Test};
use crate::rule::{Clause, Condition};

/// Place of a node in [`Programs::nodes`].
pub(crate) type NodeId = u32;
/// Place of a predicate in [`Programs::predicates`].
pub(crate) type PredicateId = u32;

/// One step of a program.
#[derive(Debug)]
pub(crate) enum Node {
    /// A predicate.
    Test(PredicateId),
    /// All of them; true when empty.
    All(Box<[NodeId]>),
    /// At least so many of them.
    AtLeast(usize, Box<[NodeId]>),
    /// The contrary.
    Not(NodeId),
}

/// A field test shared by all rules that make it.
#[derive(Debug)]
pub(crate) struct Predicate {
    /// The field; `None` for all text of the event.
    pub(crate) field: Option<Local>,
    /// The second field of a comparison between fields.
    pub(crate) other: Option<Local>,
    /// What must hold.
    pub(crate) op: Op,
}

/// The programs of a rule set and what they share.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    pub(crate) nodes: Vec<Node>,
    pub(crate) predicates: Vec<Predicate>,
    pub(crate) fields: Fields,
    /// Where events hold the fields of all rules.
    pub(crate) layout: Layout,
    interned: HashMap<(Option<Local>, String), PredicateId>,
}

impl Programs {
    /// Adds a selection.
    pub(crate) fn add_clause(&mut self, clause: Clause) -> Result<NodeId, String> {
        self.clause(clause, 0)
    }

    /// Adds a condition over selections added before.
    pub(crate) fn add_condition(
        &mut self,
        condition: &Condition,
        selections: &[NodeId],
    ) -> Result<NodeId, String> {
        self.condition(condition, selections, 0)
    }

    /// Drops what only loading needs.
    pub(crate) fn seal(&mut self) {
        self.interned = HashMap::new();
        self.layout = self.fields.layout(|_| true);
        self.nodes.shrink_to_fit();
        self.predicates.shrink_to_fit();
    }

    fn clause(&mut self, clause: Clause, depth: usize) -> Result<NodeId, String> {
        check_depth(depth)?;
        let node = match clause {
            Clause::Test(test) => {
                let predicate = self.predicate(test)?;
                Node::Test(predicate)
            }
            Clause::Not(inner) => Node::Not(self.clause(*inner, depth + 1)?),
            Clause::All(mut parts) | Clause::Any(mut parts) if parts.len() == 1 => {
                return self.clause(parts.remove(0), depth + 1);
            }
            Clause::All(parts) => Node::All(self.clauses(parts, depth)?),
            Clause::Any(parts) => Node::AtLeast(1, self.clauses(parts, depth)?),
        };
        self.push(node)
    }

    fn clauses(&mut self, parts: Vec<Clause>, depth: usize) -> Result<Box<[NodeId]>, String> {
        let parts = parts.into_iter().map(|part| self.clause(part, depth + 1));
        parts.collect()
    }

    fn condition(
        &mut self,
        condition: &Condition,
        selections: &[NodeId],
        depth: usize,
    ) -> Result<NodeId, String> {
        check_depth(depth)?;
        let mut each = |parts: &[Condition]| -> Result<Box<[NodeId]>, String> {
            let parts = parts
                .iter()
                .map(|part| self.condition(part, selections, depth + 1));
            parts.collect()
        };
        let node = match condition {
            Condition::Selection(place) => return Ok(selections[*place]),
            Condition::AtLeast(1, parts) if parts.len() == 1 => {
                return self.condition(&parts[0], selections, depth + 1);
            }
            Condition::All(parts) => Node::All(each(parts)?),
            Condition::AtLeast(count, parts) => Node::AtLeast(*count, each(parts)?),
            Condition::Not(inner) => Node::Not(self.condition(inner, selections, depth + 1)?),
        };
        self.push(node)
    }

    fn push(&mut self, node: Node) -> Result<NodeId, String> {
        let id = NodeId::try_from(self.nodes.len()).map_err(|_| "rule set is too large")?;
        self.nodes.push(node);
        Ok(id)
    }

    fn predicate(&mut self, test: Test) -> Result<PredicateId, String> {
        let field = match &test.field {
            Some(names) => Some(self.fields.number(names)?),
            None => None,
        };
        let other = match &test.op {
            Op::OtherField { field, .. } => Some(self.fields.number(field)?),
            _ => None,
        };
        let key = (field, test.op.key());
        if let Some(id) = self.interned.get(&key) {
            return Ok(*id);
        }
        let id =
            PredicateId::try_from(self.predicates.len()).map_err(|_| "rule set is too large")?;
        self.predicates.push(Predicate {
            field,
            other,
            op: test.op,
        });
        self.interned.insert(key, id);
        Ok(id)
    }
}

fn check_depth(depth: usize) -> Result<(), String> {
    if depth > limits::PROGRAM_DEPTH_MAX {
        let max = limits::PROGRAM_DEPTH_MAX;
        return Err(format!("rule is nested deeper than {max}"));
    }
    Ok(())
}
