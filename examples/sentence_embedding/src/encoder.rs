//! The network, compiled and ready to run.

use crate::network::{HIDDEN, programs};
use crate::{Error, Model};
use anemone::{CompileOptions, Executable, Shape, TensorData};

/// The network for sequences of one length: a few programs, each of which takes the tokens from the one before.
///
/// On the Neural Engine a program of about 60 operations is safe and one of three layers of a transformer is known to fail;
/// a layer here is 36 operations, so there is a program for each unless more are asked for. Handing over costs a dispatch,
/// about a tenth of a millisecond there and next to nothing on the CPU: the data stay where they are.
#[derive(Debug)]
pub struct Encoder {
    programs: Vec<Executable>,
    mask: TensorData,
    /// Each program reads one and writes the other.
    tokens: [TensorData; 2],
    embedding: TensorData,
}

impl Encoder {
    /// Compiles the network, `layers_each` layers to a program.
    ///
    /// # Errors
    /// The model lacks a tensor, or a program does not compile.
    pub fn new(model: &Model, sequence: usize, layers_each: usize, options: &CompileOptions) -> Result<Encoder, Error> {
        let graphs = programs(model, layers_each, sequence);
        let programs = graphs.map(|graph| Ok(graph?.compile_with(options)?)).collect::<Result<Vec<_>, Error>>()?;
        let tokens = || TensorData::new(Shape::spatial(HIDDEN, 1, sequence));
        Ok(Encoder {
            programs,
            mask: TensorData::new(Shape::spatial(1, 1, sequence)),
            tokens: [tokens(), tokens()],
            embedding: TensorData::new(Shape::channels(HIDDEN)),
        })
    }

    /// The longest sentence in tokens.
    pub fn sequence(&self) -> usize {
        self.mask.shape().width
    }

    /// The programs, in order.
    pub fn programs(&self) -> &[Executable] {
        &self.programs
    }

    /// The vector of a sentence: 384 numbers, of length 1.
    ///
    /// # Errors
    /// There are more tokens than [`Encoder::sequence`], or one that the vocabulary does not have; or a program fails.
    pub fn embed(&mut self, model: &Model, ids: &[u32]) -> Result<Box<[f32]>, Error> {
        let [mut from, mut to] = self.tokens.each_ref();
        model.look_up(ids, from)?;
        self.mask.as_f32_slice_mut().iter_mut().enumerate().for_each(|(at, m)| *m = f32::from(at < ids.len()));
        for (at, program) in self.programs.iter().enumerate() {
            let target = if at + 1 < self.programs.len() { to } else { &self.embedding };
            program.run_cached(&[from, &self.mask], &[target])?;
            (from, to) = (to, from);
        }
        Ok(self.embedding.read_f32())
    }
}
