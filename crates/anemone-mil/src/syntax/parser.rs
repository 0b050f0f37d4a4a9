//! From tokens to the tree, by recursive descent, as deep as [`MAX_NESTING`].

use super::lexer::{Lexed, Lexer, Token, shortened};
use super::{
    ArgValue, Argument, Attribute, Blob, Block, Body, Dim, Float, Function, Ident, MAX_ERRORS, MAX_NESTING, Operation,
    Param, Span, Text, Type, Typed, Value, ValueKind, Version,
};
use crate::element::Element;
use anemone_ir::Diagnostic;

/// Reads a text.
///
/// # Errors
/// What is wrong with it, each with its place: after an error, reading goes on behind the next `;`.
pub fn parse(text: &str) -> Result<Text, Vec<Diagnostic>> {
    read(text, Parser::text)
}

/// Reads `type(value)`, as attributes have it.
///
/// # Errors
/// What is wrong with it.
pub fn parse_typed(text: &str) -> Result<Typed, Vec<Diagnostic>> {
    read(text, Parser::typed)
}

fn read<'a, T>(text: &'a str, rule: impl FnOnce(&mut Parser<'a>) -> Parse<T>) -> Result<T, Vec<Diagnostic>> {
    if u32::try_from(text.len()).is_err() {
        let message = format!("the text has {} bytes; fewer than 4 GiB can be read", text.len());
        return Err(vec![Diagnostic::error("too-large", message, anemone_ir::Location::Unknown)]);
    }
    let mut lexer = Lexer::new(text);
    let mut errors = Vec::new();
    let next = lexer.next(&mut errors);
    let after = lexer.next(&mut errors);
    let mut parser = Parser { lexer, next, after, last: Span::default(), depth: 0, errors };
    let result = rule(&mut parser);
    if result.is_ok() && parser.next.token != Token::End {
        let _: Parse<()> = parser.unexpected("the end of the text");
    }
    match result {
        Ok(tree) if parser.errors.is_empty() => Ok(tree),
        _ => Err(parser.errors),
    }
}

/// An error that has been recorded.
struct Recorded;

type Parse<T> = Result<T, Recorded>;

struct Parser<'a> {
    lexer: Lexer<'a>,
    next: Lexed<'a>,
    after: Lexed<'a>,
    /// Where the token before `next` stands.
    last: Span,
    depth: usize,
    errors: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn error<T>(&mut self, slug: &'static str, message: impl Into<String>, span: Span) -> Parse<T> {
        self.errors.push(Diagnostic::error(slug, message, span.into()));
        Err(Recorded)
    }

    /// Records that something else was wanted; nothing if the lexer has said already what is wrong here.
    fn unexpected<T>(&mut self, wanted: &str) -> Parse<T> {
        if self.next.token == Token::Bad {
            return Err(Recorded);
        }
        let message = format!("{wanted} is wanted here, not {}", self.next.token);
        self.error("syntax", message, self.next.span)
    }

    fn bump(&mut self) -> Lexed<'a> {
        let following = self.lexer.next(&mut self.errors);
        let after = std::mem::replace(&mut self.after, following);
        let token = std::mem::replace(&mut self.next, after);
        self.last = token.span;
        token
    }

    fn at(&self, c: char) -> bool {
        self.next.token == Token::Punct(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let there = self.at(c);
        if there {
            self.bump();
        }
        there
    }

    fn expect(&mut self, c: char) -> Parse<()> {
        if self.eat(c) { Ok(()) } else { self.unexpected(&format!("`{c}`")) }
    }

    fn expect_arrow(&mut self) -> Parse<()> {
        if self.next.token != Token::Arrow {
            return self.unexpected("`->`");
        }
        self.bump();
        Ok(())
    }

    fn at_word(&self, word: &str) -> bool {
        self.next.token == Token::Ident(word)
    }

    fn expect_word(&mut self, word: &str) -> Parse<()> {
        if !self.at_word(word) {
            return self.unexpected(&format!("`{word}`"));
        }
        self.bump();
        Ok(())
    }

    fn ident(&mut self, what: &str) -> Parse<Ident> {
        let Token::Ident(name) = self.next.token else { return self.unexpected(what) };
        let span = self.bump().span;
        Ok(Ident { name: name.into(), span })
    }

    /// From the beginning of `start` to the end of the last token.
    fn since(&self, start: Span) -> Span {
        Span { start: start.start, end: self.last.end }
    }

    /// One level deeper, unless that is too deep.
    fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth == MAX_NESTING {
            let message = format!("types, values and blocks are nested deeper than {MAX_NESTING} levels");
            return self.error("nesting", message, self.next.span);
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// Items with commas between them, up to a closing bracket, which is taken.
    fn list<T>(&mut self, close: char, mut item: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        let mut items = Vec::new();
        if self.eat(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(close) {
                return Ok(items);
            }
            if !self.eat(',') {
                return self.unexpected(&format!("`,` or `{close}`"));
            }
        }
    }

    fn text(&mut self) -> Parse<Text> {
        self.expect_word("program")?;
        self.expect('(')?;
        let (version, span) = self.version()?;
        self.expect(')')?;
        let attributes = self.attributes()?;
        self.expect('{')?;
        let mut functions = Vec::new();
        while !self.eat('}') {
            functions.push(self.function()?);
        }
        Ok(Text { version, span, attributes, functions })
    }

    fn version(&mut self) -> Parse<(Version, Span)> {
        let span = self.next.span;
        let written = self.lexer.slice(span);
        let (major, minor) = written.split_once('.').unwrap_or((written, "0"));
        let number = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse().ok()).flatten();
        match (number(major), number(minor)) {
            (Some(major), Some(minor)) => {
                self.bump();
                Ok((Version { major, minor }, span))
            }
            _ => self.unexpected("a version such as `1.3`"),
        }
    }

    fn attributes(&mut self) -> Parse<Vec<Attribute>> {
        if self.eat('[') { self.list(']', Self::attribute) } else { Ok(Vec::new()) }
    }

    fn attribute(&mut self) -> Parse<Attribute> {
        let name = self.ident("the name of an attribute")?;
        self.expect('=')?;
        Ok(Attribute { name, value: self.typed()? })
    }

    fn function(&mut self) -> Parse<Function> {
        self.expect_word("func")?;
        let name = self.ident("the name of a function")?;
        self.expect('<')?;
        let opset = self.ident("an operation set such as `ios16`")?;
        self.expect('>')?;
        self.expect('(')?;
        let params = self.list(')', Self::param)?;
        let attributes = self.attributes()?;
        let body = self.body()?;
        self.expect(';')?;
        Ok(Function { name, opset, params, attributes, body })
    }

    fn param(&mut self) -> Parse<Param> {
        let start = self.next.span;
        let ty = self.ty()?;
        let ty_span = self.since(start);
        Ok(Param { ty, ty_span, name: self.ident("a name")? })
    }

    fn body(&mut self) -> Parse<Body> {
        self.expect('{')?;
        let mut operations = Vec::new();
        while !self.eat('}') {
            match self.operation() {
                Ok(operation) => operations.push(operation),
                Err(Recorded) => self.recover()?,
            }
        }
        self.expect_arrow()?;
        self.expect('(')?;
        let outputs = self.list(')', |p| p.ident("the name of an output"))?;
        Ok(Body { operations, outputs })
    }

    /// Goes on behind the next `;`, or before the next `}`, so that one mistake does not hide the others.
    fn recover(&mut self) -> Parse<()> {
        // In a nested block it is hard to say to which block what follows belongs.
        if self.errors.len() >= MAX_ERRORS || self.depth > 0 {
            return Err(Recorded);
        }
        loop {
            match self.next.token {
                Token::End => return Err(Recorded),
                Token::Punct('}') if self.after.token == Token::Arrow => return Ok(()),
                Token::Punct(';') => {
                    self.bump();
                    return Ok(());
                }
                _ => {
                    self.bump();
                }
            }
        }
    }

    fn operation(&mut self) -> Parse<Operation> {
        let mut results = Vec::new();
        // An operation without results begins with its mnemonic.
        let no_results = matches!(self.next.token, Token::Ident(_)) && self.after.token == Token::Punct('(');
        if !no_results {
            results.push(self.param()?);
            while self.eat(',') {
                results.push(self.param()?);
            }
            self.expect('=')?;
        }
        let mnemonic = self.ident("an operation")?;
        self.expect('(')?;
        let args = self.list(')', Self::argument)?;
        let attributes = self.attributes()?;
        let mut blocks = Vec::new();
        while self.at('(') {
            blocks.push(self.nested(Self::block)?);
        }
        self.expect(';')?;
        Ok(Operation { results, mnemonic, args, attributes, blocks })
    }

    fn block(&mut self) -> Parse<Block> {
        self.expect('(')?;
        let params = self.list(')', Self::param)?;
        Ok(Block { params, body: self.body()? })
    }

    fn argument(&mut self) -> Parse<Argument> {
        let name = self.ident("the name of an argument")?;
        self.expect('=')?;
        Ok(Argument { name, value: self.arg_value()? })
    }

    fn arg_value(&mut self) -> Parse<ArgValue> {
        let start = self.next.span;
        if self.eat('(') {
            let items = self.nested(|p| p.list(')', Self::arg_value))?;
            return Ok(ArgValue::Tuple(items, self.since(start)));
        }
        if matches!(self.after.token, Token::Punct('(' | '<')) {
            return self.typed().map(ArgValue::Typed);
        }
        match self.next.token {
            Token::Int(_) | Token::Float(_) | Token::Str(_) | Token::Punct('[' | '{') => self.untyped(),
            Token::Ident("true" | "false" | "inf" | "nan") => self.untyped(),
            _ => self.ident("a value").map(ArgValue::Name),
        }
    }

    /// Values in arguments are names, or have their types before them: a likely mistake.
    fn untyped<T>(&mut self) -> Parse<T> {
        let error = Diagnostic::error("syntax", "a constant is written with its type", self.next.span.into());
        self.errors.push(error.with_hint("as in `int32(1)`, `bool(true)` or `tensor<fp16, [2]>([0x1p+0, 0x1.8p+1])`"));
        Err(Recorded)
    }

    fn typed(&mut self) -> Parse<Typed> {
        let start = self.next.span;
        let ty = self.ty()?;
        self.expect('(')?;
        let value = self.value()?;
        self.expect(')')?;
        Ok(Typed { ty, value, span: self.since(start) })
    }

    fn ty(&mut self) -> Parse<Type> {
        self.nested(Self::ty_at_depth)
    }

    fn ty_at_depth(&mut self) -> Parse<Type> {
        let Token::Ident(word) = self.next.token else { return self.unexpected("a type") };
        if let Some(element) = Element::from_name(word) {
            self.bump();
            return Ok(Type::scalar(element));
        }
        if !matches!(word, "tensor" | "list" | "tuple" | "dict" | "state") {
            let message = format!("`{}` is no type", shortened(word));
            return self.error("syntax", message, self.next.span);
        }
        self.bump();
        self.expect('<')?;
        let ty = match word {
            "tensor" => {
                let element = self.element()?;
                self.expect(',')?;
                self.expect('[')?;
                Type::Tensor(element, self.list(']', Self::dim)?)
            }
            "list" => {
                let of = Box::new(self.ty()?);
                self.expect(',')?;
                Type::List(of, self.dim()?)
            }
            "tuple" => return self.list('>', Self::ty).map(Type::Tuple),
            "dict" => {
                let key = Box::new(self.ty()?);
                self.expect(',')?;
                Type::Dict(key, Box::new(self.ty()?))
            }
            _ => Type::State(Box::new(self.ty()?)),
        };
        self.expect('>')?;
        Ok(ty)
    }

    fn element(&mut self) -> Parse<Element> {
        let Token::Ident(word) = self.next.token else { return self.unexpected("an element type") };
        let Some(element) = Element::from_name(word) else { return self.unexpected("an element type") };
        self.bump();
        Ok(element)
    }

    fn dim(&mut self) -> Parse<Dim> {
        let dim = match &self.next.token {
            Token::Punct('?') => Dim::Unknown,
            Token::Punct('*') if self.after.token == Token::Punct('?') => {
                self.bump();
                Dim::Variadic
            }
            Token::Int(int) if !int.negative => Dim::Known(int.magnitude),
            _ => return self.unexpected("a dimension: a number, `?` or `*?`"),
        };
        self.bump();
        Ok(dim)
    }

    fn value(&mut self) -> Parse<Value> {
        self.nested(Self::value_at_depth)
    }

    fn value_at_depth(&mut self) -> Parse<Value> {
        let start = self.next.span;
        let kind = match &mut self.next.token {
            Token::Int(int) => ValueKind::Int(*int),
            Token::Float(float) => ValueKind::Float(*float),
            Token::Str(s) => ValueKind::Str(std::mem::take(s).into()),
            Token::Ident("true") => ValueKind::Bool(true),
            Token::Ident("false") => ValueKind::Bool(false),
            Token::Ident("inf") => ValueKind::Float(Float(f64::INFINITY)),
            Token::Ident("nan") => ValueKind::Float(Float(f64::NAN)),
            Token::Ident("BLOBFILE") => {
                self.bump();
                self.expect('(')?;
                let fields = self.list(')', Self::attribute)?;
                return Ok(Value { kind: ValueKind::Blob(Box::new(Blob { fields })), span: self.since(start) });
            }
            Token::Punct(open @ ('[' | '(' | '{')) => {
                let open = *open;
                self.bump();
                let kind = match open {
                    '[' => ValueKind::List(self.list(']', Self::value)?.into()),
                    '(' => ValueKind::Tuple(self.list(')', Self::value)?.into()),
                    _ => ValueKind::Dict(self.list('}', Self::pair)?.into()),
                };
                return Ok(Value { kind, span: self.since(start) });
            }
            _ => return self.unexpected("a value"),
        };
        self.bump();
        Ok(Value { kind, span: start })
    }

    fn pair(&mut self) -> Parse<(Value, Value)> {
        self.expect('{')?;
        let key = self.value()?;
        self.expect(',')?;
        let value = self.value()?;
        self.expect('}')?;
        Ok((key, value))
    }
}
