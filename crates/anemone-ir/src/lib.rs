//! anemone-ir.
