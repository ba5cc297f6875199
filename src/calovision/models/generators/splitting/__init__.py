"""Our generator: global features of a jet, split down a binary tree of cells to hits."""
