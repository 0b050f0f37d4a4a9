#!/usr/bin/env python3
"""Times this example beside onnxruntime, on the same weights: python3 examples/sentence_embedding/bench.py [--help]

    python3 -m venv target/venv/minilm
    target/venv/minilm/bin/pip install -r examples/sentence_embedding/requirements.txt
    python3 examples/sentence_embedding/fetch.py
    cargo build --release -p sentence_embedding
    target/venv/minilm/bin/python examples/sentence_embedding/bench.py

The ONNX model is exported by PyTorch from the weights in data/minilm, with pooling and normalisation, for sequences of one
length; `ort fused` is the same after onnxruntime's own transformer optimizer. Each round runs every engine for about a second,
one after the other, in turning order; a ratio is the median over rounds of the two medians of the same round. An engine's
result is compared with PyTorch's before it is timed.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime as ort
import torch
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from transformers import AutoTokenizer, BertModel

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "data" / "minilm"
PROGRAM = ROOT / "target" / "release" / "sentence_embedding"
SENTENCE = " ".join((ROOT / "examples/sentence_embedding/tests/sentences.txt").read_text().splitlines()[-3:])


class Network(torch.nn.Module):
    """The encoder with the mean over the tokens and a length of 1."""

    def __init__(self):
        super().__init__()
        self.bert = BertModel.from_pretrained(MODEL, attn_implementation="eager", dtype=torch.float32).eval()

    def forward(self, input_ids, attention_mask):
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        kept = attention_mask.unsqueeze(-1).float()
        return torch.nn.functional.normalize((hidden * kept).sum(1) / kept.sum(1), dim=1)


def export(directory, inputs):
    """The model as exported, and the same fused."""
    plain, fused = directory / "plain.onnx", directory / "fused.onnx"
    with torch.no_grad():
        names = ["input_ids", "attention_mask"]
        torch.onnx.export(Network(), tuple(map(torch.tensor, inputs.values())), plain, input_names=names,
                          output_names=["embedding"], opset_version=17, dynamo=False)
    options = FusionOptions("bert")
    model = optimizer.optimize_model(str(plain), "bert", num_heads=12, hidden_size=384, optimization_options=options)
    model.save_model_to_file(str(fused))
    return {"ort": plain, "ort fused": fused}


def onnxruntime(path, inputs, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run():
        session.run(None, inputs)
        times, start = [], time.perf_counter()
        while len(times) < 10 or time.perf_counter() - start < 1:
            begin = time.perf_counter()
            output = session.run(None, inputs)[0]
            times.append((time.perf_counter() - begin) * 1e3)
        return statistics.median(times), output[0]

    return run


def ours(sequence, threads, profile, more):
    command = [PROGRAM, "--model", MODEL, "--bench", "--json", "--seq", sequence, "--threads", threads]
    command = [str(part) for part in [*command, "--profile", profile, *more, SENTENCE]]

    def run():
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(result.stderr)
        report = json.loads(result.stdout)
        return report["latency_ms"], np.array(report["embeddings"][0])

    return run


def bench(engines, rounds, reference):
    times = {name: [] for name in engines}
    order = list(engines)
    for turn in range(rounds + 1):
        for name in order[turn % len(order):] + order[: turn % len(order)]:
            # Threads of the engine before, which wait for its next run, go to sleep.
            time.sleep(0.2)
            latency, output = engines[name]()
            if turn > 0:
                times[name].append(latency)
                continue
            # The first round warms up, and checks.
            cosine = float(output @ reference / np.linalg.norm(output) / np.linalg.norm(reference))
            if not cosine > 0.999:
                sys.exit(f"error: {name}: cosine {cosine} with PyTorch's result; what is wrong is not timed")
            print(f"  {name:<12} cosine {cosine:.7f}", flush=True)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seq", type=int, choices=[64, 128, 256], default=128)
    parser.add_argument("--threads", default="1,2", help="numbers of threads, with commas")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--more", nargs=argparse.REMAINDER, default=[], help="further options for the example")
    args = parser.parse_args()

    # Full sequences: padding is not timed.
    encoded = AutoTokenizer.from_pretrained(MODEL)(SENTENCE, truncation=True, max_length=args.seq)
    inputs = {name: np.array([encoded[name]], dtype=np.int64) for name in ("input_ids", "attention_mask")}
    if inputs["input_ids"].shape != (1, args.seq):
        sys.exit(f"error: the sentence has only {inputs['input_ids'].shape[1]} tokens")
    with torch.no_grad():
        reference = Network()(*map(torch.tensor, inputs.values()))[0].numpy()
    with tempfile.TemporaryDirectory() as scratch:
        models = export(pathlib.Path(scratch), inputs)
        for threads in map(int, args.threads.split(",")):
            print(f"\n{args.seq} tokens, {threads} thread{'s' * (threads > 1)}, {args.rounds} rounds")
            engines = {name: onnxruntime(path, inputs, threads) for name, path in models.items()}
            for profile in ("fp16", "f32"):
                engines[f"anemone {profile}"] = ours(args.seq, threads, profile, args.more)
            times = bench(engines, args.rounds, reference)
            for name, mine in times.items():
                ratios = {base: statistics.median(a / b for a, b in zip(mine, times[base])) for base in models}
                print(f"  {name:<12} p50 {statistics.median(mine):8.3f} ms"
                      + "".join(f"   {ratio:6.2f} x {base}" for base, ratio in ratios.items()))


if __name__ == "__main__":
    main()
