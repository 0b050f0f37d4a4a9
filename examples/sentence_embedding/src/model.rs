//! What is on disk: weights and vocabulary.

use crate::network::{HIDDEN, POSITIONS, VOCABULARY};
use crate::{Error, Tokenizer};
use anemone::TensorData;
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// The weights and the vocabulary of all-MiniLM-L6-v2.
#[derive(Debug)]
pub struct Model {
    /// The vocabulary.
    pub tokenizer: Tokenizer,
    file: Vec<u8>,
    words: Vec<f32>,
    /// For each position, with the vector of the first (and here only) segment added.
    positions: Vec<f32>,
}

impl Model {
    /// Reads `model.safetensors` and `vocab.txt`.
    ///
    /// # Errors
    /// A file cannot be read, or does not hold what it should.
    pub fn load(directory: &Path) -> Result<Model, Error> {
        let path = directory.join("model.safetensors");
        let file = std::fs::read(&path).map_err(|e| {
            let hint = "`just fetch-minilm`, or `python3 examples/sentence_embedding/fetch.py`, gets the weights";
            format!("{}: {e}\n{hint}", path.display())
        })?;
        let tokenizer = Tokenizer::load(&directory.join("vocab.txt"))?;
        let mut model = Model { tokenizer, file, words: Vec::new(), positions: Vec::new() };
        model.words = model.tensor("embeddings.word_embeddings.weight", &[VOCABULARY, HIDDEN])?;
        model.positions = model.tensor("embeddings.position_embeddings.weight", &[POSITIONS, HIDDEN])?;
        let segments = model.tensor("embeddings.token_type_embeddings.weight", &[2, HIDDEN])?;
        for position in model.positions.chunks_exact_mut(HIDDEN) {
            position.iter_mut().zip(&segments).for_each(|(x, s)| *x += s);
        }
        Ok(model)
    }

    /// A tensor of the file.
    ///
    /// # Errors
    /// It is not there, or not `f32` in this shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let tensor = SafeTensors::deserialize(&self.file)?.tensor(name)?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            let (dtype, found) = (tensor.dtype(), tensor.shape());
            return Err(format!("{name} is {dtype:?} {found:?}, F32 {shape:?} is wanted").into());
        }
        let numbers = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Ok(numbers.collect())
    }

    /// Writes the vectors of the tokens at their positions into `[1, 384, 1, sequence]`.
    ///
    /// This is done here and not in the network: for a look-up in a table of 23 MB, moving a few rows is all the work
    /// there is, and the Neural Engine has no use for it.
    ///
    /// # Errors
    /// There are more tokens than fit, or one that the vocabulary does not have.
    pub fn look_up(&self, ids: &[u32], target: &TensorData) -> Result<(), Error> {
        let sequence = target.shape().width;
        if ids.len() > sequence.min(POSITIONS) {
            return Err(format!("{} tokens do not fit into a sequence of {sequence}", ids.len()).into());
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= VOCABULARY) {
            return Err(format!("the vocabulary has {VOCABULARY} tokens, there is no token {id}").into());
        }
        let mut target = target.as_f32_slice_mut();
        target.fill(0.0);
        for (at, (id, position)) in ids.iter().zip(self.positions.chunks_exact(HIDDEN)).enumerate() {
            let word = &self.words[*id as usize * HIDDEN..][..HIDDEN];
            for (channel, (w, p)) in word.iter().zip(position).enumerate() {
                target[channel * sequence + at] = w + p;
            }
        }
        Ok(())
    }
}
