"""Access to Redis: connections, topologies and scripts."""
