"""Checks MIL text and weight files with Apple's coremltools. Start at `__main__.py`; `cargo xtask validate` calls it."""
