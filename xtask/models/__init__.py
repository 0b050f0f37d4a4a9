"""PyTorch models, converted by coremltools and run by anemone: see `__main__.py`."""
