//! anemone-simd.
