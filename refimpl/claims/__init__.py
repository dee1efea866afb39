"""The claims of each implementation: what its paper says, as functions that measure, and fail when it is not so."""
