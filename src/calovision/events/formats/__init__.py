"""Public file formats: reading, writing, conversion, download."""
