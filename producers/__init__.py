"""Those who ask: files, generated counties, simulated people."""
