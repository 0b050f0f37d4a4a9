"""Trains the network of the example `digits` and writes digits.safetensors beside this file.

The data are scikit-learn's handwritten digits: 1797 images of 8 by 8 pixels with values 0 to 16. Three tenths are held out;
training never sees them. They go into the file with their labels, so that the example can measure itself.

    python3 -m venv /tmp/digits
    /tmp/digits/bin/pip install scikit-learn==1.9.1 numpy==2.4.6 safetensors==0.8.0
    /tmp/digits/bin/python train.py

It takes a minute. The seeds are fixed; other versions of the packages may give other weights.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

SEED = 0
HIDDEN = (128, 64)


def shifted(images):
    """The images, and each moved by one pixel in the four directions."""
    planes = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    moves = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    return np.concatenate([planes[:, y : y + 8, x : x + 8].reshape(-1, 64) for y, x in moves])


def main():
    digits = load_digits()
    train, test, train_labels, test_labels = train_test_split(
        digits.data, digits.target, test_size=0.3, random_state=SEED, stratify=digits.target
    )

    network = MLPClassifier(HIDDEN, alpha=1e-2, max_iter=300, random_state=SEED)
    network.fit(shifted(train) / 16, np.tile(train_labels, 5))
    print(f"held out: {network.score(test / 16, test_labels):.2%} of {len(test)}")

    # Weights as [out, in], the order of `inner_product`.
    tensors = {"images": test.astype(np.uint8), "labels": test_labels.astype(np.uint8)}
    for layer, (weights, bias) in enumerate(zip(network.coefs_, network.intercepts_)):
        tensors[f"layer{layer}.weights"] = np.ascontiguousarray(weights.T, dtype=np.float32)
        tensors[f"layer{layer}.bias"] = bias.astype(np.float32)
    save_file(tensors, Path(__file__).with_name("digits.safetensors"))


if __name__ == "__main__":
    main()
