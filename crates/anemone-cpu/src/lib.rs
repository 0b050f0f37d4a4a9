//! anemone-cpu.
