"""Explanations of a live zone: read from the journal (`reading`), worked out elsewhere (`answering`, in a process of
its own by `process`). Called by the API and by `paidan explain --zone`. Appends nothing and decides nothing."""
