"""Would a test notice? Small faults put into the code that decides, folds, reads and judges (`make mutants`)."""
