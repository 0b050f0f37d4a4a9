//! Twenty sentences against the original tokenizer and network (see reference.py).
//!
//! This needs the weights, 80 MB, which are not in the repository. If they are not there, the test gets them as a user would,
//! with fetch.py, because a test that passes without having tested would be worse than one that waits for a download, and
//! whoever can build the workspace has a network or had one. If that fails the test fails, and says how to go on.

use anemone::{CompileOptions, Profile};
use safetensors::SafeTensors;
use sentence_embedding::{Encoder, HIDDEN, Model};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // It does nothing if the files are there and sound.
    let fetched = Command::new("python3").arg(here.join("fetch.py")).output();
    let problem = match fetched {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(e) => Some(format!("python3: {e}")),
    };
    if let Some(problem) = problem {
        panic!(
            "{problem}\nThis test needs the weights of all-MiniLM-L6-v2, and could not get them. Run `just fetch-minilm` \
             where there is a network, or leave the test out: cargo test --workspace --exclude sentence_embedding"
        );
    }
    Model::load(&here.join("../../data/minilm")).expect("it has just been checked")
});

struct Reference {
    sentence: &'static str,
    ids: Vec<u32>,
    embedding: Vec<f32>,
}

fn references() -> Vec<Reference> {
    let file = SafeTensors::deserialize(include_bytes!("reference.safetensors")).expect("a safetensors file");
    let words = |name| {
        let tensor = file.tensor(name).expect("a tensor of the file");
        tensor.data().as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect::<Vec<_>>()
    };
    let (ids, embeddings) = (words("ids"), words("embeddings"));
    let (mut ids, embeddings) = (ids.into_iter(), embeddings.chunks_exact(HIDDEN));
    let lines = include_str!("sentences.txt").lines().zip(words("lengths")).zip(embeddings);
    let references: Vec<_> = lines
        .map(|((sentence, length), embedding)| Reference {
            sentence,
            ids: ids.by_ref().take(length as usize).collect(),
            embedding: embedding.iter().map(|bits| f32::from_bits(*bits)).collect(),
        })
        .collect();
    assert_eq!((references.len(), ids.len()), (20, 0), "sentences.txt and reference.safetensors belong together");
    references
}

/// In f64, for 0.99999 is near the end of what f32 can tell from 1.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Embeds each sentence in the shortest sequence it fits into; the least cosine with the original.
fn least_cosine(profile: Profile) -> f64 {
    let options = CompileOptions::new().profile(profile);
    let (mut references, mut cosines) = (references(), Vec::new());
    for sequence in [64, 128, 256] {
        let mut encoder = Encoder::new(&MODEL, sequence, 1, &options).expect("the network compiles");
        for reference in references.extract_if(.., |r| r.ids.len() <= sequence) {
            let found = encoder.embed(&MODEL, &reference.ids).expect("the network runs");
            cosines.push(cosine(&found, &reference.embedding));
        }
    }
    assert_eq!(cosines.len(), 20, "every sentence fits into some sequence");
    assert!(cosines.iter().all(|c| c.is_finite()), "{cosines:?}");
    cosines.into_iter().fold(1.0, f64::min)
}

#[test]
fn tokens_are_those_of_the_original() {
    for Reference { sentence, ids, .. } in references() {
        let tokens = MODEL.tokenizer.encode(sentence, 256);
        assert_eq!((tokens.ids, tokens.dropped), (ids, 0), "{sentence}");
    }
}

#[test]
fn embeddings_agree_in_profile_fp16() {
    let least = least_cosine(Profile::Fp16);
    println!("least cosine of 20 sentences in profile fp16: {least:.7}");
    assert!(least >= 0.999, "{least}");
}

#[test]
fn embeddings_agree_in_profile_f32() {
    let least = least_cosine(Profile::F32);
    println!("least cosine of 20 sentences in profile f32: {least:.7}");
    assert!(least >= 0.99999, "{least}");
}

#[test]
fn one_program_or_six_give_the_same() {
    let Reference { ids, .. } = references().swap_remove(0);
    let embed = |layers_each| {
        let mut encoder = Encoder::new(&MODEL, 64, layers_each, &CompileOptions::new()).expect("the network compiles");
        encoder.embed(&MODEL, &ids).expect("the network runs")
    };
    // Programs hand over halves, which is what profile fp16 keeps anyway.
    assert_eq!(embed(1), embed(6));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut encoder = Encoder::new(&MODEL, 64, 1, &CompileOptions::new()).expect("the network compiles");
    let error = encoder.embed(&MODEL, &[101; 65]).expect_err("65 tokens are too many");
    assert_eq!(error.to_string(), "65 tokens do not fit into a sequence of 64");
    let error = encoder.embed(&MODEL, &[30522]).expect_err("the vocabulary ends before");
    assert_eq!(error.to_string(), "the vocabulary has 30522 tokens, there is no token 30522");
}
