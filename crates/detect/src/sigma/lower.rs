//! Detection items with their modifiers, lowered to plain field tests.

use regex::RegexBuilder;
use rsigma_parser::{
    Detection, DetectionItem, Modifier, SigmaString, SigmaValue, SpecialChar, StringPart,
};

use crate::glob::{Glob, Piece};
use crate::limits;
use crate::literals::{self, Flags};
use crate::placeholder::Placeholders;
use crate::predicate::{Expression, Number, Op, Shape, Test, TimePart, fold, parse_number};
use crate::rule::{Clause, Comparison};

mod encode;

/// Lowers one named selection. `missing` receives the placeholders that have no values.
pub(super) fn clause(
    detection: &Detection,
    placeholders: &Placeholders,
    missing: &mut Vec<String>,
) -> Result<Clause, String> {
    match detection {
        Detection::AllOf(items) => {
            let items = items.iter().map(|entry| item(entry, placeholders, missing));
            Ok(Clause::All(items.collect::<Result<_, _>>()?))
        }
        Detection::AnyOf(parts) => {
            let parts = parts.iter().map(|part| clause(part, placeholders, missing));
            Ok(Clause::Any(parts.collect::<Result<_, _>>()?))
        }
        Detection::And(parts) => {
            let parts = parts.iter().map(|part| clause(part, placeholders, missing));
            Ok(Clause::All(parts.collect::<Result<_, _>>()?))
        }
        Detection::Keywords(values) => {
            let keyword = Modifiers::default();
            let tests = values.iter().map(|value| keyword.test(None, value));
            Ok(Clause::Any(tests.collect::<Result<_, _>>()?))
        }
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            Err("array matching is not supported yet".into())
        }
    }
}

fn item(
    item: &DetectionItem,
    placeholders: &Placeholders,
    missing: &mut Vec<String>,
) -> Result<Clause, String> {
    let modifiers = Modifiers::of(&item.field.modifiers);
    // Field names are compared without spaces, as the specification asks; the parser escapes
    // brackets that are part of a name.
    let name = item
        .field
        .name
        .as_deref()
        .map(|name| name.replace([' ', '\\'], ""));
    let expanded;
    let mut values = &item.values;
    if modifiers.expand {
        expanded = expand(values, placeholders, missing)?;
        values = &expanded;
    }
    let mut tests = Vec::with_capacity(item.values.len());
    for value in values {
        for spelled in modifiers.spellings(value)? {
            tests.push(modifiers.test(name.as_deref(), &spelled)?);
        }
        if tests.len() > limits::ITEM_VALUES_MAX {
            let max = limits::ITEM_VALUES_MAX;
            return Err(format!(
                "a detection item expands to more than {max} values"
            ));
        }
    }
    if modifiers.all && !modifiers.multiplies() {
        return Ok(Clause::All(tests));
    }
    if modifiers.all {
        return all_of_any(values, &modifiers, name.as_deref());
    }
    let any = Clause::Any(tests);
    Ok(if modifiers.not_equal {
        Clause::Not(Box::new(any))
    } else {
        any
    })
}

/// The values that `values` stand for when placeholders are put in.
fn expand(
    values: &[SigmaValue],
    placeholders: &Placeholders,
    missing: &mut Vec<String>,
) -> Result<Vec<SigmaValue>, String> {
    let mut expanded = Vec::with_capacity(values.len());
    for value in values {
        match value {
            SigmaValue::String(text) => {
                let texts = placeholders.expand(&text.original, missing)?;
                let text = |text: &String| SigmaValue::String(SigmaString::new(text));
                expanded.extend(texts.iter().map(text));
            }
            other => expanded.push(other.clone()),
        }
    }
    Ok(expanded)
}

/// `|windash|contains|all`: every value in any of its spellings.
fn all_of_any(
    values: &[SigmaValue],
    modifiers: &Modifiers,
    name: Option<&str>,
) -> Result<Clause, String> {
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        let spellings = modifiers.spellings(value)?;
        let tests = spellings
            .iter()
            .map(|spelled| modifiers.test(name, spelled));
        all.push(Clause::Any(tests.collect::<Result<_, _>>()?));
    }
    Ok(Clause::All(all))
}

/// The modifiers of one item, understood.
#[derive(Default)]
struct Modifiers {
    shape: Option<Shape>,
    all: bool,
    cased: bool,
    exists: bool,
    expand: bool,
    not_equal: bool,
    field_ref: bool,
    regex: bool,
    cidr: bool,
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    number: Option<Comparison>,
    time_part: Option<TimePart>,
    /// Text transformations in the order written.
    encodings: Vec<Modifier>,
}

impl Modifiers {
    fn of(modifiers: &[Modifier]) -> Self {
        let mut this = Self::default();
        for modifier in modifiers {
            match modifier {
                Modifier::Contains => this.shape = Some(Shape::Contains),
                Modifier::StartsWith => this.shape = Some(Shape::Prefix),
                Modifier::EndsWith => this.shape = Some(Shape::Suffix),
                Modifier::All => this.all = true,
                Modifier::Cased => this.cased = true,
                Modifier::Exists => this.exists = true,
                Modifier::Expand => this.expand = true,
                Modifier::Neq => this.not_equal = true,
                Modifier::FieldRef => this.field_ref = true,
                Modifier::Re => this.regex = true,
                Modifier::Cidr => this.cidr = true,
                Modifier::IgnoreCase => this.ignore_case = true,
                Modifier::Multiline => this.multi_line = true,
                Modifier::DotAll => this.dot_all = true,
                Modifier::Lt => this.number = Some(Comparison::Lt),
                Modifier::Lte => this.number = Some(Comparison::Lte),
                Modifier::Gt => this.number = Some(Comparison::Gt),
                Modifier::Gte => this.number = Some(Comparison::Gte),
                Modifier::Minute => this.time_part = Some(TimePart::Minute),
                Modifier::Hour => this.time_part = Some(TimePart::Hour),
                Modifier::Day => this.time_part = Some(TimePart::Day),
                Modifier::Month => this.time_part = Some(TimePart::Month),
                Modifier::Year => this.time_part = Some(TimePart::Year),
                Modifier::Week => this.time_part = Some(TimePart::Week),
                Modifier::Base64
                | Modifier::Base64Offset
                | Modifier::Wide
                | Modifier::Utf16be
                | Modifier::Utf16
                | Modifier::WindAsh => this.encodings.push(*modifier),
            }
        }
        this
    }

    /// Whether one written value may become several.
    fn multiplies(&self) -> bool {
        !self.encodings.is_empty()
    }

    /// The values that `value` stands for after the text transformations.
    fn spellings(&self, value: &SigmaValue) -> Result<Vec<SigmaValue>, String> {
        let SigmaValue::String(text) = value else {
            return Ok(vec![value.clone()]);
        };
        if self.encodings.is_empty() {
            return Ok(vec![value.clone()]);
        }
        let spelled = encode::spellings(text, &self.encodings)?;
        Ok(spelled.into_iter().map(SigmaValue::String).collect())
    }

    fn test(&self, field: Option<&str>, value: &SigmaValue) -> Result<Clause, String> {
        if self.exists {
            return Self::exists(field, value);
        }
        let op = if let Some(part) = self.time_part {
            let SigmaValue::Integer(number) = value else {
                return Err("a part of a time compares with a whole number".into());
            };
            Op::TimePart(part, *number)
        } else if let Some(comparison) = self.number {
            Op::Number(comparison, number(value)?)
        } else {
            self.text_op(field, value)?
        };
        Ok(Clause::Test(Test {
            field: field.map(|field| vec![field.to_owned()]),
            op,
        }))
    }

    fn exists(field: Option<&str>, value: &SigmaValue) -> Result<Clause, String> {
        let field = vec![field.ok_or("`exists` needs a field")?.to_owned()];
        let present = Clause::Test(Test {
            field: Some(field),
            op: Op::Present,
        });
        match value {
            SigmaValue::Bool(true) => Ok(present),
            SigmaValue::Bool(false) => Ok(Clause::Not(Box::new(present))),
            SigmaValue::String(text) if text.original == "true" => Ok(present),
            SigmaValue::String(text) if text.original == "false" => {
                Ok(Clause::Not(Box::new(present)))
            }
            _ => Err("`exists` takes true or false".into()),
        }
    }

    fn text_op(&self, field: Option<&str>, value: &SigmaValue) -> Result<Op, String> {
        let text = match value {
            SigmaValue::Null if field.is_none() => return Err("a keyword cannot be null".into()),
            SigmaValue::Null => return Ok(Op::Null),
            SigmaValue::String(text) => text.clone(),
            other => SigmaString::from_raw(&other.to_string()),
        };
        if self.regex {
            return self.regex(&text.original);
        }
        if self.cidr {
            return net(&text.original);
        }
        if self.field_ref {
            return Ok(Op::OtherField {
                shape: self.shape.unwrap_or(Shape::Exact),
                field: vec![text.original.replace(' ', "")],
                cased: self.cased,
            });
        }
        let shape = self.shape.unwrap_or(if field.is_some() {
            Shape::Exact
        } else {
            Shape::Contains
        });
        Ok(pattern(&text, shape, self.cased))
    }

    fn regex(&self, pattern: &str) -> Result<Op, String> {
        let flags = Flags {
            ignore_case: self.ignore_case,
            multi_line: self.multi_line,
            dot_all: self.dot_all,
        };
        RegexBuilder::new(pattern)
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.dot_all)
            .size_limit(limits::REGEX_BYTES_MAX)
            .build()
            .map(|matcher| {
                Op::Regex(Box::new(Expression {
                    literals: literals::required(pattern, flags),
                    matcher,
                    flags,
                }))
            })
            .map_err(|error| {
                let last = error.to_string();
                let last = last.lines().last().unwrap_or_default().trim().to_owned();
                format!("regular expression: {last}")
            })
    }
}

fn number(value: &SigmaValue) -> Result<Number, String> {
    match value {
        SigmaValue::Integer(whole) => Some(Number::Int(*whole)),
        SigmaValue::Float(float) => Some(Number::Float(*float)),
        SigmaValue::String(text) => parse_number(&text.original),
        SigmaValue::Bool(_) | SigmaValue::Null => None,
    }
    .ok_or_else(|| format!("`{value}` is not a number"))
}

fn net(text: &str) -> Result<Op, String> {
    let net = text.parse::<ipnet::IpNet>().or_else(|error| {
        let address: Result<std::net::IpAddr, _> = text.parse();
        address.map(ipnet::IpNet::from).map_err(|_| error)
    });
    net.map(Op::Net)
        .map_err(|_| format!("`{text}` is not a network such as 10.0.0.0/8"))
}

/// The cheapest test for a text with or without wildcards.
fn pattern(text: &SigmaString, shape: Shape, cased: bool) -> Op {
    let mut pieces = Vec::with_capacity(text.parts.len() + 2);
    if matches!(shape, Shape::Suffix | Shape::Contains) {
        pieces.push(Piece::Many);
    }
    for part in &text.parts {
        pieces.push(match part {
            StringPart::Plain(plain) if cased => Piece::Literal(plain.clone()),
            StringPart::Plain(plain) => Piece::Literal(fold(plain)),
            StringPart::Special(SpecialChar::WildcardMulti) => Piece::Many,
            StringPart::Special(SpecialChar::WildcardSingle) => Piece::One,
        });
    }
    if matches!(shape, Shape::Prefix | Shape::Contains) {
        pieces.push(Piece::Many);
    }
    let glob = Glob::new(pieces);
    let literal = |shape, text: &str| Op::Text {
        shape,
        text: text.to_owned(),
        cased,
    };
    match glob.pieces() {
        [] => literal(Shape::Exact, ""),
        [Piece::Many] => Op::NotNull,
        [Piece::Literal(text)] => literal(Shape::Exact, text),
        [Piece::Literal(text), Piece::Many] => literal(Shape::Prefix, text),
        [Piece::Many, Piece::Literal(text)] => literal(Shape::Suffix, text),
        [Piece::Many, Piece::Literal(text), Piece::Many] => literal(Shape::Contains, text),
        _ => Op::Glob { glob, cased },
    }
}
