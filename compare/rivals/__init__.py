"""One program a rival. Each runs in a process of its own; see `protocol`."""
