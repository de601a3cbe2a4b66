"""The comparison with other frameworks: one file and one `Peer` each, and what runs and tells it."""
