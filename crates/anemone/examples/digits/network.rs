//! The trained network, from its weights to an executable.

use crate::dataset::Layer;
use anemone::{Error, Executable, Graph, NSQualityOfService, Shape, Tensor};

/// Pixels of an image: 8 by 8.
pub(crate) const PIXELS: usize = 64;

/// Digits to tell apart.
pub(crate) const CLASSES: usize = 10;

/// Images in one run. They lie side by side along the width, where the Neural Engine wants at least 64 elements.
pub(crate) const BATCH: usize = 64;

/// Pixels in, one image a column.
pub(crate) const INPUT: Shape = Shape::spatial(PIXELS, 1, BATCH);

/// The probability of each digit out, one image a column.
pub(crate) const OUTPUT: Shape = Shape::spatial(CLASSES, 1, BATCH);

/// Builds the network.
pub(crate) fn graph(layers: &[Layer]) -> Graph {
    let mut g = Graph::new();
    let mut x = g.placeholder(INPUT);
    for (index, layer) in layers.iter().enumerate() {
        if index > 0 {
            x = g.relu(x);
        }
        x = dense(&mut g, x, layer);
    }
    g.soft_max(x, 1);
    g
}

/// A fully connected layer: at each column, the weights times the channels, plus the bias.
fn dense(g: &mut Graph, x: Tensor, layer: &Layer) -> Tensor {
    let product = g.inner_product(x, &layer.weights, x.shape.channels, layer.bias.len());
    let bias = g.constant(&layer.bias, Shape::channels(layer.bias.len()));
    g.addition(product, bias)
}

/// Compiles it for where it will run: the Neural Engine if there is one, else the CPU.
pub(crate) fn compile(graph: &Graph) -> Result<Executable, Error> {
    graph.compile(NSQualityOfService::UserInteractive)
}
