"""Lords, the actor and its middleware, and worker processes."""
