//! The vocabulary of `event.action` and what follows from an action: category, type, kind and
//! the outcome that it implies.

use std::collections::HashMap;
use std::sync::LazyLock;

use event::{Value, field};

use crate::draft::Draft;

/// One name of the vocabulary.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) name: &'static str,
    category: &'static [&'static str],
    type_: &'static [&'static str],
    /// Empty when each occurrence decides.
    outcome: &'static str,
}

const SUCCESS: &str = "success";
const FAILURE: &str = "failure";
const UNKNOWN: &str = "unknown";
const BY_RESULT: &str = "";

const fn row(
    name: &'static str,
    category: &'static [&'static str],
    type_: &'static [&'static str],
    outcome: &'static str,
) -> Action {
    Action {
        name,
        category,
        type_,
        outcome,
    }
}

/// The OWASP logging vocabulary and our extension of it.
#[rustfmt::skip]
const ACTIONS: &[Action] = &[
    row("authn_login_success", &["authentication"], &["start"], SUCCESS),
    row("authn_login_successafterfail", &["authentication"], &["start"], SUCCESS),
    row("authn_login_fail", &["authentication"], &["start"], FAILURE),
    row("authn_login_fail_max", &["authentication"], &["info"], FAILURE),
    row("authn_login_lock", &["iam"], &["user", "change"], SUCCESS),
    row("authn_login_unlock", &["iam"], &["user", "change"], SUCCESS),
    row("authn_mfa_success", &["authentication"], &["info"], SUCCESS),
    row("authn_mfa_fail", &["authentication"], &["info"], FAILURE),
    row("authn_mfa_enrolled", &["iam"], &["user", "change"], SUCCESS),
    row("authn_mfa_removed", &["iam"], &["user", "change"], SUCCESS),
    row("authn_password_change", &["iam"], &["user", "change"], BY_RESULT),
    row("authn_password_change_fail", &["iam"], &["user", "change"], FAILURE),
    row("authn_password_reset_requested", &["iam"], &["user", "change"], UNKNOWN),
    row("authn_password_reset_completed", &["iam"], &["user", "change"], SUCCESS),
    row("authn_impossible_travel", &["authentication", "intrusion_detection"], &["info"], UNKNOWN),
    row("authn_token_created", &["iam"], &["creation"], SUCCESS),
    row("authn_token_revoked", &["iam"], &["change"], SUCCESS),
    row("authn_token_reuse", &["authentication"], &["info"], FAILURE),
    row("authn_token_delete", &["iam"], &["deletion"], SUCCESS),
    row("authn_token_invalid", &["authentication"], &["info"], FAILURE),
    row("authn_default_account_used", &["authentication"], &["start"], BY_RESULT),
    row("authn_breakglass_used", &["authentication"], &["start"], BY_RESULT),
    row("authz_fail", &["api"], &["access", "denied"], FAILURE),
    row("authz_allow", &["api"], &["access", "allowed"], SUCCESS),
    row("authz_change", &["iam"], &["user", "change"], SUCCESS),
    row("authz_admin", &["api"], &["admin", "change"], BY_RESULT),
    row("authz_policy_changed", &["iam", "configuration"], &["change"], SUCCESS),
    row("privilege_permissions_changed", &["file", "iam"], &["change", "admin"], SUCCESS),
    row("user_created", &["iam"], &["user", "creation"], SUCCESS),
    row("user_updated", &["iam"], &["user", "change"], SUCCESS),
    row("user_archived", &["iam"], &["user", "change"], SUCCESS),
    row("user_deleted", &["iam"], &["user", "deletion"], SUCCESS),
    row("session_created", &["session"], &["start"], SUCCESS),
    row("session_renewed", &["session"], &["info"], SUCCESS),
    row("session_expired", &["session"], &["end"], SUCCESS),
    row("session_logout", &["session"], &["end"], SUCCESS),
    row("session_use_after_expire", &["session"], &["info"], FAILURE),
    row("session_anomaly", &["session", "intrusion_detection"], &["info"], UNKNOWN),
    row("crypt_decrypt_fail", &["api"], &["info"], FAILURE),
    row("crypt_encrypt_fail", &["api"], &["info"], FAILURE),
    row("crypt_key_lifecycle", &["configuration"], &["change"], BY_RESULT),
    row("crypt_tls_fail", &["network"], &["connection", "denied"], FAILURE),
    row("crypt_signature_fail", &["api"], &["denied"], FAILURE),
    row("input_validation_fail", &["api", "web"], &["denied", "error"], FAILURE),
    row("input_validation_discrete_fail", &["api", "web"], &["denied", "error"], FAILURE),
    row("input_method_unexpected", &["web"], &["error"], FAILURE),
    row("input_encoding_evasion", &["web", "intrusion_detection"], &["denied"], BY_RESULT),
    row("output_validation_fail", &["web"], &["error"], FAILURE),
    row("excess_rate_limit_exceeded", &["api"], &["denied"], FAILURE),
    row("excess_sessions_exceeded", &["session"], &["info"], FAILURE),
    row("upload_complete", &["file"], &["creation"], SUCCESS),
    row("upload_stored", &["file"], &["change"], SUCCESS),
    row("upload_validation", &["file"], &["info"], BY_RESULT),
    row("upload_delete", &["file"], &["deletion"], SUCCESS),
    row("malicious_excess_404", &["intrusion_detection", "web"], &["info"], UNKNOWN),
    row("malicious_extraneous", &["intrusion_detection", "web"], &["denied"], BY_RESULT),
    row("malicious_attack_tool", &["intrusion_detection", "web"], &["info"], UNKNOWN),
    row("malicious_sqli", &["intrusion_detection", "web"], &["denied"], BY_RESULT),
    row("malicious_xss", &["intrusion_detection", "web"], &["denied"], BY_RESULT),
    row("malicious_path_traversal", &["intrusion_detection", "web"], &["denied"], BY_RESULT),
    row("malicious_rce", &["intrusion_detection", "web"], &["denied"], BY_RESULT),
    row("malicious_ssrf", &["intrusion_detection", "web"], &["denied"], BY_RESULT),
    row("malicious_log_injection", &["intrusion_detection", "web"], &["info"], UNKNOWN),
    row("malicious_cors", &["intrusion_detection", "web"], &["denied"], FAILURE),
    row("malicious_direct_reference", &["intrusion_detection", "web"], &["denied"], FAILURE),
    row("malicious_csrf", &["intrusion_detection", "web"], &["denied"], FAILURE),
    row("malicious_csp_violation", &["intrusion_detection", "web"], &["info"], UNKNOWN),
    row("malicious_honeytoken", &["intrusion_detection", "web"], &["info"], UNKNOWN),
    row("malicious_bad_reputation", &["intrusion_detection", "web"], &["info"], UNKNOWN),
    row("mcp_prompt_injection", &["intrusion_detection", "api"], &["denied"], BY_RESULT),
    row("mcp_resource_exhaustion", &["intrusion_detection", "api"], &["denied"], FAILURE),
    row("mcp_tool_poisoning", &["intrusion_detection", "api"], &["denied"], BY_RESULT),
    row("sensitive_create", &["api"], &["creation"], BY_RESULT),
    row("sensitive_read", &["api"], &["access"], BY_RESULT),
    row("sensitive_update", &["api"], &["change"], BY_RESULT),
    row("sensitive_delete", &["api"], &["deletion"], BY_RESULT),
    row("data_export", &["api"], &["access"], BY_RESULT),
    row("data_import", &["api"], &["creation"], BY_RESULT),
    row("data_bulk_delete", &["api"], &["deletion"], BY_RESULT),
    row("consent_changed", &["api"], &["change"], SUCCESS),
    row("txn_completed", &["api"], &["change"], SUCCESS),
    row("txn_failed", &["api"], &["change"], FAILURE),
    row("txn_limit_exceeded", &["api"], &["denied"], FAILURE),
    row("txn_balance_adjusted", &["api"], &["change", "admin"], BY_RESULT),
    row("txn_payee_changed", &["api"], &["change"], BY_RESULT),
    row("txn_tampered", &["api", "intrusion_detection"], &["denied"], FAILURE),
    row("sequence_fail", &["api"], &["denied"], FAILURE),
    row("api_access", &["api", "web"], &["access"], BY_RESULT),
    row("error_unhandled", &["api"], &["info"], FAILURE),
    row("error_dependency_fail", &["api"], &["info"], FAILURE),
    row("error_control_failure", &["configuration"], &["info"], FAILURE),
    row("sys_startup", &["process"], &["start"], SUCCESS),
    row("sys_shutdown", &["process"], &["end"], SUCCESS),
    row("sys_restart", &["process"], &["end", "start"], SUCCESS),
    row("sys_crash", &["process"], &["end"], FAILURE),
    row("sys_monitor_disabled", &["configuration"], &["change"], SUCCESS),
    row("sys_monitor_enabled", &["configuration"], &["change"], SUCCESS),
    row("sys_object_lifecycle", &["configuration"], &["creation", "deletion"], BY_RESULT),
    row("sys_time_changed", &["configuration", "host"], &["change"], SUCCESS),
    row("config_changed", &["configuration"], &["change"], BY_RESULT),
    row("backup_lifecycle", &["configuration"], &["info"], BY_RESULT),
    row("log_started", &["configuration"], &["info"], SUCCESS),
    row("log_stopped", &["configuration"], &["change"], SUCCESS),
    row("log_level_changed", &["configuration"], &["change"], SUCCESS),
    row("log_cleared", &["configuration"], &["deletion"], BY_RESULT),
    row("log_accessed", &["configuration"], &["access"], BY_RESULT),
    row("log_exported", &["configuration"], &["access"], BY_RESULT),
    row("log_rotated", &["configuration"], &["change"], SUCCESS),
    row("log_archived", &["configuration"], &["change"], BY_RESULT),
    row("log_purged", &["configuration"], &["deletion"], BY_RESULT),
    row("log_integrity_fail", &["intrusion_detection", "configuration"], &["info"], FAILURE),
    row("log_source_silent", &["intrusion_detection", "configuration"], &["info"], UNKNOWN),
    row("log_delivery_fail", &["configuration"], &["info"], FAILURE),
    row("log_storage_low", &["host", "configuration"], &["info"], UNKNOWN),
    row("log_redaction_hit", &["configuration"], &["info"], SUCCESS),
    row("log_parse_fail", &["configuration"], &["info"], FAILURE),
    row("log_flood_limited", &["configuration"], &["info"], FAILURE),
    row("rule_changed", &["configuration"], &["change"], SUCCESS),
    row("alert_raised", &["intrusion_detection"], &["info"], UNKNOWN),
    row("alert_acknowledged", &["intrusion_detection"], &["info"], SUCCESS),
    row("alert_suppressed", &["intrusion_detection"], &["info"], SUCCESS),
    row("alert_delivery_fail", &["intrusion_detection"], &["info"], FAILURE),
    row("alert_escalated", &["intrusion_detection"], &["info"], SUCCESS),
    row("response_executed", &["configuration"], &["change"], BY_RESULT),
    row("response_reverted", &["configuration"], &["change"], BY_RESULT),
    row("incident_opened", &["intrusion_detection"], &["info"], UNKNOWN),
    row("incident_updated", &["intrusion_detection"], &["info"], UNKNOWN),
    row("incident_closed", &["intrusion_detection"], &["info"], SUCCESS),
    row("review_completed", &["configuration"], &["info"], SUCCESS),
    row("review_missed", &["configuration"], &["info"], FAILURE),
];

/// Spellings of the published examples that differ from the headings.
const SPELLINGS: &[(&str, &str)] = &[
    ("malicious_excess404", "malicious_excess_404"),
    ("permissions_changed", "privilege_permissions_changed"),
    ("malicious_direct", "malicious_direct_reference"),
    (
        "authn_login_success_after_fail",
        "authn_login_successafterfail",
    ),
    ("authn_login_failed", "authn_login_fail"),
    ("authn_token_deleted", "authn_token_delete"),
    ("upload_deleted", "upload_delete"),
    ("input_validation_failed", "input_validation_fail"),
];

/// Bytes of the longest name.
const NAME_BYTES_MAX: usize = 40;

/// The row of `name` in any case and any of its published spellings.
pub(crate) fn of(name: &str) -> Option<&'static Action> {
    static TABLE: LazyLock<HashMap<&'static str, &'static Action>> = LazyLock::new(|| {
        let mut table: HashMap<_, _> = ACTIONS.iter().map(|row| (row.name, row)).collect();
        for (spelling, name) in SPELLINGS {
            if let Some(row) = table.get(name).copied() {
                table.insert(spelling, row);
            }
        }
        table
    });
    let mut lower = [0; NAME_BYTES_MAX];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    let name = std::str::from_utf8(lower).ok()?;
    TABLE.get(name).copied()
}

/// Adds what the action implies and the record does not say.
pub(crate) fn derive(draft: &mut Draft<'_>) {
    let action = draft.text(field::EVENT_ACTION).and_then(of);
    let Some(action) = action else {
        return;
    };
    draft.put_list(field::EVENT_CATEGORY, action.category);
    draft.put_list(field::EVENT_TYPE, action.type_);
    let is_finding = action.name.starts_with("malicious_") || action.name == "alert_raised";
    let kind = if is_finding { "alert" } else { "event" };
    draft.put(field::EVENT_KIND, Value::Str(kind));
    if !draft.has(field::EVENT_OUTCOME) {
        let by_status = match draft.status_code() {
            Some(100..400) => SUCCESS,
            Some(400..) => FAILURE,
            _ => BY_RESULT,
        };
        let is_open = action.outcome == BY_RESULT;
        draft.put_str(
            field::EVENT_OUTCOME,
            if is_open { by_status } else { action.outcome },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_spellings_are_found_in_any_case() {
        for row in ACTIONS {
            assert_eq!(of(row.name).map(|found| found.name), Some(row.name));
            assert!(row.name.len() <= NAME_BYTES_MAX);
        }
        for (spelling, name) in SPELLINGS {
            assert_eq!(of(spelling).map(|found| found.name), Some(*name));
        }
        let found = of("AUTHN_login_success").map(|found| found.name);
        assert_eq!(found, Some("authn_login_success"));
        assert!(of("user_logged_in").is_none());
    }
}
