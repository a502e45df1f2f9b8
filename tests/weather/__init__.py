"""Bad weather: answers that nobody can understand, for waits and for whole chains."""
