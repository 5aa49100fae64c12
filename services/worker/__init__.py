"""The worker: takes `Notify` jobs, tells people, reports what became of it. Runs in a thread of `paidan up`."""
