"""Operation of a store: its status, verification, rebuilding, export, move, and diagnosis."""
