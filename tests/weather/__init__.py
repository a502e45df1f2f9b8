"""Bad weather: answers that no client can understand, during waits and during the creation of chains."""
