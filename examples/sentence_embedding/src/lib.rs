//! all-MiniLM-L6-v2, a sentence encoder, through anemone's builder: text in, 384 numbers out, close together for texts that
//! mean much the same.
//!
//! [`Model`] is what is on disk, [`Encoder`] is the network compiled for one length of sequence:
//!
//! ```no_run
//! use sentence_embedding::{Encoder, Model};
//! let model = Model::load("data/minilm".as_ref())?;
//! let mut encoder = Encoder::new(&model, 64, 1, &Default::default())?;
//! let tokens = model.tokenizer.encode("A cat sits on the mat.", encoder.sequence());
//! let vector = encoder.embed(&model, &tokens.ids)?;
//! assert_eq!(vector.len(), 384);
//! # Ok::<(), sentence_embedding::Error>(())
//! ```

mod encoder;
mod model;
mod network;
mod tokenizer;

pub use encoder::Encoder;
pub use model::Model;
pub use network::{HIDDEN, LAYERS, flops, program, programs};
pub use tokenizer::{Tokenizer, Tokens};

/// What can go wrong: a missing file, weights of another model, a graph that a back end refuses.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
