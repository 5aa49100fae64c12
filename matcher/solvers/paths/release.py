"""Kernel: (to come)."""
