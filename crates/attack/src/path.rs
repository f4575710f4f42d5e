//! Ways out of the folder: a path is walked segment by segment, counting how far it climbs above
//! where it started, and looked at for files that nobody should name.

use crate::text::{self, Text, is_word};
use crate::{Class, Hits, Place};

/// Files and folders that a request names only to read what it should not.
const TARGETS: [&str; 26] = [
    "etc/passwd",
    "etc/shadow",
    "etc/group",
    "etc/hosts",
    "etc/issue",
    "etc/sudoers",
    "proc/self/",
    "proc/version",
    "proc/1/",
    "boot.ini",
    "win.ini",
    "system.ini",
    "windows/system32",
    "winnt/",
    "web-inf/",
    "meta-inf/",
    "global.asa",
    "inetpub/",
    ".ssh/",
    "id_rsa",
    "var/log/",
    "php.ini",
    "httpd.conf",
    "web.config",
    "etc/mysql",
    "config/sam",
];

/// The same with the separators eaten by somebody on the way.
const GLUED: [&str; 8] = [
    "etcpasswd",
    "etcshadow",
    "windowswin.ini",
    "windowssystem32",
    "web-infweb.xml",
    "inetpubwwwroot",
    "winntsystem32",
    "etchosts",
];

/// Wrappers of interpreters that read files.
const WRAPPERS: [&str; 9] = [
    "php://filter",
    "php://input",
    "phar://",
    "zip://",
    "file:/",
    "expect://",
    "glob://",
    "netdoc:",
    "data://text/plain",
];

/// How a path climbs.
#[derive(Debug, Default)]
struct Climb {
    /// Segments of two or more dots.
    ups: usize,
    /// Levels above the start, at the highest.
    above: usize,
    /// Segments that only dodge filters: `....`, `..;`, hexadecimal dots.
    dodges: usize,
    /// `.` segments.
    selves: usize,
    /// Dots of the longest run.
    dots: usize,
}

/// Looks for traversal in `text`.
pub(crate) fn look(text: &Text<'_>, place: Place, hits: &mut Hits) {
    let mut add = |construct, confidence| hits.add(Class::Traversal, construct, confidence);
    let low = text.low;
    if !text.has(text::DOT | text::SLASH | text::BACKSLASH | text::COLON) && !text.contains("0x2e")
    {
        return;
    }
    if text.overlong && text.contains("../") {
        add("overlong-dots", 96);
    }
    let walkable = text.contains("..") || text.contains("/./") || text.contains("0x2e");
    let is_path = !low.iter().any(u8::is_ascii_whitespace);
    let climb = if walkable {
        walk(low)
    } else {
        Climb::default()
    };
    let target = target(text);
    let in_prose = text.is_prose();
    if walkable {
        climbed(&climb, low, place, target.is_some(), in_prose, &mut add);
    }
    match target {
        Some(_) if in_prose => add("sensitive-file", 55),
        Some(_) if place == Place::Path => add("sensitive-file", 75),
        Some(glued) => add(
            "sensitive-file",
            if glued {
                80
            } else if is_path {
                92
            } else {
                72
            },
        ),
        None => {}
    }
    if !in_prose && place != Place::Path {
        wrapper(text, &mut add);
    }
    if text.has(text::CONTROL) && matches!(place, Place::Query | Place::Path | Place::Name) {
        let cut = low.windows(2).any(|pair| pair == b"\0.") && !low.starts_with(b"\0");
        if cut {
            add("null-byte", 88);
        }
    }
    if !in_prose && unfilled(low) {
        add("fuzzing-placeholder", 80);
    }
}

fn climbed(
    climb: &Climb,
    low: &[u8],
    place: Place,
    target: bool,
    in_prose: bool,
    add: &mut impl FnMut(&'static str, u8),
) {
    let drop = if in_prose { 30 } else { 0 };
    let rooted = low.first().is_some_and(|byte| matches!(byte, b'/' | b'\\'));
    match (climb.above, climb.ups) {
        (0, _) => {}
        (_, _) if target => add("climb-to-file", 98),
        (1, _) if climb.dodges > 0 => add("climb", 85 - drop),
        (1, _) if place == Place::Path => add("climb", 75),
        (1, _) if rooted => add("climb", 78 - drop),
        (1, _) => add("climb", 62 - drop),
        (2, _) if place != Place::Path && !rooted => add("climb", 82 - drop),
        _ => add("climb", 90 - drop),
    }
    if climb.above == 0 && climb.ups > 2 && place == Place::Path {
        add("climb", 72);
    }
    let bare = low.iter().all(|byte| matches!(byte, b'/' | b'.'));
    if climb.selves >= 3 || climb.selves > 0 && bare && rooted {
        add("self-segments", 75 - drop);
    }
    if climb.dots >= 8 && (rooted || climb.dots >= 16) {
        add("dot-run", 75 - drop);
    }
}

/// Walks the path; `\` counts as `/`, encoded dots as dots.
fn walk(low: &[u8]) -> Climb {
    let mut climb = Climb::default();
    let mut depth = 0_i64;
    let mut lowest = 0_i64;
    let mut run = 0;
    for byte in low {
        run = if *byte == b'.' { run + 1 } else { 0 };
        climb.dots = climb.dots.max(run);
    }
    let spelled = hex_dots(low);
    let path = spelled.as_deref().unwrap_or(low);
    climb.dodges += usize::from(spelled.is_some());
    // A value may hold words before its path; a space or quote begins anew.
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        let start = segment
            .iter()
            .rposition(|byte| {
                byte.is_ascii_whitespace() || matches!(byte, b'=' | b'"' | b'\'' | b':')
            })
            .map_or(0, |at| at + 1);
        if start > 0 {
            depth = 0;
        }
        let segment = &segment[start..];
        let dots = segment.iter().take_while(|byte| **byte == b'.').count();
        let rest = &segment[dots..];
        match (dots, rest) {
            (0, b"") => {}
            (1, b"") => climb.selves += 1,
            (2.., b"" | b";" | b"\0" | b"%") => {
                climb.dodges += usize::from(dots > 2 || !rest.is_empty());
                climb.ups += 1;
                depth -= 1;
            }
            (2.., [b'{' | b'?' | b'&' | b'#' | b';', ..]) => {
                climb.ups += 1;
                climb.dodges += 1;
                depth -= 1;
            }
            _ => depth += 1,
        }
        lowest = lowest.min(depth);
    }
    climb.above = usize::try_from(-lowest).unwrap_or(0);
    // `/a/../../b` starts above nothing; a leading name is a folder that was left again.
    climb
}

/// `0x2e0x2e0x2f` and `x2e` read as dots and slashes.
fn hex_dots(low: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(low, b"x2").or_else(|| memchr::memmem::find(low, b"x5c"))?;
    let mut out = Vec::with_capacity(low.len());
    let mut at = 0;
    let mut found = false;
    while at < low.len() {
        let rest = &low[at..];
        let bare = rest.strip_prefix(b"0").unwrap_or(rest);
        let byte = match bare {
            [b'x', b'2', b'e', ..] => b'.',
            [b'x', b'2', b'f', ..] | [b'x', b'5', b'c', ..] => b'/',
            _ => {
                out.push(rest[0]);
                at += 1;
                continue;
            }
        };
        found = true;
        out.push(byte);
        at += 3 + rest.len() - bare.len();
    }
    found.then_some(out)
}

/// Whether a known file is named; `true` inside when its separators are gone.
fn target(text: &Text<'_>) -> Option<bool> {
    let low = text.low;
    let slashed: Vec<u8>;
    let path = if text.has(text::BACKSLASH) {
        slashed = low
            .iter()
            .map(|byte| if *byte == b'\\' { b'/' } else { *byte })
            .collect();
        &slashed[..]
    } else {
        low
    };
    let named = TARGETS.iter().any(|target| {
        let first = target.as_bytes()[0];
        text::find_all(path, target).any(|at| {
            let before = at.checked_sub(1).map(|before| path[before]);
            first == b'.' || before.is_none_or(|byte| !is_word(byte) && byte != b'-')
        })
    });
    if named && (text.has(text::SLASH | text::BACKSLASH) || low.len() < 16) {
        return Some(false);
    }
    let glued = GLUED.iter().any(|target| text.contains(target)) || drive(low);
    glued.then_some(true)
}

/// `c:windowswin.ini`, `d:/inetpub`: a drive with a file of the system.
fn drive(low: &[u8]) -> bool {
    let path = low.strip_prefix(b"file:/").unwrap_or(low);
    let [b'c' | b'd', b':', rest @ ..] = text::trim_start(path) else {
        return false;
    };
    let rest = text::trim_start(rest);
    let rest = rest
        .strip_prefix(b"/")
        .or_else(|| rest.strip_prefix(b"\\"))
        .unwrap_or(rest);
    rest.starts_with(b"win") || rest.starts_with(b"inetpub") || rest.ends_with(b".ini")
}

fn wrapper(text: &Text<'_>, add: &mut impl FnMut(&'static str, u8)) {
    let start = text::trim_start(text.low);
    for wrapper in WRAPPERS {
        if start.starts_with(wrapper.as_bytes()) {
            add("file-wrapper", 88);
        }
    }
}

/// `//{file}`: a list of probes whose placeholder nobody filled in, behind nothing but slashes.
fn unfilled(low: &[u8]) -> bool {
    let Some(path) = low.strip_suffix(b"{file}") else {
        return false;
    };
    path.len() > 1 && path.iter().all(|byte| matches!(byte, b'/' | b'.' | b'\\'))
        || path.iter().rev().take_while(|byte| **byte == b'.').count() > 1
}
