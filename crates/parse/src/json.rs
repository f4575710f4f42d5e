//! JSON objects to flat events in one pass: nested names are joined by dots, arrays become lists,
//! arrays of objects become one list for each inner name, as Elasticsearch flattens them.

mod reader;

use event::{DefectKind, Value, field, limits};

use crate::draft::Draft;
use crate::login_text;
use reader::{BadJson, Reader, Text};

/// Reads a frame that should be one JSON object; anything else becomes the message.
pub(crate) fn read(draft: &mut Draft<'_>, text: &str) {
    let trimmed = text.trim();
    draft.format("json");
    if trimmed.is_empty() {
        return draft.defect(DefectKind::Empty);
    }
    if !object(draft, trimmed) {
        draft.format("plain");
        draft.put_str(field::MESSAGE, trimmed);
    }
}

/// Reads `text` when it is one well-formed object. When not, notes why and leaves no field behind.
/// To be called before anything else is put into the draft that must stay.
pub(crate) fn object(draft: &mut Draft<'_>, text: &str) -> bool {
    let fields_before = draft.mark();
    let mut flattener = Flattener {
        reader: Reader::new(text),
        path: String::with_capacity(64),
        draft,
    };
    let result = flattener.document();
    match result {
        Ok(()) => {
            // Loggers without event names say in a sentence what happened.
            login_text::derive_from_message(draft);
            true
        }
        Err(BadJson { at }) => {
            draft.back_to(fields_before);
            draft.defect_at(DefectKind::JsonMalformed, at);
            false
        }
    }
}

struct Flattener<'t, 'd, 'o> {
    reader: Reader<'t>,
    /// The dotted name of where we are.
    path: String,
    draft: &'d mut Draft<'o>,
}

impl Flattener<'_, '_, '_> {
    fn document(&mut self) -> Result<(), BadJson> {
        self.reader.skip_space();
        if self.reader.peek() != Some(b'{') {
            return Err(self.reader.bad());
        }
        self.object(1, false)?;
        self.reader.end()
    }

    /// Reads a value whose name is the path; `depth` objects and arrays are open.
    fn value(&mut self, depth: usize, in_list: bool) -> Result<(), BadJson> {
        match self.reader.peek() {
            Some(b'{' | b'[') if depth >= limits::DEPTH_MAX => {
                let rest = self.reader.skip_value()?;
                self.draft.defect(DefectKind::TooDeep);
                self.draft.claim(&self.path, Value::Str(rest), in_list);
                Ok(())
            }
            Some(b'{') => self.object(depth + 1, in_list),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => {
                match self.reader.string()? {
                    Text::Plain(text) => self.draft.claim(&self.path, Value::Str(text), in_list),
                    Text::Unescaped => {
                        let text = self.reader.unescaped();
                        self.draft.inspect(text);
                        self.draft.claim(&self.path, Value::Str(text), in_list);
                    }
                }
                Ok(())
            }
            _ => {
                let value = self.reader.scalar()?;
                self.draft.claim(&self.path, value, in_list);
                Ok(())
            }
        }
    }

    fn object(&mut self, depth: usize, in_list: bool) -> Result<(), BadJson> {
        self.reader.take(b'{')?;
        if self.reader.takes(b'}') {
            return Ok(());
        }
        let parent = self.path.len();
        loop {
            self.key(parent)?;
            self.reader.take(b':')?;
            self.reader.skip_space();
            self.value(depth, in_list)?;
            self.path.truncate(parent);
            if self.reader.takes(b'}') {
                return Ok(());
            }
            self.reader.take(b',')?;
        }
    }

    /// Appends the next key to the path.
    fn key(&mut self, parent: usize) -> Result<(), BadJson> {
        self.reader.skip_space();
        if self.reader.peek() != Some(b'"') {
            return Err(self.reader.bad());
        }
        if parent > 0 {
            self.path.push('.');
        }
        let key = match self.reader.string()? {
            Text::Plain(key) => key,
            Text::Unescaped => {
                let key = self.reader.unescaped();
                self.draft.inspect(key);
                key
            }
        };
        // An empty key would vanish from the dotted name.
        self.path.push_str(if key.is_empty() { "_" } else { key });
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), BadJson> {
        self.reader.take(b'[')?;
        if self.reader.takes(b']') {
            return Ok(());
        }
        loop {
            self.reader.skip_space();
            self.value(depth, true)?;
            if self.reader.takes(b']') {
                return Ok(());
            }
            self.reader.take(b',')?;
        }
    }
}
