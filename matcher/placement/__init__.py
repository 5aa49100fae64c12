"""Placement on a long horizon (R27, R47, R86, R94): units to communities, people to compounds, cadres to posts.

`posing` asks a zone, `solving` answers, `proof` checks the answer without the solver, `report` says what it would
change and what each change gains. Suggestions only: nothing here changes a zone; `accepting` writes the ordinary
commands that would. Called by `paidan placement`. docs/placement.md has the model.
"""
