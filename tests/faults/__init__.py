"""What may go wrong without harm: a test for each fault of the protocol, and for each trouble seen elsewhere."""
