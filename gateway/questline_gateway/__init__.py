"""The gateway floor: the HTTP API, live events and the dashboard. It imports only the floors below it."""
