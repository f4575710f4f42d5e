//! Commands for a shell: the value is read from each operator of the shell (`;`, `|`, `&`, a line
//! end, a backtick, `$(`) as a command with its arguments; words are read as a shell reads them,
//! with quotes, backslashes and `$IFS` taken out.

use crate::text::{self, Text, is_word, trim_start};
use crate::{Class, Hits, Place, limits};

/// How much the name of a command gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// A command and nothing else.
    Clear,
    /// Short or also a word: it needs to stand alone.
    Short,
    /// Also an everyday word: it needs an argument that only commands have.
    Word,
}

fn command(word: &[u8]) -> Option<Command> {
    let word = word.strip_suffix(b".exe").unwrap_or(word);
    Some(match word {
        b"whoami" | b"uname" | b"ifconfig" | b"ipconfig" | b"netstat" | b"nslookup" | b"wget"
        | b"curl" | b"netcat" | b"bash" | b"zsh" | b"ksh" | b"powershell" | b"pwsh"
        | b"certutil" | b"bitsadmin" | b"printenv" | b"systeminfo" | b"tasklist" | b"nmap"
        | b"tftp" | b"chmod" | b"chown" | b"ncat" | b"socat" | b"phpinfo" | b"busybox"
        | b"crontab" | b"mkfifo" | b"traceroute" | b"tracert" | b"rundll32" | b"mshta"
        | b"regsvr32" | b"wmic" | b"hostname" | b"getent" | b"lsof" | b"ifup" | b"useradd"
        | b"adduser" => Command::Clear,
        b"id" | b"ls" | b"dir" | b"ps" | b"nc" | b"sh" | b"cmd" | b"pwd" | b"env" | b"dig"
        | b"telnet" | b"ssh" => Command::Short,
        b"cat" | b"ping" | b"sleep" | b"type" | b"echo" | b"more" | b"less" | b"head" | b"tail"
        | b"find" | b"touch" | b"net" | b"host" | b"del" | b"copy" | b"move" | b"rm" | b"mv"
        | b"cp" | b"perl" | b"python" | b"python2" | b"python3" | b"ruby" | b"php" | b"node"
        | b"kill" | b"timeout" | b"sort" | b"time" | b"date" | b"set" | b"true" | b"false"
        | b"grep" | b"awk" | b"sed" | b"tar" | b"su" | b"sudo" | b"ftp" | b"tee" | b"base64"
        | b"xxd" | b"printf" | b"nohup" | b"reg" | b"start" | b"vi" | b"export" | b"exec"
        | b"tac" | b"nl" | b"od" | b"w" | b"who" | b"finger" | b"eval" | b"source" => Command::Word,
        _ => return None,
    })
}

/// What leads to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    /// `;`, `|`, `&`, a line end.
    Operator,
    /// `&&`, `||`
    Double,
    /// A backtick.
    Tick,
    /// `$(`, `<(`
    Substitution,
}

/// Looks for commands in `text`.
pub(crate) fn look(text: &Text<'_>, place: Place, hits: &mut Hits) {
    let mut add = |construct, confidence: u8| hits.add(Class::Command, construct, confidence);
    let prose = text.is_prose();
    lookups(text, &mut add);
    if place == Place::Agent && !text.has(text::DOLLAR | text::QUOTE | text::PIPE) {
        return;
    }
    let operators = text::SEMICOLON
        | text::PIPE
        | text::AMPERSAND
        | text::DOLLAR
        | text::QUOTE
        | text::BREAK
        | text::ANGLE;
    if text.has(operators) {
        let low = text.low;
        let ends = |byte: &u8| matches!(byte, b';' | b'|' | b'&' | b'`' | b'\n' | b'(');
        let places = low.iter().enumerate().filter(|(_, byte)| ends(byte));
        let mut seen = 0;
        for (at, byte) in places {
            seen += 1;
            if seen > limits::OPERATORS_MAX {
                break;
            }
            let lead = match byte {
                b'`' => Lead::Tick,
                b'(' if at > 0 && matches!(low[at - 1], b'$' | b'<' | b'>') => Lead::Substitution,
                b'(' | b'\n' if *byte == b'(' || place == Place::Body => continue,
                b'|' | b'&' if low.get(at + 1) == Some(byte) => continue,
                b'|' | b'&' if at > 0 && low[at - 1] == *byte => Lead::Double,
                _ => Lead::Operator,
            };
            let led = matches!(lead, Lead::Tick) && low[..at].contains(&b'`');
            if led && !low[at + 1..].contains(&b'`') && seen > 1 {
                continue;
            }
            // Three backticks fence a block of code; one behind words quotes a word of a text.
            let fence = lead == Lead::Tick
                && (low[..at].ends_with(b"`") || low[at + 1..].starts_with(b"`"));
            if fence {
                continue;
            }
            let quoting = lead == Lead::Tick
                && low[..at].ends_with(b" ")
                && low[..at]
                    .trim_ascii()
                    .last()
                    .is_some_and(|byte| is_word(*byte));
            if let Some(sure) = command_at(&low[at + 1..], lead) {
                let cost = match (prose, place) {
                    (true, _) => 30,
                    _ if quoting => 25,
                    (_, Place::Agent | Place::Referrer) => 10,
                    _ => 0,
                };
                add(lead.construct(), sure - cost);
            }
        }
    }
    whole(text, prose, &mut add);
    code(text, prose, &mut add);
}

impl Lead {
    fn construct(self) -> &'static str {
        match self {
            Self::Operator | Self::Double => "command-separator",
            Self::Tick => "backtick-command",
            Self::Substitution => "command-substitution",
        }
    }
}

/// Lookups and tricks that need no operator before them.
fn lookups(text: &Text<'_>, add: &mut impl FnMut(&'static str, u8)) {
    if text.has(text::DOLLAR) {
        for at in text::find_all(text.low, "${").take(limits::OPERATORS_MAX) {
            let inside = &text.low[at + 2..];
            let nested = inside.starts_with(b"${") || inside.starts_with(b"::-");
            let known = [
                &b"jndi:"[..],
                b"lower:",
                b"upper:",
                b"env:",
                b"sys:",
                b"ctx:",
                b"java:",
                b"main:",
                b"date:",
            ];
            if inside.starts_with(b"jndi:") {
                add("jndi-lookup", 98);
            } else if known.iter().any(|name| inside.starts_with(name))
                || nested && text.contains(":")
            {
                add("nested-lookup", 90);
            } else if inside.starts_with(b"ifs") {
                add("ifs-trick", 96);
            }
        }
        if text.contains("$ifs") {
            add("ifs-trick", 94);
        }
    }
    let function = text::find_all(text.low, "()").any(|at| {
        trim_start(&text.low[at + 2..]).starts_with(b"{ :")
            || trim_start(&text.low[at + 2..]).starts_with(b"{:")
    });
    if function || text.contains("() { ") && text.contains("};") {
        add("shellshock", 96);
    }
    if text.contains("/dev/tcp/") {
        add("reverse-shell", 97);
    }
    if text.contains("<!--#exec") {
        add("server-side-include", 97);
    }
}

/// How sure the text behind an operator is a command.
fn command_at(rest: &[u8], lead: Lead) -> Option<u8> {
    let rest = skip_blank(rest);
    // `{cat,/etc/passwd}` is a command with commas for blanks.
    let braced = rest
        .strip_prefix(b"{")
        .filter(|inside| inside.contains(&b','));
    let rest = braced.unwrap_or(rest);
    let (word, used, tricks) = shell_word(rest);
    let path = word
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1);
    let known = command(&word[path..]);
    let after = &rest[used..];
    if path > 0 {
        let folder = &word[..path];
        let bin = folder.ends_with(b"bin/");
        if bin && (known.is_some() || folder.starts_with(b"/")) {
            return Some(93);
        }
        // `/???/c?t`: a name spelled with wildcards.
        if folder.starts_with(b"/") && word.contains(&b'?') && lead != Lead::Operator {
            return Some(80);
        }
        return None;
    }
    let known = known?;
    let after = match (braced, after) {
        (Some(_), [b',', tail @ ..]) => return is_argument_or_word(tail).then_some(92),
        _ => after,
    };
    let tail = trim_blank(after);
    let spaced = tail.len() < after.len();
    let end = match tail.first() {
        None => true,
        Some(byte) => matches!(
            byte,
            b';' | b'|' | b'&' | b'`' | b')' | b'\n' | b'"' | b'\'' | b'>' | b'#'
        ),
    };
    // `a;type=b` is a parameter, `;id:5` a setting.
    if !end && !spaced {
        return None;
    }
    let argument = !end && is_argument(tail);
    let sure = match (known, lead) {
        (_, _) if tricks => 92,
        (Command::Clear, _) if end || argument => 92,
        (Command::Clear, Lead::Substitution | Lead::Tick) => 88,
        (Command::Clear, _) if is_host(tail) => 86,
        (Command::Clear, _) => 66,
        (Command::Short, Lead::Substitution) => 92,
        (Command::Short, Lead::Tick) if end => 80,
        (Command::Short, _) if argument => 90,
        (Command::Short, _) if end => 84,
        (Command::Word, _) if argument => 88,
        (Command::Word, Lead::Substitution) if spaced => 80,
        (Command::Word, Lead::Tick) if end => 74,
        (Command::Word, Lead::Double) if end => 55,
        _ => return None,
    };
    Some(sure)
}

fn is_argument_or_word(tail: &[u8]) -> bool {
    tail.first()
        .is_some_and(|byte| is_word(*byte) || matches!(byte, b'/' | b'-' | b'$'))
}

/// Whether `tail` begins with a name with dots inside.
fn is_host(tail: &[u8]) -> bool {
    let token = tail
        .split(|byte| *byte <= b' ' || *byte == b'/')
        .next()
        .unwrap_or(tail);
    let inner = token.len() > 2 && token[1..token.len() - 1].contains(&b'.');
    inner && token.last().is_some_and(|byte| is_word(*byte))
}

/// Whether `tail` is what commands take: a flag, a path, a variable, an address, a number.
fn is_argument(tail: &[u8]) -> bool {
    let next = tail.get(1).copied().unwrap_or(0);
    match tail[0] {
        b'-' | b'/' => is_word(next) || next == b'-' || next == b'?',
        b'$' | b'*' | b'~' | b'\\' => true,
        b'.' => matches!(next, b'.' | b'/'),
        b'%' => tail[1..].contains(&b'%'),
        b'0'..=b'9' => {
            let token = tail
                .split(|byte| *byte <= b' ' || matches!(byte, b';' | b'|' | b'&' | b'`' | b')'))
                .next();
            token.is_some_and(|token| {
                token
                    .iter()
                    .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'))
            }) && tail
                .iter()
                .skip_while(|byte| byte.is_ascii_hexdigit() || **byte == b'.' || **byte <= b' ')
                .take_while(|b| b.is_ascii_alphabetic())
                .count()
                < 2
        }
        _ => {
            let token = tail.split(|byte| *byte <= b' ').next().unwrap_or(tail);
            let drive = token.len() > 1 && token[1] == b':';
            drive
                || token.starts_with(b"http") && token.contains(&b':')
                || token.starts_with(b"etc/")
                || memchr::memchr_iter(b'.', token).count() == 3
        }
    }
}

/// `$IFS`, `${IFS}` and blanks.
fn skip_blank(rest: &[u8]) -> &[u8] {
    let mut rest = rest;
    loop {
        let trimmed = trim_blank(rest);
        let next = trimmed
            .strip_prefix(b"${ifs}")
            .or_else(|| trimmed.strip_prefix(b"$ifs$9"))
            .or_else(|| trimmed.strip_prefix(b"$ifs"))
            .unwrap_or(trimmed);
        if next.len() == trimmed.len() {
            return trimmed;
        }
        rest = next;
    }
}

fn trim_blank(rest: &[u8]) -> &[u8] {
    let skip = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'|' | b'+'))
        .count();
    &rest[skip..]
}

/// A word as a shell reads it, how many bytes it took, and whether quotes or backslashes hid it.
fn shell_word(rest: &[u8]) -> (Vec<u8>, usize, bool) {
    const WORD_MAX: usize = 64;
    let mut word = Vec::new();
    let mut used = 0;
    let mut tricks = false;
    while used < rest.len() && used < WORD_MAX {
        match rest[used] {
            byte if is_word(byte) || matches!(byte, b'/' | b'.' | b'?' | b'-') => word.push(byte),
            b'\\' | b'\'' | b'"'
                if !word.is_empty()
                    && rest
                        .get(used + 1)
                        .is_some_and(|next| is_word(*next) || *next == rest[used]) =>
            {
                tricks = true;
            }
            _ => break,
        }
        used += 1;
    }
    (word, used, tricks && used > 2)
}

/// The whole value is a command.
fn whole(text: &Text<'_>, prose: bool, add: &mut impl FnMut(&'static str, u8)) {
    if prose {
        return;
    }
    let low = trim_blank(text::trim(text.low));
    let (word, used, _) = shell_word(low);
    let rest = trim_blank(&low[used..]);
    let argument = !rest.is_empty() && rest.len() < low.len() - used && is_argument(rest);
    let bin = word.starts_with(b"/bin/")
        || word.starts_with(b"/usr/bin/")
        || word.starts_with(b"usr/bin/")
        || word.starts_with(b"/sbin/");
    let name = word.rsplit(|byte| *byte == b'/').next().unwrap_or(&word);
    match command(name) {
        Some(_) if bin && (rest.is_empty() || argument || matches!(rest[0], b'|' | b';')) => {
            add("command", 84);
        }
        Some(Command::Word | Command::Short)
            if argument
                && matches!(
                    name,
                    b"cat"
                        | b"ping"
                        | b"ping.exe"
                        | b"dir"
                        | b"ls"
                        | b"nc"
                        | b"rm"
                        | b"cmd"
                        | b"cmd.exe"
                        | b"sh"
                ) =>
        {
            let drive = rest.get(1) == Some(&b':');
            let flag = rest[0] == b'-' || rest[0] == b'/' || drive || name != b"ping";
            add("command", if flag { 80 } else { 60 });
        }
        Some(Command::Clear) if argument => add("command", 80),
        Some(Command::Short | Command::Clear)
            if matches!(rest, b";" | b"|") || matches!(&low[used..], b";" | b"|") =>
        {
            add("command-separator", 74);
        }
        _ => {}
    }
}

/// Calls of other languages.
const CALLS: [&str; 14] = [
    "system(",
    "passthru(",
    "shell_exec(",
    "popen(",
    "proc_open(",
    "pcntl_exec(",
    "os.system(",
    "exec(",
    "getruntime().exec",
    "processbuilder(",
    "__import__(",
    "child_process",
    "subprocess.",
    "eval(base64_decode",
];

/// Calls of other languages that run a command.
fn code(text: &Text<'_>, prose: bool, add: &mut impl FnMut(&'static str, u8)) {
    if !text.has(text::PAREN) {
        return;
    }
    for call in CALLS {
        for at in text::find_all(text.low, call).take(limits::OPERATORS_MAX) {
            let before = text.low[..at].trim_ascii_end().last().copied();
            let argument = text.low.get(at + call.len()).copied().unwrap_or(0);
            let passed = !call.ends_with('(') || matches!(argument, b'\'' | b'"' | b'$' | b'`');
            let led = before.is_none_or(|byte| {
                matches!(byte, b'"' | b'\'' | b';' | b'(' | b'{' | b'@' | b'=' | b'.')
            });
            if passed && led && !prose {
                add("code-call", if before == Some(b'=') { 66 } else { 86 });
            } else if passed && led {
                add("code-call", 60);
            }
        }
    }
}
