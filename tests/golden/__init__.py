"""Logs and words that every version must go on reading. See README.md here."""
