//! From text to the numbers of the vocabulary, as BERT's lower-casing tokenizer does it.
//!
//! It is written out here, because the ready-made library brings some eighty crates for what is a page of code. The tests
//! hold it to that library's result.

use crate::Error;
use std::collections::HashMap;
use std::path::Path;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Longer words are unknown.
const LONGEST_WORD: usize = 100;

/// Splits text into pieces of words.
#[derive(Debug)]
pub struct Tokenizer {
    vocabulary: HashMap<String, u32>,
    unknown: u32,
    start: u32,
    end: u32,
}

/// A sentence in numbers of the vocabulary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tokens {
    /// The tokens, between `[CLS]` and `[SEP]`.
    pub ids: Vec<u32>,
    /// How many tokens did not fit.
    pub dropped: usize,
}

impl Tokenizer {
    /// Reads `vocab.txt`: a token on each line, its number being that of the line, from 0.
    ///
    /// # Errors
    /// The file cannot be read, or one of the tokens that frame a sentence is not in it.
    pub fn load(path: &Path) -> Result<Tokenizer, Error> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Tokenizer::new(&text).map_err(|e| format!("{}: {e}", path.display()).into())
    }

    fn new(text: &str) -> Result<Tokenizer, String> {
        let vocabulary: HashMap<String, u32> = text.lines().map(str::to_owned).zip(0..).collect();
        let find = |token: &str| vocabulary.get(token).copied().ok_or_else(|| format!("no line is {token}"));
        let (unknown, start, end) = (find("[UNK]")?, find("[CLS]")?, find("[SEP]")?);
        Ok(Tokenizer { vocabulary, unknown, start, end })
    }

    /// The tokens of a text; `limit` at most, with the two that frame it.
    ///
    /// A text that spells out a special token, such as `[SEP]`, is text.
    pub fn encode(&self, text: &str, limit: usize) -> Tokens {
        let mut pieces = Vec::new();
        normalise(text).split(' ').for_each(|word| self.split_word(word, &mut pieces));
        let kept = pieces.len().min(limit.saturating_sub(2));
        let ids = [&[self.start], &pieces[..kept], &[self.end]].concat();
        Tokens { ids, dropped: pieces.len() - kept }
    }

    /// The longest token that the word starts with, then the longest that the rest starts with, and so on.
    fn split_word(&self, word: &str, pieces: &mut Vec<u32>) {
        let start = pieces.len();
        if word.chars().nth(LONGEST_WORD).is_some() {
            pieces.push(self.unknown);
            return;
        }
        let (mut rest, mut prefix) = (word, "");
        while !rest.is_empty() {
            let ends = rest.char_indices().rev().map(|(at, c)| at + c.len_utf8());
            let longest = ends.filter_map(|end| {
                let id = self.vocabulary.get(&format!("{prefix}{}", &rest[..end]))?;
                Some((end, *id))
            });
            let Some((end, id)) = { longest }.next() else {
                pieces.truncate(start);
                pieces.push(self.unknown);
                return;
            };
            pieces.push(id);
            (rest, prefix) = (&rest[end..], "##");
        }
    }
}

/// Lower case, no accents, no control characters; one space, or several, between words, punctuation marks and Chinese
/// characters.
fn normalise(text: &str) -> String {
    let spaced = text.chars().filter(|c| !is_control(*c)).flat_map(|c| match c {
        c if c.is_whitespace() => [None, Some(' '), None],
        c if is_chinese(c) => [Some(' '), Some(c), Some(' ')],
        c => [None, Some(c), None],
    });
    let plain = spaced.flatten().nfd().filter(|c| c.general_category() != GeneralCategory::NonspacingMark);
    let mut out = String::with_capacity(text.len());
    for c in plain.flat_map(char::to_lowercase) {
        if is_punctuation(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

fn is_control(c: char) -> bool {
    use GeneralCategory::{Control, Format, PrivateUse};
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{fffd}' => true,
        c => matches!(c.general_category(), Control | Format | PrivateUse),
    }
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || c.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// Chinese characters, which Japanese uses too; neither kana nor hangul, which the vocabulary holds in syllables.
fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2ceaf}' | '\u{2f800}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tokenizer of a few words; the number of each is its place in the list.
    fn tokenizer() -> Tokenizer {
        Tokenizer::new("[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nab\n##a\n,\n国\ncafe\n##ff").expect("it is complete")
    }

    #[test]
    fn takes_the_longest_piece() {
        assert_eq!(tokenizer().encode("unaffable", 9).ids, [1, 3, 4, 5, 2]);
        assert_eq!(tokenizer().encode("aba", 9).ids, [1, 6, 7, 2]);
    }

    #[test]
    fn a_word_with_an_unknown_piece_is_unknown_as_a_whole() {
        assert_eq!(tokenizer().encode("unaffx ab", 9).ids, [1, 0, 6, 2]);
    }

    #[test]
    fn words_end_at_punctuation_and_chinese_characters() {
        assert_eq!(tokenizer().encode("ab,ab国国 un", 9).ids, [1, 6, 8, 6, 9, 9, 3, 2]);
    }

    #[test]
    fn case_accents_and_control_characters_go() {
        assert_eq!(tokenizer().encode("CAF\u{c9} cafe\u{301} c\u{200b}a\0fe", 9).ids, [1, 10, 10, 10, 2]);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let tokens = tokenizer().encode("un un un un", 4);
        assert_eq!(tokens, Tokens { ids: vec![1, 3, 3, 2], dropped: 2 });
    }

    #[test]
    fn long_words_are_unknown() {
        assert_eq!(tokenizer().encode(&format!("ab{}", "a".repeat(98)), 200).ids.len(), 101);
        assert_eq!(tokenizer().encode(&format!("ab{}", "a".repeat(99)), 200).ids, [1, 0, 2]);
    }

    #[test]
    fn a_vocabulary_without_a_frame_is_refused() {
        assert_eq!(Tokenizer::new("[UNK]\n[CLS]\na").unwrap_err(), "no line is [SEP]");
    }
}
