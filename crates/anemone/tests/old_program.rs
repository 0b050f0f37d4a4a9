//! Programs as users of the older crate `ane` write them: the same names, the same habits, one line changed in
//! `Cargo.toml`. A small transformer decoder with learned positions, whose layer norms, GELU and attention are composed from
//! primitives, as two executables that pass tensors along, with a cache of keys and values given as inputs.
//!
//! The results are compared with a plain computation in `f64`, position by position.
#![allow(clippy::unwrap_used, reason = "in a test that is how to fail")]

// What `ane = { package = "anemone", … }` does in a manifest.
use anemone as ane;

use ane::{Error, Executable, Graph, NSQualityOfService, Shape, Tensor, TensorData};

/// Channels of the hidden state.
const EMBEDDING: usize = 32;
const HEADS: usize = 4;
const HEAD: usize = EMBEDDING / HEADS;
/// Positions that the cache holds, and the width of every tensor.
const CONTEXT: usize = 64;
const EPSILON: f64 = 1e-5;
/// What is added to the score of a position that must not be seen.
const MASKED: f32 = -30_000.0;

/// Weights that look random: the same on every machine.
struct Weights(u64);

impl Weights {
    fn next(&mut self, len: usize, scale: f32) -> Vec<f32> {
        let number = |_| {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * scale
        };
        // What the networks here are computed with, so that the plain computation starts from the same.
        (0..len).map(number).map(|x| half::f16::from_f32(x).to_f32()).collect()
    }
}

/// The weights of a layer.
struct Layer {
    norm1: (Vec<f32>, Vec<f32>),
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    projection: Vec<f32>,
    projection_bias: Vec<f32>,
    norm2: (Vec<f32>, Vec<f32>),
    up: Vec<f32>,
    up_bias: Vec<f32>,
    down: Vec<f32>,
}

impl Layer {
    fn new(seed: u64) -> Layer {
        let mut weights = Weights(seed);
        let e = EMBEDDING;
        let norm = |w: &mut Weights| {
            let gamma = w.next(e, 0.25).iter().map(|x| x + 1.0).collect();
            (gamma, w.next(e, 0.25))
        };
        Layer {
            norm1: norm(&mut weights),
            query: weights.next(e * e, 0.25),
            key: weights.next(e * e, 0.25),
            value: weights.next(e * e, 0.25),
            projection: weights.next(e * e, 0.25),
            projection_bias: weights.next(e, 0.25),
            norm2: norm(&mut weights),
            up: weights.next(4 * e * e, 0.25),
            up_bias: weights.next(4 * e, 0.25),
            down: weights.next(4 * e * e, 0.125),
        }
    }
}

// The program.

fn scalar(graph: &mut Graph, value: f32) -> Tensor {
    graph.constant_with_scalar(value, Shape { batch: 1, channels: 1, height: 1, width: 1 })
}

fn vector(graph: &mut Graph, values: &[f32]) -> Tensor {
    graph.constant(values, Shape::channels(values.len()))
}

fn layer_norm(graph: &mut Graph, x: Tensor, (gamma, beta): &(Vec<f32>, Vec<f32>)) -> Tensor {
    let epsilon = scalar(graph, EPSILON as f32);
    let minus_half = scalar(graph, -0.5);
    let (gamma, beta) = (vector(graph, gamma), vector(graph, beta));
    let mean = graph.reduce_mean(x, 1);
    let centred = graph.subtraction(x, mean);
    let squared = graph.multiplication(centred, centred);
    let variance = graph.reduce_mean(squared, 1);
    let shifted = graph.addition(variance, epsilon);
    let deviation = graph.power(shifted, minus_half);
    let normal = graph.multiplication(centred, deviation);
    let scaled = graph.multiplication(normal, gamma);
    graph.addition(scaled, beta)
}

fn gelu(graph: &mut Graph, x: Tensor) -> Tensor {
    let half = scalar(graph, 0.5);
    let one = scalar(graph, 1.0);
    let cubic = scalar(graph, 0.044_715);
    let root = scalar(graph, 0.797_884_6);
    let squared = graph.multiplication(x, x);
    let cubed = graph.multiplication(squared, x);
    let bent = graph.multiplication(cubed, cubic);
    let inner = graph.addition(x, bent);
    let inner = graph.multiplication(inner, root);
    let tanh = graph.tanh(inner);
    let gate = graph.addition(tanh, one);
    let halved = graph.multiplication(x, half);
    graph.multiplication(halved, gate)
}

/// `[1, EMBEDDING, 1, s]` to `[1, HEADS, s, HEAD]`.
fn split_heads(graph: &mut Graph, x: Tensor) -> Tensor {
    let split = graph.reshape(x, Shape { batch: 1, channels: HEADS, height: HEAD, width: x.shape.width });
    graph.transpose(split, [0, 1, 3, 2])
}

/// Attention, and the feed-forward part. The queries may be of fewer positions than the keys and values.
fn rest_of_layer(graph: &mut Graph, layer: &Layer, x: Tensor, [q, k, v, mask]: [Tensor; 4]) -> Tensor {
    let (q, k, v) = (split_heads(graph, q), split_heads(graph, k), split_heads(graph, v));
    let scale = scalar(graph, 1.0 / (HEAD as f32).sqrt());
    let scores = graph.matrix_multiplication(q, k, false, true);
    let scores = graph.multiplication(scores, scale);
    let scores = graph.addition(scores, mask);
    let probabilities = graph.soft_max(scores, -1);
    let mixed = graph.matrix_multiplication(probabilities, v, false, false);
    let mixed = graph.transpose(mixed, [0, 1, 3, 2]);
    let mixed = graph.reshape(mixed, x.shape);

    let weights = graph.constant(&layer.projection, Shape::spatial(EMBEDDING, 1, 1));
    let bias = vector(graph, &layer.projection_bias);
    let projected = graph.convolution_2d_1x1(mixed, weights, Some(bias));
    let residual = graph.addition(x, projected);

    let normal = layer_norm(graph, residual, &layer.norm2);
    let up = graph.inner_product(normal, &layer.up, EMBEDDING, 4 * EMBEDDING);
    let bias = vector(graph, &layer.up_bias);
    let up = graph.addition(up, bias);
    let up = gelu(graph, up);
    let down = graph.inner_product(up, &layer.down, 4 * EMBEDDING, EMBEDDING);
    graph.addition(residual, down)
}

/// All positions at once. Outputs: the keys and values for the cache, then the hidden state.
fn compile_prefill(layer: &Layer) -> Result<Executable, Error> {
    let mut graph = Graph::new();
    let x = graph.placeholder(Shape::spatial(EMBEDDING, 1, CONTEXT));
    let mask = graph.placeholder(Shape::spatial(1, CONTEXT, CONTEXT));
    let normal = layer_norm(&mut graph, x, &layer.norm1);
    let q = graph.inner_product(normal, &layer.query, EMBEDDING, EMBEDDING);
    let k = graph.inner_product(normal, &layer.key, EMBEDDING, EMBEDDING);
    let v = graph.inner_product(normal, &layer.value, EMBEDDING, EMBEDDING);
    // Read again below; without that a tensor is no output, so the cache gets copies.
    let one = scalar(&mut graph, 1.0);
    let _keys = graph.multiplication(k, one);
    let _values = graph.multiplication(v, one);
    rest_of_layer(&mut graph, layer, x, [q, k, v, mask]);
    graph.compile(NSQualityOfService::UserInteractive)
}

/// One position, in column 0 of a tensor as wide as the hardware wants; the cache comes in, the position's own key and value
/// go out.
fn compile_decode(layer: &Layer) -> Result<Executable, Error> {
    let mut graph = Graph::new();
    let x = graph.placeholder(Shape::spatial(EMBEDDING, 1, CONTEXT));
    let keys = graph.placeholder(Shape::spatial(EMBEDDING, 1, CONTEXT));
    let values = graph.placeholder(Shape::spatial(EMBEDDING, 1, CONTEXT));
    let mask = graph.placeholder(Shape::spatial(1, 1, 2 * CONTEXT));
    let normal = layer_norm(&mut graph, x, &layer.norm1);
    let q = graph.inner_product(normal, &layer.query, EMBEDDING, EMBEDDING);
    let k = graph.inner_product(normal, &layer.key, EMBEDDING, EMBEDDING);
    let v = graph.inner_product(normal, &layer.value, EMBEDDING, EMBEDDING);
    let one = scalar(&mut graph, 1.0);
    let _key = graph.multiplication(k, one);
    let _value = graph.multiplication(v, one);
    let all_keys = graph.concat(&[keys, k], 3);
    let all_values = graph.concat(&[values, v], 3);
    rest_of_layer(&mut graph, layer, x, [q, all_keys, all_values, mask]);
    graph.compile(NSQualityOfService::UserInteractive)
}

/// The last layer's state to scores of a vocabulary.
fn compile_head(embeddings: &[f32], vocabulary: usize) -> Result<Executable, Error> {
    let mut graph = Graph::new();
    let x = graph.placeholder(Shape::spatial(EMBEDDING, 1, CONTEXT));
    let logits = graph.inner_product(x, embeddings, EMBEDDING, vocabulary);
    graph.soft_max(logits, 1);
    graph.compile(NSQualityOfService::UserInteractive)
}

// The same in plain loops; a position is a vector.

fn dense(weights: &[f32], x: &[f64]) -> Vec<f64> {
    weights.chunks(x.len()).map(|row| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum()).collect()
}

fn plus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}

fn plain_norm(x: &[f64], (gamma, beta): &(Vec<f32>, Vec<f32>)) -> Vec<f64> {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
    let normal = x.iter().map(|x| (x - mean) / (variance + EPSILON).sqrt());
    normal.zip(gamma.iter().zip(beta)).map(|(x, (g, b))| x * f64::from(*g) + f64::from(*b)).collect()
}

/// The layer, for a position that sees itself and what is before it; fills the cache.
fn plain_layer(layer: &Layer, x: &[f64], cache: &mut Vec<[Vec<f64>; 2]>) -> Vec<f64> {
    let normal = plain_norm(x, &layer.norm1);
    let q = dense(&layer.query, &normal);
    cache.push([dense(&layer.key, &normal), dense(&layer.value, &normal)]);
    let mut mixed = vec![0.0; EMBEDDING];
    for head in 0..HEADS {
        let part = head * HEAD..(head + 1) * HEAD;
        let dot = |k: &[f64]| q[part.clone()].iter().zip(&k[part.clone()]).map(|(q, k)| q * k).sum::<f64>();
        let scores: Vec<f64> = cache.iter().map(|[k, _]| (dot(k) / (HEAD as f64).sqrt()).exp()).collect();
        let total: f64 = scores.iter().sum();
        for ([_, v], score) in cache.iter().zip(&scores) {
            part.clone().for_each(|i| mixed[i] += v[i] * score / total);
        }
    }
    let projected = plus(&dense(&layer.projection, &mixed), &wide(&layer.projection_bias));
    let residual = plus(x, &projected);
    let up = plus(&dense(&layer.up, &plain_norm(&residual, &layer.norm2)), &wide(&layer.up_bias));
    let root = (2.0 / std::f64::consts::PI).sqrt();
    let up: Vec<f64> = up.iter().map(|x| 0.5 * x * (1.0 + (root * (x + 0.044_715 * x.powi(3))).tanh())).collect();
    plus(&residual, &dense(&layer.down, &up))
}

/// The column of a `[1, channels, 1, CONTEXT]` tensor.
fn column(data: &[f32], at: usize) -> Vec<f64> {
    data.iter().skip(at).step_by(CONTEXT).map(|x| f64::from(*x)).collect()
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
    let error = found.iter().zip(expected).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    assert!(error <= 0.01 * scale, "{what}: {error} of {scale}\n{found:?}\n{expected:?}");
    assert!(scale > 1e-3, "{what}: nothing to compare");
}

/// Two layers, and the cache of each.
struct Decoder {
    layers: [Layer; 2],
    prefill: [Executable; 2],
    decode: [Executable; 2],
    keys: [TensorData; 2],
    values: [TensorData; 2],
}

impl Decoder {
    fn new() -> Result<Decoder, Error> {
        let layers = [Layer::new(1), Layer::new(2)];
        let state = || TensorData::new(Shape::spatial(EMBEDDING, 1, CONTEXT));
        Ok(Decoder {
            prefill: [compile_prefill(&layers[0])?, compile_prefill(&layers[1])?],
            decode: [compile_decode(&layers[0])?, compile_decode(&layers[1])?],
            keys: [state(), state()],
            values: [state(), state()],
            layers,
        })
    }

    /// The prompt, all positions at once: each executable writes what the next one reads.
    fn prefill(&self, input: &TensorData) -> Result<TensorData, Error> {
        let mask = TensorData::new(Shape::spatial(1, CONTEXT, CONTEXT));
        {
            let mut mask = mask.as_f32_slice_mut();
            for (at, score) in mask.iter_mut().enumerate() {
                *score = if at % CONTEXT > at / CONTEXT { MASKED } else { 0.0 };
            }
        }
        let (middle, last) = (TensorData::new(input.shape()), TensorData::new(input.shape()));
        self.prefill[0].run_cached(&[input, &mask], &[&self.keys[0], &self.values[0], &middle])?;
        self.prefill[1].run_cached(&[&middle, &mask], &[&self.keys[1], &self.values[1], &last])?;
        Ok(last)
    }

    /// One more position after `past` of them.
    fn step(&self, token: &[f32], past: usize) -> Result<Vec<f64>, Error> {
        let shape = Shape::spatial(EMBEDDING, 1, CONTEXT);
        let mut state = TensorData::new(shape);
        let columns: Vec<usize> = (0..EMBEDDING).map(|channel| channel * CONTEXT).collect();
        state.write_f32_sparse(&columns, token);
        // The cache's positions that are filled, and the position's own in the first column after the cache.
        let mask = TensorData::with_f32(&[MASKED; 2 * CONTEXT], Shape::spatial(1, 1, 2 * CONTEXT));
        (0..past).chain([CONTEXT]).for_each(|at| mask.write_f32_at(at, 0.0));
        let (key, value) = (TensorData::new(shape), TensorData::new(shape));
        for layer in 0..2 {
            let next = TensorData::new(shape);
            let inputs = [&state, &self.keys[layer], &self.values[layer], &mask];
            let time = self.decode[layer].run_cached_with_stats(&inputs, &[&key, &value, &next])?;
            // A Neural Engine's own time is not told on most systems.
            assert!(time > 0 || ane::neural_engine().is_ok());
            for (cache, new) in [(&self.keys[layer], &key), (&self.values[layer], &value)] {
                let new = new.as_f32_slice();
                let (at, numbers): (Vec<_>, Vec<_>) = columns.iter().map(|c| (c + past, new[*c])).unzip();
                cache.write_f32_sparse(&at, &numbers);
            }
            state = next;
        }
        Ok(column(&state.read_f32(), 0))
    }
}

#[test]
fn a_decoder_with_a_cache_agrees_with_plain_loops() -> Result<(), Error> {
    let decoder = Decoder::new()?;
    let (prompt, total) = (20, 28);
    let tokens: Vec<Vec<f32>> = (0..total).map(|at| Weights(100 + at as u64).next(EMBEDDING, 1.0)).collect();

    let input = TensorData::new(Shape::spatial(EMBEDDING, 1, CONTEXT));
    for (at, token) in tokens[..prompt].iter().enumerate() {
        let columns: Vec<usize> = (0..EMBEDDING).map(|channel| channel * CONTEXT + at).collect();
        input.write_f32_sparse(&columns, token);
    }
    let output = decoder.prefill(&input)?.read_f32();

    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        let middle = plain_layer(&decoder.layers[0], &wide(token), &mut first);
        let expected = plain_layer(&decoder.layers[1], &middle, &mut second);
        if at < prompt {
            assert_near(&column(&output, at), &expected, &format!("prompt, position {at}"));
        } else {
            assert_near(&decoder.step(token, at)?, &expected, &format!("step, position {at}"));
        }
    }
    Ok(())
}

#[test]
fn a_step_gives_what_the_prompt_gives_for_the_same_position() -> Result<(), Error> {
    let (whole, stepped) = (Decoder::new()?, Decoder::new()?);
    let tokens: Vec<Vec<f32>> = (0..9).map(|at| Weights(at).next(EMBEDDING, 1.0)).collect();
    let input = |count: usize| {
        let input = TensorData::new(Shape::spatial(EMBEDDING, 1, CONTEXT));
        let mut columns = input.as_f32_slice_mut();
        for (at, token) in tokens[..count].iter().enumerate() {
            token.iter().enumerate().for_each(|(channel, x)| columns[channel * CONTEXT + at] = *x);
        }
        drop(columns);
        input
    };
    let all = whole.prefill(&input(9))?.read_f32();
    stepped.prefill(&input(8))?;
    assert_near(&stepped.step(&tokens[8], 8)?, &column(&all, 8), "the ninth position");
    Ok(())
}

#[test]
fn a_classifier_head_gives_probabilities_and_its_best_is_the_plain_best() -> Result<(), Error> {
    let vocabulary = 100;
    let embeddings = Weights(7).next(vocabulary * EMBEDDING, 0.5);
    let head = compile_head(&embeddings, vocabulary)?;
    let state = Weights(8).next(EMBEDDING * CONTEXT, 1.0);
    let input = TensorData::with_f32(&state, Shape::spatial(EMBEDDING, 1, CONTEXT));
    let output = TensorData::new(Shape::spatial(vocabulary, 1, CONTEXT));
    head.run_cached_direct(&[&input], &[&output])?;
    let probabilities = output.as_f32_slice();
    for at in [0, 17, 63] {
        let found = column(&probabilities, at);
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 0.01);
        let logits = dense(&embeddings, &column(&state, at));
        let total: f64 = logits.iter().map(|x| x.exp()).sum();
        assert_near(&found, &logits.iter().map(|x| x.exp() / total).collect::<Vec<_>>(), "probabilities");
    }
    Ok(())
}
