"""What is measured: pure functions of arrays, each with unit, definition, reference and error."""
