"""Everything that knows Redis: connections, topologies, scripts."""
