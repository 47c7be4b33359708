"""Real servers for the tests, started from wheels on loopback; none outlives the process that started it."""
