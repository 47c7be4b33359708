"""The tests, by speed and reach: unit, property, integration, acceptance, typing."""
