//! From characters to tokens.

use super::number::parse_hex;
use super::{Float, Int, MAX_ERRORS, Span};
use anemone_ir::Diagnostic;
use std::borrow::Cow;
use std::fmt;

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Token<'a> {
    Ident(&'a str),
    Str(Cow<'a, str>),
    Int(Int),
    Float(Float),
    /// One of `(){}[]<>,;=?*`.
    Punct(char),
    /// `->`
    Arrow,
    End,
    /// Something that is no token; what is wrong with it has been said.
    Bad,
}

impl fmt::Display for Token<'_> {
    /// As a message names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Ident(name) => write!(f, "`{}`", shortened(name)),
            Token::Str(_) => f.write_str("a string"),
            Token::Int(_) | Token::Float(_) => f.write_str("a number"),
            Token::Punct(c) => write!(f, "`{c}`"),
            Token::Arrow => f.write_str("`->`"),
            Token::End => f.write_str("the end of the text"),
            Token::Bad => f.write_str("this"),
        }
    }
}

/// A name that may come from a hostile text, short enough for a message.
pub(crate) fn shortened(name: &str) -> Cow<'_, str> {
    const SHOWN: usize = 60;
    match name.char_indices().nth(SHOWN) {
        Some((at, _)) => Cow::Owned(format!("{}…", &name[..at])),
        None => Cow::Borrowed(name),
    }
}

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Lexed<'a> {
    pub(crate) token: Token<'a>,
    pub(crate) span: Span,
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// The text must be shorter than 4 GiB, since spans count in 32 bits.
    pub(crate) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    /// The text of a span that this lexer has given.
    pub(crate) fn slice(&self, span: Span) -> &'a str {
        &self.text[span.start as usize..span.end as usize]
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn span(&self, start: usize) -> Span {
        Span { start: start as u32, end: self.at as u32 }
    }

    /// Spaces and comments.
    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with("//") {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    /// The next token. Whatever is no token is skipped, comes out as [`Token::Bad`], and is reported.
    pub(crate) fn next(&mut self, errors: &mut Vec<Diagnostic>) -> Lexed<'a> {
        self.skip_blank();
        let start = self.at;
        let rest = self.rest();
        let mut chars = rest.chars();
        let token = match (chars.next(), chars.next()) {
            (None, _) => Token::End,
            (Some('-'), Some('>')) => self.take(2, Token::Arrow),
            (Some(c @ ('(' | ')' | '{' | '}' | '[' | ']' | '<' | '>' | ',' | ';' | '=' | '?' | '*')), _) => {
                self.take(1, Token::Punct(c))
            }
            (Some('"'), _) => return self.string(errors),
            (Some(c), _) if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
                self.take(end, Token::Ident(&rest[..end]))
            }
            (Some(c), _) if c.is_ascii_digit() || c == '-' => return self.number(errors),
            (Some(c), _) => {
                // What follows it is likely to be foreign as well, and worth one message.
                let end = rest.find(|c: char| c.is_ascii() && !c.is_ascii_control()).unwrap_or(rest.len());
                self.at += end.max(c.len_utf8());
                return self.bad(start, format!("{c:?} is no character of MIL text"), errors);
            }
        };
        Lexed { token, span: self.span(start) }
    }

    fn take(&mut self, bytes: usize, token: Token<'a>) -> Token<'a> {
        self.at += bytes;
        token
    }

    fn bad(&self, start: usize, message: String, errors: &mut Vec<Diagnostic>) -> Lexed<'a> {
        let span = self.span(start);
        report(Diagnostic::error("syntax", message, span.into()), errors);
        Lexed { token: Token::Bad, span }
    }

    fn number(&mut self, errors: &mut Vec<Diagnostic>) -> Lexed<'a> {
        let start = self.at;
        let bytes = self.rest().as_bytes();
        let mut end = 1;
        // A sign belongs to the number at its head and after the letter of the exponent.
        while end < bytes.len() {
            let exponent = if bytes[..end].iter().take(3).any(|b| matches!(b, b'x' | b'X')) { b"pP" } else { b"eE" };
            let sign = matches!(bytes[end], b'+' | b'-') && exponent.contains(&bytes[end - 1]);
            if !(bytes[end].is_ascii_alphanumeric() || matches!(bytes[end], b'.' | b'_' | b'@') || sign) {
                break;
            }
            end += 1;
        }
        let text = &self.rest()[..end];
        self.at += end;
        match read_number(text) {
            Ok(token) => Lexed { token, span: self.span(start) },
            Err(why) => self.bad(start, format!("`{}` is no number: {why}", shortened(text)), errors),
        }
    }

    /// A string, decoded.
    fn string(&mut self, errors: &mut Vec<Diagnostic>) -> Lexed<'a> {
        let start = self.at;
        let body = &self.rest()[1..];
        let Some(end) = body.find(['"', '\\', '\n']) else {
            self.at = self.text.len();
            return self.bad(start, "the string is not closed".into(), errors);
        };
        if body.as_bytes()[end] == b'"' {
            self.at += end + 2;
            return Lexed { token: Token::Str(Cow::Borrowed(&body[..end])), span: self.span(start) };
        }
        let mut decoded = String::new();
        let mut bad_escape = None;
        let mut chars = body.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 2;
                    let token = if bad_escape.is_some() { Token::Bad } else { Token::Str(Cow::Owned(decoded)) };
                    bad_escape.into_iter().for_each(|e| report(e, errors));
                    return Lexed { token, span: self.span(start) };
                }
                '\n' => {
                    self.at += at + 1;
                    return self.bad(start, "the string is not closed on its line".into(), errors);
                }
                '\\' => match chars.next() {
                    Some((_, '"')) => decoded.push('"'),
                    Some((_, '\\')) => decoded.push('\\'),
                    Some((_, 'n')) => decoded.push('\n'),
                    Some((_, 'r')) => decoded.push('\r'),
                    Some((_, 't')) => decoded.push('\t'),
                    Some((_, other)) => {
                        let from = start + 1 + at;
                        let span = Span { start: from as u32, end: (from + 1 + other.len_utf8()) as u32 };
                        let message = format!("a backslash and {other:?} is no escape of MIL text");
                        let error = Diagnostic::error("syntax", message, span.into());
                        bad_escape.get_or_insert(error.with_hint(r#"the escapes are \" \\ \n \r \t"#));
                    }
                    None => break,
                },
                c => decoded.push(c),
            }
        }
        self.at = self.text.len();
        self.bad(start, "the string is not closed".into(), errors)
    }
}

/// Records an error, unless there are enough: a text may consist of them.
fn report(error: Diagnostic, errors: &mut Vec<Diagnostic>) {
    if errors.len() < MAX_ERRORS {
        errors.push(error);
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '@'
}

fn read_number(text: &str) -> Result<Token<'static>, &'static str> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let signed = |x: f64| Token::Float(Float(if negative { -x } else { x }));
    if digits == "inf" {
        return Ok(signed(f64::INFINITY));
    }
    if digits == "nan" {
        return Ok(Token::Float(Float(f64::NAN)));
    }
    if digits.starts_with("0x") || digits.starts_with("0X") {
        let x = parse_hex(digits).ok_or("a hexadecimal number is written as in `0x1.8p-3`")?;
        return if x.is_finite() { Ok(signed(x)) } else { Err("it is too large for any type") };
    }
    if digits.is_empty() {
        return Err("digits are missing after the sign");
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        let magnitude = digits.parse().map_err(|_| "it is beyond 64 bits")?;
        return Ok(Token::Int(Int { negative, magnitude }));
    }
    // Rust's grammar of decimal numbers is wider than MIL's; these characters are what both share.
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    match digits.parse::<f64>() {
        Ok(x) if plain && x.is_finite() => Ok(signed(x)),
        Ok(_) if plain => Err("it is too large for any type"),
        _ => Err("a number is written as `12`, `0.5`, `1e-5` or `0x1.8p-3`"),
    }
}
