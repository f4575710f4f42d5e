//! What keeps received bytes inside this process when it dies or is looked at: no core dump, no
//! tracing by others, and panics that say where and never with what.

use std::panic::PanicHookInfo;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, dumpable_behavior, set_dumpable_behavior, setrlimit,
};

use crate::talk;

/// Takes from this process the right to leave its memory in a file or to another user's debugger.
/// Done before anything is read, by every command. A system that refuses is said so and not obeyed
/// as a reason to stop: an unguarded log keeper is better than none.
pub(crate) fn seal_memory() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        talk::say(&format!(
            "belfry: core dumps could not be switched off: {error}"
        ));
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        talk::say(&format!(
            "belfry: the process could not be made undumpable: {error}"
        ));
    }
}

/// Whether the memory of this process can be dumped or traced by its own user.
pub(crate) fn is_dumpable() -> bool {
    dumpable_behavior() != Ok(DumpableBehavior::NotDumpable)
}

/// From now on a panic is told by [`panic_line`] alone.
pub(crate) fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| talk::say(&panic_line(panic))));
}

/// Says where a thread panicked and never with what: the text of a panic may quote a record.
fn panic_line(panic: &PanicHookInfo<'_>) -> String {
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("without a name");
    format!("belfry: panic in thread {name} at {place}; please report it")
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// Lines of the panics of one thread.
    static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

    #[test]
    fn a_panic_tells_its_place_and_not_its_words() {
        const NAME: &str = "panics-with-a-record";
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() == Some(NAME) {
                let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push(panic_line(panic));
            } else {
                before(panic);
            }
        }));
        let record = "password=hunter2";
        let thread = std::thread::Builder::new().name(NAME.to_owned());
        let ended = thread
            .spawn(move || panic!("cannot read {record}"))
            .unwrap();
        assert!(ended.join().is_err());
        let heard = HEARD.lock().unwrap();
        let [line] = heard.as_slice() else {
            panic!("{} lines", heard.len());
        };
        assert!(
            line.contains(NAME) && line.contains("hardening.rs"),
            "{line}"
        );
        assert!(
            !line.contains("hunter2") && !line.contains("cannot read"),
            "{line}"
        );
    }

    #[test]
    fn a_sealed_process_cannot_be_dumped() {
        seal_memory();
        assert!(!is_dumpable());
        let core = rustix::process::getrlimit(Resource::Core);
        assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
    }
}
