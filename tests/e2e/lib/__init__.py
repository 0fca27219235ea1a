"""What the end-to-end tests stand on: the server as a process, raw packets, real clients."""
