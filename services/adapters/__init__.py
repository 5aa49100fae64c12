"""One file a technology for each port. Imported by the entry points only."""
