#!/usr/bin/env python3
"""Gets models that Apple's compiler wrote: python3 crates/anemone-mil/tests/golden/fetch.py [DIRECTORY]

They are test data of two crates, which are downloaded from crates.io (150 kB) and unpacked to target/tmp/golden, unless another
directory is named. Needs Python 3.9 or later, nothing else. The directory appears complete or not at all, so two of these may
run at once; one that is complete is kept.
"""

import hashlib
import io
import os
import pathlib
import sys
import tarfile
import tempfile
import urllib.request

CRATES = {
    "mlmodelc-export-0.1.0": "a8baf10d8035924e6c6933a1416856c81689e037a5c78a0f4f5e86fe906368c2",
    "coreml-native-0.2.0": "322ddf1574fe27fb381f4c259f6e87fbb8e5ca7eba4e7dad0aa128274b95cb9f",
}
# What of them is data.
FOLDERS = ("tests/",)


def download(name):
    """A crate's archive, checked."""
    crate = name.rsplit("-", 1)[0]
    url = f"https://static.crates.io/crates/{crate}/{name}.crate"
    request = urllib.request.Request(url, headers={"User-Agent": "anemone-tests"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != CRATES[name]:
        sys.exit(f"error: the checksum of {url} is not the one expected; nothing was kept")
    return content


def unpack(name, content, target):
    """Writes the files of the crate's tests, and no others."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            path = pathlib.PurePosixPath(member.name)
            inside = path.parts[0] == name and ".." not in path.parts
            if member.isfile() and inside and "/".join(path.parts[1:]).startswith(FOLDERS):
                file = target / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(archive.extractfile(member).read())


def main():
    root = pathlib.Path(__file__).resolve().parents[4]
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "target" / "tmp" / "golden"
    if all((target / name).is_dir() for name in CRATES):
        print(f"{target}: already there", file=sys.stderr)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last step is a rename within one file system.
    with tempfile.TemporaryDirectory(prefix=".golden-", dir=target.parent) as scratch:
        new = pathlib.Path(scratch) / "golden"
        for name in CRATES:
            try:
                unpack(name, download(name), new)
            except OSError as e:
                sys.exit(f"error: {name} cannot be had from crates.io: {e}")
        try:
            os.replace(new, target)
        except OSError:
            # Somebody else was faster, which is as good if the result is.
            if not all((target / name).is_dir() for name in CRATES):
                raise
    print(f"{target}: {', '.join(CRATES)}", file=sys.stderr)


if __name__ == "__main__":
    main()
