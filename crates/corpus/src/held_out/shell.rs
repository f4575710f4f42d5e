//! What makes a fragment a line of a log.

use super::Fragment;
use crate::Numbers;
use crate::building::one_line;
use crate::encode::Form;

/// Puts `fragment` into a line.
pub(super) fn close(fragment: Fragment, layout: &mut Numbers) -> Fragment {
    let millis = layout.digits(3);
    let number = layout.digits(4);
    match layout.below(9) {
        0 | 1 => fragment.within(
            Form::Json,
            &format!("{{\"ts\":\"2026-11-21T10:00:00.{millis}Z\",\"level\":\"info\",\"msg\":\""),
            "\"}",
        ),
        2 => fragment.within(
            Form::Json,
            &format!(
                "{{\"id\":{number}7,\"http\":{{\"request\":{{\"method\":\"POST\",\
                 \"body\":{{\"content\":\""
            ),
            "\"}}}}",
        ),
        3 => {
            let inner = fragment.within(Form::Json, "{\"level\":\"warn\",\"message\":\"", "\"}");
            inner.within(Form::Json, "{\"log\":\"", "\\n\",\"stream\":\"stdout\"}")
        }
        4 => fragment.within(
            Form::Percent,
            &format!("198.51.100.9 - - [21/Nov/2026:10:00:00 +0000] \"GET /t{number}?d="),
            "&v=2 HTTP/1.1\" 204 0 \"-\" \"okhttp/4.12\"",
        ),
        5 => fragment
            .within(
                Form::Quoted,
                &format!("time=2026-11-21T10:00:00.{millis}Z level=info msg=\""),
                "\" caller=app.go:31",
            )
            .flat(),
        6 => fragment
            .after(&format!(
                "<134>1 2026-11-21T10:00:00.{millis}Z web1 shop {number} - - "
            ))
            .flat(),
        _ => fragment
            .after(&format!(
                "2026-11-21 10:00:00,{millis} INFO [worker-{number}] shop.Cart - "
            ))
            .flat(),
    }
}

impl Fragment {
    fn after(mut self, head: &str) -> Self {
        self.text = format!("{head}{}", self.text);
        self
    }

    /// On one line, as loggers write line ends.
    fn flat(mut self) -> Self {
        self.text = one_line(&self.text);
        self
    }
}
