"""The device side: what a publisher builds into the product."""
