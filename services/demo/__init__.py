"""A day or a month played through the whole chain in lock-step with simulated people, and what one sees of it."""
