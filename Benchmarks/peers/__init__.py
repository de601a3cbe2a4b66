"""The frameworks that ConvNet is measured against: one file and one `Peer` each."""
