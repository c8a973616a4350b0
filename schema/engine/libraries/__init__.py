"""What is used of other libraries beyond their public names: one module a library, each with a test that tells when it changes."""
