"""One module a network: how its call becomes nodes."""
