"""The service under more than it can do, for as long as one likes: `make soak`."""
