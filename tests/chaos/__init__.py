"""The chaos soak: real processes and servers, all broken at random, and a checker that reads the whole history."""
