#!/usr/bin/env python3
"""Makes tests/reference.safetensors: what the original tokenizer and network, in f32 by PyTorch, make of tests/sentences.txt.

    python3 -m venv target/venv/minilm
    target/venv/minilm/bin/pip install -r examples/sentence_embedding/requirements.txt
    python3 examples/sentence_embedding/fetch.py
    target/venv/minilm/bin/python examples/sentence_embedding/reference.py

The file holds `embeddings` (f32, a row for each line), `ids` (i32, the tokens of all lines one after the other) and `lengths`
(i32, how many tokens each line has). Lines are cut at 256 tokens, the length this model was made for.
"""

import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from transformers import BertModel

HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE.parents[1] / "data" / "minilm"


def tokenizer():
    t = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    t.no_padding()
    t.enable_truncation(256)
    return t


def embedding(model, ids):
    with torch.no_grad():
        hidden = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
    return torch.nn.functional.normalize(hidden.mean(dim=0), dim=0).numpy()


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = BertModel.from_pretrained(MODEL, attn_implementation="eager", dtype=torch.float32).eval()
    sentences = (HERE / "tests" / "sentences.txt").read_text(encoding="utf-8").splitlines()
    ids = [e.ids for e in tokenizer().encode_batch(sentences)]
    tensors = {
        "embeddings": np.stack([embedding(model, i) for i in ids]),
        "ids": np.array([token for sentence in ids for token in sentence], dtype=np.int32),
        "lengths": np.array([len(i) for i in ids], dtype=np.int32),
    }
    save_file(tensors, HERE / "tests" / "reference.safetensors")
    print("tokens:", *tensors["lengths"])


if __name__ == "__main__":
    main()
