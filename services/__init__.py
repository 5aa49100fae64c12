"""How the domain reaches the world: one adapter file a technology, chosen only in the entry point."""
