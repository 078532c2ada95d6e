"""The HTTP front door: connections, the list of stages, authentication, routing, dispatch."""
