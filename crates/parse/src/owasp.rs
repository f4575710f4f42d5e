//! `name:param,param` of the OWASP logging vocabulary: the name becomes `event.action`, parameters
//! become fields. The form has no escaping, so a text is split at most as often as the vocabulary
//! documents and the last parameter keeps the rest; fields that the record names win.

use event::Value;
use event::field::{self, FieldId};

use crate::action;
use crate::draft::Draft;
use crate::field_type;

/// Where a parameter goes.
#[derive(Clone, Copy)]
enum To {
    /// A known field.
    Field(FieldId),
    /// `labels.<name>`.
    Label(&'static str),
    /// An address or a user name.
    UserOrAddress,
    /// A list in brackets, or text, under `labels.<name>`.
    Bracketed(&'static str),
}

use To::{Bracketed, Field, Label, UserOrAddress};

const USER: To = Field(field::USER_NAME);
const TARGET_USER: To = Field(field::USER_TARGET_NAME);
const TARGET: To = Field(field::LABELS_TARGET_ID);
const REASON: To = Field(field::EVENT_REASON);
const AGENT: To = Field(field::USER_AGENT_ORIGINAL);

/// Parameters in their order; an action that is not here has one, the user.
#[rustfmt::skip]
const PARAMETERS: &[(&str, &[To])] = &[
    ("authn_login_successafterfail", &[USER, Label("labels.retries")]),
    ("authn_login_fail", &[USER, Label("labels.retries")]),
    ("authn_login_fail_max", &[USER, Label("labels.limit")]),
    ("authn_login_lock", &[USER, REASON]),
    ("authn_impossible_travel", &[USER, Label("labels.region_from"), Label("labels.region_to")]),
    ("authn_token_created", &[USER, Field(field::LABELS_PERMISSION)]),
    ("authn_token_revoked", &[USER, TARGET]),
    ("authn_token_reuse", &[USER, TARGET]),
    ("authn_token_delete", &[Field(field::LABELS_APP_ID)]),
    ("authz_fail", &[USER, TARGET]),
    ("authz_change", &[USER, Label("labels.from"), Label("labels.to")]),
    ("authz_admin", &[USER, Field(field::LABELS_COMMAND)]),
    ("privilege_permissions_changed",
        &[USER, TARGET, Label("labels.from"), Label("labels.to")]),
    ("excess_rate_limit_exceeded", &[USER, Label("labels.limit")]),
    ("upload_complete", &[USER, Field(field::FILE_NAME), Label("labels.file_type")]),
    ("upload_stored", &[Field(field::FILE_NAME), Label("labels.from"), Label("labels.to")]),
    ("upload_validation", &[Field(field::FILE_NAME), REASON]),
    ("upload_delete", &[USER, TARGET]),
    ("input_validation_fail", &[Bracketed("labels.fields"), USER]),
    ("input_validation_discrete_fail", &[Bracketed("labels.fields"), USER]),
    ("malicious_excess_404", &[UserOrAddress, AGENT]),
    ("malicious_extraneous", &[UserOrAddress, Label("labels.input"), AGENT]),
    ("malicious_attack_tool", &[UserOrAddress, Label("labels.tool"), AGENT]),
    ("malicious_sqli", &[UserOrAddress, Label("labels.input"), AGENT]),
    ("malicious_cors", &[UserOrAddress, AGENT, Field(field::HTTP_REQUEST_REFERRER)]),
    ("malicious_direct_reference", &[UserOrAddress, AGENT]),
    ("malicious_csrf", &[UserOrAddress, AGENT]),
    ("malicious_csp_violation", &[UserOrAddress, AGENT]),
    ("sensitive_create", &[USER, TARGET]),
    ("sensitive_read", &[USER, TARGET]),
    ("sensitive_update", &[USER, TARGET]),
    ("sensitive_delete", &[USER, TARGET]),
    ("session_expired", &[USER, REASON]),
    ("sys_crash", &[REASON]),
    ("sys_monitor_disabled", &[USER, TARGET]),
    ("sys_monitor_enabled", &[USER, TARGET]),
    ("user_created", &[USER, TARGET_USER, Bracketed("labels.attributes")]),
    ("user_updated", &[USER, TARGET_USER, Bracketed("labels.attributes")]),
    ("user_archived", &[USER, TARGET_USER]),
    ("user_deleted", &[USER, TARGET_USER]),
];

/// Takes `text` when it is a name of the vocabulary, with or without parameters.
pub(crate) fn read(draft: &mut Draft<'_>, text: &str) -> bool {
    let name_len = text
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
        .count();
    let rest = &text[name_len..];
    if !matches!(rest.bytes().next(), None | Some(b':' | b'[')) {
        return false;
    }
    let Some(action) = action::of(&text[..name_len]) else {
        return false;
    };
    if draft.has(field::EVENT_ACTION) {
        return false;
    }
    draft.put(field::EVENT_ACTION, Value::Str(action.name));
    let parameters = rest.trim_start_matches(':').trim();
    if !parameters.is_empty() {
        draft.owasp_parameters(action.name, parameters);
    }
    true
}

/// Puts the parameters of `name` where the record left room; called when all else is read.
pub(crate) fn put_parameters(draft: &mut Draft<'_>, name: &str, mut rest: &str) {
    // `name[userid,x]` and `name:[userid,x]`: brackets around all of them.
    let inner = rest
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'));
    if let Some(inner) = inner.filter(|inner| !inner.contains(['[', ']'])) {
        rest = inner;
    }
    let row = PARAMETERS.iter().find(|(known, _)| *known == name);
    let places = row.map_or(&[USER] as &[To], |(_, places)| places);
    for (at, place) in places.iter().enumerate() {
        let is_last = at + 1 == places.len();
        let (parameter, after) = if is_last {
            (rest, "")
        } else {
            take(rest, *place)
        };
        put_one(draft, *place, parameter.trim());
        rest = after;
    }
}

fn take(rest: &str, place: To) -> (&str, &str) {
    if let (Bracketed(_), Some(close)) = (place, rest.find([')', ']']))
        && rest.starts_with(['(', '['])
    {
        let after = &rest[close + 1..];
        return (&rest[..=close], after.strip_prefix(',').unwrap_or(after));
    }
    rest.split_once(',').unwrap_or((rest, ""))
}

fn put_one(draft: &mut Draft<'_>, place: To, parameter: &str) {
    match place {
        Field(id) => draft.put_str(id, parameter),
        // File modes such as `0511` are text.
        Label(name) => match parameter.parse() {
            Ok(number) if !parameter.starts_with('0') => draft.label(name, Value::Int(number)),
            _ => draft.label(name, Value::Str(parameter)),
        },
        UserOrAddress => match field_type::endpoint(parameter) {
            Some(_) => draft.put_source(parameter),
            None => draft.put_str(field::USER_NAME, parameter),
        },
        Bracketed(name) => {
            let inner = parameter.trim_matches(['(', ')', '[', ']']);
            draft.label(name, Value::Str(inner));
        }
    }
}
