//! anemone-mil.
