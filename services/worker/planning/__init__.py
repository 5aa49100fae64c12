"""Planning a week's batch: jobs `Rematch` in, reports and the plan out as commands; the work in an own process."""
