//! The words of SQL that constructs are made of.

use crate::text::is_word;

/// What a word means in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// `and`, `or`, `xor`, `where`, `having`, `when`
    Logic,
    Select,
    Union,
    /// `all`, `distinct`, `top`
    Quantifier,
    From,
    Order,
    Group,
    By,
    Into,
    /// `outfile`, `dumpfile`
    File,
    /// `null`, `true`, `false` and functions that go without parentheses.
    Literal,
    /// Functions that only injections name.
    Telling,
    /// Functions that wait.
    Waiting,
    /// Functions that dress data up.
    Dressing,
    Case,
    /// `like`, `rlike`, `regexp`, `glob`, `in`, `between`, `is`, `sounds`
    Like,
    Insert,
    Update,
    Delete,
    /// `drop`, `create`, `alter`, `truncate`, `grant`, `backup`
    Define,
    /// `table`, `database`, `user` and what else is defined.
    Object,
    /// `declare`, `exec`, `execute`, `call`, `begin`
    Run,
    If,
    Waitfor,
    Shutdown,
    Set,
    /// Tables of the database about itself.
    Catalog,
    Procedure,
    Analyse,
    Not,
    As,
    Limit,
    Join,
    Plain,
}

impl Word {
    /// Whether a statement may go on with it behind a string.
    pub(crate) fn continues_statement(self) -> bool {
        matches!(
            self,
            Self::Logic
                | Self::Union
                | Self::Order
                | Self::Group
                | Self::Like
                | Self::Limit
                | Self::Into
                | Self::Waitfor
                | Self::Procedure
                | Self::As
                | Self::Not
                | Self::Join
        )
    }

    /// Whether it is a function that a value has no business with.
    pub(crate) fn is_function(self) -> bool {
        matches!(self, Self::Telling | Self::Waiting | Self::Dressing)
    }

    /// The meaning of `word`, which is in lower case.
    pub(crate) fn of(word: &[u8]) -> Self {
        match word {
            b"and" | b"or" | b"xor" | b"where" | b"having" | b"when" => Self::Logic,
            b"select" => Self::Select,
            b"union" | b"intersect" | b"except" | b"minus" => Self::Union,
            b"all" | b"distinct" | b"distinctrow" | b"top" => Self::Quantifier,
            b"from" => Self::From,
            b"order" => Self::Order,
            b"group" => Self::Group,
            b"by" => Self::By,
            b"into" => Self::Into,
            b"outfile" | b"dumpfile" => Self::File,
            b"null" | b"true" | b"false" | b"current_user" | b"current_date"
            | b"current_timestamp" | b"session_user" | b"system_user" | b"sysdate" => Self::Literal,
            b"case" => Self::Case,
            b"like" | b"ilike" | b"rlike" | b"regexp" | b"glob" | b"in" | b"between" | b"is"
            | b"sounds" | b"similar" => Self::Like,
            b"insert" => Self::Insert,
            b"update" => Self::Update,
            b"delete" => Self::Delete,
            b"drop" | b"create" | b"alter" | b"truncate" | b"grant" | b"backup" => Self::Define,
            b"table" | b"database" | b"user" | b"view" | b"index" | b"function" | b"schema"
            | b"login" | b"column" | b"trigger" | b"or_replace" => Self::Object,
            b"declare" | b"exec" | b"execute" | b"call" | b"begin" => Self::Run,
            b"if" | b"iif" => Self::If,
            b"waitfor" => Self::Waitfor,
            b"shutdown" => Self::Shutdown,
            b"set" => Self::Set,
            b"procedure" => Self::Procedure,
            b"analyse" => Self::Analyse,
            b"not" | b"exists" | b"binary" | b"any" => Self::Not,
            b"as" => Self::As,
            b"limit" | b"offset" | b"fetch" => Self::Limit,
            b"join" | b"inner" | b"left" | b"natural" => Self::Join,
            word => Self::function_or_table(word),
        }
    }

    fn function_or_table(word: &[u8]) -> Self {
        match word {
            b"extractvalue"
            | b"updatexml"
            | b"load_file"
            | b"xp_cmdshell"
            | b"xp_dirtree"
            | b"xp_regread"
            | b"sp_executesql"
            | b"sp_password"
            | b"xmltype"
            | b"randomblob"
            | b"zeroblob"
            | b"load_extension"
            | b"group_concat"
            | b"generate_series"
            | b"regexp_substring"
            | b"openrowset"
            | b"opendatasource"
            | b"pg_read_file"
            | b"pg_ls_dir"
            | b"lo_import"
            | b"crypt_key"
            | b"row_count"
            | b"name_const"
            | b"gtid_subset"
            | b"json_keys"
            | b"st_latfromgeohash"
            | b"database_to_xml"
            | b"query_to_xml"
            | b"string_agg"
            | b"fn_xe_file_target_read_file" => Self::Telling,
            b"sleep" | b"pg_sleep" | b"benchmark" | b"dbms_pipe" | b"dbms_lock"
            | b"dbms_session" | b"utl_inaddr" | b"utl_http" | b"dbms_utility" | b"dbms_xmlgen"
            | b"dbms_ldap" | b"ctxsys" | b"ordsys" | b"dbms_random" | b"get_lock" => Self::Waiting,
            b"char" | b"chr" | b"nchar" | b"concat" | b"concat_ws" | b"ascii" | b"ord" | b"hex"
            | b"unhex" | b"substring" | b"substr" | b"mid" | b"make_set" | b"elt" | b"cast"
            | b"convert" | b"length" | b"len" | b"ifnull" | b"nullif" | b"coalesce"
            | b"version" | b"count" | b"rand" | b"floor" | b"md5" | b"row" | b"exp" | b"bin"
            | b"instr" | b"decode" | b"strcmp" | b"nvl" | b"least" | b"greatest" | b"upper"
            | b"lower" | b"reverse" | b"repeat" | b"replicate" | b"json_extract" | b"extract" => {
                Self::Dressing
            }
            b"information_schema"
            | b"sysobjects"
            | b"syscolumns"
            | b"sysusers"
            | b"sysdatabases"
            | b"pg_catalog"
            | b"pg_user"
            | b"pg_shadow"
            | b"sqlite_master"
            | b"sqlite_schema"
            | b"all_tables"
            | b"all_users"
            | b"user_tables"
            | b"dba_users"
            | b"rdb$database"
            | b"rdb$fields"
            | b"rdb$types"
            | b"sysibm"
            | b"msysaccessobjects"
            | b"v$version"
            | b"all_tab_columns"
            | b"performance_schema" => Self::Catalog,
            _ => Self::Plain,
        }
    }
}

/// The word at the start of `text`, with the `$` of vendors.
pub(crate) fn spelled(text: &[u8]) -> &[u8] {
    // A lone 0xa0 is a space to databases, inside a character it is a letter.
    let ends = |at: usize| {
        let blank = text[at] == 0xa0 && at > 0 && text[at - 1] < 0x80;
        blank || !is_word(text[at]) && text[at] != b'$'
    };
    let end = (0..text.len()).find(|at| ends(*at));
    &text[..end.unwrap_or(text.len())]
}
