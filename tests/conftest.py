from hypothesis import settings

# A shared machine may pause for longer than hypothesis allows a single example.
settings.register_profile("bpnet", deadline=None)
settings.load_profile("bpnet")
