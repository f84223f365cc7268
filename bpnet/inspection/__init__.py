"""Looking into a network: plain records of what its layers do."""
