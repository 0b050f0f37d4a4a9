//! anemone-testkit.
